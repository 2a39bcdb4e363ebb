/* What access's two SQL files offer to its other files. Rows are copies in the arena passed in. */
#ifndef MZ_ACCESS_DB_PRIV_H
#define MZ_ACCESS_DB_PRIV_H
#include "access/access.h"

/* ---- access_db.c ---- */
struct member {
    str workspace, id, email, name, password_hash, role, language, origin, external;
    int64_t created_ms, signed_in_ms;
};
MUSTCHECK enum rc db_workspace_insert(struct tx *tx, const struct workspace *w, struct fault *why);
MUSTCHECK enum rc db_workspace_ids(struct tx *tx, struct arena *mem, str **out, size_t *n, struct fault *why);
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
/* Looks, takes nothing: RC_MISSING when unknown, taken or too old; the same for both. */
MUSTCHECK enum rc db_token_find(struct tx *tx, str token_hash, struct arena *mem, struct console_token *out,
                                struct fault *why);
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
#endif
