/* SQL of room feed. The newest row of a workspace is never tidied away, so the head is always known. */
#include "feed/feed_priv.h"

static const struct migration rows[] = {
    {1100, "feed of live changes",
     "CREATE TABLE feed (\n"
     "  workspace_id @TEXT NOT NULL, n @INT64 NOT NULL, topic @TEXT NOT NULL, ref @TEXT, at_ms @INT64 NOT "
     "NULL,\n"
     "  PRIMARY KEY (workspace_id, n)\n"
     ") @TABLE;\n"
     "CREATE INDEX feed_age ON feed (at_ms)",
     0},
};
const struct migration_table feed_migrations = {"feed", rows, COUNT_OF(rows)};

static const struct sql put = {
    "feed.put", "INSERT INTO feed (workspace_id, n, topic, ref, at_ms) VALUES ($1, $2, $3, $4, $5)"};
static const struct sql after = {
    "feed.after",
    "SELECT n, topic, ref, at_ms FROM feed WHERE workspace_id = $1 AND n > $2 ORDER BY n LIMIT $3"};
static const struct sql ends = {"feed.ends", "SELECT MIN(n), MAX(n) FROM feed WHERE workspace_id = $1"};
static const struct sql tidy = {
    "feed.tidy", "/* exempt: tidying by age, whosever it is */ DELETE FROM feed WHERE (workspace_id, n) IN"
                 " (SELECT f.workspace_id, f.n FROM feed f WHERE f.at_ms < $1 AND EXISTS"
                 " (SELECT 1 FROM feed newer WHERE newer.workspace_id = f.workspace_id AND newer.n > f.n)"
                 " ORDER BY f.at_ms LIMIT $2)"};

enum rc feed_db_put(struct tx *tx, str workspace, const struct feed_change *c, struct fault *why)
{
    return tx_exec(tx, &put,
                   ARGS(V_TEXT(workspace), V_INT(c->n), V_TEXT(c->topic), V_TEXT(c->ref), V_INT(c->at_ms)),
                   NULL, why);
}

enum rc feed_db_after(struct tx *tx, str workspace, int64_t from, int limit, struct arena *mem,
                      struct rows **out, struct fault *why)
{
    return tx_query(tx, &after, ARGS(V_TEXT(workspace), V_INT(from), V_INT(limit)), mem, out, why);
}

enum rc feed_db_ends(struct tx *tx, str workspace, struct feed_ends *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = tx_one(tx, &ends, ARGS(V_TEXT(workspace)), tx_mem(tx), &r, why);
    if (rc == RC_OK)
        *out = (struct feed_ends){row_int(r, 0), row_int(r, 1)};
    return rc;
}

enum rc feed_db_tidy(struct tx *tx, int64_t before_ms, int64_t *gone, struct fault *why)
{
    return tx_exec(tx, &tidy, ARGS(V_INT(before_ms), V_INT(FEED_TIDY_ROWS)), gone, why);
}
