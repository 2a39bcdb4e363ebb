/* business/message/auto_message/... (messaging 2.8): at most one welcome message, three suggested
 * questions, six chat prompts; texts are reviewed, and one under review cannot be changed. A welcome
 * message has no UPDATE event: an edit is told as DELETE and CREATE. Audit events follow when the review
 * ends.
 */
#include "auto.h"
#include "account.h"
#include "talk.h"
#include "v13.h"

const char *const auto_names[AUTO_KINDS] = {[AUTO_WELCOME] = "WELCOME_MESSAGE",
                                            [AUTO_QUESTION] = "SUGGESTED_QUESTION",
                                            [AUTO_PROMPT] = "CHAT_PROMPT"};
static const struct {
    const char *object, *first, *second; /* members; second NULL: none */
    size_t first_max, second_max, count;
} kinds[AUTO_KINDS] = {
    [AUTO_WELCOME] = {"welcome_message", "content", NULL, 250, 0, 1},
    [AUTO_QUESTION] = {"suggested_question", "question", "answer", 80, 200, 3},
    [AUTO_PROMPT] = {"chat_prompt", "title", "content", 18, 150, 6},
};
enum { REVIEW_FOR_EVER_DAYS = 36500 };

static const char *audit_of(const struct sim *s, const struct auto_message *m)
{
    return sim_now(s) < m->review_ms ? "REVIEWING" : m->rejected ? "REJECTED" : "APPROVED";
}

/* ---- events ---- */

struct told {
    const struct auto_message *m;
    const char *action, *audit; /* one of both */
    enum auto_kind kind;
    int64_t at_ms;
};

static void put_object(struct out *o, const struct auto_message *m)
{
    out_open(o, kinds[m->kind].object, '{');
    out_cstr(o, kinds[m->kind].first, m->first);
    if (kinds[m->kind].second != NULL)
        out_cstr(o, kinds[m->kind].second, m->second);
    out_close(o, '}');
}

static void fill_told(struct sim *s, struct out *o, const void *arg)
{
    const struct told *x = arg;
    (void)s;
    if (x->m != NULL)
        out_cstr(o, "auto_message_id", x->m->id);
    out_cstr(o, "auto_message_type", auto_names[x->kind]);
    out_cstr(o, x->action != NULL ? "auto_message_action" : "audit_status",
             x->action != NULL ? x->action : x->audit);
    out_int(o, "timestamp", x->at_ms);
    if (x->m != NULL && x->action != NULL)
        put_object(o, x->m);
}

static void tell(struct sim *s, const struct shop *shop, enum auto_kind kind, const struct auto_message *m,
                 const char *action)
{
    struct told x = {.m = m, .action = action, .kind = kind, .at_ms = talk_now(s)};
    event_emit(s, shop, "im_auto_message_config_update", fill_told, &x, NULL);
}

/* The review begins; its end is told when it comes. */
static void review(struct sim *s, const struct shop *shop, struct auto_message *m)
{
    int64_t wait = switch_int(&s->sw, SW_AUTO_REVIEW_MS);
    m->rejected = switch_is(&s->sw, SW_AUTO_REVIEW, "reject");
    if (switch_is(&s->sw, SW_AUTO_REVIEW, "hold")) {
        m->review_ms = sim_now(s) + REVIEW_FOR_EVER_DAYS * (int64_t)86400000;
        return;
    }
    struct told x = {.m = m, .audit = m->rejected ? "REJECTED" : "APPROVED", .kind = m->kind};
    struct plan plan = {.delay_ms = wait};
    m->review_ms = sim_now(s) + wait;
    x.at_ms = talk_now(s) + wait;
    event_emit(s, shop, "im_auto_message_audit_update", fill_told, &x, &plan);
}

/* ---- what every call needs ---- */

struct autos {
    struct v13 *c;
    struct shop *shop;
    struct shop_state *state;
    enum auto_kind kind;
};

static bool refuse(struct autos *x, const char *text)
{
    v13_refuse(x->c, "40002", text);
    return false;
}

static bool begin(struct autos *x, struct v13 *c)
{
    const char *text, *code;
    *x = (struct autos){.c = c, .kind = AUTO_KINDS};
    if (!v13_needs(c, "auto_message_type"))
        return false;
    for (size_t i = 0; i < AUTO_KINDS; i++)
        if (str_eq(str_of(auto_names[i]), v13_text(c, "auto_message_type")))
            x->kind = (enum auto_kind)i;
    if (x->kind == AUTO_KINDS)
        return refuse(x, "auto_message_type: WELCOME_MESSAGE, SUGGESTED_QUESTION or CHAT_PROMPT.");
    code = messaging_refusal(c->s, &c->s->w->apps[c->t->app], &c->s->w->users[c->t->user], &text);
    x->shop = shop_of_token(c->s, c->t);
    if (code != NULL || x->shop == NULL) {
        v13_refuse(c, code != NULL ? code : "40007", code != NULL ? text : "The account does not exist.");
        return false;
    }
    x->state = &c->s->w->shop_states[x->shop - c->s->w->shops];
    return true;
}

