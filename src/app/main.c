/* The program mozflow-tiktok: a table of commands. `serve` is the daemon; commands that change anything speak
 * to the running daemon over its admin socket. Exit codes: 0 done; 1 failed; 2 configuration or usage; 3
 * locked.
 */
#include <unistd.h>
#include "app/app.h"

#ifndef MZ_VERSION
#define MZ_VERSION "0.1.0"
#endif

struct options {
    str state, config, out, demo_url, workspace, reason, name, owner_email, owner_name, language, lang, kind,
        app;
    const char *words[4];
    int n_words;
};
struct command {
    const char *name, *sub;
    int words; /* positional words it wants */
    int (*run)(const struct options *o);
    const char *usage;
};

static int run_serve(const struct options *o)
{
    return serve(o->state, o->config);
}

static int with_config(const struct options *o, bool print)
{
    struct config *c = NULL;
    struct fault why = {0};
    const struct config_problem *p = NULL;
    enum rc rc = app_config(o->state, o->config, &c, &why);
    size_t n = c != NULL ? config_problems(c, &p) : 0;
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, STR_FMT ": " STR_FMT "\n", STR_ARG(p[i].key), STR_ARG(p[i].text));
    if (rc != RC_OK && n == 0)
        fprintf(stderr, "%s (%s)\n", why.detail, why.code);
    if (print && c != NULL) {
        struct buf b;
        buf_init(&b, NULL, 1u << 20);
        config_print(c, &b);
        fprintf(stdout, STR_FMT, STR_ARG(buf_str(&b)));
        buf_release(&b);
    } else if (rc == RC_OK)
        fprintf(stdout, "The configuration is good.\n");
    config_close(&c);
    return rc == RC_OK ? 0 : 2;
}

static int run_check(const struct options *o)
{
    return with_config(o, false);
}

static int run_print(const struct options *o)
{
    return with_config(o, true);
}

static int run_docs(const struct options *o)
{
    struct arena *mem = arena_open(4096);
    const char *dir = arena_cstr(mem, o->out);
    int code = dir != NULL ? docs_write(dir) : 2;
    arena_close(&mem);
    return code;
}

static int post(const struct options *o, const char *path, const char *const *names, const str *values,
                size_t n)
{
    char space[4096];
    struct buf b = {.p = space, .cap = sizeof space, .max = sizeof space};
    struct arena *mem = arena_open(1u << 16);
    struct jw w;
    buf_init(&b, mem, 8192);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    for (size_t i = 0; i < n; i++)
        if (values[i].n > 0)
            jw_str(&w, names[i], values[i]);
    jw_end(&w);
    int code = client_call(o->state, "POST", path, buf_str(&b));
    arena_close(&mem);
    return code;
}

static int run_demo(const struct options *o)
{
    const char *const names[] = {"demo_url"};
    const str values[] = {o->demo_url};
    return post(o, "/admin/demo", names, values, 1);
}

static int run_link(const struct options *o)
{
    const char *const names[] = {"workspace"};
    const str values[] = {str_of(o->words[0])};
    return post(o, "/admin/console-link", names, values, 1);
}

static int run_flag(const struct options *o)
{
    const char *const names[] = {"name", "state", "workspace", "reason"};
    const str values[] = {str_of(o->words[0]), str_of(o->words[1]), o->workspace, o->reason};
    return post(o, "/admin/flag", names, values, 4);
}

static int run_workspace(const struct options *o)
{
    const char *const names[] = {"name", "owner_email", "owner_name", "language"};
    const str values[] = {o->name, o->owner_email, o->owner_name, o->language};
    return post(o, "/admin/workspaces", names, values, 4);
}

/* GET path?name=value, the value left out when it is empty. */
static int get(const struct options *o, const char *path, const char *name, str value)
{
    struct arena *mem = arena_open(1u << 16);
    struct buf b;
    buf_init(&b, mem, 8192);
    buf_put(&b, str_of(path));
    if (value.n > 0) {
        buf_fmt(&b, "%c%s=", strchr(path, '?') != NULL ? '&' : '?', name);
        buf_put_percent(&b, value);
    }
    const char *whole = arena_cstr(mem, buf_str(&b));
    int code = whole != NULL ? client_call(o->state, "GET", whole, STR_NONE) : 2;
    arena_close(&mem);
    return code;
}

