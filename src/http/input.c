/* input: parameters as the route's row declares them, from path, query, body and headers. Every mistake is
 * found and listed at once; fields that no row declares are refused, so that nothing reaches a handler by
 * accident. Pages that people open (browser, GET) overlook unknown query parameters: others add theirs to
 * links.
 */
#include "http/http_priv.h"

#define PAIRS_MAX 64
#define TEXT_MAX 256
#define ERRORS_MAX 50

enum mistake { OK_SO_FAR, M_REQUIRED, M_UNKNOWN, M_TWICE, M_KIND, M_RANGE, M_CHOICE, M_UTF8, M_N };
static const struct {
    const char *en, *th;
} mistakes[M_N] = {
    [M_REQUIRED] = {"is required", "จำเป็นต้องระบุ"},
    [M_UNKNOWN] = {"is not known here", "ไม่ใช่ชื่อที่ใช้ได้ในคำขอนี้"},
    [M_TWICE] = {"was given twice", "ระบุซ้ำกัน"},
    [M_KIND] = {"has the wrong form", "มีรูปแบบไม่ถูกต้อง"},
    [M_RANGE] = {"is outside the allowed range", "อยู่นอกช่วงที่อนุญาต"},
    [M_CHOICE] = {"is not one of the allowed values", "ไม่ใช่ค่าที่อนุญาต"},
    [M_UTF8] = {"is not valid UTF-8 text", "ไม่ใช่ข้อความ UTF-8 ที่ถูกต้อง"},
};
static const char *const places[] = {
    [IN_PATH] = "path", [IN_QUERY] = "query", [IN_BODY] = "body", [IN_HEADER] = "header"};

struct input {
    struct request *rq;
    struct pairs query, form;
    struct buf errors;
    struct jw w;
    size_t n_errors;
    bool thai;
};

static void complain(struct input *in, str name, enum param_in where, str text)
{
    if (in->n_errors == 0) {
        buf_init(&in->errors, in->rq->mem, 65536);
        jw_init(&in->w, &in->errors);
        jw_arr(&in->w, NULL);
    }
    if (in->n_errors++ >= ERRORS_MAX) {
        return;
    }
    jw_obj(&in->w, NULL);
    jw_str(&in->w, "field", str_sub(name, 0, 128));
    jw_cstr(&in->w, "in", places[where]);
    jw_str(&in->w, "problem", text);
    jw_end(&in->w);
}

static str words_of(const struct input *in, enum mistake m)
{
    return str_of(in->thai ? mistakes[m].th : mistakes[m].en);
}

/* What is allowed stands in the sentence, so that nobody has to look it up. */
static void complain_param(struct input *in, const struct param *p, enum mistake m)
{
    struct arena *mem = in->rq->mem;
    str text = words_of(in, m);
    if (m == M_RANGE && p->kind == P_INT) {
        text = arena_fmt(mem, STR_FMT " (%lld..%lld)", STR_ARG(text), (long long)p->min, (long long)p->max);
    } else if (m == M_RANGE) {
        text =
            arena_fmt(mem, STR_FMT " (%lld..%lld %s)", STR_ARG(text), (long long)p->min,
                      (long long)(p->max > 0 ? p->max : TEXT_MAX),
                      p->kind == P_LIST ? (in->thai ? "รายการ" : "entries") : (in->thai ? "ไบต์" : "bytes"));
    } else if (m == M_CHOICE) {
        text = arena_fmt(mem, STR_FMT " (%s)", STR_ARG(text), p->choices);
    }
    complain(in, str_of(p->name), p->in, text.p == NULL ? words_of(in, m) : text);
}

/* ---- one value as text ---- */

static bool among(str s, const char *choices)
{
    str rest = str_of(choices), one;
    while (rest.n > 0 && str_cut(&rest, '|', &one)) {
        if (str_eq(one, s)) {
            return true;
        }
    }
    return false;
}

static bool id_fits(str s, const char *prefixes)
{
    char prefix[32];
    str rest = str_of(prefixes), one;
    if (prefixes == NULL) {
        return s.n > 0;
    }
    while (rest.n > 0 && str_cut(&rest, '|', &one)) {
        one = str_ends(one, STR("_")) ? str_sub(one, 0, one.n - 1) : one;
        must(one.n < sizeof(prefix));
        memcpy(prefix, one.p, one.n);
        prefix[one.n] = '\0';
        if (id_valid(s, prefix)) {
            return true;
        }
    }
    return false;
}

static bool url_fits(str s)
{
    bool scheme = str_starts(s, STR("https://")) || str_starts(s, STR("http://"));
    for (size_t i = 0; i < s.n && scheme; i++) {
        scheme = s.p[i] > 0x20 && s.p[i] < 0x7f && s.p[i] != '\\';
    }
    return scheme && s.n > 8;
}

static bool cursor_fits(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
                  c == '_' || c == '.' || c == '~';
        if (!ok) {
            return false;
        }
    }
    return s.n > 0;
}

