/* Writing changes into the feed, and the room's list of open streams.
 * The http hooks run on event threads: they copy who it is, enter or mark a record and go; everything else is
 * the reader's (reader.c).
 */
#include "feed/feed_priv.h"

/* ---- writing ---- */
static bool topic_ok(str t)
{
    for (size_t i = 0; i < t.n; i++)
        if (!((t.p[i] >= 'a' && t.p[i] <= 'z') || t.p[i] == '.' || t.p[i] == '_' || t.p[i] == '-'))
            return false;
    return t.n > 0 && t.n <= 40;
}

enum rc feed_put(struct tx *tx, str workspace, const char *topic, str ref, struct fault *why)
{
    struct feed_change c = {.at_ms = tx_now_ms(tx), .topic = str_of(topic), .ref = ref};
    if (!topic_ok(c.topic) || ref.n > 128 || workspace.n == 0)
        return fault_set(why, RC_INVALID, "feed.topic",
                         "topic, ref or workspace of a change is out of bounds");
    enum rc rc = store_stamp(tx, workspace, "feed", &c.n, why);
    return rc == RC_OK ? feed_db_put(tx, workspace, &c, why) : rc;
}

enum rc feed_list(struct tx *tx, str workspace, int64_t after, int limit, struct arena *mem,
                  struct feed_change **out, size_t *count, int64_t *first, struct fault *why)
{
    struct rows *r;
    struct feed_ends ends;
    enum rc rc = feed_db_after(tx, workspace, after, limit, mem, &r, why);
    if (rc == RC_OK)
        rc = feed_db_ends(tx, workspace, &ends, why);
    if (rc != RC_OK)
        return rc;
    struct feed_change *at = arena_array(mem, struct feed_change, rows_count(r) + 1);
    if (!at)
        return fault_set(why, RC_FULL, "feed.memory", "no room for the changes");
    size_t n = 0;
    while (rows_next(r))
        at[n++] = (struct feed_change){row_int(r, 0), row_int(r, 3), row_text(r, 1), row_text(r, 2)};
    *out = at;
    *count = n;
    *first = ends.first;
    return RC_OK;
}

/* ---- streams come and go ---- */
static struct stream *stream_make(uint64_t id, const struct principal *who, str last_event_id)
{
    struct arena *mem = arena_open(4096);
    struct stream *s = arena_new(mem, struct stream);
    must(s);
    *s = (struct stream){.mem = mem, .id = id, .who = *who, .asked = -1, .seen = -1};
    s->who.workspace = arena_str(mem, who->workspace);
    s->who.id = arena_str(mem, who->id);
    s->who.role = arena_str(mem, who->role);
    s->who.session = arena_str(mem, who->session);
    int64_t n;
    if (last_event_id.n > 0 && str_to_i64(last_event_id, &n) && n >= 0)
        s->asked = n;
    s->still_mono_ms = s->ping_mono_ms = clock_mono_ms();
    return s;
}

static void on_opened(void *arg, uint64_t id, const struct principal *who, str last_event_id)
{
    struct feed *f = arg;
    struct stream *s = stream_make(id, who, last_event_id);
    pthread_mutex_lock(&f->lock);
    bool room = !f->stopping && f->n_streams < (size_t)config_int(f->o.config, "feed.streams_max");
    if (room) {
        s->next = f->streams;
        f->streams = s;
        f->n_streams++;
        metric_set(&feed_metrics[METRIC_STREAMS], (int64_t)f->n_streams, NULL, NULL);
        pthread_cond_signal(&f->wake);
    }
    struct http *http = f->http;
    pthread_mutex_unlock(&f->lock);
    if (room)
        return;
    struct arena *mem = s->mem;
    arena_close(&mem);
    metric_add(&feed_metrics[METRIC_CLOSED], 1, "full", NULL);
    if (http)
        http_stream_close(http, id);
}

static void on_closed(void *arg, uint64_t id)
{
    struct feed *f = arg;
    pthread_mutex_lock(&f->lock);
    for (struct stream *s = f->streams; s; s = s->next)
        if (s->id == id)
            s->gone = true;
    pthread_mutex_unlock(&f->lock);
}

struct stream_hooks feed_stream_hooks(struct feed *f)
{
    return (struct stream_hooks){on_opened, on_closed, f};
}

size_t feed_streams(struct feed *f)
{
    size_t n = 0;
    pthread_mutex_lock(&f->lock);
    for (struct stream *s = f->streams; s; s = s->next)
        n += !s->gone;
    pthread_mutex_unlock(&f->lock);
    return n;
}

/* ---- the room ---- */
enum rc feed_open(const struct feed_options *o, struct feed **out, struct fault *why)
{
    (void)why;
    struct arena *mem = arena_open(65536);
    struct feed *f = arena_new(mem, struct feed);
    pthread_condattr_t mono;
    must(f);
    f->mem = mem;
    f->o = *o;
    must(pthread_mutex_init(&f->lock, NULL) == 0);
    must(pthread_condattr_init(&mono) == 0 && pthread_condattr_setclock(&mono, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&f->wake, &mono) == 0);
    pthread_condattr_destroy(&mono);
    *out = f;
    return RC_OK;
}

static void *read_on(void *arg)
{
    struct feed *f = arg;
    pthread_mutex_lock(&f->lock);
    while (!f->stopping) {
        pthread_mutex_unlock(&f->lock);
        feed_round(f);
        pthread_mutex_lock(&f->lock);
        int64_t until = clock_mono_ms() + FEED_TICK_MS;
        struct timespec at = {until / 1000, (long)(until % 1000) * 1000000};
        if (!f->stopping)
            pthread_cond_timedwait(&f->wake, &f->lock, &at);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

enum rc feed_start(struct feed *f, struct http *h, struct fault *why)
{
    pthread_mutex_lock(&f->lock);
    f->http = h;
    pthread_mutex_unlock(&f->lock);
    if (pthread_create(&f->reader, NULL, read_on, f) != 0)
        return fault_set(why, RC_FULL, "feed.thread", "no thread for the reader");
    f->started = true;
    return RC_OK;
}

void feed_stop(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
    if (f->started)
        pthread_join(f->reader, NULL);
    f->started = false;
}

void feed_close(struct feed **fp)
{
    struct feed *f = *fp;
    if (!f)
        return;
    feed_stop(f);
    while (f->streams) {
        struct stream *s = f->streams;
        struct arena *smem = s->mem;
        f->streams = s->next;
        arena_close(&smem);
    }
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->wake);
    struct arena *mem = f->mem;
    *fp = NULL;
    arena_close(&mem);
}
