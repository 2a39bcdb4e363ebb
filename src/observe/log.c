/* Log lines. A line is built in memory and leaves by one write(2), so that lines of several threads and
 * processes never mix. Nothing here can fail a caller: a line that does not fit is replaced by one that says
 * so, a line that the kernel does not take is counted and dropped.
 */
#include <errno.h>
#include <unistd.h>
#include "crypto/crypto.h"
#include "observe/observe_priv.h"

#define LINE_MAX_BYTES 16384U
#define STR_MAX 256U
#define ID_MAX 128U
#define NAME_MAX_BYTES 80U

struct log {
    int fd;
    enum log_level min;
    unsigned char
        key[KEY_BYTES]; /* of this run: equal secrets show equal marks, and none can be guessed from them */
};

const struct metric observe_metrics[] = {
    {.name = "mz_log_dropped_total", .kind = METRIC_COUNTER, .doc = "Log lines that could not be written."},
};
const size_t observe_metrics_n = COUNT_OF(observe_metrics);

static _Thread_local struct {
    char key[32];
    char id[ID_MAX];
    size_t id_n;
} context;

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

enum rc log_open(int fd, enum log_level min, struct log **out, struct fault *why)
{
    if (fd < 0)
        return fault_set(why, RC_INVALID, "observe.fd", "no file to log to");
    crypto_start();
    struct log *l = mem_new(sizeof(*l));
    l->fd = fd;
    l->min = min;
    random_bytes(l->key, sizeof(l->key));
    *out = l;
    return RC_OK;
}

void log_close(struct log **l)
{
    if (l == NULL || *l == NULL)
        return;
    wipe((*l)->key, sizeof((*l)->key));
    mem_free(*l);
    *l = NULL;
}

void log_context(const char *key, str id)
{
    context.key[0] = '\0';
    if (key == NULL)
        return;
    (void)snprintf(context.key, sizeof(context.key), "%s", key);
    context.id_n = id.n < sizeof(context.id) ? id.n : sizeof(context.id);
    if (context.id_n > 0)
        memcpy(context.id, id.p, context.id_n);
}

/* A buffer over the caller's array: never grows, never frees. */
static void over(struct buf *b, char *p, size_t n)
{
    *b = (struct buf){.p = p, .cap = n, .max = n};
}

struct line {
    struct log *log;
    struct jw w;
    const struct field *fs;
};

static const char *const reserved[] = {"ts", "level", "event"};

static const char *suffix_of(enum field_type t)
{
    return t == FT_MS ? "_ms" : t == FT_BYTES ? "_bytes" : "";
}

static bool taken(const struct line *l, size_t at, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(reserved); i++) {
        if (strcmp(name, reserved[i]) == 0)
            return true;
    }
    if (context.key[0] != '\0' && strcmp(name, context.key) == 0)
        return true;
    for (size_t i = 0; i < at; i++) {
        char earlier[NAME_MAX_BYTES];
        (void)snprintf(earlier, sizeof(earlier), "%.40s%s", l->fs[i].name, suffix_of(l->fs[i].type));
        if (strcmp(name, earlier) == 0)
            return true;
    }
    return false;
}

/* A JSON object with a key twice is read differently by different readers, so the later one gets its
 * position. */
static void name_of(const struct line *l, size_t at, char out[NAME_MAX_BYTES])
{
    const struct field *f = &l->fs[at];
    must(f->name != NULL);
    (void)snprintf(out, NAME_MAX_BYTES, "%.40s%s", f->name, suffix_of(f->type));
    if (taken(l, at, out))
        (void)snprintf(out, NAME_MAX_BYTES, "%.40s%s#%zu", f->name, suffix_of(f->type), at);
}

typedef void (*put_field)(struct line *l, const char *name, const struct field *f);

static void put_masked(struct line *l, const char *name, str text, size_t max, enum mask_net net)
{
    char room[STR_MAX + 1];
    struct buf b;
    if (text.p == NULL) {
        jw_null(&l->w, name);
        return;
    }
    over(&b, room, sizeof(room));
    mask_text(&b, text, max, net);
    jw_str(&l->w, name, buf_str(&b));
}

static void put_id(struct line *l, const char *name, const struct field *f)
{
    put_masked(l, name, f->s, ID_MAX, MASK_SHAPES);
}

static void put_str(struct line *l, const char *name, const struct field *f)
{
    put_masked(l, name, f->s, STR_MAX, MASK_SHAPES_AND_RUNS);
}

static void put_int(struct line *l, const char *name, const struct field *f)
{
    jw_i64(&l->w, name, f->i);
}

