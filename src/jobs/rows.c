/* Const rows of room jobs: settings, metrics, retry schedules, log events, alerts. */
#include "jobs/jobs_priv.h"

#define THREADS(name, def_, text)                                                                            \
    {                                                                                                        \
        .key = "jobs.threads_" name, .kind = SET_INT, .min = 1, .max = 64, .unit = "threads", .def = def_,   \
        .doc = text                                                                                          \
    }
const struct setting jobs_settings[] = {
    THREADS("intake", "2",
            "Threads that work on what TikTok sent: routing webhooks, inbound messages, comments."),
    THREADS("send", "8", "Threads that send to TikTok: each waits for one answer at a time."),
    THREADS("token", "8", "Threads that refresh and revoke tokens."),
    THREADS("deliver", "8", "Threads that deliver events to Mozflow: each waits for one answer at a time."),
    THREADS("sync", "4", "Threads that fetch profiles, catalogues and reports."),
    THREADS("bulk", "1", "Threads for tidying, exports and other work that may wait."),
};
const size_t jobs_settings_n = COUNT_OF(jobs_settings);

const struct metric jobs_metrics[] = {
    [METRIC_TOTAL] = {"mz_jobs_total", METRIC_COUNTER, "kind,outcome", "Jobs that ran, by kind and outcome."},
    [METRIC_RUN] = {"mz_jobs_run_seconds", METRIC_HISTOGRAM, "kind",
                    "Time a handler took, its commit included."},
    [METRIC_LAG] = {"mz_jobs_lag_seconds", METRIC_GAUGE, "class",
                    "How long the oldest due lane had waited when the class last claimed."},
};
const size_t jobs_metrics_n = COUNT_OF(jobs_metrics);

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
static const int64_t fast_waits[] = {SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND};
/* reliability-security 3.4: ten tries over at least a day; shortest sum with jitter is 24.8 h. */
static const int64_t patient_waits[] = {SECOND,   10 * SECOND, MINUTE,   10 * MINUTE, HOUR,
                                        3 * HOUR, 6 * HOUR,    9 * HOUR, 10 * HOUR};
/* The schedule that Standard Webhooks recommends, with its last step repeated: more than four days. */
static const int64_t days_waits[] = {5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR,  5 * HOUR,
                                     10 * HOUR,  14 * HOUR,  20 * HOUR,   24 * HOUR, 24 * HOUR};
const struct retry_row retry_fast = {"fast", fast_waits, COUNT_OF(fast_waits), 5, 25};
const struct retry_row retry_patient = {"patient", patient_waits, COUNT_OF(patient_waits), 10, 15};
const struct retry_row retry_days = {"days", days_waits, COUNT_OF(days_waits), 11, 10};

const struct event_doc jobs_event_docs[] = {
    {"job.run", "A handler ran: job, kind, attempt, time taken, outcome (debug level)."},
    {"job.retry", "A job failed and will be tried again: job, kind, attempt, fault."},
    {"job.dead", "A job failed for good and is a dead letter now: job, kind, attempt, fault."},
    {"jobs.claim", "Claiming failed: class, fault. The next look follows in 250 ms."},
    {"jobs.clock_off", "This node's clock differs from the database's by more than 2 s: it claims nothing."},
    {"jobs.give_back", "A claimed job could not be given back; it is claimed again after its lease."},
    {"jobs.schedule", "A scheduled job could not be put: schedule, fault. Tried again at once."},
    {"jobs.stop_late",
     "Handlers still ran 8 s after stopping began; their jobs are claimed again after the lease."},
};
const size_t jobs_event_docs_n = COUNT_OF(jobs_event_docs);

const struct alert_row jobs_alerts[] = {
    {"jobs.dead", "ticket",
     "A background job failed for good and waits as a dead letter. Nothing is lost: read its reason, remove "
     "the cause, then replay it.",
     "งานเบื้องหลังล้มเหลวโดยสิ้นเชิงและถูกเก็บไว้ในรายการงานที่ล้มเหลว ไม่มีข้อมูลสูญหาย "
     "โปรดอ่านสาเหตุ แก้ไข แล้วสั่งให้ทำงานซ้ำ"},
};
const size_t jobs_alerts_n = COUNT_OF(jobs_alerts);
