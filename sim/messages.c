/* POST /business/message/send/ (messaging 2.1, 2.2, 8). Checks in their order: the parameters, one
 * content that matches message_type, recipient or direct_reply, sizes; then the account, the
 * conversation, the quoted message, media and posts; last the rules of direct messages (window.c), which
 * answer 40064. There is no idempotency key: what is accepted twice is sent twice, and GET
 * /control/conversations shows it.
 */
#include "account.h"
#include "comments.h"
#include "talk.h"
#include "v13.h"

enum { TEXT_CHARS = 6000, TITLE_CHARS = 40, BUTTON_CHARS = 20, LINK_CHARS = 40, BUTTON_ID_CHARS = 40 };
enum { ECHO_FIRST_MS = -50, ECHO_LAST_MS = 2000 };

struct sending {
    struct v13 *c;
    struct message like; /* what it becomes */
    struct card card;
    str text, quoted, comment;
    enum { ACTION_NONE, ACTION_TYPING, ACTION_MARK_READ } action;
    struct shop *shop;
    struct thread *thread;
};

static bool no(struct sending *m, const char *code, const char *fmt, const char *name)
{
    v13_refuse(m->c, code, arena_fmt(m->c->q->mem, "%s: %s", name, fmt).p);
    return false;
}

static bool bad(struct sending *m, const char *name, const char *why)
{
    return no(m, "40002", why, name);
}

static str member(const struct json *j, const char *name)
{
    str v = STR_NONE;
    return json_str(j, name, &v) ? v : STR_NONE;
}

/* 1 to max characters; emoji count as their code points. */
static bool fits(str s, size_t max)
{
    return s.n > 0 && utf8_count(s) <= max && memchr(s.p, '\0', s.n) == NULL;
}

/* ---- one reader per message_type ---- */

static bool read_text(struct sending *m, const struct json *j)
{
    m->like.content = CONTENT_TEXT;
    m->text = member(j, "body");
    return fits(m->text, TEXT_CHARS) || bad(m, "text.body", "1 to 6000 characters.");
}

static bool read_image(struct sending *m, const struct json *j)
{
    m->like.content = CONTENT_IMAGE;
    str id = member(j, "media_id");
    if (id.n == 0)
        return bad(m, "image.media_id", "Missing data for required field.");
    return TEXT_SET(m->like.media, id) ||
           no(m, "40910", "The media is unknown or expired.", "image.media_id");
}

static bool read_post(struct sending *m, const struct json *j)
{
    m->like.content = CONTENT_SHARE_POST;
    str id = member(j, "item_id");
    return (id.n > 0 && TEXT_SET(m->like.post, id)) ||
           bad(m, "share_post.item_id", "not a post of the account.");
}

static bool read_button(struct sending *m, const struct json *j)
{
    str title = member(j, "title"), id = member(j, "id");
    unsigned at = m->card.n++;
    if (!str_eq(member(j, "type"), STR("REPLY")))
        return bad(m, "template.buttons.type", "must be REPLY.");
    if (!fits(title, m->card.link ? LINK_CHARS : BUTTON_CHARS))
        return bad(m, "template.buttons.title", m->card.link ? "1 to 40 characters." : "1 to 20 characters.");
    if (json_get(j, "id") != NULL && !fits(id, BUTTON_ID_CHARS))
        return bad(m, "template.buttons.id", "at most 40 characters.");
    must(TEXT_SET(m->card.buttons[at].title, title) && TEXT_SET(m->card.buttons[at].id, id));
    return true;
}

static bool read_template(struct sending *m, const struct json *j)
{
    str type = member(j, "type"), title = member(j, "title");
    const struct json *buttons = json_get(j, "buttons");
    m->like.content = CONTENT_TEMPLATE;
    m->like.card = &m->card;
    m->card.link = str_eq(type, STR("QA_LINK_CARD"));
    if (!m->card.link && !str_eq(type, STR("QA_BUTTON_CARD")))
        return bad(m, "template.type", "QA_BUTTON_CARD or QA_LINK_CARD.");
    if (!fits(title, TITLE_CHARS))
        return bad(m, "template.title", "1 to 40 characters.");
    must(TEXT_SET(m->card.title, title));
    if (buttons == NULL || buttons->type != JSON_ARR || buttons->count < 1 || buttons->count > CARD_BUTTONS)
        return bad(m, "template.buttons", "1 to 3 buttons.");
    for (const struct json *b = buttons->child; b != NULL; b = b->next)
        if (!read_button(m, b))
            return false;
    return true;
}

