/* What people do to their accounts: disconnect the app, delete the account, grow too young, get banned. The
 * tokens die first, the webhook authorization.removed follows (login-kit 6.3, 10). Acts may wait for a
 * virtual time. Runs under the lock.
 */
#include "sender.h"

static const struct act acts[] = {
    {.name = "disconnect", .reason = 1, .becomes = PERSON_ACTIVE},
    {.name = "delete", .reason = 2, .becomes = PERSON_DELETED},
    {.name = "age", .reason = 3, .becomes = PERSON_UNDER_AGE},
    {.name = "ban", .reason = 4, .becomes = PERSON_BANNED},
    {.name = "unknown", .reason = 0, .becomes = PERSON_ACTIVE},
    {.name = "kill_tokens", .reason = -1, .becomes = PERSON_ACTIVE, .access_only = true},
    {.name = "kill_refresh", .reason = -1, .becomes = PERSON_ACTIVE, .refresh_only = true},
    {.name = "restore", .reason = -1, .becomes = PERSON_ACTIVE, .restores = true},
};

const struct act *act_find(str name)
{
    for (size_t i = 0; i < COUNT_OF(acts); i++)
        if (str_eq(str_of(acts[i].name), name))
            return &acts[i];
    return NULL;
}

void grant_end(struct sim *s, struct grant *g, int reason, bool webhook)
{
    if (!g->active)
        return;
    g->active = false;
    g->generation++;
    g->reason = reason;
    s->dirty = true;
    enum portal portal = s->w->apps[g->app].portal; /* an advertiser's cancelling sends no event */
    bool sends =
        portal == PORTAL_LOGIN || (portal == PORTAL_BUSINESS && switch_on(&s->sw, SW_BUSINESS_REMOVED_EVENT));
    if (!webhook || !sends)
        return;
    char open_id[ID_SIZE], content[32];
    uint64_t ids[8];
    open_id_of(&s->w->apps[g->app], &s->w->users[g->user], open_id);
    int n = snprintf(content, sizeof content, "{\"reason\":%d}", reason);
    struct event e = {.app = &s->w->apps[g->app],
                      .name = STR("authorization.removed"),
                      .user_openid = str_of(open_id),
                      .content = {content, (size_t)n}};
    webhook_emit(s, &e, NULL, ids);
}

static void kill_some(struct sim *s, unsigned user, unsigned app, const struct act *what)
{
    size_t used = s->w->n_tokens < MAX_TOKENS ? s->w->n_tokens : MAX_TOKENS;
    for (size_t i = 0; i < used; i++) {
        struct token *t = &s->w->tokens[i];
        if (t->client_only || t->user != user || (app != MAX_APPS && t->app != app))
            continue;
        t->access_dead = t->access_dead || what->access_only;
        t->refresh_dead = t->refresh_dead || what->refresh_only;
    }
}

void act_run(struct sim *s, struct user *u, const struct app *a_or_null, const struct act *what, bool webhook)
{
    must(s->w != NULL && u != NULL);
    unsigned user = user_index(s->w, u), app = a_or_null == NULL ? MAX_APPS : app_index(s->w, a_or_null);
    s->dirty = true;
    if (what->access_only || what->refresh_only) {
        kill_some(s, user, app, what);
        return;
    }
    u->state = what->becomes;
    if (what->restores)
        return;
    for (size_t i = 0; i < s->w->n_grants; i++) {
        struct grant *g = &s->w->grants[i];
        if (g->user == user && (app == MAX_APPS || g->app == app))
            grant_end(s, g, what->reason, webhook);
    }
}

bool act_later(struct sim *s, const struct timer *t)
{
    for (size_t i = 0; i < MAX_TIMERS; i++) {
        if (!s->timers[i].used) {
            s->timers[i] = *t;
            s->timers[i].used = true;
            pthread_cond_broadcast(&s->wake);
            return true;
        }
    }
    return false;
}

void timers_run(struct sim *s)
{
    int64_t now = sim_now(s);
    for (size_t i = 0; i < MAX_TIMERS; i++) {
        struct timer t = s->timers[i];
        if (!t.used || now < t.due_ms)
            continue;
        s->timers[i].used = false;
        act_run(s, &s->w->users[t.user], t.app == MAX_APPS ? NULL : &s->w->apps[t.app], t.act, t.webhook);
    }
}
