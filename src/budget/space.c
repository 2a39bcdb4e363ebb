/* The arithmetic of spacing, fair parts and penalties. Pure: no clock, no store. A bucket keeps the time at
 * which its next call would be due if calls came evenly (the generic cell rate algorithm): a call may go
 * when that time is at most `slack` ahead, and moves it by one step. */
#include <stdlib.h>
#include "budget/budget_priv.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t cell_of(int64_t ms, int64_t window_ms)
{
    return ms - ms % window_ms;
}

int64_t bucket_earliest_us(const struct bucket *b, int64_t now_us)
{
    int64_t at = later(now_us, b->shut_until_ms * 1000);
    if (b->rate.allowed == 0)
        return at;
    if (b->limit->window_ms != DAY_MS)
        return later(at, b->tat_us - b->rate.slack_us);
    bool full = b->cell_ms == cell_of(now_us / 1000, DAY_MS) && b->now_n >= b->rate.kept;
    return full ? later(at, (b->cell_ms + DAY_MS) * 1000) : at;
}

void bucket_take(struct bucket *b, int64_t at_us, int64_t n)
{
    int64_t cell = cell_of(at_us / 1000, b->limit->window_ms);
    b->tat_us = later(b->tat_us, at_us) + n * b->rate.step_us;
    if (cell > b->cell_ms) {
        b->before_n = cell == b->cell_ms + b->limit->window_ms ? b->now_n : 0;
        b->now_n = 0;
        b->cell_ms = cell;
    }
    b->now_n += n;
}

int64_t bucket_used(const struct bucket *b, int64_t now_ms)
{
    int64_t window = b->limit->window_ms, cell = cell_of(now_ms, window), past = now_ms - cell;
    if (b->cell_ms >= cell)
        return window == DAY_MS ? b->now_n : b->now_n + b->before_n * (window - past) / window;
    return b->cell_ms == cell - window && window != DAY_MS ? b->now_n * (window - past) / window : 0;
}

/* ---- shares ---- */
static void share_turn(struct share *s, int64_t now_ms)
{
    int64_t cell = cell_of(now_ms, DEMAND_MS);
    if (cell <= s->cell_ms)
        return;
    s->asked_before = cell == s->cell_ms + DEMAND_MS ? s->asked : 0;
    s->asked = 0;
    s->cell_ms = cell;
}

void share_ask(struct share *s, int64_t now_ms, int64_t n)
{
    share_turn(s, now_ms);
    s->asked += n;
}

/* A quarter more than was asked for lately, so that somebody who grows is not cut before being noticed. */
int64_t share_demand_milli(const struct share *s, int64_t now_ms)
{
    struct share t = *s;
    share_turn(&t, now_ms);
    int64_t past = later(now_ms - t.cell_ms, 1000), now = t.asked * 1000000 / past,
            before = t.asked_before * 1000000 / DEMAND_MS;
    return later(now, before) * 5 / 4;
}

static int ascending(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int64_t fair_level_milli(int64_t rate_milli, int64_t *demand, size_t n)
{
    int64_t left = rate_milli;
    qsort(demand, n, sizeof demand[0], ascending);
    for (size_t i = 0; i < n; i++) {
        int64_t part = left / (int64_t)(n - i);
        if (demand[i] > part)
            return later(part, 1);
        left -= demand[i];
    }
    return rate_milli;
}

/* ---- penalties ---- */
static const struct penalty_row {
    const char *pool;
    int64_t from, to; /* TikTok's code */
    const char *limit;
    int64_t wait_ms;
    const char *doc;
} rows[] = {
    {"business", 40016, 40016, "endpoint_busy", 300000,
     "Too frequent, of one endpoint (marketing-api 2.6, 2.7)."},
    {"business", 40101, 40102, "endpoint_busy", 300000, "Too frequent for one value or object (2.6)."},
    {"business", 40133, 40133, "endpoint_busy", 300000, "Throttled; back off as for 40100 (2.6)."},
    {"business", 51021, 51021, "endpoint_busy", 60000,
     "A service behind TikTok's was asked too often (2.6)."},
    {"business", 0, INT64_MAX, "qpm", 300000,
     "40100 and HTTP 429: five minutes when it was the minute (5.3)."},
    {"login_kit", 0, INT64_MAX, "endpoint_minute", 60000, "429: the sliding minute must run empty (4.2)."},
};

static bool find(const struct bucket *list, size_t n, const char *limit, size_t *at)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].limit->name, limit) == 0) {
            *at = i;
            return true;
        }
    return false;
}

static bool says(const struct fault *why, const char *word)
{
    size_t at;
    return str_find(str_of(why->detail), str_of(word), &at);
}

static bool nearly(const struct bucket *b, int64_t percent, int64_t now_ms)
{
    return bucket_used(b, now_ms) * 100 >= b->rate.allowed * percent;
}

/* 40100 does not say which of the three limits was passed, though some texts name it. Else our own counts do:
 * the day when 95 % of it is used, the minute at 80 %. When neither is near, a burst of ours or another
 * program's was seen: the next second will do; once more within a minute, and it is the minute after all. */
static void app_penalty(const struct bucket *list, size_t n, const struct fault *why, int64_t now_ms,
                        struct penalty *out)
{
    size_t second = 0, minute = 0, day = 0;
    must(find(list, n, "qps", &second) && find(list, n, "qpm", &minute) && find(list, n, "qpd", &day));
    bool named = says(why, "QPS") || says(why, "QPM") || says(why, "QPD");
    if (named ? says(why, "QPD") : nearly(&list[day], 95, now_ms))
        *out = (struct penalty){day, cell_of(now_ms, DAY_MS) + DAY_MS};
    else if (named ? says(why, "QPM")
                   : nearly(&list[minute], 80, now_ms) || now_ms - list[second].shut_ms < 60000)
        *out = (struct penalty){minute, now_ms + 300000};
    else
        *out = (struct penalty){second, now_ms + 1000};
}

/* Login Kit's 429 does not say whose calls were too many: the account's when it is one that we pace and the
 * endpoint as a whole is far from its figure. */
static const char *login_limit(const struct bucket *list, size_t n, int64_t now_ms)
{
    size_t whole, account;
    if (!find(list, n, "account_minute", &account) || !find(list, n, "endpoint_minute", &whole))
        return "endpoint_minute";
    return nearly(&list[whole], 80, now_ms) ? "endpoint_minute" : "account_minute";
}

bool budget_penalty(const struct bucket *list, size_t n, const struct fault *why, int64_t now_ms,
                    struct penalty *out)
{
    must(n > 0);
    const char *pool = list[0].limit->pool;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct penalty_row *r = &rows[i];
        if (strcmp(r->pool, pool) != 0 || why->outer_code < r->from || why->outer_code > r->to)
            continue;
        if (strcmp(r->limit, "qpm") == 0) {
            app_penalty(list, n, why, now_ms, out);
            return true;
        }
        const char *limit = strcmp(pool, "login_kit") == 0 ? login_limit(list, n, now_ms) : r->limit;
        out->until_ms = now_ms + r->wait_ms;
        return find(list, n, limit, &out->bucket);
    }
    return false;
}
