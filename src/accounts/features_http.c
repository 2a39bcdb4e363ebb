/* features_http: what REST says about the features of an account and about the app rows. Reads only; no
 * secret, no token. What can go wrong: an app row that was taken out of the settings: its accounts' features
 * are judged as if the app held nothing.
 */
#include "accounts/accounts_priv.h"
#include "accounts/features_priv.h"

struct looking {
    struct accounts *a;
    struct request *rq;
    struct account acc;
    struct feature_row *rows;
    size_t n;
    enum app_kind kind;
};

static enum app_kind kind_of(const struct account *acc)
{
    if (str_eq(acc->role, STR("business")))
        return APP_ACCOUNTS;
    return str_eq(acc->role, STR("advertiser")) ? APP_ADS : APP_LOGIN_KIT;
}

static enum rc read_account(struct tx *tx, void *arg, struct fault *why)
{
    struct looking *l = arg;
    str workspace = rq_who(l->rq)->workspace, id = rq_arg(l->rq, "id");
    enum rc rc = accounts_load(tx, workspace, id, rq_mem(l->rq), &l->acc, why);
    return rc == RC_OK ? db_features(tx, workspace, id, rq_mem(l->rq), &l->rows, &l->n, why) : rc;
}

static bool live_state(const char *state)
{
    return str_eq(str_of(state), STR("connected")) || str_eq(str_of(state), STR("unsure"));
}

static struct feature_facts facts_of(const struct looking *l, const struct feature *f)
{
    const struct account_app *app = accounts_app_of(l->a, l->acc.client_key, l->kind);
    struct feature_facts facts = {.held = app != NULL ? app->scopes : STR(""),
                                  .granted = l->acc.scopes,
                                  .since_ms = l->acc.connected_ms,
                                  .live = live_state(l->acc.state) && l->acc.scopes.p != NULL};
    for (size_t i = 0; i < l->n; i++)
        if (str_eq(l->rows[i].feature, str_of(f->name))) {
            facts.worked_ms = l->rows[i].worked_ms;
            facts.refused_ms = l->rows[i].refused_ms;
        }
    return facts;
}

/* ---- why, in one sentence ---- */
enum { WHY_WORKS, WHY_UNTRIED, WHY_ENDED, WHY_REFUSED, WHY_STEP_UP, WHY_TICK, WHYS };
static const struct {
    const char *en, *th;
} whys[WHYS] = {
    [WHY_WORKS] = {"Everything that it needs was granted.", "ได้รับสิทธิ์ที่จำเป็นครบแล้ว"},
    [WHY_UNTRIED] = {"TikTok does not name an advertiser's permissions. Nothing was refused so far.",
                     "TikTok ไม่แจ้งชื่อสิทธิ์ของผู้ลงโฆษณา ขณะนี้ยังไม่มีการปฏิเสธ"},
    [WHY_ENDED] = {"The connection has ended. The owner must connect again.",
                   "การเชื่อมต่อสิ้นสุดแล้ว เจ้าของบัญชีต้องเชื่อมต่ออีกครั้ง"},
    [WHY_REFUSED] = {"TikTok refused it although it was granted. The owner must connect again.",
                     "TikTok ปฏิเสธแม้ได้รับสิทธิ์แล้ว เจ้าของบัญชีต้องเชื่อมต่ออีกครั้ง"},
    [WHY_STEP_UP] = {"The owner did not grant it. A short confirmation at TikTok adds only what is missing.",
                     "เจ้าของบัญชียังไม่ได้ให้สิทธิ์นี้ การยืนยันสั้น ๆ ที่ TikTok จะเพิ่มเฉพาะสิทธิ์ที่ขาด"},
    [WHY_TICK] = {"TikTok refused it. The advertiser must confirm again and leave this permission ticked.",
                  "TikTok ปฏิเสธ ผู้ลงโฆษณาต้องยืนยันอีกครั้งและเลือกสิทธิ์นี้ไว้"},
};

static int why_of(const struct feature *f, const struct feature_facts *facts, const struct feature_verdict *v)
{
    if (v->state == FEATURE_WORKS)
        return WHY_WORKS;
    if (v->state == FEATURE_UNTRIED)
        return WHY_UNTRIED;
    if (!facts->live)
        return WHY_ENDED;
    if (f->kind == APP_ADS)
        return WHY_TICK;
    return facts->refused_ms > 0 && facts->refused_ms >= facts->since_ms ? WHY_REFUSED : WHY_STEP_UP;
}

static void put_list(struct jw *w, const char *key, str list)
{
    str head;
    jw_arr(w, key);
    while (str_cut(&list, ',', &head))
        if (head.n > 0)
            jw_str(w, NULL, str_trim(head));
    jw_end(w);
}

