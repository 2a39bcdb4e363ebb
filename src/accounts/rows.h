/* The tables that room accounts hands to wiring. Part of accounts' manual. */
#ifndef MZ_ACCOUNTS_ROWS_H
#define MZ_ACCOUNTS_ROWS_H
#include "http/http.h"
#include "jobs/jobs.h"
#include "keys/keys.h"
#include "mozflow/mozflow.h"
#include "store/store.h"

extern const struct migration_table accounts_migrations; /* 3100+ */
extern const struct route accounts_routes[];             /* ctx: struct accounts * */
extern const size_t accounts_routes_n;
extern const struct route accounts_admin_routes[]; /* of the admin socket; ctx: struct accounts * */
extern const size_t accounts_admin_routes_n;
extern const struct job_kind accounts_jobs[]; /* ctx: struct accounts * */
extern const size_t accounts_jobs_n;
extern const struct job_schedule accounts_schedules[];
extern const size_t accounts_schedules_n;
extern const struct mozflow_event accounts_events[]; /* ctx: not used */
extern const size_t accounts_events_n;
extern const struct keys_column accounts_sealed[];
extern const size_t accounts_sealed_n;
extern const struct setting accounts_settings[];
extern const size_t accounts_settings_n;
extern const struct problem_row accounts_problems[]; /* also those of the tiktok.* codes */
extern const size_t accounts_problems_n;
extern const struct metric accounts_metrics[];
extern const size_t accounts_metrics_n;
extern const struct explain_row accounts_explain[]; /* "acc_" */
extern const size_t accounts_explain_n;
extern const struct alert_row accounts_alerts[];
extern const size_t accounts_alerts_n;
extern const struct event_doc accounts_event_docs[];
extern const size_t accounts_event_docs_n;
#endif
