/* The only file that names every room: their const tables, who handles which inner event, and the order of
 * opening and closing. Adding a capability means adding its rows here.
 */
#include "accounts/rows.h"
#include "app/app.h"
#include "login/rows.h"

/* Sizes of other files' tables are not constant expressions, so each list is filled once. */
enum { LIST_MAX = 40 };

#define ADD(list, n, room, kind)                                                                             \
    (list)[(n)++] = (__typeof__((list)[0]))                                                                  \
    {                                                                                                        \
        room##_##kind, room##_##kind##_n                                                                     \
    }

size_t wiring_settings(const struct setting_table **out)
{
    static struct setting_table list[LIST_MAX];
    size_t n = 0;
    ADD(list, n, app, settings);
    ADD(list, n, http, settings);
    ADD(list, n, store, settings);
    ADD(list, n, keys, settings);
    ADD(list, n, jobs, settings);
    ADD(list, n, fetch, settings);
    ADD(list, n, feed, settings);
    ADD(list, n, mozflow, settings);
    ADD(list, n, access, settings);
    ADD(list, n, budget, settings);
    ADD(list, n, tiktok, settings);
    ADD(list, n, accounts, settings);
    ADD(list, n, login, settings);
    ADD(list, n, webhook, settings);
    ADD(list, n, messaging, settings);
    *out = list;
    return n;
}

size_t wiring_migrations(const struct migration_table **out)
{
    static struct migration_table list[LIST_MAX];
    const struct migration_table *const rooms[] = {
        &jobs_migrations,    &feed_migrations,           &mozflow_migrations,  &keys_migrations,
        &audit_migrations,   &access_migrations,         &flags_migrations,    &consent_migrations,
        &budget_migrations,  &webhook_migrations,        &accounts_migrations, &features_migrations,
        &connect_migrations, &login_migrations,          &contacts_migrations, &messaging_migrations,
        &operate_migrations, &messaging_setup_migrations};
    for (size_t i = 0; i < COUNT_OF(rooms); i++)
        list[i] = *rooms[i];
    *out = list;
    return COUNT_OF(rooms);
}

size_t wiring_problems(const struct problem_table **out)
{
    static struct problem_table list[LIST_MAX];
    size_t n = 0;
    ADD(list, n, http, problems);
    ADD(list, n, app, problems);
    ADD(list, n, keys, problems);
    ADD(list, n, audit, problems);
    ADD(list, n, access, problems);
    ADD(list, n, flags, problems);
    ADD(list, n, consent, problems);
    ADD(list, n, feed, problems);
    ADD(list, n, mozflow, problems);
    ADD(list, n, accounts, problems);
    ADD(list, n, features, problems);
    ADD(list, n, webhook, problems);
    ADD(list, n, login, problems);
    ADD(list, n, connect, problems);
    ADD(list, n, contacts, problems);
    ADD(list, n, messaging, problems);
    ADD(list, n, messaging_setup, problems);
    ADD(list, n, operate, problems);
    *out = list;
    return n;
}

size_t wiring_alerts(const struct alert_table **out)
{
    static struct alert_table list[LIST_MAX];
    size_t n = 0;
    ADD(list, n, jobs, alerts);
    ADD(list, n, keys, alerts);
    ADD(list, n, audit, alerts);
    ADD(list, n, access, alerts);
    ADD(list, n, mozflow, alerts);
    ADD(list, n, accounts, alerts);
    ADD(list, n, webhook, alerts);
    ADD(list, n, messaging, alerts);
    *out = list;
    return n;
}

static size_t wiring_explains(const struct explain_table **out)
{
    static struct explain_table list[LIST_MAX];
    size_t n = 0;
    ADD(list, n, messaging, explain);
    ADD(list, n, jobs, explain);
    ADD(list, n, accounts, explain);
    ADD(list, n, login, explain);
    ADD(list, n, connect, explain);
    ADD(list, n, mozflow, explain);
    ADD(list, n, webhook, explain);
    *out = list;
    return n;
}

