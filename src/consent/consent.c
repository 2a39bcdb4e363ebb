/* The ledger: append with the chain, read a person's entries, walk the chain. As audit, but about persons,
 * who stand in it under a keyed pseudonym: without the key nobody can tell whether somebody is in it. */
#include "consent/consent_priv.h"

static const unsigned char first_prev[SHA256_BYTES];

enum rc consent_open(const struct consent_options *o, struct consent **out, struct fault *why)
{
    if (o->store == NULL || o->mac.derive == NULL)
        return fault_set(why, RC_BUG, "consent.options", "store or key missing");
    crypto_start();
    struct consent *c = mem_new(sizeof(*c));
    *c = (struct consent){o->store, o->log, o->mac};
    *out = c;
    return RC_OK;
}

void consent_close(struct consent **c)
{
    mem_free(*c);
    *c = NULL;
}

static void put_field(struct buf *b, str s)
{
    buf_put_i64(b, (int64_t)s.n);
    buf_put_c(b, ':');
    buf_put(b, s);
    buf_put_c(b, ',');
}

str consent_pseudonym(const struct consent *c, str workspace, const struct consent_subject *who,
                      struct arena *mem)
{
    unsigned char key[KEY_BYTES], mac[SHA256_BYTES];
    struct buf b;
    buf_init(&b, NULL, 4096);
    put_field(&b, who->client_key);
    put_field(&b, who->open_id);
    must(buf_ok(&b)); /* both are bounded where they are parsed */
    c->mac.derive(c->mac.arg, "consent.person", workspace, key);
    str text = buf_str(&b);
    hmac_once((struct secret){key, KEY_BYTES}, &text, 1, mac);
    wipe(key, sizeof(key));
    buf_release(&b);
    return hex_text(mem, mac, 16);
}

/* false: longer than consent_record allows, so it did not write it. */
static bool chain_hash(const unsigned char key[KEY_BYTES], str workspace, const struct consent_link *l,
                       unsigned char out[SHA256_BYTES])
{
    struct buf b;
    const struct consent_row *r = &l->r;
    buf_init(&b, NULL, 16384);
    put_field(&b, l->prev);
    put_field(&b, workspace);
    const int64_t numbers[] = {r->n, r->at_ms, r->shown_ms, (int64_t)r->act};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        buf_put_i64(&b, numbers[i]);
        buf_put_c(&b, ',');
    }
    const str fields[] = {r->pseudonym, r->flow,   r->text_version, r->text_sha256,
                          r->language,  r->scopes, r->attempt};
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        put_field(&b, fields[i]);
    bool fits = buf_ok(&b);
    str whole = buf_str(&b);
    if (fits)
        hmac_once((struct secret){key, KEY_BYTES}, &whole, 1, out);
    buf_release(&b);
    return fits;
}

static str or_empty(str s)
{
    return s.p == NULL ? STR("") : s;
}

static enum rc entry_of(struct consent *c, struct tx *tx, const struct consent_entry *e,
                        struct consent_link *l, struct fault *why)
{
    if (e->workspace.n == 0 || e->who.client_key.n == 0 || e->who.open_id.n == 0 || e->flow.n == 0)
        return fault_set(why, RC_BUG, "consent.empty", "workspace, person or flow is empty");
    if (e->who.client_key.n > 128 || e->who.open_id.n > 256 || e->flow.n > 64 || e->text_version.n > 64 ||
        e->language.n > 8 || e->scopes.n > 2048 || e->attempt.n > 64)
        return fault_set(why, RC_INVALID, "consent.long", "a field of flow " STR_FMT, STR_ARG(e->flow));
    if (e->act == CONSENT_GIVEN && (e->text_version.n == 0 || e->language.n == 0))
        return fault_set(why, RC_BUG, "consent.empty", "an agreement names the text shown and its language");
    l->r = (struct consent_row){.at_ms = tx_now_ms(tx),
                                .shown_ms = e->shown_ms == 0 ? tx_now_ms(tx) : e->shown_ms,
                                .act = e->act,
                                .pseudonym = consent_pseudonym(c, e->workspace, &e->who, tx_mem(tx)),
                                .flow = e->flow,
                                .text_version = or_empty(e->text_version),
                                .text_sha256 = e->text.n == 0 ? STR("") : sha256_hex(e->text, tx_mem(tx)),
                                .language = or_empty(e->language),
                                .scopes = or_empty(e->scopes),
                                .attempt = or_empty(e->attempt)};
    if (l->r.pseudonym.p == NULL || l->r.text_sha256.p == NULL)
        return fault_set(why, RC_FULL, "consent.full", "no room for an entry");
    return RC_OK;
}

enum rc consent_record(struct consent *c, struct tx *tx, const struct consent_entry *e, int64_t *n,
                       struct fault *why)
{
    struct consent_link l = {.prev = {(const char *)first_prev, sizeof(first_prev)}};
    enum rc rc = entry_of(c, tx, e, &l, why);
    if (rc == RC_OK)
        rc = store_stamp(tx, e->workspace, "consent", &l.r.n, why);
    if (rc != RC_OK)
        return rc;
    int64_t before = 0;
    rc = consent_db_last(tx, e->workspace, tx_mem(tx), &before, &l.prev, why);
    if (rc != RC_OK && rc != RC_MISSING)
        return rc;
    if (before + 1 != l.r.n)
        return fault_set(why, RC_BUG, "consent.gap", "entry %lld after %lld", (long long)l.r.n,
                         (long long)before);
    unsigned char key[KEY_BYTES], hash[SHA256_BYTES];
    c->mac.derive(c->mac.arg, "consent.chain", e->workspace, key);
    bool fits = chain_hash(key, e->workspace, &l, hash);
    wipe(key, sizeof(key));
    must(fits);
    l.hash = (str){(const char *)hash, sizeof(hash)};
    rc = consent_db_insert(tx, e->workspace, &l, why);
    if (rc != RC_OK)
        return rc;
    metric_add(&consent_metrics[CONSENT_M_ENTRIES], 1, e->act == CONSENT_GIVEN ? "given" : "withdrawn", NULL);
    if (n != NULL)
        *n = l.r.n;
    return RC_OK;
}