static struct auto_message *find(struct autos *x, str id)
{
    for (size_t i = 0; i < COUNT_OF(x->state->autos); i++) {
        struct auto_message *m = &x->state->autos[i];
        if (m->used && m->kind == x->kind && str_eq(str_of(m->id), id))
            return m;
    }
    return NULL;
}

static struct auto_message *named(struct autos *x)
{
    if (!v13_needs(x->c, "auto_message_id"))
        return NULL;
    struct auto_message *m = find(x, v13_text(x->c, "auto_message_id"));
    if (m == NULL)
        v13_refuse(x->c, "40007", "auto_message_id: The automatic message does not exist.");
    return m;
}

static bool text_good(const struct json *j, const char *name, size_t max, str *out)
{
    *out = STR("");
    return name == NULL || (json_str(j, name, out) && out->n > 0 && utf8_count(*out) <= max &&
                            memchr(out->p, '\0', out->n) == NULL);
}

/* The typed object of the call; no text twice within a type, but of the row `but`. */
static bool object_read(struct autos *x, const struct auto_message *but, str *first, str *second)
{
    const struct json *j = json_get(x->c->body, kinds[x->kind].object);
    if (j == NULL || j->type != JSON_OBJ ||
        !text_good(j, kinds[x->kind].first, kinds[x->kind].first_max, first) ||
        !text_good(j, kinds[x->kind].second, kinds[x->kind].second_max, second))
        return refuse(
            x, arena_fmt(x->c->q->mem, "%s: missing, or a text is too long.", kinds[x->kind].object).p);
    for (size_t i = 0; i < COUNT_OF(x->state->autos); i++) {
        const struct auto_message *m = &x->state->autos[i];
        if (m->used && m != but && m->kind == x->kind && str_eq(str_of(m->first), *first))
            return refuse(x, arena_fmt(x->c->q->mem, "%s: is there already.", kinds[x->kind].object).p);
    }
    return true;
}

static void answer_id(struct autos *x, const struct auto_message *m)
{
    struct out *o = v13_open(x->c);
    out_open(o, "auto_message", '{');
    out_cstr(o, "auto_message_id", m->id);
    out_close(o, '}');
    v13_close(x->c);
}

static void answer_empty(struct v13 *c)
{
    (void)v13_open(c);
    v13_close(c);
}

/* ---- the calls ---- */

void auto_create(struct v13 *c)
{
    struct autos x;
    str first, second;
    size_t n = 0;
    struct auto_message *room = NULL;
    if (!begin(&x, c) || !object_read(&x, NULL, &first, &second))
        return;
    for (size_t i = 0; i < COUNT_OF(x.state->autos); i++) {
        struct auto_message *m = &x.state->autos[i];
        n += m->used && m->kind == x.kind;
        room = room == NULL && !m->used ? m : room;
    }
    if (n == kinds[x.kind].count || room == NULL) {
        refuse(&x, "auto_message_type: no more of this type.");
        return;
    }
    int64_t number = 7600000000000005000LL + (int64_t)++c->s->drawn * 7;
    *room = (struct auto_message){.used = true, .kind = x.kind, .order = number};
    snprintf(room->id, sizeof room->id, "%lld", (long long)number);
    must(TEXT_SET(room->first, first) && TEXT_SET(room->second, second));
    x.state->auto_on[x.kind] = true;
    tell(c->s, x.shop, x.kind, room, "CREATE");
    review(c->s, x.shop, room);
    answer_id(&x, room);
}

void auto_update(struct v13 *c)
{
    struct autos x;
    str first, second;
    struct auto_message *m = begin(&x, c) ? named(&x) : NULL;
    if (m == NULL || !object_read(&x, m, &first, &second))
        return;
    if (strcmp(audit_of(c->s, m), "REVIEWING") == 0) {
        refuse(&x, "auto_message_id: is under review.");
        return;
    }
    if (x.kind == AUTO_WELCOME)
        tell(c->s, x.shop, x.kind, m, "DELETE");
    must(TEXT_SET(m->first, first) && TEXT_SET(m->second, second));
    tell(c->s, x.shop, x.kind, m, x.kind == AUTO_WELCOME ? "CREATE" : "UPDATE");
    review(c->s, x.shop, m);
    answer_id(&x, m);
}

