/* The room's life, bodies for jobs, what a person may see of the intake, retention, explain. What can go
 * wrong: an empty secret (refused: anyone could sign), a body whose day key is gone (webhook.gone).
 */
#include "webhook/webhook_priv.h"

enum { RETAIN_ROUNDS = 200 };

const char *const inbox_state_names[INBOX_STATES] = {
    [INBOX_WAITING] = "waiting",
    [INBOX_ROUTED] = "routed",
    [INBOX_KEPT] = "kept",
    [INBOX_TEST] = "test",
    [INBOX_UNPARSABLE] = "unparsable",
    [INBOX_UNROUTED] = "unrouted",
    [INBOX_QUARANTINED] = "quarantined",
    [INBOX_FOREIGN] = "foreign",
};

static enum rc app_check(const struct webhook_app *a, struct fault *why)
{
    if (a->current.n == 0)
        return fault_set(why, RC_INVALID, "webhook.empty_secret",
                         "app " STR_FMT ": the webhook secret is empty, so anyone could sign",
                         STR_ARG(a->id));
    if (a->id.n == 0 || a->id.n > 32 || a->body_max == 0)
        return fault_set(why, RC_INVALID, "webhook.app",
                         "an app needs an id of 1 to 32 characters and a body cap");
    return RC_OK;
}

enum rc webhook_open(const struct webhook_options *o, struct webhook **out, struct fault *why)
{
    static _Atomic uint64_t epochs;
    if (o->n_apps > APPS_MAX)
        return fault_set(why, RC_FULL, "webhook.app", "at most %d apps", (int)APPS_MAX);
    for (size_t i = 0; i < o->n_apps; i++) {
        enum rc rc = app_check(&o->apps[i], why);
        if (rc != RC_OK)
            return rc;
    }
    struct webhook *w = mem_new(sizeof *w);
    w->o = *o;
    for (size_t i = 0; i < o->n_apps; i++)
        w->apps[i] = o->apps[i];
    w->epoch = atomic_fetch_add(&epochs, 1) + 1;
    must(pthread_mutex_init(&w->lock, NULL) == 0 && pthread_cond_init(&w->kick, NULL) == 0);
    *out = w;
    return RC_OK;
}

enum rc webhook_start(struct webhook *w, struct fault *why)
{
    atomic_store(&w->kicked, true);
    if (pthread_create(&w->router, NULL, router_main, w) != 0)
        return fault_set(why, RC_FULL, "webhook.thread", "the router thread could not start");
    w->running = true;
    return RC_OK;
}

void webhook_stop(struct webhook *w)
{
    if (!w->running)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->kick);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->router, NULL);
    w->running = false;
}

void webhook_close(struct webhook **w)
{
    if (*w == NULL)
        return;
    webhook_stop(*w);
    webhook_lanes_close(*w);
    pthread_cond_destroy(&(*w)->kick);
    pthread_mutex_destroy(&(*w)->lock);
    mem_free(*w);
    *w = NULL;
}

enum rc webhook_route_all(struct webhook *w, struct fault *why)
{
    for (size_t i = 0; i < w->o.n_apps; i++) {
        struct drained d = {0};
        do {
            enum rc rc = router_drain_app(w, i, &d, why);
            if (rc != RC_OK)
                return rc;
        } while (d.rows > 0);
    }
    return RC_OK;
}

/* ---- references and bodies ---- */
str ref_text(const struct inbox_key *k, struct arena *mem)
{
    str hash = hex_text(mem, k->hash, HASH_BYTES);
    if (hash.n == 0)
        return STR_NONE;
    return arena_fmt(mem, STR_FMT ".%lld." STR_FMT, STR_ARG(k->app), (long long)k->event_ms, STR_ARG(hash));
}

bool ref_parse(str ref, struct inbox_key *out)
{
    struct inbox_key k = {0};
    str rest = ref, time;
    if (!str_cut(&rest, '.', &k.app) || !str_cut(&rest, '.', &time))
        return false;
    if (!str_to_i64(time, &k.event_ms) || !hex_parse(rest, k.hash, HASH_BYTES))
        return false;
    *out = k;
    return true;
}

enum rc body_open(struct webhook *w, const struct inbox_key *k, str sealed, struct arena *mem, str *out,
                  struct fault *why)
{
    const str ad[] = {k->app, {(const char *)k->hash, HASH_BYTES}};
    return day_unseal(w->o.keys, ad, COUNT_OF(ad), sealed, mem, out, why);
}

struct loading {
    struct inbox_key key;
    struct arena *mem;
    struct rows *rows;
};

static enum rc load_row(struct tx *tx, void *arg, struct fault *why)
{
    struct loading *l = arg;
    return webhook_db_inbox_load(tx, &l->key, l->mem, &l->rows, why);
}

enum rc webhook_load(struct webhook *w, str ref, struct arena *mem, struct webhook_event *out,
                     struct fault *why)
{
    struct loading l = {.mem = mem};
    struct webhook_event ev = {0};
    str body;
    if (!ref_parse(ref, &l.key))
        return fault_set(why, RC_BUG, "webhook.ref", "not a reference to an inbox row");
    enum rc rc = store_read(w->o.store, load_row, &l, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "webhook.gone", "the row has passed its retention");
    if (rc == RC_OK)
        rc = body_open(w, &l.key, row_text(l.rows, 0), mem, &body, why);
    if (rc == RC_OK)
        rc = webhook_parse(body, mem, &ev, why);
    if (rc != RC_OK)
        return rc;
    if (ev.content == NULL)
        return fault_set(why, RC_INVALID, "webhook.content", "content is no JSON object");
    ev.app = l.key.app;
    ev.ref = ref;
    ev.arrived_ms = row_int(l.rows, 1);
    *out = ev;
    return RC_OK;
}