void wiring_metrics(void)
{
    metrics_register(observe_metrics, observe_metrics_n);
    metrics_register(http_metrics, http_metrics_n);
    metrics_register(store_metrics, store_metrics_n);
    metrics_register(jobs_metrics, jobs_metrics_n);
    metrics_register(fetch_metrics, fetch_metrics_n);
    metrics_register(feed_metrics, feed_metrics_n);
    metrics_register(mozflow_metrics, mozflow_metrics_n);
    metrics_register(keys_metrics, keys_metrics_n);
    metrics_register(audit_metrics, audit_metrics_n);
    metrics_register(access_metrics, access_metrics_n);
    metrics_register(flags_metrics, flags_metrics_n);
    metrics_register(consent_metrics, consent_metrics_n);
    metrics_register(budget_metrics, budget_metrics_n);
    metrics_register(accounts_metrics, accounts_metrics_n);
    metrics_register(webhook_metrics, webhook_metrics_n);
    metrics_register(login_metrics, login_metrics_n);
    metrics_register(connect_metrics, connect_metrics_n);
    metrics_register(messaging_metrics, messaging_metrics_n);
    metrics_register(messaging_setup_metrics, messaging_setup_metrics_n);
    metrics_register(operate_metrics, operate_metrics_n);
}

void wiring_each_event(void (*each)(void *arg, const struct event_doc *row), void *arg)
{
    const struct {
        const struct event_doc *rows;
        size_t n;
    } list[] = {{store_event_docs, store_event_docs_n},
                {http_event_docs, http_event_docs_n},
                {fetch_event_docs, fetch_event_docs_n},
                {jobs_event_docs, jobs_event_docs_n},
                {app_event_docs, app_event_docs_n},
                {keys_event_docs, keys_event_docs_n},
                {audit_event_docs, audit_event_docs_n},
                {access_event_docs, access_event_docs_n},
                {flags_event_docs, flags_event_docs_n},
                {consent_event_docs, consent_event_docs_n},
                {feed_event_docs, feed_event_docs_n},
                {mozflow_event_docs, mozflow_event_docs_n},
                {accounts_event_docs, accounts_event_docs_n},
                {webhook_event_docs, webhook_event_docs_n},
                {login_event_docs, login_event_docs_n},
                {connect_event_docs, connect_event_docs_n},
                {messaging_event_docs, messaging_event_docs_n},
                {operate_event_docs, operate_event_docs_n},
                {budget_event_docs, budget_event_docs_n},
                {messaging_setup_event_docs, messaging_setup_event_docs_n}};
    for (size_t t = 0; t < COUNT_OF(list); t++)
        for (size_t i = 0; i < list[t].n; i++)
            each(arg, &list[t].rows[i]);
}

static size_t flag_tables(struct flag_table *out)
{
    size_t n = 0;
    ADD(out, n, login, flags);
    ADD(out, n, connect, flags);
    return n;
}

void wiring_each_flag(void (*each)(void *arg, const struct flag_row *row), void *arg)
{
    struct flag_table list[LIST_MAX];
    size_t n = flag_tables(list);
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < list[t].n; i++)
            each(arg, &list[t].rows[i]);
}

static size_t event_tables(struct app *a, struct mozflow_event_table *out)
{
    size_t n = 0;
    out[n++] =
        (struct mozflow_event_table){accounts_events, accounts_events_n, a != NULL ? a->accounts : NULL};
    out[n++] = (struct mozflow_event_table){login_events, login_events_n, a != NULL ? a->login : NULL};
    out[n++] = (struct mozflow_event_table){connect_events, connect_events_n, a != NULL ? a->login : NULL};
    out[n++] =
        (struct mozflow_event_table){contacts_events, contacts_events_n, a != NULL ? &a->contacts : NULL};
    out[n++] =
        (struct mozflow_event_table){messaging_events, messaging_events_n, a != NULL ? &a->messaging : NULL};
    out[n++] = (struct mozflow_event_table){messaging_setup_events, messaging_setup_events_n,
                                            a != NULL ? &a->messaging : NULL};
    out[n++] = (struct mozflow_event_table){operate_events, operate_events_n, a != NULL ? &a->operate : NULL};
    return n;
}

