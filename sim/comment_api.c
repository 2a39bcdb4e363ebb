/* business/comment/... and business/video/list/ (messaging 7.2, 7.3). Pages are short by switch, and
 * beyond 500 comments the order changes and rows come twice, as the documentation warns. Only own
 * comments can be deleted; hidden comments keep their replies to themselves.
 */
#include "comments.h"
#include "talk.h"

enum { PAGE = 20, PAGE_MAX = 30, IDS_MAX = 30, REPLIES_SHOWN = 3, MUDDLED_AFTER = 500, VIDEOS_MAX = 20 };

static void refuse(struct v13 *c, const char *text)
{
    v13_refuse(c, "40002", text);
}

static const struct user *owner(const struct v13 *c)
{
    return &c->s->w->users[c->t->user];
}

static bool mine(const struct v13 *c, const struct comment *x)
{
    const struct shop *shop = shop_of_token(c->s, c->t);
    return x != NULL && shop != NULL && &c->s->w->shops[x->shop] == shop && x->status != COMMENT_DELETED;
}

/* ---- lists ---- */

static void put_author(struct v13 *c, struct out *o, const struct comment *x)
{
    const struct shop *shop = &c->s->w->shops[x->shop];
    const struct customer *who = &c->s->w->customers[x->customer];
    struct user face = {.state = PERSON_ACTIVE};
    struct buf url;
    char id[96];
    if (x->by_shop)
        shop_open_id(c->s, shop, id);
    else
        customer_identifier(who, id);
    const char *name = x->by_shop ? shop->display_name : who->display_name;
    const char *username = x->by_shop ? shop->username : who->username;
    must(TEXT_SET(face.id, str_of(x->by_shop ? shop->user : who->id)));
    buf_init(&url, c->q->mem, 2048);
    avatar_url(c->s, &face, 168, &url);
    out_cstr(o, "unique_identifier", id);
    out_cstr(o, "username", username);
    out_cstr(o, "display_name", name[0] != '\0' ? name : username);
    out_str(o, "profile_image", buf_str(&url));
}

static int64_t replies_of(const struct v13 *c, int64_t id)
{
    int64_t n = 0;
    for (size_t i = 0; i < c->s->w->n_comments; i++)
        n += c->s->w->comments[i].parent == id && c->s->w->comments[i].status != COMMENT_DELETED;
    return n;
}

static void out_id(struct out *o, const char *key, int64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)id);
    out_cstr(o, key, text);
}

/* ids are texts here, bare numbers in the webhook */
static void put_members(struct v13 *c, struct out *o, const struct comment *x)
{
    out_id(o, "comment_id", x->id);
    out_id(o, "video_id", x->video);
    put_author(c, o, x);
    out_id(o, "create_time", x->at_ms / 1000);
    out_cstr(o, "text", x->text);
    out_int(o, "likes", x->likes);
    out_int(o, "replies", replies_of(c, x->id));
    out_bool(o, "owner", x->by_shop);
    out_bool(o, "liked", x->liked);
    out_bool(o, "pinned", false);
    out_cstr(o, "status", x->status == COMMENT_HIDDEN ? "HIDDEN" : "PUBLIC");
    if (x->parent != 0)
        out_id(o, "parent_comment_id", x->parent);
}

static void put_comment(struct v13 *c, struct out *o, const struct comment *x, bool replies)
{
    size_t n = 0;
    out_open(o, NULL, '{');
    put_members(c, o, x);
    if (replies && x->parent == 0) {
        out_open(o, "reply_list", '[');
        for (size_t i = 0; i < c->s->w->n_comments && n < REPLIES_SHOWN; i++) {
            const struct comment *r = &c->s->w->comments[i];
            if (r->parent != x->id || r->status == COMMENT_DELETED)
                continue;
            out_open(o, NULL, '{');
            put_members(c, o, r);
            out_close(o, '}');
            n++;
        }
        out_close(o, ']');
    }
    out_close(o, '}');
}

