/* operate: alerts as durable rows, the story of one id, dead letters. Part 1: what a person on call needs
 * first.
 *
 * Tables: alerts (one row per workspace, name and object while it lasts; counted, not repeated). An alert is
 * raised by the inner event alert.raised {"alert", "object", "count"} in the raising room's own transaction;
 * the job operate.alert writes the row, a metric, a log event and, for a workspace, the event alert.raised to
 * Mozflow. Its words come from the rooms' alert rows. explain gathers the rooms' explain rows: a message or a
 * login from arrival to delivery, in words. No thread of its own.
 */
#ifndef MZ_OPERATE_H
#define MZ_OPERATE_H
#include "base/base.h"
#include "audit/audit.h"
#include "http/http.h"
#include "jobs/jobs.h"
#include "mozflow/mozflow.h"
#include "observe/observe.h"
#include "store/store.h"

struct alert_table {
    const struct alert_row *rows;
    size_t n;
};
struct explain_table {
    const struct explain_row *rows;
    size_t n;
};
struct operate {
    struct store *store;
    struct audit *audit;
    struct log *log;
    const struct alert_table *alerts;
    size_t n_alerts;
    const struct explain_table *explains;
    size_t n_explains;
};
const struct alert_row *operate_alert(const struct operate *o, str name); /* NULL: unknown */

/* The newest alerts, and the dead letters, as lines for a terminal (<= 200). workspace "-": the
 * installation's own, which no workspace sees. */
enum { OPERATE_LINES = 200 };
MUSTCHECK enum rc operate_alerts_print(const struct operate *o, str workspace, struct arena *mem,
                                       struct buf *out, struct fault *why);
MUSTCHECK enum rc operate_dead_print(const struct operate *o, str workspace, struct arena *mem,
                                     struct buf *out, struct fault *why);

/* Everything known about an id, in order of time, following references between rooms (<= 16). workspace
 * STR_NONE: the operator's view, over all workspaces. out->th chooses Thai. RC_MISSING "operate.unknown_id"
 * when no room knows it. */
MUSTCHECK enum rc operate_explain(const struct operate *o, str workspace, str id, struct arena *mem,
                                  struct explain *out, struct fault *why);
/* {"id", "language", "steps": [{"at", "text"}]} */
void explain_write(const struct explain *e, str id, struct jw *w);

extern const struct migration_table operate_migrations; /* 4900+ */
extern const struct route
    operate_routes[]; /* GET /v1/alerts, /v1/explain/{id}, /v1/jobs/dead, replay; ctx: operate */
extern const size_t operate_routes_n;
extern const struct job_kind operate_jobs[]; /* operate.alert */
extern const size_t operate_jobs_n;
extern const struct mozflow_event operate_events[]; /* alert.raised */
extern const size_t operate_events_n;
extern const struct problem_row operate_problems[];
extern const size_t operate_problems_n;
extern const struct metric operate_metrics[];
extern const size_t operate_metrics_n;
extern const struct event_doc operate_event_docs[];
extern const size_t operate_event_docs_n;
#endif
