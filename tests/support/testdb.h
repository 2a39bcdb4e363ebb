/* A fresh store for one test case, on SQLite or PostgreSQL. For tests of every room:
 *
 *     struct testdb db;
 *     testdb_open(&db, postgres, tables, n_tables);   // tables: struct migration_table[]
 *     ... db.store ...
 *     testdb_close(&db);
 *
 * TESTDB_BOTH(name) makes two cmocka tests, "name.sqlite" and "name.postgres", of `static void name(bool
 * postgres)`:
 *
 *     TESTDB_CASES(saves_twice)                        // at file level
 *     const struct CMUnitTest tests[] = {TESTDB_BOTH(saves_twice)};
 */
#ifndef MZ_TESTDB_H
#define MZ_TESTDB_H
#include "unit.h"
#include "store/store.h"
#include "pg.h"

struct testdb {
    struct store *store;
    char url[256];
    char dir[64]; /* SQLite: its private folder */
};
void testdb_open(struct testdb *t, bool postgres, const struct migration_table *tables, size_t n);
/* Closed and opened again on the same data. */
void testdb_reopen(struct testdb *t, const struct migration_table *tables, size_t n);
void testdb_close(struct testdb *t);
/* Fails the test with the fault's words unless rc == want. */
#define assert_rc(rc, want, why) testdb_rc((rc), (want), (why), __FILE__, __LINE__)
void testdb_rc(enum rc rc, enum rc want, const struct fault *why, const char *file, int line);

#define TESTDB_CASES(name)                                                                                   \
    static void name##_sqlite(void **state)                                                                  \
    {                                                                                                        \
        (void)state;                                                                                         \
        name(false);                                                                                         \
    }                                                                                                        \
    static void name##_postgres(void **state)                                                                \
    {                                                                                                        \
        (void)state;                                                                                         \
        name(true);                                                                                          \
    }
#define TESTDB_BOTH(name)                                                                                    \
    {#name ".sqlite", name##_sqlite, NULL, NULL, NULL},                                                      \
    {                                                                                                        \
#name ".postgres", name##_postgres, NULL, NULL, NULL                                                 \
    }
#endif
