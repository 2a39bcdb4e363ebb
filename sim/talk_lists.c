/* What an app reads of conversations: conversation/list/, content/list/, capabilities/get/ (messaging
 * 2.3, 2.4, 2.7). 90 days of conversations, the newest 20 messages, no more. Ids hold '+', '/' and '=':
 * the query is decoded as a form, so that a raw '+' is a blank and the id is invalid.
 */
#include "account.h"
#include "talk.h"
#include "v13.h"

enum { KEEP_DAYS = 90, CONVERSATIONS_MAX = 100, NEWEST = 20, FACE_SIDE = 168 };
static const int64_t day_ms = 86400000;

static bool account_good(struct v13 *c)
{
    const char *text, *code;
    code = messaging_refusal(c->s, &c->s->w->apps[c->t->app], &c->s->w->users[c->t->user], &text);
    if (code != NULL)
        v13_refuse(c, code, text);
    return code == NULL;
}

static bool type_asked(struct v13 *c, bool *stranger)
{
    str type = v13_text(c, "conversation_type");
    if (!v13_needs(c, "conversation_type"))
        return false;
    *stranger = str_eq(type, STR("STRANGER"));
    if (*stranger || str_eq(type, STR("SINGLE")))
        return true;
    v13_refuse(c, "40002", "conversation_type: STRANGER or SINGLE.");
    return false;
}

/* ---- conversation/list/ ---- */

static int by_update(const void *a, const void *b)
{
    const struct thread *const *x = a, *const *y = b;
    if ((*x)->update_ms != (*y)->update_ms)
        return (*x)->update_ms > (*y)->update_ms ? -1 : 1;
    return (*x)->last > (*y)->last ? -1 : (*x)->last < (*y)->last;
}

/* The conversations of this account, newest first; returns how many. */
static size_t conversations(struct v13 *c, bool stranger, const struct thread **out)
{
    const struct world *w = c->s->w;
    const struct shop *shop = shop_of_token(c->s, c->t);
    size_t n = 0;
    for (size_t i = 0; i < w->n_threads && shop != NULL; i++) {
        const struct thread *t = &w->threads[i];
        if (&w->shops[t->shop] == shop && t->last > 0 && !w->customers[t->customer].eu &&
            thread_stranger(t) == stranger && t->update_ms >= sim_now(c->s) - KEEP_DAYS * day_ms)
            out[n++] = t;
    }
    qsort(out, n, sizeof *out, by_update);
    return n;
}

static bool number_asked(struct v13 *c, const char *name, int64_t def, int64_t max, int64_t *out)
{
    str text = v13_text(c, name);
    *out = def;
    if (text.n == 0 || (str_to_i64(text, out) && *out >= (max == CONVERSATIONS_MAX) && *out <= max))
        return true;
    v13_refuse(c, "40002", arena_fmt(c->q->mem, "%s: not within its bounds.", name).p);
    return false;
}

/* Arrays here, objects in the webhook; the advertisement's time in seconds here, milliseconds there. */
static void put_referral(struct out *o, const struct thread *t)
{
    bool ad = strcmp(t->referral, "ad") == 0;
    out_open(o, "referral", '{');
    if (t->referral[0] != '\0') {
        out_open(o, ad ? "ad" : "short_link", '[');
        out_open(o, NULL, '{');
        if (ad) {
            out_cstr(o, "advertiser_id", "7300000000000000789");
            out_cstr(o, "ad_id", "1800000000000001");
            out_int(o, "timestamp", t->referral_ms / 1000);
            out_cstr(o, "ad_name", t->ref);
        } else {
            out_cstr(o, "ref", t->ref);
            out_cstr(o, "prefilled_message", "");
            out_cstr(o, "prefilled_message_audit_status", "PASS");
        }
        out_close(o, '}');
        out_close(o, ']');
    }
    out_close(o, '}');
}

void conversation_list(struct v13 *c)
{
    const struct thread **rows = arena_take(c->q->mem, (c->s->w->n_threads + 1) * sizeof *rows);
    int64_t limit, cursor;
    bool stranger;
    if (!type_asked(c, &stranger) ||
        !number_asked(c, "limit", CONVERSATIONS_MAX, CONVERSATIONS_MAX, &limit) ||
        !number_asked(c, "cursor", 0, INT32_MAX, &cursor) || !account_good(c))
        return;
    if (rows == NULL) {
        v13_refuse(c, "50000", "System error.");
        return;
    }
    size_t n = conversations(c, stranger, rows), at = (size_t)cursor, end = at + (size_t)limit;
    struct out *o = v13_open(c);
    out_open(o, "conversations", '[');
    for (; at < n && at < end; at++) {
        out_open(o, NULL, '{');
        out_cstr(o, "conversation_id", rows[at]->id);
        out_int(o, "update_time", rows[at]->update_ms);
        put_referral(o, rows[at]);
        out_close(o, '}');
    }
    out_close(o, ']');
    out_bool(o, "has_more", at < n);
    out_int(o, "cursor", (int64_t)at);
    v13_close(c);
}

