/* Shared by access's own files only. */
#ifndef MZ_ACCESS_PRIV_H
#define MZ_ACCESS_PRIV_H
#include <stdatomic.h>
#include "crypto/crypto.h"
#include "access/access.h"

enum {
    TOUCH_MS = 60000, /* a session's or key's last use is written at most this often */
    ONCE_MS = 24 * 3600 * 1000,
    ENTER_MS = 60 * 1000,
    ENTER_MAX_MS = 15 * 60 * 1000,
    SLOT_MS = 15 * 60 * 1000, /* window of the sign-in counters */
    HASHES_MAX = 4,           /* passwords being checked at once: each takes 64 MiB */
    CANDIDATES_MAX = 4,       /* members with one e-mail, over all workspaces */
    PASSWORD_MIN = 12,
    PASSWORD_MAX = 128,
    ONCE_BODY_MAX = 256 * 1024,
    TIDY_ROWS = 90 /* of each of five tables: below 500 a transaction */
};

struct access {
    struct store *store;
    struct audit *audit;
    struct log *log;
    struct mac_keys mac;
    int64_t idle_ms, life_ms, invite_ms;
    int64_t per_address, per_pair, per_email;
    atomic_int hashing;
    str decoy; /* hash of a random password: unknown e-mails cost the same time */
    struct arena *own;
    void (*session_extra)(void *arg, str workspace, struct jw *w);
    void *extra_arg;
};

/* ---- credential.c: pure ---- */
/* "mzt_live_<26>_<43><6>"; key id is "key_<26>". */
MUSTCHECK enum rc key_text_new(struct arena *secret_mem, str *id, struct secret *text, struct fault *why);
bool key_text_parse(str text, struct arena *mem, str *id); /* shape and checksum; gives the key's id */
str scopes_text(uint64_t may, struct arena *mem);          /* names joined by blanks */
uint64_t scopes_parse(str text);                           /* unknown names are left out */
bool scope_find(str name, enum permission *out);
#define KEY_MAY (((UINT64_C(1) << PERM_COUNT) - 2) & ~(UINT64_C(1) << PERM_SESSION_SELF))
bool email_valid(str s);                            /* shape only; at most 254 bytes */
str email_fold(str s, struct arena *mem);           /* lower case ASCII; STR_NONE when full */
str address_prefix(str address, struct arena *mem); /* IPv6: its first 64 bits */

/* ---- access_db.c ---- */
struct member {
    str workspace, id, email, name, password_hash, role, language, origin, external;
    int64_t created_ms, signed_in_ms;
};
MUSTCHECK enum rc db_workspace_insert(struct tx *tx, const struct workspace *w, struct fault *why);
MUSTCHECK enum rc db_member_insert(struct tx *tx, const struct member *m, bool *inserted, struct fault *why);
MUSTCHECK enum rc db_member(struct tx *tx, str workspace, str id, struct arena *mem, struct member *out,
                            struct fault *why);
MUSTCHECK enum rc db_member_external(struct tx *tx, str workspace, str external, struct arena *mem,
                                     struct member *out, struct fault *why);
MUSTCHECK enum rc db_members(struct tx *tx, str workspace, str after, int64_t limit, struct arena *mem,
                             struct member **out, size_t *n, struct fault *why);
MUSTCHECK enum rc db_members_by_email(struct tx *tx, str email, struct arena *mem, struct member **out,
                                      size_t *n, struct fault *why);
MUSTCHECK enum rc db_owners(struct tx *tx, str workspace, struct arena *mem, str *first, int64_t *n,
                            struct fault *why);
MUSTCHECK enum rc db_member_role(struct tx *tx, str workspace, str id, str role, struct fault *why);
MUSTCHECK enum rc db_member_language(struct tx *tx, str workspace, str id, str language, struct fault *why);
MUSTCHECK enum rc db_member_signed_in(struct tx *tx, str workspace, str id, struct fault *why);
MUSTCHECK enum rc db_member_remove(struct tx *tx, str workspace, str id, struct fault *why);
MUSTCHECK enum rc db_member_renew(struct tx *tx, const struct member *m, struct fault *why);
struct invitation {
    str workspace, id, token_hash, email, name, role, language, invited_by;
    int64_t expires_ms;
};
MUSTCHECK enum rc db_invitation_insert(struct tx *tx, const struct invitation *i, struct fault *why);
/* Takes it: RC_MISSING "store.no_row" when unknown, taken or too old. */
MUSTCHECK enum rc db_invitation_take(struct tx *tx, str token_hash, str member, struct arena *mem,
                                     struct invitation *out, struct fault *why);
MUSTCHECK enum rc db_identity_find(struct tx *tx, const struct access_identity *i, struct arena *mem,
                                   str *workspace, str *member, struct fault *why);
MUSTCHECK enum rc db_identity_insert(struct tx *tx, const struct access_identity *i, str workspace,
                                     str member, bool *inserted, struct fault *why);
MUSTCHECK enum rc db_identities_of(struct tx *tx, str workspace, str member, struct arena *mem,
                                   struct rows **out, struct fault *why);
