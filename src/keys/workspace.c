/* A workspace's data key: found or made inside the caller's transaction, then used.
 *
 * Which key is active is asked of the database each time, because a key made in a transaction that goes back
 * must not live on in memory: a later value sealed under it could never be opened. Memory only saves the
 * unwrapping; it is keyed by the key's random id, so a leftover there is harmless.
 */
#include "keys/keys_priv.h"

static struct wrapped wrapped_of(const struct key_row *r)
{
    return (struct wrapped){.kind = "data", .owner = r->workspace, .id = r->id, .bytes = r->bytes};
}

static enum rc unwrap(struct keys *k, const struct key_row *r, struct seal_key *out, struct fault *why)
{
    if (vault_find(k->vault, r->id, out))
        return RC_OK;
    struct wrapped w = wrapped_of(r);
    enum rc rc = kek_unwrap(&k->locked->kek, &w, out, why);
    if (rc == RC_OK)
        vault_put(k->vault, r->id, out);
    return rc;
}

static enum rc insert_new(struct keys *k, struct tx *tx, str workspace, struct fault *why)
{
    struct seal_key fresh;
    key_new("dek", &fresh);
    struct wrapped w = {.kind = "data", .owner = workspace, .id = key_id(&fresh)};
    enum rc rc = kek_wrap(&k->locked->kek, &w, &fresh, tx_mem(tx), why);
    if (rc == RC_OK) {
        struct key_row r = {
            .workspace = workspace, .id = w.id, .kek = key_id(&k->locked->kek.primary), .bytes = w.bytes};
        rc = keys_db_insert(tx, &r, true, why);
    }
    wipe(&fresh, sizeof(fresh));
    return rc;
}

static enum rc active(struct keys *k, struct tx *tx, str workspace, struct seal_key *out, struct fault *why)
{
    struct key_row r;
    enum rc rc = keys_db_active(tx, workspace, tx_mem(tx), &r, why);
    if (rc == RC_MISSING) {
        rc = insert_new(k, tx, workspace, why);
        if (rc == RC_OK) /* ours, or the one of who was faster */
            rc = keys_db_active(tx, workspace, tx_mem(tx), &r, why);
    }
    return rc != RC_OK ? rc : unwrap(k, &r, out, why);
}

enum rc keys_seal(struct keys *k, struct tx *tx, const struct keys_place *at, struct secret plain,
                  struct arena *mem, str *out, struct fault *why)
{
    must(at->workspace.n > 0 && at->row.n > 0);
    if (!keys_declared(k, at))
        return fault_set(why, RC_BUG, "keys.undeclared", "%s.%s is in no table of sealed columns", at->table,
                         at->column);
    struct seal_key key;
    enum rc rc = active(k, tx, at->workspace, &key, why);
    if (rc != RC_OK)
        return rc;
    const str ad[] = {at->workspace, str_of(at->table), at->row, str_of(at->column), key_id(&key)};
    rc = seal(&key, ad, planted("keys.no_place") ? 0 : COUNT_OF(ad), plain, mem, out, why);
    wipe(&key, sizeof(key));
    return rc;
}

enum rc keys_unseal(struct keys *k, struct tx *tx, const struct keys_place *at, str sealed,
                    struct arena *secret_mem, struct secret *out, struct fault *why)
{
    str id;
    if (!sealed_key_id(sealed, &id) || !id_valid(id, "dek"))
        return fault_set(why, RC_DENIED, "crypto.open", "not a value sealed by this room");
    struct seal_key key;
    if (!vault_find(k->vault, id, &key)) {
        struct key_row r;
        enum rc rc = keys_db_find(tx, at->workspace, id, tx_mem(tx), &r, why);
        if (rc == RC_MISSING)
            return fault_set(why, RC_MISSING, "keys.destroyed", "no key " STR_FMT, STR_ARG(id));
        if (rc == RC_OK && r.retired_ms != 0 && !planted("keys.accept_retired")) {
            metric_add(&keys_metrics[KEYS_M_REFUSED], 1, at->table, NULL);
            rc = fault_set(why, RC_DENIED, "keys.retired", "key " STR_FMT " is retired", STR_ARG(id));
        }
        if (rc == RC_OK)
            rc = unwrap(k, &r, &key, why);
        if (rc != RC_OK)
            return rc;
    }
    const str ad[] = {at->workspace, str_of(at->table), at->row, str_of(at->column), id};
    enum rc rc =
        open_sealed(&key, ad, planted("keys.no_place") ? 0 : COUNT_OF(ad), sealed, secret_mem, out, why);
    wipe(&key, sizeof(key));
    if (rc == RC_DENIED)
        metric_add(&keys_metrics[KEYS_M_REFUSED], 1, at->table, NULL);
    return rc;
}

bool keys_stale(struct keys *k, struct tx *tx, str workspace, str sealed)
{
    (void)k;
    str id;
    struct key_row r;
    return sealed_key_id(sealed, &id) && keys_db_active(tx, workspace, tx_mem(tx), &r, NULL) == RC_OK &&
           !str_eq(id, r.id);
}

enum rc keys_rotate(struct keys *k, struct tx *tx, str workspace, struct fault *why)
{
    enum rc rc = store_lock(tx, workspace, "data_key", workspace, why);
    if (rc == RC_OK)
        rc = keys_db_stop(tx, workspace, why);
    return rc != RC_OK ? rc : insert_new(k, tx, workspace, why);
}

enum rc keys_destroy(struct keys *k, struct tx *tx, str workspace, struct fault *why)
{
    struct rows *r;
    must(!str_eq(workspace, STR("-"))); /* the installation's root stands there */
    enum rc rc = keys_db_ids(tx, workspace, tx_mem(tx), &r, why);
    while (rc == RC_OK && rows_next(r))
        vault_forget(k->vault, row_text(r, 0));
    return rc != RC_OK ? rc : keys_db_delete(tx, workspace, why);
}