void auto_status(struct v13 *c)
{
    struct autos x;
    if (!begin(&x, c))
        return;
    str status = v13_text(c, "operation_status");
    bool on = str_eq(status, STR("ENABLE"));
    if (!on && !str_eq(status, STR("DISABLE"))) {
        refuse(&x, "operation_status: ENABLE or DISABLE.");
        return;
    }
    x.state->auto_on[x.kind] = on;
    struct auto_message *first = NULL;
    for (size_t i = 0; i < COUNT_OF(x.state->autos); i++)
        if (x.state->autos[i].used && x.state->autos[i].kind == x.kind)
            first = &x.state->autos[i];
    if (on && x.kind == AUTO_WELCOME && first == NULL) { /* TikTok brings a text of its own */
        first = &x.state->autos[COUNT_OF(x.state->autos) - 1];
        *first = (struct auto_message){.used = true, .kind = AUTO_WELCOME, .id = "7600000000000005000"};
        must(TEXT_SET(first->first, STR("Hi! How can we help you?")));
    }
    tell(c->s, x.shop, x.kind, first, on ? "ENABLE" : "DISABLE");
    answer_empty(c);
}

static int by_order(const void *a, const void *b)
{
    const struct auto_message *const *x = a, *const *y = b;
    return ((*x)->order > (*y)->order) - ((*x)->order < (*y)->order);
}

void auto_get(struct v13 *c)
{
    struct autos x;
    const struct auto_message *rows[COUNT_OF(x.state->autos)];
    size_t n = 0;
    if (!begin(&x, c))
        return;
    str id = v13_text(c, "auto_message_id");
    for (size_t i = 0; i < COUNT_OF(x.state->autos); i++) {
        const struct auto_message *m = &x.state->autos[i];
        if (m->used && m->kind == x.kind && (id.n == 0 || str_eq(str_of(m->id), id)))
            rows[n++] = m;
    }
    qsort(rows, n, sizeof *rows, by_order);
    struct out *o = v13_open(c);
    out_cstr(o, "operation_status", x.state->auto_on[x.kind] ? "ENABLE" : "DISABLE");
    out_open(o, "auto_messages", '[');
    for (size_t i = 0; i < n; i++) {
        out_open(o, NULL, '{');
        out_cstr(o, "auto_message_id", rows[i]->id);
        out_cstr(o, "auto_message_type", auto_names[x.kind]);
        out_cstr(o, "audit_status", audit_of(c->s, rows[i]));
        put_object(o, rows[i]);
        out_close(o, '}');
    }
    out_close(o, ']');
    v13_close(c);
}

void auto_delete(struct v13 *c)
{
    struct autos x;
    if (!begin(&x, c))
        return;
    if (x.kind == AUTO_WELCOME) {
        refuse(&x, "auto_message_type: a welcome message can only be switched off.");
        return;
    }
    struct auto_message *m = named(&x);
    if (m == NULL)
        return;
    tell(c->s, x.shop, x.kind, m, "DELETE");
    *m = (struct auto_message){.used = false};
    answer_empty(c);
}

void auto_sort(struct v13 *c)
{
    struct autos x;
    struct auto_message *rows[COUNT_OF(x.state->autos)];
    size_t n = 0, there = 0;
    const struct json *list = json_get(c->body, "auto_message_ids");
    if (!begin(&x, c))
        return;
    for (size_t i = 0; i < COUNT_OF(x.state->autos); i++)
        there += x.state->autos[i].used && x.state->autos[i].kind == x.kind;
    bool good = x.kind == AUTO_PROMPT && list != NULL && list->type == JSON_ARR && list->count == there;
    for (const struct json *id = good ? list->child : NULL; id != NULL && good; id = id->next) {
        rows[n] = id->type == JSON_STR ? find(&x, id->s) : NULL;
        good = rows[n] != NULL;
        for (size_t i = 0; i < n; i++)
            good = good && rows[i] != rows[n];
        n++;
    }
    if (!good) {
        refuse(&x, "auto_message_ids: every CHAT_PROMPT once.");
        return;
    }
    for (size_t i = 0; i < n; i++)
        rows[i]->order = (int64_t)i;
    answer_empty(c);
}

void auto_welcome(struct sim *s, struct thread *t)
{
    const struct shop_state *x = &s->w->shop_states[t->shop];
    for (size_t i = 0; i < COUNT_OF(x->autos) && x->auto_on[AUTO_WELCOME]; i++) {
        const struct auto_message *m = &x->autos[i];
        if (!m->used || m->kind != AUTO_WELCOME || strcmp(audit_of(s, m), "APPROVED") != 0)
            continue;
        struct message like = {.content = CONTENT_TEXT,
                               .source = SOURCE_OTHERS,
                               .from_shop = true,
                               .automatic = auto_names[AUTO_WELCOME],
                               .at_ms = talk_now(s)};
        struct message *sent = message_add(s, t, &like, str_of(m->first));
        sent->delivery = event_message(s, sent, NULL);
    }
}
