/* http: what REST says about accounts: list, one, revoke. Also the events that Mozflow hears, and the texts
 * of this room's problems. Nothing here touches a token.
 */
#include "accounts/accounts_priv.h"
#include "access/access.h"

enum { PAGE = 50 };

static const char *kind_shown(const struct account *acc)
{
    return str_eq(acc->role, STR("business")) ? "accounts" : "login_kit";
}

static void put_list(struct jw *w, const char *key, str list)
{
    str head;
    jw_arr(w, key);
    while (str_cut(&list, ',', &head))
        if (str_trim(head).n > 0)
            jw_str(w, NULL, str_trim(head));
    jw_end(w);
}

static void put_next_step(struct jw *w, const struct account *acc)
{
    static const struct {
        const char *state, *en, *th;
    } steps[] = {
        {"needs_reauth",
         "TikTok no longer accepts this connection. Ask the owner to sign in with TikTok again.",
         "TikTok ไม่ยอมรับการเชื่อมต่อนี้แล้ว โปรดให้เจ้าของบัญชีลงชื่อเข้าใช้ด้วย TikTok อีกครั้ง"},
        {"revoked", "The connection has ended. Sign in with TikTok to connect again.",
         "การเชื่อมต่อสิ้นสุดแล้ว โปรดลงชื่อเข้าใช้ด้วย TikTok เพื่อเชื่อมต่ออีกครั้ง"},
        {"revoking", "The connection is being ended at TikTok.", "กำลังยกเลิกการเชื่อมต่อที่ TikTok"},
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        if (str_eq(str_of(acc->state), str_of(steps[i].state))) {
            jw_cstr(w, "next_step_en", steps[i].en);
            jw_cstr(w, "next_step_th", steps[i].th);
        }
}

static void put_account(const struct accounts *a, const struct account *acc, struct arena *mem, struct jw *w,
                        const char *key)
{
    const struct account_app *app = accounts_app(a, APP_LOGIN_KIT);
    bool login = str_eq(acc->role, STR("login"));
    str missing = app != NULL && login ? accounts_missing_scopes(app->scopes, acc->scopes, mem) : STR("");
    jw_obj(w, key);
    jw_str(w, "id", acc->id);
    jw_cstr(w, "kind", kind_shown(acc));
    jw_str(w, "name", acc->display_name.n > 0 ? acc->display_name : acc->username);
    jw_str(w, "avatar_url", acc->avatar_url.n > 0 ? acc->avatar_url : STR_NONE);
    jw_cstr(w, "state", acc->state);
    put_list(w, "scopes", acc->scopes);
    put_list(w, "missing_scopes", missing);
    jw_time(w, "last_webhook_at", acc->webhook_ms);
    jw_time(w, "last_good_call_at", acc->good_ms);
    jw_time(w, "connected_at", acc->connected_ms);
    put_next_step(w, acc);
    jw_end(w);
}

struct listing {
    struct accounts *a;
    struct request *rq;
    str id;
    struct account *list;
    size_t n;
    int64_t limit;
};

static enum rc read_list(struct tx *tx, void *arg, struct fault *why)
{
    struct listing *l = arg;
    return db_account_list(tx, rq_who(l->rq)->workspace, rq_arg(l->rq, "cursor"), l->limit + 1, rq_mem(l->rq),
                           &l->list, &l->n, why);
}

static enum rc list_route(struct request *rq, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    struct listing l = {.a = a, .rq = rq, .limit = rq_int(rq, "limit", PAGE)};
    struct buf b;
    struct jw w;
    enum rc rc = store_read(a->o.store, read_list, &l, why);
    if (rc != RC_OK)
        return rc;
    bool more = (int64_t)l.n > l.limit;
    size_t shown = more ? (size_t)l.limit : l.n;
    buf_init(&b, rq_mem(rq), 256 * 1024);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_arr(&w, "items");
    for (size_t i = 0; i < shown; i++)
        put_account(a, &l.list[i], rq_mem(rq), &w, NULL);
    jw_end(&w);
    jw_str(&w, "next_cursor", more ? l.list[shown - 1].id : STR_NONE);
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return buf_ok(&b) ? RC_OK : fault_set(why, RC_FULL, "base.arena", "the list is too long");
}

static enum rc read_one(struct tx *tx, void *arg, struct fault *why)
{
    struct listing *l = arg;
    return accounts_load(tx, rq_who(l->rq)->workspace, l->id, rq_mem(l->rq), l->list, why);
}

static str account_json(struct accounts *a, const struct account *acc, struct arena *mem)
{
    struct buf b;
    struct jw w;
    buf_init(&b, mem, 32 * 1024);
    jw_init(&w, &b);
    put_account(a, acc, mem, &w, NULL);
    return buf_str(&b);
}

static enum rc one_route(struct request *rq, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    struct account acc;
    struct listing l = {.a = a, .rq = rq, .id = rq_arg(rq, "id"), .list = &acc};
    enum rc rc = store_read(a->o.store, read_one, &l, why);
    if (rc == RC_OK)
        answer_json(rq, 200, account_json(a, &acc, rq_mem(rq)));
    return rc;
}

/* One transaction: the grant's end, the kept answer, the audit entry as its last act. accounts_revoke
 * stamps the consent ledger, so the answer is saved before. */
static enum rc revoke_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct listing *l = arg;
    struct account acc;
    str workspace = rq_who(l->rq)->workspace;
    enum rc rc = accounts_load(tx, workspace, l->id, tx_mem(tx), &acc, why);
    if (rc != RC_OK)
        return rc;
    str body = arena_fmt(tx_mem(tx), "{\"id\":\"" STR_FMT "\",\"state\":\"revoking\"}", STR_ARG(l->id));
    if (str_eq(str_of(acc.state), STR("revoked")))
        body = arena_fmt(tx_mem(tx), "{\"id\":\"" STR_FMT "\",\"state\":\"revoked\"}", STR_ARG(l->id));
    rc = accounts_revoke_then(l->a, tx, &(struct revoke_in){workspace, l->id, rq_once(l->rq), body}, why);
    struct audit_entry e = audit_of(l->rq, "accounts.revoked", l->id, STR_NONE);
    if (rc == RC_OK)
        rc = audit_put(l->a->o.audit, tx, &e, why);
    if (rc == RC_OK)
        answer_json(l->rq, 202, arena_str(rq_mem(l->rq), body));
    return rc;
}

