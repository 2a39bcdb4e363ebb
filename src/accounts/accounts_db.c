/* accounts_db: migrations of room accounts, SQL of its table accounts. Statements that look over all
 * workspaces say why. What can go wrong: a second business owner of one open_id meets the partial unique
 * index (ON CONFLICT, counted).
 */
#include "accounts/accounts_priv.h"

static const struct migration rows[] = {
    {
        .number = 3101,
        .name = "accounts, grants, health",
        .text = "CREATE TABLE accounts (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  id @TEXT NOT NULL,\n"
                "  app @TEXT NOT NULL,\n"
                "  client_key @TEXT NOT NULL,\n"
                "  open_id @TEXT NOT NULL,\n"
                "  role @TEXT NOT NULL,\n"
                "  union_id @TEXT NOT NULL,\n"
                "  display_name @TEXT NOT NULL, -- personal\n"
                "  username @TEXT NOT NULL, -- personal\n"
                "  avatar_url @TEXT NOT NULL, -- personal\n"
                "  profile_ms @INT64 NOT NULL,\n"
                "  created_ms @INT64 NOT NULL,\n"
                "  webhook_ms @INT64 NOT NULL DEFAULT 0,\n"
                "  PRIMARY KEY (workspace_id, id)\n"
                ") @TABLE;\n"
                "CREATE UNIQUE INDEX accounts_by_open_id ON accounts (workspace_id, client_key, open_id);\n"
                "CREATE UNIQUE INDEX accounts_one_business ON accounts (client_key, open_id) WHERE role = "
                "'business';\n"
                "CREATE INDEX accounts_of_person ON accounts (client_key, open_id);\n"
                "CREATE TABLE account_grants (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  id @TEXT NOT NULL,\n"
                "  account_id @TEXT NOT NULL,\n"
                "  state @TEXT NOT NULL,\n"
                "  scopes @TEXT NOT NULL,\n"
                "  access_sealed @BYTES,\n"
                "  access_fp @TEXT NOT NULL,\n"
                "  access_expires_ms @INT64 NOT NULL,\n"
                "  refresh_sealed @BYTES,\n"
                "  refresh_fp @TEXT NOT NULL,\n"
                "  refresh_expires_ms @INT64 NOT NULL,\n"
                "  refresh_due_ms @INT64 NOT NULL,\n"
                "  refreshing_ms @INT64 NOT NULL,\n"
                "  lease_until_ms @INT64 NOT NULL,\n"
                "  fence @INT64 NOT NULL,\n"
                "  generation @INT64 NOT NULL,\n"
                "  good_ms @INT64 NOT NULL,\n"
                "  granted_ms @INT64 NOT NULL,\n"
                "  ended_ms @INT64 NOT NULL,\n"
                "  end_reason @TEXT NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, id)\n"
                ") @TABLE;\n"
                "CREATE UNIQUE INDEX account_grants_live ON account_grants (workspace_id, account_id) "
                "WHERE ended_ms = 0;\n"
                "CREATE INDEX account_grants_due ON account_grants (refresh_due_ms) WHERE state = 'active';\n"
                "CREATE TABLE account_health (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  id @TEXT NOT NULL,\n"
                "  account_id @TEXT NOT NULL,\n"
                "  at_ms @INT64 NOT NULL,\n"
                "  what @TEXT NOT NULL,\n"
                "  code @TEXT NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, id)\n"
                ") @TABLE;\n"
                "CREATE INDEX account_health_of ON account_health (workspace_id, account_id, at_ms)",
        .oldest_binary = 0,
    },
    {
        .number = 3102,
        .name = "three kinds of grant, unknown outcomes, notices, releases",
        .text = "ALTER TABLE accounts ADD COLUMN person @TEXT NOT NULL DEFAULT '';\n"
                "ALTER TABLE accounts ADD COLUMN released_ms @INT64 NOT NULL DEFAULT 0;\n"
                "ALTER TABLE accounts ADD COLUMN erase_ms @INT64 NOT NULL DEFAULT 0;\n"
                "UPDATE accounts SET person = id WHERE workspace_id <> '';\n"
                "DROP INDEX accounts_one_business;\n"
                "CREATE UNIQUE INDEX accounts_one_business ON accounts (client_key, open_id) WHERE role = "
                "'business' AND released_ms = 0;\n"
                "CREATE INDEX accounts_beside ON accounts (workspace_id, person);\n"
                "CREATE INDEX accounts_to_erase ON accounts (erase_ms) WHERE erase_ms > 0;\n"
                "ALTER TABLE account_grants ADD COLUMN rotation @INT64 NOT NULL DEFAULT 0;\n"
                "ALTER TABLE account_grants ADD COLUMN failures @INT64 NOT NULL DEFAULT 0;\n"
                "ALTER TABLE account_grants ADD COLUMN noticed_days @INT64 NOT NULL DEFAULT 0;\n"
                "ALTER TABLE account_grants ADD COLUMN revoke_asked_ms @INT64 NOT NULL DEFAULT 0;\n"
                "ALTER TABLE account_grants ADD COLUMN doubted @INT64 NOT NULL DEFAULT -1;\n"
                "DROP INDEX account_grants_due;\n"
                "CREATE INDEX account_grants_due ON account_grants (refresh_due_ms) WHERE ended_ms = 0;\n"
                "CREATE INDEX account_grants_intent ON account_grants (lease_until_ms) WHERE refreshing_ms > "
                "0;\n"
                "CREATE INDEX account_grants_countdown ON account_grants (refresh_expires_ms) WHERE ended_ms "
                "= 0;\n"
                "CREATE INDEX account_grants_revoking ON account_grants (revoke_asked_ms) WHERE state = "
                "'revoking';\n"
                "CREATE INDEX account_grants_of ON account_grants (workspace_id, account_id, id);\n"
                "ALTER TABLE account_health ADD COLUMN cls @TEXT NOT NULL DEFAULT '';\n"
                "ALTER TABLE account_health ADD COLUMN tiktok_code @INT64 NOT NULL DEFAULT 0;\n"
                "ALTER TABLE account_health ADD COLUMN log_id @TEXT NOT NULL DEFAULT '';\n"
                "CREATE INDEX account_health_age ON account_health (at_ms);\n"
                "CREATE TABLE account_advertisers (\n"
                "  workspace_id @TEXT NOT NULL,\n"
                "  account_id @TEXT NOT NULL,\n"
                "  advertiser_id @TEXT NOT NULL,\n"
                "  name @TEXT NOT NULL,\n"
                "  PRIMARY KEY (workspace_id, account_id, advertiser_id)\n"
                ") @TABLE",
        .oldest_binary = 0,
    },
};
const struct migration_table accounts_migrations = {.room = "accounts", .rows = rows, .n = COUNT_OF(rows)};