struct listing {
    int64_t video, parent, cursor, max;
    const struct json *ids; /* NULL: all */
    const char *sort;
    bool ascending, all, replies;
};

static bool listed(const struct listing *l, const struct comment *x)
{
    bool named = l->ids == NULL;
    for (const struct json *id = named ? NULL : l->ids->child; id != NULL; id = id->next) {
        int64_t n;
        named = named || (id->type == JSON_STR && str_to_i64(id->s, &n) && n == x->id);
    }
    return named && x->video == l->video && (l->parent != 0 ? x->parent == l->parent : x->parent == 0) &&
           x->status != COMMENT_DELETED && (l->all || x->status == COMMENT_PUBLIC);
}

static int64_t sort_value(const struct v13 *c, const struct listing *l, const struct comment *x)
{
    if (strcmp(l->sort, "create_time") == 0)
        return x->at_ms * 1000 + x->id % 1000;
    return strcmp(l->sort, "replies") == 0 ? replies_of(c, x->id) : x->likes;
}

/* Insertion sort: the lists of a simulation are short. Equal values keep the newest first. */
static size_t gather(const struct v13 *c, const struct listing *l, const struct comment **rows)
{
    size_t n = 0;
    for (size_t k = c->s->w->n_comments; k > 0; k--) {
        const struct comment *x = &c->s->w->comments[k - 1];
        if (!listed(l, x))
            continue;
        size_t at = n++;
        int64_t v = sort_value(c, l, x);
        for (; at > 0; at--) {
            int64_t w = sort_value(c, l, rows[at - 1]);
            if (l->ascending ? w <= v : w >= v)
                break;
            rows[at] = rows[at - 1];
        }
        rows[at] = x;
    }
    return n;
}

static void answer_list(struct v13 *c, const struct listing *l)
{
    const struct comment **rows = arena_take(c->q->mem, (c->s->w->n_comments + 1) * sizeof *rows);
    if (rows == NULL) {
        v13_refuse(c, "50000", "System error.");
        return;
    }
    size_t n = gather(c, l, rows), at = (size_t)l->cursor, end = at + (size_t)l->max;
    size_t shown = switch_is(&c->s->sw, SW_COMMENT_PAGES, "short") && l->max > 1 ? (size_t)l->max - 1 : end;
    struct out *o = v13_open(c);
    out_open(o, "comments", '[');
    for (size_t i = 0; at < n && at < end; at++, i++) {
        /* Beyond 500 the first of a page is the one before it again. */
        const struct comment *x = at > MUDDLED_AFTER && i == 0 ? rows[at - 1] : rows[at];
        if (i >= shown)
            break;
        put_comment(c, o, x, l->replies);
    }
    out_close(o, ']');
    out_int(o, "cursor", (int64_t)at);
    out_bool(o, "has_more", at < n);
    v13_close(c);
}

static bool number_asked(struct v13 *c, const char *name, int64_t min, int64_t max, int64_t *out)
{
    str text = v13_text(c, name);
    if (text.n == 0 || (str_to_i64(text, out) && *out >= min && *out <= max))
        return true;
    refuse(c, arena_fmt(c->q->mem, "%s: not within its bounds.", name).p);
    return false;
}

static bool one_of(struct v13 *c, const char *name, const char *choices)
{
    str rest = str_of(choices), one = STR_NONE, text = v13_text(c, name);
    bool good = text.n == 0;
    while (str_cut(&rest, '|', &one))
        good = good || str_eq(one, text);
    if (!good)
        refuse(c, arena_fmt(c->q->mem, "%s: %s.", name, choices).p);
    return good;
}

static bool video_asked(struct v13 *c, bool own, int64_t *out)
{
    str id = v13_text(c, "video_id");
    if (!v13_needs(c, "video_id"))
        return false;
    if (str_to_i64(id, out) && (!own || video_is_of(c->s, owner(c), id)))
        return true;
    v13_refuse(c, "40001", "video_id: is no video of the account.");
    return false;
}

