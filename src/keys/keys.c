/* The room itself: open, the thread that keeps the day keys and re-wraps, the keyed hashes.
 *
 * Opening proves that the KEK is the right one by opening the installation's root, a data key that never
 * changes and from which fingerprints, indexes and chain keys are derived.
 */
#include <errno.h>
#include "keys/keys_priv.h"

/* ---- the root of all keyed hashes ---- */

static const char root_id[] = "root";

static enum rc root_make(struct tx *tx, void *arg, struct fault *why)
{
    struct keys *k = arg;
    struct seal_key root = {.id = "root"};
    struct key_row r;
    enum rc rc = keys_db_find(tx, STR("-"), STR("root"), tx_mem(tx), &r, why);
    if (rc == RC_MISSING) {
        random_bytes(root.key, KEY_BYTES);
        struct wrapped w = {.kind = "data", .owner = STR("-"), .id = str_of(root_id)};
        rc = kek_wrap(&k->locked->kek, &w, &root, tx_mem(tx), why);
        if (rc == RC_OK)
            rc = keys_db_insert(tx,
                                &(struct key_row){.workspace = STR("-"),
                                                  .id = w.id,
                                                  .bytes = w.bytes,
                                                  .kek = key_id(&k->locked->kek.primary)},
                                false, why);
        if (rc == RC_OK)
            rc = keys_db_find(tx, STR("-"), STR("root"), tx_mem(tx), &r, why);
    }
    if (rc == RC_OK) {
        struct wrapped w = {.kind = "data", .owner = STR("-"), .id = r.id, .bytes = r.bytes};
        rc = kek_unwrap(&k->locked->kek, &w, &root, why);
    }
    if (rc == RC_OK)
        memcpy(k->locked->root, root.key, KEY_BYTES);
    wipe(&root, sizeof(root));
    return rc;
}

void keys_root_mac(const struct keys *k, const char *label, str workspace, unsigned char out[KEY_BYTES])
{
    hkdf((struct secret){k->locked->root, KEY_BYTES}, str_of(label), workspace, out, KEY_BYTES);
}

static void derive(const void *arg, const char *label, str workspace, unsigned char out[32])
{
    keys_root_mac(arg, label, workspace, out);
}

struct mac_keys keys_mac(const struct keys *k)
{
    return (struct mac_keys){k, derive};
}

enum { SHORT_MAC = 16 };
static str short_mac(const unsigned char key[KEY_BYTES], const str *parts, size_t n, struct arena *mem)
{
    unsigned char mac[SHA256_BYTES];
    hmac_once((struct secret){key, KEY_BYTES}, parts, n, mac);
    return hex_text(mem, mac, SHORT_MAC);
}

str keys_fingerprint(const struct keys *k, const char *label, str client_key, struct secret token,
                     struct arena *mem)
{
    unsigned char key[KEY_BYTES];
    uint64_t n = client_key.n; /* length first: ("ab","c") and ("a","bc") differ */
    const str parts[] = {{(const char *)&n, sizeof(n)}, client_key, {(const char *)token.p, token.n}};
    keys_root_mac(k, "keys.fingerprint", str_of(label), key);
    str out = short_mac(key, parts, COUNT_OF(parts), mem);
    wipe(key, sizeof(key));
    return out;
}

str keys_blind_index(const struct keys *k, str workspace, const char *label, str value, struct arena *mem)
{
    unsigned char key[KEY_BYTES];
    uint64_t n = strlen(label);
    const str parts[] = {{(const char *)&n, sizeof(n)}, str_of(label), value};
    keys_root_mac(k, "keys.index", workspace, key);
    str out = short_mac(key, parts, COUNT_OF(parts), mem);
    wipe(key, sizeof(key));
    return out;
}

/* ---- the thread ---- */

static enum rc forget_fn(struct tx *tx, void *arg, struct fault *why)
{
    (void)arg;
    return keys_db_forget(tx, tx_now_ms(tx) - (int64_t)RETIRED_DAYS * DAY_MS, why);
}

/* Once an hour: retired keys whose time of regret is over. No reason to fail the tick. */
static void forget_retired(struct keys *k)
{
    struct fault why = {0};
    int64_t now = clock_mono_ms();
    if (k->forgot_mono_ms != 0 && now - k->forgot_mono_ms < 3600000)
        return;
    k->forgot_mono_ms = now;
    if (store_write(k->store, STORE_BULK, forget_fn, NULL, &why) != RC_OK)
        log_event(k->log, LOG_WARN, "keys.tick", F_FAULT(&why));
}

enum rc keys_tick(struct keys *k, struct fault *why)
{
    enum rc rc = keys_days_load(k, why);
    if (rc == RC_OK)
        rc = keys_days_make(k, why);
    if (rc == RC_OK)
        rc = keys_days_load(k, why);
    if (rc == RC_OK)
        rc = keys_days_destroy(k, why);
    if (rc == RC_OK)
        forget_retired(k);
    return rc != RC_OK ? rc : keys_rewrap_all(k, why);
}

