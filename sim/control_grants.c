/* The control API's calls about codes, tokens and grants: lists with their counters, single ones for a test,
 * and many at once for benches.
 */
#include "control.h"
#include "ads.h"
#include "flight.h"

enum { BULK_MAX = 5000 };

static bool app_user(struct call *c, struct app **a, struct user **u)
{
    *a = app_find(c->s->w, control_text(c, "client_key"));
    *u = user_find(c->s->w, control_text(c, "user"));
    return *a != NULL && *u != NULL ? true : control_no(c, "client_key or user is unknown");
}

/* An ads consent without a page ticks every ad account. */
static void tick(struct sim *s, const struct app *a, const struct user *u)
{
    struct grant *g = a->portal == PORTAL_ADS ? grant_make(s->w, a, u) : NULL;
    if (g != NULL)
        ads_tick_all(s, g);
}

bool control_codes(struct call *c)
{
    struct app *a;
    struct user *u;
    uint32_t scopes;
    if (!control_only(c, "client_key|user|scopes|redirect_uri|code_challenge") || !app_user(c, &a, &u))
        return false;
    if (!rights_parse(a, control_text(c, "scopes"), &scopes))
        return control_no(c, "scopes names an unknown scope");
    struct code *code = code_make(c->s, a, u, scopes);
    tick(c->s, a, u);
    if (!TEXT_SET(code->redirect_uri, control_text(c, "redirect_uri")) ||
        !TEXT_SET(code->challenge, control_text(c, "code_challenge")))
        return control_no(c, "redirect_uri or code_challenge is too long");
    out_cstr(&c->o, "code", code->text);
    return true;
}

bool control_tokens(struct call *c)
{
    struct app *a;
    struct user *u;
    uint32_t scopes;
    if (!control_only(c, "client_key|user|scopes") || !app_user(c, &a, &u))
        return false;
    if (!rights_parse(a, control_text(c, "scopes"), &scopes))
        return control_no(c, "scopes names an unknown scope");
    tick(c->s, a, u);
    const struct token *t = token_make(c->s, a, u, scopes);
    if (t == NULL)
        return control_no(c, "the table of grants is full");
    struct buf answer;
    buf_init(&answer, c->q->mem, 4096);
    token_answer(c->s, t, &answer);
    buf_clear(&c->a->body); /* the token answer is the whole answer */
    buf_put(&c->a->body, str_sub(buf_str(&answer), 0, answer.n - 1));
    return true;
}

/* ---- lists ---- */

/* The newest token of every grant, by one walk: row + 1. */
static uint32_t *newest_tokens(struct call *c)
{
    const struct world *w = c->s->w;
    uint32_t *newest = arena_take(c->q->mem, MAX_GRANTS * sizeof *newest);
    if (newest == NULL)
        return NULL;
    memset(newest, 0, MAX_GRANTS * sizeof *newest);
    for (size_t i = 0; i < MAX_TOKENS; i++) {
        const struct token *t = &w->tokens[i];
        if (t->chain == 0)
            continue;
        const struct token *have = newest[t->grant] == 0 ? NULL : &w->tokens[newest[t->grant] - 1];
        if (have == NULL || t->chain > have->chain || (t->chain == have->chain && t->serial > have->serial))
            newest[t->grant] = (uint32_t)i + 1;
    }
    return newest;
}

