/* accounts: open and close, the app rows made from settings, and the settings themselves. What can go wrong:
 * a client key without its secret, or login scopes without user.info.basic: refused at start, because TikTok
 * would refuse every sign-in.
 */
#include "accounts/accounts_priv.h"

#define SECRET_DOC " From a file or a service credential only."
const struct setting accounts_settings[] = {
    {.key = "tiktok.login.client_key",
     .kind = SET_TEXT,
     .min = 0,
     .max = 128,
     .def = "",
     .doc = "Client key of the Login Kit app (TikTok for Developers). Empty: sign-in with TikTok is not "
            "configured."},
    {.key = "tiktok.login.client_secret",
     .kind = SET_SECRET,
     .with = "tiktok.login.client_key",
     .def = "",
     .doc = "Client secret of the Login Kit app; its webhooks are signed with it." SECRET_DOC},
    {.key = "tiktok.login.client_secret_previous",
     .kind = SET_SECRET,
     .def = "",
     .doc = "The secret before, still accepted for webhooks while TikTok changes over." SECRET_DOC},
    {.key = "tiktok.login.scopes",
     .kind = SET_LIST,
     .max = 1024,
     .def = "user.info.basic",
     .doc =
         "Scopes that TikTok has approved for the app. Only these are requested; one unapproved scope makes "
         "TikTok refuse every login."},
    {.key = "tiktok.login.redirect_uri",
     .kind = SET_TEXT,
     .min = 0,
     .max = 512,
     .def = "",
     .doc =
         "Redirect URI registered at TikTok, byte for byte. Empty: <public.base_url>/auth/tiktok/callback."},
    {.key = "tiktok.login.mobile_redirect_uris",
     .kind = SET_LIST,
     .max = 2048,
     .def = "",
     .doc = "App links (Android) and universal links (iOS) registered at TikTok for the mobile apps."},
    {.key = "tiktok.accounts.client_key",
     .kind = SET_TEXT,
     .min = 0,
     .max = 128,
     .def = "",
     .doc = "App id of the API for Business app that business accounts connect to. Empty: not configured."},
    {.key = "tiktok.accounts.client_secret",
     .kind = SET_SECRET,
     .with = "tiktok.accounts.client_key",
     .def = "",
     .doc = "Its secret; its webhooks are signed with it." SECRET_DOC},
    {.key = "tiktok.accounts.client_secret_previous",
     .kind = SET_SECRET,
     .def = "",
     .doc = "The secret before, still accepted for webhooks." SECRET_DOC},
};
const size_t accounts_settings_n = COUNT_OF(accounts_settings);

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

/* Rows of the settings that one app takes its values from. */
struct app_keys {
    const char *id, *client_key, *secret, *previous;
    enum app_kind kind;
};
static const struct app_keys app_keys[APPS_MAX] = {
    {"login", "tiktok.login.client_key", "tiktok.login.client_secret", "tiktok.login.client_secret_previous",
     APP_LOGIN_KIT},
    {"accounts", "tiktok.accounts.client_key", "tiktok.accounts.client_secret",
     "tiktok.accounts.client_secret_previous", APP_ACCOUNTS},
};

static enum rc add_app(struct accounts *a, const struct app_keys *k, struct fault *why)
{
    const struct config *c = a->o.config;
    str key = config_text(c, k->client_key);
    struct secret secret = config_secret(c, k->secret);
    if (key.n == 0)
        return RC_OK;
    if (secret.n == 0)
        return fault_set(why, RC_INVALID, "accounts.app", "%s is set but %s is empty", k->client_key,
                         k->secret);
    a->apps[a->n_apps++] = (struct account_app){
        .id = str_of(k->id),
        .workspace = STR("-"),
        .kind = k->kind,
        .client = {k->kind, key, secret},
        .secret_previous = config_secret(c, k->previous),
        .webhook_body_max = tiktok_kind(k->kind)->webhook_body_max,
    };
    return RC_OK;
}

/* Scopes without blanks, for the authorize URL (a list joined by blanks breaks the login). */
static str joined(const struct config *c, const char *key, struct arena *mem)
{
    str *parts = NULL;
    size_t n = config_list(c, key, mem, &parts);
    struct buf b;
    buf_init(&b, mem, 4096);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_put_c(&b, ',');
        buf_put(&b, str_trim(parts[i]));
    }
    return b.n > 0 ? buf_str(&b) : STR("");
}

static enum rc fill_login(struct accounts *a, struct account_app *app, struct fault *why)
{
    const struct config *c = a->o.config;
    app->scopes = joined(c, "tiktok.login.scopes", a->mem);
    app->redirect_uri = config_text(c, "tiktok.login.redirect_uri");
    if (app->redirect_uri.n == 0)
        app->redirect_uri =
            arena_fmt(a->mem, STR_FMT "/auth/tiktok/callback", STR_ARG(config_text(c, "public.base_url")));
    app->redirect_kind = redirect_kind_of(app->redirect_uri);
    app->n_mobile_redirects =
        config_list(c, "tiktok.login.mobile_redirect_uris", a->mem, &app->mobile_redirects);
    if (!tiktok_scope_in(app->scopes, STR("user.info.basic")))
        return fault_set(why, RC_INVALID, "accounts.app", "tiktok.login.scopes must hold user.info.basic");
    return RC_OK;
}

enum rc accounts_open(const struct accounts_options *o, struct accounts **out, struct fault *why)
{
    struct arena *mem = arena_open(64 * 1024);
    struct accounts *a = arena_new(mem, struct accounts);
    must(a != NULL);
    *a = (struct accounts){.o = *o, .mem = mem};
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < APPS_MAX; i++)
        rc = add_app(a, &app_keys[i], why);
    for (size_t i = 0; rc == RC_OK && i < a->n_apps; i++)
        if (a->apps[i].kind == APP_LOGIN_KIT)
            rc = fill_login(a, &a->apps[i], why);
    if (rc != RC_OK) {
        arena_close(&mem);
        return rc;
    }
    *out = a;
    return RC_OK;
}

void accounts_close(struct accounts **a)
{
    if (*a == NULL)
        return;
    struct arena *mem = (*a)->mem;
    arena_close(&mem);
    *a = NULL;
}

size_t accounts_apps(const struct accounts *a, const struct account_app **out)
{
    *out = a->apps;
    return a->n_apps;
}

const struct account_app *accounts_app(const struct accounts *a, enum app_kind kind)
{
    for (size_t i = 0; i < a->n_apps; i++)
        if (a->apps[i].kind == kind)
            return &a->apps[i];
    return NULL;
}
