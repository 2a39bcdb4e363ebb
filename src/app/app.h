/* app: the daemon put together. wiring.c alone names every room; main.c has the commands, serve.c the
 * process's life.
 *
 * Listeners: public (http.listen: pages, REST, webhooks), private (http.private_listen: /readyz, /metrics;
 * keep it off the internet) and the admin socket STATE/daemon.sock (mode 0600), over which the CLI changes a
 * running daemon. Files in the state folder: daemon.lock (one daemon at a time), daemon.sock, demo.json (demo
 * only).
 */
#ifndef MZ_APP_H
#define MZ_APP_H
#include "access/access.h"
#include "accounts/accounts.h"
#include "audit/audit.h"
#include "base/base.h"
#include "budget/budget.h"
#include "config/config.h"
#include "consent/consent.h"
#include "contacts/contacts.h"
#include "crypto/crypto.h"
#include "feed/feed.h"
#include "fetch/fetch.h"
#include "flags/flags.h"
#include "http/http.h"
#include "jobs/jobs.h"
#include "keys/keys.h"
#include "login/login.h"
#include "messaging/messaging.h"
#include "mozflow/mozflow.h"
#include "observe/observe.h"
#include "operate/operate.h"
#include "store/store.h"
#include "tiktok/tiktok.h"
#include "webhook/webhook.h"

enum { WEBHOOK_APPS = APPS_MAX };
struct app {
    str state_dir;
    struct arena *mem; /* lives as long as the process */
    struct config *config;
    struct log *log;
    struct store *store;
    struct keys *keys;
    struct audit *audit;
    struct access *access;
    struct flags *flags;
    struct consent *consent;
    struct fetch *fetch;
    struct tiktok *tiktok;
    struct budget *budget;
    struct feed *feed;
    struct mozflow *mozflow;
    struct accounts *accounts;
    struct webhook_app webhook_apps[WEBHOOK_APPS];
    struct webhook *webhook;
    struct login *login;
    struct contacts contacts;
    struct messaging messaging;
    struct operate operate;
    struct jobs *jobs;
    struct http *public_http, *private_http, *admin_http;
    int lock_fd;
    bool draining;
    str mark; /* of the TikTok button; see brand.c */
    const char *mark_type;
};

/* ---- wiring.c: the rows of all rooms ---- */
size_t wiring_settings(const struct setting_table **out);
size_t wiring_migrations(const struct migration_table **out);
size_t wiring_problems(const struct problem_table **out);
size_t wiring_alerts(const struct alert_table **out);
void wiring_metrics(void); /* registers them, once */
/* Log events and flags of all rooms, for gen-docs: n rows through each. */
void wiring_each_event(void (*each)(void *arg, const struct event_doc *row), void *arg);
void wiring_each_flag(void (*each)(void *arg, const struct flag_row *row), void *arg);
void wiring_each_mozflow_event(void (*each)(void *arg, const struct mozflow_event *row), void *arg);
void wiring_each_job(void (*each)(void *arg, const struct job_kind *row), void *arg);
/* Public route tables; ctx are filled from the app (NULL app: for docs). */
size_t wiring_routes(struct app *a, struct route_table *out, size_t max);
size_t wiring_admin_routes(struct app *a, struct route_table *out, size_t max); /* of the admin socket */
/* Opens everything in order / closes in reverse. After a failure app_close is still right. */
MUSTCHECK enum rc app_open(struct app *a, struct fault *why);
MUSTCHECK enum rc app_start(struct app *a, struct fault *why); /* threads and listeners */
void app_stop(struct app *a);                                  /* drain, jobs, router */
void app_close(struct app *a);

/* ---- serve.c ---- */
int serve(str state_dir, str config_file); /* exit code */
MUSTCHECK enum rc app_config(str state_dir, str config_file, struct config **out, struct fault *why);

/* ---- public.c, private.c, admin.c: routes of the process itself ---- */
extern const struct route public_routes[], private_routes[], admin_routes[]; /* ctx: struct app */
extern const size_t public_routes_n, private_routes_n, admin_routes_n;
extern const struct route budget_routes[], keys_admin_routes[]; /* budgets.c, keys_admin.c */
extern const size_t budget_routes_n, keys_admin_routes_n;
extern const struct problem_row app_problems[];
extern const size_t app_problems_n;
extern const struct setting app_settings[];
extern const size_t app_settings_n;
extern const struct event_doc app_event_docs[];
extern const size_t app_event_docs_n;

/* ---- guides.c: the guides through TikTok's portals ---- */
extern const struct route guide_routes[];
extern const size_t guide_routes_n;

/* ---- brand.c: the icon and the mark of the TikTok button ---- */
MUSTCHECK enum rc brand_open(struct app *a, struct fault *why);
extern const struct route brand_routes[];
extern const struct shape shape_file; /* of public.c */
extern const size_t brand_routes_n;

/* ---- demo.c: makes or finds the demo workspace; the answer is its JSON object ---- */
MUSTCHECK enum rc demo_seed(struct app *a, str demo_url, struct arena *mem, struct buf *out,
                            struct fault *why);

/* ---- docs.c: writes docs/generated ---- */
int docs_write(const char *dir);

/* ---- client.c: one call to a running daemon's admin socket; prints its answer; exit code ---- */
int client_call(str state_dir, const char *method, const char *path, str json_body);
MUSTCHECK enum rc client_fetch(str state_dir, const char *method, const char *path, str json_body,
                               struct arena *mem, int *status, str *body, struct fault *why);
#endif
