/* The endpoint of a workspace and its signing secrets. Every change takes the endpoint's lock, as does a
 * delivery that finds no enabled endpoint, so that no event can slip between "switched on" and "nobody
 * there".
 */
#include "mozflow/mozflow_priv.h"

static struct keys_place place_of(str workspace, str id)
{
    return (struct keys_place){workspace, "mozflow_secrets", id, "sealed"};
}

enum rc mozflow_url_ok(const struct mozflow *m, str url, struct fault *why)
{
    struct fault inner = {0};
    if (url.n > 1024)
        return fault_set(why, RC_INVALID, "mozflow.url", "the URL is over 1,024 bytes");
    if (fetch_url_ok(m->o.fetch, FETCH_PUBLIC, url, &inner) != RC_OK)
        return fault_set(why, RC_INVALID, "mozflow.url", "%s", inner.detail);
    /* A name behind http:// is judged when it is looked up; without private networks it can never work. */
    if (str_starts(url, STR("http://")) && config_text(m->o.config, "fetch.allow_private").n == 0)
        return fault_set(why, RC_INVALID, "mozflow.url", "the URL must begin with https://");
    return RC_OK;
}

static enum rc secret_save(struct mozflow *m, struct tx *tx, str workspace, str text, struct fault *why)
{
    struct secret_row s = {.id = id_new(tx_mem(tx), "whs")};
    const struct keys_place at = place_of(workspace, s.id);
    const struct secret plain = {(const unsigned char *)text.p, text.n};
    enum rc rc = keys_seal(m->o.keys, tx, &at, plain, tx_mem(tx), &s.sealed, why);
    return rc == RC_OK ? mozflow_db_secret_insert(tx, workspace, &s, why) : rc;
}

static enum rc secret_make(struct mozflow *m, struct tx *tx, str workspace, struct arena *mem, str *shown,
                           struct fault *why)
{
    unsigned char key[MOZFLOW_SECRET_BYTES];
    struct buf b;
    random_bytes(key, sizeof key);
    buf_init(&b, mem, 128);
    buf_put(&b, STR("whsec_"));
    buf_put_base64(&b, key, sizeof key);
    wipe(key, sizeof key);
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "mozflow.memory", "no room for a secret");
    enum rc rc = secret_save(m, tx, workspace, buf_str(&b), why);
    if (rc == RC_OK)
        *shown = buf_str(&b);
    return rc;
}

static enum rc secret_given(struct mozflow *m, struct tx *tx, str workspace, str text, struct fault *why)
{
    struct arena *secret_mem = arena_open_secret(4096);
    struct secret key;
    bool good = mozflow_secret_parse(text, secret_mem, &key);
    arena_close(&secret_mem);
    if (!good)
        return fault_set(why, RC_INVALID, "mozflow.secret", "whsec_ and base64 of 24 to 64 bytes are wanted");
    enum rc rc = mozflow_db_secrets_end(tx, workspace, tx_now_ms(tx), why);
    return rc == RC_OK ? secret_save(m, tx, workspace, text, why) : rc;
}

enum rc mozflow_endpoint_save(struct mozflow *m, struct tx *tx, const struct mozflow_endpoint_set *e,
                              struct arena *mem, str *shown, struct fault *why)
{
    struct secret_row *list;
    size_t n;
    str made = STR_NONE;
    enum rc rc = store_lock(tx, e->workspace, MOZFLOW_LOCK, STR("-"), why);
    if (rc == RC_OK)
        rc = mozflow_db_endpoint_save(tx, e->workspace, e->url, e->enabled, why);
    if (rc == RC_OK)
        rc = mozflow_db_secrets(tx, e->workspace, tx_mem(tx), &list, &n, why);
    if (rc != RC_OK)
        return rc;
    if (e->secret.n > 0)
        rc = secret_given(m, tx, e->workspace, e->secret, why);
    else if (n == 0)
        rc = secret_make(m, tx, e->workspace, mem, &made, why);
    if (rc == RC_OK && e->enabled) {
        const struct job_new release = {.kind = "mozflow.release",
                                        .workspace = e->workspace,
                                        .key = STR("mozflow.release"),
                                        .unique = STR("release")};
        rc = jobs_put(tx, &release, why);
    }
    if (rc == RC_OK)
        *shown = made;
    return rc;
}

enum rc mozflow_rotate(struct mozflow *m, struct tx *tx, str workspace, struct arena *mem, str *shown,
                       struct fault *why)
{
    struct endpoint_row ep;
    struct secret_row *list;
    size_t n;
    enum rc rc = store_lock(tx, workspace, MOZFLOW_LOCK, STR("-"), why);
    if (rc == RC_OK)
        rc = mozflow_db_endpoint(tx, workspace, tx_mem(tx), &ep, why);
    if (rc == RC_OK)
        rc = mozflow_db_secrets(tx, workspace, tx_mem(tx), &list, &n, why);
    if (rc != RC_OK)
        return rc;
    if (!ep.known)
        return fault_set(why, RC_MISSING, "mozflow.no_endpoint", "this workspace has no endpoint yet");
    if (n >= MOZFLOW_SECRETS_MAX)
        return fault_set(why, RC_CONFLICT, "mozflow.too_many_secrets", "%d secrets are active",
                         MOZFLOW_SECRETS_MAX);
    int64_t until = tx_now_ms(tx) + config_int(m->o.config, "mozflow.rotation_hours") * 3600000;
    if ((rc = mozflow_db_secrets_end(tx, workspace, until, why)) != RC_OK)
        return rc;
    return secret_make(m, tx, workspace, mem, shown, why);
}

enum rc mozflow_keys_of(struct mozflow *m, struct tx *tx, str workspace, struct arena *secret_mem,
                        struct secret keys[MOZFLOW_SECRETS_MAX], size_t *n, struct fault *why)
{
    struct secret_row *list;
    size_t count, used = 0;
    enum rc rc = mozflow_db_secrets(tx, workspace, secret_mem, &list, &count, why);
    if (planted("mozflow.newest_secret_only") && count > 1)
        count = 1;
    for (size_t i = 0; i < count && rc == RC_OK && used < MOZFLOW_SECRETS_MAX; i++) {
        const struct keys_place at = place_of(workspace, list[i].id);
        struct secret text;
        rc = keys_unseal(m->o.keys, tx, &at, list[i].sealed, secret_mem, &text, why);
        if (rc == RC_OK &&
            !mozflow_secret_parse((str){(const char *)text.p, text.n}, secret_mem, &keys[used++]))
            rc = fault_set(why, RC_BUG, "mozflow.secret", "a stored secret cannot be read");
    }
    if (rc == RC_OK && used == 0)
        rc = fault_set(why, RC_BUG, "mozflow.no_secret", "the endpoint has no secret");
    if (rc == RC_OK)
        *n = used;
    return rc;
}
