/* The rules common to /open_api/v1.3/ (messaging 1.1, 5, 8; marketing 2, 12.1), before any handler: path,
 * method, body, Access-Token, scope, business_id, limits. A path without its final slash, or unknown, never
 * reaches the API: plain text 404. Texts other than the quoted ones are ours.
 */
#include "v13.h"
#include "rates.h"
#include "crypto/crypto.h"

#define BASE "/open_api/v1.3/"
static const struct v13_row rows[] = {
    {"POST", "tt_user/oauth2/token/", V13_NONE, .handle = business_token, .doc = "code"},
    {"POST", "tt_user/oauth2/refresh_token/", V13_NONE, .handle = business_refresh, .doc = "refresh"},
    {"POST", "tt_user/oauth2/revoke/", V13_NONE, .handle = business_revoke, .doc = "revoke"},
    {"POST", "tt_user/token_info/get/", V13_NONE, .handle = business_token_info, .doc = "scopes of a token"},
    {"GET", "business/get/", V13_ACCOUNT, true, NULL, business_profile,
     .doc = "profile and numbers by field"},
    {"GET", "business/message/conversation/list/", V13_ACCOUNT, true, "message.list.read", conversation_list,
     .doc = "conversations of the account"},
    {"GET", "business/message/content/list/", V13_ACCOUNT, true, "message.list.read", content_list,
     .doc = "the newest 20 messages"},
    {"POST", "business/message/send/", V13_ACCOUNT, true, "message.list.send", message_send,
     .doc = "a message"},
    {"GET", "business/message/capabilities/get/", V13_ACCOUNT, true, "message.list.read", capabilities_get,
     .doc = "may images be sent"},
    {"POST", "business/message/media/upload/", V13_ACCOUNT, true, "message.list.send", media_upload,
     .doc = "an image", .multipart = true},
    {"POST", "business/message/media/download/", V13_ACCOUNT, true, "message.list.read", media_download,
     .doc = "a link to a picture or video"},
    {"POST", "business/message/direct_reply/update/", V13_ACCOUNT, true, "message.list.manage",
     direct_reply_update, .doc = "comment to message on or off"},
    {"GET", "business/message/direct_reply/get/", V13_ACCOUNT, true, "message.list.read", direct_reply_get,
     .doc = "is it on"},
    {"POST", "business/message/auto_message/create/", V13_ACCOUNT, true, "message.list.manage", auto_create,
     .doc = "an automatic message"},
    {"POST", "business/message/auto_message/update/", V13_ACCOUNT, true, "message.list.manage", auto_update,
     .doc = "its text"},
    {"POST", "business/message/auto_message/status/update/", V13_ACCOUNT, true, "message.list.manage",
     auto_status, .doc = "a whole type on or off"},
    {"GET", "business/message/auto_message/get/", V13_ACCOUNT, true, "message.list.read", auto_get,
     .doc = "those of a type"},
    {"POST", "business/message/auto_message/get/", V13_ACCOUNT, true, "message.list.read", auto_get,
     .doc = "the same, as the page's head says"},
    {"POST", "business/message/auto_message/delete/", V13_ACCOUNT, true, "message.list.manage", auto_delete,
     .doc = "a question or prompt"},
    {"POST", "business/message/auto_message/sort/", V13_ACCOUNT, true, "message.list.manage", auto_sort,
     .doc = "the order of prompts"},
    {"GET", "business/video/list/", V13_ACCOUNT, true, "video.list", account_videos, .doc = "own posts"},
    {"GET", "business/comment/list/", V13_ACCOUNT, true, "comment.list", comment_list,
     .doc = "comments of a post"},
    {"GET", "business/comment/reply/list/", V13_ACCOUNT, true, "comment.list", comment_replies,
     .doc = "replies to a comment"},
    {"POST", "business/comment/create/", V13_ACCOUNT, true, "comment.list.manage", comment_create,
     .doc = "a comment of the account"},
    {"POST", "business/comment/reply/create/", V13_ACCOUNT, true, "comment.list.manage", comment_reply,
     .doc = "its reply"},
    {"POST", "business/comment/reply/", V13_ACCOUNT, true, "comment.list.manage", comment_reply_short,
     .doc = "the same, by switch"},
    {"POST", "business/comment/like/", V13_ACCOUNT, true, "comment.list.manage", comment_like,
     .doc = "like, unlike"},
    {"POST", "business/comment/hide/", V13_ACCOUNT, true, "comment.list.manage", comment_hide,
     .doc = "hide, show"},
    {"POST", "business/comment/delete/", V13_ACCOUNT, true, "comment.list.manage", comment_delete,
     .doc = "own comments only"},
    {"POST", "business/webhook/update/", V13_NONE, .handle = hook_update, .doc = "a category's callback"},
    {"GET", "business/webhook/list/", V13_NONE, .handle = hook_list, .doc = "the callback that stands"},
    {"POST", "business/webhook/delete/", V13_NONE, .handle = hook_delete, .doc = "ends it"},
    {"POST", "oauth2/access_token/", V13_NONE, .handle = ads_token, .doc = "advertiser's auth_code"},
    {"POST", "oauth2/revoke_token/", V13_NONE, .handle = ads_revoke, .doc = "ends an advertiser's token"},
    {"GET", "oauth2/advertiser/get/", V13_ADS, .handle = ads_advertisers, .doc = "granted ad accounts"},
    {"GET", "user/info/", V13_ADS, .handle = ads_user_info, .doc = "who authorised"},
};

