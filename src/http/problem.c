/* problem: refusals as RFC 9457 problem documents, or as a page where a person is looking; the pages /errors
 * and /errors/{code} that explain each of them. What is written comes from constant rows only: a fault's
 * detail is for the log, never for the caller.
 */
#include "http/http_priv.h"

static const struct {
    int status;
    const char *code; /* the generic row */
} of_rc[RC_COUNT] = {
    [RC_OK] = {500, "internal"},
    [RC_MISSING] = {404, "not_found"},
    [RC_INVALID] = {400, "invalid"},
    [RC_CONFLICT] = {409, "conflict"},
    [RC_DENIED] = {403, "auth.forbidden"},
    [RC_OFF] = {403, "switched_off"},
    [RC_REFUSED] = {422, "refused"},
    [RC_SCOPE] = {403, "scope_missing"},
    [RC_REAUTH] = {409, "reconnect_needed"},
    [RC_LIMITED] = {429, "rate_limited"},
    [RC_RETRY] = {503, "try_again"},
    [RC_UNSURE] = {503, "commit_unknown"},
    [RC_FULL] = {503, "busy"},
    [RC_BUG] = {500, "internal"},
};

int http_rc_status(enum rc rc)
{
    must(rc < RC_COUNT);
    return of_rc[rc].status;
}

static int by_code(const void *a, const void *b)
{
    const struct problem_row *const *x = a;
    const struct problem_row *const *y = b;
    return strcmp((*x)->code, (*y)->code);
}

static const struct problem_row *find(const struct http *h, str code)
{
    size_t lo = 0, hi = h->n_problems;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct problem_row *row = h->problems[mid];
        size_t n = strlen(row->code);
        int c = memcmp(row->code, code.p, n < code.n ? n : code.n);
        if (c == 0 && n == code.n) {
            return row;
        }
        if (c < 0 || (c == 0 && n < code.n)) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

/* The room's own rows are always there; rows of other rooms come on top. The first row of a code counts. */
void problems_open(struct http *h, const struct http_options *o)
{
    size_t total = http_problems_n, n = 0;
    for (size_t i = 0; i < o->n_problems; i++) {
        total += o->problems[i].n;
    }
    h->problems = arena_array(h->mem, const struct problem_row *, total);
    must(h->problems != NULL);
    for (size_t i = 0; i < http_problems_n; i++) {
        h->problems[n++] = &http_problems[i];
    }
    for (size_t i = 0; i < o->n_problems; i++) {
        for (size_t k = 0; k < o->problems[i].n; k++) {
            h->problems[n++] = &o->problems[i].rows[k];
        }
    }
    qsort(h->problems, n, sizeof(*h->problems), by_code);
    for (size_t i = 0; i < n; i++) {
        if (h->n_problems == 0 || by_code(&h->problems[h->n_problems - 1], &h->problems[i]) != 0) {
            h->problems[h->n_problems++] = h->problems[i];
        }
    }
    for (int rc = 0; rc < RC_COUNT; rc++) {
        h->by_rc[rc] = find(h, str_of(of_rc[rc].code));
        must(h->by_rc[rc] != NULL);
    }
}

const struct problem_row *http_problem(const struct http *h, const char *code_or_null, enum rc rc)
{
    must(rc < RC_COUNT);
    const struct problem_row *row = code_or_null == NULL ? NULL : find(h, str_of(code_or_null));
    return row == NULL ? h->by_rc[rc] : row;
}

/* ---- JSON ---- */

static str document(struct request *rq, const struct problem_row *row, int status, str errors_json)
{
    bool th = rq_lang(rq).p[0] == 't';
    struct buf b;
    struct jw w;
    buf_init(&b, rq->mem, 65536);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "type", arena_fmt(rq->mem, STR_FMT "/errors/%s", STR_ARG(rq->h->base_url), row->code));
    jw_cstr(&w, "title", th ? row->th_title : row->en_title);
    jw_i64(&w, "status", status);
    jw_cstr(&w, "detail", th ? row->th_means : row->en_means);
    jw_cstr(&w, "code", row->code);
    jw_str(&w, "request_id", rq_id(rq));
    jw_cstr(&w, "means", th ? row->th_means : row->en_means);
    jw_cstr(&w, "next", th ? row->th_todo : row->en_todo);
    if (errors_json.n > 0) {
        jw_raw(&w, "errors", errors_json);
    }
    jw_end(&w);
    return buf_str(&b);
}

/* ---- pages ---- */

void page_problem(struct buf *b, const struct problem_row *row, str lang)
{
    bool th = lang.p[0] == 't';
    buf_put(b, STR("<h1>"));
    buf_put_html(b, str_of(th ? row->th_title : row->en_title));
    buf_put(b, STR("</h1>\n<p class=\"lead\">"));
    buf_put_html(b, str_of(th ? row->th_means : row->en_means));
    buf_put(b, STR("</p>\n<p>"));
    buf_put_html(b, str_of(th ? row->th_todo : row->en_todo));
    buf_put(b, STR("</p>\n"));
}

static str page_of(struct request *rq, const struct problem_row *row)
{
    str lang = rq_lang(rq);
    struct buf b;
    buf_init(&b, rq->mem, 65536);
    page_begin(&b, lang, str_of(lang.p[0] == 't' ? row->th_title : row->en_title));
    page_problem(&b, row, lang);
    buf_fmt(&b,
            "<p class=\"muted\">%s <span class=\"code\">" STR_FMT
            "</span><br>%s <span class=\"code\">%s</span></p>\n",
            lang.p[0] == 't' ? "รหัสคำขอ" : "Request", STR_ARG(rq_id(rq)),
            lang.p[0] == 't' ? "รหัสข้อผิดพลาด" : "Code", row->code);
    page_end(&b, lang);
    return buf_str(&b);
}

