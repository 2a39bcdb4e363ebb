/* ticker: the thread that looks. A job cannot do this: a node that is killed inside it would keep the job's
 * lane for the lease, and nobody else would look meanwhile. Looking is idempotent (every grant is locked and
 * read again), so all nodes may do it at once.
 */
#include <time.h>
#include "accounts/accounts_priv.h"

enum { EVERY_MS = 1000, EVERY_SHARED_MS = 10 }; /* virtual time runs faster than any wall clock */

struct ticker {
    struct accounts *a;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
};

static bool rest(struct ticker *t)
{
    int64_t until = clock_mono_ms() + (clock_shared() ? EVERY_SHARED_MS : EVERY_MS);
    struct timespec at = {.tv_sec = until / 1000, .tv_nsec = (until % 1000) * 1000000};
    int e = 0;
    pthread_mutex_lock(&t->lock);
    while (!t->stop && e == 0)
        e = pthread_cond_timedwait(&t->wake, &t->lock, &at);
    bool go_on = !t->stop;
    pthread_mutex_unlock(&t->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct ticker *t = arg;
    do {
        struct fault why = {0};
        enum rc rc = accounts_tick(t->a, &why);
        if (rc != RC_OK)
            log_event(t->a->o.log, LOG_WARN, "accounts.tick", F_RC(rc), F_FAULT(&why));
    } while (rest(t));
    return NULL;
}

enum rc accounts_start(struct accounts *a, struct fault *why)
{
    struct ticker *t = mem_new(sizeof *t);
    pthread_condattr_t at;
    t->a = a;
    must(pthread_mutex_init(&t->lock, NULL) == 0 && pthread_condattr_init(&at) == 0);
    must(pthread_condattr_setclock(&at, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&t->wake, &at) == 0);
    pthread_condattr_destroy(&at);
    if (pthread_create(&t->thread, NULL, run, t) != 0) {
        mem_free(t);
        return fault_set(why, RC_FULL, "accounts.thread", "the looking thread could not be made");
    }
    a->ticker = t;
    return RC_OK;
}

void accounts_stop(struct accounts *a)
{
    struct ticker *t = a->ticker;
    a->stopping = true;
    if (t == NULL)
        return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
    a->ticker = NULL;
}
