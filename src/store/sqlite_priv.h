/* SQLite's driver, shared by sqlite.c (writer), sqlite_read.c (readers), sqlite_conn.c (one connection). */
#ifndef MZ_STORE_SQLITE_PRIV_H
#define MZ_STORE_SQLITE_PRIV_H
#include <sqlite3.h>
#include "store/append_priv.h"
#include "store/db_priv.h"
#include "store/trip_priv.h"

struct sl_stmt {
    const char *text; /* the key: a pointer to constant text */
    sqlite3_stmt *st;
    int params;
    unsigned char at[PARAMS_MAX]; /* index of $1, $2, ...: SQLite numbers names in order of appearance */
};
struct sl_conn {
    sqlite3 *db;
    struct arena *mem; /* tx_mem of what runs on it */
    struct sl_stmt cache[STATEMENTS_MAX];
    size_t cached;
    bool reads_only;
    bool suspect;        /* an I/O error was seen: close and open again */
    int64_t deadline_ms; /* of a read; 0: none */
    int wal_pages;
    unsigned generation;
    struct sl_conn *next; /* idle readers */
};

/* sqlite_conn.c */
enum rc sl_open(const char *path, bool reads_only, struct sl_conn **out, struct fault *why);
void sl_close(struct sl_conn **c);
/* Prepared once per connection and text; NULL with *code set on failure. */
struct sl_stmt *sl_stmt_get(struct sl_conn *c, const struct sql *q, int *code);
int sl_step(struct sl_conn *c, sqlite3_stmt *st, enum trip_at at, const char *name);
int sl_control(struct sl_conn *c, enum trip_at at, const struct sql *q); /* SQLITE_OK or the error */
int sl_bind(struct sl_stmt *st, const struct val *v, size_t n);
enum rc sl_fault(struct sl_conn *c, int code, const char *name, struct fault *why);
bool sl_in_transaction(const struct sl_conn *c);
enum rc sl_run(struct tx *tx, const struct ask *a, struct answer *out, struct fault *why);
enum rc sl_script(struct tx *tx, const char *text, struct fault *why);
int sl_checkpoint(struct sl_conn *c, int mode);

/* sqlite_wal.c: the VFS of the connection that writes; sl_writer_vfs registers it once */
#define SL_WRITER_VFS "mozflow-writer"
void sl_writer_vfs(void);

/* sqlite_read.c */
struct readers {
    pthread_mutex_t mu;
    pthread_cond_t back;
    struct sl_conn *idle;
    int open, out;       /* open: all; out: in use */
    unsigned generation; /* older connections are closed when they come back */
    bool held;           /* the writer re-opens: nothing is given out */
    const char *path;
};
void readers_open(struct readers *r, const char *path);
void readers_close(struct readers *r);
enum rc readers_run(struct store *s, struct readers *r, struct call *c);
void readers_hold(struct readers *r); /* closes them all; waits <= READ_MS for those in use */
void readers_free(struct readers *r);

/* sqlite_append.c: rows from b->at on, until the time is over; false: the transaction has ended. *end: behind
 * the last */
bool sl_append_rows(struct sl_conn *c, struct batch *b, int64_t until_us, size_t *end);
#ifdef MZ_TEST
int sqlite_waiting(struct store *s);
extern int64_t sqlite_group_us; /* a slow machine must not split a test's group */
#endif
#endif
