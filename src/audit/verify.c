/* Walking a chain from its first entry to its newest, page by page, each page in a read of its own: entries
 * that are appended meanwhile are simply checked too. The first entry that does not fit ends the walk. */
#include "audit/audit_priv.h"

struct walk {
    const struct audit *a;
    str workspace;
    const struct audit_head *kept;
    unsigned char key[KEY_BYTES], prev[SHA256_BYTES];
    int64_t n, bad_n;
    bool kept_seen;
    size_t page;
};

static bool fits(struct walk *w, const struct audit_link *l)
{
    unsigned char hash[SHA256_BYTES];
    return l->n == w->n + 1 && l->prev.n == SHA256_BYTES && l->hash.n == SHA256_BYTES &&
           memcmp(l->prev.p, w->prev, SHA256_BYTES) == 0 && audit_hash(w->key, w->workspace, l, hash) &&
           equal_ct(hash, l->hash.p, SHA256_BYTES);
}

static bool as_kept(const struct walk *w, const struct audit_link *l)
{
    unsigned char kept[SHA256_BYTES];
    return hex_parse(str_of(w->kept->hash), kept, sizeof(kept)) && equal_ct(kept, l->hash.p, SHA256_BYTES);
}

static enum rc walk_page(struct tx *tx, void *arg, struct fault *why)
{
    struct walk *w = arg;
    struct audit_link *l;
    enum rc rc = audit_db_page(tx, w->workspace, w->n, tx_mem(tx), &l, &w->page, why);
    for (size_t i = 0; rc == RC_OK && i < w->page && w->bad_n == 0; i++) {
        bool held = w->kept == NULL || w->kept->n != l[i].n;
        if (!fits(w, &l[i]) || (!held && !as_kept(w, &l[i]))) {
            w->bad_n = w->n + 1;
            break;
        }
        w->kept_seen = w->kept_seen || !held;
        w->n = l[i].n;
        memcpy(w->prev, l[i].hash.p, SHA256_BYTES);
    }
    return rc;
}

static void report(const struct audit *a, const struct walk *w)
{
    metric_add(&audit_metrics[AUDIT_M_BROKEN], 1, NULL, NULL);
    log_event(a->log, LOG_ERROR, "audit.broken", F_ID("workspace", w->workspace), F_INT("entry", w->bad_n));
}

enum rc audit_verify(struct audit *a, str workspace, const struct audit_head *kept, struct audit_verdict *out,
                     struct fault *why)
{
    struct walk w = {.a = a, .workspace = workspace, .kept = kept != NULL && kept->n > 0 ? kept : NULL};
    a->mac.derive(a->mac.arg, AUDIT_LABEL, workspace, w.key);
    enum rc rc;
    do {
        rc = store_read(a->store, walk_page, &w, why);
    } while (rc == RC_OK && w.page == AUDIT_PAGE && w.bad_n == 0);
    wipe(w.key, sizeof(w.key));
    if (rc != RC_OK)
        return rc;
    if (w.bad_n == 0 && w.kept != NULL && !w.kept_seen)
        w.bad_n = w.n + 1; /* the tail up to the kept head is gone */
    *out =
        (struct audit_verdict){.whole = w.bad_n == 0, .checked = w.n, .bad_n = w.bad_n, .head = {.n = w.n}};
    struct buf hex;
    buf_init(&hex, NULL, 2 * SHA256_BYTES);
    buf_put_hex(&hex, w.prev, sizeof(w.prev));
    must(buf_ok(&hex));
    if (w.n > 0)
        memcpy(out->head.hash, hex.p, hex.n);
    buf_release(&hex);
    if (!out->whole)
        report(a, &w);
    return RC_OK;
}
