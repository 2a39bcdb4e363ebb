/* http: what REST says about accounts: list, one, timeline. Also the events that Mozflow hears. What changes
 * something is in http_acts.c, the rows of both in http_rows.c. Nothing here touches a token.
 */
#include "accounts/http_priv.h"

static void put_list(struct jw *w, const char *key, str list)
{
    str head;
    jw_arr(w, key);
    while (str_cut(&list, ',', &head))
        if (str_trim(head).n > 0)
            jw_str(w, NULL, str_trim(head));
    jw_end(w);
}

static str shown(str s)
{
    return s.n > 0 ? s : STR_NONE;
}

static void put_health(struct jw *w, const struct account_health *h)
{
    jw_obj(w, "health");
    jw_cstr(w, "verdict", h->verdict);
    jw_cstr(w, "code", h->code);
    jw_cstr(w, "en", h->en);
    jw_cstr(w, "th", h->th);
    jw_cstr(w, "next_step_en", h->next_en);
    jw_cstr(w, "next_step_th", h->next_th);
    jw_end(w);
}

static void put_advertisers(struct jw *w, const struct tiktok_advertisers *ads)
{
    jw_arr(w, "advertisers");
    for (size_t i = 0; i < ads->n; i++) {
        jw_obj(w, NULL);
        jw_str(w, "id", ads->list[i].id);
        jw_str(w, "name", shown(ads->list[i].name));
        jw_end(w);
    }
    jw_end(w);
}

static void put_times(struct jw *w, const struct account *acc)
{
    jw_time(w, "last_webhook_at", acc->webhook_ms);
    jw_time(w, "last_good_at", acc->good_ms);
    jw_time(w, "connected_at", acc->connected_ms);
    jw_time(w, "access_expires_at", acc->access_expires_ms);
    jw_time(w, "refresh_expires_at", acc->refresh_expires_ms);
    bool moves = str_eq(str_of(acc->state), STR("connected")) || str_eq(str_of(acc->state), STR("unsure"));
    jw_time(w, "next_refresh_at", moves ? acc->next_ms : 0);
}

void account_put(struct accounts *a, const struct account_shown *s, struct arena *mem, struct jw *w)
{
    const struct account *acc = &s->acc;
    const struct account_app *app = accounts_app_of(a, acc->client_key, role_kind(acc->role));
    bool scoped = app != NULL && app->kind != APP_ADS && acc->scopes.n > 0;
    str missing = scoped ? accounts_missing_scopes(app->scopes, acc->scopes, mem) : STR("");
    jw_obj(w, NULL);
    jw_str(w, "id", acc->id);
    jw_str(w, "kind", acc->role);
    jw_str(w, "app", acc->app);
    jw_str(w, "open_id", acc->open_id);
    jw_str(w, "display_name", shown(acc->display_name));
    jw_str(w, "username", shown(acc->username));
    jw_str(w, "avatar_url", shown(acc->avatar_url));
    jw_cstr(w, "state", acc->state);
    jw_str(w, "person", acc->person);
    jw_str(w, "person_name", shown(acc->person_name));
    put_list(w, "scopes", acc->scopes);
    put_list(w, "missing_scopes", missing);
    put_times(w, acc);
    put_health(w, account_health(acc, missing, store_clock(a->o.store)));
    put_advertisers(w, &s->ads);
    jw_end(w);
}

/* ---- reading ---- */
enum rc account_show(struct tx *tx, str workspace, str id, struct arena *mem, struct account_shown *out,
                     struct fault *why)
{
    struct account_shown s = {0};
    enum rc rc = accounts_load(tx, workspace, id, mem, &s.acc, why);
    if (rc == RC_OK && str_eq(s.acc.role, STR("advertiser")))
        rc = db_advertisers(tx, workspace, id, mem, &s.ads, why);
    if (rc == RC_OK)
        *out = s;
    return rc;
}

struct listing {
    struct request *rq;
    struct account_shown *list;
    size_t n;
    int64_t limit;
};