static enum mistake int_of(const struct param *p, str s, int64_t *out)
{
    if (!str_to_i64(s, out)) {
        return M_KIND;
    }
    return (p->min == 0 && p->max == 0) || (*out >= p->min && *out <= p->max) ? OK_SO_FAR : M_RANGE;
}

static enum mistake flag_of(str s, int64_t *out)
{
    *out = str_eq(s, STR("true")) || str_eq(s, STR("1")) || str_eq(s, STR("on"));
    return *out != 0 || str_eq(s, STR("false")) || str_eq(s, STR("0")) ? OK_SO_FAR : M_KIND;
}

static enum mistake length_of(const struct param *p, size_t n)
{
    int64_t max = p->max > 0 ? p->max : p->kind == P_URL ? 2048 : p->kind == P_CURSOR ? 512 : TEXT_MAX;
    return (int64_t)n >= p->min && (int64_t)n <= max ? OK_SO_FAR : M_RANGE;
}

static enum mistake list_of(const struct param *p, str s)
{
    size_t n = 0;
    str one;
    while (s.n > 0 && str_cut(&s, ',', &one)) {
        n++;
    }
    return length_of(p, n);
}

static enum mistake text_value(const struct param *p, str s, struct arg *out)
{
    enum mistake m = utf8_valid(s) ? OK_SO_FAR : M_UTF8;
    if (m == OK_SO_FAR && p->kind != P_INT && p->kind != P_FLAG && p->kind != P_LIST) {
        m = length_of(p, s.n);
    }
    if (m != OK_SO_FAR) {
        return m;
    }
    bool fits = true;
    switch (p->kind) {
    case P_INT:
        m = int_of(p, s, &out->i);
        break;
    case P_FLAG:
        m = flag_of(s, &out->i);
        break;
    case P_LIST:
        m = list_of(p, s);
        break;
    case P_ID:
        fits = id_fits(s, p->choices);
        break;
    case P_URL:
        fits = url_fits(s);
        break;
    case P_CURSOR:
        fits = cursor_fits(s);
        break;
    case P_ENUM:
        m = among(s, p->choices) ? OK_SO_FAR : M_CHOICE;
        break;
    case P_OBJECT:
        fits = false;
        break;
    default:
        fits = memchr(s.p == NULL ? "" : s.p, '\0', s.n) == NULL;
        break;
    }
    out->s = s;
    return m == OK_SO_FAR && !fits ? M_KIND : m;
}

/* ---- one value of a JSON body: its type must be the declared one ---- */

static enum mistake json_value(const struct param *p, const struct json *j, struct arg *out)
{
    static const enum json_type want[] = {
        [P_TEXT] = JSON_STR,   [P_INT] = JSON_INT,  [P_FLAG] = JSON_BOOL,
        [P_ID] = JSON_STR,     [P_ENUM] = JSON_STR, [P_URL] = JSON_STR,
        [P_CURSOR] = JSON_STR, [P_LIST] = JSON_ARR, [P_OBJECT] = JSON_OBJ,
    };
    if (j->type != want[p->kind]) {
        return M_KIND;
    }
    if (j->type == JSON_STR) {
        return text_value(p, j->s, out);
    }
    if (j->type == JSON_INT) {
        out->i = j->i;
        return (p->min == 0 && p->max == 0) || (j->i >= p->min && j->i <= p->max) ? OK_SO_FAR : M_RANGE;
    }
    out->i = j->type == JSON_BOOL ? j->b : 0;
    return j->type == JSON_ARR ? length_of(p, j->count) : OK_SO_FAR;
}

/* ---- where values come from ---- */

static str from_pairs(struct input *in, const struct param *p, const struct pairs *ps)
{
    bool twice = false;
    str s = pairs_find(ps, str_of(p->name), &twice);
    if (twice) {
        complain_param(in, p, M_TWICE);
    }
    return s;
}

static str from_path(const struct request *rq, const struct param *p)
{
    str rest = str_of(rq->row->route->path), part;
    if (rest.n > 0) {
        rest = str_sub(rest, 1, rest.n - 1);
    }
    for (unsigned i = 0; i < rq->match.n_parts && str_cut(&rest, '/', &part); i++) {
        if (part.n == strlen(p->name) + 2 && part.p[0] == '{' &&
            memcmp(part.p + 1, p->name, part.n - 2) == 0) {
            return str_sub(rq->path, rq->match.part[i].at, rq->match.part[i].n);
        }
    }
    must_failed("a path parameter stands in the path", __FILE__, __LINE__);
}

