/* GET /v2/user/info/: bearer, fields, scope of each field, rate, in this order (login-kit 4, 10). One
 * ungranted field refuses the whole call. The answer holds only what was asked, in the table's order and not
 * the request's.
 */
#include "oauth.h"
#include "sender.h"

enum info {
    INFO_AVATAR,
    INFO_AVATAR_100,
    INFO_AVATAR_LARGE,
    INFO_BIO,
    INFO_DISPLAY_NAME,
    INFO_FOLLOWERS,
    INFO_FOLLOWING,
    INFO_VERIFIED,
    INFO_LIKES,
    INFO_OPEN_ID,
    INFO_DEEP_LINK,
    INFO_UNION_ID,
    INFO_USERNAME,
    INFO_VIDEOS,
    INFO_COUNT
};
static const struct {
    const char *name, *scope;
} info_rows[INFO_COUNT] = {
    [INFO_AVATAR] = {"avatar_url", "user.info.basic"},
    [INFO_AVATAR_100] = {"avatar_url_100", "user.info.basic"},
    [INFO_AVATAR_LARGE] = {"avatar_large_url", "user.info.basic"},
    [INFO_BIO] = {"bio_description", "user.info.profile"},
    [INFO_DISPLAY_NAME] = {"display_name", "user.info.basic"},
    [INFO_FOLLOWERS] = {"follower_count", "user.info.stats"},
    [INFO_FOLLOWING] = {"following_count", "user.info.stats"},
    [INFO_VERIFIED] = {"is_verified", "user.info.profile"},
    [INFO_LIKES] = {"likes_count", "user.info.stats"},
    [INFO_OPEN_ID] = {"open_id", "user.info.basic"},
    [INFO_DEEP_LINK] = {"profile_deep_link", "user.info.profile"},
    [INFO_UNION_ID] = {"union_id", "user.info.basic"},
    [INFO_USERNAME] = {"username", "user.info.profile"},
    [INFO_VIDEOS] = {"video_count", "user.info.stats"},
};

bool rate_ok(struct sim *s, unsigned app, const char *endpoint)
{
    struct rate *r = NULL;
    int64_t now = sim_now(s) / 1000, sum = 0;
    for (size_t i = 0; i < MAX_RATES && r == NULL; i++) {
        struct rate *x = &s->rates[i];
        if (!x->used || (x->app == app && strcmp(x->endpoint, endpoint) == 0))
            r = x;
    }
    if (r == NULL)
        return true;
    if (!r->used) {
        *r = (struct rate){.app = app, .used = true};
        must(TEXT_SET(r->endpoint, str_of(endpoint)));
    }
    for (size_t i = 0; i < 60; i++)
        sum += r->second[i] > now - 60 && r->second[i] <= now ? r->count[i] : 0;
    if (sum >= switch_int(&s->sw, SW_RATE_PER_MINUTE))
        return false;
    size_t slot = (size_t)(now % 60);
    if (r->second[slot] != now) {
        r->second[slot] = now;
        r->count[slot] = 0;
    }
    r->count[slot]++;
    return true;
}

struct token *bearer(struct sim *s, const struct ask *q, struct reply *a)
{
    struct token *t = NULL;
    if (str_starts(q->authorization, STR("Bearer ")))
        t = token_by_access(s->w, str_sub(q->authorization, 7, q->authorization.n));
    if (t == NULL || t->client_only || !token_alive(s->w, t, sim_now(s)) ||
        s->w->apps[t->app].portal != PORTAL_LOGIN) {
        reply_error(s, a, 401, "access_token_invalid",
                    "The access token is invalid or not found in the request.");
        return NULL;
    }
    a->client_key = str_of(s->w->apps[t->app].client_key);
    a->user = str_of(s->w->users[t->user].id);
    token_used(s, t);
    return t;
}

/* False: an unknown name (refused unless lenient), or no name at all. */
static bool fields_read(struct sim *s, str list, uint32_t *asked)
{
    str rest = list, name = STR_NONE;
    bool lenient = switch_on(&s->sw, SW_LENIENT_USER_INFO);
    *asked = 0;
    while (str_cut(&rest, ',', &name)) {
        bool known = false;
        for (size_t i = 0; i < INFO_COUNT; i++) {
            if (str_eq(str_of(info_rows[i].name), name)) {
                *asked |= 1U << i;
                known = true;
            }
        }
        if (!known && !lenient)
            return false;
    }
    return list.n > 0 && (*asked != 0 || lenient);
}

