/* Fuzz: the HTTP reader. The first byte says where the rest is cut; properties: a cut changes nothing, slices
 * stay inside the head, an accepted path has no dot or empty segment, a body is never larger than its cap. */
#include "http/read_priv.h"

#define CAP 4096U

struct seen {
    enum read_state state;
    int status;
    size_t eaten, body_n;
    struct head head;
};

static enum read_state body_of(struct seen *s, struct chunks *k, str in, struct buf *body)
{
    size_t used = 0;
    size_t at = s->eaten;
    if (!s->head.chunked) {
        s->status = s->head.length > CAP ? 413 : 0;
        return s->head.length > CAP                     ? READ_BAD
               : in.n - s->head.bytes >= s->head.length ? READ_DONE
                                                        : READ_MORE;
    }
    enum read_state r = chunks_read(k, str_sub(in, at, in.n - at), CAP, body, &used);
    must(used <= in.n - at && body->n <= CAP);
    s->eaten += used;
    s->status = r == READ_BAD ? k->status : 0;
    return r;
}

static void path_checked(str path)
{
    static char out[HEAD_BYTES];
    size_t n;
    if (!path_decode(path, out, &n)) {
        return;
    }
    must(n <= path.n && n > 0 && out[0] == '/');
    for (size_t i = 0; i + 1 < n; i++) {
        must(!(out[i] == '/' && out[i + 1] == '/'));
        must(!(out[i] == '/' && out[i + 1] == '.' && (i + 2 == n || out[i + 2] == '/')));
        must((unsigned char)out[i] >= 0x20);
    }
    must(utf8_valid((str){out, n}));
}

static struct seen read_cut(const char *p, size_t n, size_t cut)
{
    struct seen s = {.state = READ_MORE};
    struct chunks k;
    struct buf body;
    buf_init(&body, NULL, CAP + 1);
    head_reset(&s.head);
    chunks_reset(&k);
    bool in_body = false;
    const size_t ends[] = {cut, n};
    for (int i = 0; i < 2 && s.state == READ_MORE; i++) {
        if (!in_body) {
            s.state = head_read(&s.head, p, ends[i]);
            s.status = s.state == READ_BAD ? s.head.status : 0;
            if (s.state == READ_DONE) {
                in_body = true;
                s.eaten = s.head.bytes;
            }
        }
        if (in_body) {
            s.state = body_of(&s, &k, (str){p, ends[i]}, &body);
        }
    }
    s.body_n = body.n;
    buf_release(&body);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    const char *p = (const char *)data + 1;
    size_t n = size - 1, cut = n * data[0] / 255;
    struct seen whole = read_cut(p, n, n), split = read_cut(p, n, cut);
    must(whole.state == split.state && whole.status == split.status);
    if (whole.state == READ_DONE) {
        must(whole.eaten == split.eaten && whole.body_n == split.body_n && whole.head.bytes <= n);
        for (unsigned i = 0; i < whole.head.n_fields; i++) {
            const struct head_field *f = &whole.head.fields[i];
            must((size_t)f->name.at + f->name.n <= whole.head.bytes &&
                 (size_t)f->value.at + f->value.n <= whole.head.bytes);
        }
        must(!(whole.head.chunked && whole.head.has_length));
        path_checked(head_str(p, whole.head.path));
    }
    return 0;
}
