/* See rates.h. Time is the virtual clock's. Refused calls are not counted. The buckets of accounts lie in a
 * hash table of fixed size; one that is needed drives out the one that was used longest ago of its few
 * places.
 */
#include "rates.h"

enum { ACCOUNT_QPM = 40, PENALTY_MS = 300000, MAX_ACCOUNT_RATES = 8192, PLACES = 8 };
static const struct {
    const char *name;
    int64_t second, minute, day;
} levels[] = {
    {"basic", 10, 600, 864000},
    {"advanced", 20, 1200, 1728000},
    {"premium", 30, 1800, 2592000},
    {"ultimate", 50, 3000, 4320000},
};
struct app_rate {
    int64_t slot_s[60], count[60]; /* the sliding minute as sixty seconds */
    int64_t day, of_day, shut_ms;
};
struct account_rate {
    bool used;
    unsigned grant, endpoint, n;
    int64_t at_ms[ACCOUNT_QPM]; /* the last calls */
    int64_t shut_ms;
};
struct rates {
    struct app_rate apps[MAX_APPS];
    struct account_rate accounts[MAX_ACCOUNT_RATES];
};

struct rates *rates_open(void)
{
    return mem_new(sizeof(struct rates));
}

void rates_close(struct rates **r)
{
    mem_free(*r);
    *r = NULL;
}

void rates_clear(struct sim *s)
{
    memset(s->limits, 0, sizeof *s->limits);
}

static int64_t last_use(const struct account_rate *r)
{
    return r->n == 0 ? 0 : r->at_ms[(r->n - 1) % ACCOUNT_QPM];
}

static struct account_rate *account_of(struct rates *r, unsigned grant, unsigned endpoint)
{
    size_t start = ((size_t)grant * 31U + endpoint) % MAX_ACCOUNT_RATES;
    struct account_rate *oldest = NULL;
    for (size_t i = 0; i < PLACES; i++) {
        struct account_rate *x = &r->accounts[(start + i) % MAX_ACCOUNT_RATES];
        if (x->used && x->grant == grant && x->endpoint == endpoint)
            return x;
        if (oldest == NULL || last_use(x) < last_use(oldest))
            oldest = x;
    }
    *oldest = (struct account_rate){.used = true, .grant = grant, .endpoint = endpoint};
    return oldest;
}

static bool refuse(struct sim *s, struct reply *a, const char *code, const char *text)
{
    reply_error(s, a, 200, code, text);
    return false;
}

/* True: one more call fits in the app's second, minute and day. Counts nothing. */
static bool app_fits(struct sim *s, struct reply *a, struct app_rate *r, int64_t now_ms)
{
    size_t level = 0;
    while (!switch_is(&s->sw, SW_RATE_LEVEL, levels[level].name))
        level++;
    int64_t now = now_ms / 1000, sum = 0, here = 0;
    for (size_t i = 0; i < 60; i++) {
        sum += r->slot_s[i] > now - 60 && r->slot_s[i] <= now ? r->count[i] : 0;
        here += r->slot_s[i] == now ? r->count[i] : 0;
    }
    if (now_ms < r->shut_ms || sum >= levels[level].minute) {
        if (now_ms >= r->shut_ms)
            r->shut_ms = now_ms + PENALTY_MS;
        return refuse(s, a, "40100",
                      "Due to too many requests, requests from this App are temporarily restricted.");
    }
    if (here >= levels[level].second)
        return refuse(
            s, a, "40100",
            arena_fmt(a->body.mem, "App reaches the QPS limit %lld", (long long)levels[level].second).p);
    if (r->day == now / 86400 && r->of_day >= levels[level].day)
        return refuse(s, a, "40100", "App reaches the limit of the day");
    return true;
}

static void app_count(struct app_rate *r, int64_t now)
{
    size_t slot = (size_t)(now % 60);
    if (r->slot_s[slot] != now) {
        r->slot_s[slot] = now;
        r->count[slot] = 0;
    }
    r->count[slot]++;
    if (r->day != now / 86400) {
        r->day = now / 86400;
        r->of_day = 0;
    }
    r->of_day++;
}

static bool account_fits(struct sim *s, struct reply *a, struct account_rate *r, int64_t now_ms)
{
    bool full = r->n >= ACCOUNT_QPM && r->at_ms[r->n % ACCOUNT_QPM] > now_ms - 60000;
    if (now_ms >= r->shut_ms && !full)
        return true;
    if (now_ms >= r->shut_ms)
        r->shut_ms = now_ms + PENALTY_MS;
    return refuse(s, a, s->sw.text[SW_RATE_ACCOUNT_CODE], "Too many requests for this account and endpoint.");
}

bool rates_take(struct sim *s, struct reply *a, unsigned app, unsigned grant, unsigned endpoint)
{
    if (!switch_on(&s->sw, SW_RATE_LIMITS))
        return true;
    int64_t now_ms = sim_now(s);
    struct app_rate *r = &s->limits->apps[app];
    struct account_rate *x = grant == UINT_MAX ? NULL : account_of(s->limits, grant, endpoint);
    if (!app_fits(s, a, r, now_ms) || (x != NULL && !account_fits(s, a, x, now_ms)))
        return false;
    app_count(r, now_ms / 1000);
    if (x != NULL)
        x->at_ms[x->n++ % ACCOUNT_QPM] = now_ms;
    return true;
}