static uint32_t granted(const struct token *t, uint32_t asked)
{
    uint32_t may = 0;
    for (size_t i = 0; i < INFO_COUNT; i++)
        if ((asked & 1U << i) != 0 && (t->scopes & scope_bit(info_rows[i].scope)) != 0)
            may |= 1U << i;
    return may;
}

static void put_avatar(struct sim *s, struct out *o, const struct user *u, enum info which, struct arena *mem)
{
    struct buf url;
    buf_init(&url, mem, 2048);
    avatar_url(s, u, which == INFO_AVATAR_100 ? 100 : which == INFO_AVATAR_LARGE ? 1080 : 168, &url);
    out_str(o, info_rows[which].name, buf_str(&url));
}

static void put_info(struct sim *s, struct out *o, const struct token *t, enum info which, struct arena *mem)
{
    const struct user *u = &s->w->users[t->user];
    const struct app *app = &s->w->apps[t->app];
    const int64_t numbers[INFO_COUNT] = {[INFO_FOLLOWERS] = u->followers,
                                         [INFO_FOLLOWING] = u->following,
                                         [INFO_LIKES] = u->likes,
                                         [INFO_VIDEOS] = u->videos};
    const char *const texts[INFO_COUNT] = {
        [INFO_BIO] = u->bio, [INFO_DISPLAY_NAME] = u->display_name, [INFO_USERNAME] = u->username};
    char id[ID_SIZE];
    if (texts[which] != NULL) {
        out_cstr(o, info_rows[which].name, texts[which]);
    } else if (which == INFO_OPEN_ID) {
        open_id_of(app, u, id);
        out_cstr(o, "open_id", id);
    } else if (which == INFO_UNION_ID) {
        union_id_of(app, u, id);
        if (switch_on(&s->sw, SW_UNION_ID))
            out_cstr(o, "union_id", id);
    } else if (which == INFO_VERIFIED) {
        out_bool(o, "is_verified", u->verified);
    } else if (which == INFO_DEEP_LINK) {
        open_id_of(app, u, id);
        out_str(o, "profile_deep_link", arena_fmt(mem, "https://vm.tiktok.com/ZS%.7s/", id + 10));
    } else if (which <= INFO_AVATAR_LARGE) {
        put_avatar(s, o, u, which, mem);
    } else {
        out_int(o, info_rows[which].name, numbers[which]);
    }
}

static void scope_error(struct sim *s, struct reply *a)
{
    if (switch_is(&s->sw, SW_SCOPE_ERROR, "400"))
        reply_error(s, a, 400, "scope_permission_missed",
                    "Some of the requested fields need more scopes than the user granted.");
    else
        reply_error(s, a, 401, "scope_not_authorized",
                    "The user did not authorize the scope required for completing this request.");
}

void user_info(struct sim *s, const struct ask *q, struct reply *a)
{
    uint32_t asked, may;
    struct form *f = arena_new(q->mem, struct form);
    struct token *t = bearer(s, q, a);
    if (t == NULL)
        return;
    if (f == NULL || !form_read(q->query, q->mem, f) || !fields_read(s, form_get(f, "fields"), &asked)) {
        reply_error(s, a, 400, "invalid_params", "Fields is missing or names a field that does not exist.");
        return;
    }
    may = granted(t, asked);
    if (may != asked && !switch_on(&s->sw, SW_LENIENT_USER_INFO)) {
        scope_error(s, a);
        return;
    }
    if (!rate_ok(s, t->app, "/v2/user/info/")) {
        reply_error(s, a, 429, "rate_limit_exceeded", "The API rate limit was exceeded.");
        return;
    }
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_open(&o, "data", '{');
    out_open(&o, "user", '{');
    for (size_t i = 0; i < INFO_COUNT; i++)
        if ((may & 1U << i) != 0)
            put_info(s, &o, t, (enum info)i, q->mem);
    out_close(&o, '}');
    out_close(&o, '}');
    out_open(&o, "error", '{');
    out_cstr(&o, "code", "ok");
    out_cstr(&o, "message", "");
    out_cstr(&o, "log_id", a->log_id);
    out_close(&o, '}');
    out_close(&o, '}');
    reply_json(a, 200);
}
