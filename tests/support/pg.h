/* A private PostgreSQL for a test binary, by tests/support/pg.sh; ended with the process, however it ends. */
#ifndef MZ_TEST_PG_H
#define MZ_TEST_PG_H
#include <stdbool.h>

/* Starts it once per process (later calls give the same server); ends the process with a message when it
 * cannot. fsync is on unless the environment says MZ_PG_FSYNC=off. The URL's database is "postgres". */
const char *pg_start(void);
void pg_stop(void); /* also at exit; a watching child does it when the process is killed */
/* A fresh, empty database; its URL, which lives until the next call. */
const char *pg_database(void);
#endif
