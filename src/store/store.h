/* store: SQLite and PostgreSQL behind one API. Knows no table of another room.
 *
 * One SQL text for both: $1 placeholders, `INSERT ... ON CONFLICT ... RETURNING`. A write runs a function
 * inside one transaction and returns after it is durable; the function may run twice, so it has no effect
 * outside `tx`, no network, <= 500 rows, <= 5 ms. The first failed statement poisons tx on both databases.
 * Calling store_write, or store_read of the same store, inside it is a broken invariant.
 *
 * SQLite: one writer thread (the only connection that writes and checkpoints, because Debian 12's 3.40.1
 * lacks the WAL-reset fix) serves three queues in order and commits groups of calls, each in a savepoint.
 * Readers are read-only connections with wal_autocheckpoint=0. PostgreSQL: READ COMMITTED, capped pool,
 * deadlock, lock timeout and serialization failures run fn again (<= 5). An I/O error at COMMIT or a
 * connection lost in it is RC_UNSURE ("store.commit_unknown") for every call of the group. Faults:
 * RC_CONFLICT "store.constraint", RC_FULL "store.full" (disk, pool), RC_RETRY "store.unavailable", RC_UNSURE.
 */
#ifndef MZ_STORE_H
#define MZ_STORE_H
#include "base/base.h"
#include "config/config.h"
#include "observe/observe.h"

struct store;
struct tx;
struct sql { /* constant text; name is for metrics and errors */
    const char *name;
    const char *text; /* empty: nothing is asked, no rows come */
};
/* ---- bound values: text must be valid UTF-8 without NUL, on both databases (RC_INVALID "store.text").
 * V_NULL only where the column gives the type (VALUES, SET), else V_TEXT(STR_NONE). <= 32 parameters;
 * integers are 64 bits. ---- */
enum val_type { VT_NULL, VT_TEXT, VT_INT, VT_BYTES };
struct val {
    enum val_type type;
    str s;
    int64_t i;
};
#define V_TEXT(v) store_text(v) /* STR_NONE binds NULL */
#define V_INT(v) ((struct val){VT_INT, {NULL, 0}, (int64_t)(v)})
#define V_FLAG(v) ((struct val){VT_INT, {NULL, 0}, (v) ? 1 : 0})
#define V_BYTES(v) store_bytes(v)
#define V_NULL ((struct val){VT_NULL, {NULL, 0}, 0})
struct val store_text(str s);
struct val store_bytes(str s);
#define ARGS(...)                                                                                            \
    (const struct val[]){__VA_ARGS__}, sizeof((const struct val[]){__VA_ARGS__}) / sizeof(struct val)
#define NO_ARGS NULL, 0

/* ---- statements inside a transaction or a read ---- */
struct rows; /* a whole result in the arena (<= 10,000 rows, RC_FULL beyond) */
MUSTCHECK enum rc tx_exec(struct tx *tx, const struct sql *q, const struct val *v, size_t n,
                          int64_t *changed_or_null, struct fault *why);
MUSTCHECK enum rc tx_query(struct tx *tx, const struct sql *q, const struct val *v, size_t n,
                           struct arena *mem, struct rows **out, struct fault *why);
/* Like tx_query but exactly one row wanted: RC_MISSING "store.no_row" when none. Positioned on it. */
MUSTCHECK enum rc tx_one(struct tx *tx, const struct sql *q, const struct val *v, size_t n, struct arena *mem,
                         struct rows **out, struct fault *why);
bool rows_next(struct rows *r);
size_t rows_count(const struct rows *r);
str row_text(const struct rows *r, int col);    /* NULL column: STR_NONE */
int64_t row_int(const struct rows *r, int col); /* NULL column: 0 */
bool row_null(const struct rows *r, int col);
struct arena *tx_mem(struct tx *tx); /* lives as long as this run of fn */
int64_t tx_now_ms(struct tx *tx);    /* store_clock, the same for the whole transaction */
/* The exception to one text for both: where locks or planners differ, a statement has one form each. */
enum store_kind { ON_SQLITE, ON_POSTGRES };
const struct sql *tx_own(const struct tx *tx, const struct sql of[2]);
/* fn(arg) is called once this transaction is durable, on a store thread or the caller's: only to wake
 * somebody (it must not call store). Not called when it failed. The same pair twice in one tx is one call; <=
 * 8 pairs. */