/* Unknown paths have no row that says who looks: a browser asks for HTML. */
static bool wants_page(struct request *rq)
{
    str at;
    size_t where;
    if (rq->row != NULL) {
        return rq->row->route->browser;
    }
    at = rq->head == NULL ? STR_NONE : rq_header(rq, "accept");
    return at.n > 0 && str_find(at, STR("text/html"), &where);
}

static void hints(struct request *rq, int status)
{
    if (status == 401) {
        answer_header(rq, "WWW-Authenticate", STR("Bearer"));
    }
    if (status == 429 || status == 503) {
        bool ours = status == 429 && rq->rate.retry_s > 0; /* the limit per address refused it */
        int64_t s = ours ? rq->rate.retry_s : 2;
        if (ours) {
            answer_rate(rq);
        }
        if (rq->extra.n == 0 || memmem(rq->extra.p, rq->extra.n, "Retry-After", 11) == NULL) {
            answer_header(rq, "Retry-After", arena_fmt(rq->mem, "%lld", (long long)s));
        }
    }
}

void problem_answer_row(struct request *rq, const struct problem_row *row, int status, str errors_json)
{
    hints(rq, status);
    if (wants_page(rq)) {
        answer_page(rq, status, page_of(rq, row));
    } else {
        answer_body(rq, status, "application/problem+json", document(rq, row, status, errors_json));
    }
    rq->problem = row;
}

void problem_answer(struct request *rq, enum rc rc, const char *code, const struct fault *why_or_null)
{
    if (code == NULL && why_or_null != NULL && why_or_null->code[0] != '\0') {
        code = why_or_null->code;
    }
    const struct problem_row *row = http_problem(rq->h, code, rc);
    problem_answer_row(rq, row, row->status != 0 ? row->status : http_rc_status(rc), STR_NONE);
}

/* ---- /errors and /errors/{code} ---- */

static const struct {
    const char *en, *th;
} words[] = {
    {"Error codes", "รหัสข้อผิดพลาด"},
    {"Every refusal of this service names one of these codes.",
     "ทุกครั้งที่บริการนี้ปฏิเสธคำขอ จะระบุรหัสใดรหัสหนึ่งต่อไปนี้"},
    {"All error codes", "รหัสข้อผิดพลาดทั้งหมด"},
    {"HTTP status", "สถานะ HTTP"},
};

static void other_language(struct buf *b, str lang)
{
    bool th = lang.p[0] == 't';
    buf_fmt(b, "<p class=\"muted\"><a href=\"?lang=%s\" hreflang=\"%s\" lang=\"%s\">%s</a></p>\n",
            th ? "en" : "th", th ? "en" : "th", th ? "en" : "th", th ? "English" : "ภาษาไทย");
}

enum rc problem_index(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    const struct http *h = rq->h;
    str lang = rq_lang(rq);
    bool th = lang.p[0] == 't';
    struct buf b;
    buf_init(&b, rq->mem, (size_t)(1U << 20));
    page_begin(&b, lang, str_of(th ? words[0].th : words[0].en));
    buf_fmt(&b, "<h1>%s</h1>\n<p class=\"lead\">%s</p>\n<dl class=\"facts\">\n",
            th ? words[0].th : words[0].en, th ? words[1].th : words[1].en);
    for (size_t i = 0; i < h->n_problems; i++) {
        const struct problem_row *row = h->problems[i];
        buf_fmt(&b, "<dt><a class=\"code\" href=\"/errors/%s?lang=" STR_FMT "\">%s</a></dt>\n<dd>", row->code,
                STR_ARG(lang), row->code);
        buf_put_html(&b, str_of(th ? row->th_title : row->en_title));
        buf_put(&b, STR("</dd>\n"));
    }
    buf_put(&b, STR("</dl>\n"));
    other_language(&b, lang);
    page_end(&b, lang);
    if (!buf_ok(&b)) {
        return fault_set(why, RC_FULL, "busy", "page of error codes too large");
    }
    answer_page(rq, 200, buf_str(&b));
    return RC_OK;
}

enum rc problem_page(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    const struct problem_row *row = find(rq->h, rq_arg(rq, "code"));
    if (row == NULL) {
        return fault_set(why, RC_MISSING, "not_found", "no such error code");
    }
    str lang = rq_lang(rq);
    bool th = lang.p[0] == 't';
    struct buf b;
    buf_init(&b, rq->mem, 65536);
    page_begin(&b, lang, str_of(th ? row->th_title : row->en_title));
    page_problem(&b, row, lang);
    buf_fmt(&b, "<dl class=\"facts\"><dt>%s</dt><dd class=\"code\">%s</dd>", th ? "รหัส" : "Code", row->code);
    if (row->status != 0) {
        buf_fmt(&b, "<dt>%s</dt><dd>%d</dd>", th ? words[3].th : words[3].en, row->status);
    }
    buf_fmt(&b, "</dl>\n<p><a href=\"/errors?lang=" STR_FMT "\">%s</a></p>\n", STR_ARG(lang),
            th ? words[2].th : words[2].en);
    other_language(&b, lang);
    page_end(&b, lang);
    answer_page(rq, 200, buf_str(&b));
    return RC_OK;
}
