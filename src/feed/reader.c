/* The reader: one look every 200 ms at the workspaces that somebody watches on this node.
 *
 * A look copies the open streams, reads each workspace once from the lowest number any of its streams still
 * needs, and sends. Only this thread changes what a stream has seen and frees records, so the copies stay
 * good without the lock. Nobody watching means no query at all. When the database is away nothing is sent and
 * nothing is lost: the numbers continue where they were.
 */
#include "feed/feed_priv.h"

struct look {
    struct arena *mem;
    str workspace;
    int64_t after; /* lowest number needed; INT64_MAX: the ends alone */
    struct feed_change *changes;
    size_t n;
    struct feed_ends ends;
};

static enum rc look_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct look *l = arg;
    int64_t first;
    l->n = 0;
    enum rc rc = feed_db_ends(tx, l->workspace, &l->ends, why);
    if (rc != RC_OK || l->after >= l->ends.last)
        return rc;
    return feed_list(tx, l->workspace, l->after, FEED_PAGE, l->mem, &l->changes, &l->n, &first, why);
}

static void send_frame(struct feed *f, struct stream *s, const char *event, const struct feed_change *c)
{
    char room[512];
    struct buf b;
    struct jw w;
    struct arena *mem = arena_open(2048);
    buf_init(&b, mem, sizeof room);
    buf_fmt(&b, "id: %lld\n", (long long)c->n);
    if (event)
        buf_fmt(&b, "event: %s\n", event);
    buf_put(&b, STR("data: "));
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_i64(&w, "n", c->n);
    if (!event) {
        jw_str(&w, "topic", c->topic);
        jw_str(&w, "id", c->ref);
    }
    jw_end(&w);
    buf_put(&b, STR("\n\n"));
    must(buf_ok(&b));
    http_stream_send(f->http, s->id, buf_str(&b));
    arena_close(&mem);
    s->seen = c->n;
    s->ping_mono_ms = clock_mono_ms();
    metric_add(&feed_metrics[METRIC_SENT], 1, event ? event : "change", NULL);
}

/* The first frame says where the stream stands: at the head, back at its place, or too far behind. */
static void greet(struct feed *f, struct stream *s, const struct feed_ends *ends)
{
    struct feed_change at = {.n = ends->last};
    bool behind = s->asked >= 0 && s->asked < ends->last;
    bool lost = (behind && s->asked + 1 < ends->first) || s->asked > ends->last;
    http_stream_send(f->http, s->id, STR("retry: 2000\n\n"));
    if (behind && !lost)
        at.n = s->asked;
    send_frame(f, s, lost ? "reset" : "hello", &at);
}

static void serve(struct feed *f, struct stream *s, const struct look *l)
{
    if (s->seen < 0)
        greet(f, s, &l->ends);
    for (size_t i = 0; i < l->n; i++)
        if (l->changes[i].n > s->seen)
            send_frame(f, s, NULL, &l->changes[i]);
    int64_t now = clock_mono_ms();
    if (now - s->ping_mono_ms >= FEED_PING_MS) {
        s->ping_mono_ms = now;
        http_stream_send(f->http, s->id, STR(": still here\n\n"));
    }
}

static void drop(struct feed *f, struct stream *s, const char *reason)
{
    log_event(f->o.log, LOG_INFO, "feed.closed", F_ID("workspace", s->who.workspace),
              F_STR("reason", str_of(reason)));
    metric_add(&feed_metrics[METRIC_CLOSED], 1, reason, NULL);
    http_stream_close(f->http, s->id);
    pthread_mutex_lock(&f->lock);
    s->gone = true;
    pthread_mutex_unlock(&f->lock);
}

static void ask_again(struct feed *f, struct stream *s)
{
    int64_t now = clock_mono_ms();
    if (!f->o.still || now - s->still_mono_ms < FEED_STILL_MS)
        return;
    s->still_mono_ms = now;
    if (!f->o.still(f->o.arg, &s->who))
        drop(f, s, "not_allowed");
}

/* Takes out what is gone and gives the rest as an array. */
static struct stream **gather(struct feed *f, struct arena *mem, size_t *n)
{
    pthread_mutex_lock(&f->lock);
    struct stream **list = arena_array(mem, struct stream *, f->n_streams + 1);
    must(list);
    *n = 0;
    for (struct stream **at = &f->streams; *at;) {
        struct stream *s = *at;
        if (!s->gone) {
            list[(*n)++] = s;
            at = &s->next;
            continue;
        }
        struct arena *smem = s->mem;
        *at = s->next;
        f->n_streams--;
        arena_close(&smem);
    }
    metric_set(&feed_metrics[METRIC_STREAMS], (int64_t)f->n_streams, NULL, NULL);
    pthread_mutex_unlock(&f->lock);
    return list;
}

static int64_t needed(const struct stream *s)
{
    return s->seen >= 0 ? s->seen : s->asked >= 0 ? s->asked : INT64_MAX;
}

static bool still_open(struct feed *f, const struct stream *s)
{
    pthread_mutex_lock(&f->lock);
    bool open = !s->gone;
    pthread_mutex_unlock(&f->lock);
    return open;
}

static void serve_workspace(struct feed *f, struct stream **list, size_t n, size_t first, struct arena *mem)
{
    struct fault why = {0};
    struct look l = {.mem = mem, .workspace = list[first]->who.workspace, .after = INT64_MAX};
    for (size_t i = first; i < n; i++)
        if (list[i] && str_eq(list[i]->who.workspace, l.workspace) && needed(list[i]) < l.after)
            l.after = needed(list[i]);
    enum rc rc = store_read(f->o.store, look_fn, &l, &why);
    if (rc != RC_OK)
        log_event(f->o.log, LOG_WARN, "feed.read", F_ID("workspace", l.workspace), F_RC(rc), F_FAULT(&why));
    for (size_t i = first; i < n; i++) {
        if (!list[i] || !str_eq(list[i]->who.workspace, l.workspace))
            continue;
        if (rc == RC_OK && still_open(f, list[i]))
            serve(f, list[i], &l);
        list[i] = i == first ? list[i] : NULL; /* served; the first one names the workspace */
    }
}

static enum rc tidy_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct feed *f = arg;
    int64_t gone = 0, before = tx_now_ms(tx) - config_int(f->o.config, "feed.keep_hours") * 3600000;
    enum rc rc = feed_db_tidy(tx, before, &gone, why);
    if (rc == RC_OK && gone == FEED_TIDY_ROWS)
        f->tidy_mono_ms =
            0; /* more: the next round goes on; read by this thread only after the write is over */
    return rc;
}

static void tidy(struct feed *f)
{
    struct fault why = {0};
    int64_t now = clock_mono_ms();
    if (now < f->tidy_mono_ms)
        return;
    f->tidy_mono_ms = now + FEED_TIDY_MS;
    enum rc rc = store_write(f->o.store, STORE_BULK, tidy_fn, f, &why);
    if (rc != RC_OK)
        log_event(f->o.log, LOG_WARN, "feed.tidy", F_RC(rc), F_FAULT(&why));
}

void feed_round(struct feed *f)
{
    struct arena *mem = arena_open((size_t)32 << 20);
    size_t n;
    struct stream **list = gather(f, mem, &n);
    for (size_t i = 0; i < n; i++)
        if (still_open(f, list[i]))
            ask_again(f, list[i]);
    for (size_t i = 0; i < n; i++)
        if (list[i])
            serve_workspace(f, list, n, i, mem);
    arena_close(&mem);
    tidy(f);
}
