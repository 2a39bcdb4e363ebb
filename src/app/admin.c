/* Routes of the admin socket: whoever can open STATE/daemon.sock (mode 0600) is the operator. The CLI is the
 * client. What changes anything is audited with the actor "cli".
 */
#include "app/app.h"

static const struct param demo_params[] = {
    {.name = "demo_url",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .min = 8,
     .max = 256,
     .doc = "Where mozflow-demo listens."},
};
static const struct param id_params[] = {
    {.name = "id", .in = IN_QUERY, .kind = P_TEXT, .required = true, .max = 256, .doc = "What to explain."},
    {.name = "lang", .in = IN_QUERY, .kind = P_ENUM, .choices = "en|th", .doc = "Language; en when absent."},
};
static const struct param lines_params[] = {
    {.name = "workspace",
     .in = IN_QUERY,
     .kind = P_TEXT,
     .max = 64,
     .doc = "One workspace; absent: what concerns the installation."},
};
static const struct param replay_params[] = {
    {.name = "id", .in = IN_BODY, .kind = P_TEXT, .required = true, .max = 64, .doc = "The dead letter."},
    {.name = "workspace",
     .in = IN_BODY,
     .kind = P_TEXT,
     .max = 64,
     .doc = "Its workspace; absent: the installation's."},
};
static const struct param link_params[] = {
    {.name = "workspace",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .max = 64,
     .doc = "The workspace."},
};
static const struct param workspace_params[] = {
    {.name = "name",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .min = 1,
     .max = 120,
     .doc = "What people see."},
    {.name = "owner_email",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .min = 3,
     .max = 254,
     .doc = "Its first member, who may do everything."},
    {.name = "owner_name", .in = IN_BODY, .kind = P_TEXT, .max = 120, .doc = "Absent: Owner."},
    {.name = "language",
     .in = IN_BODY,
     .kind = P_ENUM,
     .choices = "en|th",
     .doc = "Of the workspace and its owner; en by default."},
};
static const struct param flag_params[] = {
    {.name = "name", .in = IN_BODY, .kind = P_TEXT, .required = true, .max = 64, .doc = "The flag."},
    {.name = "state",
     .in = IN_BODY,
     .kind = P_ENUM,
     .required = true,
     .choices = "on|off|unset",
     .doc = "Its state."},
    {.name = "workspace", .in = IN_BODY, .kind = P_TEXT, .max = 64, .doc = "One workspace; absent: all."},
    {.name = "reason",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .max = 300,
     .doc = "Why, for the audit."},
};

static enum rc post_demo(struct request *rq, void *ctx, struct fault *why)
{
    struct buf b;
    buf_init(&b, rq_mem(rq), 8192);
    enum rc rc = demo_seed(ctx, rq_arg(rq, "demo_url"), rq_mem(rq), &b, why);
    if (rc == RC_OK)
        answer_json(rq, 200, buf_str(&b));
    return rc;
}

/* First what belongs to no workspace yet (a webhook that was not routed), then workspace by workspace: every
 * statement names one. */
static enum rc explain_anywhere(const struct app *a, struct request *rq, struct explain *e, struct fault *why)
{
    str *ids = NULL, id = rq_arg(rq, "id");
    size_t n = 0;
    enum rc rc = access_workspaces(a->access, rq_mem(rq), &ids, &n, why);
    if (rc != RC_OK)
        return rc;
    rc = operate_explain(&a->operate, STR_NONE, id, rq_mem(rq), e, why);
    for (size_t i = 0; i < n && rc == RC_MISSING; i++)
        rc = operate_explain(&a->operate, ids[i], id, rq_mem(rq), e, why);
    return rc;
}

static enum rc get_explained(struct request *rq, void *ctx, struct fault *why)
{
    const struct app *a = ctx;
    struct explain *e = arena_new(rq_mem(rq), struct explain);
    struct buf b;
    if (e == NULL)
        return fault_set(why, RC_FULL, "app.memory", "explain");
    e->th = str_eq(rq_lang(rq), STR("th"));
    enum rc rc = explain_anywhere(a, rq, e, why);
    if (rc != RC_OK)
        return rc;
    buf_init(&b, rq_mem(rq), 256u << 10);
    for (size_t i = 0; i < e->n; i++) {
        char at[TIME_TEXT];
        buf_fmt(&b, "%s  " STR_FMT "\n", time_iso(e->steps[i].at_ms, at), STR_ARG(e->steps[i].text));
    }
    answer_body(rq, 200, "text/plain; charset=utf-8", buf_str(&b));
    return RC_OK;
}