MUSTCHECK enum rc db_identities_remove(struct tx *tx, str workspace, str member, struct fault *why);

/* ---- access_session_db.c ---- */
struct session_row {
    str workspace, member, role, language;
    int64_t seen_ms, expires_ms;
};
MUSTCHECK enum rc db_session_insert(struct tx *tx, str id_hash, const struct session_row *s,
                                    struct fault *why);
MUSTCHECK enum rc db_session(struct tx *tx, str id_hash, struct arena *mem, struct session_row *out,
                             struct fault *why);
MUSTCHECK enum rc db_session_touch(struct tx *tx, str workspace, str id_hash, struct fault *why);
MUSTCHECK enum rc db_session_end(struct tx *tx, str id_hash, struct fault *why);
MUSTCHECK enum rc db_sessions_end(struct tx *tx, str workspace, str member, struct fault *why);
MUSTCHECK enum rc db_session_live(struct tx *tx, str workspace, str member, int64_t idle_ms, bool *live,
                                  struct fault *why);
struct api_key {
    str workspace, id, name, secret_hash, scopes, created_by;
    int64_t created_ms, expires_ms, revoked_ms, used_ms;
};
MUSTCHECK enum rc db_key_insert(struct tx *tx, const struct api_key *k, struct fault *why);
MUSTCHECK enum rc db_key(struct tx *tx, str id, struct arena *mem, struct api_key *out, struct fault *why);
MUSTCHECK enum rc db_keys(struct tx *tx, str workspace, str after, int64_t limit, struct arena *mem,
                          struct api_key **out, size_t *n, struct fault *why);
MUSTCHECK enum rc db_key_used(struct tx *tx, str workspace, str id, struct fault *why);
MUSTCHECK enum rc db_key_revoke(struct tx *tx, str workspace, str id, bool *changed, struct fault *why);
struct console_token {
    str workspace, token_hash, member;
    int64_t expires_ms;
};
MUSTCHECK enum rc db_token_insert(struct tx *tx, const struct console_token *t, struct fault *why);
MUSTCHECK enum rc db_token_take(struct tx *tx, str token_hash, struct arena *mem, struct console_token *out,
                                struct fault *why);
struct once_row {
    str route, body_hash, body;
    int64_t status, created_ms;
};
MUSTCHECK enum rc db_once(struct tx *tx, const struct once *o, struct arena *mem, struct once_row *out,
                          struct fault *why);
MUSTCHECK enum rc db_once_insert(struct tx *tx, const struct once *o, int64_t status, str body,
                                 bool *inserted, struct fault *why);
MUSTCHECK enum rc db_count_add(struct tx *tx, str kind, str subject, int64_t *n, struct fault *why);
MUSTCHECK enum rc db_count_clear(struct tx *tx, str kind, str subject, struct fault *why);
MUSTCHECK enum rc db_tidy(struct tx *tx, bool *more, struct fault *why);

/* ---- session.c ---- */
/* A new session for a member, inside a transaction; the one in `ends` (a cookie's value) is ended. */
struct session_new {
    str workspace, member, ends;
};
MUSTCHECK enum rc session_start(struct access *a, struct tx *tx, const struct session_new *s,
                                struct arena *mem, str *token, struct fault *why);
/* The audit entry of somebody who is not a principal yet. */
MUSTCHECK enum rc session_audit(struct access *a, struct tx *tx, struct request *rq_or_null,
                                const struct audit_entry *e, struct fault *why);
/* May who give or take this role? */
bool role_within(const struct principal *who, const struct access_role *role);
/* New console token for a member. */
MUSTCHECK enum rc token_start(struct tx *tx, str workspace, str member, int64_t life_ms, struct arena *mem,
                              str *token, struct fault *why);
MUSTCHECK enum rc not_found(struct fault *why); /* 404, the same for foreign and absent */

/* ---- handlers, one file per group ---- */
enum rc http_session_get(struct request *rq, void *ctx, struct fault *why);
enum rc http_session_post(struct request *rq, void *ctx, struct fault *why);
enum rc http_session_delete(struct request *rq, void *ctx, struct fault *why);
enum rc http_language_put(struct request *rq, void *ctx, struct fault *why);
enum rc http_identity_delete(struct request *rq, void *ctx, struct fault *why);
enum rc http_members_get(struct request *rq, void *ctx, struct fault *why);
enum rc http_role_put(struct request *rq, void *ctx, struct fault *why);
enum rc http_member_delete(struct request *rq, void *ctx, struct fault *why);
enum rc http_invitation_post(struct request *rq, void *ctx, struct fault *why);
enum rc http_invitation_accept(struct request *rq, void *ctx, struct fault *why);
enum rc http_keys_get(struct request *rq, void *ctx, struct fault *why);
enum rc http_key_post(struct request *rq, void *ctx, struct fault *why);
enum rc http_key_delete(struct request *rq, void *ctx, struct fault *why);
enum rc http_console_post(struct request *rq, void *ctx, struct fault *why);
enum rc http_console_enter(struct request *rq, void *ctx, struct fault *why);

enum { ACCESS_M_SIGN_IN, ACCESS_M_REFUSED, ACCESS_M_KEYS };
#endif
