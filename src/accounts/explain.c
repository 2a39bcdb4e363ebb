/* The story of one account: since when it is connected, how it stands, the newest lines of its timeline. */
#include "accounts/grants_priv.h"

enum { LINES = 40 }; /* of 64 steps: an account is told after the attempt that connected it */

static enum rc explain_account(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why)
{
    struct account a;
    struct timeline_entry *lines;
    size_t n = 0;
    const struct timeline_page page = {.workspace = workspace, .account = id, .limit = LINES};
    enum rc rc = accounts_load(tx, workspace, id, out->mem, &a, why);
    if (rc == RC_OK)
        rc = accounts_timeline(tx, &page, out->mem, &lines, &n, why);
    if (rc != RC_OK)
        return rc;
    explain_add(out, a.connected_ms,
                EXPLAIN(out, "Account " STR_FMT " was connected through app " STR_FMT "; it is %s now.",
                        "เชื่อมต่อบัญชี " STR_FMT " ผ่านแอป " STR_FMT " ขณะนี้มีสถานะ %s"),
                STR_ARG(id), STR_ARG(a.client_key), a.state);
    for (size_t i = n; i > 0; i--) { /* newest first there */
        const struct timeline_entry *e = &lines[i - 1];
        const char *words = EXPLAIN(out, e->words->en, e->words->th);
        if (e->tiktok_code != 0 || e->log_id.n > 0)
            explain_add(out, e->at_ms,
                        EXPLAIN(out, "%s TikTok's code %lld, log id " STR_FMT ".",
                                "%s รหัสของ TikTok คือ %lld รหัสบันทึก " STR_FMT),
                        words, (long long)e->tiktok_code, STR_ARG(e->log_id));
        else
            explain_add(out, e->at_ms, "%s", words);
    }
    return RC_OK;
}

const struct explain_row accounts_explain[] = {
    {"acc_", explain_account, "A connected account: since when, how it stands, its timeline."},
};
const size_t accounts_explain_n = COUNT_OF(accounts_explain);