void wiring_each_mozflow_event(void (*each)(void *arg, const struct mozflow_event *row), void *arg)
{
    struct mozflow_event_table list[LIST_MAX];
    size_t n = event_tables(NULL, list);
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < list[t].n; i++)
            each(arg, &list[t].rows[i]);
    for (size_t i = 0; i < mozflow_own_events_n; i++)
        each(arg, &mozflow_own_events[i]);
}

static size_t job_tables(struct app *a, struct job_table *out)
{
    size_t n = 0;
    out[n++] = (struct job_table){keys_jobs, keys_jobs_n, a != NULL ? a->keys : NULL};
    out[n++] = (struct job_table){webhook_jobs, webhook_jobs_n, a != NULL ? a->webhook : NULL};
    out[n++] = (struct job_table){mozflow_jobs, mozflow_jobs_n, a != NULL ? a->mozflow : NULL};
    out[n++] = (struct job_table){access_jobs, access_jobs_n, a != NULL ? a->access : NULL};
    out[n++] = (struct job_table){accounts_jobs, accounts_jobs_n, a != NULL ? a->accounts : NULL};
    out[n++] = (struct job_table){login_jobs, login_jobs_n, a != NULL ? a->login : NULL};
    out[n++] = (struct job_table){contacts_jobs, contacts_jobs_n, a != NULL ? &a->contacts : NULL};
    out[n++] = (struct job_table){messaging_jobs, messaging_jobs_n, a != NULL ? &a->messaging : NULL};
    out[n++] =
        (struct job_table){messaging_setup_jobs, messaging_setup_jobs_n, a != NULL ? &a->messaging : NULL};
    out[n++] = (struct job_table){operate_jobs, operate_jobs_n, a != NULL ? &a->operate : NULL};
    return n;
}

void wiring_each_job(void (*each)(void *arg, const struct job_kind *row), void *arg)
{
    struct job_table list[LIST_MAX];
    size_t n = job_tables(NULL, list);
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < list[t].n; i++)
            each(arg, &list[t].rows[i]);
}

static size_t schedules(struct job_schedule *out, size_t max)
{
    const struct {
        const struct job_schedule *rows;
        size_t n;
    } list[] = {{webhook_schedules, webhook_schedules_n}, {mozflow_schedules, mozflow_schedules_n},
                {access_schedules, access_schedules_n},   {accounts_schedules, accounts_schedules_n},
                {login_schedules, login_schedules_n},     {messaging_schedules, messaging_schedules_n}};
    size_t n = 0;
    for (size_t t = 0; t < COUNT_OF(list); t++)
        for (size_t i = 0; i < list[t].n; i++) {
            must(n < max);
            out[n++] = list[t].rows[i];
        }
    return n;
}

static const struct job_emit_row emits[] = {
    {"login.completed", "contacts.from_login"},
    {"alert.raised", "operate.alert"},
};

size_t wiring_routes(struct app *a, struct route_table *out, size_t max)
{
    const struct route_table list[] = {
        {public_routes, public_routes_n, a},
        {brand_routes, brand_routes_n, a},
        {guide_routes, guide_routes_n, a},
        {webhook_routes, webhook_routes_n, a != NULL ? a->webhook : NULL},
        {login_routes, login_routes_n, a != NULL ? a->login : NULL},
        {connect_routes, connect_routes_n, a != NULL ? a->login : NULL},
        {access_routes, access_routes_n, a != NULL ? a->access : NULL},
        {accounts_routes, accounts_routes_n, a != NULL ? a->accounts : NULL},
        {features_routes, features_routes_n, a != NULL ? a->accounts : NULL},
        {contacts_routes, contacts_routes_n, a != NULL ? &a->contacts : NULL},
        {messaging_routes, messaging_routes_n, a != NULL ? &a->messaging : NULL},
        {messaging_setup_routes, messaging_setup_routes_n, a != NULL ? &a->messaging : NULL},
        {feed_routes, feed_routes_n, a != NULL ? a->feed : NULL},
        {mozflow_routes, mozflow_routes_n, a != NULL ? a->mozflow : NULL},
        {flags_routes, flags_routes_n, a != NULL ? a->flags : NULL},
        {audit_routes, audit_routes_n, a != NULL ? a->audit : NULL},
        {budget_routes, budget_routes_n, a},
        {operate_routes, operate_routes_n, a != NULL ? &a->operate : NULL},
    };
    must(COUNT_OF(list) <= max);
    memcpy(out, list, sizeof list);
    return COUNT_OF(list);
}

