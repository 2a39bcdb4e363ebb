/* jobs: the durable queue. Lanes (a row per key: head, due, lease, fence), leases with a fencing token,
 * per-key order, schedules, retry rows, dead letters that can be listed, explained and replayed.
 *
 * Tables: jobs, job_lanes, job_schedules. A job's arguments hold ids only, as JSON. What is claimed is a
 * lane, so a hot key costs nothing: claim time with 100,000 jobs waiting on one key is <= 2x that of an empty
 * queue. A handler writes only through job_commit: its function, fence check and completion in one
 * transaction. Attempts are counted at claim; three claims without a result dead-letter the job as `crashed`.
 * Claims go round-robin over workspaces. Kinds that share a key share a class and an order (jobs of another
 * class are another lane). Threads: each worker class has its own. Leases compare store_clock; workers stop
 * by their own monotonic deadline one second before. A put wakes this node's workers after commit; a poll
 * (250 ms) is the truth. Locks (PostgreSQL): a put and a completion hold their lane's row until commit, so
 * take store_lock first, put after it, stamp last; job_commit touches the lane after fn for the same reason.
 */
#ifndef MZ_JOBS_H
#define MZ_JOBS_H
#include "base/base.h"
#include "json/json.h"
#include "store/store.h"
#include "observe/observe.h"

struct jobs;
struct job;
enum job_order {
    JOB_FREE,  /* no order: the key is ignored */
    JOB_ONE,   /* one at a time per key; a waiting retry does not block */
    JOB_STRICT /* one at a time, in order; a waiting retry blocks its followers */
};
enum job_class { JOBS_INTAKE, JOBS_SEND, JOBS_TOKEN, JOBS_DELIVER, JOBS_SYNC, JOBS_BULK, JOBS_CLASSES };
struct retry_row { /* waits before attempt 2, 3, ...; the last one repeats until attempts are used up */
    const char *name;
    const int64_t *waits_ms;
    size_t n;
    int attempts;
    int jitter_percent;
};
typedef enum rc (*job_fn)(struct job *j, void *ctx, struct fault *why);
struct job_kind {
    const char *name; /* "webhook.route" */
    enum job_order order;
    enum job_class cls;
    const struct retry_row *retry;
    int64_t lease_ms; /* 0: 30,000 */
    job_fn run;       /* RC_OK after job_commit, job_done or job_later; RC_RETRY/RC_LIMITED/RC_FULL retried;
                   RC_UNSURE: let the lease run out; others: dead letter at once, with the fault */
    const char *doc;
};
struct job_table {
    const struct job_kind *rows;
    size_t n;
    void *ctx;
};
struct job_schedule { /* every node inserts the due job under the unique key (schedule, slot) */
    const char *name;
    const char *kind;
    int64_t every_ms;
    const char *doc;
};
struct job_emit_row { /* wiring: which kinds an inner event's name puts */
    const char *event;
    const char *kind;
};
struct job_new {
    const char *kind;
    str workspace;  /* or "-" for the installation */
    str key;        /* order key; STR_NONE for JOB_FREE */
    str args;       /* JSON object of ids, <= 4 KiB */
    int64_t due_ms; /* 0: now */
    str unique;     /* a second put with the same (kind, unique) while one waits is a no-op; STR_NONE: none */
};
MUSTCHECK enum rc jobs_put(struct tx *tx, const struct job_new *n, struct fault *why);
/* An inner event: puts the kinds that wiring listed for this name; none listed is RC_BUG
 * "jobs.unknown_event". */
MUSTCHECK enum rc jobs_emit(struct tx *tx, const char *event, str workspace, str key, str args,
                            struct fault *why);

/* Raises an alert by the inner event alert.raised; nothing happens where no kind listens to it (unit tests).
 * */
MUSTCHECK enum rc jobs_alert(struct tx *tx, str workspace, const char *alert, str object, int64_t count,
                             struct fault *why);

/* ---- inside a handler ---- */
struct arena *job_mem(struct job *j);
str job_id(const struct job *j);
str job_workspace(const struct job *j);
const struct json *job_args(const struct job *j);
int job_attempt(const struct job *j); /* 1 for the first */
bool job_last(const struct job *j);   /* this attempt is the last */
int64_t job_deadline_mono_ms(const struct job *j);
/* fn, fence check and completion in one transaction. RC_DENIED "jobs.fenced" when the lease is another's now.
 * What fn refuses is rolled back and returned; the handler may call again with another fn. Once per job
 * RC_OK. */
MUSTCHECK enum rc job_commit(struct job *j, store_fn fn, void *arg, struct fault *why);
MUSTCHECK enum rc job_done(struct job *j, struct fault *why); /* nothing to write: completion alone */
/* fn and fence check without completion: a note before an outside act ("sending"). Renews the lease. */
MUSTCHECK enum rc job_note(struct job *j, store_fn fn, void *arg, struct fault *why);
void job_retry_after(struct job *j, int64_t wait_ms); /* the next retry comes no sooner (Retry-After) */
/* Gives the lease back, due at due_ms, without using an attempt (budgets). */
MUSTCHECK enum rc job_later(struct job *j, int64_t due_ms, struct fault *why);

struct jobs_options {
    struct store *store;
    struct log *log;
    const struct config *config; /* jobs.threads_<class> */
    const struct job_table *tables;
    size_t n_tables;
    const struct job_schedule *schedules;
    size_t n_schedules;
    const struct job_emit_row *emits;
    size_t n_emits;
    const char *node; /* this node's id, unique per process start */
};
/* RC_BUG "jobs.unknown_kind" when a schedule or emit row names a kind without a row. */
MUSTCHECK enum rc jobs_open(const struct jobs_options *o, struct jobs **out, struct fault *why);
MUSTCHECK enum rc jobs_start(struct jobs *j, struct fault *why); /* threads; after every room is open */
void jobs_stop(struct jobs *j); /* no new claims; waits <= 8 s for running handlers */
void jobs_close(struct jobs **j);
void jobs_wake(struct jobs *j);
/* Runs due work on this thread until none is due: tests. */
void jobs_drain(struct jobs *j);

/* ---- dead letters: list, one, replay (audit by the caller's route) ---- */
struct dead_letter {
    str id, workspace, kind, code, detail;
    int64_t died_ms;
    int attempts;
};
MUSTCHECK enum rc jobs_dead_list(struct tx *tx, str workspace, str after, int limit, struct arena *mem,
                                 struct dead_letter **out, size_t *n, struct fault *why);
MUSTCHECK enum rc jobs_dead_replay(struct tx *tx, str workspace, str id, struct fault *why);
extern const struct explain_row jobs_explain[]; /* "job_" */
extern const size_t jobs_explain_n;
extern const struct migration_table jobs_migrations;
extern const struct setting jobs_settings[];
extern const size_t jobs_settings_n;
extern const struct metric jobs_metrics[];
extern const size_t jobs_metrics_n;
extern const struct event_doc jobs_event_docs[];
extern const size_t jobs_event_docs_n;
extern const struct alert_row jobs_alerts[];
extern const size_t jobs_alerts_n;
/* fast: 5 tries in seconds; patient: 10 tries in >= 24 h; days: Standard Webhooks' schedule, 10 tries in 5
 * days */
extern const struct retry_row retry_fast, retry_patient, retry_days;
#endif
