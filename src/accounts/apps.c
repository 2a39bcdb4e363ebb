/* apps: the app rows, made once from settings and from the files in apps.dir. What can go wrong: a client
 * key without its secret, two rows with one client key or one redirect URI, login scopes without
 * user.info.basic, a file for a workspace that names no kind: refused at start, because TikTok would refuse
 * every connection, or answers of two apps could be mixed up.
 */
#include <dirent.h>
#include "accounts/accounts_priv.h"

#define SECRET_DOC " From a file or a service credential only."
#define UNTIL_DOC                                                                                            \
    "When the previous secret ends: 2027-01-31 or 2027-01-31T08:00:00Z (UTC). Empty: no end is set."
#define TARGETS_DOC                                                                                          \
    "TikTok usernames that are registered as target users of the sandbox. Shown in the register of apps; "   \
    "nothing is checked with it."
#define DATE_MAX 24

/* One spelling for the three kinds of app: the installation's rows take a prefix, a file's rows none. */
#define APP_ROWS(prefix, what)                                                                               \
    {.key = prefix "client_secret",                                                                          \
     .kind = SET_SECRET,                                                                                     \
     .with = prefix "client_key",                                                                            \
     .def = "",                                                                                              \
     .doc = "Secret of the " what "; its webhooks are signed with it." SECRET_DOC},                          \
        {.key = prefix "client_secret_previous",                                                             \
         .kind = SET_SECRET,                                                                                 \
         .def = "",                                                                                          \
         .doc = "The secret before, still accepted for webhooks while TikTok changes over." SECRET_DOC},     \
        {.key = prefix "client_secret_previous_until",                                                       \
         .kind = SET_TEXT,                                                                                   \
         .max = DATE_MAX,                                                                                    \
         .def = "",                                                                                          \
         .doc = UNTIL_DOC},                                                                                  \
        {.key = prefix "sandbox_targets", .kind = SET_LIST, .max = 1024, .def = "", .doc = TARGETS_DOC},

#define KEY_ROW(prefix, words)                                                                               \
    {.key = prefix "client_key", .kind = SET_TEXT, .min = 0, .max = 128, .def = "", .doc = words},
#define SCOPE_ROW(prefix, otherwise, words)                                                                  \
    {.key = prefix "scopes", .kind = SET_LIST, .max = 2048, .def = otherwise, .doc = words},
#define REDIRECT_ROW(prefix, path)                                                                           \
    {.key = prefix "redirect_uri",                                                                           \
     .kind = SET_TEXT,                                                                                       \
     .min = 0,                                                                                               \
     .max = 512,                                                                                             \
     .def = "",                                                                                              \
     .doc = "Redirect URI registered at TikTok, byte for byte, also its trailing slash. Empty: "             \
            "<public.base_url>" path "."},
#define MOBILE_ROW(prefix)                                                                                   \
    {.key = prefix "mobile_redirect_uris",                                                                   \
     .kind = SET_LIST,                                                                                       \
     .max = 2048,                                                                                            \
     .def = "",                                                                                              \
     .doc = "App links (Android) and universal links (iOS) registered at TikTok for the mobile apps."},

static const char login_path[] = "/auth/tiktok/callback", business_path[] = "/auth/tiktok/business/callback/",
                  ads_path[] = "/auth/tiktok/ads/callback";

