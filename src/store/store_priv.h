/* Shared by store's own files: the transaction, the two drivers' common shape, bounds and queues.
 *
 * A driver (sqlite_driver, postgres_driver) is one const struct of functions; store.c dispatches to it. Every
 * call into SQLite or libpq that can fail passes a wrapper which asks trip() first, so that tests can make it
 * fail. */
#ifndef MZ_STORE_PRIV_H
#define MZ_STORE_PRIV_H
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include "store/store.h"
#include "store/bulk.h"

enum {
    ROWS_MAX = 10000,
    PARAMS_MAX = 32,
    STATEMENTS_MAX = 512, /* prepared per connection; a power of two */
    GROUP_CALLS_MAX = 256,
    GROUP_US = 5000,
    APPEND_ROWS_MAX = 2048,
    APPEND_COLUMNS_MAX = 12,
    APPEND_BYTES_MAX = 16 * 1024 * 1024,
    APPEND_WAIT_MS = 1000, /* a queue whose head waits longer takes nothing more */
    TX_MEM_BYTES = 32 * 1024 * 1024,
    CHECKOUT_MS = 100,
    RERUNS_MAX = 5,
    READ_MS = 5000,
    HOOKS_MAX = 8,
    CLASSES = 3
};

struct rows {
    struct arena *mem;
    struct val *cells;
    size_t n, cap, cols;
    size_t at; /* 1-based; 0 before the first rows_next */
};
/* One statement to run: mem == NULL means that no rows are wanted. */
struct ask {
    const struct sql *q;
    const struct val *v;
    size_t n;
    struct arena *mem;
};
struct answer {
    struct rows *rows;
    int64_t changed;
};
struct hook { /* tx_after: what to call once the transaction is durable */
    void (*fn)(void *arg);
    void *arg;
};
struct tx {
    struct store *s;
    void *conn; /* struct sl_conn or struct pg_conn */
    struct arena *mem;
    int64_t now_ms;
    bool poisoned, stamped;
    bool again;   /* the driver says that running fn once more may succeed */
    bool patient; /* migrations: no statement deadline of ours */
    struct fault poison;
    struct hook hooks[HOOKS_MAX];
    size_t n_hooks;
    char lock_kind[48]; /* the last lock, for the order check */
    str lock_id;
};
/* One store_write while its caller waits. */
struct call {
    store_fn fn;
    void *arg;
    enum store_class cls;
    bool patient;
    enum rc rc;
    struct fault why;
    struct hook hooks[HOOKS_MAX];
    size_t n_hooks;
    sem_t done;
    struct call *next;
};
struct bulk { /* one store_bulk */
    struct tx *tx;
    const struct bulk_table *table;
    bulk_next next;
    void *arg;
    size_t rows, bytes;
};
struct append_queue;
struct driver {
    const char *name;
    enum rc (*open)(struct store *s, struct fault *why);
    void (*close)(struct store *s);
    enum rc (*write)(struct store *s, struct call *c); /* fills c->rc and c->why */
    enum rc (*read)(struct store *s, struct call *c);
    enum rc (*run)(struct tx *tx, const struct ask *a, struct answer *out, struct fault *why);
    enum rc (*script)(struct tx *tx, const char *text, struct fault *why); /* not prepared: migrations */
    enum rc (*bulk)(struct bulk *b, struct fault *why);
    void (*append_wake)(struct store *s); /* rows wait in s->append */
    bool (*ready)(struct store *s, struct fault *why);
    const char *mark; /* "@SQLITE ": statements of a migration for this database alone */
    const char *text, *int64, *flag, *bytes, *table; /* what the migration words expand to */
};
struct store {
    const struct driver *drv;
    void *state; /* the driver's own */
    struct arena *mem;
    const char *url; /* sqlite: the path */
    int pool;
    int64_t disk_reserve_bytes;
    struct log *log;
    struct append_queue *append;
    atomic_bool commit_fine; /* how the last COMMIT ended */
    atomic_int_fast64_t clock_offset_ms;
};
extern const struct driver sqlite_driver, postgres_driver;

/* store.c */
void tx_init(struct tx *tx, struct store *s, void *conn, struct arena *mem);
/* Runs fn with nesting forbidden; a poisoned tx never gives RC_OK. Hooks go to c. */
enum rc tx_run_call(struct tx *tx, struct call *c);
bool tx_is_postgres(const struct tx *tx);
enum rc tx_poison(struct tx *tx, enum rc rc, const struct fault *why);
void call_hooks(struct call *c);  /* after durability */
void store_thread_mark(bool own); /* this thread belongs to store: store_write from it can only deadlock */
bool store_in_tx(void);           /* of any store */
enum rc tx_script(struct tx *tx, const char *text, struct fault *why);
enum rc store_write_patient(struct store *s, store_fn fn, void *arg, struct fault *why);
enum rc check_text(const struct sql *q, const struct val *v, size_t n, struct fault *why);
int64_t real_now_ms(void); /* never virtual */
enum store_metric { SM_COMMIT, SM_GROUP, SM_WRITES, SM_RERUNS, SM_APPENDED, SM_POOL, SM_COUNT };
const struct metric *store_metric(enum store_metric m);

/* bulk.c */
/* Each row that comes, checked; ends with the first fault. */
enum rc bulk_each(struct bulk *b, enum rc (*each)(void *arg, const struct val *v, struct fault *why),
                  void *arg, struct fault *why);
enum rc bulk_by_insert(struct bulk *b, struct fault *why); /* the driver that has nothing better */

/* rows.c */
struct rows *rows_new(struct arena *mem, size_t cols, size_t cap); /* NULL: arena full */
struct val *rows_add(struct rows *r);                              /* cells of a new row; NULL: arena full */

/* migrate.c */
enum rc migrate_all(struct store *s, const struct store_options *o, struct fault *why);

/* wait.c: clocks and waiting that tests can bound */
void backoff(int attempt); /* 1 ms doubling, with jitter, <= 20 ms */
bool cond_wait_ms(pthread_cond_t *c, pthread_mutex_t *mu, int64_t deadline_mono_ms); /* false: time is over */
void cond_open(pthread_cond_t *c);                               /* on the monotonic clock */
void thread_start(pthread_t *t, void *(*fn)(void *), void *arg); /* signals blocked */
#endif
