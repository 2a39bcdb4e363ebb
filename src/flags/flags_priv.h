/* Shared by flags' own files only. */
#ifndef MZ_FLAGS_PRIV_H
#define MZ_FLAGS_PRIV_H
#include <pthread.h>
#include <stdatomic.h>
#include "flags/flags.h"

enum { POLL_MS = 400, PAGE = 1000, FLAGS_MAX = 64, STATES_MAX = 200000 };

struct state_row {
    str workspace, name, reason, by;
    bool on;
    int64_t at_ms;
};
struct state { /* in memory, ordered by (workspace, flag) */
    char workspace[40];
    uint16_t flag;
    bool on;
};
struct flags {
    struct store *store;
    struct audit *audit;
    struct log *log;
    const struct flag_row *rows[FLAGS_MAX];
    size_t n_rows;
    pthread_rwlock_t lock;
    struct state *states;
    size_t n_states;
    int64_t version;         /* of the table, as loaded */
    pthread_mutex_t refresh; /* one loader at a time, so that an older picture never replaces a newer one */
    bool has_thread, stop;
    pthread_t thread;
    pthread_mutex_t gate;
    pthread_cond_t bell;
};
/* Index of the row, or -1. */
int flags_row(const struct flags *f, str name);

/* flags_db.c */
MUSTCHECK enum rc flags_db_version(struct tx *tx, int64_t *out, struct fault *why);
MUSTCHECK enum rc flags_db_page(struct tx *tx, str after_workspace, str after_name, struct arena *mem,
                                struct state_row **out, size_t *n, struct fault *why);
MUSTCHECK enum rc flags_db_of(struct tx *tx, str workspace, struct arena *mem, struct state_row **out,
                              size_t *n, struct fault *why);
MUSTCHECK enum rc flags_db_save(struct tx *tx, const struct state_row *r, struct fault *why);
MUSTCHECK enum rc flags_db_delete(struct tx *tx, str workspace, str name, struct fault *why);
MUSTCHECK enum rc flags_db_bump(struct tx *tx, struct fault *why);

enum { FLAGS_M_CHANGES, FLAGS_M_STALE };
#endif