static str text(str s)
{
    return s.p == NULL ? STR("") : s;
}

static enum rc read_owners(struct rows *r, struct arena *mem, struct account_owner **out, size_t *n,
                           struct fault *why)
{
    struct account_owner *list = arena_array(mem, struct account_owner, rows_count(r) + 1);
    if (list == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the list");
    size_t count = 0;
    while (rows_next(r))
        list[count++] = (struct account_owner){.workspace = row_text(r, 0), .account = row_text(r, 1)};
    *out = list;
    *n = count;
    return RC_OK;
}

/* ---- accounts ---- */
static const struct sql account_find = {
    "accounts.find", "SELECT id FROM accounts WHERE workspace_id = $1 AND client_key = $2 AND open_id = $3"};

enum rc db_account_find(struct tx *tx, str workspace, str client_key, str open_id, struct arena *mem, str *id,
                        struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc =
        tx_one(tx, &account_find, ARGS(V_TEXT(workspace), V_TEXT(client_key), V_TEXT(open_id)), mem, &r, why);
    if (rc == RC_OK)
        *id = row_text(r, 0);
    return rc;
}

static const struct sql account_insert = {
    "accounts.insert",
    "INSERT INTO accounts (workspace_id, id, app, client_key, open_id, role, union_id, display_name, "
    "username, avatar_url, profile_ms, created_ms, person) VALUES ($1, $2, $3, $4, $5, $6, '', '', '', '', "
    "0, $7, $2) ON CONFLICT DO NOTHING"};

enum rc db_account_insert(struct tx *tx, const struct account_insert *in, struct fault *why)
{
    int64_t changed = 0;
    enum rc rc = tx_exec(tx, &account_insert,
                         ARGS(V_TEXT(in->workspace), V_TEXT(in->id), V_TEXT(in->app), V_TEXT(in->client_key),
                              V_TEXT(in->open_id), V_TEXT(in->role), V_INT(tx_now_ms(tx))),
                         &changed, why);
    if (rc == RC_OK && changed == 0)
        return fault_set(why, RC_CONFLICT, "accounts.business_taken", "this open_id already has an owner");
    return rc;
}

/* A good value is never overwritten by an empty one: TikTok leaves fields out (login-kit 4). */
static const struct sql profile_save = {
    "accounts.profile_save", "UPDATE accounts SET union_id = CASE WHEN $3 = '' THEN union_id ELSE $3 END, "
                             "display_name = CASE WHEN $4 = '' THEN display_name ELSE $4 END, "
                             "username = CASE WHEN $5 = '' THEN username ELSE $5 END, "
                             "avatar_url = CASE WHEN $6 = '' THEN avatar_url ELSE $6 END, profile_ms = $7 "
                             "WHERE workspace_id = $1 AND id = $2"};

enum rc db_profile_save(struct tx *tx, str workspace, str id, const struct tiktok_user *u, struct fault *why)
{
    return tx_exec(tx, &profile_save,
                   ARGS(V_TEXT(workspace), V_TEXT(id), V_TEXT(text(u->union_id)),
                        V_TEXT(text(u->display_name)), V_TEXT(text(u->username)), V_TEXT(text(u->avatar_url)),
                        V_INT(tx_now_ms(tx))),
                   NULL, why);
}

/* Whoever is connected again is no longer released, and nothing of it waits to be erased. */
static const struct sql account_hold = {
    "accounts.hold", "UPDATE accounts SET released_ms = 0, erase_ms = 0 WHERE workspace_id = $1 AND id = $2"};

enum rc db_account_hold(struct tx *tx, str workspace, str id, struct fault *why)
{
    return tx_exec(tx, &account_hold, ARGS(V_TEXT(workspace), V_TEXT(id)), NULL, why);
}

static const struct sql account_release = {"accounts.release",
                                           "UPDATE accounts SET released_ms = $3, erase_ms = $4 WHERE "
                                           "workspace_id = $1 AND id = $2"};

enum rc db_account_release(struct tx *tx, str workspace, str id, int64_t erase_ms, struct fault *why)
{
    return tx_exec(tx, &account_release,
                   ARGS(V_TEXT(workspace), V_TEXT(id), V_INT(tx_now_ms(tx)), V_INT(erase_ms)), NULL, why);
}

static const struct sql to_erase = {
    "accounts.to_erase",
    "/* exempt: retention looks at every workspace */ SELECT workspace_id, id FROM accounts WHERE erase_ms > "
    "0 AND erase_ms <= $1 ORDER BY erase_ms LIMIT 100"};

enum rc db_accounts_to_erase(struct tx *tx, struct arena *mem, struct account_owner **out, size_t *n,
                             struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_query(tx, &to_erase, ARGS(V_INT(tx_now_ms(tx))), mem, &r, why);
    return rc == RC_OK ? read_owners(r, mem, out, n, why) : rc;
}

/* Accounts of one person or shop: an explicit neighbour, else TikTok's union_id, else the username, which is
 * unique at TikTok at one time: it counts only where both profiles were read within a month ($6), because a
 * name that was given up may be another's later. The row found gives its own `person`, and the whole group of
 * the account goes along. */
static const struct sql person_of = {
    "accounts.person_of",
    "SELECT person FROM accounts WHERE workspace_id = $1 AND id <> $2 AND (id = $3 OR (union_id <> '' AND "
    "union_id = $4) OR (username <> '' AND lower(username) = "
    "lower($5) AND profile_ms > $6 AND $7 > $6)) "
    "ORDER BY CASE WHEN id = $3 THEN 0 ELSE 1 END, id LIMIT 1"};
static const struct sql person_set = {
    "accounts.person_set", "UPDATE accounts SET person = $3 WHERE workspace_id = $1 AND person = $2"};

enum rc db_person_join(struct tx *tx, str workspace, const struct account *acc, str beside, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc =
        tx_one(tx, &person_of,
               ARGS(V_TEXT(workspace), V_TEXT(acc->id), V_TEXT(text(beside)), V_TEXT(text(acc->union_id)),
                    V_TEXT(text(acc->username)), V_INT(tx_now_ms(tx) - 30 * DAY_MS), V_INT(acc->profile_ms)),
               tx_mem(tx), &r, why);
    if (rc == RC_MISSING)
        return RC_OK;
    if (rc != RC_OK || row_text(r, 0).n == 0)
        return rc;
    return tx_exec(tx, &person_set, ARGS(V_TEXT(workspace), V_TEXT(acc->person), V_TEXT(row_text(r, 0))),
                   NULL, why);
}

static const struct sql names_save = {
    "accounts.names_save",
    "UPDATE accounts SET display_name = CASE WHEN $3 = '' THEN display_name ELSE $3 END, username = CASE "
    "WHEN $4 = '' THEN username ELSE $4 END, avatar_url = CASE WHEN $5 = '' THEN avatar_url ELSE $5 END, "
    "profile_ms = $6 WHERE workspace_id = $1 AND id = $2"};

enum rc db_names_save(struct tx *tx, str workspace, str id, const struct account_names *n, struct fault *why)
{
    return tx_exec(tx, &names_save,
                   ARGS(V_TEXT(workspace), V_TEXT(id), V_TEXT(text(n->name)), V_TEXT(text(n->username)),
                        V_TEXT(text(n->avatar_url)), V_INT(tx_now_ms(tx))),
                   NULL, why);
}

static const struct sql profile_erase = {
    "accounts.profile_erase", "UPDATE accounts SET union_id = '', display_name = '', username = '', "
                              "avatar_url = '', erase_ms = 0 WHERE workspace_id = $1 AND id = $2"};

enum rc db_profile_erase(struct tx *tx, str workspace, str id, struct fault *why)
{
    return tx_exec(tx, &profile_erase, ARGS(V_TEXT(workspace), V_TEXT(id)), NULL, why);
}

/* The newest grant tells the state; a business account that was only claimed has none. */
#define ACCOUNT_COLUMNS                                                                                      \
    "SELECT a.id, a.app, a.client_key, a.open_id, a.union_id, a.role, a.display_name, a.username, "          \
    "a.avatar_url, "                                                                                         \
    "g.scopes, g.end_reason, g.state, COALESCE(g.granted_ms, a.created_ms), g.good_ms, a.profile_ms, "       \
    "a.webhook_ms, a.person, g.access_expires_ms, g.refresh_expires_ms, g.refresh_due_ms, g.failures, "      \
    "(SELECT CASE WHEN p.display_name = '' THEN p.username ELSE p.display_name END FROM accounts p WHERE "   \
    "p.workspace_id = a.workspace_id AND p.id = a.person) FROM accounts a "                                  \
    "LEFT JOIN account_grants g ON g.workspace_id = a.workspace_id AND g.account_id = a.id AND g.id = "      \
    "(SELECT max(h.id) FROM account_grants h WHERE h.workspace_id = a.workspace_id AND h.account_id = "      \
    "a.id) "

static const struct sql account_one = {"accounts.one",
                                       ACCOUNT_COLUMNS "WHERE a.workspace_id = $1 AND a.id = $2"};
static const struct sql account_page = {
    "accounts.page",
    ACCOUNT_COLUMNS "WHERE a.workspace_id = $1 AND a.id > $2 AND ($4 = '' OR a.role = $4) AND "
                    "($5 = '' OR a.app = $5) ORDER BY a.id LIMIT $3"};

static const char *shown_state(str state)
{
    if (state.n == 0 || str_eq(state, STR("active")))
        return "connected";
    if (str_eq(state, STR("needs_reauth")))
        return "needs_reauth";
    if (str_eq(state, STR("unsure")))
        return "unsure";
    return str_eq(state, STR("revoking")) ? "revoking" : "revoked";
}

static void read_account(const struct rows *r, struct account *out)
{
    *out = (struct account){.id = row_text(r, 0),
                            .app = row_text(r, 1),
                            .client_key = row_text(r, 2),
                            .open_id = row_text(r, 3),
                            .union_id = row_text(r, 4),
                            .role = row_text(r, 5),
                            .display_name = row_text(r, 6),
                            .username = row_text(r, 7),
                            .avatar_url = row_text(r, 8),
                            .scopes = row_text(r, 9),
                            .end_reason = row_text(r, 10),
                            .state = shown_state(row_text(r, 11)),
                            .connected_ms = row_int(r, 12),
                            .good_ms = row_int(r, 13),
                            .profile_ms = row_int(r, 14),
                            .webhook_ms = row_int(r, 15),
                            .person = row_text(r, 16),
                            .person_name = row_text(r, 21)};
    if (str_eq(str_of(out->state), STR("revoked")))
        return; /* nothing runs out and nothing is due of what has ended */
    out->access_expires_ms = row_int(r, 17);
    out->refresh_expires_ms = row_int(r, 18);
    out->next_ms = row_int(r, 19);
    out->failures = row_int(r, 20);
}

static const struct sql account_webhook = {
    "accounts.webhook",
    "UPDATE accounts SET webhook_ms = $3 WHERE workspace_id = $1 AND id = $2 AND webhook_ms < $3"};

enum rc accounts_saw_webhook(struct tx *tx, str workspace, str account, int64_t at_ms, struct fault *why)
{
    return tx_exec(tx, &account_webhook, ARGS(V_TEXT(workspace), V_TEXT(account), V_INT(at_ms)), NULL, why);
}

enum rc accounts_load(struct tx *tx, str workspace, str id, struct arena *mem, struct account *out,
                      struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &account_one, ARGS(V_TEXT(workspace), V_TEXT(id)), mem, &r, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "accounts.missing", "no such account");
    if (rc == RC_OK)
        read_account(r, out);
    return rc;
}