static int run_explain(const struct options *o)
{
    static const struct {
        const char *lang, *path;
    } rows[] = {{"", "/admin/explain"}, {"en", "/admin/explain?lang=en"}, {"th", "/admin/explain?lang=th"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (str_eq(o->lang, str_of(rows[i].lang)))
            return get(o, rows[i].path, "id", str_of(o->words[0]));
    fputs("--lang is en or th\n", stderr);
    return 2;
}

static int run_alerts(const struct options *o)
{
    return get(o, "/admin/alerts", "workspace", o->workspace);
}

static int run_dead(const struct options *o)
{
    return get(o, "/admin/dead", "workspace", o->workspace);
}

static int run_replay(const struct options *o)
{
    const char *const names[] = {"id", "workspace"};
    const str values[] = {str_of(o->words[0]), o->workspace};
    return post(o, "/admin/dead/replay", names, values, 2);
}

/* ---- accounts ---- */
static int run_accounts(const struct options *o)
{
    return get(o, "/admin/accounts", "workspace", o->workspace);
}

static int run_account(const struct options *o)
{
    return get(o, "/admin/accounts/show", "id", str_of(o->words[0]));
}

static int act_on(const struct options *o, const char *path)
{
    const char *const names[] = {"id"};
    const str values[] = {str_of(o->words[0])};
    return post(o, path, names, values, 1);
}

static int run_account_refresh(const struct options *o)
{
    return act_on(o, "/admin/accounts/refresh");
}

static int run_account_revoke(const struct options *o)
{
    return act_on(o, "/admin/accounts/revoke");
}

static int run_accounts_preview(const struct options *o)
{
    struct arena *mem = arena_open(1u << 16);
    struct buf b;
    buf_init(&b, mem, 8192);
    const struct {
        const char *name;
        str value;
    } rows[] = {{"workspace", o->workspace}, {"kind", o->kind}, {"app", o->app}};
    buf_put(&b, STR("/admin/accounts/preview"));
    for (size_t i = 0, n = 0; i < COUNT_OF(rows); i++)
        if (rows[i].value.n > 0) {
            buf_fmt(&b, "%s%s=", n++ == 0 ? "?" : "&", rows[i].name);
            buf_put_percent(&b, rows[i].value);
        }
    const char *path = arena_cstr(mem, buf_str(&b));
    int code = path != NULL ? client_call(o->state, "GET", path, STR_NONE) : 2;
    arena_close(&mem);
    return code;
}

static int run_accounts_revoke(const struct options *o)
{
    const char *const names[] = {"workspace", "kind", "app"};
    const str values[] = {o->workspace, o->kind, o->app};
    return post(o, "/admin/accounts/revoke-all", names, values, 3);
}

/* ---- availability, webhook set-up ---- */
static int run_probe(const struct options *o)
{
    const char *const names[] = {"account", "workspace"};
    const str values[] = {str_of(o->words[0]), o->workspace};
    return post(o, "/admin/availability", names, values, 2);
}

static int run_webhooks(const struct options *o)
{
    return get(o, "/admin/webhooks", NULL, STR_NONE);
}

static int webhook_act(const struct options *o, const char *path)
{
    const char *const names[] = {"app", "category"};
    const str values[] = {str_of(o->words[0]), o->n_words > 1 ? str_of(o->words[1]) : STR_NONE};
    return post(o, path, names, values, 2);
}

static int run_webhook_set(const struct options *o)
{
    return webhook_act(o, "/admin/webhooks/set");
}

static int run_webhook_delete(const struct options *o)
{
    return webhook_act(o, "/admin/webhooks/delete");
}

static int run_webhook_test(const struct options *o)
{
    return webhook_act(o, "/admin/webhooks/test");
}

static int run_rotate(const struct options *o)
{
    const char *const names[] = {"workspace"};
    const str values[] = {o->workspace};
    return post(o, "/admin/keys/rotate", names, values, 1);
}

static int run_keys(const struct options *o)
{
    return get(o, "/admin/keys", "workspace", STR_NONE);
}

static int run_version(const struct options *o)
{
    (void)o;
    fprintf(stdout, "mozflow-tiktok %s\n", MZ_VERSION);
    return 0;
}

static const struct command commands[] = {
    {"serve", NULL, 0, run_serve, "serve --state DIR [--config FILE]           run the daemon"},
    {"config", "check", 0, run_check,
     "config check [--config FILE]                name every problem at once"},
    {"config", "print", 0, run_print,
     "config print [--config FILE]                values and sources, secrets masked"},
    {"explain", NULL, 1, run_explain,
     "explain ID [--lang en|th] --state DIR       the story of a message, login, account, event or job"},
    {"alerts", NULL, 0, run_alerts,
     "alerts [--workspace WS] --state DIR         what went wrong, newest first"},
    {"dead", NULL, 0, run_dead,
     "dead [--workspace WS] --state DIR           jobs that ended without an effect"},
    {"replay", NULL, 1, run_replay,
     "replay ID [--workspace WS] --state DIR      put a dead letter back into its queue"},
    {"accounts", "list", 0, run_accounts,
     "accounts list [--workspace WS] --state DIR  connected TikTok accounts and how they are"},
    {"accounts", "show", 1, run_account,
     "accounts show ID --state DIR                deadlines, what to do, timeline of one"},
    {"accounts", "refresh", 1, run_account_refresh,
     "accounts refresh ID --state DIR             refresh or probe its tokens now"},
    {"accounts", "revoke", 1, run_account_revoke,
     "accounts revoke ID --state DIR              end its connection here and at TikTok"},
    {"accounts", "preview", 0, run_accounts_preview,
     "accounts preview --workspace WS --kind login|business|advertiser|any [--app ID] --state DIR"},
    {"accounts", "revoke-all", 0, run_accounts_revoke,
     "accounts revoke-all --workspace WS --kind KIND|any [--app ID] --state DIR"},
    {"accounts", "probe", 1, run_probe,
     "accounts probe ID --workspace WS --state DIR   ask TikTok whether messaging works"},
    {"webhooks", "list", 0, run_webhooks,
     "webhooks list --state DIR                   what TikTok has registered, as last seen"},
    {"webhooks", "set", 2, run_webhook_set,
     "webhooks set APP CATEGORY --state DIR       register or repair one category's address"},
    {"webhooks", "delete", 2, run_webhook_delete,
     "webhooks delete APP CATEGORY --state DIR    remove one category's address"},
    {"webhooks", "test", 1, run_webhook_test,
     "webhooks test APP --state DIR               send a signed test event to our own public address"},
    {"console-link", NULL, 1, run_link,
     "console-link WORKSPACE --state DIR          one-time sign-in link, 15 min"},
    {"workspace", "create", 0, run_workspace,
     "workspace create --name NAME --owner-email E-MAIL [--owner-name NAME] [--language en|th] --state DIR"},
    {"keys", "rotate", 0, run_rotate,
     "keys rotate [--workspace WS] --state DIR    new data keys; every sealed value is sealed anew"},
    {"keys", "status", 0, run_keys,
     "keys status --state DIR                     keys, and how far rotations are"},
    {"flag", NULL, 2, run_flag, "flag NAME on|off|unset --reason WHY [--workspace WS] --state DIR"},
    {"demo", NULL, 0, run_demo,
     "demo --demo-url URL --state DIR             make or find the demo workspace"},
    {"docs", NULL, 0, run_docs,
     "docs --out DIR                              write the generated documentation"},
    {"version", NULL, 0, run_version, "version"},
};

static int usage(void)
{
    fputs("usage: mozflow-tiktok COMMAND\n", stderr);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(stderr, "  %s\n", commands[i].usage);
    return 2;
}

static bool option(struct options *o, const char *name, const char *value)
{
    const struct {
        const char *name;
        str *at;
    } rows[] = {{"--state", &o->state},
                {"--config", &o->config},
                {"--out", &o->out},
                {"--demo-url", &o->demo_url},
                {"--workspace", &o->workspace},
                {"--reason", &o->reason},
                {"--name", &o->name},
                {"--owner-email", &o->owner_email},
                {"--owner-name", &o->owner_name},
                {"--language", &o->language},
                {"--lang", &o->lang},
                {"--kind", &o->kind},
                {"--app", &o->app}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(name, rows[i].name) == 0) {
            *rows[i].at = str_of(value);
            return true;
        }
    return false;
}

static bool parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            if (i + 1 >= argc || !option(o, argv[i], argv[i + 1]))
                return false;
            i++;
        } else if (o->n_words < (int)COUNT_OF(o->words))
            o->words[o->n_words++] = argv[i];
        else
            return false;
    }
    return o->n_words > 0;
}

int main(int argc, char **argv)
{
    struct options o = {.state = STR("."), .config = STR_NONE, .out = STR("docs/generated")};
    if (!parse(&o, argc, argv))
        return usage();
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        const struct command *c = &commands[i];
        int skip = c->sub != NULL ? 2 : 1;
        if (strcmp(o.words[0], c->name) != 0 || o.n_words != c->words + skip)
            continue;
        if (c->sub != NULL && strcmp(o.words[1], c->sub) != 0)
            continue;
        struct options rest = o;
        rest.n_words = c->words;
        for (int k = 0; k < c->words; k++)
            rest.words[k] = o.words[k + skip];
        return c->run(&rest);
    }
    return usage();
}
