/* Set-up of messaging: second part of messaging's manual. Is messaging available for an account, and do the
 * app's webhooks come to us?
 *
 * Availability (business-messaging 4.3): a probe asks TikTok, step by step, whether token, scopes, account
 * type, region and approval, one conversation/list and the webhook registration are right, and keeps what it
 * learned as facts with times. A pure table turns facts into one plain verdict. Daily for each connected
 * business account, within a minute of its connection, and after each 40001, 40105 and 40118
 * (messaging_answered). A verdict of not_approved_or_region opens a task "waiting for TikTok" with owner and
 * recheck date; a probe that finds messaging available closes it. Without an API there are links (4.4).
 * Webhook set-up (2.9): one callback per app and category, registered, verified and repaired here; never with
 * item_list. The loopback check sends a signed test event to our own public address and looks for its row.
 *
 * Tables: account_availability, availability_tasks, availability_plan, webhook_subscriptions. Threads: jobs'
 * sync workers, http's exchange workers. What can go wrong: a limit or an outage leaves facts unknown; an
 * unknown fact never becomes a bad verdict. No country field exists: the region is seen by an answer only.
 */
#ifndef MZ_MESSAGING_SETUP_H
#define MZ_MESSAGING_SETUP_H
#include "accounts/accounts.h"
#include "base/base.h"
#include "http/http.h"
#include "jobs/jobs.h"
#include "mozflow/mozflow.h"
#include "store/store.h"
#include "tiktok/tiktok.h"

struct messaging;

/* ---- pure: facts, verdict, words, links ---- */
enum webhook_category { HOOK_MESSAGES, HOOK_COMMENTS, HOOK_VIDEO, HOOK_MENTIONS, HOOK_CATEGORIES };
struct hook_category {
    const char *name;   /* TikTok's: "DIRECT_MESSAGE" */
    bool needed;        /* without it messaging or comments cannot work */
    const char *events; /* what its events begin with: "im_" */
    const char *en, *th;
};
extern const struct hook_category hook_categories[HOOK_CATEGORIES];

enum fact_name {
    FACT_TOKEN,
    FACT_SCOPES,
    FACT_TYPE,
    FACT_REGION,
    FACT_CONVERSATIONS,
    FACT_HOOK, /* and one for each further category */
    FACT_LAST_EVENT = FACT_HOOK + HOOK_CATEGORIES,
    FACTS
};
enum fact_result { FACT_UNKNOWN, FACT_GOOD, FACT_BAD, FACT_RESULTS };
struct fact {
    enum fact_result result;
    int64_t at_ms, tiktok_code; /* 0: none */
    char log_id[64];
};
struct facts {
    struct fact by[FACTS];
};
enum verdict {
    VERDICT_UNKNOWN,
    VERDICT_AVAILABLE,
    VERDICT_NO_SCOPE,
    VERDICT_NOT_BUSINESS,
    VERDICT_NOT_LET_IN, /* not_approved_or_region */
    VERDICT_TOKEN_DEAD,
    VERDICT_WEBHOOK_MISSING,
    VERDICTS
};
struct verdict_row {
    const char *name; /* "not_approved_or_region" */
    const char *en, *th;
};
extern const struct verdict_row verdict_rows[VERDICTS];
enum verdict availability_judge(const struct facts *f);
bool verdict_find(str name, enum verdict *out);
struct fact_row {
    const char *name; /* "account_type" */
    struct {
        const char *en, *th;
    } words[FACT_RESULTS];
};
extern const struct fact_row fact_rows[FACTS];
void facts_write(const struct facts *f, struct jw *w); /* for the row */
MUSTCHECK enum rc facts_parse(str text, struct arena *mem, struct facts *out, struct fault *why);
struct fallback_link {
    const char *kind; /* "tiktok_me" */
    const char *url;  /* "%s" is the username; NULL: none, words only */
    const char *en, *th;
};
extern const struct fallback_link fallback_links[];
extern const size_t fallback_links_n;
str fallback_url(const struct fallback_link *l, str username, struct arena *mem); /* STR_NONE: not possible */

/* ---- calls of other parts of messaging ---- */
/* After a call to TikTok for this account failed: 40001, 40105 and 40118 put a probe. Own transaction. */
MUSTCHECK enum rc messaging_answered(struct messaging *m, str workspace, str account,
                                     const struct fault *answer, struct fault *why);

/* ---- rows for wiring; ctx: struct messaging ---- */
extern const struct migration_table messaging_setup_migrations; /* 4150+ */
extern const struct route messaging_setup_routes[];
extern const size_t messaging_setup_routes_n;
extern const struct route messaging_admin_routes[]; /* of the admin socket */
extern const size_t messaging_admin_routes_n;
extern const struct job_kind messaging_setup_jobs[];
extern const size_t messaging_setup_jobs_n;
extern const struct job_schedule messaging_schedules[];
extern const size_t messaging_schedules_n;
extern const struct mozflow_event messaging_setup_events[];
extern const size_t messaging_setup_events_n;
extern const struct problem_row messaging_setup_problems[];
extern const size_t messaging_setup_problems_n;
extern const struct alert_row messaging_alerts[];
extern const size_t messaging_alerts_n;
extern const struct metric messaging_setup_metrics[];
extern const size_t messaging_setup_metrics_n;
extern const struct event_doc messaging_setup_event_docs[];
extern const size_t messaging_setup_event_docs_n;
#endif
