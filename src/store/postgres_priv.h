/* PostgreSQL's driver, shared by postgres.c (pool, transactions), postgres_conn.c (one connection),
 * postgres_copy.c (rows as bytes, bulks) and postgres_append.c (intake lanes). */
#ifndef MZ_STORE_POSTGRES_PRIV_H
#define MZ_STORE_POSTGRES_PRIV_H
#include <libpq-fe.h>
#include "store/append_priv.h"
#include "store/db_priv.h"
#include "store/trip_priv.h"

enum {
    PG_STATEMENT_MS = 12000, /* the session's statement_timeout and 2 s: then the peer counts as gone */
    PG_PATIENT_MS = 600000,
    LANES = 2
};
struct pg_stmt {
    const char *text; /* the key: a pointer to constant text, */
    const char *copy; /* whose content is compared too, */
    uint64_t types;   /* and the types bound: two bits a parameter, because PostgreSQL plans by type */
    unsigned number;  /* its name there is "s<number>" */
};
struct pg_conn {
    PGconn *pg;
    struct arena *mem; /* tx_mem of what runs on it */
    struct arena *own; /* copies of statement texts */
    struct pg_stmt cache[STATEMENTS_MAX];
    unsigned cached;
    bool lost;           /* the connection is of no use any more */
    bool worn;           /* close it when it comes back: too many statements, or plans of an older schema */
    int64_t deadline_ms; /* of a read; 0: none */
    unsigned generation;
    struct pg_conn *next;
};
/* What to send: prepared (text is its name) or as it is. */
struct pg_send {
    const char *text;
    bool prepared, binary_rows, patient;
    const char *name; /* of the sql, for trips */
    enum trip_at at;
    int n;
    const char *const *values;
    const int *lengths, *formats;
};

/* postgres_conn.c */
enum rc pg_open(struct store *s, struct pg_conn **out, struct fault *why);
void pg_close(struct pg_conn **c);
bool pg_alive(struct pg_conn *c); /* no round trip: false when the peer has closed it meanwhile */
PGresult *pg_go(struct pg_conn *c, const struct pg_send *s); /* NULL: lost */
/* COPY ... FROM STDIN with all its bytes; AT_COMMIT: a transaction of its own. NULL: lost, maybe after it was
 * done. */
PGresult *pg_copy(struct pg_conn *c, const struct sql *copy, enum trip_at at, str bytes);
/* An error result (NULL: lost) as a fault; *again: the function may run again. */
enum rc pg_fault(struct pg_conn *c, const PGresult *r, const char *name, bool *again, struct fault *why);
enum rc pg_control(struct pg_conn *c, enum trip_at at, const struct sql *q, struct fault *why);
/* Its name on this connection in out ("s12"); types: OIDs for the first time, sig tells them apart. */
enum rc pg_prepare(struct pg_conn *c, const struct sql *q, const Oid *types, int n, uint64_t sig,
                   char out[16], bool *again, struct fault *why);
enum rc pg_run(struct tx *tx, const struct ask *a, struct answer *out, struct fault *why);
enum rc pg_script(struct tx *tx, const char *text, struct fault *why);
void pg_clock_measure(struct store *s, struct pg_conn *c);
void put_be32(char out[4], uint32_t v);
void put_be64(char out[8], uint64_t v);

/* postgres_copy.c */
void put_u32(struct buf *b, uint32_t v);
void put_cell(struct buf *b, const struct val *v); /* size and bytes, as in arrays */
void copy_begin(struct buf *b);
void copy_row(struct buf *b, const struct val *v, size_t n, uint32_t flags);
void copy_end(struct buf *b);
enum rc pg_bulk(struct bulk *b, struct fault *why);

/* postgres_append.c */
struct lanes;
struct lanes *lanes_open(struct store *s);
void lanes_wake(struct lanes *l);
void lanes_close(struct lanes **l);
#endif
