/* keys: sealing under wrapped data keys per workspace, per person and per day; keyed fingerprints and
 * indexes.
 *
 * The key encryption key (KEK, 32 bytes) comes from the setting keys.kek (a file or a service credential;
 * hex, base64 or raw) and never enters the database; it wraps every data key. keys.kek_previous is a second
 * known one: to change the KEK, give every node the new one there, then swap the two; the room re-wraps the
 * data keys in the background and the old one may go when keys_status says that no row names it. Tables:
 * data_keys (workspaces; main store); in a store of their own, which main backups do not copy, person_keys
 * and day_keys: destroying one of those reaches every backup. Setting keys.person_url names that store;
 * empty means next to the main one ("x.db" gives "x.people.db"; on PostgreSQL the database "<name>_people",
 * which must exist). Thread: one, every 20 s: makes the day keys of today and tomorrow, loads those of other
 * nodes, destroys the old ones, re-wraps. Key bytes are cached in locked memory that stays out of core
 * dumps. Everything is thread-safe. Associated data is workspace, table, row, column and key id: a value
 * moved to another place does not open.
 */
#ifndef MZ_KEYS_H
#define MZ_KEYS_H
#include "base/base.h"
#include "config/config.h"
#include "crypto/crypto.h"
#include "observe/observe.h"
#include "store/store.h"
#include "audit/audit.h"
#include "jobs/jobs.h"

struct keys;
struct keys_options {
    struct store *store; /* main store, with keys_migrations applied */
    str main_url;        /* of that store: the default place of the person store is derived from it */
    const struct config *config;
    struct log *log;
    bool no_thread; /* tests: call keys_tick yourself */
};
/* RC_INVALID "keys.no_kek" without a KEK, "keys.bad_kek" for one of the wrong length; RC_DENIED
 * "keys.wrong_kek" when existing data keys were wrapped under another one. Opens the person store and makes
 * the first day keys. */
MUSTCHECK enum rc keys_open(const struct keys_options *o, struct keys **out, struct fault *why);
void keys_close(struct keys **k);
MUSTCHECK enum rc keys_tick(struct keys *k, struct fault *why); /* what the thread does, once */

/* ---- a workspace's secrets (tokens, signing secrets): in any transaction or read of the main store ---- */
struct keys_place {
    str workspace; /* or "-" for rows of the installation */
    const char *table;
    str row; /* the row's id */
    const char *column;
};
/* Makes the workspace's data key on first use, in the same transaction. out: bytes for an @BYTES column. */
MUSTCHECK enum rc keys_seal(struct keys *k, struct tx *tx, const struct keys_place *at, struct secret plain,
                            struct arena *mem, str *out, struct fault *why);
/* RC_DENIED "crypto.open" when moved or changed; RC_MISSING "keys.destroyed" when its key is gone. */
MUSTCHECK enum rc keys_unseal(struct keys *k, struct tx *tx, const struct keys_place *at, str sealed,
                              struct arena *secret_mem, struct secret *out, struct fault *why);
bool keys_stale(struct keys *k, struct tx *tx, str workspace,
                str sealed); /* sealed under an older data key */
MUSTCHECK enum rc keys_rotate(struct keys *k, struct tx *tx, str workspace,
                              struct fault *why); /* next seal: new key */
MUSTCHECK enum rc keys_destroy(struct keys *k, struct tx *tx, str workspace,
                               struct fault *why); /* all its values go */

/* ---- rotation: new data keys, every value sealed anew by the job keys.reseal, then the old keys retire ----
 * A room that seals hands in its columns; sealing a column that is in no table is RC_BUG "keys.undeclared". A
 * key retires when two whole scans a minute apart found nothing under it; after that its values are refused
 * (RC_DENIED "keys.retired"; other nodes within 5 s), and 30 days later it is deleted. */
struct keys_column {
    const char *table, *column;
    const struct sql
        *scan; /* $1 workspace, $2 after this row, $3 limit: row, value; ordered by row, no NULLs */
    const struct sql *swap; /* $1 new, $2 workspace, $3 row, $4 old: only while it is the old */
    const char *doc;
};
struct keys_columns {
    const struct keys_column *rows;
    size_t n;
};
void keys_columns_are(struct keys *k, struct audit *audit, const struct keys_columns *tables, size_t n);
/* Puts the work into the queue; one workspace ("-": the installation's own rows), or all: STR_NONE. Audit
 * entry keys.rotated by `actor`. */
