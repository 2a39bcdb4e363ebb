/* What a customer does on the phone, and what people at the shop write in TikTok's app or web inbox: rows
 * and the events that tell of them (messaging 3.5, 3.6). A reaction is no message: it changes the one it
 * belongs to. The phone page and POST /control/messages come here.
 */
#include "auto.h"
#include "talk.h"

enum { TEXT_BYTES_MAX = 2000 };
static const char text_why[] = "The text is not 1 to 2,000 bytes of UTF-8.";

/* Browsers send CR LF from a text area, TikTok's app a bare LF. */
static void text_lines(str text, char out[TEXT_BYTES_MAX + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (!(text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n'))
            out[n++] = text.p[i];
    out[n] = '\0';
}

static bool text_good(str text)
{
    return text.n > 0 && text.n <= TEXT_BYTES_MAX && utf8_valid(text) && memchr(text.p, '\0', text.n) == NULL;
}

static bool who_writes(const struct written *w, struct message *like)
{
    static const struct {
        const char *from;
        enum source source;
        const char *automatic;
    } all[] = {{"app", SOURCE_APP, NULL},
               {"web", SOURCE_WEB, NULL},
               {"auto", SOURCE_OTHERS, "AUTO_REPLY"},
               {"welcome", SOURCE_OTHERS, "WELCOME_MESSAGE"}};
    if (w->from.n == 0 || str_eq(w->from, STR("customer")))
        return true;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (!str_eq(str_of(all[i].from), w->from))
            continue;
        like->from_shop = true;
        like->source = all[i].source;
        like->automatic = all[i].automatic;
        return true;
    }
    return false;
}

/* ---- one maker per kind: fills the row; false: *why ---- */

struct making {
    struct sim *s;
    struct thread *t;
    const struct written *w;
    struct message like;
    str text;
    const char *why;
};

static bool no(struct making *x, const char *why)
{
    x->why = why;
    return false;
}

static bool make_text(struct making *x)
{
    x->text = x->w->text;
    return text_good(x->text) || no(x, text_why);
}

static unsigned owner_row(struct making *x)
{
    const struct user *u = user_find(x->s->w, str_of(x->s->w->shops[x->t->shop].user));
    return u == NULL ? MAX_USERS : user_index(x->s->w, u);
}

/* A picture that is there (an upload of the page), else one of our own drawing. */
static bool make_media(struct making *x)
{
    struct media *m = media_find(x->s, x->w->picture);
    str seed = x->w->picture.n > 0 ? x->w->picture : str_of(x->t->id);
    if (m == NULL)
        m = media_drawn(x->s, owner_row(x), x->like.content == CONTENT_VIDEO, seed);
    must(TEXT_SET(x->like.media, str_of(m->id)));
    return true;
}

static bool make_picture(struct making *x)
{
    str name = x->w->picture.n > 0 ? x->w->picture : STR("one");
    for (size_t i = 0; i < name.n; i++)
        if (!((name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= '0' && name.p[i] <= '9')))
            return no(x, "The picture's name is a-z and 0-9.");
    return TEXT_SET(x->like.picture, name) || no(x, "The picture's name is too long.");
}

static bool make_post(struct making *x)
{
    str id = x->w->picture.n > 0 ? x->w->picture : STR("7500000000001000010");
    return TEXT_SET(x->like.post, id) || no(x, "The post's id is too long.");
}

/* A tap on a card sends the button's title as text, with the card and the button's id. */
static bool make_tap(struct making *x)
{
    const struct message *of = message_find(x->s, x->t, x->w->message);
    int64_t at = -1;
    if (of == NULL || of->card == NULL)
        return no(x, "That message is no card.");
    for (unsigned i = 0; i < of->card->n; i++)
        if (str_eq(str_of(of->card->buttons[i].id), x->w->button) && x->w->button.n > 0)
            at = i;
    if ((at < 0 && !str_to_i64(x->w->button, &at)) || at < 0 || at >= of->card->n)
        return no(x, "The card has no such button.");
    x->text = str_of(of->card->buttons[at].title);
    must(TEXT_SET(x->like.tapped, str_of(of->id)));
    must(TEXT_SET(x->like.button, str_of(of->card->buttons[at].id)));
    return true;
}

static const struct {
    const char *kind;
    enum content content;
    bool (*make)(struct making *x);
} kinds[] = {
    {"text", CONTENT_TEXT, make_text},      {"image", CONTENT_IMAGE, make_media},
    {"video", CONTENT_VIDEO, make_media},   {"sticker", CONTENT_STICKER, make_picture},
    {"emoji", CONTENT_EMOJI, make_picture}, {"share_post", CONTENT_SHARE_POST, make_post},
    {"tap", CONTENT_TEXT, make_tap},
};

static bool make(struct making *x)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i].kind, x->w->kind) != 0)
            continue;
        x->like.content = kinds[i].content;
        if (!kinds[i].make(x))
            return false;
        if (x->w->quoted.n > 0 && message_find(x->s, x->t, x->w->quoted) == NULL)
            return no(x, "The quoted message is not in this conversation.");
        must(TEXT_SET(x->like.quoted, x->w->quoted));
        return true;
    }
    return no(x, "There is no such kind of message.");
}

/* ---- reactions, referrals, reading ---- */

