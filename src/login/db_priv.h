/* Private to login: its rows. Included by login_priv.h, which declares what they use. */
#ifndef MZ_LOGIN_DB_PRIV_H
#define MZ_LOGIN_DB_PRIV_H
#include "login/login.h"

/* ---- rows (login_db.c) ---- */
MUSTCHECK enum rc db_attempt_insert(struct tx *tx, const struct login_start *in, str id, struct fault *why);
/* By id alone: the start link names the attempt, not the workspace. RC_MISSING "login.attempt_unknown". */
MUSTCHECK enum rc db_attempt_by_id(struct tx *tx, str id, struct arena *mem, struct attempt *out,
                                   struct fault *why);
MUSTCHECK enum rc db_attempt(struct tx *tx, str workspace, str id, struct arena *mem, struct attempt *out,
                             struct fault *why);
struct attempt_started {
    str workspace, id, cookie_hash, scopes, lang;
    enum login_via via;
};
MUSTCHECK enum rc db_attempt_started(struct tx *tx, const struct attempt_started *in, struct fault *why);
struct attempt_finished {
    str workspace, id, account, granted, missing;
    bool known;
    enum attempt_state state;
};
MUSTCHECK enum rc db_attempt_finished(struct tx *tx, const struct attempt_finished *in, struct fault *why);
MUSTCHECK enum rc db_attempt_state(struct tx *tx, str workspace, str id, enum attempt_state to,
                                   struct fault *why);
MUSTCHECK enum rc db_attempt_end(struct tx *tx, str workspace, str id, const struct login_end *end,
                                 struct fault *why);

struct state_row {
    str hash, workspace, attempt, cookie_hash, redirect_uri, verifier_sealed, qr_sealed, ticket;
    str provider; /* name of the app's kind: an answer counts at that kind's callback only */
    enum login_via via;
    int64_t expires_ms, used_ms;
};
MUSTCHECK enum rc db_state_insert(struct tx *tx, const struct state_row *in, struct fault *why);
/* The one UPDATE ... RETURNING. RC_MISSING when nothing was taken. */
MUSTCHECK enum rc db_state_take(struct tx *tx, const struct state_row *want, struct arena *mem,
                                struct state_row *out, struct fault *why);
MUSTCHECK enum rc db_state_find(struct tx *tx, str hash, struct arena *mem, struct state_row *out,
                                struct fault *why);
/* Taken without being used: it came to the wrong callback. */
MUSTCHECK enum rc db_state_burn(struct tx *tx, str hash, struct fault *why);
MUSTCHECK enum rc db_state_qr(struct tx *tx, str hash, str qr_sealed, struct fault *why);
MUSTCHECK enum rc db_state_of_attempt(struct tx *tx, str workspace, str attempt, struct arena *mem,
                                      struct state_row *out, struct fault *why);

/* ---- rows (handover_db.c) ---- */
MUSTCHECK enum rc db_code_insert(struct tx *tx, str workspace, str hash, str attempt, struct fault *why);
struct code_row {
    str attempt;
    int64_t expires_ms;
};
/* Burns it. RC_MISSING: not there or used; *used tells which. */
MUSTCHECK enum rc db_code_take(struct tx *tx, str workspace, str hash, struct code_row *out, bool *used,
                               struct fault *why);
/* When a code of the attempt was presented; 0: not yet. RC_MISSING: it has none, or it was tidied away. */
MUSTCHECK enum rc db_code_presented(struct tx *tx, str workspace, str attempt, struct arena *mem,
                                    int64_t *used_ms, struct fault *why);
MUSTCHECK enum rc db_link_find(struct tx *tx, str workspace, str account, struct arena *mem, str *user,
                               struct fault *why);
MUSTCHECK enum rc db_link_insert(struct tx *tx, str workspace, str account, str user, int64_t *changed,
                                 struct fault *why);
MUSTCHECK enum rc db_link_delete(struct tx *tx, str workspace, str account, int64_t *changed,
                                 struct fault *why);
struct return_url {
    str id, url;
};
MUSTCHECK enum rc db_return_insert(struct tx *tx, str workspace, str id, str url, struct fault *why);
MUSTCHECK enum rc db_return_find(struct tx *tx, str workspace, str url, struct arena *mem, str *id,
                                 struct fault *why);
MUSTCHECK enum rc db_return_load(struct tx *tx, str workspace, str id, struct arena *mem, str *url,
                                 struct fault *why);
MUSTCHECK enum rc db_return_list(struct tx *tx, str workspace, struct arena *mem, struct return_url **out,
                                 size_t *n, struct fault *why);
MUSTCHECK enum rc db_return_delete(struct tx *tx, str workspace, str id, int64_t *changed, struct fault *why);
MUSTCHECK enum rc login_db_tidy(struct tx *tx, int64_t before_ms, struct fault *why);
#endif
