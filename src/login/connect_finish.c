/* connect_finish: TikTok's code becomes tokens and a profile (8 s in all, no transaction held), then ONE
 * transaction keeps everything or nothing. What can go wrong: the profile cannot be read (a business account
 * is connected without it; an advertiser cannot be named without whoami, so that fails); the account belongs
 * to another workspace; a step-up answered by another account.
 */
#include "login/connect_priv.h"
#include "crypto/crypto.h"

enum { TOTAL_MS = 8000, LEAST_MS = 300 };

const struct metric connect_metrics[] = {
    {"mz_connect_total", METRIC_COUNTER, "outcome,kind",
     "Connection attempts that ended, by outcome and kind."},
};
const size_t connect_metrics_n = COUNT_OF(connect_metrics);

struct answer { /* what TikTok gave, before the one transaction */
    struct tiktok_tokens tokens;
    struct tiktok_business business;
    struct tiktok_ads_user user;
    struct tiktok_advertisers advertisers;
    bool has_profile, listed;
};
struct finishing {
    const struct connect_finish *f;
    const struct account_app *app;
    struct arena *mem;
    struct answer answer;
    struct account_arrived got;
    int64_t until_ms;
};

static enum rc permit_for(struct finishing *z, enum tiktok_op op, struct budget_call *call,
                          struct permit *permit, struct fault *why)
{
    const struct login_options *o = &z->f->l->o;
    *call = (struct budget_call){.client_key = z->app->client.client_key,
                                 .workspace = z->f->taken->attempt.workspace,
                                 .account = z->f->taken->attempt.account,
                                 .family = tiktok_kind(z->app->kind)->name,
                                 .endpoint = tiktok_endpoint_of(z->app->kind, op)->name,
                                 .patience_ms = 2000};
    return budget_take(o->budget, call, permit, why);
}

static int64_t left_ms(const struct finishing *z)
{
    int64_t left = z->until_ms - clock_mono_ms();
    return left > LEAST_MS ? left : LEAST_MS;
}

static enum rc exchange(struct finishing *z, struct fault *why)
{
    const struct login_options *o = &z->f->l->o;
    struct tiktok_code code = {
        .code = z->f->code, .redirect_uri = z->f->taken->redirect_uri, .total_ms = TOTAL_MS};
    struct budget_call call;
    struct permit permit;
    enum rc rc = permit_for(z, OP_EXCHANGE, &call, &permit, why);
    if (rc != RC_OK)
        return rc;
    rc = tiktok_exchange(o->tiktok, &permit, &z->app->client, &code, z->mem, &z->answer.tokens, why);
    if (rc != RC_OK)
        budget_answered(o->budget, &call, why);
    return rc;
}

/* Best effort: what is missing is read later by the profile sync. */
static enum rc business_profile(struct finishing *z, struct fault *why)
{
    const struct login_options *o = &z->f->l->o;
    struct answer *a = &z->answer;
    struct tiktok_call ask = {.access = a->tokens.access,
                              .business_id = a->tokens.open_id,
                              .scopes = a->tokens.scopes,
                              .total_ms = left_ms(z)};
    struct budget_call call;
    struct permit permit;
    enum rc rc = permit_for(z, OP_PROFILE, &call, &permit, why);
    if (rc == RC_OK)
        rc = tiktok_business_get(o->tiktok, &permit, &ask, z->mem, &a->business, why);
    if (rc != RC_OK)
        budget_answered(o->budget, &call, why);
    a->has_profile = rc == RC_OK;
    return rc;
}

/* The advertiser's answer names nobody: whoami does, and the list gives the ad accounts their names. */
static enum rc ads_profile(struct finishing *z, struct fault *why)
{
    const struct login_options *o = &z->f->l->o;
    struct answer *a = &z->answer;
    struct fault inner;
    struct budget_call call;
    struct permit permit;
    enum rc rc = permit_for(z, OP_PROFILE, &call, &permit, why);
    if (rc == RC_OK)
        rc = tiktok_ads_whoami(o->tiktok, &permit, a->tokens.access, z->mem, &a->user, why);
    if (rc != RC_OK) {
        budget_answered(o->budget, &call, why);
        return rc;
    }
    a->has_profile = true;
    a->tokens.open_id = a->user.core_user_id;
    enum rc list = permit_for(z, OP_ADVERTISERS, &call, &permit, &inner);
    if (list == RC_OK)
        list = tiktok_advertisers(o->tiktok, &permit, &z->app->client, a->tokens.access, z->mem,
                                  &a->advertisers, &inner);
    if (list != RC_OK)
        budget_answered(o->budget, &call, &inner);
    a->listed = list == RC_OK;
    if (list != RC_OK)
        log_event(o->log, LOG_WARN, "connect.profile_missing", F_ID("attempt", z->f->taken->attempt.id),
                  F_RC(list), F_FAULT(&inner));
    if (a->listed ? a->advertisers.n == 0 : a->tokens.n_advertisers == 0)
        return fault_set(why, RC_CONFLICT, "connect.no_advertiser", "no ad account was granted");
    return RC_OK;
}

