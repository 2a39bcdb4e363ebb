/* Shared by access's own files only. */
#ifndef MZ_ACCESS_PRIV_H
#define MZ_ACCESS_PRIV_H
#include <stdatomic.h>
#include "crypto/crypto.h"
#include "access/access.h"
#include "access/access_db_priv.h"

enum {
    TOUCH_MS = 60000, /* a session's or key's last use is written at most this often */
    ONCE_MS = 24 * 3600 * 1000,
    ENTER_MS = 60 * 1000,
    ENTER_MAX_MS = 15 * 60 * 1000,
    SLOT_MS = 15 * 60 * 1000, /* window of the sign-in counters */
    HASHES_MAX = 2,           /* passwords being checked at once: each takes 64 MiB */
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
enum rc http_console_look(struct request *rq, void *ctx, struct fault *why);
enum rc http_console_enter(struct request *rq, void *ctx, struct fault *why);

/* ---- shapes.c: what the routes answer with ---- */
extern const struct shape shape_session, shape_signed_out, shape_member, shape_member_role,
    shape_member_removed, shape_invitation, shape_new_member, shape_key, shape_key_revoked,
    shape_console_session;

enum { ACCESS_M_SIGN_IN, ACCESS_M_REFUSED, ACCESS_M_KEYS };
#endif
