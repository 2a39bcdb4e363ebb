/* subscriptions_http: webhook registrations over REST and the admin socket. A workspace sees the
 * installation's apps and its own; it may register (which only sets the right address), but only the cli
 * removes the registration of an app that several workspaces share. What can go wrong: TikTok is away: the
 * change is answered with its fault, the stored state is what TikTok last said.
 */
#include "access/access.h"
#include "audit/audit.h"
#include "messaging/setup_priv.h"

struct item { /* one app with its categories */
    struct messaging *m;
    const struct account_app *app;
    struct hook_row rows[HOOK_CATEGORIES];
    int64_t last_ms[HOOK_CATEGORIES];
    struct arena *mem;
};

static enum rc read_item(struct tx *tx, struct item *i, struct fault *why)
{
    struct webhook_last *last = NULL;
    size_t n = 0;
    enum rc rc = setup_db_hooks(tx, i->app->workspace, i->app->id, i->mem, i->rows, why);
    if (rc == RC_OK)
        rc = webhook_lasts(tx, i->app->id, i->mem, &last, &n, why);
    for (size_t c = 0; rc == RC_OK && c < HOOK_CATEGORIES; c++)
        for (size_t k = 0; k < n; k++)
            if (str_starts(last[k].event, str_of(hook_categories[c].events)) && last[k].at_ms > i->last_ms[c])
                i->last_ms[c] = last[k].at_ms;
    return rc;
}

static void put_category(const struct item *i, size_t c, struct jw *w)
{
    const struct hook_row *h = &i->rows[c];
    jw_obj(w, NULL);
    jw_str(w, "app", i->app->id);
    jw_cstr(w, "category", hook_categories[c].name);
    jw_bool(w, "needed", hook_categories[c].needed);
    jw_str(w, "wanted_url", i->app->webhook_url);
    jw_str(w, "registered_url", h->url.n > 0 ? h->url : STR_NONE);
    jw_cstr(w, "state", h->state);
    jw_time(w, "checked_at", h->checked_ms);
    jw_time(w, "last_event_at", i->last_ms[c]);
    jw_cstr(w, "en", hook_categories[c].en);
    jw_cstr(w, "th", hook_categories[c].th);
    jw_str(w, "code", h->code.n > 0 ? h->code : STR_NONE);
    jw_end(w);
}

/* One line for an operator. */
static void put_line(const struct item *i, size_t c, struct buf *b)
{
    const struct hook_row *h = &i->rows[c];
    char at[TIME_TEXT];
    buf_fmt(b, STR_FMT " %s: %s", STR_ARG(i->app->id), hook_categories[c].name, h->state);
    if (h->url.n > 0)
        buf_fmt(b, ", registered " STR_FMT, STR_ARG(h->url));
    if (h->state != hook_state_names[HOOK_RIGHT])
        buf_fmt(b, ", wanted " STR_FMT, STR_ARG(i->app->webhook_url));
    if (h->code.n > 0)
        buf_fmt(b, ", not answered (" STR_FMT ")", STR_ARG(h->code));
    buf_fmt(b, ", asked %s", h->checked_ms > 0 ? time_iso(h->checked_ms, at) : "never");
    buf_fmt(b, ", last event %s\n", i->last_ms[c] > 0 ? time_iso(i->last_ms[c], at) : "never");
}

/* ---- list ---- */
struct listing {
    struct messaging *m;
    str workspace; /* "-": the cli sees all */
    struct arena *mem;
    struct jw w;
    struct buf b;
};

static enum rc write_list(struct tx *tx, void *arg, struct fault *why)
{
    struct listing *l = arg;
    const struct account_app *apps = NULL;
    size_t n = accounts_apps(l->m->accounts, &apps);
    enum rc rc = RC_OK;
    for (size_t a = 0; rc == RC_OK && a < n; a++) {
        struct item i = {.m = l->m, .app = &apps[a], .mem = l->mem};
        bool seen = str_eq(l->workspace, STR("-")) || hook_app(l->m, l->workspace, apps[a].id) != NULL;
        if (apps[a].kind != APP_ACCOUNTS || !seen)
            continue;
        rc = read_item(tx, &i, why);
        for (size_t c = 0; rc == RC_OK && c < HOOK_CATEGORIES; c++) {
            if (str_eq(l->workspace, STR("-")))
                put_line(&i, c, &l->b);
            else
                put_category(&i, c, &l->w);
        }
    }
    return rc;
}

