/* subscriptions: the app's webhook registrations at TikTok (business-messaging 2.9), and the loopback check.
 * TikTok keeps one callback for each app and category. Registering and repairing is one act: the wanted URL
 * is set, then read back. item_list is never sent. What can go wrong: TikTok keeps another installation's URL
 * (foreign: shown, alerted, never overwritten by itself); our public address cannot be reached from here.
 */
#include "messaging/setup_priv.h"
#include "crypto/crypto.h"

bool category_find(str name, enum webhook_category *out)
{
    for (unsigned i = 0; i < HOOK_CATEGORIES; i++)
        if (str_eq(name, str_of(hook_categories[i].name))) {
            *out = (enum webhook_category)i;
            return true;
        }
    return false;
}

const struct account_app *hook_app(const struct messaging *m, str workspace, str id)
{
    const struct account_app *app = accounts_app_named(m->accounts, id);
    bool mine = app != NULL && app->kind == APP_ACCOUNTS &&
                (str_eq(app->workspace, STR("-")) || str_eq(app->workspace, workspace));
    return mine ? app : NULL;
}

static struct budget_call budget_of(const struct hook_asking *a, enum tiktok_op op)
{
    return (struct budget_call){.client_key = a->app->client.client_key,
                                .workspace = str_eq(a->workspace, STR("-")) ? STR("") : a->workspace,
                                .account = STR(""),
                                .family = tiktok_kind(APP_ACCOUNTS)->name,
                                .endpoint = tiktok_endpoint_of(APP_ACCOUNTS, op)->name,
                                .patience_ms = a->patient ? 5000 : 2000};
}

static enum rc take(struct hook_asking *a, enum tiktok_op op, struct permit *permit, struct fault *why)
{
    struct budget_call c = budget_of(a, op);
    enum rc rc = budget_take(a->m->budget, &c, permit, why);
    if (rc == RC_LIMITED)
        a->later_ms = permit->slot_ms;
    return rc;
}

static enum rc answered(struct hook_asking *a, enum tiktok_op op, enum rc rc, const struct fault *why)
{
    struct budget_call c = budget_of(a, op);
    if (rc != RC_OK)
        budget_answered(a->m->budget, &c, why);
    return rc;
}

/* An outage or a refusal leaves the state unknown with TikTok's class as code: RC_OK. */
enum rc hook_ask(struct hook_asking *a, enum webhook_category c, struct arena *mem, struct hook_row *out,
                 struct fault *why)
{
    struct permit permit;
    str url = STR_NONE, want = a->app->webhook_url;
    struct fault answer = {0};
    enum rc rc = take(a, OP_HOOK_GET, &permit, why);
    if (rc != RC_OK)
        return rc;
    rc = tiktok_subscription_get(a->m->tiktok, &permit, &a->app->client, str_of(hook_categories[c].name), mem,
                                 &url, &answer);
    rc = answered(a, OP_HOOK_GET, rc, &answer);
    enum hook_state state = rc != RC_OK         ? HOOK_UNKNOWN
                            : url.n == 0        ? HOOK_MISSING
                            : str_eq(url, want) ? HOOK_RIGHT
                                                : HOOK_FOREIGN;
    if (state == HOOK_FOREIGN && planted("messaging.foreign_is_right"))
        state = HOOK_RIGHT;
    *out = (struct hook_row){.app = a->app->id,
                             .category = c,
                             .url = url,
                             .code = rc == RC_OK ? STR("") : arena_str(mem, str_of(answer.code)),
                             .state = hook_state_names[state],
                             .checked_ms = store_clock(a->m->store)};
    return RC_OK;
}

enum rc hook_register(struct hook_asking *a, enum webhook_category c, struct fault *why)
{
    struct permit permit;
    const struct tiktok_subscription s = {str_of(hook_categories[c].name), a->app->webhook_url};
    enum rc rc = take(a, OP_HOOK_SET, &permit, why);
    if (rc != RC_OK)
        return rc;
    rc = tiktok_subscription_set(a->m->tiktok, &permit, &a->app->client, &s, why);
    return answered(a, OP_HOOK_SET, rc, why);
}

enum rc hook_remove(struct hook_asking *a, enum webhook_category c, struct fault *why)
{
    struct permit permit;
    enum rc rc = take(a, OP_HOOK_DELETE, &permit, why);
    if (rc != RC_OK)
        return rc;
    rc = tiktok_subscription_delete(a->m->tiktok, &permit, &a->app->client, str_of(hook_categories[c].name),
                                    why);
    return answered(a, OP_HOOK_DELETE, rc, why);
}

/* ---- the daily look at all apps ---- */
struct checking {
    struct messaging *m;
    struct hook_row rows[HOOK_CATEGORIES];
    const struct account_app *app;
};

static bool bad(const struct hook_row *h)
{
    return h->state == hook_state_names[HOOK_MISSING] || h->state == hook_state_names[HOOK_FOREIGN];
}

