/* request: what a handler reads of its request. Everything lives in rq_mem or in the bytes the request came
 * in. Small values (id, address, language) are made when first asked: an intake request asks for none of
 * them.
 */
#include "http/http_priv.h"

struct arena *rq_mem(struct request *rq)
{
    return rq->mem;
}

static const struct arg *arg_of(const struct request *rq, const char *name)
{
    const struct route *t = rq->row == NULL ? NULL : rq->row->route;
    for (size_t i = 0; t != NULL && i < t->n_params; i++) {
        if (strcmp(t->params[i].name, name) == 0) {
            return &rq->args[i];
        }
    }
    must_failed("a handler reads only parameters its row declares", __FILE__, __LINE__);
}

str rq_arg(struct request *rq, const char *name)
{
    const struct arg *a = arg_of(rq, name);
    return a->has ? a->s : STR_NONE;
}

int64_t rq_int(struct request *rq, const char *name, int64_t otherwise)
{
    const struct arg *a = arg_of(rq, name);
    return a->has ? a->i : otherwise;
}

bool rq_has(struct request *rq, const char *name)
{
    return arg_of(rq, name)->has;
}

const struct json *rq_json(struct request *rq)
{
    return rq->json;
}

str rq_body(struct request *rq)
{
    return rq->body;
}

str rq_path(struct request *rq)
{
    return rq->path;
}

str rq_query(struct request *rq)
{
    return rq->query;
}

str rq_method(struct request *rq)
{
    return rq->head == NULL ? STR_NONE : head_str(rq->base, rq->head->method_text);
}

str rq_header(struct request *rq, const char *name)
{
    str found = STR_NONE;
    for (unsigned i = 0; rq->head != NULL && i < rq->head->n_fields; i++) {
        const struct head_field *f = &rq->head->fields[i];
        if (!str_eq_nocase(head_str(rq->base, f->name), str_of(name))) {
            continue;
        }
        str value = head_str(rq->base, f->value);
        found = found.p == NULL ? value
                                : arena_fmt(rq->mem, STR_FMT ", " STR_FMT, STR_ARG(found), STR_ARG(value));
    }
    return found;
}

str rq_cookie(struct request *rq, const char *name)
{
    str rest = rq->head == NULL ? STR_NONE : head_known(rq->head, rq->base, K_COOKIE);
    str part, key, prefix = rq->h->cookie_prefix;
    while (rest.n > 0 && str_cut(&rest, ';', &part)) {
        part = str_trim(part);
        if (!str_cut(&part, '=', &key) || part.p == NULL || !str_starts(key, prefix)) {
            continue;
        }
        if (str_eq(str_sub(key, prefix.n, key.n - prefix.n), str_of(name))) {
            return part;
        }
    }
    return STR_NONE;
}

/* 48 bits of time, the ticket and a part that is random per process: unique and in order of time without
 * asking the kernel for each request. */
static void id_make(const struct request *rq, char out[RID_TEXT])
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    static _Atomic uint32_t salt;
    uint32_t s = atomic_load_explicit(&salt, memory_order_relaxed);
    while (s == 0) {
        uint32_t fresh;
        random_bytes(&fresh, sizeof(fresh));
        uint32_t none = 0;
        s = atomic_compare_exchange_strong(&salt, &none, fresh) ? fresh : atomic_load(&salt);
    }
    uint64_t high = (uint64_t)rq->arrived_ms << 16 | s >> 16, low = rq->ticket ^ (uint64_t)s << 48;
    memcpy(out, "req_", 4);
    for (int i = 25; i >= 0; i--) {
        out[4 + i] = digits[low & 31];
        low = low >> 5 | high << 59;
        high >>= 5;
    }
    out[RID_TEXT - 1] = '\0';
}

/* A caller's own id is taken over when it is harmless, so that a trace can be followed through both systems.
 * */
static bool id_given(str s)
{
    if (s.n < 8 || s.n > 64) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
              c == '_')) {
            return false;
        }
    }
    return true;
}

str rq_id(struct request *rq)
{
    if (rq->id.n > 0) {
        return rq->id;
    }
    str given = rq->head == NULL || rq->own_id ? STR_NONE : head_known(rq->head, rq->base, K_REQUEST_ID);
    if (id_given(given)) {
        memcpy(rq->id_room, given.p, given.n);
        rq->id = (str){rq->id_room, given.n};
        return rq->id;
    }
    id_make(rq, rq->id_room);
    rq->id = (str){rq->id_room, RID_TEXT - 1};
    return rq->id;
}

str rq_address(struct request *rq)
{
    size_t n = address_text(&rq->from, rq->address_room);
    return (str){rq->address_room, n};
}

static bool lang_of(str s, bool *thai)
{
    if (s.n >= 2 && (s.n == 2 || s.p[2] == '-') &&
        (str_eq_nocase(str_sub(s, 0, 2), STR("th")) || str_eq_nocase(str_sub(s, 0, 2), STR("en")))) {
        *thai = (s.p[0] | 0x20) == 't';
        return true;
    }
    return false;
}

static int quality_of(str params)
{
    str p = str_trim(params);
    if (p.n < 3 || (p.p[0] | 0x20) != 'q' || p.p[1] != '=') {
        return 1000;
    }
    int q = p.p[2] == '1' ? 1000 : 0;
    for (size_t i = 4, unit = 100; i < p.n && i < 7 && p.p[i] >= '0' && p.p[i] <= '9'; i++, unit /= 10) {
        q += (p.p[i] - '0') * (int)unit;
    }
    return q;
}

static bool lang_accepted(str accept)
{
    str part, tag;
    bool thai = false, one;
    int best = 0;
    while (accept.n > 0 && str_cut(&accept, ',', &part)) {
        if (!str_cut(&part, ';', &tag) || !lang_of(str_trim(tag), &one)) {
            continue;
        }
        int q = part.p == NULL ? 1000 : quality_of(part);
        if (q > best) {
            best = q;
            thai = one;
        }
    }
    return thai;
}

static str query_lang(str query)
{
    str part, key;
    while (query.n > 0 && str_cut(&query, '&', &part)) {
        if (str_cut(&part, '=', &key) && str_eq(key, STR("lang")) && part.p != NULL) {
            return part;
        }
    }
    return STR_NONE;
}

str rq_lang(struct request *rq)
{
    if (rq->head == NULL) {
        return rq->thai ? STR("th") : STR("en");
    }
    bool thai;
    str asked = query_lang(rq->query);
    if (!lang_of(asked, &thai) && !lang_of(rq_cookie(rq, "lang"), &thai)) {
        thai = lang_accepted(head_known(rq->head, rq->base, K_LANGUAGE));
    }
    return thai ? STR("th") : STR("en");
}

const struct principal *rq_who(struct request *rq)
{
    return &rq->who;
}

struct http *rq_http(struct request *rq)
{
    return rq->h;
}

int64_t rq_arrived_ms(struct request *rq)
{
    return rq->arrived_ms;
}

const struct once *rq_once(struct request *rq)
{
    return rq->has_once ? &rq->once : NULL;
}

uint64_t rq_defer(struct request *rq)
{
    must(rq->inl && !rq->answered);
    rq->deferred = true;
    return rq->ticket;
}