/* ---- content/list/ ---- */

static const char *const upper_names[CONTENT_KINDS] = {
    [CONTENT_TEXT] = "TEXT",         [CONTENT_IMAGE] = "IMAGE", [CONTENT_VIDEO] = "VIDEO",
    [CONTENT_STICKER] = "STICKER",   [CONTENT_EMOJI] = "EMOJI", [CONTENT_SHARE_POST] = "SHARE_POST",
    [CONTENT_TEMPLATE] = "TEMPLATE",
};

/* Here the card has the shape of the send call: buttons with `title`, no elements. */
static void put_card(struct out *o, const struct card *card)
{
    out_open(o, "template", '{');
    out_cstr(o, "type", card->link ? "QA_LINK_CARD" : "QA_BUTTON_CARD");
    out_cstr(o, "title", card->title);
    out_open(o, "buttons", '[');
    for (unsigned i = 0; i < card->n; i++) {
        out_open(o, NULL, '{');
        out_cstr(o, "type", "REPLY");
        out_cstr(o, "title", card->buttons[i].title);
        if (card->buttons[i].id[0] != '\0')
            out_cstr(o, "id", card->buttons[i].id);
        out_close(o, '}');
    }
    out_close(o, ']');
    out_close(o, '}');
}

static void put_payload(struct sim *s, struct out *o, const struct message *m)
{
    char url[160];
    if (m->content == CONTENT_TEMPLATE) {
        put_card(o, m->card);
        return;
    }
    out_open(o, content_names[m->content], '{');
    if (m->content == CONTENT_TEXT) {
        out_cstr(o, "body", m->text);
    } else if (m->content == CONTENT_SHARE_POST) {
        embed_url(m, url);
        out_cstr(o, "embed_url", url);
    } else if (m->content == CONTENT_IMAGE || m->content == CONTENT_VIDEO) {
        out_cstr(o, "media_id", m->media);
    } else {
        put_picture_url(s, o, "url", m);
    }
    out_close(o, '}');
}

static void put_reactions(struct out *o, const struct message *m, const char *who, const char *business_id)
{
    if (m->n_reactions == 0)
        return;
    out_open(o, "reactions", '[');
    for (unsigned i = 0; i < m->n_reactions; i++) {
        const struct reaction *r = &m->reactions[i];
        out_open(o, NULL, '{');
        out_cstr(o, "type", r->ai ? "AI_EMOJI" : "EMOJI");
        out_cstr(o, r->ai ? "ai_emoji_url" : "emoji", r->emoji);
        out_cstr(o, "unique_identifier", r->by_shop ? business_id : who);
        out_int(o, "timestamp", r->at_ms);
        out_close(o, '}');
    }
    out_close(o, ']');
}

static void put_message(struct sim *s, struct out *o, const struct message *m)
{
    const struct thread *t = &s->w->threads[m->thread];
    const struct shop *shop = &s->w->shops[t->shop];
    const struct customer *c = &s->w->customers[t->customer];
    char who[96], business_id[ID_SIZE];
    customer_identifier(c, who);
    shop_open_id(s, shop, business_id);
    out_open(o, NULL, '{');
    out_cstr(o, "sender", m->from_shop ? shop->username : c->username);
    out_cstr(o, "recipient", m->from_shop ? c->username : shop->username);
    out_cstr(o, "conversation_id", t->id);
    out_cstr(o, "message_id", m->id);
    out_int(o, "timestamp", m->at_ms);
    out_open(o, "message_tag", '{');
    out_cstr(o, "source", source_names[m->source]);
    out_close(o, '}');
    out_cstr(o, "message_type", upper_names[m->content]);
    if (m->automatic != NULL)
        out_cstr(o, "auto_message_type", m->automatic);
    put_payload(s, o, m);
    put_reactions(o, m, who, business_id);
    put_party(o, m->from_shop ? "to_user" : "from_user", who, "PERSONAL_ACCOUNT");
    put_party(o, m->from_shop ? "from_user" : "to_user", business_id, "BUSINESS_ACCOUNT");
    if (m->quoted[0] != '\0') {
        out_open(o, "referenced_message_info", '{');
        out_cstr(o, "referenced_message_id", m->quoted);
        out_close(o, '}');
    }
    out_close(o, '}');
}