size_t wiring_admin_routes(struct app *a, struct route_table *out, size_t max)
{
    const struct route_table list[] = {
        {admin_routes, admin_routes_n, a},
        {keys_admin_routes, keys_admin_routes_n, a},
        {accounts_admin_routes, accounts_admin_routes_n, a != NULL ? a->accounts : NULL},
        {messaging_admin_routes, messaging_admin_routes_n, a != NULL ? &a->messaging : NULL},
    };
    must(COUNT_OF(list) <= max);
    memcpy(out, list, sizeof list);
    return COUNT_OF(list);
}

/* ---- opening, lower rooms first ---- */
static enum rc open_ground(struct app *a, struct fault *why)
{
    struct store_options so = {.url = config_text(a->config, "store.url"),
                               .pool = (int)config_int(a->config, "store.pool")};
    enum rc rc = log_open(2, LOG_INFO, &a->log, why);
    if (rc != RC_OK)
        return rc;
    wiring_metrics();
    so.log = a->log;
    so.n_migrations = wiring_migrations(&so.migrations);
    so.disk_reserve_bytes = config_int(a->config, "store.disk_reserve_mib") << 20;
    rc = store_open(&so, &a->store, why);
    if (rc != RC_OK)
        return rc;
    const struct keys_options ko = {
        .store = a->store, .main_url = so.url, .config = a->config, .log = a->log};
    return keys_open(&ko, &a->keys, why);
}

/* Room keys must know every sealed column: what it does not know would be lost when an old key retires. */
static void attach_sealed(struct app *a)
{
    static struct keys_columns list[LIST_MAX];
    size_t n = 0;
    ADD(list, n, accounts, sealed);
    ADD(list, n, mozflow, sealed);
    ADD(list, n, login, sealed);
    keys_columns_are(a->keys, a->audit, list, n);
}

static enum rc open_identity(struct app *a, struct fault *why)
{
    static struct flag_table flag_rows[LIST_MAX];
    const struct audit_options au = {.store = a->store, .log = a->log, .mac = keys_mac(a->keys)};
    enum rc rc = audit_open(&au, &a->audit, why);
    if (rc != RC_OK)
        return rc;
    attach_sealed(a);
    const struct flags_options fo = {.store = a->store,
                                     .audit = a->audit,
                                     .log = a->log,
                                     .tables = flag_rows,
                                     .n_tables = flag_tables(flag_rows)};
    rc = flags_open(&fo, &a->flags, why);
    const struct access_options ac = {.store = a->store,
                                      .audit = a->audit,
                                      .log = a->log,
                                      .config = a->config,
                                      .mac = keys_mac(a->keys),
                                      .session_extra = flags_session,
                                      .extra_arg = a->flags};
    if (rc == RC_OK)
        rc = access_open(&ac, &a->access, why);
    const struct consent_options co = {.store = a->store, .log = a->log, .mac = keys_mac(a->keys)};
    return rc == RC_OK ? consent_open(&co, &a->consent, why) : rc;
}

static enum rc open_outbound(struct app *a, struct fault *why)
{
    enum rc rc = fetch_open(a->config, a->log, &a->fetch, why);
    if (rc == RC_OK)
        rc = tiktok_open(a->config, a->fetch, a->log, &a->tiktok, why);
    if (rc == RC_OK)
        rc = budget_open(&(struct budget_options){a->config, a->store, a->log}, &a->budget, why);
    if (rc != RC_OK)
        return rc;
    const struct accounts_options ao = {.config = a->config,
                                        .store = a->store,
                                        .keys = a->keys,
                                        .audit = a->audit,
                                        .consent = a->consent,
                                        .budget = a->budget,
                                        .tiktok = a->tiktok,
                                        .log = a->log};
    return accounts_open(&ao, &a->accounts, why);
}

