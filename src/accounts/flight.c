/* flight: callers of one process that want the same grant refreshed wait for the one who leads. Over nodes
 * the database lease decides; this only spares it the crowd. A full table lets everybody lead: the lease
 * still admits one.
 */
#include <time.h>
#include "accounts/accounts_priv.h"

enum { SEATS = 256 };

struct flights {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    uint64_t seat[SEATS]; /* hash of an account that is being refreshed here; 0: free */
};

struct flights *flights_open(void)
{
    struct flights *f = mem_new(sizeof *f);
    pthread_condattr_t at;
    must(pthread_mutex_init(&f->lock, NULL) == 0 && pthread_condattr_init(&at) == 0);
    must(pthread_condattr_setclock(&at, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&f->ended, &at) == 0);
    pthread_condattr_destroy(&at);
    return f;
}

void flights_close(struct flights **f)
{
    if (*f == NULL)
        return;
    pthread_cond_destroy(&(*f)->ended);
    pthread_mutex_destroy(&(*f)->lock);
    mem_free(*f);
    *f = NULL;
}

static uint64_t name_of(str account)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < account.n; i++)
        h = (h ^ (unsigned char)account.p[i]) * 1099511628211u;
    return h == 0 ? 1 : h;
}

static uint64_t *seat_of(struct flights *f, uint64_t name)
{
    for (size_t i = 0; i < SEATS; i++)
        if (f->seat[i] == name)
            return &f->seat[i];
    return NULL;
}

bool flight_lead(struct flights *f, str account, int64_t wait_ms)
{
    uint64_t name = name_of(account);
    int64_t until = clock_mono_ms() + wait_ms;
    struct timespec at = {.tv_sec = until / 1000, .tv_nsec = (until % 1000) * 1000000};
    pthread_mutex_lock(&f->lock);
    bool lead = seat_of(f, name) == NULL;
    if (lead) {
        uint64_t *free_seat = seat_of(f, 0);
        if (free_seat != NULL)
            *free_seat = name;
    }
    int e = 0;
    while (!lead && e == 0 && seat_of(f, name) != NULL)
        e = pthread_cond_timedwait(&f->ended, &f->lock, &at);
    pthread_mutex_unlock(&f->lock);
    return lead;
}

void flight_end(struct flights *f, str account)
{
    pthread_mutex_lock(&f->lock);
    uint64_t *seat = seat_of(f, name_of(account));
    if (seat != NULL)
        *seat = 0;
    pthread_cond_broadcast(&f->ended);
    pthread_mutex_unlock(&f->lock);
}
