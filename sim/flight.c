/* See flight.h. A ring; the oldest entries are forgotten. The counter stands in the grant, so that it can be
 * read for every grant however long ago its refreshes were.
 */
#include "flight.h"

static bool refreshes(const struct ask *q, str *token)
{
    if (str_eq(q->path, STR("/v2/oauth/token/"))) {
        struct form *f = arena_new(q->mem, struct form);
        if (f == NULL || !form_read(q->body, q->mem, f))
            return false;
        *token = form_get(f, "refresh_token");
        return str_eq(form_get(f, "grant_type"), STR("refresh_token"));
    }
    const struct json *j = NULL;
    return str_eq(q->path, STR("/open_api/v1.3/tt_user/oauth2/refresh_token/")) &&
           json_parse(q->body, NULL, q->mem, &j, NULL) == RC_OK && json_str(j, "refresh_token", token);
}

void flight_begin(struct sim *s, const struct ask *q, struct reply *a)
{
    str text = STR_NONE;
    if (!str_eq(q->method, STR("POST")) || !refreshes(q, &text))
        return;
    const struct token *t = token_by_refresh(s->w, text);
    if (t == NULL)
        return;
    struct grant *g = &s->w->grants[t->grant];
    g->in_flight += !planted("sim.flight_blind");
    g->in_flight_max = g->in_flight > g->in_flight_max ? g->in_flight : g->in_flight_max;
    struct flight *f = &s->flights[s->flights_n % MAX_FLIGHTS];
    *f = (struct flight){.n = ++s->flights_n,
                         .grant = t->grant,
                         .in_flight = g->in_flight,
                         .chain = t->chain,
                         .serial = t->serial,
                         .alive = refresh_alive(s->w, t, sim_now(s)),
                         .at_ms = sim_now(s),
                         .began_us = clock_mono_us()};
    a->flight = f->n;
    a->flight_next = t->next;
    a->flight_token = (uint32_t)(t - s->w->tokens);
}

static struct flight *flight_of(struct sim *s, const struct reply *a)
{
    struct flight *f = a->flight == 0 ? NULL : &s->flights[(a->flight - 1) % MAX_FLIGHTS];
    return f != NULL && f->n == a->flight ? f : NULL;
}

void flight_answered(struct sim *s, struct reply *a)
{
    struct flight *f = flight_of(s, a);
    if (f == NULL)
        return;
    const struct token *t = &s->w->tokens[a->flight_token];
    bool rotated = t->chain == f->chain && t->next != a->flight_next;
    struct grant *g = &s->w->grants[f->grant];
    f->next_serial = rotated ? s->w->tokens[t->next - 1].serial : 0;
    g->refreshed += rotated;
    g->refused += !rotated;
    must(TEXT_SET(f->code, str_of(a->code[0] != '\0' ? a->code : "ok")));
    must(TEXT_SET(f->fault, str_of(a->fault)));
    a->delay_ms += switch_int(&s->sw, SW_REFRESH_DELAY_MS);
}

void flight_end(struct sim *s, const struct reply *a)
{
    if (a->flight == 0)
        return;
    pthread_mutex_lock(&s->lock);
    struct flight *f = flight_of(s, a);
    if (f != NULL && !f->done) {
        struct grant *g = &s->w->grants[f->grant];
        f->done = true;
        f->took_us = clock_mono_us() - f->began_us;
        g->in_flight -= g->in_flight > 0;
    }
    pthread_mutex_unlock(&s->lock);
}

void flights_clear(struct sim *s)
{
    memset(s->flights, 0, sizeof *s->flights * MAX_FLIGHTS);
    for (size_t i = 0; i < MAX_GRANTS; i++)
        s->w->grants[i].in_flight = s->w->grants[i].in_flight_max = 0;
}

static void write_one(struct sim *s, const struct flight *f, struct out *o)
{
    const struct grant *g = &s->w->grants[f->grant];
    out_open(o, NULL, '{');
    out_int(o, "n", (int64_t)f->n);
    out_cstr(o, "client_key", s->w->apps[g->app].client_key);
    out_cstr(o, "user", s->w->users[g->user].id);
    out_int(o, "at_ms", f->at_ms);
    out_int(o, "took_us", f->done ? f->took_us : -1);
    out_int(o, "in_flight", f->in_flight);
    out_int(o, "chain", f->chain);
    out_int(o, "serial", f->serial);
    out_int(o, "next_serial", f->next_serial);
    out_bool(o, "alive", f->alive);
    out_cstr(o, "code", f->code);
    out_cstr(o, "fault", f->fault);
    out_close(o, '}');
}

void flights_write(struct sim *s, const struct grant *g_or_null, uint64_t after, int64_t limit, struct out *o)
{
    uint64_t used = s->flights_n < MAX_FLIGHTS ? s->flights_n : MAX_FLIGHTS, last = after;
    out_open(o, "refreshes", '[');
    for (uint64_t back = used; back > 0 && limit > 0; back--) {
        const struct flight *f = &s->flights[(s->flights_n - back) % MAX_FLIGHTS];
        if (f->n <= after)
            continue;
        last = f->n;
        if (g_or_null != NULL && &s->w->grants[f->grant] != g_or_null)
            continue;
        write_one(s, f, o);
        limit--;
    }
    out_close(o, ']');
    out_int(o, "last", (int64_t)last);
}