static enum rc open_webhook(struct app *a, struct fault *why)
{
    static const struct webhook_table *tables;
    static struct webhook_table list[2];
    const struct account_app *apps;
    size_t n = accounts_apps(a->accounts, &apps);
    list[0] = (struct webhook_table){login_webhooks, login_webhooks_n};
    list[1] = (struct webhook_table){messaging_webhooks, messaging_webhooks_n};
    tables = list;
    must(n <= WEBHOOK_APPS);
    for (size_t i = 0; i < n; i++)
        a->webhook_apps[i] = (struct webhook_app){.id = apps[i].id,
                                                  .kind = str_of(tiktok_kind(apps[i].kind)->name),
                                                  .client_key = apps[i].client.client_key,
                                                  .current = apps[i].client.client_secret,
                                                  .previous = apps[i].secret_previous,
                                                  .previous_until_ms = apps[i].secret_previous_until_ms,
                                                  .body_max = apps[i].webhook_body_max};
    const struct webhook_options wo = {.store = a->store,
                                       .keys = a->keys,
                                       .log = a->log,
                                       .config = a->config,
                                       .apps = a->webhook_apps,
                                       .n_apps = n,
                                       .tables = tables,
                                       .n_tables = 2,
                                       .find_owner = accounts_find_owner,
                                       .saw_owner = accounts_saw_webhook};
    return webhook_open(&wo, &a->webhook, why);
}

static enum rc open_login(struct app *a, struct fault *why)
{
    const struct login_options lo = {.config = a->config,
                                     .store = a->store,
                                     .keys = a->keys,
                                     .audit = a->audit,
                                     .consent = a->consent,
                                     .budget = a->budget,
                                     .accounts = a->accounts,
                                     .tiktok = a->tiktok,
                                     .access = a->access,
                                     .flags = a->flags,
                                     .webhook = a->webhook,
                                     .log = a->log};
    enum rc rc = login_open(&lo, &a->login, why);
    a->contacts = (struct contacts){.store = a->store};
    a->messaging = (struct messaging){.store = a->store,
                                      .webhook = a->webhook,
                                      .log = a->log,
                                      .config = a->config,
                                      .accounts = a->accounts,
                                      .audit = a->audit,
                                      .budget = a->budget,
                                      .fetch = a->fetch,
                                      .tiktok = a->tiktok};
    a->operate = (struct operate){.store = a->store, .audit = a->audit, .log = a->log};
    a->operate.n_alerts = wiring_alerts(&a->operate.alerts);
    a->operate.n_explains = wiring_explains(&a->operate.explains);
    return rc;
}

static enum rc open_machinery(struct app *a, struct fault *why)
{
    static struct mozflow_event_table events[LIST_MAX];
    static struct job_table kinds[LIST_MAX];
    static struct job_schedule plan[LIST_MAX];
    const struct mozflow_options mo = {.store = a->store,
                                       .fetch = a->fetch,
                                       .keys = a->keys,
                                       .audit = a->audit,
                                       .log = a->log,
                                       .config = a->config,
                                       .base_url = config_text(a->config, "public.base_url"),
                                       .tables = events,
                                       .n_tables = event_tables(a, events)};
    enum rc rc = mozflow_open(&mo, &a->mozflow, why);
    if (rc != RC_OK)
        return rc;
    str node = id_new(a->mem, "node");
    const struct jobs_options jo = {.store = a->store,
                                    .log = a->log,
                                    .config = a->config,
                                    .tables = kinds,
                                    .n_tables = job_tables(a, kinds),
                                    .schedules = plan,
                                    .n_schedules = schedules(plan, LIST_MAX),
                                    .emits = emits,
                                    .n_emits = COUNT_OF(emits),
                                    .node = arena_cstr(a->mem, node)};
    return jobs_open(&jo, &a->jobs, why);
}

static bool still(void *arg, const struct principal *who)
{
    struct app *a = arg;
    struct fault why;
    return access_still(a->access, who, &why) == RC_OK;
}

enum rc app_open(struct app *a, struct fault *why)
{
    enum rc (*const steps[])(struct app *, struct fault *) = {
        brand_open, open_ground, open_identity, open_outbound, open_webhook, open_login, open_machinery};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        enum rc rc = steps[i](a, why);
        if (rc != RC_OK)
            return rc;
    }
    const struct feed_options fo = {
        .store = a->store, .log = a->log, .config = a->config, .still = still, .arg = a};
    return feed_open(&fo, &a->feed, why);
}