static void put_grant(struct call *c, const struct grant *g, const struct token *t)
{
    struct world *w = c->s->w;
    char id[ID_SIZE];
    struct buf scopes;
    const struct app *a = &w->apps[g->app];
    buf_init(&scopes, c->q->mem, 1024);
    rights_put(a, &scopes, g->scopes);
    open_id_of(a, &w->users[g->user], id);
    out_open(&c->o, NULL, '{');
    out_cstr(&c->o, "client_key", a->client_key);
    out_cstr(&c->o, "user", w->users[g->user].id);
    out_cstr(&c->o, "open_id", id);
    out_str(&c->o, "scopes", buf_str(&scopes));
    out_bool(&c->o, "active", g->active);
    out_int(&c->o, "granted_ms", g->granted_ms);
    out_int(&c->o, "in_flight", g->in_flight);
    out_int(&c->o, "in_flight_max", g->in_flight_max);
    out_int(&c->o, "refreshed", g->refreshed);
    out_int(&c->o, "refused", g->refused);
    if (t != NULL) {
        int64_t now = sim_now(c->s);
        out_int(&c->o, "chain", t->chain);
        out_int(&c->o, "serial", t->serial);
        out_bool(&c->o, "access_alive", token_alive(w, t, now));
        out_bool(&c->o, "refresh_alive", t->refresh[0] != '\0' && refresh_alive(w, t, now));
        out_int(&c->o, "access_expires_ms", t->access_ms == INT64_MAX ? 0 : t->access_ms);
        out_int(&c->o, "refresh_expires_ms", t->refresh_ms);
    }
    if (a->portal == PORTAL_ADS)
        ads_put_granted(c->s, g, "advertisers", &c->o);
    out_close(&c->o, '}');
}

/* The filters of a list; false: the query is malformed or names somebody unknown. */
struct filter {
    const struct app *a;
    const struct user *u;
    int64_t after, limit;
};

static bool filter_read(struct call *c, struct filter *f)
{
    struct form *q = arena_new(c->q->mem, struct form);
    *f = (struct filter){.limit = BULK_MAX};
    if (q == NULL || !form_read(c->q->query, c->q->mem, q))
        return control_no(c, "the query is malformed");
    f->a = app_find(c->s->w, form_get(q, "client_key"));
    f->u = user_find(c->s->w, form_get(q, "user"));
    control_query_int(c, "after", &f->after);
    control_query_int(c, "limit", &f->limit);
    if ((form_get(q, "client_key").n > 0 && f->a == NULL) || (form_get(q, "user").n > 0 && f->u == NULL))
        return control_no(c, "client_key or user is unknown");
    return f->after >= 0 && f->limit >= 0 ? true : control_no(c, "after and limit are not below 0");
}

bool control_grants(struct call *c)
{
    struct world *w = c->s->w;
    struct filter f;
    uint32_t *newest = newest_tokens(c);
    if (newest == NULL || !filter_read(c, &f))
        return newest == NULL ? control_no(c, "no memory") : false;
    size_t i = (size_t)f.after;
    out_open(&c->o, "grants", '[');
    for (; i < w->n_grants && f.limit > 0; i++) {
        const struct grant *g = &w->grants[i];
        if ((f.a != NULL && &w->apps[g->app] != f.a) || (f.u != NULL && &w->users[g->user] != f.u))
            continue;
        put_grant(c, g, newest[i] == 0 ? NULL : &w->tokens[newest[i] - 1]);
        f.limit--;
    }
    out_close(&c->o, ']');
    out_int(&c->o, "last", (int64_t)i);
    return buf_ok(&c->a->body) ? true : control_no(c, "the answer is too long: ask with a smaller limit");
}

bool control_refreshes(struct call *c)
{
    struct filter f;
    if (!filter_read(c, &f))
        return false;
    if ((f.a == NULL) != (f.u == NULL))
        return control_no(c, "client_key and user belong together");
    const struct grant *g = f.a == NULL ? NULL : grant_find(c->s->w, f.a, f.u);
    if (f.a != NULL && g == NULL)
        return control_no(c, "there is no such grant");
    flights_write(c->s, g, (uint64_t)f.after, f.limit, &c->o);
    return buf_ok(&c->a->body) ? true : control_no(c, "the answer is too long: ask with a smaller limit");
}

/* ---- many at once ---- */

struct bulk {
    const struct app *a;
    uint32_t scopes;
    int64_t access_life_s, refresh_life_s;
    str prefix, redirect_uri;
    enum { GIVE_TOKENS, GIVE_CODES, GIVE_NONE } give;
};

