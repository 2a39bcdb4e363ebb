/* Private to login: what the files of connect share. */
#ifndef MZ_LOGIN_CONNECT_PRIV_H
#define MZ_LOGIN_CONNECT_PRIV_H
#include "login/login_priv.h"
#include "login/connect.h"

#define CONNECT_COOKIE "mz_connect" /* http puts __Host- before it */
#define CONNECT_VERSION "tiktok-connect/1"

/* ---- connect_db.c ---- */
struct connect_insert {
    const struct connect_start *start;
    str id, client_key;
};
MUSTCHECK enum rc db_connect_insert(struct tx *tx, const struct connect_insert *in, struct fault *why);
/* By id alone: the link names the attempt, not the workspace. RC_MISSING "connect.link_unknown". */
MUSTCHECK enum rc db_connect_by_id(struct tx *tx, str id, struct arena *mem, struct connect_attempt *out,
                                   struct fault *why);
MUSTCHECK enum rc db_connect(struct tx *tx, str workspace, str id, struct arena *mem,
                             struct connect_attempt *out, struct fault *why);
/* Binds the browser. *changed is 0 when another browser has it or it is over. */
MUSTCHECK enum rc db_connect_started(struct tx *tx, const struct connect_attempt *a, int64_t *changed,
                                     struct fault *why);
/* *changed is 0 when the attempt is over already. */
MUSTCHECK enum rc db_connect_finished(struct tx *tx, const struct connect_attempt *a, int64_t *changed,
                                      struct fault *why);
MUSTCHECK enum rc db_connect_end(struct tx *tx, str workspace, str id, const struct login_end *end,
                                 struct fault *why);
MUSTCHECK enum rc db_connect_tidy(struct tx *tx, int64_t before_ms, struct fault *why);

/* ---- connect.c ---- */
const char *connect_word(enum app_kind kind);  /* "business", "advertiser" */
const char *connect_place(enum app_kind kind); /* "business", "ads": in the paths */
bool connect_flag(struct login *l, str workspace);
/* The scopes to ask for, and the app; RC_OFF "connect.not_configured". */
struct connect_ask {
    const struct account_app *app;
    struct feature_facts facts; /* of the account of a step-up; else only what the app holds */
    str scopes, fresh;          /* fresh: of those, not granted yet */
    str open_id;                /* of the account of a step-up */
};
MUSTCHECK enum rc connect_ask(struct login *l, struct tx *tx, const struct connect_start *in,
                              struct arena *mem, struct connect_ask *out, struct fault *why);
struct connect_start connect_start_of(const struct connect_attempt *a);

/* ---- connect_finish.c ---- */
struct connect_finish {
    struct login *l;
    struct request *rq; /* may be NULL in tests */
    const struct connect_taken *taken;
    str code;
};
MUSTCHECK enum rc connect_finish(const struct connect_finish *f, struct arena *mem, struct fault *why);
void connect_note_end(struct login *l, const struct connect_attempt *a_or_null, enum app_kind kind,
                      const struct fault *why);
const struct login_end *connect_end_of(const struct fault *why); /* never NULL */

/* ---- connect_steps.c: markets, checklist, guides ---- */
struct market_row {
    const char *id, *verdict; /* "good", "warning", "bad": for messaging */
    struct login_words name, detail;
};
const struct market_row *market_at(size_t i); /* NULL past the end */
const struct market_row *market_find(str id);
struct step_row {
    const char *id;
    unsigned kinds;                            /* bit per app_kind */
    const char *markets;                       /* "th,rest"; NULL: all */
    bool on_page;                              /* shown before the click */
    struct login_words name, detail, conflict; /* conflict.en NULL: none */
    /* 1 done, 0 not, -1: only a person can tell */
    int (*done)(struct login *l, str workspace, enum app_kind kind);
};
const struct step_row *step_at(size_t i);
bool step_applies(const struct step_row *s, enum app_kind kind, str market);
enum rc connect_route_checklist(struct request *rq, void *ctx, struct fault *why);

/* ---- connect_pages.c ---- */
struct connect_page {
    const struct connect_attempt *attempt;
    str workspace_name, scopes, fresh;
};
enum rc connect_page_start(struct login *l, struct request *rq, const struct connect_page *p);
enum rc connect_page_end(struct request *rq, const struct fault *why,
                         const struct connect_attempt *a_or_null);
struct connect_page_done {
    const struct connect_attempt *attempt;
    str workspace_name, account_name;
};
enum rc connect_page_done(struct request *rq, const struct connect_page_done *p);
str connect_consent_text(str lang, enum app_kind kind, str scopes, struct arena *mem);

/* ---- routes ---- */
enum rc connect_route_make(struct request *rq, void *ctx, struct fault *why);
enum rc connect_route_business(struct request *rq, void *ctx, struct fault *why);
enum rc connect_route_ads(struct request *rq, void *ctx, struct fault *why);
enum rc connect_route_business_go(struct request *rq, void *ctx, struct fault *why);
enum rc connect_route_ads_go(struct request *rq, void *ctx, struct fault *why);
enum rc connect_route_business_back(struct request *rq, void *ctx, struct fault *why);
enum rc connect_route_ads_back(struct request *rq, void *ctx, struct fault *why);
enum rc connect_route_done(struct request *rq, void *ctx, struct fault *why);
#endif
