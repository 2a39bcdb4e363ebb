/* The intake, on http's event threads: app by path -> signature over the raw bytes with current and previous
 * secret -> time class -> key -> seal -> store_append -> 200 after the commit. Nothing here parses JSON or
 * waits. What can go wrong: a queue that is full or a store that is away is 503 with Retry-After; TikTok
 * repeats for 72 h.
 */
#include "webhook/webhook_priv.h"

struct lane {
    const struct webhook *room;
    uint64_t epoch;
    struct hmac *current[APPS_MAX], *previous[APPS_MAX];
    struct day_sealer *sealer;
    struct lane *next;
};
static _Thread_local struct lane *my_lane;

struct pending { /* one answer that waits for its commit; freed by answered() */
    struct webhook *room;
    struct http *http;
    uint64_t ticket;
    size_t app;
    bool acked;
};

void body_hash(str body, unsigned char out[HASH_BYTES])
{
    unsigned char full[SHA256_BYTES];
    sha256(body, full);
    memcpy(out, full, HASH_BYTES);
}

size_t app_index(const struct webhook *w, str id)
{
    for (size_t i = 0; i < w->o.n_apps; i++)
        if (str_eq(w->apps[i].id, id))
            return i;
    return APPS_MAX;
}

size_t webhook_body_cap(str path, void *ctx)
{
    const struct webhook *w = ctx;
    str prefix = STR("/webhooks/tiktok/");
    size_t i = str_starts(path, prefix) ? app_index(w, str_sub(path, prefix.n, path.n)) : APPS_MAX;
    return i == APPS_MAX ? 1024 : w->apps[i].body_max;
}

static enum rc lane_open(struct webhook *w, struct lane **out, struct fault *why)
{
    struct lane *l = mem_new(sizeof *l);
    enum rc rc = day_sealer_open(w->o.keys, &l->sealer, why);
    for (size_t i = 0; rc == RC_OK && i < w->o.n_apps; i++) {
        rc = hmac_open(w->apps[i].current, &l->current[i], why);
        if (rc == RC_OK && w->apps[i].previous.n > 0)
            rc = hmac_open(w->apps[i].previous, &l->previous[i], why);
    }
    l->room = w;
    l->epoch = w->epoch;
    pthread_mutex_lock(&w->lock);
    l->next = w->lanes;
    w->lanes = l;
    pthread_mutex_unlock(&w->lock);
    if (rc == RC_OK)
        *out = l;
    return rc;
}

void webhook_lanes_close(struct webhook *w)
{
    while (w->lanes != NULL) {
        struct lane *l = w->lanes;
        w->lanes = l->next;
        for (size_t i = 0; i < APPS_MAX; i++) {
            hmac_close(&l->current[i]);
            hmac_close(&l->previous[i]);
        }
        if (l->sealer != NULL)
            day_sealer_close(&l->sealer);
        mem_free(l);
    }
}

static enum rc lane_get(struct webhook *w, struct lane **out, struct fault *why)
{
    if (my_lane == NULL || my_lane->room != w || my_lane->epoch != w->epoch) {
        enum rc rc = lane_open(w, &my_lane, why);
        if (rc != RC_OK) {
            my_lane = NULL;
            return rc;
        }
    }
    *out = my_lane;
    return RC_OK;
}

static bool signed_by(struct hmac *h, const struct signature *sig, str t_text, str body)
{
    unsigned char mac[SHA256_BYTES];
    const str parts[] = {t_text, STR("."), body};
    if (h == NULL)
        return false;
    hmac_sign(h, parts, COUNT_OF(parts), mac);
    return equal_ct(mac, sig->s, sizeof mac);
}

/* The t that was signed is its text as sent: the header was checked to be digits, so it is rebuilt without
 * loss only when it has no leading zero; TikTok sends none. */
static bool authentic(struct lane *l, size_t app, const struct signature *sig, str body)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)sig->t_s);
    str t_text = {text, (size_t)n};
    int64_t until = l->room->apps[app].previous_until_ms;
    if (signed_by(l->current[app], sig, t_text, body))
        return true;
    bool over = until != 0 && clock_now_ms() >= until && !planted("webhook.previous_for_ever");
    return !over && signed_by(l->previous[app], sig, t_text, body);
}

static void count(struct webhook *w, size_t app, enum outcome o)
{
    atomic_fetch_add_explicit(&w->counts[app].by[o], 1, memory_order_relaxed);
}

static void count_metric(const struct webhook *w, size_t app, const char *outcome, int64_t n)
{
    char id[40];
    snprintf(id, sizeof id, STR_FMT, STR_ARG(w->apps[app].id));
    metric_add(metric_webhooks, n, id, outcome);
}

void counts_flush(struct webhook *w)
{
    static const char *const names[OUTCOMES] = {"stored", "duplicate", "failed", "stale", "quarantined"};
    for (size_t app = 0; app < w->o.n_apps; app++)
        for (size_t o = 0; o < OUTCOMES; o++) {
            int64_t n = atomic_exchange(&w->counts[app].by[o], 0);
            if (n > 0)
                count_metric(w, app, names[o], n);
        }
}

static _Atomic int64_t commits;

void inbox_around(bool begins)
{
    if (begins)
        atomic_fetch_add_explicit(&commits, 1, memory_order_relaxed);
    http_hold(begins);
}

