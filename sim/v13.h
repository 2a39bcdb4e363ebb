/* One call of /open_api/v1.3/: the common rules run first (v13.c), in the order of messaging section 8; then
 * the row's handler, which answers the envelope. HTTP 200 for every answer of the API itself.
 */
#ifndef SIM_V13_H
#define SIM_V13_H
#include "sim.h"
#include "oauth.h"
#include "multipart.h"

enum v13_token { V13_NONE, V13_ACCOUNT, V13_ADS };
struct v13 {
    struct sim *s;
    const struct ask *q;
    struct reply *a;
    const struct json *body; /* of a POST, an object */
    struct form *query;      /* of a GET, or the fields of an upload */
    struct upload *upload;   /* of a multipart row */
    struct token *t;         /* alive, of the row's kind; NULL: the row wants none */
    struct out o;
};
struct v13_row {
    const char *method, *path; /* below /open_api/v1.3/ */
    enum v13_token token;
    bool account;      /* takes business_id, is limited per account */
    const char *scope; /* NULL: none */
    void (*handle)(struct v13 *c);
    const char *doc;
    bool multipart;
};
str v13_text(const struct v13 *c, const char *name); /* a member of the body or the query; STR_NONE */
bool v13_needs(struct v13 *c, const char *names);    /* "a|b": false: answered 40002 */
void v13_refuse(struct v13 *c, const char *code, const char *text);
struct out *v13_open(struct v13 *c); /* {"code":0,...,"data":{ */
void v13_close(struct v13 *c);
/* The app whose id and secret these members are; NULL: answered with the code. */
struct app *v13_app(struct v13 *c, enum portal portal, const char *id, const char *secret, const char *code);
/* The token of this text if it is alive and of the portal; NULL: answered 40105, or 40102 when it expired. */
struct token *v13_token_of(struct v13 *c, str text, enum portal portal);

/* business.c, account.c, hooks.c, ads.c */
void business_token(struct v13 *c);
void business_refresh(struct v13 *c);
void business_revoke(struct v13 *c);
void business_token_info(struct v13 *c);
void business_profile(struct v13 *c);
/* messages.c, talk_lists.c, media.c, direct_reply.c, auto.c, comment_api.c */
void message_send(struct v13 *c);
void conversation_list(struct v13 *c);
void content_list(struct v13 *c);
void capabilities_get(struct v13 *c);
void media_upload(struct v13 *c);
void media_download(struct v13 *c);
void direct_reply_update(struct v13 *c);
void direct_reply_get(struct v13 *c);
void auto_create(struct v13 *c);
void auto_update(struct v13 *c);
void auto_status(struct v13 *c);
void auto_get(struct v13 *c);
void auto_delete(struct v13 *c);
void auto_sort(struct v13 *c);
void account_videos(struct v13 *c);
void comment_list(struct v13 *c);
void comment_replies(struct v13 *c);
void comment_create(struct v13 *c);
void comment_reply(struct v13 *c);
void comment_reply_short(struct v13 *c);
void comment_like(struct v13 *c);
void comment_hide(struct v13 *c);
void comment_delete(struct v13 *c);
/* hooks.c, ads.c */
void hook_update(struct v13 *c);
void hook_list(struct v13 *c);
void hook_delete(struct v13 *c);
void ads_token(struct v13 *c);
void ads_revoke(struct v13 *c);
void ads_advertisers(struct v13 *c);
void ads_user_info(struct v13 *c);
#endif