static const char *connection_word(enum app_kind kind)
{
    static const char *const words[APP_KINDS] = {
        [APP_LOGIN_KIT] = "login", [APP_ACCOUNTS] = "business", [APP_ADS] = "advertiser"};
    return words[kind];
}

static void put_feature(struct jw *w, const struct looking *l, const struct feature *f)
{
    struct feature_facts facts = facts_of(l, f);
    struct feature_verdict v;
    feature_judge(f, &facts, rq_mem(l->rq), &v);
    int words = why_of(f, &facts, &v);
    jw_obj(w, NULL);
    jw_cstr(w, "name", f->name);
    jw_cstr(w, "en", f->en);
    jw_cstr(w, "th", f->th);
    jw_cstr(w, "state", feature_state_name(v.state));
    put_list(w, "scopes", str_of(f->scopes));
    put_list(w, "missing", v.missing);
    put_list(w, "app_lacks", v.lacking);
    if (v.state == FEATURE_MISSING_SCOPE) {
        jw_obj(w, "step_up");
        jw_cstr(w, "kind", connection_word(f->kind));
        jw_cstr(w, "feature", f->name);
        jw_str(w, "account", l->acc.id);
        jw_end(w);
    } else
        jw_null(w, "step_up");
    bool lacks = v.state == FEATURE_APP_LACKS_SCOPE;
    jw_cstr(w, "en_why", lacks ? f->apply_en : whys[words].en);
    jw_cstr(w, "th_why", lacks ? f->apply_th : whys[words].th);
    jw_end(w);
}

static enum rc features_route(struct request *rq, void *ctx, struct fault *why)
{
    struct looking l = {.a = ctx, .rq = rq};
    struct buf b;
    struct jw w;
    const struct feature *f = NULL;
    enum rc rc = store_read(l.a->o.store, read_account, &l, why);
    if (rc != RC_OK)
        return rc;
    l.kind = kind_of(&l.acc);
    buf_init(&b, rq_mem(rq), 64 * 1024);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_arr(&w, "features");
    for (size_t i = 0; (f = feature_at(i)) != NULL; i++)
        if (f->kind == l.kind)
            put_feature(&w, &l, f);
    jw_end(&w);
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return buf_ok(&b) ? RC_OK : fault_set(why, RC_FULL, "base.arena", "the list is too long");
}

/* ---- the register of apps: a workspace sees its own rows, and the installation's it uses ---- */
static void put_redirect(struct jw *w, str uri, const char *kind)
{
    jw_obj(w, NULL);
    jw_str(w, "uri", uri);
    jw_cstr(w, "kind", kind);
    jw_end(w);
}

static void put_app(struct jw *w, const struct account_app *app)
{
    jw_obj(w, NULL);
    jw_str(w, "id", app->id);
    jw_cstr(w, "kind", tiktok_kind(app->kind)->name);
    jw_str(w, "owner", str_eq(app->workspace, STR("-")) ? STR("installation") : STR("workspace"));
    jw_str(w, "client_key", app->client.client_key);
    put_list(w, "scopes", app->scopes);
    jw_arr(w, "redirects");
    put_redirect(w, app->redirect_uri, app->redirect_kind == REDIRECT_LOOPBACK ? "loopback" : "web");
    for (size_t i = 0; i < app->n_mobile_redirects; i++)
        put_redirect(w, app->mobile_redirects[i], "mobile");
    jw_end(w);
    jw_arr(w, "sandbox_targets");
    for (size_t i = 0; i < app->n_sandbox_targets; i++)
        jw_str(w, NULL, app->sandbox_targets[i]);
    jw_end(w);
    jw_str(w, "webhook_url", app->webhook_url);
    jw_bool(w, "secret_previous", app->secret_previous.n > 0);
    jw_time(w, "secret_previous_until", app->secret_previous_until_ms);
    jw_end(w);
}

static enum rc apps_route(struct request *rq, void *ctx, struct fault *why)
{
    const struct accounts *a = ctx;
    const struct account_app *apps = NULL;
    size_t n = accounts_apps(a, &apps);
    str workspace = rq_who(rq)->workspace;
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(rq), 128 * 1024);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_arr(&w, "items");
    for (size_t i = 0; i < n; i++)
        if (accounts_app_for(a, workspace, apps[i].kind) == &apps[i])
            put_app(&w, &apps[i]);
    jw_end(&w);
    jw_null(&w, "next_cursor");
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return buf_ok(&b) ? RC_OK : fault_set(why, RC_FULL, "base.arena", "the list is too long");
}