int64_t inbox_commits(void)
{
    return atomic_load(&commits);
}

/* A store thread calls this after the row is durable (or was there, or could not be written). */
static void answered(void *arg, enum rc rc)
{
    struct pending *p = arg;
    bool kept = rc == RC_OK || rc == RC_CONFLICT;
    count(p->room, p->app, rc == RC_OK ? OUT_STORED : rc == RC_CONFLICT ? OUT_DUPLICATE : OUT_FAILED);
    if (!p->acked)
        http_reply(p->http, p->ticket, kept ? RC_OK : RC_RETRY, kept ? NULL : "webhook.busy", kept ? 0 : 2);
    if (rc == RC_OK) {
        atomic_fetch_add_explicit(&p->room->stored, 1, memory_order_relaxed);
        router_kick(p->room);
    }
    mem_free(p);
}

static enum rc append(struct webhook *w, struct request *rq, size_t app, const struct signature *sig,
                      str sealed, const struct inbox_key *key, struct fault *why)
{
    int64_t arrived = rq_arrived_ms(rq);
    enum time_class cls = time_classify(sig->t_s, arrived);
    struct pending *p = mem_new(sizeof *p);
    *p = (struct pending){.room = w, .http = rq_http(rq), .ticket = rq_defer(rq), .app = app};
    if (planted("webhook.answer_first")) {
        p->acked = true;
        http_reply(p->http, p->ticket, RC_OK, NULL, 0);
    }
    if (cls != TIME_FRESH)
        count(w, app, cls == TIME_STALE ? OUT_STALE : OUT_QUARANTINED);
    if (cls == TIME_QUARANTINE)
        atomic_fetch_add(&w->counts[app].quarantined, 1);
    const struct val row[] = {V_TEXT(key->app),
                              V_INT(key->event_ms),
                              V_BYTES(((str){(const char *)key->hash, HASH_BYTES})),
                              V_INT(arrived),
                              V_INT(sig->t_s),
                              V_FLAG(cls == TIME_STALE),
                              V_INT(cls == TIME_QUARANTINE ? INBOX_QUARANTINED : INBOX_WAITING),
                              V_BYTES(sealed)};
    struct fault inner = {0};
    enum rc rc = store_append(w->o.store, &inbox_append, row, answered, p, &inner);
    if (rc != RC_OK)
        answered(p, rc);
    (void)why;
    return RC_OK;
}

static enum rc refuse(struct webhook *w, struct request *rq, size_t app, struct fault *why)
{
    atomic_fetch_add(&w->counts[app].bad_signature, 1);
    count_metric(w, app, "bad_signature", 1);
    log_event(w->o.log, LOG_WARN, "webhook.refused", F_ID("app", w->apps[app].id),
              F_STR("address", rq_address(rq)), F_INT("bytes", rq_body(rq).n));
    return fault_set(why, RC_DENIED, "webhook.signature", "the signature does not fit the body");
}

enum rc webhook_receive(struct request *rq, void *ctx, struct fault *why)
{
    struct webhook *w = ctx;
    struct lane *lane = NULL;
    struct signature sig;
    struct inbox_key key;
    str body = rq_body(rq), sealed;
    size_t app = app_index(w, rq_arg(rq, "app"));
    if (app == APPS_MAX)
        return fault_set(why, RC_MISSING, "webhook.unknown_app", "no app of this name is configured");
    enum rc rc = lane_get(w, &lane, why);
    if (rc != RC_OK)
        return rc;
    if (!signature_parse(rq_header(rq, "tiktok-signature"), &sig) || !authentic(lane, app, &sig, body))
        return refuse(w, rq, app, why);
    atomic_store(&w->counts[app].last_verified_ms, rq_arrived_ms(rq));
    key = (struct inbox_key){.app = w->apps[app].id, .event_ms = envelope_event_ms(body)};
    body_hash(body, key.hash);
    if (planted("webhook.key_has_t"))
        key.hash[0] = (unsigned char)(key.hash[0] ^ (sig.t_s & 0xff));
    const str ad[] = {key.app, {(const char *)key.hash, HASH_BYTES}};
    rc = day_seal(lane->sealer, ad, COUNT_OF(ad), body, rq_mem(rq), &sealed, why);
    if (rc != RC_OK)
        return fault_set(why, RC_RETRY, "webhook.busy", "the day's key is not there");
    return append(w, rq, app, &sig, sealed, &key, why);
}

/* No handshake is documented for either portal (business-messaging 3.1); several receivers echo this
 * parameter. */
enum rc webhook_challenge(struct request *rq, void *ctx, struct fault *why)
{
    const struct webhook *w = ctx;
    str text = rq_arg(rq, "challenge");
    if (!config_flag(w->o.config, "webhook.challenge") || app_index(w, rq_arg(rq, "app")) == APPS_MAX)
        return fault_set(why, RC_MISSING, "webhook.unknown_app", "no challenge is answered here");
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '-';
        if (!good)
            return fault_set(why, RC_INVALID, "webhook.challenge", "character %zu is not of [A-Za-z0-9_-]",
                             i);
    }
    answer_body(rq, 200, "text/plain; charset=utf-8", text);
    return RC_OK;
}
