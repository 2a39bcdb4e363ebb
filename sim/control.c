/* The control API: how tests and people steer the simulator (README "Control API"). One table of calls; each
 * reads JSON, changes the world under the lock, answers JSON. Nothing here imitates TikTok.
 */
#include "control.h"
#include "files.h"
#include "flight.h"
#include "rates.h"
#include "sender.h"
#include "faults.h"
#include "record.h"
#include "talk.h"

bool control_no(struct call *c, const char *text)
{
    (void)fault_set(&c->why, RC_INVALID, "sim.control", "%s", text);
    return false;
}

str control_text(const struct call *c, const char *name)
{
    str v = STR_NONE;
    return json_str(c->j, name, &v) ? v : STR_NONE;
}

/* Only the named members may be there ("a|b|c"). */
bool control_only(struct call *c, const char *names)
{
    for (const struct json *m = c->j == NULL ? NULL : c->j->child; m != NULL; m = m->next) {
        str rest = str_of(names), head = STR_NONE;
        bool known = false;
        while (str_cut(&rest, '|', &head))
            known = known || str_eq(head, m->key);
        if (!known) {
            (void)fault_set(&c->why, RC_INVALID, "sim.control", "unknown member " STR_FMT,
                            STR_ARG(str_sub(m->key, 0, 60)));
            return false;
        }
    }
    return true;
}

bool control_query_int(const struct call *c, const char *name, int64_t *out)
{
    struct form *f = arena_new(c->q->mem, struct form);
    return f != NULL && form_read(c->q->query, c->q->mem, f) && str_to_i64(form_get(f, name), out);
}

/* ---- lists ---- */

static bool get_list(struct call *c)
{
    return world_write(c->s, str_sub(c->q->path, strlen("/control/"), c->q->path.n), &c->o, true);
}

static bool put_list(struct call *c)
{
    str list = str_sub(c->q->path, strlen("/control/"), c->q->path.n);
    if (world_put(c->s, list, c->j, c->s->state_dir, &c->why) != RC_OK)
        return false;
    out_bool(&c->o, "ok", true);
    return true;
}

static bool get_state(struct call *c)
{
    struct world *w = c->s->w;
    out_cstr(&c->o, "url", c->s->url);
    out_int(&c->o, "now_ms", sim_now(c->s));
    out_int(&c->o, "offset_ms", w->offset_ms);
    out_int(&c->o, "apps", (int64_t)w->n_apps);
    out_int(&c->o, "users", (int64_t)w->n_users);
    out_int(&c->o, "shops", (int64_t)w->n_shops);
    out_int(&c->o, "customers", (int64_t)w->n_customers);
    out_int(&c->o, "advertisers", (int64_t)w->n_advertisers);
    out_int(&c->o, "grants", (int64_t)w->n_grants);
    out_int(&c->o, "codes_made", (int64_t)w->n_codes);
    out_int(&c->o, "tokens_made", (int64_t)w->n_tokens);
    out_int(&c->o, "messages_made", (int64_t)w->n_messages);
    out_int(&c->o, "deliveries_made", (int64_t)c->s->deliveries_n);
    out_int(&c->o, "log_last", (int64_t)c->s->log_n);
    return true;
}

/* ---- acts ---- */

static bool post_act(struct call *c)
{
    struct user *u = user_find(c->s->w, control_text(c, "user"));
    struct app *a = app_find(c->s->w, control_text(c, "client_key"));
    const struct act *what = act_find(control_text(c, "action"));
    bool webhook = true;
    int64_t in_ms = 0;
    if (!control_only(c, "user|action|client_key|webhook|in_ms"))
        return false;
    if (u == NULL || what == NULL || (a == NULL && json_get(c->j, "client_key") != NULL))
        return control_no(c, "user, action or client_key is unknown");
    json_bool(c->j, "webhook", &webhook);
    json_i64(c->j, "in_ms", &in_ms);
    struct timer t = {.due_ms = sim_now(c->s) + in_ms,
                      .user = user_index(c->s->w, u),
                      .app = a == NULL ? MAX_APPS : app_index(c->s->w, a),
                      .act = what,
                      .webhook = webhook};
    if (in_ms <= 0)
        act_run(c->s, u, a, what, webhook);
    else if (!act_later(c->s, &t))
        return control_no(c, "too many acts are waiting");
    out_bool(&c->o, "ok", true);
    return true;
}