static void put_face(struct sim *s, struct out *o, const char *id, struct arena *mem)
{
    struct user face = {.state = PERSON_ACTIVE};
    struct buf url;
    must(TEXT_SET(face.id, str_of(id)));
    buf_init(&url, mem, 2048);
    avatar_url(s, &face, FACE_SIDE, &url);
    out_str(o, "profile_image", buf_str(&url));
}

static void put_participants(struct v13 *c, struct out *o, const struct thread *t)
{
    struct sim *s = c->s;
    const struct shop *shop = &s->w->shops[t->shop];
    const struct customer *who = &s->w->customers[t->customer];
    char id[96], business_id[ID_SIZE];
    customer_identifier(who, id);
    shop_open_id(s, shop, business_id);
    out_open(o, "participants", '[');
    out_open(o, NULL, '{');
    out_cstr(o, "role", "PERSONAL_ACCOUNT");
    out_cstr(o, "id", id);
    out_cstr(o, "display_name", who->display_name[0] != '\0' ? who->display_name : who->username);
    put_face(s, o, who->id, c->q->mem);
    out_bool(o, "is_follower", who->follower);
    out_close(o, '}');
    out_open(o, NULL, '{');
    out_cstr(o, "role", "BUSINESS_ACCOUNT");
    out_cstr(o, "id", business_id);
    out_cstr(o, "display_name", shop->display_name[0] != '\0' ? shop->display_name : shop->username);
    put_face(s, o, shop->user, c->q->mem);
    out_close(o, '}');
    out_close(o, ']');
}

/* NULL: answered. */
static struct thread *thread_asked(struct v13 *c)
{
    if (!v13_needs(c, "conversation_id"))
        return NULL;
    struct thread *t = thread_find(c->s, shop_of_token(c->s, c->t), v13_text(c, "conversation_id"));
    if (t == NULL || c->s->w->customers[t->customer].eu) {
        v13_refuse(c, "40002", "Param conversation_id is invalid.");
        return NULL;
    }
    return t;
}

void content_list(struct v13 *c)
{
    const struct message *rows[NEWEST];
    size_t n = 0;
    struct thread *t = account_good(c) ? thread_asked(c) : NULL;
    if (t == NULL)
        return;
    for (const struct message *m = message_newest(c->s, t); m != NULL && n < NEWEST;
         m = message_before(c->s, m))
        rows[n++] = m;
    bool oldest = switch_is(&c->s->sw, SW_CONTENT_ORDER, "oldest");
    struct out *o = v13_open(c);
    out_open(o, "messages", '[');
    for (size_t i = 0; i < n; i++)
        put_message(c->s, o, rows[oldest ? n - 1 - i : i]);
    out_close(o, ']');
    put_participants(c, o, t);
    v13_close(c);
}

/* ---- capabilities/get/ ---- */

void capabilities_get(struct v13 *c)
{
    const struct json *list = NULL;
    bool stranger;
    if (!v13_needs(c, "capability_types|conversation_id") || !type_asked(c, &stranger))
        return;
    bool good = json_parse(v13_text(c, "capability_types"), NULL, c->q->mem, &list, NULL) == RC_OK &&
                list->type == JSON_ARR && list->count == 1 && list->child->type == JSON_STR &&
                str_eq(list->child->s, STR("IMAGE_SEND"));
    if (!good) {
        v13_refuse(c, "40002", "capability_types: must be a JSON array of IMAGE_SEND.");
        return;
    }
    struct thread *t = account_good(c) ? thread_asked(c) : NULL;
    if (t == NULL)
        return;
    if (thread_stranger(t) != stranger) {
        v13_refuse(c, "40002", "conversation_type: is not the type of this conversation.");
        return;
    }
    struct out *o = v13_open(c);
    out_open(o, "capability_infos", '[');
    out_open(o, NULL, '{');
    out_cstr(o, "capability_type", "IMAGE_SEND");
    out_bool(o, "capability_result", image_capable(c->s, t));
    out_close(o, '}');
    out_close(o, ']');
    v13_close(c);
}