const struct setting accounts_settings[] = {
    {.key = "accounts.timeline_days",
     .kind = SET_INT,
     .min = 1,
     .max = 3650,
     .unit = "days",
     .def = "180",
     .doc = "How long the timelines of connected accounts are kept."},
    KEY_ROW("tiktok.login.", "Client key of the Login Kit app (TikTok for Developers). Empty: sign-in with "
                             "TikTok is not configured.") APP_ROWS("tiktok.login.", "Login Kit app")
        SCOPE_ROW(
            "tiktok.login.", "user.info.basic",
            "Scopes that TikTok has approved for the app. Only these are requested; one unapproved scope "
            "makes TikTok refuse every login.") REDIRECT_ROW("tiktok.login.", "/auth/tiktok/callback")
            MOBILE_ROW("tiktok.login.")
                KEY_ROW("tiktok.accounts.",
                        "App id of the API for Business app that business accounts connect to. "
                        "Empty: not configured.") APP_ROWS("tiktok.accounts.", "API for Business app")
                    SCOPE_ROW("tiktok.accounts.", "user.info.basic",
                              "Scopes that TikTok has approved for the app. Only these are requested; one "
                              "unapproved scope "
                              "makes TikTok refuse the whole connection.")
                        REDIRECT_ROW("tiktok.accounts.", "/auth/tiktok/business/callback/") KEY_ROW(
                            "tiktok.ads.",
                            "App id of the API for Business app that advertisers connect to. It may be the "
                            "same app as for business accounts. Empty: not configured.")
                            APP_ROWS("tiktok.ads.", "advertiser app")
                                SCOPE_ROW("tiktok.ads.", "",
                                          "Permissions that TikTok has approved for the app, in words of our "
                                          "own: ad_account, campaigns, "
                                          "reporting, leads, audiences, ad_comments, crm_events, "
                                          "conversion_events. Empty: not known; "
                                          "then TikTok's answers alone tell. The advertiser's page takes no "
                                          "list of scopes.")
                                    REDIRECT_ROW("tiktok.ads.", "/auth/tiktok/ads/callback"){
                                        .key = "apps.dir",
                                        .kind = SET_PATH,
                                        .max = 512,
                                        .def = "",
                                        .doc = "Folder of TikTok apps that belong to one workspace: files "
                                               "NAME.conf with the lines workspace, "
                                               "kind (login_kit, accounts or ads), client_key, "
                                               "client_secret_file, scopes, redirect_uri and the "
                                               "others of the tiktok.login.* settings. NAME stands in the "
                                               "webhook path. Empty: none."},
};
const size_t accounts_settings_n = COUNT_OF(accounts_settings);

/* The words of a file in apps.dir. */
static const struct setting file_rows[] = {
    {.key = "workspace", .kind = SET_TEXT, .min = 4, .max = 64, .def = NULL, .doc = "The owner, ws_..."},
    {.key = "kind", .kind = SET_ENUM, .choices = "login_kit|accounts|ads", .def = NULL, .doc = "Which app."},
    {.key = "client_key", .kind = SET_TEXT, .min = 1, .max = 128, .def = NULL, .doc = "Client key, app id."},
    APP_ROWS("", "app") SCOPE_ROW("", "user.info.basic", "Scopes that TikTok has approved for the app.")
        REDIRECT_ROW("", "/auth/tiktok/...") MOBILE_ROW("")};
static const struct setting_table file_table = {file_rows, COUNT_OF(file_rows)};

/* ---- dates and redirects ---- */
static bool digits(str s, size_t at, size_t n, int64_t *out)
{
    return at + n <= s.n && s.p[at] != '-' && str_to_i64(str_sub(s, at, n), out);
}

bool app_date_parse(str text, int64_t *ms)
{
    int64_t y = 0, m = 0, d = 0, hour = 0, minute = 0, second = 0;
    if ((text.n != 10 && text.n != 20) || text.p[4] != '-' || text.p[7] != '-')
        return false;
    if (!digits(text, 0, 4, &y) || !digits(text, 5, 2, &m) || !digits(text, 8, 2, &d))
        return false;
    if (text.n == 20 &&
        (text.p[10] != 'T' || text.p[13] != ':' || text.p[16] != ':' || text.p[19] != 'Z' ||
         !digits(text, 11, 2, &hour) || !digits(text, 14, 2, &minute) || !digits(text, 17, 2, &second)))
        return false;
    static const int64_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (y < 1970 || m < 1 || m > 12 || d < 1 || d > lengths[m - 1] + (leap && m == 2 ? 1 : 0) || hour > 23 ||
        minute > 59 || second > 59)
        return false;
    int64_t shifted = m <= 2 ? y - 1 : y, month = m <= 2 ? m + 9 : m - 3; /* years begin in March */
    int64_t days =
        shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + (month * 153 + 2) / 5 + d - 1 - 719468;
    *ms = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000;
    return true;
}

