/* The pure schedule through a year: 10,000 grants in three profiles, with outages of TikTok, a scanner that
 * is up to a minute late, and everybody connected in the same second. No grant may die by neglect, no access
 * token may run out while TikTok answers, notices come in order, and the load spreads.
 */
#include "unit.h"
#include "accounts/accounts_priv.h"

enum { GRANTS = 10000, MINUTES = 366 * 1440, OUTAGES = 40, HERD_FROM = 1440 };
#define MINUTE_MS 60000LL
#define HOUR_MS 3600000LL
#define YEAR_MS (365 * DAY_MS)

struct outage {
    int64_t from, to;
};
struct profile {
    const char *name;
    int64_t access_ms, refresh_ms;
    bool countdown; /* the refresh token's life does not begin again at rotation */
    int64_t length_ms;
};
/* The two lives of TikTok's pages (login-kit 2.4), and the hard end. */
static const struct profile profiles[] = {
    {"nov2026", 2 * HOUR_MS, 180 * DAY_MS, false, YEAR_MS},
    {"legacy", 24 * HOUR_MS, 365 * DAY_MS, false, YEAR_MS},
    {"hard end", 24 * HOUR_MS, 180 * DAY_MS, true, 180 * DAY_MS},
};
static uint32_t per_minute[MINUTES];
static struct outage outages[OUTAGES];
static uint64_t seed;

static uint32_t roll(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32);
}

/* From a minute to twelve hours, one in each fortieth of the year. */
static void make_outages(void)
{
    for (int i = 0; i < OUTAGES; i++) {
        int64_t part = YEAR_MS / OUTAGES, from = i * part + DAY_MS + roll() % (part / 4);
        outages[i] = (struct outage){from, from + MINUTE_MS + (int64_t)(roll() % (12 * HOUR_MS - MINUTE_MS))};
    }
}

/* The outage that touches [from, to], or NULL. */
static const struct outage *outage_in(int64_t from, int64_t to)
{
    const struct outage *o =
        &outages[from * OUTAGES / YEAR_MS < OUTAGES ? from * OUTAGES / YEAR_MS : OUTAGES - 1];
    return o->from <= to && o->to >= from ? o : NULL;
}

struct told {
    int64_t refreshes, late, dead, notices[3];
    int last_notice;
};

static void count_notice(struct told *t, int days)
{
    if (days == t->last_notice || days == 0)
        return;
    assert_true(t->last_notice == 0 || days < t->last_notice);
    t->last_notice = days;
    t->notices[days == 30 ? 0 : days == 7 ? 1 : 2]++;
}

/* One grant from its consent to the profile's end. */
static void live(const struct profile *p, struct told *t)
{
    int64_t now = roll() % 1000, failed_from = -1;
    struct grant_life g = {.access_ms = p->access_ms,
                           .access_expires_ms = now + p->access_ms,
                           .refresh_expires_ms = now + p->refresh_ms};
    t->last_notice = 0;
    for (;;) {
        g.now_ms = now;
        g.dice = roll();
        int64_t due = grant_next_ms(&g);
        assert_true(due > now && due <= now + 30 * HOUR_MS);
        int64_t next = due + roll() % MINUTE_MS;
        if (next >= p->length_ms || (p->countdown && next >= g.refresh_expires_ms))
            return;
        if (next >= g.refresh_expires_ms) {
            t->dead++;
            return;
        }
        per_minute[next / MINUTE_MS]++;
        if (g.access_expires_ms <= next &&
            outage_in(due < g.access_expires_ms ? due : g.access_expires_ms, next) == NULL && failed_from < 0)
            t->late++;
        now = next;
        if (outage_in(now, now) != NULL) {
            failed_from = failed_from < 0 ? now : failed_from;
            g.failures++;
            continue;
        }
        failed_from = -1;
        g.failures = 0;
        t->refreshes++;
        g.access_expires_ms = now + p->access_ms;
        if (!p->countdown)
            g.refresh_expires_ms = now + p->refresh_ms;
        count_notice(t, grant_notice_days(g.refresh_expires_ms - now));
    }
}

/* After the first day nobody should be able to tell that all came in one second. */
static uint32_t busiest_minute(int64_t length_ms)
{
    uint32_t most = 0;
    for (int64_t m = HERD_FROM; m < length_ms / MINUTE_MS; m++) {
        bool quiet = outage_in(m * MINUTE_MS - 20 * HOUR_MS, (m + 1) * MINUTE_MS) == NULL;
        if (quiet && per_minute[m] > most)
            most = per_minute[m];
    }
    return most;
}

static void a_year(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(profiles); i++) {
        const struct profile *p = &profiles[i];
        struct told t = {0};
        seed = 88172645463325252u + i;
        memset(per_minute, 0, sizeof per_minute);
        make_outages();
        for (int n = 0; n < GRANTS; n++)
            live(p, &t);
        int64_t mean = t.refreshes / (p->length_ms / MINUTE_MS);
        uint32_t most = busiest_minute(p->length_ms);
        printf("# %s: %lld refreshes, %lld a minute, busiest quiet minute %u, %lld dead, %lld late\n",
               p->name, (long long)t.refreshes, (long long)mean, most, (long long)t.dead, (long long)t.late);
        assert_int_equal(t.dead, 0);
        assert_int_equal(t.late, 0);
        assert_true(t.refreshes >= (int64_t)GRANTS * (p->length_ms / p->access_ms));
        if (p->countdown)
            for (int k = 0; k < 3; k++)
                assert_int_equal(t.notices[k], GRANTS);
        else
            assert_int_equal(t.notices[0] + t.notices[1] + t.notices[2], 0);
        assert_true(most <= 2 * mean + 80);
    }
}

/* Whatever TikTok answers about lives, the next look is in the future and before the token ends. */
static void every_life(void **state)
{
    (void)state;
    seed = 1442695040888963407u;
    for (int i = 0; i < 1000000; i++) {
        int64_t now = 1795380000000 + roll() % 1000, access = 1000 + (int64_t)roll() % (400 * DAY_MS);
        struct grant_life g = {.now_ms = now,
                               .access_ms = access,
                               .access_expires_ms = now + access,
                               .refresh_expires_ms =
                                   roll() % 4 == 0 ? 0 : now + (int64_t)roll() % (400 * DAY_MS),
                               .failures = roll() % 3 == 0 ? (int)(roll() % 40) : 0,
                               .dice = roll()};
        int64_t due = grant_next_ms(&g);
        assert_true(due > now);
        if (g.failures > 0)
            assert_true(due <= now + 1125000);
        else
            assert_true(due < g.access_expires_ms || access <= 2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_year), cmocka_unit_test(every_life)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