/* ---- switches, faults, clock, log ---- */

static bool get_switches(struct call *c)
{
    for (size_t i = 0; i < SW_COUNT; i++)
        out_cstr(&c->o, switch_rows[i].name, c->s->sw.text[i]);
    return true;
}

static bool put_switches(struct call *c)
{
    struct switches next = c->s->sw;
    for (const struct json *m = c->j == NULL ? NULL : c->j->child; m != NULL; m = m->next) {
        str value = m->type == JSON_STR   ? m->s
                    : m->type == JSON_INT ? arena_fmt(c->q->mem, "%lld", (long long)m->i)
                                          : STR_NONE;
        if (switch_set(&next, m->key, value, &c->why) != RC_OK)
            return false;
    }
    c->s->sw = next;
    c->s->dirty = true;
    pthread_cond_broadcast(&c->s->wake);
    return get_switches(c);
}

static bool get_faults(struct call *c)
{
    faults_write(c->s, &c->o);
    return true;
}

static bool post_faults(struct call *c)
{
    if (fault_add(c->s, c->j, &c->why) != RC_OK)
        return false;
    out_bool(&c->o, "ok", true);
    return true;
}

static bool delete_faults(struct call *c)
{
    faults_clear(c->s);
    out_bool(&c->o, "ok", true);
    return true;
}

/* What is added to the real clock: the file of MZ_CLOCK, which moves the daemons that map it too, or only
 * the simulator's own offset. */
static void clock_set(struct sim *s, int64_t offset_ms)
{
    if (clock_shared())
        clock_shift_ms(offset_ms - s->w->offset_ms - clock_offset_ms());
    else
        s->w->offset_ms = offset_ms - clock_offset_ms();
}

static bool get_clock(struct call *c)
{
    out_int(&c->o, "now_ms", sim_now(c->s));
    out_int(&c->o, "offset_ms", c->s->w->offset_ms + clock_offset_ms());
    out_bool(&c->o, "shared", clock_shared());
    return true;
}

static bool post_clock(struct call *c)
{
    const int64_t limit = 20LL * 366 * 86400 * 1000;
    int64_t shift = 0, offset = c->s->w->offset_ms + clock_offset_ms();
    if (!control_only(c, "shift_ms|offset_ms"))
        return false;
    bool shifts = json_i64(c->j, "shift_ms", &shift), sets = json_i64(c->j, "offset_ms", &offset);
    if (shifts == sets || shift > limit || shift < -limit || offset + shift > limit ||
        offset + shift < -limit)
        return control_no(c, "give shift_ms or offset_ms, within twenty years");
    clock_set(c->s, offset + shift);
    c->s->dirty = true;
    timers_run(c->s);
    pthread_cond_broadcast(&c->s->wake);
    return get_clock(c);
}

static bool get_log(struct call *c)
{
    struct form *f = arena_new(c->q->mem, struct form);
    int64_t after = 0, limit = 500;
    struct buf b;
    if (f == NULL || !form_read(c->q->query, c->q->mem, f))
        return control_no(c, "the query is malformed");
    control_query_int(c, "after", &after);
    control_query_int(c, "limit", &limit);
    buf_init(&b, c->q->mem, 3U << 20);
    record_write(c->s, after < 0 ? 0 : (uint64_t)after, form_get(f, "path"), limit, &b);
    if (!buf_ok(&b))
        return control_no(c, "the answer is too long: ask with a smaller limit");
    buf_clear(&c->a->body);
    buf_put(&c->a->body, str_sub(buf_str(&b), 0, b.n - 1));
    return true;
}

static bool delete_log(struct call *c)
{
    record_clear(c->s);
    out_bool(&c->o, "ok", true);
    return true;
}

/* ---- webhooks ---- */

static bool get_webhooks(struct call *c)
{
    int64_t after = 0;
    control_query_int(c, "after", &after);
    deliveries_write(c->s, after < 0 ? 0 : (uint64_t)after, &c->o);
    return true;
}

static void put_ids(struct call *c, const uint64_t *ids, size_t n)
{
    out_open(&c->o, "ids", '[');
    for (size_t i = 0; i < n; i++)
        out_int(&c->o, NULL, (int64_t)ids[i]);
    out_close(&c->o, ']');
}