void tx_after(struct tx *tx, void (*fn)(void *arg), void *arg);

/* ---- use cases ---- */
enum store_class { STORE_INTAKE, STORE_INTERACTIVE, STORE_BULK }; /* tokens and intake first */
typedef enum rc (*store_fn)(struct tx *tx, void *arg, struct fault *why);
/* Durable when it returns RC_OK. Any other rc of fn rolls its changes back and is returned as it is. */
MUSTCHECK enum rc store_write(struct store *s, enum store_class cls, store_fn fn, void *arg,
                              struct fault *why);
MUSTCHECK enum rc store_read(struct store *s, store_fn fn, void *arg, struct fault *why); /* <= 5 s */
/* Locks an aggregate for this transaction (PostgreSQL; nothing on SQLite). Ascending (kind, id); before
 * stamps. */
MUSTCHECK enum rc store_lock(struct tx *tx, str workspace, const char *kind, str id, struct fault *why);
/* Next number of a feed that readers resume from: number order is commit order. Last statement of a
 * transaction. */
MUSTCHECK enum rc store_stamp(struct tx *tx, str workspace, const char *feed, int64_t *out,
                              struct fault *why);

/* Asynchronous intake: rows gathered into one statement per commit. `done` is called once per row from a
 * store thread after durability: RC_OK inserted, RC_CONFLICT duplicate, else the fault (RC_FULL when the
 * queue is full). */
struct append_sql {
    struct sql insert; /* INSERT ... VALUES ($1..$k) ON CONFLICT DO NOTHING, run per row on SQLite */
    /* PostgreSQL: COPY table (columns) FROM STDIN (FORMAT binary), as long as no key comes twice; else
     * INSERT ... SELECT * FROM unnest($1::text[],...) ... ON CONFLICT DO NOTHING RETURNING key */
    const char *pg_copy, *pg_unnest;
    uint32_t pg_flags; /* bit i: column i is @FLAG, two bytes wide there */
    const enum val_type *types;
    size_t n, key_col; /* key_col: the column (0-based) whose value RETURNING gives back; BYTES or TEXT */
    void (*around)(bool begins); /* NULL, or called before and after the `done` calls of one commit */
};
typedef void (*append_done)(void *arg, enum rc rc);
/* Values are copied. RC_FULL at once when 2,048 rows or 16 MiB wait, or rows have waited for a second. */
MUSTCHECK enum rc store_append(struct store *s, const struct append_sql *q, const struct val *v,
                               append_done done, void *arg, struct fault *why);

/* ---- migrations: numbered, forward; @TEXT @INT64 @FLAG @BYTES and @TABLE expand per database ---- */
struct migration {
    int64_t number; /* room base + n: base numbers stand in app/wiring.c's list; unique over all rooms */
    const char *name;
    /* Statements separated by ";\n"; one that begins with "@SQLITE " or "@POSTGRES " runs on that database
     * only. */
    const char *text;
    /* A binary can run on the migrated schema when the highest number it knows for this room is at least
     * this; 0: any (expand steps). It must not be above `number`. */
    int64_t oldest_binary;
};
struct migration_table {
    const char *room;
    const struct migration *rows;
    size_t n;
};
struct store_options {
    str url;  /* "sqlite:/path/file.db" or "postgresql://..." */
    int pool; /* PostgreSQL connections, default 16 */
    const struct migration_table *migrations;
    size_t n_migrations;
    struct log *log;
    int64_t disk_reserve_bytes; /* SQLite: store_ready is false below it; 0: the setting's default */
};
/* Applies missing migrations under a lock; RC_REFUSED "store.schema_newer" when the schema needs a newer
 * binary. */
MUSTCHECK enum rc store_open(const struct store_options *o, struct store **out, struct fault *why);
void store_close(struct store **s); /* finishes what waits, final checkpoint */
/* database time in ms: PostgreSQL's by measured offset, else clock_now_ms */
int64_t store_clock(struct store *s);
bool store_ready(struct store *s, struct fault *why); /* last commit fine, disk above reserve */
extern const struct setting store_settings[];
extern const size_t store_settings_n;
extern const struct metric store_metrics[];
extern const size_t store_metrics_n;
extern const struct event_doc store_event_docs[];
extern const size_t store_event_docs_n;
#endif
