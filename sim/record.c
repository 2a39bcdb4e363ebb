/* Writes each request of TikTok's own paths into the ring (record.h). Bounded twice: MAX_LOG entries, each
 * text cut at LOG_TEXT_MAX bytes. The values are shown as they came: everything here is simulated and stays
 * on this machine.
 */
#include "record.h"

static str cut(str s)
{
    if (s.n <= LOG_TEXT_MAX)
        return s;
    size_t n = LOG_TEXT_MAX;
    while (n > 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    return (str){s.p, n};
}

static void header_put(struct out *o, const char *name, str value)
{
    if (value.p != NULL && value.n > 0)
        out_str(o, name, cut(value));
}

static void write_ask(struct out *o, const struct ask *q)
{
    out_str(o, "method", q->method);
    out_str(o, "path", q->path);
    out_str(o, "query", cut(q->query));
    out_open(o, "headers", '{');
    header_put(o, "content-type", q->content_type);
    header_put(o, "authorization", q->authorization);
    header_put(o, "access-token", q->access_token);
    header_put(o, "x-user", q->x_user);
    header_put(o, "cookie", q->cookie);
    header_put(o, "user-agent", q->user_agent);
    header_put(o, "accept", q->accept);
    header_put(o, "accept-language", q->accept_language);
    out_close(o, '}');
    out_str(o, "body", cut(q->body));
}

static void write_reply(struct out *o, const struct reply *a)
{
    out_int(o, "status", a->drop ? 0 : a->status);
    out_open(o, "answer_headers", '{');
    out_cstr(o, "content-type", a->type);
    for (size_t i = 0; i < a->n_headers; i++)
        out_str(o, a->headers[i].name, a->headers[i].value);
    out_close(o, '}');
    if (str_starts(str_of(a->type), STR("image/")))
        out_cstr(o, "answer", "");
    else
        out_str(o, "answer", cut(buf_str(&a->body)));
    out_int(o, "answer_bytes", (int64_t)a->body.n);
    out_str(o, "client_key", a->client_key);
    out_str(o, "user", a->user);
    out_cstr(o, "log_id", a->log_id);
    out_cstr(o, "fault", a->fault);
}

void record_put(struct sim *s, const struct ask *q, const struct reply *a)
{
    struct log_entry *e = &s->log[s->log_n % MAX_LOG];
    if (e->n == 0 && e->json.max == 0)
        buf_init(&e->json, NULL, (size_t)12 * LOG_TEXT_MAX);
    buf_clear(&e->json);
    e->n = ++s->log_n;
    if (!TEXT_SET(e->path, q->path))
        must(TEXT_SET(e->path, str_sub(q->path, 0, sizeof e->path - 1)));
    struct out o;
    out_init(&o, &e->json, false);
    out_open(&o, NULL, '{');
    out_int(&o, "n", (int64_t)e->n);
    out_int(&o, "at_ms", sim_now(s));
    write_ask(&o, q);
    write_reply(&o, a);
    out_close(&o, '}');
    if (!buf_ok(&e->json))
        e->n = 0;
}

void record_clear(struct sim *s)
{
    for (size_t i = 0; i < MAX_LOG; i++) {
        if (s->log[i].json.max == 0)
            continue;
        buf_release(&s->log[i].json);
        s->log[i] = (struct log_entry){.n = 0};
    }
}

void record_write(const struct sim *s, uint64_t after, str path, int64_t limit, struct buf *b)
{
    size_t used = s->log_n < MAX_LOG ? (size_t)s->log_n : MAX_LOG, back = 0;
    int64_t found = 0;
    size_t bytes = 64;
    for (back = 1; back <= used && found < limit; back++) {
        const struct log_entry *e = &s->log[(s->log_n - back) % MAX_LOG];
        if (e->n != 0 && e->n <= after)
            break;
        if (e->n == 0 || !str_starts(str_of(e->path), path))
            continue;
        bytes += e->json.n + 1;
        if (bytes > b->max)
            break;
        found++;
    }
    struct out o;
    out_init(&o, b, false);
    out_open(&o, NULL, '{');
    out_open(&o, "entries", '[');
    while (--back > 0) {
        const struct log_entry *e = &s->log[(s->log_n - back) % MAX_LOG];
        if (e->n > after && str_starts(str_of(e->path), path))
            out_raw(&o, NULL, buf_str(&e->json));
    }
    out_close(&o, ']');
    out_int(&o, "last", (int64_t)s->log_n);
    out_close(&o, '}');
}