enum rc db_account_list(struct tx *tx, const struct account_list *l, struct arena *mem, struct account **out,
                        size_t *n, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_query(tx, &account_page,
                          ARGS(V_TEXT(l->workspace), V_TEXT(text(l->after)), V_INT(l->limit),
                               V_TEXT(text(l->role)), V_TEXT(text(l->app))),
                          mem, &r, why);
    if (rc != RC_OK)
        return rc;
    struct account *list = arena_array(mem, struct account, rows_count(r) + 1);
    if (list == NULL)
        return fault_set(why, RC_FULL, "base.arena", "no room for the list");
    size_t count = 0;
    while (rows_next(r))
        read_account(r, &list[count++]);
    *out = list;
    *n = count;
    return RC_OK;
}

static const struct sql owners = {
    "accounts.owners",
    "/* exempt: TikTok names a person of an app, not a workspace */ "
    "SELECT workspace_id, id FROM accounts WHERE client_key = $1 AND open_id = $2 ORDER BY workspace_id, id"};

enum rc accounts_owners(struct tx *tx, str client_key, str open_id, struct arena *mem,
                        struct account_owner **out, size_t *n, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_query(tx, &owners, ARGS(V_TEXT(client_key), V_TEXT(open_id)), mem, &r, why);
    return rc == RC_OK ? read_owners(r, mem, out, n, why) : rc;
}