static enum rc revoke_route(struct request *rq, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    struct listing l = {.a = a, .rq = rq, .id = rq_arg(rq, "id")};
    return store_write(a->o.store, STORE_INTERACTIVE, revoke_tx, &l, why);
}

static const struct param list_params[] = {
    {.name = "limit",
     .in = IN_QUERY,
     .kind = P_INT,
     .min = 1,
     .max = 100,
     .doc = "Entries per page, 50 by default."},
    {.name = "cursor", .in = IN_QUERY, .kind = P_CURSOR, .max = 64, .doc = "next_cursor of the page before."},
};
static const struct param one_params[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .required = true, .choices = "acc", .doc = "The account."},
};
const struct route accounts_routes[] = {
    {.method = "GET",
     .path = "/v1/accounts",
     .name = "listAccounts",
     .cls = HTTP_READ,
     .need = PERM_ACCOUNTS_READ,
     .params = list_params,
     .n_params = COUNT_OF(list_params),
     .handle = list_route,
     .doc = "Connected TikTok accounts with their state, granted and missing scopes.",
     .answer = "items of accounts, next_cursor"},
    {.method = "GET",
     .path = "/v1/accounts/{id}",
     .name = "getAccount",
     .cls = HTTP_READ,
     .need = PERM_ACCOUNTS_READ,
     .params = one_params,
     .n_params = COUNT_OF(one_params),
     .handle = one_route,
     .doc = "One connected TikTok account.",
     .answer = "an account"},
    {.method = "POST",
     .path = "/v1/accounts/{id}/revoke",
     .name = "revokeAccount",
     .cls = HTTP_WRITE,
     .need = PERM_ACCOUNTS_MANAGE,
     .params = one_params,
     .n_params = COUNT_OF(one_params),
     .handle = revoke_route,
     .doc = "Disconnects an account: its tokens stop at once, TikTok is told, the tokens are deleted.",
     .answer = "id, state"},
};
const size_t accounts_routes_n = COUNT_OF(accounts_routes);

