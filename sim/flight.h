/* Refreshes on their way: a counter per grant, from the request until its answer was written, and a log of
 * them. Tests prove with these that a client never has two in flight for one grant.
 */
#ifndef SIM_FLIGHT_H
#define SIM_FLIGHT_H
#include "sim.h"

enum { MAX_FLIGHTS = 16384 };
struct flight {
    uint64_t n; /* 0: never used */
    unsigned grant, in_flight;
    uint32_t chain, serial; /* of the presented token */
    uint32_t next_serial;   /* 0: no new pair */
    bool alive, done;       /* the presented token was alive; the answer was written */
    int64_t at_ms;          /* virtual */
    int64_t took_us;        /* real */
    int64_t began_us;
    char code[40], fault[32];
};
/* Counts a refresh in; a->flight remembers it. Nothing when the request is none, or its token is unknown. */
void flight_begin(struct sim *s, const struct ask *q, struct reply *a);
void flight_answered(struct sim *s, struct reply *a); /* what came of it; adds the switch's delay */
void flight_end(struct sim *s, const struct reply *a);
void flights_write(struct sim *s, const struct grant *g_or_null, uint64_t after, int64_t limit,
                   struct out *o);
void flights_clear(struct sim *s);
#endif
