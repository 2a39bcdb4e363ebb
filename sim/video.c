/* POST /v2/video/list/ and /v2/video/query/: videos made from the user's count, the same in every run.
 * create_time is in seconds, the cursor in milliseconds; ids of other people are silently absent (login-kit
 * 5, 10).
 */
#include "sim.h"

enum video_field {
    VIDEO_COMMENTS,
    VIDEO_COVER,
    VIDEO_CREATED,
    VIDEO_DURATION,
    VIDEO_EMBED_HTML,
    VIDEO_EMBED_LINK,
    VIDEO_HEIGHT,
    VIDEO_ID,
    VIDEO_LIKES,
    VIDEO_SHARES,
    VIDEO_SHARE_URL,
    VIDEO_TITLE,
    VIDEO_DESCRIPTION,
    VIDEO_VIEWS,
    VIDEO_WIDTH,
    VIDEO_FIELDS
};
static const char *const video_names[VIDEO_FIELDS] = {
    [VIDEO_COMMENTS] = "comment_count",
    [VIDEO_COVER] = "cover_image_url",
    [VIDEO_CREATED] = "create_time",
    [VIDEO_DURATION] = "duration",
    [VIDEO_EMBED_HTML] = "embed_html",
    [VIDEO_EMBED_LINK] = "embed_link",
    [VIDEO_HEIGHT] = "height",
    [VIDEO_ID] = "id",
    [VIDEO_LIKES] = "like_count",
    [VIDEO_SHARES] = "share_count",
    [VIDEO_SHARE_URL] = "share_url",
    [VIDEO_TITLE] = "title",
    [VIDEO_DESCRIPTION] = "video_description",
    [VIDEO_VIEWS] = "view_count",
    [VIDEO_WIDTH] = "width",
};
#define FIRST_VIDEO_S 1780000000 /* the oldest video; each next one is 7 hours younger */

int64_t video_id(const struct sim *s, const struct user *u, int64_t index)
{
    return 7500000000000000000LL + (int64_t)user_index(s->w, u) * 1000000000LL + index * 1000003 + 7;
}

int64_t video_created_s(int64_t index)
{
    return FIRST_VIDEO_S + index * 25200;
}

static bool fields_read(str list, uint32_t *asked)
{
    str rest = list, name = STR_NONE;
    *asked = 0;
    while (str_cut(&rest, ',', &name)) {
        uint32_t bit = 0;
        for (size_t i = 0; i < VIDEO_FIELDS; i++)
            if (str_eq(str_of(video_names[i]), name))
                bit = 1U << i;
        if (bit == 0)
            return false;
        *asked |= bit;
    }
    return *asked != 0;
}

static void put_field(struct sim *s, struct out *o, const struct user *u, int64_t index,
                      enum video_field which)
{
    const char *name = video_names[which];
    struct arena *mem = o->b->mem;
    int64_t id = video_id(s, u, index);
    const int64_t numbers[VIDEO_FIELDS] = {
        [VIDEO_COMMENTS] = index * 3 % 41,    [VIDEO_CREATED] = video_created_s(index),
        [VIDEO_DURATION] = 8 + index % 50,    [VIDEO_HEIGHT] = 1024,
        [VIDEO_LIKES] = index * 37 % 900,     [VIDEO_SHARES] = index % 19,
        [VIDEO_VIEWS] = index * 1117 % 90000, [VIDEO_WIDTH] = 576};
    struct buf url;
    switch (which) {
    case VIDEO_ID:
        out_str(o, name, arena_fmt(mem, "%lld", (long long)id));
        break;
    case VIDEO_COVER:
        buf_init(&url, mem, 2048);
        cover_url(s, u, index, &url);
        out_str(o, name, buf_str(&url));
        break;
    case VIDEO_TITLE:
    case VIDEO_DESCRIPTION:
        out_str(o, name, arena_fmt(mem, "วิดีโอทดสอบ %lld of %s", (long long)index + 1, u->username));
        break;
    case VIDEO_SHARE_URL:
        out_str(o, name, arena_fmt(mem, "https://www.tiktok.com/@%s/video/%lld", u->username, (long long)id));
        break;
    case VIDEO_EMBED_LINK:
        out_str(o, name, arena_fmt(mem, "https://www.tiktok.com/player/v1/%lld", (long long)id));
        break;
    case VIDEO_EMBED_HTML:
        out_str(o, name,
                arena_fmt(mem, "<blockquote class=\"simulated\" data-video-id=\"%lld\"></blockquote>",
                          (long long)id));
        break;
    default:
        out_int(o, name, numbers[which]);
    }
}

