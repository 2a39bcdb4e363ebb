/* GET /v1/budgets: how much of TikTok's limits is used. Room budget includes no http, so its route stands
 * here. Shown are the limits of the installation's apps and of this workspace's own; of accounts, the
 * workspace's alone.
 */
#include "app/app.h"

static const struct shape shape_budget = {
    .name = "Budget",
    .doc = "One limit of TikTok's and what is used of it.",
    .fields = {
        {"family", A_ENUM, .choices = "login_kit|business", .doc = "Accounts and ads share TikTok's limits."},
        {"client_key", A_TEXT, .doc = "The app at TikTok."},
        {"account", A_TEXT, MAY_BE_NULL, .doc = "The account, when the limit counts per account."},
        {"endpoint", A_TEXT, MAY_BE_NULL, .doc = "The endpoint, when the limit counts per endpoint."},
        {"name", A_TEXT, .doc = "Name of the limit: qps, qpm, qpd, ..."},
        {"limit", A_INT, .doc = "Calls that TikTok allows in the window; 0: shut by TikTok only."},
        {"window", A_ENUM, .choices = "1s|60s|1d", .doc = "Length of the window; 1d is the UTC day."},
        {"used", A_INT, .doc = "Calls in the window up to now."},
        {"shut_until", A_TIME, MAY_BE_NULL, .doc = "TikTok refused: no call before this."}}};
static const struct shape shape_budgets = {
    .name = "Budgets",
    .doc = "Limits that were used within a day.",
    .fields = {{"buckets", A_MANY, .of = &shape_budget, .doc = "At most 500."}}};

static bool may_see(const struct app *a, str workspace, str client_key)
{
    const struct account_app *apps;
    size_t n = accounts_apps(a->accounts, &apps);
    for (size_t i = 0; i < n; i++)
        if (str_eq(apps[i].client.client_key, client_key) &&
            (str_eq(apps[i].workspace, STR("-")) || str_eq(apps[i].workspace, workspace)))
            return true;
    return false;
}

static void put_text(struct jw *w, const char *name, str s)
{
    if (s.n > 0)
        jw_str(w, name, s);
    else
        jw_null(w, name);
}

static void write_budget(struct jw *w, const struct budget_state *s)
{
    jw_obj(w, NULL);
    jw_str(w, "family", s->family);
    jw_str(w, "client_key", s->client_key);
    put_text(w, "account", s->account);
    put_text(w, "endpoint", s->endpoint);
    jw_str(w, "name", s->limit);
    jw_i64(w, "limit", s->allowed);
    jw_cstr(w, "window", s->window_ms == 1000 ? "1s" : s->window_ms == 60000 ? "60s" : "1d");
    jw_i64(w, "used", s->used);
    jw_time(w, "shut_until", s->shut_until_ms);
    jw_end(w);
}

static enum rc get_budgets(struct request *rq, void *ctx, struct fault *why)
{
    const struct app *a = ctx;
    str workspace = rq_who(rq)->workspace;
    struct budget_state *list = NULL;
    size_t n = 0;
    struct buf b;
    struct jw w;
    enum rc rc = budget_states(a->budget, workspace, rq_mem(rq), &list, &n, why);
    if (rc != RC_OK)
        return rc;
    buf_init(&b, rq_mem(rq), 512u << 10);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_arr(&w, "buckets");
    for (size_t i = 0; i < n; i++)
        if (may_see(a, workspace, list[i].client_key))
            write_budget(&w, &list[i]);
    jw_end(&w);
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

const struct route budget_routes[] = {
    {.method = "GET",
     .path = "/v1/budgets",
     .name = "listBudgets",
     .cls = HTTP_READ,
     .need = PERM_ALERTS_READ,
     .handle = get_budgets,
     .doc = "How much of TikTok's rate limits is used, and what TikTok has shut.",
     .gives = &shape_budgets},
};
const size_t budget_routes_n = COUNT_OF(budget_routes);