static bool read_action(struct sending *m, const struct json *j)
{
    str name = j->type == JSON_STR ? j->s : STR_NONE;
    m->action = str_eq(name, STR("TYPING"))      ? ACTION_TYPING
                : str_eq(name, STR("MARK_READ")) ? ACTION_MARK_READ
                                                 : ACTION_NONE;
    return m->action != ACTION_NONE || bad(m, "sender_action", "TYPING or MARK_READ.");
}

static const struct {
    const char *type, *name;
    bool text; /* the content is a text and no object */
    bool (*read)(struct sending *m, const struct json *j);
} types[] = {
    {"TEXT", "text", false, read_text},
    {"IMAGE", "image", false, read_image},
    {"SHARE_POST", "share_post", false, read_post},
    {"TEMPLATE", "template", false, read_template},
    {"SENDER_ACTION", "sender_action", true, read_action},
};

/* Exactly one content, the one that message_type names. */
static bool content_good(struct sending *m)
{
    size_t at = 0;
    str type = v13_text(m->c, "message_type");
    while (at < COUNT_OF(types) && !str_eq(str_of(types[at].type), type))
        at++;
    if (at == COUNT_OF(types))
        return bad(m, "message_type", "TEXT, IMAGE, SHARE_POST, TEMPLATE or SENDER_ACTION.");
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (i != at && json_get(m->c->body, types[i].name) != NULL)
            return bad(m, types[i].name, "does not go with this message_type.");
    const struct json *j = json_get(m->c->body, types[at].name);
    if (j == NULL || j->type != (types[at].text ? JSON_STR : JSON_OBJ))
        return bad(m, types[at].name, "Missing data for required field.");
    return types[at].read(m, j);
}

static bool recipient_good(struct sending *m)
{
    const struct json *direct = json_get(m->c->body, "direct_reply");
    bool type = json_get(m->c->body, "recipient_type") != NULL,
         who = json_get(m->c->body, "recipient") != NULL;
    if (direct == NULL) {
        if (!v13_needs(m->c, "recipient_type|recipient"))
            return false;
        return str_eq(v13_text(m->c, "recipient_type"), STR("CONVERSATION")) ||
               bad(m, "recipient_type", "must be CONVERSATION.");
    }
    if (type || who)
        return bad(m, type ? "recipient_type" : "recipient", "does not go with direct_reply.");
    if (!str_eq(member(direct, "reply_type"), STR("COMMENT_REPLY")))
        return bad(m, "direct_reply.reply_type", "must be COMMENT_REPLY.");
    m->comment = member(json_get(direct, "comment_reply"), "comment_id");
    if (m->comment.n == 0)
        return bad(m, "direct_reply.comment_reply.comment_id", "Missing data for required field.");
    return str_eq(v13_text(m->c, "message_type"), STR("TEXT")) || bad(m, "message_type", "must be TEXT.");
}

static bool quote_good(struct sending *m)
{
    const struct json *info = json_get(m->c->body, "referenced_message_info");
    if (info == NULL)
        return true;
    if (m->like.content != CONTENT_TEXT || m->action != ACTION_NONE)
        return bad(m, "referenced_message_info", "only with message_type TEXT.");
    m->quoted = member(info, "referenced_message_id");
    return (m->quoted.n > 0 && TEXT_SET(m->like.quoted, m->quoted)) ||
           bad(m, "referenced_message_info.referenced_message_id", "Missing data for required field.");
}

/* ---- the world ---- */

static bool account_good(struct sending *m)
{
    struct sim *s = m->c->s;
    const char *text, *code;
    code = messaging_refusal(s, &s->w->apps[m->c->t->app], &s->w->users[m->c->t->user], &text);
    if (code != NULL)
        v13_refuse(m->c, code, text);
    return code == NULL;
}

static bool thread_good(struct sending *m)
{
    struct sim *s = m->c->s;
    m->shop = shop_of_token(s, m->c->t);
    if (m->comment.n > 0)
        return direct_reply_open(m->c, m->shop, m->comment, &m->thread);
    m->thread = thread_find(s, m->shop, v13_text(m->c, "recipient"));
    if (m->thread != NULL && !s->w->customers[m->thread->customer].eu)
        return true;
    bool invalid = switch_is(&s->sw, SW_UNKNOWN_CONVERSATION, "40002");
    v13_refuse(m->c, s->sw.text[SW_UNKNOWN_CONVERSATION],
               invalid ? "Param conversation_id is invalid." : "The conversation does not exist.");
    return false;
}

static bool quoted_good(struct sending *m)
{
    const struct message *of = message_find(m->c->s, m->thread, m->quoted);
    if (m->quoted.n == 0)
        return true;
    if (of != NULL &&
        (of->content == CONTENT_TEXT || of->content == CONTENT_IMAGE || of->content == CONTENT_SHARE_POST))
        return true;
    return bad(m, "referenced_message_info.referenced_message_id",
               "must be a text, an image or a post of this conversation.");
}

