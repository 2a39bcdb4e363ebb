/* Shared by keys' own files only. */
#ifndef MZ_KEYS_PRIV_H
#define MZ_KEYS_PRIV_H
#include <pthread.h>
#include <stdatomic.h>
#include "keys/keys.h"

enum {
    DAY_MS = 86400000,
    TICK_MS = 20000,
    FRESH_MS = 5000,    /* a cached key is asked for again in the database after this */
    SETTLE_MS = 600000, /* the clock must have run evenly this long before a day key is destroyed */
    REWRAP_ROWS = 200,
    KEY_ID = 32,
    NAME = 72,
    DAYS_MAX = 128
};

/* ---- kek.c: the key encryption keys and wrapping ---- */
struct kek {
    struct seal_key primary, other; /* other.id empty: none */
};
MUSTCHECK enum rc kek_load(const struct config *c, struct kek *out, struct fault *why);
struct wrapped {      /* a data key as stored; place and id are bound into it */
    const char *kind; /* "data", "person", "day" */
    str owner;        /* workspace, workspace/person, day number */
    str id, bytes;
};
MUSTCHECK enum rc kek_wrap(const struct kek *k, struct wrapped *w, const struct seal_key *plain,
                           struct arena *mem, struct fault *why);
/* RC_DENIED "keys.wrong_kek" when neither known KEK opens it. */
MUSTCHECK enum rc kek_unwrap(const struct kek *k, const struct wrapped *w, struct seal_key *out,
                             struct fault *why);
MUSTCHECK enum rc kek_rewrap(const struct kek *k, struct wrapped *w, struct arena *mem, struct fault *why);
/* A new random key with an id of "<prefix>_<26>". */
void key_new(const char *prefix, struct seal_key *out);
str key_id(const struct seal_key *k);

/* ---- vault.c: key bytes in locked memory that is not dumped ---- */
struct vault;
struct vault *vault_open(struct log *log);
void vault_close(struct vault **v);                               /* wipes */
bool vault_find(struct vault *v, str name, struct seal_key *out); /* false: absent or older than FRESH_MS */
void vault_put(struct vault *v, str name, const struct seal_key *k);
void vault_forget(struct vault *v, str name);
/* Memory of the same kind for what lives as long as the room: zeroed; never returned singly. */
void *vault_room(struct vault *v, size_t n);

/* ---- keys_db.c ---- */
struct key_row {
    str workspace, person, id, kek, bytes;
    int64_t day, destroyed_ms, retired_ms;
};
MUSTCHECK enum rc keys_db_active(struct tx *tx, str workspace, struct arena *mem, struct key_row *out,
                                 struct fault *why);
MUSTCHECK enum rc keys_db_find(struct tx *tx, str workspace, str id, struct arena *mem, struct key_row *out,
                               struct fault *why);
/* Does nothing when the workspace has an active key (or this id). */
MUSTCHECK enum rc keys_db_insert(struct tx *tx, const struct key_row *r, bool active, struct fault *why);
MUSTCHECK enum rc keys_db_stop(struct tx *tx, str workspace, struct fault *why);
MUSTCHECK enum rc keys_db_delete(struct tx *tx, str workspace, struct fault *why);
MUSTCHECK enum rc keys_db_ids(struct tx *tx, str workspace, struct arena *mem, struct rows **out,
                              struct fault *why);
MUSTCHECK enum rc keys_db_person(struct tx *tx, str workspace, str person, struct arena *mem,
                                 struct key_row *out, struct fault *why);
MUSTCHECK enum rc keys_db_person_insert(struct tx *tx, const struct key_row *r, struct fault *why);
MUSTCHECK enum rc keys_db_person_destroy(struct tx *tx, str workspace, str person, struct fault *why);
MUSTCHECK enum rc keys_db_days(struct tx *tx, int64_t from, struct arena *mem, struct key_row **out,
                               size_t *n, struct fault *why);
MUSTCHECK enum rc keys_db_day_insert(struct tx *tx, const struct key_row *r, struct fault *why);
MUSTCHECK enum rc keys_db_days_delete(struct tx *tx, int64_t before, int64_t *gone, struct fault *why);
enum key_table { TABLE_DATA, TABLE_PERSON, TABLE_DAY };
MUSTCHECK enum rc keys_db_foreign(struct tx *tx, enum key_table t, str kek, struct arena *mem,
                                  struct key_row **out, size_t *n, struct fault *why);
MUSTCHECK enum rc keys_db_rewrap(struct tx *tx, enum key_table t, const struct key_row *r, str old_kek,
                                 struct fault *why);
MUSTCHECK enum rc keys_db_count(struct tx *tx, enum key_table t, str kek, int64_t *all, int64_t *foreign,
                                struct fault *why);

MUSTCHECK enum rc keys_db_forget(struct tx *tx, int64_t retired_before_ms, struct fault *why);
MUSTCHECK enum rc keys_db_state(struct tx *tx, struct keys_status *out, struct fault *why);

/* ---- reseal.c (more in rotate_priv.h) ---- */
bool keys_declared(const struct keys *k, const struct keys_place *at);
enum {
    GRACE_MS = 60000, /* longer than any transaction: what was read or sealed under an old key has ended */
    RETIRED_DAYS = 30 /* a retired key is refused at once and deleted after this */
};

/* ---- the room ---- */
struct day_key {
    int64_t day;
    struct seal_key key;
};
struct locked { /* in the vault's memory */
    struct kek kek;
    unsigned char root[KEY_BYTES];
    struct day_key days[DAYS_MAX]; /* ascending */
};
struct keys {
    struct store *store, *people;
    struct log *log;
    struct vault *vault;
    struct locked *locked;
    int64_t daily_days;
    struct audit *audit; /* with columns: by keys_columns_are */
    const struct keys_columns *tables;
    size_t n_tables;
    int64_t grace_ms, forgot_mono_ms;
    pthread_rwlock_t days_lock;
    size_t n_days;
    int64_t reloaded_mono_ms;
    /* the thread */
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t gate;
    pthread_cond_t bell;
    bool stop;
    /* how long the wall clock has run evenly */
    int64_t offset_ms, settled_mono_ms, settle_ms;
};
void keys_root_mac(const struct keys *k, const char *label, str workspace, unsigned char out[KEY_BYTES]);
MUSTCHECK enum rc keys_days_load(struct keys *k, struct fault *why);
MUSTCHECK enum rc keys_days_make(struct keys *k, struct fault *why);
MUSTCHECK enum rc keys_days_destroy(struct keys *k, struct fault *why);
MUSTCHECK enum rc keys_rewrap_all(struct keys *k, struct fault *why);

enum { KEYS_M_REFUSED, KEYS_M_TICK_FAILED, KEYS_M_DAYS, KEYS_M_RESEALED };
#endif