enum redirect_kind redirect_kind_of(str uri)
{
    size_t at = 0;
    if (!str_find(uri, STR("://"), &at))
        return REDIRECT_WEB;
    str host = str_sub(uri, at + 3, uri.n);
    static const char *const loopback[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < COUNT_OF(loopback); i++) {
        str name = str_of(loopback[i]);
        if (str_starts(host, name) && (host.n == name.n || host.p[name.n] == ':' || host.p[name.n] == '/'))
            return REDIRECT_LOOPBACK;
    }
    return REDIRECT_WEB;
}

bool app_redirect_ok(str uri)
{
    bool web = str_starts(uri, STR("https://"));
    bool loopback = str_starts(uri, STR("http://")) && redirect_kind_of(uri) == REDIRECT_LOOPBACK;
    if ((!web && !loopback) || uri.n < 10 || uri.n > 512)
        return false;
    for (size_t i = 0; i < uri.n; i++)
        if (uri.p[i] == '?' || uri.p[i] == '#' || (unsigned char)uri.p[i] <= 0x20 || uri.p[i] == 0x7f)
            return false;
    return true;
}

/* ---- one row from its words ---- */
struct source {
    const struct config *c;
    const char *prefix; /* "tiktok.login." or "" */
    str id, workspace;
    enum app_kind kind;
};

static const char *key_of(struct arena *mem, const struct source *s, const char *name)
{
    str key = arena_fmt(mem, "%s%s", s->prefix, name);
    must(key.p != NULL);
    return key.p;
}

/* A list without blanks, for the authorize URL (one joined by blanks breaks the login). */
static str joined(struct arena *mem, const struct source *s, const char *name)
{
    str *parts = NULL;
    size_t n = config_list(s->c, key_of(mem, s, name), mem, &parts);
    struct buf b;
    buf_init(&b, mem, 4096);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_put_c(&b, ',');
        buf_put(&b, str_trim(parts[i]));
    }
    return b.n > 0 ? buf_str(&b) : STR("");
}

static const char *const paths[APP_KINDS] = {
    [APP_LOGIN_KIT] = login_path, [APP_ACCOUNTS] = business_path, [APP_ADS] = ads_path};

static enum rc fill(struct accounts *a, const struct source *s, struct account_app *app, struct fault *why)
{
    struct arena *mem = a->mem;
    str base = config_text(a->o.config, "public.base_url");
    str until = config_text(s->c, key_of(mem, s, "client_secret_previous_until"));
    app->scopes = joined(mem, s, "scopes");
    app->redirect_uri = config_text(s->c, key_of(mem, s, "redirect_uri"));
    if (app->redirect_uri.n == 0)
        app->redirect_uri = arena_fmt(mem, STR_FMT "%s", STR_ARG(base), paths[s->kind]);
    app->redirect_kind = redirect_kind_of(app->redirect_uri);
    app->webhook_url = arena_fmt(mem, STR_FMT "/webhooks/tiktok/" STR_FMT, STR_ARG(base), STR_ARG(app->id));
    app->n_sandbox_targets = config_list(s->c, key_of(mem, s, "sandbox_targets"), mem, &app->sandbox_targets);
    if (s->kind == APP_LOGIN_KIT)
        app->n_mobile_redirects =
            config_list(s->c, key_of(mem, s, "mobile_redirect_uris"), mem, &app->mobile_redirects);
    if (until.n > 0 && !app_date_parse(until, &app->secret_previous_until_ms))
        return fault_set(why, RC_INVALID, "accounts.app", "%sclient_secret_previous_until is no date",
                         s->prefix);
    if (!app_redirect_ok(app->redirect_uri))
        return fault_set(why, RC_INVALID, "accounts.app",
                         "%sredirect_uri must be https, without query and fragment", s->prefix);
    if (s->kind == APP_LOGIN_KIT && !tiktok_scope_in(app->scopes, STR("user.info.basic")))
        return fault_set(why, RC_INVALID, "accounts.app", "%sscopes must hold user.info.basic", s->prefix);
    return RC_OK;
}