/* ---- reading ---- */

enum rc consent_list(struct consent *c, struct tx *tx, str workspace, const struct consent_subject *who,
                     struct arena *mem, struct consent_row **out, size_t *n, struct fault *why)
{
    str pseudonym = consent_pseudonym(c, workspace, who, mem);
    struct consent_link *l;
    size_t count;
    if (pseudonym.p == NULL)
        return fault_set(why, RC_FULL, "consent.full", "no room for a pseudonym");
    enum rc rc = consent_db_of(tx, workspace, pseudonym, mem, &l, &count, why);
    if (rc != RC_OK)
        return rc;
    struct consent_row *r = arena_array(mem, struct consent_row, count + 1);
    if (r == NULL)
        return fault_set(why, RC_FULL, "consent.full", "no room for consent entries");
    for (size_t i = 0; i < count; i++)
        r[i] = l[i].r;
    *out = r;
    *n = count;
    return RC_OK;
}

enum rc consent_of(struct consent *c, struct tx *tx, str workspace, const struct consent_subject *who,
                   struct arena *mem, struct consent_state *out, struct fault *why)
{
    struct consent_row *r;
    size_t n;
    enum rc rc = consent_list(c, tx, workspace, who, mem, &r, &n, why);
    return rc != RC_OK ? rc : consent_fold(r, n, mem, out, why);
}

/* ---- walking the chain ---- */

struct walk {
    str workspace;
    unsigned char key[KEY_BYTES], prev[SHA256_BYTES];
    int64_t n, bad_n;
    size_t page;
};

static bool fits(const struct walk *w, const struct consent_link *l)
{
    unsigned char hash[SHA256_BYTES];
    return l->r.n == w->n + 1 && l->prev.n == SHA256_BYTES && l->hash.n == SHA256_BYTES &&
           memcmp(l->prev.p, w->prev, SHA256_BYTES) == 0 && chain_hash(w->key, w->workspace, l, hash) &&
           equal_ct(hash, l->hash.p, SHA256_BYTES);
}

static enum rc walk_page(struct tx *tx, void *arg, struct fault *why)
{
    struct walk *w = arg;
    struct consent_link *l;
    enum rc rc = consent_db_page(tx, w->workspace, w->n, tx_mem(tx), &l, &w->page, why);
    for (size_t i = 0; rc == RC_OK && i < w->page && w->bad_n == 0; i++) {
        if (!fits(w, &l[i])) {
            w->bad_n = w->n + 1;
            break;
        }
        w->n = l[i].r.n;
        memcpy(w->prev, l[i].hash.p, SHA256_BYTES);
    }
    return rc;
}

enum rc consent_verify(struct consent *c, str workspace, int64_t *checked, int64_t *bad_n, struct fault *why)
{
    struct walk w = {.workspace = workspace};
    c->mac.derive(c->mac.arg, "consent.chain", workspace, w.key);
    enum rc rc;
    do {
        rc = store_read(c->store, walk_page, &w, why);
    } while (rc == RC_OK && w.page == CONSENT_PAGE && w.bad_n == 0);
    wipe(w.key, sizeof(w.key));
    if (rc != RC_OK)
        return rc;
    if (w.bad_n != 0) {
        metric_add(&consent_metrics[CONSENT_M_BROKEN], 1, NULL, NULL);
        log_event(c->log, LOG_ERROR, "consent.broken", F_ID("workspace", workspace), F_INT("entry", w.bad_n));
    }
    *checked = w.n;
    *bad_n = w.bad_n;
    return RC_OK;
}

/* ---- rows ---- */

const struct problem_row consent_problems[] = {
    {"consent.long", 422, "The consent could not be recorded",
     "A value of the record is longer than it may be.", "Please report the request id to the operator.",
     "ไม่สามารถบันทึกความยินยอมได้", "ค่าของบันทึกมีความยาวเกินกำหนด", "โปรดแจ้งรหัสคำขอแก่ผู้ดูแลระบบ"},
};
const size_t consent_problems_n = COUNT_OF(consent_problems);

const struct metric consent_metrics[] = {
    [CONSENT_M_ENTRIES] = {"mz_consent_entries_total", METRIC_COUNTER, "act",
                           "Entries of the consent ledger, counted before the commit of their transaction."},
    [CONSENT_M_BROKEN] = {"mz_consent_broken_total", METRIC_COUNTER, NULL,
                          "Verifications that found a ledger not whole."},
};
const size_t consent_metrics_n = COUNT_OF(consent_metrics);

const struct event_doc consent_event_docs[] = {
    {"consent.broken",
     "A verification found that a workspace's ledger is not whole; entry is the first that is wrong."},
};
const size_t consent_event_docs_n = COUNT_OF(consent_event_docs);