static void write_tree(struct out *o, const char *key, const struct json *j)
{
    switch (j->type) {
    case JSON_STR:
        out_str(o, key, j->s);
        break;
    case JSON_INT:
        out_int(o, key, j->i);
        break;
    case JSON_BOOL:
        out_bool(o, key, j->b);
        break;
    case JSON_ARR:
    case JSON_OBJ:
        out_open(o, key, j->type == JSON_ARR ? '[' : '{');
        for (const struct json *m = j->child; m != NULL; m = m->next) {
            char name[256];
            write_tree(o, j->type == JSON_OBJ && text_set(name, sizeof name, m->key) ? name : NULL, m);
        }
        out_close(o, j->type == JSON_ARR ? ']' : '}');
        break;
    case JSON_NULL:
    case JSON_DOUBLE: /* TikTok sends none */
        out_raw(o, key, STR("null"));
    }
}

static bool post_webhooks(struct call *c)
{
    struct plan plan;
    struct buf content;
    char open_id[ID_SIZE];
    uint64_t ids[8];
    struct app *a = app_find(c->s->w, control_text(c, "client_key"));
    const struct json *given = json_get(c->j, "content");
    if (!control_only(c, "client_key|event|user|user_openid|content|create_time|body|plan"))
        return false;
    if (a == NULL)
        return control_no(c, "client_key is unknown");
    if (plan_read(json_get(c->j, "plan"), &plan, &c->why) != RC_OK)
        return false;
    struct event e = {.app = a,
                      .name = control_text(c, "event"),
                      .user_openid = control_text(c, "user_openid"),
                      .body = control_text(c, "body")};
    const struct user *u = user_find(c->s->w, control_text(c, "user"));
    if (u != NULL) {
        open_id_of(a, u, open_id);
        e.user_openid = str_of(open_id);
    }
    json_i64(c->j, "create_time", &e.create_time_s);
    buf_init(&content, c->q->mem, WEBHOOK_MAX);
    struct out o;
    out_init(&o, &content, false);
    if (given != NULL && given->type != JSON_STR)
        write_tree(&o, NULL, given);
    e.content = given != NULL && given->type == JSON_STR ? given->s
                : given != NULL                          ? buf_str(&content)
                                                         : STR("{}");
    if (e.name.n == 0 && e.body.n == 0)
        return control_no(c, "event or body is required");
    put_ids(c, ids, webhook_emit(c->s, &e, &plan, ids));
    return true;
}

static bool post_release(struct call *c)
{
    str order = control_text(c, "order");
    if (!str_eq(order, STR("forward")) && !str_eq(order, STR("reverse")))
        return control_no(c, "order is forward or reverse");
    deliveries_release(c->s, str_eq(order, STR("reverse")));
    out_bool(&c->o, "ok", true);
    return true;
}

static bool post_retry(struct call *c)
{
    int64_t id = 0;
    struct delivery *d = json_i64(c->j, "id", &id) && id > 0 ? delivery_find(c->s, (uint64_t)id) : NULL;
    if (d == NULL || d->state == DELIVERY_SENDING)
        return control_no(c, "the delivery is unknown or being sent");
    d->state = d->n_attempts == 0 ? DELIVERY_WAITING : DELIVERY_RETRYING;
    d->due_ms = sim_now(c->s);
    pthread_cond_broadcast(&c->s->wake);
    out_bool(&c->o, "ok", true);
    return true;
}

/* The portal's "Test URL" button; the content of a ping is not documented (login-kit 6.1). */
static bool post_ping(struct call *c)
{
    uint64_t ids[8];
    struct app *a = app_find(c->s->w, control_text(c, "client_key"));
    if (a == NULL)
        return control_no(c, "client_key is unknown");
    struct event e = {.app = a, .name = STR("tiktok.ping"), .user_openid = STR_NONE, .content = STR("{}")};
    put_ids(c, ids, webhook_emit(c->s, &e, NULL, ids));
    return true;
}