static bool listing_read(struct v13 *c, struct listing *l)
{
    str field = v13_text(c, "sort_field"), order = v13_text(c, "sort_order"),
        ids = v13_text(c, "comment_ids");
    order = order.n > 0 ? order : v13_text(c, "sort_type"); /* sources disagree on the name */
    if (!video_asked(c, true, &l->video) || !number_asked(c, "cursor", 0, INT32_MAX, &l->cursor) ||
        !number_asked(c, "max_count", 1, PAGE_MAX, &l->max) || !one_of(c, "status", "PUBLIC|ALL") ||
        !one_of(c, "sort_field", "likes|replies|create_time") || !one_of(c, "sort_order", "asc|desc|smart"))
        return false;
    if (ids.n > 0 && (json_parse(ids, NULL, c->q->mem, &l->ids, NULL) != RC_OK || l->ids->type != JSON_ARR ||
                      l->ids->count > IDS_MAX)) {
        refuse(c, "comment_ids: a JSON array of at most 30 ids.");
        return false;
    }
    l->sort = str_eq(field, STR("create_time")) ? "create_time"
              : str_eq(field, STR("replies"))   ? "replies"
                                                : "likes";
    l->ascending = str_eq(order, STR("asc"));
    l->all = !str_eq(v13_text(c, "status"), STR("PUBLIC"));
    l->replies = str_eq(v13_text(c, "include_replies"), STR("true"));
    return true;
}

void comment_list(struct v13 *c)
{
    struct listing l = {.max = PAGE};
    if (listing_read(c, &l))
        answer_list(c, &l);
}

void comment_replies(struct v13 *c)
{
    struct listing l = {.max = PAGE};
    if (!v13_needs(c, "comment_id") || !listing_read(c, &l))
        return;
    const struct comment *x = comment_find(c->s, v13_text(c, "comment_id"));
    if (!mine(c, x) || x->video != l.video || x->status == COMMENT_HIDDEN) {
        v13_refuse(c, "40007", "comment_id: The comment does not exist, or is hidden.");
        return;
    }
    l.parent = x->id;
    answer_list(c, &l);
}

/* ---- writing ---- */

static bool text_good(struct v13 *c)
{
    str text = v13_text(c, "text");
    if (!v13_needs(c, "text"))
        return false;
    if ((int64_t)utf8_count(text) <= switch_int(&c->s->sw, SW_COMMENT_TEXT_MAX) &&
        memchr(text.p, '\0', text.n) == NULL)
        return true;
    refuse(c, "text: is too long.");
    return false;
}

static void write_one(struct v13 *c, int64_t video, int64_t parent)
{
    const struct shop *shop = shop_of_token(c->s, c->t);
    struct comment like = {.video = video, .parent = parent, .by_shop = true, .status = COMMENT_PUBLIC};
    like.shop = shop == NULL ? 0 : (unsigned)(shop - c->s->w->shops);
    struct comment *x = shop == NULL ? NULL : comment_add(c->s, &like, v13_text(c, "text"), NULL);
    if (x == NULL) {
        v13_refuse(c, shop == NULL ? "40007" : "50000", "The comment was not written.");
        return;
    }
    struct out *o = v13_open(c);
    put_members(c, o, x);
    v13_close(c);
}

void comment_create(struct v13 *c)
{
    int64_t video;
    if (video_asked(c, true, &video) && text_good(c))
        write_one(c, video, 0);
}

void comment_reply(struct v13 *c)
{
    int64_t video;
    if (!v13_needs(c, "comment_id") || !video_asked(c, false, &video) || !text_good(c))
        return;
    const struct comment *x = comment_find(c->s, v13_text(c, "comment_id"));
    if (!mine(c, x) || x->video != video) {
        v13_refuse(c, "40007", "comment_id: The comment does not exist.");
        return;
    }
    write_one(c, video, x->parent != 0 ? x->parent : x->id);
}

void comment_reply_short(struct v13 *c)
{
    comment_reply(c);
}

/* ---- moderation ---- */

