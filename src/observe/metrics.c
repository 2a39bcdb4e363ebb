/* Metrics. A series (a row with its label values) is found once per thread and then costs one addition in
 * memory that only this thread writes; exposition adds the threads up. A thread that ends leaves its sums in
 * `retired`. Gauges are one shared cell, because the last value counts and not a sum. Rows that nobody
 * registered are ignored, so that a room works in a unit test without wiring.
 */
#include <pthread.h>
#include <stdatomic.h>
#include "observe/observe_priv.h"

#define ROWS_MAX 512U
#define SERIES_PER_ROW 200U
#define LABELS_MAX 2U
#define VALUE_MAX 64U
#define CHUNK_CELLS 1024U
#define CHUNKS_MAX 1024U
#define CACHE_SLOTS 1024U /* per thread; a full neighbourhood is overwritten */

static const int64_t bounds_us[] = {100,     250,     500,     1000,     2500,    5000,
                                    10000,   20000,   50000,   100000,   250000,  500000,
                                    1000000, 2500000, 5000000, 10000000, 30000000};
#define BUCKETS (COUNT_OF(bounds_us) + 1) /* the last one is +Inf */
#define HISTOGRAM_CELLS (BUCKETS + 1)     /* and the sum in microseconds */

typedef _Atomic int64_t cell;
struct series {
    struct row_state *row;
    char v[LABELS_MAX][VALUE_MAX + 1];
    unsigned first_cell;
    cell gauge;
};
struct row_state {
    const struct metric *row;
    char label[LABELS_MAX][32];
    size_t n_labels;
    struct series *series[SERIES_PER_ROW + 1]; /* the last one is "other" */
    size_t n;
};
struct shard {
    cell *_Atomic chunks[CHUNKS_MAX];
    struct series *cache[CACHE_SLOTS];
    struct shard *next, *prev;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* rows, series, the list of shards */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t shard_key;
static const struct metric *rows[ROWS_MAX];
static struct row_state *states[ROWS_MAX];
static size_t n_rows;
static unsigned n_cells;
static struct shard *shards;
static struct shard retired;
static _Thread_local struct shard *mine;

static void lock_all(void)
{
    must(pthread_mutex_lock(&lock) == 0);
}

static void unlock_all(void)
{
    must(pthread_mutex_unlock(&lock) == 0);
}

static cell *cell_of(struct shard *s, unsigned at, bool make)
{
    cell *chunk = s->chunks[at / CHUNK_CELLS];
    if (chunk == NULL && make) {
        chunk = mem_new(CHUNK_CELLS * sizeof(*chunk));
        s->chunks[at / CHUNK_CELLS] = chunk;
    }
    return chunk == NULL ? NULL : &chunk[at % CHUNK_CELLS];
}

/* Only the owner of a shard adds to it, so that a load and a store are enough. */
static void add_to(struct shard *s, unsigned at, int64_t by)
{
    cell *c = cell_of(s, at, true);
    int64_t v = atomic_load_explicit(c, memory_order_relaxed);
    atomic_store_explicit(c, v + by, memory_order_relaxed);
}

static void retire(void *p)
{
    struct shard *s = p;
    lock_all();
    for (unsigned i = 0; i < n_cells; i++) {
        const cell *c = cell_of(s, i, false);
        if (c != NULL && *c != 0)
            add_to(&retired, i, *c);
    }
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        shards = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    unlock_all();
    for (unsigned i = 0; i < CHUNKS_MAX; i++)
        mem_free(s->chunks[i]);
    mem_free(s);
    mine = NULL;
}

static void make_key(void)
{
    must(pthread_key_create(&shard_key, retire) == 0);
}

static struct shard *my_shard(void)
{
    if (mine != NULL)
        return mine;
    must(pthread_once(&once, make_key) == 0);
    struct shard *s = mem_new(sizeof(*s));
    must(pthread_setspecific(shard_key, s) == 0);
    lock_all();
    s->next = shards;
    if (shards != NULL)
        shards->prev = s;
    shards = s;
    unlock_all();
    mine = s;
    return s;
}

static struct row_state *state_of(const struct metric *row)
{
    for (size_t i = 0; i < n_rows; i++) {
        if (rows[i] == row)
            return states[i];
    }
    return NULL;
}

static struct row_state *new_state(const struct metric *row)
{
    struct row_state *st = mem_new(sizeof(*st));
    str rest = str_of(row->labels), one;
    st->row = row;
    while (str_cut(&rest, ',', &one)) {
        must(st->n_labels < LABELS_MAX && one.n > 0 && one.n < sizeof(st->label[0]));
        memcpy(st->label[st->n_labels++], one.p, one.n);
    }
    return st;
}

void metrics_register(const struct metric *new_rows, size_t n)
{
    lock_all();
    for (size_t i = 0; i < n; i++) {
        if (state_of(&new_rows[i]) != NULL)
            continue;
        for (size_t j = 0; j < n_rows; j++)
            must(strcmp(rows[j]->name, new_rows[i].name) != 0); /* two rows of one name */
        must(n_rows < ROWS_MAX);
        states[n_rows] = new_state(&new_rows[i]);
        rows[n_rows++] = &new_rows[i];
    }
    unlock_all();
}

size_t metrics_rows(const struct metric ***out)
{
    *out = rows;
    return n_rows;
}

static bool same(const struct series *s, const char *const v[LABELS_MAX])
{
    for (size_t i = 0; i < s->row->n_labels; i++) {
        if (strncmp(s->v[i], v[i], VALUE_MAX) != 0)
            return false;
    }
    return true;
}

static struct series *add_series(struct row_state *st, const char *const v[LABELS_MAX])
{
    struct series *s = mem_new(sizeof(*s));
    s->row = st;
    for (size_t i = 0; i < st->n_labels; i++)
        memcpy(s->v[i], v[i], strnlen(v[i], VALUE_MAX));
    s->first_cell = n_cells;
    n_cells += st->row->kind == METRIC_HISTOGRAM ? (unsigned)HISTOGRAM_CELLS : 1U;
    must(n_cells <= CHUNKS_MAX * CHUNK_CELLS);
    st->series[st->n++] = s;
    return s;
}

/* Under the lock. Beyond the bound every new combination counts as "other". */
static struct series *find_or_add(const struct metric *row, const char *const v[LABELS_MAX], bool add)
{
    static const char *const other[LABELS_MAX] = {"other", "other"};
    struct row_state *st = state_of(row);
    if (st == NULL)
        return NULL;
    for (size_t i = 0; i < st->n; i++) {
        if (same(st->series[i], v))
            return st->series[i];
    }
    if (!add)
        return NULL;
    if (st->n < SERIES_PER_ROW)
        return add_series(st, v);
    return st->n > SERIES_PER_ROW ? st->series[SERIES_PER_ROW] : add_series(st, other);
}

static size_t slot_of(const struct metric *row, const char *const v[LABELS_MAX])
{
    uint64_t h = (uint64_t)(uintptr_t)row * 0x9E3779B97F4A7C15U;
    for (size_t i = 0; i < LABELS_MAX; i++) {
        for (size_t j = 0; j < VALUE_MAX && v[i][j] != '\0'; j++)
            h = (h ^ (unsigned char)v[i][j]) * 0x100000001B3U;
        h = (h ^ 0xFFU) * 0x100000001B3U;
    }
    return (size_t)(h >> 32) % CACHE_SLOTS;
}

static struct series *series_of(const struct metric *row, const char *v1, const char *v2)
{
    const char *const v[LABELS_MAX] = {v1 == NULL ? "" : v1, v2 == NULL ? "" : v2};
    struct shard *s = my_shard();
    size_t slot = slot_of(row, v);
    struct series *hit = s->cache[slot];
    if (hit != NULL && hit->row->row == row && same(hit, v))
        return hit;
    lock_all();
    hit = find_or_add(row, v, true);
    unlock_all();
    s->cache[slot] = hit;
    return hit;
}

void metric_add(const struct metric *row, int64_t by, const char *v1_or_null, const char *v2_or_null)
{
    struct series *s = series_of(row, v1_or_null, v2_or_null);
    if (s == NULL)
        return;
    must(row->kind != METRIC_HISTOGRAM && (row->kind == METRIC_GAUGE || by >= 0));
    if (row->kind == METRIC_GAUGE)
        s->gauge += by;
    else
        add_to(mine, s->first_cell, by);
}

void metric_set(const struct metric *row, int64_t value, const char *v1_or_null, const char *v2_or_null)
{
    struct series *s = series_of(row, v1_or_null, v2_or_null);
    if (s == NULL)
        return;
    must(row->kind == METRIC_GAUGE);
    s->gauge = value;
}

void metric_observe_us(const struct metric *row, int64_t us, const char *v1_or_null, const char *v2_or_null)
{
    struct series *s = series_of(row, v1_or_null, v2_or_null);
    if (s == NULL)
        return;
    must(row->kind == METRIC_HISTOGRAM);
    if (us < 0)
        us = 0;
    unsigned at = 0;
    while (at < COUNT_OF(bounds_us) && us > bounds_us[at])
        at++;
    add_to(mine, s->first_cell + at, 1);
    add_to(mine, s->first_cell + (unsigned)BUCKETS, us);
}

/* Under the lock. */
static int64_t sum_of(unsigned at)
{
    const cell *c = cell_of(&retired, at, false);
    int64_t sum = c == NULL ? 0 : *c;
    for (struct shard *s = shards; s != NULL; s = s->next) {
        c = cell_of(s, at, false);
        sum += c == NULL ? 0 : atomic_load_explicit(c, memory_order_relaxed);
    }
    return sum;
}

int64_t metric_value(const struct metric *row, const char *v1_or_null, const char *v2_or_null)
{
    const char *const v[LABELS_MAX] = {v1_or_null == NULL ? "" : v1_or_null,
                                       v2_or_null == NULL ? "" : v2_or_null};
    int64_t value = 0;
    lock_all();
    const struct series *s = find_or_add(row, v, false);
    if (s != NULL && row->kind == METRIC_HISTOGRAM) {
        for (unsigned i = 0; i < BUCKETS; i++)
            value += sum_of(s->first_cell + i);
    } else if (s != NULL) {
        value = row->kind == METRIC_GAUGE ? s->gauge : sum_of(s->first_cell);
    }
    unlock_all();
    return value;
}

static void put_escaped(struct buf *out, const char *text, bool quotes)
{
    for (size_t i = 0, n = strlen(text); i < n;) {
        size_t len = utf8_len((str){text + i, n - i});
        if (text[i] == '\\' || (quotes && text[i] == '"')) {
            buf_put_c(out, '\\');
            buf_put_c(out, text[i]);
        } else if (text[i] == '\n') {
            buf_put(out, STR("\\n"));
        } else if (len == 0) {
            buf_put_c(out, '?');
        } else {
            buf_put(out, (str){text + i, len});
        }
        i += len == 0 ? 1 : len;
    }
}

static void put_name(struct buf *out, const struct series *s, const char *suffix, const char *le)
{
    const struct row_state *st = s->row;
    buf_fmt(out, "%s%s", st->row->name, suffix);
    if (st->n_labels == 0 && le == NULL) {
        buf_put_c(out, ' ');
        return;
    }
    buf_put_c(out, '{');
    for (size_t i = 0; i < st->n_labels; i++) {
        buf_fmt(out, "%s%s=\"", i == 0 ? "" : ",", st->label[i]);
        put_escaped(out, s->v[i], true);
        buf_put_c(out, '"');
    }
    if (le != NULL)
        buf_fmt(out, "%sle=\"%s\"", st->n_labels == 0 ? "" : ",", le);
    buf_put(out, STR("} "));
}

static void put_value(struct buf *out, const struct series *s, const char *suffix, const char *le, int64_t v)
{
    put_name(out, s, suffix, le);
    buf_put_i64(out, v);
    buf_put_c(out, '\n');
}

static void put_histogram(struct buf *out, const struct series *s)
{
    int64_t count = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        char le[24] = "+Inf";
        count += sum_of(s->first_cell + i);
        if (i < COUNT_OF(bounds_us))
            (void)snprintf(le, sizeof(le), "%g", (double)bounds_us[i] / 1e6);
        put_value(out, s, "_bucket", le, count);
    }
    int64_t us = sum_of(s->first_cell + (unsigned)BUCKETS);
    put_name(out, s, "_sum", NULL);
    buf_fmt(out, "%lld.%06lld\n", (long long)(us / 1000000), (long long)(us % 1000000));
    put_value(out, s, "_count", NULL, count);
}

static void put_row(struct buf *out, struct row_state *st)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    static const char *const none[LABELS_MAX] = {"", ""};
    buf_fmt(out, "# HELP %s ", st->row->name);
    put_escaped(out, st->row->doc == NULL ? "" : st->row->doc, false);
    buf_fmt(out, "\n# TYPE %s %s\n", st->row->name, kinds[st->row->kind]);
    if (st->n == 0 && st->n_labels == 0)
        (void)add_series(st, none); /* a counter that never counted is 0, not absent */
    for (size_t i = 0; i < st->n; i++) {
        const struct series *s = st->series[i];
        if (st->row->kind == METRIC_HISTOGRAM)
            put_histogram(out, s);
        else
            put_value(out, s, "", NULL, st->row->kind == METRIC_GAUGE ? s->gauge : sum_of(s->first_cell));
    }
}

void metrics_write(struct buf *out)
{
    lock_all();
    for (size_t i = 0; i < n_rows; i++)
        put_row(out, states[i]);
    unlock_all();
}