static struct user *bulk_user(struct call *c, const struct bulk *b, int64_t n)
{
    str id = arena_fmt(c->q->mem, STR_FMT "-%06lld", STR_ARG(b->prefix), (long long)n);
    struct user *u = user_find(c->s->w, id);
    if (u != NULL)
        return u;
    u = user_make(c->s->w, id);
    if (u == NULL)
        return NULL;
    must(TEXT_SET(u->username, id) && TEXT_SET(u->region, STR("TH")));
    must(TEXT_SET(u->account_type, STR("business")));
    snprintf(u->display_name, sizeof u->display_name, "Shop %lld", (long long)n);
    return u;
}

static bool bulk_one(struct call *c, const struct bulk *b, const struct user *u)
{
    char open_id[ID_SIZE];
    open_id_of(b->a, u, open_id);
    out_open(&c->o, NULL, '{');
    out_cstr(&c->o, "user", u->id);
    out_cstr(&c->o, "open_id", open_id);
    if (b->give == GIVE_CODES) {
        struct code *code = code_make(c->s, b->a, u, b->scopes);
        if (!TEXT_SET(code->redirect_uri, b->redirect_uri))
            return control_no(c, "redirect_uri is too long");
        tick(c->s, b->a, u);
        out_cstr(&c->o, "code", code->text);
    } else if (b->give == GIVE_TOKENS) {
        tick(c->s, b->a, u);
        struct token *t = token_make(c->s, b->a, u, b->scopes);
        struct buf answer;
        if (t == NULL)
            return control_no(c, "the table of grants is full");
        t->access_life_s = b->access_life_s;
        t->refresh_life_s = b->refresh_life_s;
        t->access_ms = b->access_life_s > 0 ? sim_now(c->s) + b->access_life_s * 1000 : t->access_ms;
        t->refresh_ms = b->refresh_life_s > 0 ? sim_now(c->s) + b->refresh_life_s * 1000 : t->refresh_ms;
        buf_init(&answer, c->q->mem, 4096);
        token_answer(c->s, t, &answer);
        out_raw(&c->o, "token", buf_str(&answer));
    }
    out_close(&c->o, '}');
    return true;
}

static bool bulk_read(struct call *c, struct bulk *b, int64_t *count, int64_t *from)
{
    str give = control_text(c, "give");
    if (!control_only(c,
                      "client_key|count|from|prefix|scopes|access_life_s|refresh_life_s|give|redirect_uri"))
        return false;
    b->a = app_find(c->s->w, control_text(c, "client_key"));
    if (b->a == NULL || !rights_parse(b->a, control_text(c, "scopes"), &b->scopes))
        return control_no(c, "client_key is unknown, or scopes names an unknown scope");
    json_i64(c->j, "access_life_s", &b->access_life_s);
    json_i64(c->j, "refresh_life_s", &b->refresh_life_s);
    json_i64(c->j, "from", from);
    b->prefix = control_text(c, "prefix").n > 0 ? control_text(c, "prefix") : STR("bulk");
    b->redirect_uri = control_text(c, "redirect_uri");
    b->give = str_eq(give, STR("codes")) ? GIVE_CODES : str_eq(give, STR("none")) ? GIVE_NONE : GIVE_TOKENS;
    if (give.n > 0 && b->give == GIVE_TOKENS && !str_eq(give, STR("tokens")))
        return control_no(c, "give is tokens, codes or none");
    if (!json_i64(c->j, "count", count) || *count < 1 || *count > BULK_MAX || *from < 0 || b->prefix.n > 40)
        return control_no(c, "count 1 to 5000, from not below 0, prefix up to 40 bytes");
    return b->access_life_s >= 0 && b->refresh_life_s >= 0 ? true : control_no(c, "lives are not below 0");
}

bool control_grants_make(struct call *c)
{
    struct bulk b = {.give = GIVE_TOKENS};
    int64_t count = 0, from = 1;
    if (!bulk_read(c, &b, &count, &from))
        return false;
    out_open(&c->o, "grants", '[');
    for (int64_t n = from; n < from + count; n++) {
        const struct user *u = bulk_user(c, &b, n);
        if (u == NULL)
            return control_no(c, "the table of users is full");
        if (!bulk_one(c, &b, u))
            return false;
    }
    out_close(&c->o, ']');
    c->s->dirty = true;
    return buf_ok(&c->a->body) ? true : control_no(c, "the answer is too long: ask for fewer");
}