static enum rc get_lines(struct request *rq, void *ctx, bool alerts, struct fault *why)
{
    const struct app *a = ctx;
    struct buf b;
    str ws = rq_arg(rq, "workspace");
    if (ws.n == 0)
        ws = STR("-");
    buf_init(&b, rq_mem(rq), 1u << 20);
    enum rc rc = alerts ? operate_alerts_print(&a->operate, ws, rq_mem(rq), &b, why)
                        : operate_dead_print(&a->operate, ws, rq_mem(rq), &b, why);
    if (rc == RC_OK)
        answer_body(rq, 200, "text/plain; charset=utf-8", b.n > 0 ? buf_str(&b) : STR("none\n"));
    return rc;
}

static enum rc get_alerts(struct request *rq, void *ctx, struct fault *why)
{
    return get_lines(rq, ctx, true, why);
}

static enum rc get_dead(struct request *rq, void *ctx, struct fault *why)
{
    return get_lines(rq, ctx, false, why);
}

struct replaying {
    struct app *app;
    str workspace, id, request;
};

static enum rc replay(struct tx *tx, void *arg, struct fault *why)
{
    const struct replaying *r = arg;
    const struct audit_entry e = {.workspace = r->workspace,
                                  .actor = STR("cli"),
                                  .action = STR("jobs.replayed"),
                                  .object = r->id,
                                  .request = r->request};
    enum rc rc = jobs_dead_replay(tx, r->workspace, r->id, why);
    return rc == RC_OK ? audit_put(r->app->audit, tx, &e, why) : rc;
}

static enum rc post_replay(struct request *rq, void *ctx, struct fault *why)
{
    str ws = rq_arg(rq, "workspace");
    struct replaying r = {ctx, ws.n > 0 ? ws : STR("-"), rq_arg(rq, "id"), rq_id(rq)};
    enum rc rc = store_write(r.app->store, STORE_INTERACTIVE, replay, &r, why);
    if (rc == RC_OK)
        answer_body(rq, 200, "text/plain; charset=utf-8", STR("put back into its queue\n"));
    return rc;
}

static enum rc post_link(struct request *rq, void *ctx, struct fault *why)
{
    struct app *a = ctx;
    struct arena *secret = arena_open_secret(16384);
    struct secret token;
    str member, url;
    enum rc rc = access_owner(a->access, rq_arg(rq, "workspace"), rq_mem(rq), &member, why);
    if (rc == RC_OK)
        rc = access_console_token(a->access, rq_arg(rq, "workspace"), member, 15 * 60 * 1000, secret, &token,
                                  why);
    if (rc == RC_OK) {
        url = arena_fmt(rq_mem(rq), STR_FMT "/console/enter?token=%.*s\n",
                        STR_ARG(http_base_url(a->public_http)), (int)token.n, (const char *)token.p);
        answer_body(rq, 200, "text/plain; charset=utf-8", url);
    }
    arena_close(&secret);
    return rc;
}

/* A new tenant. The API key has every scope a key can have and is shown this once; the owner enters by link.
 * */
static enum rc post_workspace(struct request *rq, void *ctx, struct fault *why)
{
    struct app *a = ctx;
    str name = rq_arg(rq, "owner_name"), language = rq_arg(rq, "language");
    const struct access_boot_in in = {.workspace_name = rq_arg(rq, "name"),
                                      .owner_email = rq_arg(rq, "owner_email"),
                                      .owner_name = name.n > 0 ? name : STR("Owner"),
                                      .language = language.n > 0 ? language : STR("en"),
                                      .key_name = STR("first key")};
    struct arena *secret = arena_open_secret(65536);
    struct access_boot made;
    struct buf b;
    struct jw w;
    enum rc rc = access_bootstrap(a->access, &in, secret, &made, why);
    if (rc == RC_OK) {
        buf_init(&b, rq_mem(rq), 8192);
        jw_init(&w, &b);
        jw_obj(&w, NULL);
        jw_str(&w, "workspace_id", made.workspace);
        jw_str(&w, "workspace_public_key", made.public_key);
        jw_str(&w, "owner_id", made.owner);
        jw_str(&w, "api_key", (str){(const char *)made.key.p, made.key.n});
        jw_str(&w, "console_url",
               arena_fmt(rq_mem(rq), STR_FMT "/console/enter?token=%.*s",
                         STR_ARG(http_base_url(a->public_http)), (int)made.enter_token.n,
                         (const char *)made.enter_token.p));
        jw_end(&w);
        answer_json(rq, 200, buf_str(&b));
    }
    arena_close(&secret);
    return rc;
}

struct flag_setting {
    struct app *app;
    struct request *rq;
};

