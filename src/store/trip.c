/* The switch behind trip(): one rule at a time, set by a test, read by every thread of store. */
#include "store/trip_priv.h"
#ifdef MZ_TEST
#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static struct trip_rule rule;
static bool armed;
static int seen, hits;

void trip_set(const struct trip_rule *rule_or_null)
{
    pthread_mutex_lock(&mu);
    armed = rule_or_null != NULL;
    if (armed)
        rule = *rule_or_null;
    seen = 0;
    hits = 0;
    pthread_mutex_unlock(&mu);
}

int trip_hits(void)
{
    pthread_mutex_lock(&mu);
    int n = hits;
    pthread_mutex_unlock(&mu);
    return n;
}

enum trip_act trip(enum trip_at at, const char *name)
{
    struct trip_rule hit = {.act = TRIP_NONE};
    pthread_mutex_lock(&mu);
    if (armed && rule.at == at && (rule.name == NULL || strcmp(rule.name, name) == 0)) {
        int i = seen++;
        if (i >= rule.skip && i - rule.skip < rule.times) {
            hit = rule;
            hits++;
        }
    }
    pthread_mutex_unlock(&mu);
    if (hit.call != NULL)
        hit.call(hit.arg); /* outside the lock: it may wait for other threads that pass here */
    return hit.act;
}
#else
/* A file must hold something. */
extern const int trip_is_off;
const int trip_is_off = 1;
#endif