str v13_text(const struct v13 *c, const char *name)
{
    str v = STR_NONE;
    if (c->query != NULL)
        return form_get(c->query, name);
    return json_str(c->body, name, &v) ? v : STR_NONE;
}

void v13_refuse(struct v13 *c, const char *code, const char *text)
{
    reply_error(c->s, c->a, 200, code, text);
}

bool v13_needs(struct v13 *c, const char *names)
{
    str rest = str_of(names), name = STR_NONE;
    while (str_cut(&rest, '|', &name)) {
        char text[64];
        must(TEXT_SET(text, name));
        if (v13_text(c, text).n > 0)
            continue;
        v13_refuse(c, "40002", arena_fmt(c->q->mem, "Missing data for required field: %s.", text).p);
        return false;
    }
    return true;
}

struct out *v13_open(struct v13 *c)
{
    buf_clear(&c->a->body);
    out_init(&c->o, &c->a->body, false);
    out_open(&c->o, NULL, '{');
    out_int(&c->o, "code", 0);
    out_cstr(&c->o, "message", "OK");
    out_cstr(&c->o, "request_id", c->a->log_id);
    out_open(&c->o, "data", '{');
    return &c->o;
}

void v13_close(struct v13 *c)
{
    out_close(&c->o, '}');
    out_close(&c->o, '}');
    reply_json(c->a, 200);
}

static bool same(const char *have, str given)
{
    return have[0] != '\0' && strlen(have) == given.n && equal_ct(have, given.p, given.n);
}

struct app *v13_app(struct v13 *c, enum portal portal, const char *id, const char *secret, const char *code)
{
    c->a->client_key = v13_text(c, id);
    struct app *app = app_find(c->s->w, c->a->client_key);
    if (app != NULL && app->portal == portal && same(app->secret, v13_text(c, secret)))
        return app;
    v13_refuse(c, code, "The app id or secret is incorrect.");
    return NULL;
}

struct token *v13_token_of(struct v13 *c, str text, enum portal portal)
{
    struct token *t = token_by_access(c->s->w, text);
    bool ours = t != NULL && !t->client_only && c->s->w->apps[t->app].portal == portal;
    int64_t now = sim_now(c->s);
    if (ours && token_alive(c->s->w, t, now)) {
        c->a->user = str_of(c->s->w->users[t->user].id);
        token_used(c->s, t);
        return t;
    }
    if (ours && !t->access_dead && now >= t->access_ms)
        v13_refuse(c, c->s->sw.text[SW_EXPIRED_CODE], "The access token is expired.");
    else
        v13_refuse(c, "40105", "Access token is incorrect or has been revoked.");
    return NULL;
}

/* ---- the rules in their order ---- */

static void plain(struct reply *a, int status, str text)
{
    a->status = status;
    a->type = "text/plain; charset=utf-8";
    buf_put(&a->body, text);
}

/* The row of path and method; else of the path, whose method is wrong. */
static const struct v13_row *row_of(const struct v13 *c, str path)
{
    const struct v13_row *found = NULL;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool off =
            rows[i].handle == comment_reply_short && !switch_is(&c->s->sw, SW_COMMENT_REPLY_PATH, "both");
        if (off || !str_eq(str_of(rows[i].path), path))
            continue;
        if (str_eq(c->q->method, str_of(rows[i].method)))
            return &rows[i];
        found = &rows[i];
    }
    return found;
}

