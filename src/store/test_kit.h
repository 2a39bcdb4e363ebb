/* What store's own tests share: one small schema, threads that start together, and a gate they meet at inside
 * fn. */
#ifndef MZ_STORE_TEST_KIT_H
#define MZ_STORE_TEST_KIT_H
#include <pthread.h>
#include <stdatomic.h>
#include "testdb.h"
#include "store/trip_priv.h"

extern const struct migration_table kit_tables[];
extern const size_t kit_n_tables;
/* counts(k, n): one row per key; items(k, v): k unique, v with CHECK (v >= 0). */

struct gate { /* lets n threads go at once; nobody waits longer than its patience */
    pthread_mutex_t mu;
    pthread_cond_t all;
    int want, here;
};
void gate_open(struct gate *g, int want);
/* false alarms are allowed: a race that cannot meet goes on */
void gate_pass(struct gate *g, int64_t patience_ms);

/* Runs fn(arg_i) on n threads and waits for all. */
void in_threads(int n, void *(*fn)(void *), void *args, size_t arg_size);
int64_t kit_number(struct testdb *db, const char *sql_text); /* first column of the first row */
void kit_add(struct testdb *db, const char *key, int64_t n); /* a row of counts */
bool kit_until(bool (*cond)(void *), void *arg);             /* polls <= 10 s */
#endif