enum rc list_hooks(struct request *rq, void *ctx, struct fault *why)
{
    struct listing l = {.m = ctx, .workspace = rq_who(rq)->workspace, .mem = rq_mem(rq)};
    buf_init(&l.b, l.mem, 256u << 10);
    jw_init(&l.w, &l.b);
    jw_obj(&l.w, NULL);
    jw_arr(&l.w, "items");
    enum rc rc = store_read(l.m->store, write_list, &l, why);
    if (rc != RC_OK)
        return rc;
    jw_end(&l.w);
    jw_null(&l.w, "next_cursor");
    jw_end(&l.w);
    answer_json(rq, 200, buf_str(&l.b));
    return buf_ok(&l.b) ? RC_OK : fault_set(why, RC_FULL, "base.arena", "the list is too long");
}

enum rc admin_hooks(struct request *rq, void *ctx, struct fault *why)
{
    struct listing l = {.m = ctx, .workspace = STR("-"), .mem = rq_mem(rq)};
    buf_init(&l.b, l.mem, 256u << 10);
    enum rc rc = store_read(l.m->store, write_list, &l, why);
    if (rc == RC_OK)
        answer_body(rq, 200, "text/plain; charset=utf-8", l.b.n > 0 ? buf_str(&l.b) : STR("no app\n"));
    return rc;
}

/* ---- change one ---- */
enum act { ACT_SET, ACT_DELETE, ACT_CHECK };
struct changing {
    struct messaging *m;
    struct request *rq;
    bool cli; /* over the admin socket */
    enum act act;
    struct item item;
    struct hook_row fresh[HOOK_CATEGORIES];
    bool asked[HOOK_CATEGORIES];
    enum webhook_category category;
    str body;
};

static const char *const actions[] = {[ACT_SET] = "messaging.webhook_set",
                                      [ACT_DELETE] = "messaging.webhook_deleted",
                                      [ACT_CHECK] = "messaging.webhook_checked"};

static struct audit_entry entry_of(struct request *rq, bool cli, const char *action, str object)
{
    if (!cli)
        return audit_of(rq, action, object, STR_NONE);
    return (struct audit_entry){.workspace = STR("-"),
                                .actor = STR("cli"),
                                .action = str_of(action),
                                .object = object,
                                .request = rq_id(rq)};
}

static str change_json(const struct changing *c)
{
    struct buf b;
    struct jw w;
    buf_init(&b, c->item.mem, 64u << 10);
    jw_init(&w, &b);
    if (c->cli) {
        put_line(&c->item, c->category, &b);
        return buf_str(&b);
    }
    if (c->act != ACT_CHECK) {
        put_category(&c->item, c->category, &w);
        return buf_str(&b);
    }
    jw_obj(&w, NULL);
    jw_arr(&w, "items");
    for (size_t i = 0; i < HOOK_CATEGORIES; i++)
        put_category(&c->item, i, &w);
    jw_end(&w);
    jw_null(&w, "next_cursor");
    jw_end(&w);
    return buf_str(&b);
}

static enum rc keep_change(struct tx *tx, void *arg, struct fault *why)
{
    struct changing *c = arg;
    enum rc rc = RC_OK;
    c->item.mem = tx_mem(tx);
    for (size_t i = 0; rc == RC_OK && i < HOOK_CATEGORIES; i++)
        if (c->asked[i])
            rc = setup_db_hook_save(tx, c->item.app->workspace, &c->fresh[i], why);
    if (rc == RC_OK)
        rc = read_item(tx, &c->item, why);
    if (rc != RC_OK)
        return rc;
    str body = change_json(c);
    if (!c->cli && c->act == ACT_CHECK)
        rc = access_once_save(tx, rq_once(c->rq), 200, body, why);
    struct audit_entry e = entry_of(c->rq, c->cli, actions[c->act], c->item.app->id);
    if (rc == RC_OK)
        rc = audit_put(c->m->audit, tx, &e, why);
    if (rc == RC_OK)
        c->body = arena_str(rq_mem(c->rq), body);
    return rc;
}