static const struct shape shape_step_up = {
    .name = "StepUp",
    .doc = "What to send to POST /v1/connections to ask for the smallest addition.",
    .fields = {{"kind", A_ENUM, .choices = "login|business|advertiser", .doc = "Which connection."},
               {"feature", A_TEXT, .doc = "The feature."},
               {"account", A_TEXT, .doc = "acc_..."}}};
static const struct shape shape_feature = {
    .name = "Feature",
    .doc = "One thing that can be done with a connected account.",
    .fields = {{"name", A_TEXT, .doc = "chat.read"},
               {"en", A_TEXT, .doc = "What it is, in English."},
               {"th", A_TEXT, .doc = "What it is, in Thai."},
               {"state", A_ENUM, .choices = "works|untried|missing_scope|app_lacks_scope",
                .doc = "untried: TikTok does not name the permission; nothing was refused so far."},
               {"scopes", A_TEXTS, .doc = "What it needs; for advertisers in words of our own."},
               {"missing", A_TEXTS, .doc = "Of those, not granted."},
               {"app_lacks", A_TEXTS, .doc = "Of those, not approved by TikTok for the app."},
               {"step_up", A_ONE, MAY_BE_NULL, .of = &shape_step_up, .doc = "When the owner can add it."},
               {"en_why", A_TEXT, .doc = "One sentence in English."},
               {"th_why", A_TEXT, .doc = "One sentence in Thai."}}};
static const struct shape shape_features = {
    .name = "Features",
    .doc = "The features of an account's kind.",
    .fields = {{"features", A_MANY, .of = &shape_feature, .doc = "In the table's order."}}};
static const struct shape shape_redirect = {
    .name = "AppRedirect",
    .doc = "A redirect URI that is registered at TikTok.",
    .fields = {{"uri", A_TEXT, .doc = "Byte for byte."},
               {"kind", A_ENUM, .choices = "web|loopback|mobile", .doc = "Where it leads."}}};
static const struct shape shape_app = {
    .name = "TikTokApp",
    .doc = "An app row without its secrets.",
    .fields = {{"id", A_TEXT, .doc = "Stands in the webhook path."},
               {"kind", A_ENUM, .choices = "login_kit|accounts|ads", .doc = "The family."},
               {"owner", A_ENUM, .choices = "installation|workspace", .doc = "Whose app it is."},
               {"client_key", A_TEXT, .doc = "Client key or app id."},
               {"scopes", A_TEXTS, .doc = "Held: approved by TikTok."},
               {"redirects", A_MANY, .of = &shape_redirect, .doc = "To compare with the portal."},
               {"sandbox_targets", A_TEXTS, .doc = "Usernames that may use the sandbox."},
               {"webhook_url", A_TEXT, .doc = "Where its webhooks arrive here."},
               {"secret_previous", A_FLAG, .doc = "Whether an earlier secret is still set."},
               {"secret_previous_until", A_TIME, MAY_BE_NULL, .doc = "When that one ends."}}};

static const struct param one_params[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .required = true, .choices = "acc", .doc = "The account."},
};
const struct route features_routes[] = {
    {.method = "GET",
     .path = "/v1/accounts/{id}/features",
     .name = "listFeatures",
     .cls = HTTP_READ,
     .need = PERM_ACCOUNTS_READ,
     .params = one_params,
     .n_params = COUNT_OF(one_params),
     .handle = features_route,
     .doc = "What works with this account, which scope is missing, and who must act.",
     .gives = &shape_features},
    {.method = "GET",
     .path = "/v1/apps",
     .name = "listApps",
     .cls = HTTP_READ,
     .need = PERM_ACCOUNTS_READ,
     .handle = apps_route,
     .doc = "The TikTok apps this workspace uses: redirects, sandbox target users, webhook address. No "
            "secrets.",
     .gives = &shape_app,
     .many = true},
};
const size_t features_routes_n = COUNT_OF(features_routes);

const struct problem_row features_problems[] = {
    {"accounts.app_lacks_scope", 409, "TikTok has not approved this permission for the app",
     "The app does not hold a scope that the feature needs. Asking for it would make TikTok refuse the whole "
     "connection.",
     "Ask the operator to apply for it at TikTok; GET /v1/accounts/{id}/features says what to apply for.",
     "TikTok ยังไม่ได้อนุมัติสิทธิ์นี้ให้แอป", "แอปยังไม่มีสิทธิ์ที่ความสามารถนี้ต้องใช้ หากขอสิทธิ์นี้ TikTok จะปฏิเสธการเชื่อมต่อทั้งหมด",
     "โปรดให้ผู้ดูแลระบบยื่นขอสิทธิ์ที่ TikTok"},
};
const size_t features_problems_n = COUNT_OF(features_problems);
