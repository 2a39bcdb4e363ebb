/* What the tests of this room share: a fresh store with a queue on it, kinds under test, and acts in one
 * line. */
#ifndef MZ_JOBS_TEST_WORLD_H
#define MZ_JOBS_TEST_WORLD_H
#include "testdb.h"
#include "jobs/jobs_priv.h"

struct world {
    struct testdb db;
    bool postgres;
    struct store *store;
    struct config *config;
    struct jobs *jobs;
    struct arena *mem;
    _Atomic int fail_times; /* the next so many runs answer fail_rc */
    enum rc fail_rc;
    str only_fail; /* ... of jobs with this tag only */
    _Atomic int ran;
    _Atomic int64_t order;
    int kill_at; /* the process kills itself in this run */
};
int world_open(void **state); /* *state NULL: SQLite, else PostgreSQL */
int world_close(void **state);
void world_pause(struct world *w); /* no thread, no connection: before fork() */
void world_resume(struct world *w);
struct jobs *node_open(struct world *w); /* another node on the same store */

struct effect {
    struct job *job;
    str tag;
    int64_t at;
};
enum rc effect_fn(struct tx *tx, void *arg, struct fault *why);                /* arg: struct effect */
enum rc put_fn(struct tx *tx, void *arg, struct fault *why);                   /* arg: struct job_new */
void put(struct world *w, const char *kind, const char *key, const char *tag); /* workspace ws_a */
void put_due(struct world *w, struct job_new n, const char *tag);
extern const struct sql effect_sum, lanes_left;
int64_t count(struct world *w, const struct sql *q, int64_t *times);
/* The tags of a workspace's effects in the order they happened; "!" behind one that happened twice. */
void assert_tags(struct world *w, const char *workspace, const char *want);

struct dead {
    struct arena *mem;
    struct dead_letter *at;
    size_t n;
    str id;
};
struct dead dead_now(struct world *w);
enum rc replay_fn(struct tx *tx, void *arg, struct fault *why); /* arg: struct dead, its id */
/* Claims like a worker would, without running: what a killed process leaves. */
struct job *claim(struct jobs *j, enum job_class cls, size_t want);
void drop(struct job *list);

#define ON_BOTH(f)                                                                                           \
    {#f ".sqlite", f, world_open, world_close, NULL},                                                        \
    {                                                                                                        \
#f ".postgres", f, world_open, world_close, (void *)1                                                \
    }
#endif