static enum rc ask_tiktok(struct finishing *z, struct fault *why)
{
    struct fault inner;
    enum rc rc = exchange(z, why);
    if (rc != RC_OK || z->app->kind == APP_ADS)
        return rc == RC_OK ? ads_profile(z, why) : rc;
    enum rc got = business_profile(z, &inner);
    if (got != RC_OK)
        log_event(z->f->l->o.log, LOG_WARN, "connect.profile_missing",
                  F_ID("attempt", z->f->taken->attempt.id), F_RC(got), F_FAULT(&inner));
    return RC_OK;
}

/* ---- the one transaction ---- */
static str missing_of(str asked, str granted, struct arena *mem)
{
    struct buf b;
    str head;
    buf_init(&b, mem, 4096);
    while (str_cut(&asked, ',', &head)) {
        if (head.n == 0 || tiktok_scope_in(granted, head))
            continue;
        if (b.n > 0)
            buf_put_c(&b, ',');
        buf_put(&b, head);
    }
    return b.n > 0 ? buf_str(&b) : STR("");
}

/* A step-up must be answered by the account that it is for. */
static enum rc same_account(struct finishing *z, struct tx *tx, struct fault *why)
{
    const struct connect_attempt *a = &z->f->taken->attempt;
    struct account acc = {0};
    if (a->account.n == 0)
        return RC_OK;
    enum rc rc = accounts_load(tx, a->workspace, a->account, tx_mem(tx), &acc, why);
    if (rc == RC_OK && (!str_eq(acc.open_id, z->answer.tokens.open_id) ||
                        !str_eq(acc.client_key, z->app->client.client_key)))
        return fault_set(why, RC_CONFLICT, "connect.other_account", "another account answered");
    return rc;
}

static enum rc arrive(struct finishing *z, struct tx *tx, struct fault *why)
{
    const struct answer *a = &z->answer;
    struct account_arrival in = {.workspace = z->f->taken->attempt.workspace,
                                 .app = z->app,
                                 .tokens = &a->tokens,
                                 .beside = z->f->taken->attempt.beside,
                                 .role = str_of(connect_word(z->app->kind))};
    if (z->app->kind == APP_ADS) {
        in.name = a->user.display_name;
        in.avatar_url = a->user.avatar_url;
        in.advertisers = a->advertisers.list;
        in.n_advertisers = a->advertisers.n;
    } else if (a->has_profile) {
        in.name = a->business.display_name;
        in.username = a->business.username;
        in.avatar_url = a->business.avatar_url;
    }
    return accounts_arrive(z->f->l->o.accounts, tx, &in, z->mem, &z->got, why);
}

static enum rc keep_rest(struct finishing *z, struct tx *tx, const struct connect_attempt *a,
                         struct fault *why)
{
    struct feature_note note = {a->workspace, z->got.account, STR("ads.account"), true};
    enum rc rc = RC_OK;
    if (a->market.n > 0)
        rc = accounts_market_set(tx, a->workspace, z->got.account, a->market, why);
    if (rc == RC_OK && z->answer.listed)
        rc = accounts_feature_noted(tx, &note, why);
    str ids = arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\",\"attempt\":\"" STR_FMT "\"}",
                        STR_ARG(z->got.account), STR_ARG(a->id));
    struct mozflow_new e = {
        .type = "account.connected", .workspace = a->workspace, .subject = z->got.account, .ids = ids};
    return rc == RC_OK ? mozflow_emit(tx, &e, NULL, why) : rc;
}