static enum rc keep_checked(struct tx *tx, void *arg, struct fault *why)
{
    const struct checking *k = arg;
    bool alarm = false;
    enum rc rc = RC_OK;
    for (size_t c = 0; rc == RC_OK && c < HOOK_CATEGORIES; c++) {
        rc = setup_db_hook_save(tx, k->app->workspace, &k->rows[c], why);
        alarm = alarm || (hook_categories[c].needed && bad(&k->rows[c]));
    }
    return rc == RC_OK && alarm
               ? jobs_alert(tx, k->app->workspace, "messaging.webhook_missing", k->app->id, 1, why)
               : rc;
}

static enum rc check_app(struct checking *k, struct hook_asking *a, struct arena *mem, struct fault *why)
{
    enum rc rc = RC_OK;
    for (unsigned c = 0; rc == RC_OK && c < HOOK_CATEGORIES; c++)
        rc = hook_ask(a, (enum webhook_category)c, mem, &k->rows[c], why);
    return rc == RC_OK ? store_write(k->m->store, STORE_BULK, keep_checked, k, why) : rc;
}

enum rc hooks_check_job(struct job *j, void *ctx, struct fault *why)
{
    struct messaging *m = ctx;
    const struct account_app *apps = NULL;
    size_t n = accounts_apps(m->accounts, &apps);
    for (size_t i = 0; i < n; i++) {
        struct checking k = {.m = m, .app = &apps[i]};
        struct hook_asking a = {.m = m, .workspace = apps[i].workspace, .app = &apps[i]};
        if (apps[i].kind != APP_ACCOUNTS)
            continue;
        struct arena *mem = arena_open_secret(ASK_MEM);
        enum rc rc = check_app(&k, &a, mem, why);
        arena_close(&mem);
        if (rc == RC_LIMITED && a.later_ms != 0)
            return job_later(j, a.later_ms, why);
        if (rc != RC_OK)
            return rc;
    }
    return job_done(j, why);
}

/* ---- the loopback check ---- */
static str test_body(const struct account_app *app, struct arena *mem)
{
    struct buf b;
    struct jw w;
    buf_init(&b, mem, 2048);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "client_key", app->client.client_key);
    jw_cstr(&w, "event", "tiktok.ping"); /* the portal's own test event: stored, never routed */
    jw_i64(&w, "create_time", clock_now_ms() / 1000);
    jw_cstr(&w, "user_openid", "");
    jw_str(&w, "content", arena_fmt(mem, "{\"loopback\":\"" STR_FMT "\"}", STR_ARG(id_new(mem, "lbk"))));
    jw_end(&w);
    return buf_str(&b);
}

static str test_signature(const struct account_app *app, str body, struct arena *mem)
{
    unsigned char mac[SHA256_BYTES];
    str t = arena_fmt(mem, "%lld", (long long)(clock_now_ms() / 1000));
    const str parts[] = {t, STR("."), body};
    struct buf b;
    hmac_once(app->client.client_secret, parts, COUNT_OF(parts), mac);
    buf_init(&b, mem, 256);
    buf_fmt(&b, "t=" STR_FMT ",s=", STR_ARG(t));
    buf_put_hex(&b, mac, sizeof(mac));
    return buf_str(&b);
}

struct looking {
    str app, body;
    bool found;
};

static enum rc look(struct tx *tx, void *arg, struct fault *why)
{
    struct looking *l = arg;
    return webhook_arrived(tx, l->app, l->body, &l->found, why);
}

/* The answer 200 comes after the commit, so one look is enough: on any node, the row is there. */
enum rc hook_loopback(struct messaging *m, const struct account_app *app, struct arena *mem,
                      struct hook_test *out, struct fault *why)
{
    struct hook_test t = {.url = app->webhook_url, .sent_ms = store_clock(m->store), .code = ""};
    str body = test_body(app, mem), sign = test_signature(app, body, mem);
    struct looking l = {app->id, body, false};
    const struct fetch_header headers[] = {{.name = "Content-Type", .value = STR("application/json")},
                                           {.name = "TikTok-Signature", .value = sign}};
    const struct fetch_request rq = {.cls = FETCH_PUBLIC,
                                     .what = "messaging.loopback",
                                     .method = "POST",
                                     .url = app->webhook_url,
                                     .headers = headers,
                                     .n_headers = COUNT_OF(headers),
                                     .body = body,
                                     .repeatable = true, /* the second of two equal ones is a duplicate */
                                     .max_bytes = 65536};
    struct fetch_answer answer = {0};
    struct fault inner = {0};
    if (body.n == 0 || sign.n == 0)
        return fault_set(why, RC_FULL, "base.arena", "no room for the test event");
    enum rc rc = fetch_run(m->fetch, &rq, mem, &answer, &inner);
    t.sent = rc == RC_OK || answer.sent;
    t.status = rc == RC_OK ? answer.status : 0;
    t.took_ms = answer.took_ms;
    if (rc != RC_OK)
        t.code = arena_cstr(mem, str_of(inner.code));
    rc = store_read(m->store, look, &l, why);
    t.recorded = l.found;
    if (rc == RC_OK)
        *out = t;
    log_event(m->log, t.recorded ? LOG_INFO : LOG_WARN, "messaging.loopback", F_ID("app", app->id),
              F_INT("status", t.status), F_FLAG("recorded", t.recorded), F_MS("took", t.took_ms));
    return rc;
}