MUSTCHECK enum rc keys_rotation_put(struct keys *k, struct tx *tx, str workspace, str actor,
                                    struct fault *why);
/* What `mozflow-tiktok keys status` prints. */
MUSTCHECK enum rc keys_print(struct keys *k, struct arena *mem, struct buf *out, struct fault *why);
extern const struct job_kind keys_jobs[]; /* ctx: struct keys */
extern const size_t keys_jobs_n;

/* ---- a person's values: load the key outside any transaction, then seal and unseal without a database ----
 */
struct person_key;
/* Makes the key on first use, durable before it returns. RC_REFUSED "keys.person_destroyed" after an
 * erasure. */
MUSTCHECK enum rc keys_person_load(struct keys *k, str workspace, str person, struct arena *secret_mem,
                                   const struct person_key **out, struct fault *why);
/* RC_MISSING "keys.person_destroyed" when there is none (any more). */
MUSTCHECK enum rc keys_person_find(struct keys *k, str workspace, str person, struct arena *secret_mem,
                                   const struct person_key **out, struct fault *why);
MUSTCHECK enum rc keys_person_seal(const struct person_key *p, const struct keys_place *at,
                                   struct secret plain, struct arena *mem, str *out, struct fault *why);
MUSTCHECK enum rc keys_person_unseal(const struct person_key *p, const struct keys_place *at, str sealed,
                                     struct arena *secret_mem, struct secret *out, struct fault *why);
/* Durable when it returns; other nodes forget it within 5 s. Leaves a row that says that it was destroyed. */
MUSTCHECK enum rc keys_person_destroy(struct keys *k, str workspace, str person, struct fault *why);

/* ---- the day's key, for webhook bodies: no database, no lock on the way; one sealer per thread ---- */
struct day_sealer;
MUSTCHECK enum rc day_sealer_open(struct keys *k, struct day_sealer **out, struct fault *why);
void day_sealer_close(struct day_sealer **d);
/* ad: what the body belongs to (app id, body hash). RC_RETRY "keys.no_day_key" when today's key could not be
 * made (the person store has been away since yesterday). The overhead is 79 bytes. */
MUSTCHECK enum rc day_seal(struct day_sealer *d, const str *ad, size_t n_ad, str plain, struct arena *mem,
                           str *out, struct fault *why);
/* Any thread. From memory for every day within the retention (keys.daily_days); RC_MISSING "keys.destroyed"
 * after. */
MUSTCHECK enum rc day_unseal(struct keys *k, const str *ad, size_t n_ad, str sealed, struct arena *mem,
                             str *out, struct fault *why);

/* ---- keyed hashes: pure, from memory, the same on every node and after every rotation ---- */
/* 128-bit fingerprint of a secret, 32 hex characters: label is what it is ("refresh"), client_key whose it
 * is. */
str keys_fingerprint(const struct keys *k, const char *label, str client_key, struct secret token,
                     struct arena *mem);
/* Look-up index of a personal value, already normalised by the caller; 32 hex characters; differs per
 * workspace. */
str keys_blind_index(const struct keys *k, str workspace, const char *label, str value, struct arena *mem);
/* For rooms that may not call keys: handed to audit_open, access_open, consent_open by wiring. */
struct mac_keys keys_mac(const struct keys *k);

struct keys_status {
    char kek_id[17];                                           /* the primary's */
    int64_t data_keys, person_keys, day_keys, under_other_kek; /* rows */
    int64_t today; /* day number of the newest usable day key; 0: none */
    int64_t old_data_keys, retired_data_keys, rotating, unreadable; /* rotating: workspaces */
};
MUSTCHECK enum rc keys_status(struct keys *k, struct keys_status *out, struct fault *why);
/* Where the person store is, for a main url and the setting; for wiring, backup and doctor. */
str keys_person_url(const struct config *c, str main_url, struct arena *mem);

extern const struct migration_table keys_migrations; /* main store */
extern const struct migration_table
    keys_person_migrations; /* the person store only; keys_open applies them */
extern const struct setting keys_settings[];
extern const size_t keys_settings_n;
extern const struct problem_row keys_problems[];
extern const size_t keys_problems_n;
extern const struct metric keys_metrics[];
extern const size_t keys_metrics_n;
extern const struct alert_row keys_alerts[];
extern const size_t keys_alerts_n;
extern const struct event_doc keys_event_docs[];
extern const size_t keys_event_docs_n;
#endif