static enum rc read_list(struct tx *tx, void *arg, struct fault *why)
{
    struct listing *l = arg;
    struct arena *mem = rq_mem(l->rq);
    struct account *rows = NULL;
    struct account_list ask = {.workspace = rq_who(l->rq)->workspace,
                               .after = rq_arg(l->rq, "cursor"),
                               .role = rq_arg(l->rq, "kind"),
                               .limit = l->limit + 1};
    enum rc rc = db_account_list(tx, &ask, mem, &rows, &l->n, why);
    if (rc != RC_OK)
        return rc;
    l->list = arena_array(mem, struct account_shown, l->n + 1);
    if (l->list == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the list");
    for (size_t i = 0; rc == RC_OK && i < l->n; i++) {
        l->list[i] = (struct account_shown){.acc = rows[i]};
        if (str_eq(rows[i].role, STR("advertiser")))
            rc = db_advertisers(tx, ask.workspace, rows[i].id, mem, &l->list[i].ads, why);
    }
    return rc;
}

enum rc accounts_list_route(struct request *rq, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    struct listing l = {.rq = rq, .limit = rq_int(rq, "limit", PAGE)};
    struct buf b;
    struct jw w;
    enum rc rc = store_read(a->o.store, read_list, &l, why);
    if (rc != RC_OK)
        return rc;
    bool more = (int64_t)l.n > l.limit;
    size_t count = more ? (size_t)l.limit : l.n;
    buf_init(&b, rq_mem(rq), 1u << 20);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_arr(&w, "items");
    for (size_t i = 0; i < count; i++)
        account_put(a, &l.list[i], rq_mem(rq), &w);
    jw_end(&w);
    jw_str(&w, "next_cursor", more ? l.list[count - 1].acc.id : STR_NONE);
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return buf_ok(&b) ? RC_OK : fault_set(why, RC_FULL, "base.arena", "the list is too long");
}

struct one {
    struct request *rq;
    struct account_shown s;
};

static enum rc read_one(struct tx *tx, void *arg, struct fault *why)
{
    struct one *o = arg;
    return account_show(tx, rq_who(o->rq)->workspace, rq_arg(o->rq, "id"), rq_mem(o->rq), &o->s, why);
}

str account_json(struct accounts *a, const struct account_shown *s, struct arena *mem)
{
    struct buf b;
    struct jw w;
    buf_init(&b, mem, 128 * 1024);
    jw_init(&w, &b);
    account_put(a, s, mem, &w);
    return buf_str(&b);
}

enum rc accounts_one_route(struct request *rq, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    struct one o = {.rq = rq};
    enum rc rc = store_read(a->o.store, read_one, &o, why);
    if (rc == RC_OK)
        answer_json(rq, 200, account_json(a, &o.s, rq_mem(rq)));
    return rc;
}

/* ---- timeline ---- */
struct story {
    struct request *rq;
    struct timeline_entry *list;
    size_t n;
    int64_t limit;
};

static enum rc read_story(struct tx *tx, void *arg, struct fault *why)
{
    struct story *s = arg;
    struct account acc;
    struct timeline_page p = {.workspace = rq_who(s->rq)->workspace,
                              .account = rq_arg(s->rq, "id"),
                              .before = rq_arg(s->rq, "cursor"),
                              .limit = s->limit + 1};
    enum rc rc = accounts_load(tx, p.workspace, p.account, tx_mem(tx), &acc, why);
    return rc == RC_OK ? accounts_timeline(tx, &p, rq_mem(s->rq), &s->list, &s->n, why) : rc;
}

static void put_entry(struct jw *w, const struct timeline_entry *e)
{
    jw_obj(w, NULL);
    jw_str(w, "id", e->id);
    jw_time(w, "at", e->at_ms);
    jw_str(w, "what", e->what);
    jw_str(w, "code", shown(e->code));
    jw_str(w, "class", shown(e->cls));
    jw_cstr(w, "outcome", e->words->outcome);
    if (e->tiktok_code != 0)
        jw_i64(w, "tiktok_code", e->tiktok_code);
    else
        jw_str(w, "tiktok_code", STR_NONE);
    jw_str(w, "log_id", shown(e->log_id));
    jw_cstr(w, "en", e->words->en);
    jw_cstr(w, "th", e->words->th);
    jw_end(w);
}

enum rc accounts_timeline_route(struct request *rq, void *ctx, struct fault *why)
{
    struct accounts *a = ctx;
    struct story s = {.rq = rq, .limit = rq_int(rq, "limit", PAGE)};
    struct buf b;
    struct jw w;
    enum rc rc = store_read(a->o.store, read_story, &s, why);
    if (rc != RC_OK)
        return rc;
    bool more = (int64_t)s.n > s.limit;
    size_t count = more ? (size_t)s.limit : s.n;
    buf_init(&b, rq_mem(rq), 512 * 1024);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_arr(&w, "items");
    for (size_t i = 0; i < count; i++)
        put_entry(&w, &s.list[i]);
    jw_end(&w);
    jw_str(&w, "next_cursor", more ? s.list[count - 1].id : STR_NONE);
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return buf_ok(&b) ? RC_OK : fault_set(why, RC_FULL, "base.arena", "the timeline is too long");
}

/* ---- events for Mozflow ---- */
static enum rc render_event(const struct mozflow_render *r, struct jw *data, bool countdown,
                            struct fault *why)
{
    str account = STR_NONE, reason = STR_NONE;
    int64_t days = 0;
    struct account acc;
    if (!json_str(r->ids, "account", &account) || !json_str(r->ids, "reason", &reason))
        return fault_set(why, RC_BUG, "accounts.event", "event without ids");
    enum rc rc = accounts_load(r->tx, r->workspace, account, r->mem, &acc, why);
    if (rc != RC_OK)
        return rc;
    jw_str(data, "account_id", account);
    jw_str(data, "kind", acc.role);
    if (countdown && str_to_i64(reason, &days)) {
        jw_i64(data, "days", days);
        jw_time(data, "refresh_expires_at", acc.refresh_expires_ms);
    } else
        jw_str(data, "reason", reason);
    jw_str(data, "client_key", acc.client_key);
    jw_str(data, "open_id", acc.open_id);
    return RC_OK;
}

static enum rc render_plain(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    return render_event(r, data, false, why);
}

static enum rc render_countdown(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    return render_event(r, data, true, why);
}

#define SCHEMA(required, more)                                                                               \
    "{\"type\":\"object\",\"required\":[\"account_id\"," required                                            \
    "],\"properties\":{\"account_id\":{\"type\":\"string\"},\"kind\":{\"enum\":[\"login\",\"business\","     \
    "\"advertiser\"]}," more ",\"client_key\":{\"type\":\"string\"},\"open_id\":{\"type\":\"string\"}}}"

const struct mozflow_event accounts_events[] = {
    {.type = "account.disconnected",
     .doc = "A TikTok account is no longer connected: we revoked it (reason revoked) or it was removed at "
            "TikTok (reason removed).",
     .schema = SCHEMA("\"reason\"", "\"reason\":{\"enum\":[\"revoked\",\"removed\"]}"),
     .render = render_plain},
    {.type = "account.needs_reauth",
     .doc = "TikTok no longer accepts the tokens of an account; its features are off until the owner agrees "
            "again.",
     .schema = SCHEMA("\"reason\"", "\"reason\":{\"enum\":[\"refused\"]}"),
     .render = render_plain},
    {.type = "account.reconsent_due",
     .doc = "TikTok ends this connection for good in 30, 7 or 1 days: the owner has to agree again before. "
            "POST /v1/connections makes the link to send.",
     .schema = SCHEMA("\"days\"", "\"days\":{\"enum\":[30,7,1]},\"refresh_expires_at\":{\"type\":\"string\","
                                  "\"format\":\"date-time\"}"),
     .render = render_countdown},
};
const size_t accounts_events_n = COUNT_OF(accounts_events);