static void put_video(struct sim *s, struct out *o, const struct user *u, int64_t index, uint32_t asked)
{
    out_open(o, NULL, '{');
    for (size_t i = 0; i < VIDEO_FIELDS; i++)
        if ((asked & 1U << i) != 0)
            put_field(s, o, u, index, (enum video_field)i);
    out_close(o, '}');
}

/* Token, scope, fields, body and rate. NULL: answered. */
static struct token *video_begin(struct sim *s, const struct ask *q, struct reply *a, uint32_t *asked,
                                 const struct json **body)
{
    struct form *f = arena_new(q->mem, struct form);
    struct token *t = bearer(s, q, a);
    if (t == NULL)
        return NULL;
    if ((t->scopes & scope_bit("video.list")) == 0) {
        reply_error(s, a, 401, "scope_not_authorized",
                    "The user did not authorize the scope required for completing this request.");
        return NULL;
    }
    *body = NULL;
    str text = str_trim(q->body);
    if (f == NULL || !form_read(q->query, q->mem, f) || !fields_read(form_get(f, "fields"), asked) ||
        (text.n > 0 && (json_parse(text, NULL, q->mem, body, NULL) != RC_OK || (*body)->type != JSON_OBJ))) {
        reply_error(s, a, 400, "invalid_params", "Fields or body is missing or malformed.");
        return NULL;
    }
    char endpoint[48];
    must(TEXT_SET(endpoint, str_sub(q->path, 0, sizeof endpoint - 1)));
    if (!rate_ok(s, t->app, endpoint)) {
        reply_error(s, a, 429, "rate_limit_exceeded", "The API rate limit was exceeded.");
        return NULL;
    }
    return t;
}

static void put_end(struct out *o, struct reply *a)
{
    out_close(o, '}');
    out_open(o, "error", '{');
    out_cstr(o, "code", "ok");
    out_cstr(o, "message", "");
    out_cstr(o, "log_id", a->log_id);
    out_close(o, '}');
    out_close(o, '}');
    reply_json(a, 200);
}

void video_list(struct sim *s, const struct ask *q, struct reply *a)
{
    uint32_t asked;
    const struct json *body;
    struct token *t = video_begin(s, q, a, &asked, &body);
    if (t == NULL)
        return;
    int64_t cursor = INT64_MAX, max = 10, shown = 0, last_ms = 0;
    json_i64(body, "cursor", &cursor);
    cursor = cursor == 0 ? INT64_MAX : cursor;
    if ((json_get(body, "max_count") != NULL && !json_i64(body, "max_count", &max)) || max < 1 || max > 20) {
        reply_error(s, a, 400, "invalid_params", "The max_count must be 1 to 20.");
        return;
    }
    const struct user *u = &s->w->users[t->user];
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_open(&o, "data", '{');
    out_open(&o, "videos", '[');
    int64_t i = u->videos - 1;
    for (; i >= 0 && shown < max; i--) {
        if (video_created_s(i) * 1000 >= cursor)
            continue;
        put_video(s, &o, u, i, asked);
        last_ms = video_created_s(i) * 1000;
        shown++;
    }
    out_close(&o, ']');
    out_int(&o, "cursor", last_ms);
    out_bool(&o, "has_more", i >= 0 && shown == max);
    put_end(&o, a);
}

void video_query(struct sim *s, const struct ask *q, struct reply *a)
{
    uint32_t asked;
    const struct json *body;
    struct token *t = video_begin(s, q, a, &asked, &body);
    if (t == NULL)
        return;
    const struct json *ids = json_get(json_get(body, "filters"), "video_ids");
    if (ids == NULL || ids->type != JSON_ARR || ids->count < 1 || ids->count > 20) {
        reply_error(s, a, 400, "invalid_params", "The video_ids must hold 1 to 20 ids.");
        return;
    }
    const struct user *u = &s->w->users[t->user];
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_open(&o, "data", '{');
    out_open(&o, "videos", '[');
    for (const struct json *x = ids->child; x != NULL; x = x->next) {
        int64_t id = 0;
        if (x->type != JSON_STR || !str_to_i64(x->s, &id))
            continue;
        int64_t index = (id - video_id(s, u, 0)) / 1000003;
        if (index >= 0 && index < u->videos && video_id(s, u, index) == id)
            put_video(s, &o, u, index, asked);
    }
    out_close(&o, ']');
    put_end(&o, a);
}