/* ---- events for Mozflow ---- */
static enum rc render_disconnected(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    str account = STR_NONE, reason = STR_NONE;
    struct account acc;
    if (!json_str(r->ids, "account", &account) || !json_str(r->ids, "reason", &reason))
        return fault_set(why, RC_BUG, "accounts.event", "event without ids");
    enum rc rc = accounts_load(r->tx, r->workspace, account, r->mem, &acc, why);
    if (rc != RC_OK)
        return rc;
    jw_str(data, "account_id", account);
    jw_str(data, "reason", reason);
    jw_str(data, "client_key", acc.client_key);
    jw_str(data, "open_id", acc.open_id);
    return RC_OK;
}

const struct mozflow_event accounts_events[] = {
    {.type = "account.disconnected",
     .doc = "A TikTok account is no longer connected: we revoked it (reason revoked) or it was removed at "
            "TikTok "
            "(reason removed).",
     .schema =
         "{\"type\":\"object\",\"required\":[\"account_id\",\"reason\"],\"properties\":{\"account_id\":{"
         "\"type\":"
         "\"string\"},\"reason\":{\"enum\":[\"revoked\",\"removed\"]},\"client_key\":{\"type\":\"string\"},"
         "\"open_id\":{\"type\":\"string\"}}}",
     .render = render_disconnected},
};
const size_t accounts_events_n = COUNT_OF(accounts_events);

const struct event_doc accounts_event_docs[] = {
    {"accounts.refresh", "One refresh of an account's token, with its outcome."},
    {"accounts.revoked", "A grant ended by us; rc tells whether TikTok confirmed."},
    {"tiktok.call", "One call to TikTok: endpoint, status, duration, log id."},
};
const size_t accounts_event_docs_n = COUNT_OF(accounts_event_docs);

const struct alert_row accounts_alerts[] = {
    {"accounts.needs_reauth", "ticket",
     "TikTok refused the refresh token of a connected account. Its features are off until the person signs "
     "in again.",
     "TikTok ปฏิเสธโทเค็นของบัญชีที่เชื่อมต่อไว้ ความสามารถของบัญชีนี้จะหยุดจนกว่าเจ้าของจะลงชื่อเข้าใช้อีกครั้ง"},
};
const size_t accounts_alerts_n = COUNT_OF(accounts_alerts);

const struct problem_row accounts_problems[] = {
    {"accounts.missing", 404, "Account not found", "There is no such account in this workspace.",
     "Check the id; list the accounts with GET /v1/accounts.", "ไม่พบบัญชี", "ไม่มีบัญชีนี้ในพื้นที่ทำงานของท่าน",
     "โปรดตรวจสอบรหัสบัญชี หรือดูรายการบัญชีทั้งหมด"},
    {"accounts.needs_reauth", 409, "The account must be connected again",
     "TikTok no longer accepts the tokens of this account.", "Ask the owner to sign in with TikTok again.",
     "ต้องเชื่อมต่อบัญชีอีกครั้ง", "TikTok ไม่ยอมรับโทเค็นของบัญชีนี้แล้ว", "โปรดให้เจ้าของบัญชีลงชื่อเข้าใช้ด้วย TikTok อีกครั้ง"},
    {"accounts.business_taken", 409, "This business account belongs to another workspace",
     "A TikTok business account can send its messages to one workspace only.",
     "Disconnect it in the other workspace first, or ask your administrator.", "บัญชีธุรกิจนี้เป็นของพื้นที่ทำงานอื่น",
     "บัญชีธุรกิจ TikTok หนึ่งบัญชีส่งข้อความได้เพียงพื้นที่ทำงานเดียว", "โปรดยกเลิกการเชื่อมต่อในพื้นที่ทำงานเดิมก่อน หรือติดต่อผู้ดูแลระบบ"},
};
const size_t accounts_problems_n = COUNT_OF(accounts_problems);