static enum mistake one(struct input *in, const struct param *p, struct arg *out)
{
    struct request *rq = in->rq;
    str s = STR_NONE;
    *out = (struct arg){0};
    if (p->in == IN_BODY && !rq->row->route->form) {
        const struct json *j = rq->json == NULL ? NULL : json_get(rq->json, p->name);
        if (j == NULL || j->type == JSON_NULL) {
            return p->required ? M_REQUIRED : OK_SO_FAR;
        }
        out->has = true;
        return json_value(p, j, out);
    }
    if (p->in == IN_PATH) {
        s = from_path(rq, p);
    } else if (p->in == IN_HEADER) {
        s = rq_header(rq, p->name);
    } else {
        s = from_pairs(in, p, p->in == IN_QUERY ? &in->query : &in->form);
    }
    if (s.p == NULL) {
        return p->required ? M_REQUIRED : OK_SO_FAR;
    }
    out->has = true;
    return text_value(p, s, out);
}

/* ---- names nobody declared ---- */

static bool declared(const struct route *t, str name, enum param_in where)
{
    for (size_t i = 0; i < t->n_params; i++) {
        if (t->params[i].in == where && str_eq(str_of(t->params[i].name), name)) {
            return true;
        }
    }
    return where == IN_QUERY && str_eq(name, STR("lang"));
}

static void unknown_names(struct input *in)
{
    const struct route *t = in->rq->row->route;
    bool tolerant = t->browser && in->rq->head->method <= M_HEAD;
    for (size_t i = 0; i < in->query.n && !tolerant; i++) {
        if (!declared(t, in->query.at[i].name, IN_QUERY)) {
            complain(in, in->query.at[i].name, IN_QUERY, words_of(in, M_UNKNOWN));
        }
    }
    for (size_t i = 0; i < in->form.n; i++) {
        if (!declared(t, in->form.at[i].name, IN_BODY)) {
            complain(in, in->form.at[i].name, IN_BODY, words_of(in, M_UNKNOWN));
        }
    }
    const struct json *j = in->rq->json == NULL ? NULL : in->rq->json->child;
    for (; j != NULL; j = j->next) {
        if (!declared(t, j->key, IN_BODY)) {
            complain(in, j->key, IN_BODY, words_of(in, M_UNKNOWN));
        }
    }
}

/* ---- the whole ---- */

static enum rc read_sources(struct input *in, struct fault *why)
{
    struct request *rq = in->rq;
    const struct route *t = rq->row->route;
    enum rc rc = RC_OK;
    if (rq->query.n > 0 && !(t->raw && t->no_once)) {
        rc = pairs_parse(rq->query, PAIRS_MAX, rq->mem, &in->query, why);
    }
    if (rc != RC_OK || t->raw || rq->body.n == 0) {
        return rc;
    }
    if (t->form) {
        return pairs_parse(rq->body, PAIRS_MAX, rq->mem, &in->form, why);
    }
    rc = json_parse(rq->body, NULL, rq->mem, &rq->json, why);
    if (rc == RC_OK && rq->json->type != JSON_OBJ) {
        return fault_set(why, RC_INVALID, "input.not_object", "the body is no JSON object");
    }
    return rc;
}

static bool wants_query(const struct request *rq)
{
    const struct route *t = rq->row->route;
    for (size_t i = 0; i < t->n_params; i++) {
        if (t->params[i].in != IN_PATH) {
            return true;
        }
    }
    return rq->query.n > 0 || rq->body.n > 0;
}

enum rc input_read(struct request *rq, struct fault *why)
{
    struct input in = {.rq = rq};
    const struct route *t = rq->row->route;
    bool lost = false;
    in.thai = rq_lang(rq).p[0] == 't';
    if (wants_query(rq)) {
        enum rc rc = read_sources(&in, why);
        if (rc != RC_OK) {
            return rc;
        }
    }
    for (size_t i = 0; i < t->n_params; i++) {
        enum mistake m = one(&in, &t->params[i], &rq->args[i]);
        lost = lost || (m != OK_SO_FAR && t->params[i].in == IN_PATH);
        if (m != OK_SO_FAR) {
            complain_param(&in, &t->params[i], m);
        }
    }
    if (lost) {
        return fault_set(why, RC_MISSING, "not_found", "an id in the path has no valid form");
    }
    if (!t->raw) {
        unknown_names(&in);
    }
    if (in.n_errors == 0) {
        return RC_OK;
    }
    jw_end(&in.w);
    problem_answer_row(rq, http_problem(rq->h, "input.invalid", RC_INVALID), 400, buf_str(&in.errors));
    return fault_set(why, RC_INVALID, "input.invalid", "%zu mistakes", in.n_errors);
}

/* A mistake that no row can say, inside an object or a list. The handler returns what this returns. */
enum rc answer_mistake(struct request *rq, str field, const char *en, const char *th, struct fault *why)
{
    struct input in = {.rq = rq, .thai = rq_lang(rq).p[0] == 't'};
    complain(&in, field, IN_BODY, str_of(in.thai ? th : en));
    jw_end(&in.w);
    problem_answer_row(rq, http_problem(rq->h, "input.invalid", RC_INVALID), 400, buf_str(&in.errors));
    return fault_set(why, RC_INVALID, "input.invalid", STR_FMT, STR_ARG(str_sub(field, 0, 128)));
}
