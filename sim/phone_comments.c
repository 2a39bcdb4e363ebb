/* Comments on a shop's newest video, under the conversation on the phone page, and their form. The box
 * "asks to buy" plays TikTok's classifier: the comment is reported as one of high intent when comment to
 * message is on.
 */
#include "comments.h"
#include "phone.h"
#include "handlers.h"

static int64_t newest_video(struct sim *s, const struct shop *shop)
{
    const struct user *u = user_find(s->w, str_of(shop->user));
    return u == NULL || u->videos < 1 ? 0 : video_id(s, u, u->videos - 1);
}

static void put_comment(struct sheet *p, const struct comment *x, const struct customer *viewer)
{
    const struct shop *shop = &p->s->w->shops[x->shop];
    const struct customer *c = &p->s->w->customers[x->customer];
    bool own = !x->by_shop && c == viewer;
    if (x->status == COMMENT_DELETED || (x->status == COMMENT_HIDDEN && !own))
        return;
    buf_fmt(p->b, "<li data-sim=\"comment\" data-comment-id=\"%lld\" class=\"%s\"><strong>@",
            (long long)x->id, x->parent != 0 ? "reply" : "top-level");
    put_text(p, str_of(x->by_shop ? shop->username : c->username));
    put_raw(p, "</strong> ");
    put_text(p, str_of(x->text));
    if (x->liked)
        put_raw(p, " <span data-sim=\"liked\">♥</span>");
    put_raw(p, "</li>");
    for (size_t i = 0; x->parent == 0 && i < p->s->w->n_comments; i++)
        if (p->s->w->comments[i].parent == x->id)
            put_comment(p, &p->s->w->comments[i], viewer);
}

void put_comments(struct sheet *p, const struct shop *shop, const struct customer *c)
{
    int64_t video = newest_video(p->s, shop);
    if (video == 0)
        return;
    put_raw(p, "<ul class=\"comments\" data-sim=\"comments\">");
    for (size_t i = 0; i < p->s->w->n_comments; i++) {
        const struct comment *x = &p->s->w->comments[i];
        if (x->video == video && x->parent == 0)
            put_comment(p, x, c);
    }
    put_raw(p, "</ul>");
}

/* One comment as a form or JSON asks; NULL: it does not fit. */
static struct comment *write_one(struct sim *s, const struct shop *shop, const struct customer *c, str video,
                                 str text, str parent)
{
    const struct comment *under = comment_find(s, parent);
    struct comment like = {.status = COMMENT_PUBLIC,
                           .shop = (unsigned)(shop - s->w->shops),
                           .customer = (unsigned)(c - s->w->customers)};
    const struct user *u = user_find(s->w, str_of(shop->user));
    if (video.n == 0)
        like.video = newest_video(s, shop);
    else if (u == NULL || !video_is_of(s, u, video) || !str_to_i64(video, &like.video))
        return NULL;
    if (like.video == 0 || text.n == 0 || utf8_count(text) > 150 || !utf8_valid(text) ||
        memchr(text.p, '\0', text.n) != NULL || (parent.n > 0 && under == NULL))
        return NULL;
    like.parent = under == NULL ? 0 : under->parent != 0 ? under->parent : under->id;
    return comment_add(s, &like, text, NULL);
}

void phone_comment(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    bool read = f != NULL && form_read(q->body, q->mem, f);
    const struct shop *shop = read ? shop_find(s->w, form_get(f, "shop")) : NULL;
    const struct customer *c = read ? customer_find(s->w, form_get(f, "customer")) : NULL;
    struct comment *x = shop == NULL || c == NULL
                            ? NULL
                            : write_one(s, shop, c, form_get(f, "video"), str_trim(form_get(f, "text")),
                                        form_get(f, "parent"));
    if (x == NULL) {
        reply_error(s, a, 400, "comment", "A comment has 1 to 150 characters, on a video of a shop.");
        return;
    }
    if (form_get(f, "intent").n > 0)
        comment_high_intent(s, x, NULL);
    phone_back(a, shop, c);
}

/* POST /control/comments {shop, customer, text, video?, parent?, intent?} or {delete: id} */
void control_comment(struct sim *s, const struct ask *q, struct reply *a)
{
    const struct json *j = NULL;
    str shop = STR_NONE, customer = STR_NONE, text = STR_NONE, video = STR_NONE, parent = STR_NONE,
        gone = STR_NONE;
    bool intent = false;
    struct comment *x = NULL;
    if (json_parse(q->body, NULL, q->mem, &j, NULL) == RC_OK) {
        json_str(j, "shop", &shop);
        json_str(j, "customer", &customer);
        json_str(j, "text", &text);
        json_str(j, "video", &video);
        json_str(j, "parent", &parent);
        json_str(j, "delete", &gone);
        json_bool(j, "intent", &intent);
    }
    const struct shop *of = shop_find(s->w, shop);
    const struct customer *who = customer_find(s->w, customer);
    if (gone.n > 0) {
        x = comment_find(s, gone);
        if (x != NULL) {
            x->status = COMMENT_DELETED;
            comment_changed(s, x, "delete", NULL);
        }
    } else if (of != NULL && who != NULL) {
        x = write_one(s, of, who, video, text, parent);
    }
    if (x == NULL) {
        reply_error(s, a, 400, "comment",
                    "No such shop, customer, video or comment, or the text does not fit.");
        return;
    }
    uint64_t delivery = intent ? comment_high_intent(s, x, NULL) : 0;
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_str(&o, "comment_id", arena_fmt(q->mem, "%lld", (long long)x->id));
    out_str(&o, "video_id", arena_fmt(q->mem, "%lld", (long long)x->video));
    out_int(&o, "high_intent", (int64_t)delivery);
    out_close(&o, '}');
    reply_json(a, 200);
}