/* Two rows may share a client key when they are an accounts and an ads row of one owner: at TikTok that is
 * one app with two products. All else would mix up webhooks, budgets or answers. */
static enum rc compare(const struct account_app *old, const struct account_app *app, struct fault *why)
{
    bool one_app = old->kind != app->kind && old->kind != APP_LOGIN_KIT && app->kind != APP_LOGIN_KIT &&
                   str_eq(old->workspace, app->workspace);
    if (str_eq(old->id, app->id))
        return fault_set(why, RC_INVALID, "accounts.app", "two apps are called " STR_FMT, STR_ARG(app->id));
    if (str_eq(old->client.client_key, app->client.client_key) && !one_app)
        return fault_set(why, RC_INVALID, "accounts.app", STR_FMT " and " STR_FMT " have the same client key",
                         STR_ARG(old->id), STR_ARG(app->id));
    if (old->kind == app->kind && str_eq(old->workspace, app->workspace))
        return fault_set(why, RC_INVALID, "accounts.app",
                         STR_FMT " and " STR_FMT " are of one kind and owner", STR_ARG(old->id),
                         STR_ARG(app->id));
    if (old->kind != app->kind && str_eq(old->redirect_uri, app->redirect_uri))
        return fault_set(why, RC_INVALID, "accounts.app",
                         STR_FMT " and " STR_FMT " have the same redirect URI: answers could be mixed up",
                         STR_ARG(old->id), STR_ARG(app->id));
    return RC_OK;
}

static enum rc add_app(struct accounts *a, const struct source *s, struct fault *why)
{
    str key = config_text(s->c, key_of(a->mem, s, "client_key"));
    struct secret secret = config_secret(s->c, key_of(a->mem, s, "client_secret"));
    if (key.n == 0)
        return RC_OK;
    if (secret.n == 0)
        return fault_set(why, RC_INVALID, "accounts.app", "%sclient_key is set but %sclient_secret is empty",
                         s->prefix, s->prefix);
    if (a->n_apps == APPS_MAX)
        return fault_set(why, RC_FULL, "accounts.app", "more than %d apps", (int)APPS_MAX);
    struct account_app app = {.id = s->id,
                              .workspace = s->workspace,
                              .kind = s->kind,
                              .client = {s->kind, key, secret},
                              .secret_previous =
                                  config_secret(s->c, key_of(a->mem, s, "client_secret_previous")),
                              .webhook_body_max = tiktok_kind(s->kind)->webhook_body_max};
    enum rc rc = fill(a, s, &app, why);
    for (size_t i = 0; rc == RC_OK && i < a->n_apps; i++)
        rc = compare(&a->apps[i], &app, why);
    if (rc == RC_OK)
        a->apps[a->n_apps++] = app;
    return rc;
}

/* ---- the folder of workspaces' apps ---- */
static bool id_ok(str id)
{
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return id.n >= 1 && id.n <= 32;
}