/* Stamps in their order: consent, feed, audit. */
static enum rc stamp_all(struct finishing *z, struct tx *tx, const struct connect_attempt *a,
                         struct fault *why)
{
    const struct login_options *o = &z->f->l->o;
    struct consent_entry consent = {.workspace = a->workspace,
                                    .who = {z->app->client.client_key, z->answer.tokens.open_id},
                                    .act = CONSENT_GIVEN,
                                    .flow = STR("accounts.connect"),
                                    .text_version = STR(CONNECT_VERSION),
                                    .text = connect_consent_text(a->lang, a->kind, a->asked, tx_mem(tx)),
                                    .language = a->lang,
                                    .scopes = a->granted,
                                    .attempt = a->id,
                                    .shown_ms = a->shown_ms};
    struct audit_entry audit = {.action = STR("accounts.connected"), .object = z->got.account};
    if (z->f->rq != NULL)
        audit = audit_of(z->f->rq, "accounts.connected", z->got.account, STR_NONE);
    audit.workspace = a->workspace;
    audit.actor = STR("visitor"); /* the owner's browser; who made the link stands in the attempt */
    audit.detail = arena_fmt(tx_mem(tx), "{\"attempt\":\"" STR_FMT "\",\"kind\":\"%s\"}", STR_ARG(a->id),
                             connect_word(a->kind));
    enum rc rc = consent_record(o->consent, tx, &consent, NULL, why);
    if (rc == RC_OK)
        rc = feed_put(tx, a->workspace, "account", z->got.account, why);
    return rc == RC_OK ? audit_put(o->audit, tx, &audit, why) : rc;
}

static enum rc finish_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct finishing *z = arg;
    struct connect_attempt a = z->f->taken->attempt;
    int64_t changed = 0;
    z->got = (struct account_arrived){0};
    enum rc rc = same_account(z, tx, why);
    if (rc == RC_OK)
        rc = arrive(z, tx, why);
    if (rc != RC_OK)
        return rc;
    a.connected = z->got.account;
    a.granted = z->answer.tokens.scopes.p != NULL ? z->answer.tokens.scopes : STR("");
    a.missing = a.kind == APP_ADS ? STR("") : missing_of(a.asked, a.granted, tx_mem(tx));
    rc = db_connect_finished(tx, &a, &changed, why);
    if (rc == RC_OK && changed == 0)
        return fault_set(why, RC_CONFLICT, "connect.link_over", "the attempt has ended meanwhile");
    if (rc == RC_OK)
        rc = keep_rest(z, tx, &a, why);
    return rc == RC_OK ? stamp_all(z, tx, &a, why) : rc;
}

enum rc connect_finish(const struct connect_finish *f, struct arena *mem, struct fault *why)
{
    const struct connect_attempt *a = &f->taken->attempt;
    int64_t began = clock_mono_ms();
    struct finishing z = {.f = f,
                          .app = accounts_app_of(f->l->o.accounts, a->client_key, a->kind),
                          .mem = mem,
                          .until_ms = began + TOTAL_MS};
    if (z.app == NULL)
        return fault_set(why, RC_OFF, "connect.not_configured", "the app is no longer configured");
    enum rc rc = ask_tiktok(&z, why);
    if (rc == RC_OK)
        rc = store_write(f->l->o.store, STORE_INTERACTIVE, finish_tx, &z, why);
    if (rc != RC_OK)
        return rc;
    metric_add(&connect_metrics[0], 1, "connect.completed", connect_word(a->kind));
    log_event(f->l->o.log, LOG_INFO, "connect.completed", F_ID("workspace", a->workspace),
              F_ID("attempt", a->id), F_ID("account", z.got.account), F_FLAG("known", z.got.known),
              F_MS("took", clock_mono_ms() - began));
    return RC_OK;
}

/* ---- an attempt that did not succeed ---- */
struct ended {
    const struct connect_attempt *a;
    const struct login_end *end;
};

static enum rc end_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct ended *e = arg;
    return db_connect_end(tx, e->a->workspace, e->a->id, e->end, why);
}

void connect_note_end(struct login *l, const struct connect_attempt *a, enum app_kind kind,
                      const struct fault *why)
{
    struct ended e = {a, connect_end_of(why)};
    struct fault inner;
    enum rc rc = RC_OK;
    if (a != NULL)
        rc = store_write(l->o.store, STORE_INTERACTIVE, end_tx, &e, &inner);
    metric_add(&connect_metrics[0], 1, e.end->code, connect_word(kind));
    log_event(l->o.log, LOG_WARN, e.end->code, F_ID("workspace", a != NULL ? a->workspace : STR("-")),
              F_ID("attempt", a != NULL ? a->id : STR("")), F_FAULT(why), F_RC(rc));
}
