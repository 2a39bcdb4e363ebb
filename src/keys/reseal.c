/* One page of a rotation: rows of one sealed column are looked at in order; a value under an old key is
 * opened and sealed under the active one, if it is still the same value. Readers never notice: old and new
 * open at any moment. What can go wrong: a value does not open at all; then its key never retires and an
 * alert says so. A value that was sealed under the old key by a transaction that was still running is found
 * by the second scan, which begins a minute after the first that found nothing.
 */
#include "keys/rotate_priv.h"

enum { OPENED_BYTES = 256 * 1024, AGAIN_MS = 3600000 };

void keys_columns_are(struct keys *k, struct audit *audit, const struct keys_columns *tables, size_t n)
{
    k->audit = audit;
    k->tables = tables;
    k->n_tables = n;
}

/* The i-th of all columns; NULL past the end. */
static const struct keys_column *column_at(const struct keys *k, int64_t i)
{
    for (size_t t = 0; t < k->n_tables; t++) {
        if (i < (int64_t)k->tables[t].n)
            return &k->tables[t].rows[i];
        i -= (int64_t)k->tables[t].n;
    }
    return NULL;
}

bool keys_declared(const struct keys *k, const struct keys_place *at)
{
    const struct keys_column *c;
    for (int64_t i = 0; (c = column_at(k, i)) != NULL; i++)
        if (strcmp(c->table, at->table) == 0 && strcmp(c->column, at->column) == 0)
            return true;
    return k->n_tables == 0; /* unit tests of rooms have none */
}

/* ---- one value ---- */
struct value {
    const struct keys_column *column;
    str row, sealed;
    struct arena *mem; /* secret */
};

static enum rc reseal_value(struct tx *tx, struct reseal *r, const struct value *v, struct fault *why)
{
    const struct keys_place at = {r->workspace, v->column->table, v->row, v->column->column};
    struct secret plain;
    str fresh;
    int64_t changed;
    enum rc rc = keys_unseal(r->k, tx, &at, v->sealed, v->mem, &plain, why);
    if (rc == RC_DENIED || rc == RC_MISSING) {
        r->page_unreadable++;
        log_event(r->k->log, LOG_ERROR, "keys.unreadable", F_ID("workspace", r->workspace),
                  F_STR("table", str_of(v->column->table)), F_ID("row", v->row), F_FAULT(why));
        return RC_OK;
    }
    if (rc == RC_OK)
        rc = keys_seal(r->k, tx, &at, plain, tx_mem(tx), &fresh, why);
    if (rc == RC_OK)
        rc = tx_exec(tx, v->column->swap,
                     ARGS(V_BYTES(fresh), V_TEXT(r->workspace), V_TEXT(v->row), V_BYTES(v->sealed)), &changed,
                     why);
    if (rc == RC_OK)
        r->page_resealed++; /* or somebody wrote a newer value meanwhile: the next scan looks at that */
    return rc;
}

/* ---- a page ---- */
static void next_column(struct rotation *at)
{
    at->col++;
    at->after = STR("");
}

static enum rc scan_rows(struct tx *tx, struct reseal *r, str active, struct fault *why)
{
    struct value v = {.column = column_at(r->k, r->at.col), .mem = arena_open_secret(OPENED_BYTES)};
    struct rows *rows;
    size_t looked = 0;
    enum rc rc =
        tx_query(tx, v.column->scan, ARGS(V_TEXT(r->workspace), V_TEXT(r->at.after), V_INT(RESEAL_SCAN)),
                 tx_mem(tx), &rows, why);
    while (rc == RC_OK && r->page_resealed < RESEAL_ROWS && rows_next(rows)) {
        str id;
        v.row = row_text(rows, 0);
        v.sealed = row_text(rows, 1);
        looked++;
        r->at.after = v.row;
        if (sealed_key_id(v.sealed, &id) && str_eq(id, active))
            continue;
        r->at.found++;
        rc = reseal_value(tx, r, &v, why);
        arena_reset(v.mem);
    }
    arena_close(&v.mem);
    if (rc == RC_OK && looked == rows_count(rows) && looked < RESEAL_SCAN)
        next_column(&r->at);
    return rc;
}

static enum rc note_retired(struct tx *tx, struct reseal *r, int64_t n, struct fault *why)
{
    const struct audit_entry e = {.workspace = r->workspace,
                                  .actor = STR("system"),
                                  .action = STR("keys.retired"),
                                  .object = r->workspace,
                                  .detail = arena_fmt(tx_mem(tx), "{\"keys\":%lld}", (long long)n)};
    return r->k->audit != NULL ? audit_put(r->k->audit, tx, &e, why) : RC_OK;
}

