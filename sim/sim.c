/* The heart: memory of the simulator, answers and their error forms, the route look-up, one request from lock
 * to log. Faults are applied around the handler (faults.c); the log keeps every request of TikTok's own paths
 * (record.c).
 */
#include "sim.h"
#include "flight.h"
#include "rates.h"
#include "record.h"
#include "faults.h"
#include "sender.h"
#include "talk.h"
#include "crypto/crypto.h"

void sim_init(struct sim *s)
{
    *s = (struct sim){.drawn = 0};
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    s->w = mem_new(sizeof *s->w);
    s->log = mem_new(sizeof *s->log * MAX_LOG);
    s->faults = mem_new(sizeof *s->faults * MAX_FAULTS);
    s->deliveries = mem_new(sizeof *s->deliveries * MAX_DELIVERIES);
    s->timers = mem_new(sizeof *s->timers * MAX_TIMERS);
    s->rates = mem_new(sizeof *s->rates * MAX_RATES);
    s->limits = rates_open();
    s->flights = mem_new(sizeof *s->flights * MAX_FLIGHTS);
    index_open(&s->w->by_user, MAX_USERS);
    index_open(&s->w->by_access, MAX_TOKENS);
    index_open(&s->w->by_refresh, MAX_TOKENS);
    index_open(&s->w->by_message, MAX_MESSAGES);
    index_open(&s->w->by_thread, MAX_THREADS);
    switches_init(&s->sw);
    must(TEXT_SET(s->url, STR("http://127.0.0.1")));
}

void sim_release(struct sim *s)
{
    record_clear(s);
    deliveries_clear(s);
    index_close(&s->w->by_user);
    index_close(&s->w->by_access);
    index_close(&s->w->by_refresh);
    talk_clear(s);
    index_close(&s->w->by_message);
    index_close(&s->w->by_thread);
    rates_close(&s->limits);
    mem_free(s->flights);
    mem_free(s->w);
    mem_free(s->log);
    mem_free(s->faults);
    mem_free(s->deliveries);
    mem_free(s->timers);
    mem_free(s->rates);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    *s = (struct sim){.drawn = 0};
}

int64_t sim_now(const struct sim *s)
{
    return clock_now_ms() + s->w->offset_ms;
}

/* ---- answers ---- */

void reply_init(struct sim *s, const struct ask *q, struct reply *a)
{
    *a = (struct reply){.status = 200, .type = "text/plain; charset=utf-8", .keep_bytes = SIZE_MAX};
    buf_init(&a->body, q->mem, 4U << 20);
    log_id_new(sim_now(s) + switch_int(&s->sw, SW_DATE_SKEW_S) * 1000, a->log_id);
}

void reply_header(struct reply *a, const char *name, str value)
{
    must(a->n_headers < COUNT_OF(a->headers));
    a->headers[a->n_headers].name = name;
    a->headers[a->n_headers++].value = value;
}

void reply_json(struct reply *a, int status)
{
    a->status = status;
    a->type = "application/json; charset=utf-8";
}

void reply_redirect(struct reply *a, int status, str url)
{
    buf_clear(&a->body);
    a->status = status;
    a->type = "text/html; charset=utf-8";
    reply_header(a, "Location", url);
}

/* {"error":"invalid_grant","error_description":"...","log_id":"..."} */
static void error_oauth(struct reply *a, const char *code, const char *text)
{
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_cstr(&o, "error", code);
    out_cstr(&o, "error_description", text);
    out_cstr(&o, "log_id", a->log_id);
    out_close(&o, '}');
}

/* The seen failure body of the v2 API begins with `error` and carries no data. */
static void error_v2(struct reply *a, const char *code, const char *text)
{
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_open(&o, "error", '{');
    out_cstr(&o, "code", code);
    out_cstr(&o, "message", text);
    out_cstr(&o, "log_id", a->log_id);
    out_close(&o, '}');
    out_close(&o, '}');
}

static void error_business(struct reply *a, const char *code, const char *text)
{
    int64_t number = 50000;
    struct out o;
    if (!str_to_i64(str_of(code), &number))
        number = 50000;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_int(&o, "code", number);
    out_cstr(&o, "message", text);
    out_cstr(&o, "request_id", a->log_id);
    out_open(&o, "data", '{');
    out_close(&o, '}');
    out_close(&o, '}');
}

void reply_error(struct sim *s, struct reply *a, int status, const char *code, const char *text)
{
    buf_clear(&a->body);
    reply_json(a, status);
    must(TEXT_SET(a->code, str_sub(str_of(code), 0, sizeof a->code - 1)));
    switch (a->form) {
    case FORM_OAUTH:
        if (status == 200 && switch_is(&s->sw, SW_OAUTH_ERROR_STATUS, "400"))
            a->status = strcmp(code, "invalid_client") == 0 ? 401 : 400;
        error_oauth(a, code, text);
        break;
    case FORM_V2:
        error_v2(a, code, text);
        break;
    case FORM_BUSINESS:
        error_business(a, code, text);
        break;
    case FORM_PAGE:
        a->type = "text/plain; charset=utf-8";
        buf_put(&a->body, str_of(text));
        break;
    case FORM_CONTROL: {
        struct out o;
        out_init(&o, &a->body, false);
        out_open(&o, NULL, '{');
        out_cstr(&o, "error", text);
        out_close(&o, '}');
    }
    }
}

/* ---- one request ---- */

static bool row_fits(const struct sim_route *r, const struct ask *q)
{
    if (strcmp(r->method, "*") != 0 && !str_eq(str_of(r->method), q->method))
        return false;
    return r->prefix ? str_starts(q->path, str_of(r->path)) : str_eq(q->path, str_of(r->path));
}

static const struct sim_route *route_of(const struct ask *q)
{
    for (size_t i = 0; i < sim_routes_n; i++)
        if (row_fits(&sim_routes[i], q))
            return &sim_routes[i];
    return NULL;
}

/* What TikTok's hosts answer to a path or method that they do not know. */
static void not_found(struct reply *a)
{
    a->status = 404;
    buf_put(&a->body, STR("404 page not found"));
}

/* A page of another site, open in the same browser, must not steer the simulator. */
static bool foreign_page(const struct sim *s, const struct sim_route *row, const struct ask *q)
{
    return row->form == FORM_CONTROL && q->origin.n > 0 && !str_eq(q->origin, str_of(s->url));
}

static void serve_row(struct sim *s, const struct sim_route *row, const struct ask *q, struct reply *a)
{
    struct fault_rule fault;
    a->form = row->form;
    if (foreign_page(s, row, q)) {
        reply_error(s, a, 403, "origin", "This page may not steer the simulator.");
        return;
    }
    bool spoiled = !row->quiet && fault_take(s, q, &fault);
    bool works = !spoiled || fault.after || fault_needs_work(&fault);
    flight_begin(s, q, a);
    if (works)
        row->handle(s, q, a);
    if (spoiled)
        fault_spoil(s, &fault, a);
    flight_answered(s, a);
}

void sim_serve(struct sim *s, const struct ask *q, struct reply *a)
{
    pthread_mutex_lock(&s->lock);
    reply_init(s, q, a);
    timers_run(s);
    const struct sim_route *row = route_of(q);
    if (row == NULL)
        not_found(a);
    else
        serve_row(s, row, q, a);
    if (row == NULL || row->form != FORM_PAGE)
        reply_header(a, "x-tt-logid", arena_str(q->mem, str_of(a->log_id)));
    if (row == NULL || !row->quiet)
        record_put(s, q, a);
    pthread_mutex_unlock(&s->lock);
}
