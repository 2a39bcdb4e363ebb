/* Grants: how they live, how they are doing, how they end. Part of accounts' manual.
 *
 * Refresh: every node claims due grants in small lots: one transaction takes lease, fence and intent
 * (refreshing_ms) of each; then TikTok is called; the new pair is written in the first transaction after the
 * answer, compare-and-set on the fingerprint that was sent. The fence decides who may start a call, never
 * whether an answer is kept: also after a lost lease or while `revoking` the pair is stored. A commit that
 * fails or is unsure is repeated by the same thread, the pair in wiped memory, until it is stored, found
 * stored, or the grant is over; shutdown waits for that. A lease that ran out with an intent is an unknown
 * outcome: the grant is `unsure` and the old token is tried once more; refused, the person must consent
 * again (alert). Answers are classed by grant_answers[], a row per kind and fault code.
 */
#ifndef MZ_ACCOUNTS_GRANTS_H
#define MZ_ACCOUNTS_GRANTS_H
#include "base/base.h"
#include "observe/observe.h"
#include "store/store.h"

struct accounts;

/* ---- the schedule, pure: nothing but these numbers decides when a grant is looked at again ---- */
struct grant_life {
    int64_t now_ms;
    int64_t access_ms;          /* life of the access token that was just given; 0: does not expire */
    int64_t access_expires_ms;  /* absolute; 0: does not expire */
    int64_t refresh_expires_ms; /* absolute; 0: none */
    int failures;               /* refreshes that failed in a row; 0 after a good one */
    uint32_t dice;              /* random: jitter */
};
/* After a good answer: 50 % of the access life +-10 %, at least 10 min before its end and before the refresh
 * token's, never below 1 s from now. After failures: 15 s, 30 s, ... 5 min, +-25 %. Does not expire: the
 * daily probe. */
int64_t grant_next_ms(const struct grant_life *g);
/* Which notice is due this far before the end: 1, 7 or 30 days; 0: none yet. */
int grant_notice_days(int64_t left_ms);

/* ---- what is done after an answer, by kind ---- */
enum grant_act {
    GRANT_KEEP_TRYING,  /* later, with backoff; nothing is deleted */
    GRANT_WAIT,         /* a limit: later, not counted as a failure */
    GRANT_REFRESH_ONCE, /* the access token was refused: one refresh, then the person must consent again */
    GRANT_CONSENT,      /* dead: the person must connect again; alert */
    GRANT_ASK_AGAIN,    /* unknown outcome: once more with the old token */
    GRANT_OUR_SETUP     /* our app's configuration: alert; later again, nothing is deleted */
};
struct grant_answer {
    int kind;         /* enum app_kind; -1: every kind */
    bool in_refresh;  /* the answer of a refresh (ads: of the probe); false: of a call with the token */
    const char *code; /* fault code; NULL: any other code of this rc */
    int rc;           /* enum rc; -1: any */
    enum grant_act act;
    const char *doc;
};
extern const struct grant_answer grant_answers[];
extern const size_t grant_answers_n;
const struct grant_answer *grant_answer_of(int kind, bool in_refresh, const struct fault *why);

/* ---- what other rooms tell ---- */
struct account_report {
    str workspace, account;
    int64_t rotation; /* of the token that was used (struct account_token); an older one is not counted */
    const struct fault
        *fault; /* what TikTok answered: tiktok.token_expired | token_invalid | scope_missing */
};
/* TikTok refused a token: the grant is checked by a job (refreshed once, probed, or its scopes read again).
 * tx NULL: in a transaction of its own. Harmless for other faults. */
MUSTCHECK enum rc accounts_reported(struct accounts *a, struct tx *tx_or_null, const struct account_report *r,
                                    struct fault *why);
/* A call with this account's token was good: the last good call, noted at most once a minute. */
MUSTCHECK enum rc accounts_good(struct tx *tx, str workspace, str account, struct fault *why);

/* ---- how an account is doing: one row of words for each situation ---- */
struct account_health {
    const char *code;    /* "well", "scope_missing", "unsure", "needs_consent", ... */
    const char *verdict; /* "good", "warning", "bad" */
    const char *en, *th, *next_en, *next_th;
};
struct account;
/* missing_scopes: of the features that are on, or of the app; empty: none. */
const struct account_health *account_health(const struct account *acc, str missing_scopes, int64_t now_ms);

/* ---- the timeline ---- */
struct timeline_row { /* words for (what, code); the first row that matches wins; code NULL: any */
    const char *what, *code;
    const char *outcome; /* "good", "bad", "info" */
    const char *en, *th;
};
extern const struct timeline_row timeline_rows[];
extern const size_t timeline_rows_n;
struct timeline_entry {
    str id, what, code, cls, log_id; /* cls: the outcome's class ("reauth", "retry", ...); "ok"; "" none */
    int64_t at_ms, tiktok_code;
    const struct timeline_row *words;
};
struct timeline_page {
    str workspace, account, before; /* before: an entry's id; empty: from the newest */
    int64_t limit;
};
MUSTCHECK enum rc accounts_timeline(struct tx *tx, const struct timeline_page *p, struct arena *mem,
                                    struct timeline_entry **out, size_t *n, struct fault *why);
/* One entry by another room of the account (availability, subscriptions); what and code need a row above. */
MUSTCHECK enum rc accounts_note(struct tx *tx, str workspace, str account, const char *what, const char *code,
                                struct fault *why);
#endif
