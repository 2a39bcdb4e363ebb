/* Comments on the videos of shops: rows and events (messaging 3.6, 7.3). Ids are 19-digit numbers: bare
 * numbers in comment.update, texts everywhere else. The classifier that reports comments of high intent
 * is played by whoever writes the comment.
 */
#include "comments.h"
#include "talk.h"

bool video_is_of(const struct sim *s, const struct user *u, str id)
{
    int64_t n;
    if (!str_to_i64(id, &n))
        return false;
    for (int64_t i = 0; i < u->videos; i++)
        if (video_id(s, u, i) == n)
            return true;
    return false;
}

struct comment *comment_find(struct sim *s, str id)
{
    int64_t n;
    for (size_t i = s->w->n_comments; str_to_i64(id, &n) && i > 0; i--)
        if (s->w->comments[i - 1].id == n)
            return &s->w->comments[i - 1];
    return NULL;
}

struct change {
    const struct comment *c;
    const char *action;
};

static void fill_change(struct sim *s, struct out *o, const void *arg)
{
    const struct change *x = arg;
    const struct comment *c = x->c;
    char who[96];
    if (c->by_shop)
        shop_open_id(s, &s->w->shops[c->shop], who);
    else
        customer_identifier(&s->w->customers[c->customer], who);
    out_int(o, "comment_id", c->id);
    out_int(o, "video_id", c->video);
    out_int(o, "parent_comment_id", c->parent);
    out_cstr(o, "comment_type", c->parent == 0 ? "comment" : "reply");
    out_cstr(o, "comment_action", x->action);
    out_cstr(o, "unique_identifier", who);
    out_int(o, "timestamp", strcmp(x->action, "insert") == 0 ? c->at_ms : talk_now(s));
    if (switch_on(&s->sw, SW_COMMENT_EVENT_TEXT) && strcmp(x->action, "delete") != 0)
        out_cstr(o, "text", c->text);
}

/* The app must hold comment.list of the account (messaging 2.10). */
static bool listed(struct sim *s, const struct shop *shop)
{
    const struct app *a = app_find(s->w, str_of(shop->client_key));
    const struct user *u = user_find(s->w, str_of(shop->user));
    const struct grant *g = a == NULL || u == NULL ? NULL : grant_find(s->w, a, u);
    return g != NULL && g->active && (g->scopes & scope_bit("comment.list")) != 0;
}

void comment_changed(struct sim *s, const struct comment *c, const char *action, const struct plan *plan)
{
    const struct shop *shop = &s->w->shops[c->shop];
    struct change x = {c, action};
    struct plan p = plan != NULL ? *plan : (struct plan){.duplicates = 0};
    p.delay_ms += switch_int(&s->sw, SW_COMMENT_DELAY_MS);
    if (listed(s, shop))
        event_emit(s, shop, "comment.update", fill_change, &x, &p);
    s->dirty = true;
}

struct comment *comment_add(struct sim *s, const struct comment *like, str text, const struct plan *plan)
{
    if (s->w->n_comments == MAX_COMMENTS)
        return NULL;
    struct comment *c = &s->w->comments[s->w->n_comments++];
    mem_free(c->text);
    *c = *like;
    c->id = 7600000000000000000LL + (int64_t)s->w->n_comments * 1000003;
    c->at_ms = talk_now(s);
    c->text = mem_new(text.n + 1);
    must(text_set(c->text, text.n + 1, text));
    comment_changed(s, c, "insert", plan);
    return c;
}

static void fill_intent(struct sim *s, struct out *o, const void *arg)
{
    const struct comment *c = arg;
    const struct shop *shop = &s->w->shops[c->shop];
    const struct customer *who = &s->w->customers[c->customer];
    char id[24], identifier[96], business_id[ID_SIZE];
    customer_identifier(who, identifier);
    shop_open_id(s, shop, business_id);
    snprintf(id, sizeof id, "%lld", (long long)c->id);
    out_cstr(o, "from", who->username);
    out_cstr(o, "to", shop->username);
    out_cstr(o, "unique_identifier", identifier);
    put_party(o, "from_user", identifier, "personal_account");
    put_party(o, "to_user", business_id, "business_account");
    out_cstr(o, "comment_id", id);
    out_cstr(o, "comment_text", c->text);
    out_bool(o, "is_follower", who->follower);
    out_int(o, "timestamp", c->at_ms);
}

uint64_t comment_high_intent(struct sim *s, struct comment *c, const struct plan *plan)
{
    if (!s->w->shop_states[c->shop].direct_reply || c->parent != 0 || c->by_shop)
        return 0;
    c->high_intent = true;
    return event_emit(s, &s->w->shops[c->shop], "im_receive_high_intent_comment", fill_intent, c, plan);
}

void comments_clear(struct sim *s)
{
    for (size_t i = 0; i < s->w->n_comments; i++) {
        mem_free(s->w->comments[i].text);
        s->w->comments[i] = (struct comment){.id = 0};
    }
    s->w->n_comments = 0;
}
