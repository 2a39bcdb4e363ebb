/* The demo workspace of `./dev run`: one workspace with an owner, an API key, the simulator's shop as its
 * business account, mozflow-demo as return URL and event endpoint. Made once; STATE/demo.json (mode 0600)
 * keeps what is shown only once, so that a second start finds the same workspace. Only for loopback
 * addresses: a real installation is not seeded.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/app.h"

/* The shop of sim/scenarios/demo.json. */
#define DEMO_SHOP_OPEN_ID "-000MzBizOpenIdTest_aB3dE5fG7hJ9kL1m"
#define DEMO_SHOP_USERNAME "mozflow.shop"
enum { NOTE_BYTES = 16384 };

struct demo {
    struct app *app;
    struct arena *mem;
    str url, workspace, public_key, api_key, webhook_secret, return_url_id, account;
};

static bool is_loopback(str url)
{
    return str_starts(url, STR("http://127.0.0.1:")) || str_starts(url, STR("http://localhost:"));
}

static const char *note_path(const struct demo *d)
{
    return arena_cstr(d->mem, arena_fmt(d->mem, STR_FMT "/demo.json", STR_ARG(d->app->state_dir)));
}

static bool note_read(struct demo *d)
{
    char *text = arena_take(d->mem, NOTE_BYTES);
    const struct json *root;
    struct fault why;
    FILE *f = fopen(note_path(d), "re");
    if (f == NULL)
        return false;
    size_t n = fread(text, 1, NOTE_BYTES, f);
    (void)fclose(f);
    if (json_parse((str){text, n}, NULL, d->mem, &root, &why) != RC_OK)
        return false;
    return json_str(root, "workspace_id", &d->workspace) &&
           json_str(root, "workspace_public_key", &d->public_key) && json_str(root, "api_key", &d->api_key) &&
           json_str(root, "webhook_secret", &d->webhook_secret);
}

static void write_members(const struct demo *d, struct jw *w)
{
    jw_str(w, "workspace_id", d->workspace);
    jw_str(w, "workspace_public_key", d->public_key);
    jw_str(w, "api_key", d->api_key);
    jw_str(w, "webhook_secret", d->webhook_secret);
    jw_str(w, "return_url_id", d->return_url_id);
    jw_str(w, "business_account_id", d->account);
}

static enum rc note_write(const struct demo *d, struct fault *why)
{
    struct buf b;
    struct jw w;
    buf_init(&b, d->mem, NOTE_BYTES);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    write_members(d, &w);
    jw_end(&w);
    int fd = open(note_path(d), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, b.p, b.n) == (ssize_t)b.n;
    if (fd >= 0)
        good = close(fd) == 0 && good;
    return good ? RC_OK : fault_set(why, RC_FULL, "app.demo_note", "%s cannot be written", note_path(d));
}

static enum rc boot(struct demo *d, struct arena *secret, struct fault *why)
{
    const struct access_boot_in in = {.workspace_name = STR("Mozflow Demo Shop"),
                                      .owner_email = STR("owner@demo.invalid"),
                                      .owner_name = STR("Demo Owner"),
                                      .language = STR("en"),
                                      .key_name = STR("mozflow-demo")};
    struct access_boot out;
    enum rc rc = access_bootstrap(d->app->access, &in, secret, &out, why);
    if (rc != RC_OK)
        return rc;
    d->workspace = arena_str(d->mem, out.workspace);
    d->public_key = arena_str(d->mem, out.public_key);
    d->api_key = arena_str(d->mem, (str){(const char *)out.key.p, out.key.n});
    return RC_OK;
}

static enum rc connect(struct tx *tx, void *arg, struct fault *why)
{
    struct demo *d = arg;
    const struct account_app *shop_app = accounts_app(d->app->accounts, APP_ACCOUNTS);
    str shown = STR_NONE;
    const struct mozflow_endpoint_set e = {.workspace = d->workspace,
                                           .url =
                                               arena_fmt(d->mem, STR_FMT "/tiktok/events", STR_ARG(d->url)),
                                           .enabled = true};
    enum rc rc = RC_OK;
    if (shop_app != NULL) {
        const struct business_claim c = {.workspace = d->workspace,
                                         .client_key = shop_app->client.client_key,
                                         .open_id = STR(DEMO_SHOP_OPEN_ID),
                                         .name = STR("Mozflow Demo Shop"),
                                         .username = STR(DEMO_SHOP_USERNAME)};
        rc = accounts_claim_business(tx, &c, d->mem, &d->account, why);
    }
    if (rc == RC_OK)
        rc = login_return_url_add(tx, d->workspace,
                                  arena_fmt(d->mem, STR_FMT "/tiktok/return", STR_ARG(d->url)), d->mem,
                                  &d->return_url_id, why);
    if (rc == RC_OK)
        rc = mozflow_endpoint_save(d->app->mozflow, tx, &e, d->mem, &shown, why);
    if (rc == RC_OK && shown.n > 0)
        d->webhook_secret = arena_str(d->mem, shown);
    return rc;
}

static enum rc write_answer(const struct demo *d, struct arena *secret, struct buf *out, struct fault *why)
{
    struct secret token;
    str owner;
    struct jw w;
    enum rc rc = access_owner(d->app->access, d->workspace, d->mem, &owner, why);
    if (rc == RC_OK)
        rc = access_console_token(d->app->access, d->workspace, owner, 15 * 60 * 1000, secret, &token, why);
    if (rc != RC_OK)
        return rc;
    jw_init(&w, out);
    jw_obj(&w, NULL);
    write_members(d, &w);
    jw_str(&w, "console_url",
           arena_fmt(d->mem, STR_FMT "/console/enter?token=%.*s", STR_ARG(http_base_url(d->app->public_http)),
                     (int)token.n, (const char *)token.p));
    jw_end(&w);
    return RC_OK;
}

enum rc demo_seed(struct app *a, str demo_url, struct arena *mem, struct buf *out, struct fault *why)
{
    struct demo d = {.app = a, .mem = mem, .url = demo_url};
    struct arena *secret = arena_open_secret(65536);
    enum rc rc = RC_OK;
    if (!is_loopback(demo_url))
        rc = fault_set(why, RC_INVALID, "app.demo_url", "not an address of this machine");
    if (rc == RC_OK && !note_read(&d))
        rc = boot(&d, secret, why);
    if (rc == RC_OK)
        rc = store_write(a->store, STORE_INTERACTIVE, connect, &d, why);
    if (rc == RC_OK)
        rc = note_write(&d, why);
    if (rc == RC_OK)
        rc = write_answer(&d, secret, out, why);
    arena_close(&secret);
    return rc;
}