/* The change, then what TikTok says it has now: its own answer to the change is no proof. */
static enum rc change(struct changing *c, struct arena *mem, struct fault *why)
{
    struct hook_asking a = {.m = c->m,
                            .workspace = c->cli ? STR("-") : rq_who(c->rq)->workspace,
                            .app = c->item.app,
                            .patient = true};
    enum rc rc = c->act == ACT_SET      ? hook_register(&a, c->category, why)
                 : c->act == ACT_DELETE ? hook_remove(&a, c->category, why)
                                        : RC_OK;
    for (unsigned i = 0; rc == RC_OK && i < HOOK_CATEGORIES; i++) {
        if (c->act != ACT_CHECK && i != (unsigned)c->category)
            continue;
        rc = hook_ask(&a, (enum webhook_category)i, mem, &c->fresh[i], why);
        c->asked[i] = rc == RC_OK;
    }
    return rc == RC_OK ? store_write(c->m->store, STORE_INTERACTIVE, keep_change, c, why) : rc;
}

static enum rc change_route(struct request *rq, struct messaging *m, enum act act, bool cli,
                            struct fault *why)
{
    struct changing c = {.m = m, .rq = rq, .cli = cli, .act = act};
    str id = rq_arg(rq, "app");
    c.item.m = m;
    c.item.app = cli ? accounts_app_named(m->accounts, id) : hook_app(m, rq_who(rq)->workspace, id);
    if (c.item.app == NULL || c.item.app->kind != APP_ACCOUNTS)
        return fault_set(why, RC_MISSING, "messaging.no_such_app", "no app of kind accounts has this id");
    if (act != ACT_CHECK && !category_find(rq_arg(rq, "category"), &c.category))
        return fault_set(why, RC_INVALID, "messaging.category", "no such category");
    if (act == ACT_DELETE && !cli && str_eq(c.item.app->workspace, STR("-")))
        return fault_set(why, RC_DENIED, "messaging.shared_app", "the app belongs to the installation");
    struct arena *mem = arena_open_secret(ASK_MEM);
    enum rc rc = change(&c, mem, why);
    arena_close(&mem);
    if (rc == RC_OK && cli)
        answer_body(rq, 200, "text/plain; charset=utf-8", c.body);
    else if (rc == RC_OK)
        answer_json(rq, 200, c.body);
    return rc;
}

enum rc put_hook(struct request *rq, void *ctx, struct fault *why)
{
    return change_route(rq, ctx, ACT_SET, false, why);
}

enum rc delete_hook(struct request *rq, void *ctx, struct fault *why)
{
    return change_route(rq, ctx, ACT_DELETE, false, why);
}

enum rc check_hooks(struct request *rq, void *ctx, struct fault *why)
{
    return change_route(rq, ctx, ACT_CHECK, false, why);
}

enum rc admin_hook_set(struct request *rq, void *ctx, struct fault *why)
{
    return change_route(rq, ctx, ACT_SET, true, why);
}

enum rc admin_hook_delete(struct request *rq, void *ctx, struct fault *why)
{
    return change_route(rq, ctx, ACT_DELETE, true, why);
}

/* ---- the loopback check ---- */
struct testing {
    struct messaging *m;
    struct request *rq;
    const struct account_app *app;
    bool cli;
    struct hook_test t;
    str body;
};

static const char *const test_words[][2] = {
    {"The signed test event arrived at this service's own public address and was stored.",
     "เหตุการณ์ทดสอบที่ลงลายเซ็นมาถึงที่อยู่สาธารณะของระบบนี้และถูกบันทึกแล้ว"},
    {"The test event was answered but is not stored here: the public address leads somewhere else, or the "
     "signature was refused.",
     "มีคำตอบต่อเหตุการณ์ทดสอบแต่ไม่มีการบันทึกในระบบนี้ ที่อยู่สาธารณะอาจนำไปยังที่อื่น หรือลายเซ็นถูกปฏิเสธ"},
    {"This service cannot reach its own public address from here. TikTok perhaps can: check proxy, name and "
     "firewall.",
     "ระบบนี้เข้าถึงที่อยู่สาธารณะของตนเองไม่ได้ แต่ TikTok อาจเข้าถึงได้ โปรดตรวจสอบพร็อกซี ชื่อโดเมน และไฟร์วอลล์"},
};

static str test_json(const struct testing *t, struct arena *mem)
{
    struct buf b;
    struct jw w;
    size_t words = t->t.recorded ? 0 : t->t.status != 0 ? 1 : 2;
    buf_init(&b, mem, 16u << 10);
    if (t->cli) {
        buf_fmt(&b, STR_FMT ": answer %d, stored: %s. %s\n", STR_ARG(t->t.url), t->t.status,
                t->t.recorded ? "yes" : "no", test_words[words][0]);
        return buf_str(&b);
    }
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "app", t->app->id);
    jw_str(&w, "url", t->t.url);
    jw_bool(&w, "sent", t->t.sent);
    if (t->t.status != 0)
        jw_i64(&w, "answered", t->t.status);
    else
        jw_null(&w, "answered");
    jw_bool(&w, "recorded", t->t.recorded);
    jw_i64(&w, "took_ms", t->t.took_ms);
    jw_cstr(&w, "en", test_words[words][0]);
    jw_cstr(&w, "th", test_words[words][1]);
    jw_str(&w, "code", t->t.code != NULL && t->t.code[0] != '\0' ? str_of(t->t.code) : STR_NONE);
    jw_end(&w);
    return buf_str(&b);
}