static const struct sql businesses = {
    "accounts.businesses",
    "/* exempt: the daily probe serves every workspace */ SELECT a.workspace_id, a.id FROM accounts a WHERE "
    "a.role = 'business' AND a.released_ms = 0 AND (a.workspace_id > $1 OR (a.workspace_id = $1 AND a.id > "
    "$2)) AND COALESCE((SELECT g.state FROM account_grants g WHERE g.workspace_id = a.workspace_id AND "
    "g.account_id = a.id ORDER BY g.id DESC LIMIT 1), 'active') IN ('active', 'unsure') "
    "ORDER BY a.workspace_id, a.id LIMIT $3"};

enum rc accounts_businesses(struct tx *tx, const struct account_owner *after_or_null, int64_t limit,
                            struct arena *mem, struct account_owner **out, size_t *n, struct fault *why)
{
    struct rows *r = NULL;
    struct account_owner after = {STR(""), STR("")};
    if (after_or_null != NULL)
        after = *after_or_null;
    enum rc rc = tx_query(tx, &businesses,
                          ARGS(V_TEXT(text(after.workspace)), V_TEXT(text(after.account)), V_INT(limit)), mem,
                          &r, why);
    return rc == RC_OK ? read_owners(r, mem, out, n, why) : rc;
}

/* ---- the operator's command names an account without its workspace ---- */
static const struct sql anywhere = {
    "accounts.anywhere",
    "/* exempt: the operator's command names an account alone */ SELECT workspace_id, id FROM accounts "
    "WHERE id = $1"};

