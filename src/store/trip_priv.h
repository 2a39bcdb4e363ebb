/* Places where tests make store's libraries fail. In builds without MZ_TEST trip() is the constant TRIP_NONE.
 * */
#ifndef MZ_STORE_TRIP_PRIV_H
#define MZ_STORE_TRIP_PRIV_H
#include "base/base.h"

enum trip_at { AT_CONNECT, AT_PREPARE, AT_BEGIN, AT_STATEMENT, AT_COMMIT, AT_CHECKPOINT, AT_COUNT };
enum trip_act {
    TRIP_NONE,
    TRIP_FULL, /* disk full: on SQLite the whole transaction ends */
    TRIP_IO,   /* I/O error before the operation; on PostgreSQL a server error */
    TRIP_CONSTRAINT,
    TRIP_NOMEM,
    TRIP_DEADLOCK,   /* PostgreSQL: 40P01; SQLite: busy */
    TRIP_CUT_BEFORE, /* connection lost, nothing was sent */
    TRIP_CUT_AFTER   /* it happened, the answer was lost */
};
#ifdef MZ_TEST
struct trip_rule {
    enum trip_at at;
    const char *name; /* of the sql; NULL: any */
    int skip;         /* so many matching operations pass first */
    int times;        /* then so many are hit */
    enum trip_act act;
    void (*call)(void *arg); /* first, when not NULL: to delay, to count, to hold */
    void *arg;
};
void trip_set(const struct trip_rule *rule_or_null);
int trip_hits(void);
enum trip_act trip(enum trip_at at, const char *name);
#else
#define trip(at, name) ((void)(at), (void)(name), TRIP_NONE)
#endif
#endif
