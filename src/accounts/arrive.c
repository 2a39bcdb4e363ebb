/* arrive: a grant comes in, of all three kinds; and who owns a business account. Runs inside the caller's
 * transaction. What can go wrong: two workspaces connect one business account at once (a lock on the
 * installation's name of it decides; the partial unique index would refuse the second anyway); the answer
 * names another person than the profile.
 */
#include "accounts/accounts_priv.h"

static const char *const roles[APP_KINDS] = {
    [APP_LOGIN_KIT] = "login", [APP_ACCOUNTS] = "business", [APP_ADS] = "advertiser"};

const char *role_of(enum app_kind kind)
{
    must((unsigned)kind < APP_KINDS);
    return roles[kind];
}

enum app_kind role_kind(str role)
{
    for (unsigned i = 0; i < APP_KINDS; i++)
        if (str_eq(role, str_of(roles[i])))
            return (enum app_kind)i;
    must(false);
    return APP_KINDS;
}

str accounts_missing_scopes(str held, str granted, struct arena *mem)
{
    struct buf b;
    str head;
    buf_init(&b, mem, 1024);
    while (str_cut(&held, ',', &head)) {
        head = str_trim(head);
        if (head.n == 0 || tiktok_scope_in(granted, head))
            continue;
        if (b.n > 0)
            buf_put_c(&b, ',');
        buf_put(&b, head);
    }
    return b.n > 0 ? buf_str(&b) : STR("");
}

static enum rc lock_for(struct tx *tx, const struct account_arrival *in, struct fault *why)
{
    str key = in->app->client.client_key, open_id = in->tokens->open_id;
    enum rc rc = RC_OK;
    if (in->app->kind == APP_ACCOUNTS) /* before the workspace's own lock, always in this order */
        rc = grant_lock(tx, STR("-"), key, open_id, why);
    return rc == RC_OK ? grant_lock(tx, in->workspace, key, open_id, why) : rc;
}

/* RC_CONFLICT when another workspace holds it. */
static enum rc business_free(struct tx *tx, str workspace, str client_key, str open_id, struct fault *why)
{
    str owner = STR_NONE, id = STR_NONE;
    enum rc rc = db_business_owner(tx, client_key, open_id, tx_mem(tx), &owner, &id, why);
    if (rc == RC_MISSING || (rc == RC_OK && str_eq(owner, workspace)))
        return RC_OK;
    return rc == RC_OK
               ? fault_set(why, RC_CONFLICT, "accounts.business_taken", "another workspace has this account")
               : rc;
}

static enum rc save_names(struct tx *tx, const struct account_arrival *in, str account, struct fault *why)
{
    struct account_names names = {in->name, in->username, in->avatar_url};
    enum rc rc = RC_OK;
    if (in->user != NULL)
        rc = db_profile_save(tx, in->workspace, account, in->user, why);
    else if (in->name.n + in->username.n + in->avatar_url.n > 0)
        rc = db_names_save(tx, in->workspace, account, &names, why);
    return rc;
}

