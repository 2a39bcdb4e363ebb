/* Look-ups and rings of the simulated world (model.h). People and tokens are found by hash, for there may be
 * many; the rest by linear scans from the newest row. Nothing here locks, reads a clock or fails but by a
 * full table.
 */
#include "model.h"

struct app *app_find(struct world *w, str client_key)
{
    for (size_t i = 0; i < w->n_apps; i++)
        if (str_eq(str_of(w->apps[i].client_key), client_key))
            return &w->apps[i];
    return NULL;
}

struct user *user_find(struct world *w, str id)
{
    for (size_t r = index_first(&w->by_user, id); r != SIZE_MAX; r = index_after(&w->by_user, r))
        if (str_eq(str_of(w->users[r].id), id))
            return &w->users[r];
    return NULL;
}

struct user *user_make(struct world *w, str id)
{
    if (w->n_users == MAX_USERS)
        return NULL;
    struct user *u = &w->users[w->n_users];
    *u = (struct user){.state = PERSON_ACTIVE};
    must(TEXT_SET(u->id, id));
    index_put(&w->by_user, id, w->n_users++);
    return u;
}

struct shop *shop_find(struct world *w, str id)
{
    for (size_t i = 0; i < w->n_shops; i++)
        if (str_eq(str_of(w->shops[i].id), id))
            return &w->shops[i];
    return NULL;
}

struct customer *customer_find(struct world *w, str id)
{
    for (size_t i = 0; i < w->n_customers; i++)
        if (str_eq(str_of(w->customers[i].id), id))
            return &w->customers[i];
    return NULL;
}

struct advertiser *advertiser_find(struct world *w, str id)
{
    for (size_t i = 0; i < w->n_advertisers; i++)
        if (str_eq(str_of(w->advertisers[i].id), id))
            return &w->advertisers[i];
    return NULL;
}

unsigned app_index(const struct world *w, const struct app *a)
{
    return (unsigned)(a - w->apps);
}

unsigned user_index(const struct world *w, const struct user *u)
{
    return (unsigned)(u - w->users);
}

struct grant *grant_find(struct world *w, const struct app *a, const struct user *u)
{
    unsigned app = app_index(w, a), user = user_index(w, u);
    for (size_t i = 0; i < w->n_grants; i++)
        if (w->grants[i].app == app && w->grants[i].user == user)
            return &w->grants[i];
    return NULL;
}

struct grant *grant_make(struct world *w, const struct app *a, const struct user *u)
{
    struct grant *g = grant_find(w, a, u);
    if (g != NULL)
        return g;
    if (w->n_grants == MAX_GRANTS)
        return NULL;
    g = &w->grants[w->n_grants++];
    *g = (struct grant){.app = app_index(w, a), .user = user_index(w, u), .generation = 1};
    return g;
}

/* How many rows of a ring are in use, and the row that is `back` steps behind the newest. */
static size_t ring_used(size_t made, size_t max)
{
    return made < max ? made : max;
}

struct code *code_find(struct world *w, str text)
{
    for (size_t back = 1; back <= ring_used(w->n_codes, MAX_CODES); back++) {
        struct code *c = &w->codes[(w->n_codes - back) % MAX_CODES];
        if (str_eq(str_of(c->text), text))
            return c;
    }
    return NULL;
}

struct token *token_by_access(struct world *w, str text)
{
    const struct index *x = &w->by_access;
    for (size_t r = text.n == 0 ? SIZE_MAX : index_first(x, text); r != SIZE_MAX; r = index_after(x, r))
        if (str_eq(str_of(w->tokens[r].access), text))
            return &w->tokens[r];
    return NULL;
}

struct token *token_by_refresh(struct world *w, str text)
{
    const struct index *x = &w->by_refresh;
    for (size_t r = text.n == 0 ? SIZE_MAX : index_first(x, text); r != SIZE_MAX; r = index_after(x, r))
        if (str_eq(str_of(w->tokens[r].refresh), text))
            return &w->tokens[r];
    return NULL;
}

struct qr *qr_find(struct world *w, str token)
{
    for (size_t back = 1; back <= ring_used(w->n_qrs, MAX_QR); back++) {
        struct qr *q = &w->qrs[(w->n_qrs - back) % MAX_QR];
        if (token.n > 0 && str_eq(str_of(q->token), token))
            return q;
    }
    return NULL;
}

static bool grant_holds(const struct world *w, const struct token *t)
{
    const struct grant *g = &w->grants[t->grant];
    return g->active && g->generation == t->generation && w->users[t->user].state == PERSON_ACTIVE;
}

bool token_alive(const struct world *w, const struct token *t, int64_t now_ms)
{
    if (t->access_dead || now_ms >= t->access_ms)
        return false;
    return t->client_only || grant_holds(w, t);
}

bool refresh_alive(const struct world *w, const struct token *t, int64_t now_ms)
{
    return !t->client_only && !t->refresh_dead && now_ms < t->refresh_ms && grant_holds(w, t);
}

struct code *code_next(struct world *w)
{
    struct code *c = &w->codes[w->n_codes++ % MAX_CODES];
    *c = (struct code){.used = false};
    return c;
}

/* Living refresh tokens are fewer than rows, because a grant has one and there are more rows than grants; so
 * the search ends, but it is bounded all the same. */
struct token *token_next(struct world *w)
{
    size_t row = w->n_tokens++ % MAX_TOKENS;
    for (size_t i = 0; i < MAX_GRANTS && w->tokens[row].refresh[0] != '\0' && !w->tokens[row].refresh_dead;
         i++)
        row = w->n_tokens++ % MAX_TOKENS;
    struct token *t = &w->tokens[row];
    if (t->access[0] != '\0')
        index_drop(&w->by_access, str_of(t->access), row);
    if (t->refresh[0] != '\0')
        index_drop(&w->by_refresh, str_of(t->refresh), row);
    *t = (struct token){.client_only = false};
    return t;
}

void token_named(struct world *w, struct token *t)
{
    size_t row = (size_t)(t - w->tokens);
    if (t->access[0] != '\0')
        index_put(&w->by_access, str_of(t->access), row);
    if (t->refresh[0] != '\0')
        index_put(&w->by_refresh, str_of(t->refresh), row);
}

void tokens_clear(struct world *w)
{
    w->n_tokens = 0;
    memset(w->tokens, 0, sizeof w->tokens);
    index_clear(&w->by_access, MAX_TOKENS);
    index_clear(&w->by_refresh, MAX_TOKENS);
}

struct qr *qr_next(struct world *w)
{
    struct qr *q = &w->qrs[w->n_qrs++ % MAX_QR];
    *q = (struct qr){.state = QR_NEW};
    return q;
}

bool text_set(char *to, size_t size, str s)
{
    if (s.n >= size || (s.n > 0 && memchr(s.p, '\0', s.n) != NULL))
        return false;
    if (s.n > 0)
        memcpy(to, s.p, s.n);
    to[s.n] = '\0';
    return true;
}