static enum rc keep_test(struct tx *tx, void *arg, struct fault *why)
{
    struct testing *t = arg;
    str body = test_json(t, tx_mem(tx));
    enum rc rc = t->cli ? RC_OK : access_once_save(tx, rq_once(t->rq), 200, body, why);
    struct audit_entry e = entry_of(t->rq, t->cli, "messaging.webhook_tested", t->app->id);
    if (rc == RC_OK)
        rc = audit_put(t->m->audit, tx, &e, why);
    if (rc == RC_OK)
        t->body = arena_str(rq_mem(t->rq), body);
    return rc;
}

static enum rc test_route(struct request *rq, struct messaging *m, bool cli, struct fault *why)
{
    str id = rq_arg(rq, "app");
    struct testing t = {.m = m, .rq = rq, .cli = cli};
    t.app = cli ? accounts_app_named(m->accounts, id) : hook_app(m, rq_who(rq)->workspace, id);
    if (t.app == NULL || t.app->kind != APP_ACCOUNTS)
        return fault_set(why, RC_MISSING, "messaging.no_such_app", "no app of kind accounts has this id");
    enum rc rc = hook_loopback(m, t.app, rq_mem(rq), &t.t, why);
    if (rc == RC_OK)
        rc = store_write(m->store, STORE_INTERACTIVE, keep_test, &t, why);
    if (rc == RC_OK && cli)
        answer_body(rq, 200, "text/plain; charset=utf-8", t.body);
    else if (rc == RC_OK)
        answer_json(rq, 200, t.body);
    return rc;
}

enum rc test_hook(struct request *rq, void *ctx, struct fault *why)
{
    return test_route(rq, ctx, false, why);
}

enum rc admin_hook_test(struct request *rq, void *ctx, struct fault *why)
{
    return test_route(rq, ctx, true, why);
}

/* ---- shapes ---- */
const struct shape shape_hook_item = {
    .name = "WebhookSubscription",
    .doc = "What TikTok has registered for one app and category of events.",
    .fields = {{"app", A_TEXT, .doc = "The app row."},
               {"category", A_ENUM, .choices = "DIRECT_MESSAGE|COMMENT|VIDEO|BRAND_MENTION",
                .doc = "TikTok's category; one registration each."},
               {"needed", A_FLAG, .doc = "Messages or comments do not work without it."},
               {"wanted_url", A_URL, .doc = "This service's address for the app."},
               {"registered_url", A_URL, MAY_BE_NULL, .doc = "What TikTok last said; null: none."},
               {"state", A_ENUM, .choices = "unknown|right|missing|foreign",
                .doc = "foreign: another address is registered."},
               {"checked_at", A_TIME, MAY_BE_NULL, .doc = "When TikTok was asked."},
               {"last_event_at", A_TIME, MAY_BE_NULL, .doc = "The last signed event of this category."},
               {"en", A_TEXT, .doc = "What the category brings, in English."},
               {"th", A_TEXT, .doc = "The same in Thai."},
               {"code", A_TEXT, MAY_BE_NULL, .doc = "Why TikTok could not be asked."}}};
const struct shape shape_hook_test = {
    .name = "WebhookTest",
    .doc = "A signed test event that this service sent to its own public address.",
    .fields = {{"app", A_TEXT, .doc = "The app row."},
               {"url", A_URL, .doc = "Where it was sent."},
               {"sent", A_FLAG, .doc = "It left this service."},
               {"answered", A_INT, MAY_BE_NULL, .doc = "HTTP status of the answer; null: none."},
               {"recorded", A_FLAG, .doc = "Its row stands in the inbox."},
               {"took_ms", A_INT, .doc = "How long it took."},
               {"en", A_TEXT, .doc = "What it means, in English."},
               {"th", A_TEXT, .doc = "The same in Thai."},
               {"code", A_TEXT, MAY_BE_NULL, .doc = "Why it could not be sent."}}};