bool image_capable(const struct sim *s, const struct thread *t)
{
    bool stranger = switch_is(&s->sw, SW_IMAGE_SEND, "single") && thread_stranger(t);
    return !stranger && !switch_is(&s->sw, SW_IMAGE_SEND, "off") && !s->w->customers[t->customer].no_images;
}

static bool image_good(struct sending *m)
{
    struct sim *s = m->c->s;
    const struct media *x = media_find(s, str_of(m->like.media));
    if (x == NULL || x->inbound || x->user != m->c->t->user || media_expired(s, x))
        return no(m, "40910", "The media is unknown or expired.", "image.media_id");
    if (image_capable(s, m->thread))
        return true;
    return no(m, s->sw.text[SW_CAPABILITY_ERROR], "Images cannot be sent in this conversation.", "image");
}

static bool post_good(struct sending *m)
{
    if (video_is_of(m->c->s, &m->c->s->w->users[m->c->t->user], str_of(m->like.post)))
        return true;
    return bad(m, "share_post.item_id", "not a post of the account.");
}

static bool parts_good(struct sending *m)
{
    if (!quoted_good(m))
        return false;
    if (m->action != ACTION_NONE)
        return true;
    if (m->like.content == CONTENT_IMAGE)
        return image_good(m);
    return m->like.content != CONTENT_SHARE_POST || post_good(m);
}

static bool rules_good(struct sending *m)
{
    struct sim *s = m->c->s;
    size_t at;
    bool link = str_find(m->text, STR("http://"), &at) || str_find(m->text, STR("https://"), &at);
    if (m->action != ACTION_NONE)
        return true;
    const char *text = m->comment.n > 0 ? NULL : window_refusal(s, m->thread);
    if (text == NULL && link && switch_is(&s->sw, SW_LINKS, "refuse"))
        text = "The message is blocked by direct message rules.";
    if (text == NULL)
        return true;
    m->thread->refused++;
    v13_refuse(m->c, "40064", text);
    return false;
}

/* ---- sending ---- */

/* From 50 ms before the answer to two seconds after it, drawn from a counter. */
static int64_t echo_spread(struct sim *s)
{
    return ECHO_FIRST_MS + (int64_t)(s->drawn++ * 617 % (ECHO_LAST_MS - ECHO_FIRST_MS + 1));
}

static void echo(struct sending *m, struct message *sent)
{
    struct sim *s = m->c->s;
    struct plan plan = {.duplicates = 0};
    int64_t ms = switch_is(&s->sw, SW_ECHO, "spread")   ? echo_spread(s)
                 : switch_is(&s->sw, SW_ECHO, "before") ? ECHO_FIRST_MS
                                                        : switch_int(&s->sw, SW_ECHO_DELAY_MS);
    if (switch_is(&s->sw, SW_ECHO, "off"))
        return;
    plan.hold = switch_is(&s->sw, SW_ECHO, "held");
    plan.delay_ms = ms > 0 ? ms : 0;
    sent->delivery = event_message(s, sent, &plan);
    if (ms < 0 && !plan.hold)
        m->c->a->wait_delivery = sent->delivery;
}

static void answer(struct sending *m, const char *id)
{
    struct out *o = v13_open(m->c);
    out_open(o, "message", '{');
    out_cstr(o, "message_id", id);
    out_close(o, '}');
    v13_close(m->c);
}

static void act(struct sending *m)
{
    struct thread *t = m->thread;
    t->typing += m->action == ACTION_TYPING;
    t->mark_read += m->action == ACTION_MARK_READ;
    if (m->action == ACTION_TYPING)
        t->typing_ms = sim_now(m->c->s);
    answer(m, "");
}

void message_send(struct v13 *c)
{
    struct sending m = {.c = c};
    if (!v13_needs(c, "message_type") || !recipient_good(&m) || !content_good(&m) || !quote_good(&m) ||
        !account_good(&m) || !thread_good(&m) || !parts_good(&m) || !rules_good(&m))
        return;
    if (m.action != ACTION_NONE) {
        act(&m);
        return;
    }
    m.like.from_shop = true;
    m.like.source = SOURCE_API;
    m.like.at_ms = talk_now(c->s);
    must(TEXT_SET(m.like.log_id, str_of(c->a->log_id)));
    struct message *sent = message_add(c->s, m.thread, &m.like, m.text);
    if (m.comment.n > 0)
        direct_reply_done(c->s, m.comment);
    echo(&m, sent);
    answer(&m, sent->id);
}
