/* App rows: the TikTok apps that this installation, or one of its workspaces, owns. Part of accounts' manual.
 *
 * The installation's rows come from settings (tiktok.login.*, tiktok.accounts.*, tiktok.ads.*); a workspace
 * with an app of its own has a file in the folder apps.dir (one file per app, the same words without the
 * prefix). Secrets, callbacks, budgets and open_ids follow the row: an account remembers its client key, and
 * accounts_app_of finds the row again. Rows are fixed until the process ends; ids stand in webhook paths.
 */
#ifndef MZ_ACCOUNTS_APPS_H
#define MZ_ACCOUNTS_APPS_H
#include "base/base.h"
#include "config/config.h"
#include "tiktok/tiktok.h"

enum { APPS_MAX = 64 }; /* the installation's three and those of apps.dir */
enum redirect_kind { REDIRECT_WEB, REDIRECT_LOOPBACK, REDIRECT_MOBILE };
struct accounts;
struct account_app {
    str id, workspace; /* workspace "-": the installation's. id: [a-z0-9_-]{1,32} */
    enum app_kind kind;
    struct tiktok_client client;
    struct secret secret_previous; /* webhooks verify with client.client_secret, then this (may be empty) */
    int64_t secret_previous_until_ms; /* when it ends; 0: no end was set */
    str scopes; /* held: approved by TikTok; nothing else is ever requested. ads: our permission words */
    str redirect_uri; /* as registered at TikTok, byte for byte */
    enum redirect_kind redirect_kind;
    str *mobile_redirects; /* login_kit only */
    size_t n_mobile_redirects;
    str *sandbox_targets; /* usernames that may use the app while it is a sandbox; for the register only */
    size_t n_sandbox_targets;
    str webhook_url; /* where this app's webhooks arrive here */
    size_t webhook_body_max;
};
size_t accounts_apps(const struct accounts *a, const struct account_app **out); /* live as long as the room */
/* The workspace's own row, else the installation's; "-": the installation's. NULL: none is configured. */
const struct account_app *accounts_app_for(const struct accounts *a, str workspace, enum app_kind kind);
/* The row whose open_ids and tokens a stored account has; NULL: it is no longer configured. */
const struct account_app *accounts_app_of(const struct accounts *a, str client_key, enum app_kind kind);
const struct account_app *accounts_app_named(const struct accounts *a, str id);
/* The installation's row; NULL: not configured. */
const struct account_app *accounts_app(const struct accounts *a, enum app_kind kind);
enum redirect_kind redirect_kind_of(str uri); /* host localhost or 127.0.0.1: loopback; else web */
/* "2027-01-31" (its first moment, UTC) or "2027-01-31T08:00:00Z" as epoch ms. */
MUSTCHECK bool app_date_parse(str text, int64_t *ms);
/* Any https URI, or http on loopback, without query and fragment, 10 to 512 bytes (business-messaging 1.2).
 */
bool app_redirect_ok(str uri);
#endif
