/* Comment to message (messaging 2.2): the account's setting, and who may be answered. Only comments that
 * TikTok's classifier reported can be answered, once, within 48 hours, and not when customer and shop
 * wrote to each other in the last 24. The account must be registered in Vietnam, Indonesia or Thailand;
 * the customer not in the EEA, CH or UK. A later answer of the customer is a normal message.
 */
#include "account.h"
#include "comments.h"
#include "talk.h"

static const int64_t hour_ms = 3600000;

static bool country_good(const struct user *u)
{
    static const char *const all[] = {"VN", "ID", "TH"};
    const char *region = u->region[0] != '\0' ? u->region : "TH";
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (strcmp(all[i], region) == 0)
            return true;
    return false;
}

static const struct user *owner_of(struct sim *s, const struct shop *shop)
{
    return user_find(s->w, str_of(shop->user));
}

/* Why this comment cannot be answered; NULL: it can. */
static const char *comment_refusal(struct sim *s, const struct comment *c)
{
    int64_t now = sim_now(s);
    const struct thread *t = thread_make(s, &s->w->shops[c->shop], &s->w->customers[c->customer]);
    const struct customer *who = &s->w->customers[c->customer];
    if (!s->w->shop_states[c->shop].direct_reply)
        return "Comment to message is not enabled.";
    if (!c->high_intent || c->parent != 0 || c->status == COMMENT_DELETED)
        return "This comment cannot be answered with a direct message.";
    if (now >= c->at_ms + 48 * hour_ms)
        return "The comment is older than 48 hours.";
    if (c->answered)
        return "The comment was already answered with a direct message.";
    if ((t->last_in_ms > 0 && now < t->last_in_ms + 24 * hour_ms) ||
        (t->last_out_ms > 0 && now < t->last_out_ms + 24 * hour_ms))
        return "There were direct messages within 24 hours.";
    return who->eu || who->blocks ? "The message is blocked by direct message rules." : NULL;
}

bool direct_reply_open(struct v13 *c, const struct shop *shop, str comment, struct thread **out)
{
    struct sim *s = c->s;
    const struct comment *x = comment_find(s, comment);
    if (shop == NULL || x == NULL || &s->w->shops[x->shop] != shop || x->by_shop) {
        v13_refuse(c, "40007", "direct_reply.comment_reply.comment_id: The comment does not exist.");
        return false;
    }
    if (!country_good(&s->w->users[c->t->user])) {
        v13_refuse(c, s->sw.text[SW_DIRECT_REPLY_COUNTRY],
                   "The account's country has no comment to message.");
        return false;
    }
    const char *why = comment_refusal(s, x);
    if (why != NULL) {
        v13_refuse(c, "40064", why);
        return false;
    }
    *out = thread_make(s, shop, &s->w->customers[x->customer]);
    return true;
}

void direct_reply_done(struct sim *s, str comment)
{
    struct comment *x = comment_find(s, comment);
    if (x != NULL)
        x->answered = true;
}

/* ---- direct_reply/update/, direct_reply/get/ ---- */

static struct shop *begin(struct v13 *c)
{
    const char *text, *code;
    if (!v13_needs(c, "direct_reply_type"))
        return NULL;
    if (!str_eq(v13_text(c, "direct_reply_type"), STR("COMMENT_TO_MESSAGE"))) {
        v13_refuse(c, "40002", "direct_reply_type: must be COMMENT_TO_MESSAGE.");
        return NULL;
    }
    code = messaging_refusal(c->s, &c->s->w->apps[c->t->app], &c->s->w->users[c->t->user], &text);
    struct shop *shop = shop_of_token(c->s, c->t);
    if (code != NULL || shop == NULL)
        v13_refuse(c, code != NULL ? code : "40007", code != NULL ? text : "The account does not exist.");
    return code == NULL ? shop : NULL;
}

void direct_reply_update(struct v13 *c)
{
    struct shop *shop = begin(c);
    str status = v13_text(c, "operation_status");
    bool on = str_eq(status, STR("ENABLE"));
    if (shop == NULL)
        return;
    if (!on && !str_eq(status, STR("DISABLE"))) {
        v13_refuse(c, "40002", "operation_status: ENABLE or DISABLE.");
        return;
    }
    if (on && !country_good(owner_of(c->s, shop))) {
        v13_refuse(c, "40118", "The account's country has no comment to message.");
        return;
    }
    c->s->w->shop_states[shop - c->s->w->shops].direct_reply = on;
    (void)v13_open(c);
    v13_close(c);
}

void direct_reply_get(struct v13 *c)
{
    struct shop *shop = begin(c);
    char id[ID_SIZE];
    if (shop == NULL)
        return;
    shop_open_id(c->s, shop, id);
    bool on = c->s->w->shop_states[shop - c->s->w->shops].direct_reply;
    struct out *o = v13_open(c);
    out_cstr(o, "business_id", id);
    out_cstr(o, "direct_reply_type", "COMMENT_TO_MESSAGE");
    out_cstr(o, "operation_status", on ? "ENABLE" : "DISABLE");
    v13_close(c);
}