static void tick_logged(struct keys *k)
{
    struct fault why = {0};
    enum rc rc = keys_tick(k, &why);
    if (rc == RC_OK)
        return;
    metric_add(&keys_metrics[KEYS_M_TICK_FAILED], 1, NULL, NULL);
    log_event(k->log, LOG_WARN, "keys.tick", F_RC(rc), F_FAULT(&why));
}

static void *run(void *arg)
{
    struct keys *k = arg;
    pthread_mutex_lock(&k->gate);
    while (!k->stop) {
        /* On a test's virtual clock days pass in less than a tick. */
        int64_t until = clock_mono_ms() + (clock_shared() ? 20 : TICK_MS);
        struct timespec ts = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000L};
        int e = pthread_cond_timedwait(&k->bell, &k->gate, &ts);
        if (e != ETIMEDOUT || k->stop)
            continue;
        pthread_mutex_unlock(&k->gate);
        tick_logged(k);
        pthread_mutex_lock(&k->gate);
    }
    pthread_mutex_unlock(&k->gate);
    return NULL;
}

/* ---- open and close ---- */

str keys_person_url(const struct config *c, str main_url, struct arena *mem)
{
    str given = config_text(c, "keys.person_url"),
        file = str_starts(main_url, STR("sqlite:")) ? main_url : STR_NONE;
    if (given.n > 0)
        return given;
    if (file.p != NULL) {
        str stem = str_ends(file, STR(".db")) ? str_sub(file, 0, file.n - 3) : file;
        return arena_fmt(mem, STR_FMT ".people.db", STR_ARG(stem));
    }
    size_t query = main_url.n, slashes, path;
    str_find(main_url, STR("?"), &query);
    str base = str_sub(main_url, 0, query), options = str_sub(main_url, query, main_url.n);
    if (!str_find(base, STR("://"), &slashes) ||
        !str_find(str_sub(base, slashes + 3, base.n), STR("/"), &path) || str_ends(base, STR("/")))
        return STR_NONE; /* no database name to put "_people" behind */
    return arena_fmt(mem, STR_FMT "_people" STR_FMT, STR_ARG(base), STR_ARG(options));
}

static enum rc open_people(struct keys *k, const struct keys_options *o, struct fault *why)
{
    struct arena *mem = arena_open(16384);
    str url = keys_person_url(o->config, o->main_url, mem);
    enum rc rc;
    if (url.p == NULL || str_eq(url, o->main_url))
        rc = fault_set(why, RC_INVALID, "keys.person_url",
                       "set keys.person_url to a store apart from the main one");
    else
        rc = store_open(&(struct store_options){.url = url,
                                                .pool = 4,
                                                .migrations = &keys_person_migrations,
                                                .n_migrations = 1,
                                                .log = o->log},
                        &k->people, why);
    arena_close(&mem);
    return rc;
}

static void start_thread(struct keys *k)
{
    must(pthread_create(&k->thread, NULL, run, k) == 0);
    k->has_thread = true;
}

static void init(struct keys *k, const struct keys_options *o)
{
    pthread_condattr_t mono;
    k->store = o->store;
    k->log = o->log;
    k->vault = vault_open(o->log);
    k->locked = vault_room(k->vault, sizeof(*k->locked));
    k->daily_days = config_int(o->config, "keys.daily_days");
    k->settle_ms = SETTLE_MS;
    k->grace_ms = GRACE_MS;
    must(pthread_rwlock_init(&k->days_lock, NULL) == 0 && pthread_mutex_init(&k->gate, NULL) == 0);
    must(pthread_condattr_init(&mono) == 0 && pthread_condattr_setclock(&mono, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&k->bell, &mono) == 0);
    pthread_condattr_destroy(&mono);
}

enum rc keys_open(const struct keys_options *o, struct keys **out, struct fault *why)
{
    struct keys *k = mem_new(sizeof(*k));
    crypto_start();
    init(k, o);
    enum rc rc = kek_load(o->config, &k->locked->kek, why);
    if (rc == RC_OK)
        rc = store_write(o->store, STORE_INTERACTIVE, root_make, k, why);
    if (rc == RC_OK)
        rc = open_people(k, o, why);
    if (rc == RC_OK)
        rc = keys_tick(k, why);
    if (rc != RC_OK) {
        keys_close(&k);
        return rc;
    }
    if (!o->no_thread)
        start_thread(k);
    log_event(k->log, LOG_INFO, "keys.open", F_ID("kek", key_id(&k->locked->kek.primary)),
              F_INT("days", (int64_t)k->n_days));
    *out = k;
    return RC_OK;
}

void keys_close(struct keys **out)
{
    struct keys *k = *out;
    if (k == NULL)
        return;
    if (k->has_thread) {
        pthread_mutex_lock(&k->gate);
        k->stop = true;
        pthread_cond_signal(&k->bell);
        pthread_mutex_unlock(&k->gate);
        pthread_join(k->thread, NULL);
    }
    store_close(&k->people);
    vault_close(&k->vault);
    pthread_rwlock_destroy(&k->days_lock);
    pthread_mutex_destroy(&k->gate);
    pthread_cond_destroy(&k->bell);
    mem_free(k);
    *out = NULL;
}