/* The end of a whole scan. */
static enum rc scan_over(struct tx *tx, struct reseal *r, int64_t *retired, struct fault *why)
{
    int64_t now = tx_now_ms(tx), found = r->at.found;
    enum rc rc = RC_OK;
    r->at.col = 0;
    r->at.after = STR("");
    r->at.found = 0;
    if (found > 0) {
        r->at.clean_ms = 0;
        if (found > r->at.unreadable)
            return RC_OK; /* at once from the start */
        r->next = RESEAL_WAIT;
        r->wait_ms = now + AGAIN_MS;
        return jobs_alert(tx, r->workspace, "keys.unreadable", r->workspace, found, why);
    }
    if (r->at.clean_ms == 0) {
        r->at.clean_ms = now;
        r->next = RESEAL_WAIT;
        r->wait_ms = now + r->k->grace_ms;
        return RC_OK;
    }
    rc = keys_db_retire(tx, r->workspace, r->at.clean_ms, retired, why);
    r->at.done_ms = now;
    r->next = RESEAL_DONE;
    return rc;
}

static bool too_early(struct tx *tx, struct reseal *r)
{
    bool between = r->at.clean_ms > 0 && r->at.col == 0 && r->at.after.n == 0;
    r->next = RESEAL_WAIT;
    r->wait_ms = r->at.clean_ms + r->k->grace_ms;
    return between && tx_now_ms(tx) < r->wait_ms;
}

static enum rc go_on(struct tx *tx, struct reseal *r, struct fault *why)
{
    struct key_row active;
    int64_t retired = 0;
    bool first = r->at.col == 0 && r->at.after.n == 0;
    enum rc rc = keys_db_active(tx, r->workspace, tx_mem(tx), &active, why);
    r->next = RESEAL_MORE;
    if (first)
        r->at.unreadable = 0;
    if (rc == RC_OK)
        rc = scan_rows(tx, r, active.id, why);
    r->at.resealed += r->page_resealed;
    r->at.unreadable += r->page_unreadable;
    if (rc == RC_OK && column_at(r->k, r->at.col) == NULL)
        rc = scan_over(tx, r, &retired, why);
    if (rc == RC_OK)
        rc = keys_db_rotation_save(tx, &r->at, why);
    return rc == RC_OK && retired > 0 ? note_retired(tx, r, retired, why) : rc;
}

enum rc keys_reseal_page(struct tx *tx, void *arg, struct fault *why)
{
    struct reseal *r = arg;
    must(r->k->n_tables > 0); /* without columns every scan would find nothing */
    r->page_resealed = r->page_unreadable = 0;
    enum rc rc = store_lock(tx, r->workspace, "data_key", r->workspace, why);
    if (rc == RC_OK)
        rc = keys_db_rotation(tx, r->workspace, &r->at, why);
    if (rc == RC_MISSING || (rc == RC_OK && r->at.done_ms > 0)) {
        r->next = RESEAL_DONE;
        return RC_OK;
    }
    if (rc != RC_OK || too_early(tx, r))
        return rc;
    return go_on(tx, r, why);
}

enum rc keys_rotate_start(struct keys *k, struct tx *tx, str workspace, struct fault *why)
{
    const struct rotation r = {.workspace = workspace, .after = STR(""), .started_ms = tx_now_ms(tx)};
    enum rc rc = keys_rotate(k, tx, workspace, why);
    return rc == RC_OK ? keys_db_rotation_save(tx, &r, why) : rc;
}

static enum rc list_old(struct tx *tx, void *arg, struct fault *why)
{
    struct reseal *r = arg;
    struct rows *rows;
    enum rc rc = keys_db_old_ids(tx, r->workspace, tx_mem(tx), &rows, why);
    while (rc == RC_OK && rows_next(rows))
        vault_forget(r->k->vault, row_text(rows, 0));
    return rc;
}

void keys_forget_old(struct keys *k, str workspace)
{
    struct reseal r = {.k = k, .workspace = workspace};
    struct fault why = {0};
    if (store_read(k->store, list_old, &r, &why) != RC_OK) /* they leave by themselves after 5 s */
        log_event(k->log, LOG_WARN, "keys.tick", F_FAULT(&why));
}
