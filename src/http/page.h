/* page: second part of http's manual. Problems (RFC 9457) with a page each, HTML pages for people, and
 * answers that go wrong on purpose (the simulator's faults). Every text exists in English and in formal Thai.
 */
#ifndef MZ_HTTP_PAGE_H
#define MZ_HTTP_PAGE_H
#include "base/base.h"
#include "json/json.h"

struct http;
struct request;
struct event_doc; /* of room observe */
extern const struct event_doc http_event_docs[];
extern const size_t http_event_docs_n;

/* ---- problems: one row per stable code; rows of all rooms make /errors and /errors/{code} ---- JSON: type
 * (<base_url>/errors/<code>), title, status, detail, code, request_id, means, next, and for input mistakes
 * errors: [{field, in, problem}] with every mistake at once. Language: rq_lang. */
struct problem_row {
    const char *code; /* "login.state_unknown" */
    int status;       /* 0: by rc */
    const char *en_title, *en_means, *en_todo;
    const char *th_title, *th_means, *th_todo;
};
struct problem_table {
    const struct problem_row *rows;
    size_t n;
};
/* The row of the code, else the generic row of the outcome; never NULL. */
const struct problem_row *http_problem(const struct http *h, const char *code_or_null, enum rc rc);
/* Status that goes with an outcome when the row names none. */
int http_rc_status(enum rc rc);

/* ---- pages ---- A whole HTML document around what the caller writes between the two calls: doctype, lang,
 * title, viewport, the shared stylesheet /static/pages.css, <main>. No inline script or style: the CSP
 * refuses them.
 *
 *     struct buf b;
 *     buf_init(&b, rq_mem(rq), 65536);
 *     page_begin(&b, rq_lang(rq), STR("Sign in"));       h1 is not written: the caller writes its own
 *     buf_put(&b, STR("<h1>...</h1>"));                   text of others goes through buf_put_html
 *     page_end(&b, rq_lang(rq));
 *     answer_page(rq, 200, buf_str(&b));
 *
 * Classes the stylesheet knows: "card", "lead" (large first sentence), "note", "warn", "good", "button",
 * "button quiet", "row" (buttons side by side), "facts" (dl), "code" (long words break), "muted", "qr"
 * (square image), "logo". Forms, inputs, labels and tables are styled as they are. Light and dark, 320 px and
 * up.
 */
void page_begin(struct buf *b, str lang, str title);
void page_end(struct buf *b, str lang);
/* Title, what it means and what to do of a problem row, inside a page that the caller began. */
void page_problem(struct buf *b, const struct problem_row *row, str lang);

/* ---- a JSON object that is written while the database is read ---- The function given to store_read begins
 * it, so that a second run of it begins anew:
 *
 *     answer_begin(&a->json, rq, 1u << 20);          {
 *     jw_arr(&a->json.w, "items"); ... jw_end(...)
 *     answer_next(&a->json, next_or_none)            "next_cursor": ...
 *     ... and after the read: return answer_end(&a->json, 200, why);
 */
struct json_answer {
    struct request *rq;
    struct buf b;
    struct jw w;
};
void answer_begin(struct json_answer *a, struct request *rq, size_t max_bytes);
void answer_next(struct json_answer *a, str cursor);
/* RC_FULL "busy" when it did not fit. */
MUSTCHECK enum rc answer_end(struct json_answer *a, int status, struct fault *why);

/* ---- faults on purpose: only with http_options.plain_http_ok, elsewhere a broken invariant ---- Announces
 * the whole Content-Length, sends the first keep_bytes of the body (SIZE_MAX: all) and closes. ms_per_byte >
 * 0: the body goes out one byte per that many ms. keep_bytes 0: closes without even a status line. */
void answer_spoil(struct request *rq, size_t keep_bytes, int64_t ms_per_byte);
#endif
