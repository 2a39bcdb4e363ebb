/* consent: the ledger of what people were shown and agreed to, and what they took back.
 *
 * Append-only, one keyed hash chain per workspace like audit's, numbered by store_stamp(tx, workspace,
 * "consent"); triggers refuse UPDATE and DELETE. The person is a pseudonym: HMAC-SHA-256 of (client_key,
 * open_id) under a key that is not in the database, so the ledger can outlive an erasure without naming
 * anyone. Order of stamps in a transaction: consent, feed, audit. Table: consent_entries. No thread, no
 * routes: login and contacts show it.
 */
#ifndef MZ_CONSENT_H
#define MZ_CONSENT_H
#include "base/base.h"
#include "observe/observe.h"
#include "store/store.h"
#include "http/http.h"
#include "audit/audit.h"

struct consent;
struct consent_options {
    struct store *store;
    struct log *log;
    struct mac_keys mac;
};
MUSTCHECK enum rc consent_open(const struct consent_options *o, struct consent **out, struct fault *why);
void consent_close(struct consent **c);

struct consent_subject { /* who: a TikTok identity as one of our apps sees it */
    str client_key, open_id;
};
/* The pseudonym under which the ledger knows a person: 32 hex characters. STR_NONE when mem is full. */
str consent_pseudonym(const struct consent *c, str workspace, const struct consent_subject *who,
                      struct arena *mem);

enum consent_act { CONSENT_GIVEN, CONSENT_WITHDRAWN };
struct consent_entry {
    str workspace;
    struct consent_subject who;
    enum consent_act act;
    /* "login.web", "login.mobile", "login.qr", "accounts.connect", "erase", ...; what it was about */
    str flow;
    str text_version; /* version of the text that was shown, e.g. "tiktok-login/1"; empty for a withdrawal */
    str text;         /* the very words shown; only their SHA-256 is kept; empty: none */
    str language;     /* "en" or "th" */
    /* granted, comma-separated as TikTok names them; for a withdrawal: those taken back, empty: all */
    str scopes;
    str attempt;      /* login attempt id, or what else led to it; empty: none */
    int64_t shown_ms; /* when it was shown; 0: now */
};
/* One entry in the caller's transaction. *n (may be NULL): its number in the workspace. */
MUSTCHECK enum rc consent_record(struct consent *c, struct tx *tx, const struct consent_entry *e, int64_t *n,
                                 struct fault *why);

struct consent_row {
    int64_t n, at_ms, shown_ms;
    enum consent_act act;
    str pseudonym, flow, text_version, text_sha256, language, scopes, attempt;
};
/* A person's entries, newest first, <= 200. */
MUSTCHECK enum rc consent_list(struct consent *c, struct tx *tx, str workspace,
                               const struct consent_subject *who, struct arena *mem, struct consent_row **out,
                               size_t *n, struct fault *why);
struct consent_state {
    bool given; /* the newest entry of this flow family is an agreement that was not withdrawn since */
    str scopes; /* what holds now, comma-separated, in ledger order */
    str text_version, language;
    int64_t since_ms, n; /* of the newest agreement; 0: never */
};
/* What holds now for a person: agreements replace each other, a withdrawal takes away its scopes or
 * everything. RC_OK with given=false when there is nothing. */
MUSTCHECK enum rc consent_of(struct consent *c, struct tx *tx, str workspace,
                             const struct consent_subject *who, struct arena *mem, struct consent_state *out,
                             struct fault *why);
/* As audit_verify: RC_OK with *bad_n = 0 when the chain is whole, else the first entry that does not fit. */
MUSTCHECK enum rc consent_verify(struct consent *c, str workspace, int64_t *checked, int64_t *bad_n,
                                 struct fault *why);

extern const struct migration_table consent_migrations;
extern const struct problem_row consent_problems[];
extern const size_t consent_problems_n;
extern const struct metric consent_metrics[];
extern const size_t consent_metrics_n;
extern const struct event_doc consent_event_docs[];
extern const size_t consent_event_docs_n;
#endif