static enum rc add_file(struct accounts *a, str dir, str name, struct fault *why)
{
    static char *const nothing[] = {NULL}; /* no variable of the environment reaches a file's rows */
    str path = arena_fmt(a->mem, STR_FMT "/" STR_FMT, STR_ARG(dir), STR_ARG(name));
    struct source s = {.prefix = "", .id = arena_str(a->mem, str_sub(name, 0, name.n - 5))};
    struct config *c = NULL;
    struct fault inner;
    if (!id_ok(s.id))
        return fault_set(why, RC_INVALID, "accounts.app", "%.60s: a name is [a-z0-9_-]{1,32}.conf", path.p);
    if (a->n_files == APPS_MAX)
        return fault_set(why, RC_FULL, "accounts.app", "more than %d files in apps.dir", (int)APPS_MAX);
    enum rc rc = config_load(&file_table, 1, path, nothing, &c, &inner);
    if (c != NULL)
        a->files[a->n_files++] = c;
    if (rc != RC_OK) {
        const struct config_problem *p = NULL;
        size_t n = c != NULL ? config_problems(c, &p) : 0;
        return fault_set(why, RC_INVALID, "accounts.app", STR_FMT ": " STR_FMT ": %.120s", STR_ARG(name),
                         STR_ARG(n > 0 ? p[0].key : STR("file")), n > 0 ? p[0].text.p : inner.detail);
    }
    s.c = c;
    s.workspace = config_text(c, "workspace");
    must(tiktok_kind_find(config_text(c, "kind"), &s.kind));
    if (!id_valid(s.workspace, "ws"))
        return fault_set(why, RC_INVALID, "accounts.app", STR_FMT ": workspace is no ws_... id",
                         STR_ARG(name));
    return add_app(a, &s, why);
}

static int by_name(const struct dirent **x, const struct dirent **y)
{
    return strcmp((*x)->d_name, (*y)->d_name);
}

static enum rc add_folder(struct accounts *a, struct fault *why)
{
    str dir = config_text(a->o.config, "apps.dir");
    struct dirent **list = NULL;
    enum rc rc = RC_OK;
    if (dir.n == 0)
        return RC_OK;
    int n = scandir(arena_cstr(a->mem, dir), &list, NULL, by_name);
    if (n < 0)
        return fault_set(why, RC_INVALID, "accounts.app", "apps.dir cannot be read");
    for (int i = 0; i < n; i++) {
        str name = str_of(list[i]->d_name);
        if (rc == RC_OK && str_ends(name, STR(".conf")) && name.p[0] != '.')
            rc = add_file(a, dir, arena_str(a->mem, name), why);
        free(list[i]);
    }
    free(list);
    return rc;
}

enum rc apps_open(struct accounts *a, struct fault *why)
{
    static const struct {
        const char *id, *prefix;
        enum app_kind kind;
    } own[] = {{"login", "tiktok.login.", APP_LOGIN_KIT},
               {"accounts", "tiktok.accounts.", APP_ACCOUNTS},
               {"ads", "tiktok.ads.", APP_ADS}};
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < COUNT_OF(own); i++) {
        struct source s = {a->o.config, own[i].prefix, str_of(own[i].id), STR("-"), own[i].kind};
        rc = add_app(a, &s, why);
    }
    return rc == RC_OK ? add_folder(a, why) : rc;
}

void apps_close(struct accounts *a)
{
    for (size_t i = 0; i < a->n_files; i++)
        config_close(&a->files[i]);
    a->n_files = a->n_apps = 0;
}

/* ---- finding ---- */
size_t accounts_apps(const struct accounts *a, const struct account_app **out)
{
    *out = a->apps;
    return a->n_apps;
}

static const struct account_app *find(const struct accounts *a, str workspace, enum app_kind kind)
{
    for (size_t i = 0; i < a->n_apps; i++)
        if (a->apps[i].kind == kind && str_eq(a->apps[i].workspace, workspace))
            return &a->apps[i];
    return NULL;
}

const struct account_app *accounts_app_for(const struct accounts *a, str workspace, enum app_kind kind)
{
    const struct account_app *own = find(a, workspace, kind);
    return own != NULL ? own : find(a, STR("-"), kind);
}

const struct account_app *accounts_app(const struct accounts *a, enum app_kind kind)
{
    return find(a, STR("-"), kind);
}

const struct account_app *accounts_app_of(const struct accounts *a, str client_key, enum app_kind kind)
{
    for (size_t i = 0; i < a->n_apps; i++)
        if (a->apps[i].kind == kind && str_eq(a->apps[i].client.client_key, client_key))
            return &a->apps[i];
    return NULL;
}

const struct account_app *accounts_app_named(const struct accounts *a, str id)
{
    for (size_t i = 0; i < a->n_apps; i++)
        if (str_eq(a->apps[i].id, id))
            return &a->apps[i];
    return NULL;
}