static const struct sql everywhere = {
    "accounts.everywhere",
    "/* exempt: the operator's command lists all workspaces */ SELECT workspace_id, id FROM accounts WHERE "
    "($1 = '' OR workspace_id = $1) ORDER BY workspace_id, id LIMIT $2"};

enum rc db_accounts_anywhere(struct tx *tx, str workspace, int64_t limit, struct arena *mem,
                             struct account_owner **out, size_t *n, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_query(tx, &everywhere, ARGS(V_TEXT(text(workspace)), V_INT(limit)), mem, &r, why);
    return rc == RC_OK ? read_owners(r, mem, out, n, why) : rc;
}

enum rc db_account_anywhere(struct tx *tx, str id, struct arena *mem, struct account_owner *out,
                            struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &anywhere, ARGS(V_TEXT(id)), mem, &r, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "accounts.missing", "no such account");
    if (rc == RC_OK)
        *out = (struct account_owner){.workspace = row_text(r, 0), .account = row_text(r, 1)};
    return rc;
}

static const struct sql business_owner = {
    "accounts.business_owner",
    "/* exempt: a webhook names an open_id; its workspace is what is looked for */ "
    "SELECT workspace_id, id FROM accounts WHERE client_key = $1 AND open_id = $2 AND role = 'business' "
    "AND released_ms = 0"};

enum rc db_business_owner(struct tx *tx, str client_key, str open_id, struct arena *mem, str *workspace,
                          str *account, struct fault *why)
{
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &business_owner, ARGS(V_TEXT(client_key), V_TEXT(open_id)), mem, &r, why);
    if (rc != RC_OK)
        return rc;
    *workspace = row_text(r, 0);
    *account = row_text(r, 1);
    return RC_OK;
}
