/* probe: does a token live? For tokens that do not expire (advertisers: once a day), for tokens that cannot
 * be refreshed, and for a removal notice that came too close to the grant's birth. A probe is a call under
 * the lease like a refresh, but it changes nothing at TikTok: cut off, it is simply asked again.
 */
#include "accounts/accounts_priv.h"

/* What the account's own kind is asked. */
enum rc grant_live_call(struct opened *o, struct fault *why)
{
    const struct account_app *app = grant_app(o);
    enum tiktok_op op = app != NULL && app->kind == APP_ACCOUNTS ? OP_TOKEN_INFO : OP_PROFILE;
    struct permit permit = {0};
    enum rc rc = grant_permit(o, op, &permit, why);
    if (rc != RC_OK) {
        o->due_ms = permit.slot_ms;
        return rc;
    }
    if (app->kind == APP_ACCOUNTS) {
        struct tiktok_token_info info = {0};
        rc = tiktok_token_info(o->a->o.tiktok, &permit, &app->client, o->access, o->mem, &info, why);
        if (rc == RC_OK && info.scopes.n > 0) {
            o->rescoped = accounts_missing_scopes(info.scopes, o->grant.scopes, o->mem).n > 0 ||
                          accounts_missing_scopes(o->grant.scopes, info.scopes, o->mem).n > 0;
            o->grant.scopes = info.scopes;
        }
    } else if (app->kind == APP_ADS) {
        struct tiktok_ads_user user = {0};
        rc = tiktok_ads_whoami(o->a->o.tiktok, &permit, o->access, o->mem, &user, why);
    } else {
        struct tiktok_user user = {0};
        struct tiktok_grant with = {.access = o->access, .scopes = o->grant.scopes};
        rc = tiktok_user_info(o->a->o.tiktok, &permit, &with, o->mem, &user, why);
    }
    if (rc != RC_OK)
        grant_told(o, op, why);
    return rc;
}

struct probed {
    struct opened *o;
    struct tiktok_advertisers ads;
    bool has_ads;
};

static enum rc alive_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct probed *p = arg;
    struct opened *o = p->o;
    struct grant live = {0};
    struct health_new line = {
        .workspace = o->workspace, .account = o->account, .what = "probed", .code = "alive", .cls = "ok"};
    enum rc rc = grant_lock(tx, o->workspace, o->grant.client_key, o->grant.open_id, why);
    if (rc == RC_OK)
        rc = db_grant_live(tx, o->workspace, o->account, tx_mem(tx), &live, why);
    if (rc == RC_MISSING || (rc == RC_OK && !str_eq(live.id, o->grant.id)))
        return RC_OK;
    /* Without a refresh token there is nothing to do before the end but to look once a day. */
    struct grant_life life = {.now_ms = tx_now_ms(tx)};
    random_bytes(&life.dice, sizeof life.dice);
    int64_t due = grant_next_ms(&life);
    if (live.access_expires_ms > 0 && live.access_expires_ms < due)
        due = live.access_expires_ms + 1000;
    if (rc == RC_OK)
        rc = db_grant_good(tx, o->workspace, &o->grant, due, why);
    if (rc == RC_OK)
        rc = db_health_put(tx, &line, why);
    if (rc == RC_OK && p->has_ads)
        rc = db_advertisers_save(tx, o->workspace, o->account, &p->ads, why);
    if (rc == RC_OK && o->rescoped) {
        line.what = "scope_changed";
        line.code = NULL;
        rc = db_grant_scopes(tx, o->workspace, &live, o->grant.scopes, why);
        if (rc == RC_OK)
            rc = db_health_put(tx, &line, why);
    }
    bool seen = p->has_ads || o->rescoped || live.state != GRANT_ACTIVE;
    return rc == RC_OK && seen ? grant_changed(tx, o->workspace, o->account, why) : rc;
}

/* The ad accounts behind an advertiser's token; a failure leaves the earlier list. */
static void read_advertisers(struct probed *p)
{
    struct opened *o = p->o;
    const struct account_app *app = grant_app(o);
    struct permit permit = {0};
    struct fault ignored;
    if (app == NULL || app->kind != APP_ADS || grant_permit(o, OP_ADVERTISERS, &permit, &ignored) != RC_OK)
        return;
    enum rc rc =
        tiktok_advertisers(o->a->o.tiktok, &permit, &app->client, o->access, o->mem, &p->ads, &ignored);
    if (rc != RC_OK)
        grant_told(o, OP_ADVERTISERS, &ignored);
    p->has_ads = rc == RC_OK;
}

enum rc grant_probe(struct opened *o, struct fault *why)
{
    struct probed p = {.o = o};
    if (o->grant.access_expires_ms > 0 && o->grant.access_expires_ms <= o->now_ms) {
        enum rc rc = grant_dead(o, "accounts.no_refresh_token", why);
        return rc == RC_OK ? fault_set(why, RC_REAUTH, "accounts.needs_reauth", "it expired") : rc;
    }
    enum rc rc = grant_live_call(o, why);
    if (rc == RC_SCOPE)
        rc = RC_OK; /* refused for want of a permission: the token itself is known and lives */
    metric_add(&accounts_metrics[M_REFRESH], 1, rc == RC_OK ? "probed" : rc_name(rc), NULL);
    log_event(o->a->o.log, rc == RC_OK ? LOG_INFO : LOG_WARN, "accounts.probe", F_ID("account", o->account),
              F_RC(rc), F_FAULT(rc == RC_OK ? NULL : why));
    if (rc != RC_OK)
        return grant_settle(o, why);
    read_advertisers(&p);
    return store_write(o->a->o.store, STORE_INTAKE, alive_fn, &p, why);
}
