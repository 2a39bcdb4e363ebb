/* health_db: SQL of the timeline and of the ad accounts of an advertiser. Entries stand in order of their
 * time, which never repeats within an account; they leave after accounts.timeline_days.
 */
#include "accounts/accounts_priv.h"

/* Entries of one transaction have one time: the second stands a millisecond later, so that order is kept. */
static const struct sql health_insert = {
    "accounts.health_insert",
    "INSERT INTO account_health (workspace_id, id, account_id, at_ms, what, code, cls, tiktok_code, log_id) "
    "SELECT $1, $2, $3, CASE WHEN last.at_ms >= $4 THEN last.at_ms + 1 ELSE $4 END, $5, $6, $7, $8, $9 FROM "
    "(SELECT COALESCE(MAX(at_ms), 0) AS at_ms FROM account_health WHERE workspace_id = $1 AND account_id = "
    "$3) last"};

enum rc db_health_put(struct tx *tx, const struct health_new *h, struct fault *why)
{
    str id = id_new(tx_mem(tx), "hea");
    str log_id = h->fault != NULL ? str_of(h->fault->outer_ref) : STR("");
    if (!utf8_valid(log_id))
        log_id = STR("");
    return tx_exec(tx, &health_insert,
                   ARGS(V_TEXT(h->workspace), V_TEXT(id), V_TEXT(h->account), V_INT(tx_now_ms(tx)),
                        V_TEXT(str_of(h->what)), V_TEXT(str_of(h->code != NULL ? h->code : "")),
                        V_TEXT(str_of(h->cls != NULL ? h->cls : "")),
                        V_INT(h->fault != NULL ? h->fault->outer_code : 0), V_TEXT(log_id)),
                   NULL, why);
}

static const struct sql health_page = {
    "accounts.health_page",
    "SELECT id, what, code, cls, log_id, at_ms, tiktok_code FROM account_health WHERE workspace_id = $1 AND "
    "account_id = $2 AND ($3 = '' OR (at_ms, id) < (SELECT at_ms, id FROM account_health WHERE workspace_id "
    "= "
    "$1 AND id = $3)) ORDER BY at_ms DESC, id DESC LIMIT $4"};

enum rc db_health_list(struct tx *tx, const struct timeline_page *p, struct arena *mem,
                       struct timeline_entry **out, size_t *n, struct fault *why)
{
    struct rows *r = NULL;
    str before = p->before.p == NULL ? STR("") : p->before;
    enum rc rc = tx_query(tx, &health_page,
                          ARGS(V_TEXT(p->workspace), V_TEXT(p->account), V_TEXT(before), V_INT(p->limit)),
                          mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct timeline_entry *list = arena_array(mem, struct timeline_entry, rows_count(r) + 1);
    if (list == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the timeline");
    size_t count = 0;
    while (rows_next(r))
        list[count++] = (struct timeline_entry){.id = row_text(r, 0),
                                                .what = row_text(r, 1),
                                                .code = row_text(r, 2),
                                                .cls = row_text(r, 3),
                                                .log_id = row_text(r, 4),
                                                .at_ms = row_int(r, 5),
                                                .tiktok_code = row_int(r, 6)};
    *out = list;
    *n = count;
    return RC_OK;
}

static const struct sql health_tidy = {
    "accounts.health_tidy",
    "/* exempt: retention looks at every workspace */ DELETE FROM account_health WHERE (workspace_id, id) IN "
    "(SELECT workspace_id, id FROM account_health WHERE at_ms < $1 ORDER BY at_ms LIMIT 400)"};

enum rc db_health_tidy(struct tx *tx, int64_t before_ms, int64_t *deleted, struct fault *why)
{
    return tx_exec(tx, &health_tidy, ARGS(V_INT(before_ms)), deleted, why);
}

/* ---- ad accounts ---- */
static const struct sql advertisers_clear = {
    "accounts.advertisers_clear",
    "DELETE FROM account_advertisers WHERE workspace_id = $1 AND account_id = $2"};
static const struct sql advertiser_insert = {
    "accounts.advertiser_insert", "INSERT INTO account_advertisers (workspace_id, account_id, advertiser_id, "
                                  "name) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"};

enum rc db_advertisers_save(struct tx *tx, str workspace, str account, const struct tiktok_advertisers *list,
                            struct fault *why)
{
    enum { ROWS_MAX = 400 }; /* a transaction is small; an agency with more keeps its first 400 here */
    enum rc rc = tx_exec(tx, &advertisers_clear, ARGS(V_TEXT(workspace), V_TEXT(account)), NULL, why);
    for (size_t i = 0; rc == RC_OK && i < list->n && i < ROWS_MAX; i++) {
        str name = list->list[i].name.p == NULL ? STR("") : list->list[i].name;
        rc = tx_exec(tx, &advertiser_insert,
                     ARGS(V_TEXT(workspace), V_TEXT(account), V_TEXT(list->list[i].id), V_TEXT(name)), NULL,
                     why);
    }
    return rc;
}

static const struct sql advertisers_of = {
    "accounts.advertisers", "SELECT advertiser_id, name FROM account_advertisers WHERE workspace_id = $1 AND "
                            "account_id = $2 ORDER BY name, advertiser_id"};

enum rc db_advertisers(struct tx *tx, str workspace, str account, struct arena *mem,
                       struct tiktok_advertisers *out, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_query(tx, &advertisers_of, ARGS(V_TEXT(workspace), V_TEXT(account)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct tiktok_advertiser *list = arena_array(mem, struct tiktok_advertiser, rows_count(r) + 1);
    if (list == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the ad accounts");
    size_t count = 0;
    while (rows_next(r))
        list[count++] = (struct tiktok_advertiser){.id = row_text(r, 0), .name = row_text(r, 1)};
    *out = (struct tiktok_advertisers){list, count};
    return RC_OK;
}
