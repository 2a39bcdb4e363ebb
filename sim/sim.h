/* The simulator's inner manual: one request in, one answer out, one lock around the world.
 *
 * front.c adapts room http to struct ask and struct reply, applies faults and keeps the log. Every endpoint
 * is a row of sim_routes with a handler that runs under sim->lock and never blocks. sender.c is the only
 * thread beside http's: it posts webhooks, to loopback addresses only. Nothing here includes tiktok, webhook
 * or accounts of the daemon.
 */
#ifndef SIM_H
#define SIM_H
#include <pthread.h>
#include "base/base.h"
#include "json/json.h"
#include "encode.h"
#include "model.h"
#include "switches.h"

struct ask { /* a request; all text lives in mem */
    struct arena *mem;
    str method, path, query, body; /* query as it came, without '?' */
    str content_type, authorization, access_token, cookie, accept_language, user_agent, accept, origin,
        x_user;
};
enum form_of { FORM_OAUTH, FORM_V2, FORM_BUSINESS, FORM_PAGE, FORM_CONTROL };
struct reply {
    int status;
    const char *type;
    struct buf body; /* in the request's arena */
    struct {
        const char *name;
        str value;
    } headers[8];
    size_t n_headers;
    str form_action; /* origin that a form of this page may lead to */
    char log_id[LOG_ID_SIZE];
    str client_key, user; /* for the log */
    enum form_of form;
    /* what a fault makes of it */
    bool drop;
    size_t keep_bytes; /* SIZE_MAX: all */
    int64_t ms_per_byte, delay_ms;
    char fault[32];
    char code[40];          /* of an error */
    uint64_t wait_delivery; /* the answer goes out after this delivery was tried; 0: at once */
    /* a refresh: its entry (flight.h), the presented token's row and link as they were; 0: none */
    uint64_t flight;
    uint32_t flight_token, flight_next;
};
struct sim;
typedef void (*sim_fn)(struct sim *s, const struct ask *q, struct reply *a);
struct sim_route {
    const char *method, *path;
    bool prefix; /* path is a beginning */
    bool quiet;  /* not in the log */
    enum form_of form;
    sim_fn handle;
    const char *doc;
};
extern const struct sim_route sim_routes[];
extern const size_t sim_routes_n;

struct log_entry;
struct fault_rule;
struct delivery;
struct timer;
struct rate;
struct rates;
struct flight;
struct sim {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the sender has something to do */
    struct world *w;
    struct switches sw;
    struct log_entry *log;
    uint64_t log_n;
    struct fault_rule *faults;
    struct delivery *deliveries;
    uint64_t deliveries_n;
    struct timer *timers;
    struct rate *rates;   /* of v2 endpoints */
    struct rates *limits; /* of v1.3 (rates.h) */
    struct flight *flights;
    uint64_t flights_n;
    uint64_t drawn; /* duplicate/lost/reorder percentages draw from this counter */
    bool dirty, stopping;
    char url[256]; /* public origin, no final slash */
    char state_dir[512];
};
void sim_init(struct sim *s); /* allocates; lives as long as the process or test */
void sim_release(struct sim *s);
int64_t sim_now(const struct sim *s); /* virtual, ms */
/* Runs one request: takes the lock, finds the row, faults, handler, log. */
void sim_serve(struct sim *s, const struct ask *q, struct reply *a);
void reply_init(struct sim *s, const struct ask *q, struct reply *a);

/* ---- answers ---- */
void reply_header(struct reply *a, const char *name, str value);
void reply_json(struct reply *a, int status); /* marks what is in a->body */
void reply_redirect(struct reply *a, int status, str url);
/* An error in the form of the endpoint: flat OAuth, v2 envelope, business envelope, page, control. */
void reply_error(struct sim *s, struct reply *a, int status, const char *code, const char *text);
void reply_form(const struct ask *q, const struct form **out, struct reply *a);

/* ---- handlers, by file ---- */
#define HANDLER(name) void name(struct sim *s, const struct ask *q, struct reply *a)
HANDLER(authorize_get); /* authorize.c */
HANDLER(consent_post);  /* consent.c */
HANDLER(people_get);
HANDLER(people_post);
HANDLER(oauth_token); /* oauth.c */
HANDLER(oauth_revoke);
HANDLER(qr_get); /* qrcode.c */
HANDLER(qr_check);
HANDLER(qr_page);
HANDLER(qr_post);
HANDLER(control_qr_list);
HANDLER(control_qr_step);
HANDLER(user_info);  /* userinfo.c */
HANDLER(video_list); /* video.c */
HANDLER(video_query);
HANDLER(cdn_get);      /* avatar.c */
HANDLER(media_get);    /* media.c */
HANDLER(v13_any);      /* v13.c */
HANDLER(ads_auth_get); /* ads_page.c */
HANDLER(ads_auth_post);
HANDLER(home_page); /* pages.c */
HANDLER(asset_get);
HANDLER(phone_page); /* phone.c */
HANDLER(phone_send);
HANDLER(phone_messages);
HANDLER(control_message);
HANDLER(control_any); /* control.c */

/* ---- who is at the browser ---- */
/* cookie sim_person, else switch auto_user; NULL */
struct user *person_of(struct sim *s, const struct ask *q);
str cookie_get(const struct ask *q, const char *name);
/* A new code for this person; redirect_uri, challenge may be empty. NULL never: the oldest is forgotten. */
struct code *code_make(struct sim *s, const struct app *a, const struct user *u, uint32_t scopes);
/* A new pair under the grant, which becomes active with these scopes. NULL: the grant table is full. */
struct token *token_make(struct sim *s, const struct app *a, const struct user *u, uint32_t scopes);
void token_answer(struct sim *s, const struct token *t, struct buf *b); /* the token endpoint's JSON */
/* Ends a grant: every token dies now; then the webhook, unless quiet or of a portal that sends none. */
void grant_end(struct sim *s, struct grant *g, int reason, bool webhook);
/* 401, 429 ... already answered when NULL comes back. */
struct token *bearer(struct sim *s, const struct ask *q, struct reply *a);
bool rate_ok(struct sim *s, unsigned app, const char *endpoint); /* sliding minute */
#include "pictures.h"
#endif