static enum rc save_advertisers(struct tx *tx, const struct account_arrival *in, str account,
                                struct fault *why)
{
    struct tiktok_advertisers list = {0};
    size_t n = in->n_advertisers > 0 ? in->n_advertisers : in->tokens->n_advertisers;
    if (in->app->kind != APP_ADS || n == 0)
        return RC_OK;
    list.list = arena_array(tx_mem(tx), struct tiktok_advertiser, n);
    if (list.list == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the ad accounts");
    for (; list.n < n; list.n++)
        list.list[list.n] =
            in->n_advertisers > 0
                ? in->advertisers[list.n]
                : (struct tiktok_advertiser){.id = in->tokens->advertisers[list.n], .name = STR("")};
    return db_advertisers_save(tx, in->workspace, account, &list, why);
}

static enum rc find_or_make(struct tx *tx, const struct account_arrival *in, struct arena *mem,
                            struct account_arrived *out, struct fault *why)
{
    str client_key = in->app->client.client_key;
    enum rc rc = RC_OK;
    if (in->app->kind == APP_ACCOUNTS)
        rc = business_free(tx, in->workspace, client_key, in->tokens->open_id, why);
    if (rc == RC_OK)
        rc = db_account_find(tx, in->workspace, client_key, in->tokens->open_id, mem, &out->account, why);
    out->known = rc == RC_OK;
    if (rc == RC_MISSING) {
        out->account = id_new(mem, "acc");
        struct account_insert row = {.workspace = in->workspace,
                                     .id = out->account,
                                     .app = in->app->id,
                                     .client_key = client_key,
                                     .open_id = in->tokens->open_id,
                                     .role = str_of(roles[in->app->kind])};
        rc = db_account_insert(tx, &row, why);
    } else if (rc == RC_OK)
        rc = db_account_hold(tx, in->workspace, out->account, why);
    if (rc == RC_OK)
        rc = save_names(tx, in, out->account, why);
    if (rc == RC_OK)
        rc = save_advertisers(tx, in, out->account, why);
    struct account acc;
    if (rc == RC_OK)
        rc = accounts_load(tx, in->workspace, out->account, tx_mem(tx), &acc, why);
    return rc == RC_OK ? db_person_join(tx, in->workspace, &acc, in->beside, why) : rc;
}

static enum rc arrival_ok(const struct account_arrival *in, struct fault *why)
{
    if (in->user != NULL && !str_eq(in->user->open_id, in->tokens->open_id))
        return fault_set(why, RC_INVALID, "accounts.open_id", "token and user info name different people");
    if (in->tokens->open_id.n == 0)
        return fault_set(why, RC_INVALID, "accounts.open_id", "nobody is named by the answer");
    if (in->role.n > 0 && !str_eq(in->role, str_of(roles[in->app->kind])))
        return fault_set(why, RC_BUG, "accounts.role", "the app's kind says %s", roles[in->app->kind]);
    return RC_OK;
}

static enum rc replace_grant(struct tx *tx, const struct account_arrival *in, str account,
                             const struct grant *live, struct fault *why)
{
    bool rescoped = accounts_missing_scopes(in->tokens->scopes, live->scopes, tx_mem(tx)).n > 0 ||
                    accounts_missing_scopes(live->scopes, in->tokens->scopes, tx_mem(tx)).n > 0;
    struct health_new line = {.workspace = in->workspace, .account = account, .what = "replaced"};
    enum rc rc = grant_end(tx, in->workspace, live, GRANT_NEW_ONE, "signed in again", why);
    if (rc == RC_OK)
        rc = db_health_put(tx, &line, why);
    line.what = "scope_changed";
    return rc == RC_OK && rescoped ? db_health_put(tx, &line, why) : rc;
}

enum rc accounts_arrive(struct accounts *a, struct tx *tx, const struct account_arrival *in,
                        struct arena *mem, struct account_arrived *out, struct fault *why)
{
    struct account_arrived got = {0};
    struct grant live = {0};
    enum rc rc = arrival_ok(in, why);
    if (rc == RC_OK)
        rc = lock_for(tx, in, why);
    if (rc == RC_OK)
        rc = find_or_make(tx, in, mem, &got, why);
    if (rc != RC_OK)
        return rc;
    rc = db_grant_live(tx, in->workspace, got.account, tx_mem(tx), &live, why);
    if (rc == RC_OK)
        rc = replace_grant(tx, in, got.account, &live, why);
    else if (rc == RC_MISSING)
        rc = RC_OK;
    struct grant_new make = {in->workspace, got.account, in->app->client.client_key, in->tokens};
    struct health_new line = {
        .workspace = in->workspace, .account = got.account, .what = "granted", .cls = "ok"};
    if (rc == RC_OK)
        rc = grant_make(a, tx, &make, mem, &got.grant, why);
    if (rc == RC_OK)
        rc = db_health_put(tx, &line, why);
    if (rc != RC_OK)
        return rc;
    got.missing_scopes = accounts_missing_scopes(in->app->scopes, in->tokens->scopes, mem);
    *out = got;
    return RC_OK;
}

enum rc accounts_profile(struct tx *tx, str workspace, str id, struct arena *mem, struct account_profile *out,
                         struct fault *why)
{
    struct account a;
    enum rc rc = accounts_load(tx, workspace, id, mem, &a, why);
    if (rc == RC_OK)
        *out = (struct account_profile){a.client_key, a.open_id,    a.union_id,  a.display_name,
                                        a.username,   a.avatar_url, a.profile_ms};
    return rc;
}

/* ---- business accounts ---- */
enum rc accounts_find_owner(struct tx *tx, str client_key, str user_openid, struct arena *mem, str *workspace,
                            str *account, struct fault *why)
{
    enum rc rc = db_business_owner(tx, client_key, user_openid, mem, workspace, account, why);
    return rc == RC_MISSING ? fault_set(why, RC_MISSING, "accounts.business_unknown",
                                        "no workspace has this business account")
                            : rc;
}

enum rc accounts_claim_business(struct tx *tx, const struct business_claim *c, struct arena *mem,
                                str *account, struct fault *why)
{
    str id = STR_NONE;
    struct account_names names = {.name = c->name, .username = c->username};
    enum rc rc = grant_lock(tx, STR("-"), c->client_key, c->open_id, why);
    if (rc == RC_OK)
        rc = business_free(tx, c->workspace, c->client_key, c->open_id, why);
    if (rc == RC_OK)
        rc = db_account_find(tx, c->workspace, c->client_key, c->open_id, mem, &id, why);
    if (rc == RC_OK)
        rc = db_account_hold(tx, c->workspace, id, why);
    else if (rc == RC_MISSING) {
        id = id_new(mem, "acc");
        struct account_insert row = {.workspace = c->workspace,
                                     .id = id,
                                     .app = STR("accounts"),
                                     .client_key = c->client_key,
                                     .open_id = c->open_id,
                                     .role = STR("business")};
        rc = db_account_insert(tx, &row, why);
    }
    if (rc == RC_OK)
        rc = db_names_save(tx, c->workspace, id, &names, why);
    if (rc == RC_OK)
        *account = id;
    return rc;
}
