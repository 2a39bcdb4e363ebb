/* The tables that room login hands to wiring. Part of login's manual. */
#ifndef MZ_LOGIN_ROWS_H
#define MZ_LOGIN_ROWS_H
#include "flags/flags.h"
#include "http/http.h"
#include "jobs/jobs.h"
#include "keys/keys.h"
#include "mozflow/mozflow.h"
#include "webhook/webhook.h"

/* The handler of `authorization.removed`: a row of webhook's table that puts job login.removed. */
extern const struct webhook_row login_webhooks[];
extern const size_t login_webhooks_n;
extern const struct migration_table login_migrations; /* 3200+ */
extern const struct route login_routes[];             /* ctx: struct login */
extern const size_t login_routes_n;
extern const struct job_kind login_jobs[]; /* ctx: struct login */
extern const size_t login_jobs_n;
extern const struct job_schedule login_schedules[]; /* old states, codes and attempts go */
extern const size_t login_schedules_n;
extern const struct keys_column login_sealed[];
extern const size_t login_sealed_n;
extern const struct setting login_settings[];
extern const size_t login_settings_n;
extern const struct problem_row login_problems[]; /* also those of the tiktok.* codes */
extern const size_t login_problems_n;
extern const struct metric login_metrics[];
extern const size_t login_metrics_n;
extern const struct event_doc login_event_docs[];
extern const size_t login_event_docs_n;
extern const struct mozflow_event login_events[]; /* login.completed, login.linked, login.unlinked */
extern const size_t login_events_n;
extern const struct flag_row login_flags[];
extern const size_t login_flags_n;
extern const struct explain_row login_explain[];
extern const size_t login_explain_n;
#endif
