/* Inside of room jobs. A job in hand is a struct job: what was claimed, its lane's fence, and how it ended.
 * */
#ifndef MZ_JOBS_PRIV_H
#define MZ_JOBS_PRIV_H
#include "jobs/jobs.h"
#include "jobs/jobs_db_priv.h"
#include <pthread.h>

#define JOB_ARGS_MAX 4096
#define JOB_KEY_MAX 256
#define JOB_LEASE_MS 30000
#define JOB_MEM_MAX ((size_t)64 << 20)
#define JOBS_POLL_MS (clock_shared() ? 10 : 250) /* a test's virtual clock runs ahead of a slow poll */
#define JOBS_BATCH 64 /* lanes a claim takes at most: one transaction stays well under 5 ms */
#define JOBS_SLICE 32 /* consecutive jobs of one lane in one hand, so that a hot lane shares its worker */
#define JOBS_SLICE_MS 500
#define JOBS_CRASHES 3
#define JOBS_CLOCK_OFF_MS 2000 /* a node further off than this claims nothing (ARCHITECTURE 4) */

struct job_found { /* a kind's row and its table's ctx */
    const struct job_kind *kind;
    void *ctx;
};

/* ---- one class's threads and what they share ---- */
struct crew {
    struct jobs *jobs;
    enum job_class cls;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *ready, **ready_tail; /* claimed, not begun */
    size_t n_ready;
    bool claiming;
    bool again;          /* woken while claiming: look once more */
    int64_t next_try_ms; /* monotonic */
    int64_t mean_us;     /* moving mean of a handler's time: sizes the next claim */
    int64_t lease_ms; /* the longest lease of the class's kinds: a lane is leased before its kind is known */
    char turn[128];   /* the workspace served last: round-robin goes on behind it */
    size_t turn_n;
    size_t n_threads;
    pthread_t threads[64];
};
struct jobs {
    struct arena *mem;
    struct jobs_options o;
    struct crew crews[JOBS_CLASSES];
    pthread_t scheduler;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    size_t running; /* handlers in hand, over all crews */
    _Atomic bool stopping;
    bool started;
    int64_t slots[64]; /* last slot of each schedule this process has put */
};

enum job_end { END_NONE, END_DONE, END_RETRY, END_LATER, END_DEAD };
struct job {
    struct job *next; /* in the crew's list */
    struct jobs *jobs;
    struct crew *crew;
    struct arena *mem;
    struct job_row row;
    struct job_found found;
    const struct json *args;
    int64_t fence;
    int64_t claimed_mono_ms, deadline_mono_ms;
    int64_t not_before_ms; /* a wait asked for by job_retry_after */
    enum job_end ended;
    int runs; /* how many of this lane ran in this hand */
    int64_t slice_mono_ms;
    struct job *follower; /* the lane's next job, begun by the completion of this one */
};

enum { METRIC_TOTAL, METRIC_RUN, METRIC_LAG }; /* rows of jobs_metrics */

/* ---- registry (put.c): puts name kinds, but carry no handle ---- */
void jobs_registry_add(struct jobs *j);
void jobs_registry_remove(struct jobs *j);
bool jobs_registry_kind(str name, struct job_found *out);
void jobs_woken(struct tx *tx); /* after the commit, every open queue looks at once */
bool jobs_kind(const struct jobs *j, str name, struct job_found *out);

/* ---- claim.c ---- */
/* Claims lanes of the class, at most `want`. Returns how many jobs came; *wait_ms until another look pays. */
size_t crew_claim(struct crew *c, size_t want, struct job **list, int64_t *wait_ms);
/* A struct job of its own arena for a row claimed under this fence; NULL when its args are broken. */
struct job *job_make(struct crew *c, const struct job_row *row, int64_t fence);
void job_free(struct job **j);

/* ---- finish.c ---- */
struct finish {
    struct job *job;
    enum job_end end;
    store_fn fn; /* may be NULL */
    void *arg;
    int64_t due_ms;
    const struct fault *why;
    bool note;   /* fence and lease only */
    bool follow; /* out: the lane goes on with `row` in the same hand */
    struct job_row row;
    struct arena *mem;
};
MUSTCHECK enum rc job_end_with(struct job *j, struct finish *f, struct fault *why);
/* Counts a job whose earlier claims vanished, before it is begun again. */
MUSTCHECK enum rc job_begin_suspect(struct job *j, struct fault *why);
/* Runs the handler and makes sure that it ended; returns the lane's next job or NULL. */
struct job *job_run(struct job *j);
/* Puts a claimed, not begun job back as it was. */
void job_give_back(struct job *j);
enum store_class crew_store_class(enum job_class c);
const char *crew_name(enum job_class c);

/* ---- schedule.c ---- */
void jobs_schedules_tick(struct jobs *j);
bool jobs_listens(str kind, const char *event); /* does wiring put this kind for the event? */
#endif