static struct message *react(struct making *x, const struct plan *plan, uint64_t *delivery)
{
    struct message *m = message_find(x->s, x->t, x->w->message);
    str emoji = x->w->text.n > 0 ? x->w->text : STR("\U0001F44D");
    char text[40];
    unsigned at = 0;
    if (m == NULL || !TEXT_SET(text, emoji)) {
        x->why = "There is no such message, or the emoji is too long.";
        return NULL;
    }
    while (at < m->n_reactions && strcmp(m->reactions[at].emoji, text) != 0)
        at++;
    int64_t now = talk_now(x->s);
    if (x->w->remove && at < m->n_reactions)
        m->reactions[at] = m->reactions[--m->n_reactions];
    else if (!x->w->remove && at < MESSAGE_REACTIONS) {
        m->reactions[at] = (struct reaction){.ai = x->w->ai, .at_ms = now};
        must(TEXT_SET(m->reactions[at].emoji, str_of(text)));
        m->n_reactions = at == m->n_reactions ? at + 1 : m->n_reactions;
    }
    struct reaction_event e = {.of = m, .removed = x->w->remove, .ai = x->w->ai, .emoji = text, .at_ms = now};
    *delivery = event_reaction(x->s, &e, plan);
    return m;
}

static bool refer(struct making *x, const struct plan *plan, uint64_t *delivery)
{
    struct thread *t = x->t;
    str ref = x->w->text.n > 0 ? x->w->text : STR("sim_ad");
    bool link = str_eq(x->w->picture, STR("link"));
    if (!TEXT_SET(t->ref, ref))
        return no(x, "The reference is too long.");
    must(TEXT_SET(t->referral, link ? STR("link") : STR("ad")));
    t->referral_ms = talk_now(x->s);
    *delivery = event_referral(x->s, t, plan);
    return true;
}

void talk_read(struct sim *s, struct thread *t, const struct plan *plan_or_null)
{
    const struct message *m = message_newest(s, t);
    while (m != NULL && !m->from_shop)
        m = message_before(s, m);
    if (m == NULL || m->at_ms <= t->read_ms || s->w->customers[t->customer].eu)
        return;
    t->read_ms = m->at_ms;
    event_read(s, t, plan_or_null);
}

struct message *talk_write(struct sim *s, struct thread *t, const struct written *w, const struct plan *plan,
                           uint64_t *delivery, const char **why)
{
    static struct message nothing;
    char lines[TEXT_BYTES_MAX + 1];
    struct making x = {
        .s = s, .t = t, .w = w, .text = STR(""), .why = "Who writes is customer, app, web or auto."};
    struct message *m = NULL;
    *delivery = 0;
    x.like = (struct message){.source = SOURCE_APP, .at_ms = talk_now(s)};
    if (strcmp(w->kind, "reaction") == 0) {
        m = react(&x, plan, delivery);
    } else if (strcmp(w->kind, "referral") == 0) {
        m = refer(&x, plan, delivery) ? &nothing : NULL;
    } else if (strcmp(w->kind, "read") == 0) {
        talk_read(s, t, plan);
        m = &nothing;
    } else if (who_writes(w, &x.like) && make(&x)) {
        text_lines(x.text, lines);
        bool first = t->last == 0;
        m = message_add(s, t, &x.like, str_of(lines));
        m->delivery = *delivery = event_message(s, m, plan);
        if (first && !m->from_shop)
            auto_welcome(s, t);
    }
    *why = x.why;
    return m;
}

/* ---- POST /control/messages ---- */

static str member(const struct json *j, const char *name)
{
    str v = STR_NONE;
    return json_str(j, name, &v) ? v : STR_NONE;
}

static void answer(struct reply *a, const struct thread *t, const struct message *m, const uint64_t from,
                   size_t n)
{
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_cstr(&o, "message_id", m->id);
    out_cstr(&o, "conversation_id", t->id);
    out_open(&o, "ids", '[');
    for (size_t i = 0; i < n && from > 0; i++)
        out_int(&o, NULL, (int64_t)(from + i));
    out_close(&o, ']');
    out_close(&o, '}');
    reply_json(a, 200);
}

void control_message(struct sim *s, const struct ask *q, struct reply *a)
{
    const struct json *j = NULL;
    struct fault why = {.rc = RC_OK};
    struct plan plan = {.duplicates = 0};
    char kind[24] = "text";
    uint64_t delivery = 0;
    const char *no_because = "No such shop or customer.";
    if (json_parse(q->body, NULL, q->mem, &j, &why) != RC_OK ||
        plan_read(json_get(j, "plan"), &plan, &why) != RC_OK) {
        reply_error(s, a, 400, "body", why.detail);
        return;
    }
    const struct shop *shop = shop_find(s->w, member(j, "shop"));
    const struct customer *c = customer_find(s->w, member(j, "customer"));
    struct written w = {.kind = kind,
                        .text = member(j, "text"),
                        .quoted = member(j, "quoted"),
                        .message = member(j, "message"),
                        .button = member(j, "button"),
                        .picture = member(j, "picture"),
                        .from = member(j, "from")};
    json_bool(j, "remove", &w.remove);
    json_bool(j, "ai", &w.ai);
    bool known = member(j, "kind").n == 0 || TEXT_SET(kind, member(j, "kind"));
    bool there = shop != NULL && c != NULL && app_find(s->w, str_of(shop->client_key)) != NULL;
    struct thread *t = there && known ? thread_make(s, shop, c) : NULL;
    const struct message *m = t == NULL ? NULL : talk_write(s, t, &w, &plan, &delivery, &no_because);
    if (m == NULL)
        reply_error(s, a, 400, "message", no_because);
    else
        answer(a, t, m, delivery, (size_t)plan.duplicates + 1);
}