static void put_flag(struct line *l, const char *name, const struct field *f)
{
    jw_bool(&l->w, name, f->i != 0);
}

static void put_rc(struct line *l, const char *name, const struct field *f)
{
    jw_cstr(&l->w, name, rc_name((enum rc)f->i));
}

static void put_secret(struct line *l, const char *name, const struct field *f)
{
    char room[16];
    struct buf b;
    if (f->s.n == 0) {
        jw_null(&l->w, name);
        return;
    }
    unsigned char mark[SHA256_BYTES];
    hmac_once((struct secret){l->log->key, KEY_BYTES}, &f->s, 1, mark);
    over(&b, room, sizeof(room));
    buf_put(&b, STR("***"));
    buf_put_hex(&b, mark, 4);
    jw_str(&l->w, name, buf_str(&b));
}

static void put_person(struct line *l, const char *name, const struct field *f)
{
    char room[16];
    struct buf b;
    if (f->s.n == 0) {
        jw_null(&l->w, name);
        return;
    }
    over(&b, room, sizeof(room));
    mask_person(&b, f->s);
    jw_str(&l->w, name, buf_str(&b));
}

/* A detail that was cut may end inside a token, where no shape is whole any more: its last run goes. */
static str without_cut_tail(str detail, size_t room)
{
    if (detail.n + 4 < room) /* a cut between characters leaves at most 3 bytes and the NUL unused */
        return detail;
    while (detail.n > 0 && mask_token_char(detail.p[detail.n - 1]))
        detail.n--;
    return detail;
}

static void put_fault(struct line *l, const char *name, const struct field *f)
{
    if (f->why == NULL) {
        jw_null(&l->w, name);
        return;
    }
    const struct fault *why = f->why;
    str code = {why->code, strnlen(why->code, sizeof(why->code))};
    str detail = {why->detail, strnlen(why->detail, sizeof(why->detail))};
    detail = without_cut_tail(detail, sizeof(why->detail));
    jw_obj(&l->w, name);
    jw_cstr(&l->w, "rc", rc_name(why->rc));
    put_masked(l, "code", code, sizeof(why->code), MASK_SHAPES);
    put_masked(l, "detail", detail, STR_MAX, MASK_SHAPES_AND_RUNS);
    jw_end(&l->w);
}

static const put_field putters[] = {
    [FT_ID] = put_id,         [FT_STR] = put_str,   [FT_INT] = put_int,     [FT_MS] = put_int,
    [FT_BYTES] = put_int,     [FT_FLAG] = put_flag, [FT_RC] = put_rc,       [FT_SECRET] = put_secret,
    [FT_PERSON] = put_person, [FT_CODE] = put_id,   [FT_FAULT] = put_fault,
};

static void put_head(struct line *l, struct buf *b, enum log_level level, const char *event)
{
    jw_init(&l->w, b);
    jw_obj(&l->w, NULL);
    jw_time(&l->w, "ts", clock_now_ms());
    jw_cstr(&l->w, "level", level_names[level]);
    put_masked(l, "event", str_of(event), ID_MAX, MASK_SHAPES);
    if (context.key[0] != '\0')
        put_masked(l, context.key, (str){context.id, context.id_n}, ID_MAX, MASK_SHAPES);
}

static void send_line(int fd, const struct buf *b)
{
    size_t done = 0;
    while (done < b->n) {
        ssize_t n = write(fd, b->p + done, b->n - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            metric_add(&observe_metrics[0], 1, NULL, NULL);
            return;
        }
        done += (size_t)n; /* short only when the disk fills or a pipe is nearly full */
    }
}

void log_fields(struct log *l, enum log_level level, const char *event, const struct field *fs, size_t n)
{
    if (l == NULL || level < l->min)
        return;
    int saved = errno;
    char room[LINE_MAX_BYTES];
    struct buf b;
    struct line line = {.log = l, .fs = fs};
    over(&b, room, sizeof(room) - 1);
    put_head(&line, &b, level, event);
    for (size_t i = 0; i < n; i++) {
        char name[NAME_MAX_BYTES];
        must((size_t)fs[i].type < COUNT_OF(putters));
        name_of(&line, i, name);
        putters[fs[i].type](&line, name, &fs[i]);
    }
    jw_end(&line.w);
    if (!buf_ok(&b)) {
        buf_clear(&b);
        put_head(&line, &b, level, event);
        jw_bool(&line.w, "too_long", true);
        jw_end(&line.w);
    }
    b.max = b.cap = sizeof(room);
    buf_put_c(&b, '\n');
    send_line(l->fd, &b);
    errno = saved;
}