static bool method_good(struct v13 *c, const struct v13_row *row)
{
    if (str_eq(c->q->method, str_of(row->method)))
        return true;
    if (switch_is(&c->s->sw, SW_METHOD_ERROR, "405"))
        plain(c->a, 405, STR("405 method not allowed"));
    else
        v13_refuse(c, "40117", "The method is not allowed.");
    return false;
}

/* A body that is not JSON, or multipart without a boundary, never reaches the API: HTTP 400 with text. */
static bool input_read(struct v13 *c, const struct v13_row *row)
{
    const struct ask *q = c->q;
    if (row->multipart) {
        c->upload = arena_new(q->mem, struct upload);
        c->query = c->upload == NULL ? NULL : &c->upload->fields;
        if (c->query != NULL && multipart_read(q->content_type, q->body, q->mem, c->upload))
            return true;
    } else if (str_eq(q->method, STR("GET"))) {
        c->query = arena_new(q->mem, struct form);
        if (c->query != NULL && form_read(q->query, q->mem, c->query))
            return true;
    } else if (str_starts(q->content_type, STR("application/json")) &&
               json_parse(q->body, NULL, q->mem, &c->body, NULL) == RC_OK && c->body->type == JSON_OBJ) {
        return true;
    }
    plain(c->a, 400, STR("invalid request body"));
    return false;
}

static bool token_good(struct v13 *c, const struct v13_row *row)
{
    if (row->token == V13_NONE)
        return true;
    if (c->q->access_token.n == 0) {
        v13_refuse(c, "40104",
                   "Access token is null, you should set it in http header with key Access-Token.");
        return false;
    }
    str text = c->q->access_token;
    if (planted("sim.bearer_ok") && str_starts(text, STR("Bearer ")))
        text = str_sub(text, 7, text.n);
    c->t = v13_token_of(c, text, row->token == V13_ADS ? PORTAL_ADS : PORTAL_BUSINESS);
    if (c->t != NULL)
        c->a->client_key = str_of(c->s->w->apps[c->t->app].client_key);
    return c->t != NULL;
}

static bool rights_good(struct v13 *c, const struct v13_row *row)
{
    char open_id[ID_SIZE];
    if (c->t == NULL)
        return true;
    if (row->scope != NULL && (c->t->scopes & scope_bit(row->scope)) == 0) {
        v13_refuse(c, "40001",
                   arena_fmt(c->q->mem, "No permission: the scope %s is not granted.", row->scope).p);
        return false;
    }
    str id = row->account ? v13_text(c, "business_id") : STR_NONE;
    if (id.n == 0)
        return true; /* missing: a parameter's fault, found later */
    open_id_of(&c->s->w->apps[c->t->app], &c->s->w->users[c->t->user], open_id);
    if (str_eq(id, str_of(open_id)))
        return true;
    v13_refuse(c, "40001", "No permission to operate this business_id.");
    return false;
}

static bool rate_good(struct v13 *c, const struct v13_row *row)
{
    const struct app *app = c->t != NULL ? &c->s->w->apps[c->t->app] : NULL;
    str id = STR_NONE;
    if (app == NULL)
        id = v13_text(c, "client_id").n > 0 ? v13_text(c, "client_id") : v13_text(c, "app_id");
    if (app == NULL)
        app = app_find(c->s->w, id);
    return app == NULL ||
           rates_take(c->s, c->a, app_index(c->s->w, app),
                      row->account && c->t != NULL ? c->t->grant : UINT_MAX, (unsigned)(row - rows));
}

void v13_any(struct sim *s, const struct ask *q, struct reply *a)
{
    struct v13 c = {.s = s, .q = q, .a = a};
    const struct v13_row *row = row_of(&c, str_sub(q->path, strlen(BASE), q->path.n));
    if (row == NULL) {
        plain(a, 404, STR("404 page not found"));
        return;
    }
    if (method_good(&c, row) && input_read(&c, row) && token_good(&c, row) && rights_good(&c, row) &&
        rate_good(&c, row) && (!row->account || v13_needs(&c, "business_id")))
        row->handle(&c);
}