static bool post_secret(struct call *c)
{
    struct app *a = app_find(c->s->w, control_text(c, "client_key"));
    str secret = control_text(c, "client_secret");
    char old[sizeof a->secret];
    if (a == NULL || secret.n == 0)
        return control_no(c, "client_key is unknown or client_secret is missing");
    must(TEXT_SET(old, str_of(a->secret)));
    if (!TEXT_SET(a->secret, secret))
        return control_no(c, "client_secret is too long");
    must(TEXT_SET(a->old_secret, str_of(old)));
    c->s->dirty = true;
    out_bool(&c->o, "ok", true);
    return true;
}

static bool post_reset(struct call *c)
{
    struct world *w = c->s->w;
    w->n_grants = w->n_codes = w->n_qrs = 0;
    talk_clear(c->s);
    tokens_clear(w);
    flights_clear(c->s);
    rates_clear(c->s);
    clock_set(c->s, 0);
    for (size_t i = 0; i < w->n_users; i++)
        w->users[i].state = PERSON_ACTIVE;
    memset(w->codes, 0, sizeof w->codes);
    memset(w->qrs, 0, sizeof w->qrs);
    memset(c->s->rates, 0, sizeof *c->s->rates * MAX_RATES);
    memset(c->s->timers, 0, sizeof *c->s->timers * MAX_TIMERS);
    faults_clear(c->s);
    record_clear(c->s);
    deliveries_clear(c->s);
    switches_init(&c->s->sw);
    c->s->dirty = true;
    out_bool(&c->o, "ok", true);
    return true;
}

static const struct {
    const char *method, *path;
    call_fn run;
} calls[] = {
    {"GET", "/control/state", get_state},
    {"GET", "/control/apps", get_list},
    {"PUT", "/control/apps", put_list},
    {"GET", "/control/users", get_list},
    {"PUT", "/control/users", put_list},
    {"GET", "/control/shops", get_list},
    {"PUT", "/control/shops", put_list},
    {"GET", "/control/customers", get_list},
    {"PUT", "/control/customers", put_list},
    {"GET", "/control/advertisers", get_list},
    {"PUT", "/control/advertisers", put_list},
    {"GET", "/control/grants", control_grants},
    {"POST", "/control/grants", control_grants_make},
    {"GET", "/control/refreshes", control_refreshes},
    {"GET", "/control/conversations", control_conversations},
    {"GET", "/control/comments", control_comments},
    {"POST", "/control/codes", control_codes},
    {"POST", "/control/tokens", control_tokens},
    {"POST", "/control/act", post_act},
    {"GET", "/control/switches", get_switches},
    {"PUT", "/control/switches", put_switches},
    {"GET", "/control/faults", get_faults},
    {"POST", "/control/faults", post_faults},
    {"DELETE", "/control/faults", delete_faults},
    {"GET", "/control/clock", get_clock},
    {"POST", "/control/clock", post_clock},
    {"GET", "/control/log", get_log},
    {"DELETE", "/control/log", delete_log},
    {"GET", "/control/webhooks", get_webhooks},
    {"POST", "/control/webhooks", post_webhooks},
    {"POST", "/control/webhooks/release", post_release},
    {"POST", "/control/webhooks/retry", post_retry},
    {"POST", "/control/ping", post_ping},
    {"POST", "/control/secret", post_secret},
    {"POST", "/control/reset", post_reset},
};

static call_fn call_of(const struct ask *q)
{
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        if (str_eq(str_of(calls[i].method), q->method) && str_eq(str_of(calls[i].path), q->path))
            return calls[i].run;
    return NULL;
}

void control_any(struct sim *s, const struct ask *q, struct reply *a)
{
    struct call c = {.s = s, .q = q, .a = a};
    call_fn run = call_of(q);
    if (run == NULL) {
        reply_error(s, a, 404, "control", "There is no such control call.");
        return;
    }
    if (q->body.n > 0 &&
        (json_parse(q->body, NULL, q->mem, &c.j, &c.why) != RC_OK || c.j->type != JSON_OBJ)) {
        reply_error(s, a, 400, "control", "The body is not a JSON object.");
        return;
    }
    out_init(&c.o, &a->body, false);
    out_open(&c.o, NULL, '{');
    if (!run(&c)) {
        reply_error(s, a, 400, "control", c.why.detail[0] != '\0' ? c.why.detail : "The call was refused.");
        return;
    }
    out_close(&c.o, '}');
    reply_json(a, 200);
}