/* ---- hooks of the public listener ---- */
static enum rc hook_who(void *arg, struct request *rq, struct principal *out, struct fault *why)
{
    return access_who(((struct app *)arg)->access, rq, out, why);
}

static bool hook_flag(void *arg, str workspace, const char *flag)
{
    return flags_hook(((struct app *)arg)->flags, workspace, flag);
}

static enum rc hook_once(void *arg, const struct once *o, struct arena *mem, int *status, str *body,
                         struct fault *why)
{
    return access_once_find(((struct app *)arg)->access, o, mem, status, body, why);
}

static enum rc listen_on(struct app *a, const char *key, str text, struct route_table *tables, size_t n,
                         struct http **out, struct fault *why)
{
    struct http_options o = {.config = a->config,
                             .listen_key = key,
                             .listen_text = text.n > 0 ? arena_cstr(a->mem, text) : NULL,
                             .tables = tables,
                             .n_tables = n,
                             .log = a->log};
    o.n_problems = wiring_problems(&o.problems);
    if (out == &a->public_http) {
        o.hooks = (struct http_hooks){.who = hook_who,
                                      .flag_on = hook_flag,
                                      .once_find = hook_once,
                                      .arg = a,
                                      .stream = feed_stream_hooks(a->feed)};
    }
    return http_open(&o, out, why);
}

static enum rc open_listeners(struct app *a, struct fault *why)
{
    struct route_table *tables = arena_array(a->mem, struct route_table, LIST_MAX);
    struct route_table *inner = arena_array(a->mem, struct route_table, LIST_MAX);
    must(tables != NULL && inner != NULL);
    inner[0] = (struct route_table){private_routes, private_routes_n, a};
    size_t n_admin = wiring_admin_routes(a, &inner[1], LIST_MAX - 1);
    str sock = arena_fmt(a->mem, "unix:" STR_FMT "/daemon.sock", STR_ARG(a->state_dir));
    enum rc rc = listen_on(a, "admin", sock, &inner[1], n_admin, &a->admin_http, why);
    if (rc == RC_OK && config_text(a->config, "http.private_listen").n > 0)
        rc = listen_on(a, "http.private_listen", STR_NONE, &inner[0], 1, &a->private_http, why);
    if (rc == RC_OK)
        rc = listen_on(a, "http.listen", STR_NONE, tables, wiring_routes(a, tables, LIST_MAX),
                       &a->public_http, why);
    return rc;
}

enum rc app_start(struct app *a, struct fault *why)
{
    enum rc rc = jobs_start(a->jobs, why);
    if (rc == RC_OK)
        rc = accounts_start(a->accounts, why);
    if (rc == RC_OK)
        rc = webhook_start(a->webhook, why);
    if (rc == RC_OK)
        rc = open_listeners(a, why);
    return rc == RC_OK ? feed_start(a->feed, a->public_http, why) : rc;
}

void app_stop(struct app *a)
{
    a->draining = true;
    if (a->public_http != NULL)
        http_drain(a->public_http);
    if (a->webhook != NULL)
        webhook_stop(a->webhook);
    if (a->accounts != NULL)
        accounts_stop(a->accounts);
    if (a->jobs != NULL)
        jobs_stop(a->jobs);
}

void app_close(struct app *a)
{
    if (a->feed != NULL)
        feed_stop(a->feed);
    http_close(&a->public_http);
    http_close(&a->private_http);
    http_close(&a->admin_http);
    if (a->jobs != NULL)
        jobs_stop(a->jobs);
    feed_close(&a->feed);
    jobs_close(&a->jobs);
    mozflow_close(&a->mozflow);
    login_close(&a->login);
    webhook_close(&a->webhook);
    accounts_close(&a->accounts);
    budget_close(&a->budget);
    tiktok_close(&a->tiktok);
    fetch_close(&a->fetch);
    consent_close(&a->consent);
    flags_close(&a->flags);
    access_close(&a->access);
    audit_close(&a->audit);
    keys_close(&a->keys);
    store_close(&a->store);
    log_close(&a->log);
}