/* The comment of the call, of this account's videos; NULL: answered. */
static struct comment *asked(struct v13 *c)
{
    if (!v13_needs(c, "comment_id"))
        return NULL;
    struct comment *x = comment_find(c->s, v13_text(c, "comment_id"));
    if (mine(c, x))
        return x;
    v13_refuse(c, "40007", "comment_id: The comment does not exist.");
    return NULL;
}

static void empty(struct v13 *c)
{
    (void)v13_open(c);
    v13_close(c);
}

void comment_like(struct v13 *c)
{
    struct comment *x = v13_needs(c, "action") && one_of(c, "action", "LIKE|UNLIKE") ? asked(c) : NULL;
    if (x == NULL)
        return;
    bool like = str_eq(v13_text(c, "action"), STR("LIKE"));
    x->likes += like && !x->liked ? 1 : !like && x->liked ? -1 : 0;
    x->liked = like;
    empty(c);
}

void comment_hide(struct v13 *c)
{
    int64_t video;
    struct comment *x =
        v13_needs(c, "action") && one_of(c, "action", "HIDE|UNHIDE") && video_asked(c, true, &video)
            ? asked(c)
            : NULL;
    if (x == NULL)
        return;
    if (x->video != video) {
        v13_refuse(c, "40007", "comment_id: The comment does not exist.");
        return;
    }
    bool hide = str_eq(v13_text(c, "action"), STR("HIDE"));
    bool changed = hide != (x->status == COMMENT_HIDDEN);
    x->status = hide ? COMMENT_HIDDEN : COMMENT_PUBLIC;
    if (changed)
        comment_changed(c->s, x, hide ? "set_to_hidden" : "set_to_public", NULL);
    empty(c);
}

void comment_delete(struct v13 *c)
{
    struct comment *x = asked(c);
    if (x == NULL)
        return;
    if (!x->by_shop) {
        v13_refuse(c, "40001", "No permission: the comment is not the account's own.");
        return;
    }
    x->status = COMMENT_DELETED;
    comment_changed(c->s, x, "delete", NULL);
    empty(c);
}

/* ---- business/video/list/ ---- */

static void put_video(struct v13 *c, struct out *o, int64_t index)
{
    const struct user *u = owner(c);
    struct arena *mem = c->q->mem;
    struct buf cover;
    long long id = (long long)video_id(c->s, u, index);
    buf_init(&cover, mem, 2048);
    cover_url(c->s, u, index, &cover);
    out_open(o, NULL, '{');
    out_id(o, "item_id", id);
    out_cstr(o, "media_type", "VIDEO");
    out_str(o, "thumbnail_url", buf_str(&cover));
    out_str(o, "share_url", arena_fmt(mem, "https://www.tiktok.com/@%s/video/%lld", u->username, id));
    out_str(o, "embed_url", arena_fmt(mem, "https://www.tiktok.com/player/v1/%lld", id));
    out_str(o, "caption", arena_fmt(mem, "วิดีโอที่ %lld", (long long)index + 1));
    out_id(o, "create_time", video_created_s(index));
    out_int(o, "comments", 0);
    out_close(o, '}');
}

void account_videos(struct v13 *c)
{
    int64_t before_ms = INT64_MAX, max = 10, n = 0, index = owner(c)->videos - 1;
    str fields = v13_text(c, "fields");
    size_t at;
    if (!number_asked(c, "cursor", 0, INT64_MAX, &before_ms) ||
        !number_asked(c, "max_count", 1, VIDEOS_MAX, &max))
        return;
    if (fields.n > 0 && !str_find(fields, STR("\"item_id\""), &at)) {
        refuse(c, "fields: item_id must be there.");
        return;
    }
    struct out *o = v13_open(c);
    out_open(o, "videos", '[');
    for (; index >= 0 && n < max; index--) {
        if (video_created_s(index) * 1000 >= before_ms)
            continue;
        put_video(c, o, index);
        n++;
    }
    out_close(o, ']');
    out_int(o, "cursor", index >= 0 ? video_created_s(index + 1) * 1000 : 0);
    out_bool(o, "has_more", index >= 0);
    v13_close(c);
}
