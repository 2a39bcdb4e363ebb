/* Threads, condition variables on the monotonic clock, and the short random wait between two runs of a
 * function. */
#include <errno.h>
#include <signal.h>
#include "store/store_priv.h"

int64_t real_now_ms(void)
{
    struct timespec t;
    must(clock_gettime(CLOCK_REALTIME, &t) == 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void backoff(int attempt)
{
    uint32_t random;
    random_bytes(&random, sizeof(random));
    int64_t most_us = attempt > 4 ? 20000 : (int64_t)1000 << attempt;
    int64_t us = 200 + (int64_t)(random % (uint32_t)most_us);
    struct timespec t = {.tv_sec = 0, .tv_nsec = us * 1000};
    (void)nanosleep(&t, NULL);
}

void cond_open(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr) == 0);
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(c, &attr) == 0);
    must(pthread_condattr_destroy(&attr) == 0);
}

bool cond_wait_ms(pthread_cond_t *c, pthread_mutex_t *mu, int64_t deadline_mono_ms)
{
    int64_t left = deadline_mono_ms - clock_mono_ms();
    if (left <= 0)
        return false;
    struct timespec t;
    must(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    int64_t ns = (int64_t)t.tv_nsec + (left % 1000) * 1000000;
    t.tv_sec += (time_t)(left / 1000 + ns / 1000000000);
    t.tv_nsec = (long)(ns % 1000000000);
    int code = pthread_cond_timedwait(c, mu, &t);
    must(code == 0 || code == ETIMEDOUT);
    return true; /* the caller looks at its condition again and comes back */
}

void thread_start(pthread_t *t, void *(*fn)(void *), void *arg)
{
    sigset_t all, old;
    sigfillset(&all);
    must(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
    int code = pthread_create(t, NULL, fn, arg);
    must(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
    must(code == 0);
}