static enum rc set_flag(struct tx *tx, void *arg, struct fault *why)
{
    struct flag_setting *f = arg;
    str state = rq_arg(f->rq, "state"), ws = rq_arg(f->rq, "workspace");
    const struct flag_change c = {.workspace = ws.n > 0 ? ws : STR("-"),
                                  .name = rq_arg(f->rq, "name"),
                                  .state = str_eq(state, STR("on"))    ? FLAG_ON
                                           : str_eq(state, STR("off")) ? FLAG_OFF
                                                                       : FLAG_UNSET,
                                  .reason = rq_arg(f->rq, "reason"),
                                  .by = {.actor = STR("cli"), .address = STR(""), .request = rq_id(f->rq)}};
    return flags_set(f->app->flags, tx, &c, why);
}

static enum rc post_flag(struct request *rq, void *ctx, struct fault *why)
{
    struct flag_setting f = {ctx, rq};
    enum rc rc = store_write(f.app->store, STORE_INTERACTIVE, set_flag, &f, why);
    if (rc == RC_OK)
        rc = flags_refresh(f.app->flags, why);
    if (rc == RC_OK)
        answer_body(rq, 200, "text/plain; charset=utf-8", STR("done\n"));
    return rc;
}

static const struct shape shape_made = {
    .name = "NewWorkspace",
    .doc = "A workspace with its first owner and key.",
    .fields = {{"workspace_id", A_TEXT, .doc = "wsp_..."},
               {"workspace_public_key", A_TEXT, .doc = "Names it in public links."},
               {"owner_id", A_TEXT, .doc = "mem_..."},
               {"api_key", A_TEXT, .doc = "The key's text, shown once."},
               {"console_url", A_URL, .doc = "One-time link into the console."}}};

const struct route admin_routes[] = {
    {.method = "POST",
     .path = "/admin/demo",
     .name = "adminDemo",
     .cls = HTTP_WRITE,
     .no_once = true,
     .params = demo_params,
     .n_params = COUNT_OF(demo_params),
     .handle = post_demo,
     .doc = "Makes or finds the demo workspace.",
     .gives = &shape_made},
    {.method = "GET",
     .path = "/admin/explain",
     .name = "adminExplain",
     .cls = HTTP_READ,
     .params = id_params,
     .n_params = COUNT_OF(id_params),
     .handle = get_explained,
     .doc = "The story of an id over all workspaces.",
     .gives = &shape_plain_text,
     .answer = "One step a line."},
    {.method = "GET",
     .path = "/admin/alerts",
     .name = "adminAlerts",
     .cls = HTTP_READ,
     .params = lines_params,
     .n_params = COUNT_OF(lines_params),
     .handle = get_alerts,
     .doc = "Alerts of the installation or of one workspace, newest first.",
     .gives = &shape_plain_text},
    {.method = "GET",
     .path = "/admin/dead",
     .name = "adminDead",
     .cls = HTTP_READ,
     .params = lines_params,
     .n_params = COUNT_OF(lines_params),
     .handle = get_dead,
     .doc = "Dead letters of the installation or of one workspace.",
     .gives = &shape_plain_text},
    {.method = "POST",
     .path = "/admin/dead/replay",
     .name = "adminReplay",
     .cls = HTTP_WRITE,
     .no_once = true,
     .params = replay_params,
     .n_params = COUNT_OF(replay_params),
     .handle = post_replay,
     .doc = "Puts a dead letter of the installation or of one workspace back into its queue.",
     .gives = &shape_plain_text},
    {.method = "POST",
     .path = "/admin/console-link",
     .name = "adminConsoleLink",
     .cls = HTTP_WRITE,
     .no_once = true,
     .params = link_params,
     .n_params = COUNT_OF(link_params),
     .handle = post_link,
     .doc = "A one-time console sign-in link for a workspace's owner, 15 minutes.",
     .gives = &shape_plain_text,
     .answer = "The link."},
    {.method = "POST",
     .path = "/admin/workspaces",
     .name = "adminWorkspace",
     .cls = HTTP_WRITE,
     .no_once = true,
     .params = workspace_params,
     .n_params = COUNT_OF(workspace_params),
     .handle = post_workspace,
     .doc = "Makes a workspace with its first owner and a first API key.",
     .gives = &shape_made},
    {.method = "POST",
     .path = "/admin/flag",
     .name = "adminFlag",
     .cls = HTTP_WRITE,
     .no_once = true,
     .params = flag_params,
     .n_params = COUNT_OF(flag_params),
     .handle = post_flag,
     .doc = "Sets a feature flag for the installation or one workspace.",
     .gives = &shape_plain_text},
};
const size_t admin_routes_n = COUNT_OF(admin_routes);
