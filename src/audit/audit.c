/* The chain: audit_put appends, audit_verify walks it from the first entry to the newest.
 *
 * An entry's hash covers the hash before it, so a change anywhere needs the key to hide. Numbers have no
 * gaps: a stamp that was rolled back gives its number back with the transaction. What can go wrong: detail
 * that is no JSON object or too long is RC_INVALID, and with it the act that it belongs to.
 */
#include "audit/audit_priv.h"

static const unsigned char first_prev[SHA256_BYTES]; /* what stands before entry 1 */

static void put_field(struct buf *b, str s)
{
    buf_put_i64(b, (int64_t)s.n);
    buf_put_c(b, ':');
    buf_put(b, s);
    buf_put_c(b, ',');
}

bool audit_hash(const unsigned char key[KEY_BYTES], str workspace, const struct audit_link *l,
                unsigned char out[SHA256_BYTES])
{
    struct buf b;
    buf_init(&b, NULL, 16384);
    put_field(&b, l->prev);
    put_field(&b, workspace);
    buf_put_i64(&b, l->n);
    buf_put_c(&b, ',');
    buf_put_i64(&b, l->at_ms);
    buf_put_c(&b, ',');
    const str fields[] = {l->actor, l->action, l->object, l->detail, l->address, l->request};
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        put_field(&b, fields[i]);
    bool fits =
        buf_ok(&b); /* audit_put bounds every field; a stored row that is longer was not written by it */
    str whole = buf_str(&b);
    if (fits)
        hmac_once((struct secret){key, KEY_BYTES}, &whole, 1, out);
    buf_release(&b);
    return fits;
}

enum rc audit_open(const struct audit_options *o, struct audit **out, struct fault *why)
{
    if (o->store == NULL || o->mac.derive == NULL)
        return fault_set(why, RC_BUG, "audit.options", "store or key missing");
    struct audit *a = mem_new(sizeof(*a));
    *a = (struct audit){o->store, o->log, o->mac};
    *out = a;
    return RC_OK;
}

void audit_close(struct audit **a)
{
    mem_free(*a);
    *a = NULL;
}

static bool detail_fits(struct tx *tx, str detail)
{
    const struct json *j;
    return detail.n <= AUDIT_DETAIL_MAX && json_parse(detail, NULL, tx_mem(tx), &j, NULL) == RC_OK &&
           j->type == JSON_OBJ;
}

static enum rc check(struct tx *tx, const struct audit_entry *e, str detail, struct fault *why)
{
    if (e->workspace.n == 0 || e->actor.n == 0 || e->action.n == 0)
        return fault_set(why, RC_BUG, "audit.empty", "workspace, actor or action is empty");
    if (e->actor.n > 128 || e->action.n > 96 || e->object.n > 128 || e->address.n > 64 || e->request.n > 128)
        return fault_set(why, RC_INVALID, "audit.long", "a field of " STR_FMT, STR_ARG(e->action));
    if (!detail_fits(tx, detail))
        return fault_set(why, RC_INVALID, "audit.detail", STR_FMT ": no JSON object of at most 2 KiB",
                         STR_ARG(e->action));
    return RC_OK;
}

static str or_empty(str s)
{
    return s.p == NULL ? STR("") : s;
}

enum rc audit_put(struct audit *a, struct tx *tx, const struct audit_entry *e, struct fault *why)
{
    str detail = e->detail.n == 0 ? STR("{}") : e->detail;
    struct audit_link l = {.at_ms = tx_now_ms(tx),
                           .actor = e->actor,
                           .action = e->action,
                           .object = or_empty(e->object),
                           .detail = detail,
                           .address = or_empty(e->address),
                           .request = or_empty(e->request),
                           .prev = {(const char *)first_prev, sizeof(first_prev)}};
    enum rc rc = check(tx, e, detail, why);
    if (rc != RC_OK)
        return rc;
    rc = store_stamp(tx, e->workspace, "audit", &l.n, why);
    if (rc != RC_OK)
        return rc;
    /* The stamp holds the chain until we end, so the newest entry is the one before ours. */
    int64_t before = 0;
    rc = audit_db_last(tx, e->workspace, tx_mem(tx), &before, &l.prev, why);
    if (rc != RC_OK && rc != RC_MISSING)
        return rc;
    if (before + 1 != l.n)
        return fault_set(why, RC_BUG, "audit.gap", "entry %lld after %lld", (long long)l.n,
                         (long long)before);
    unsigned char key[KEY_BYTES], hash[SHA256_BYTES];
    a->mac.derive(a->mac.arg, AUDIT_LABEL, e->workspace, key);
    bool fits = audit_hash(key, e->workspace, &l, hash);
    wipe(key, sizeof(key));
    must(fits);
    l.hash = (str){(const char *)hash, sizeof(hash)};
    rc = audit_db_insert(tx, e->workspace, &l, why);
    if (rc == RC_OK)
        metric_add(&audit_metrics[AUDIT_M_ENTRIES], 1, NULL, NULL);
    return rc;
}

/* ---- reading ---- */

enum rc audit_find(struct tx *tx, const struct audit_query *q, struct arena *mem, struct audit_row **out,
                   size_t *n, struct fault *why)
{
    struct audit_link *l;
    size_t count;
    enum rc rc = audit_db_list(tx, q, mem, &l, &count, why);
    if (rc != RC_OK)
        return rc;
    struct audit_row *r = arena_array(mem, struct audit_row, count + 1);
    if (r == NULL)
        return fault_set(why, RC_FULL, "audit.full", "no room for %zu entries", count);
    for (size_t i = 0; i < count; i++) {
        r[i] = (struct audit_row){.n = l[i].n,
                                  .at_ms = l[i].at_ms,
                                  .actor = l[i].actor,
                                  .action = l[i].action,
                                  .object = l[i].object,
                                  .detail = l[i].detail,
                                  .address = l[i].address,
                                  .request = l[i].request,
                                  .hash = hex_text(mem, l[i].hash.p, l[i].hash.n)};
        if (r[i].hash.p == NULL)
            return fault_set(why, RC_FULL, "audit.full", "no room for %zu entries", count);
    }
    *out = r;
    *n = count;
    return RC_OK;
}

enum rc audit_list(struct tx *tx, str workspace, int64_t before, int limit, struct arena *mem,
                   struct audit_row **out, size_t *n, struct fault *why)
{
    must(limit > 0 && limit <= 200);
    return audit_find(tx, &(struct audit_query){.workspace = workspace, .before = before, .limit = limit},
                      mem, out, n, why);
}

static enum rc head_of(int64_t n, str hash, struct audit_head *out, struct fault *why)
{
    struct buf hex;
    if (hash.n != SHA256_BYTES)
        return fault_set(why, RC_BUG, "audit.hash", "entry %lld has a hash of %zu bytes", (long long)n,
                         hash.n);
    buf_init(&hex, NULL, 2 * SHA256_BYTES);
    buf_put_hex(&hex, hash.p, hash.n);
    must(buf_ok(&hex) && hex.n == 2 * SHA256_BYTES);
    *out = (struct audit_head){.n = n};
    memcpy(out->hash, hex.p, hex.n);
    buf_release(&hex);
    return RC_OK;
}

enum rc audit_head(struct tx *tx, str workspace, struct audit_head *out, struct fault *why)
{
    int64_t n;
    str hash;
    enum rc rc = audit_db_last(tx, workspace, tx_mem(tx), &n, &hash, why);
    if (rc == RC_MISSING) {
        *out = (struct audit_head){0};
        return RC_OK;
    }
    return rc != RC_OK ? rc : head_of(n, hash, out, why);
}
