/* The log of requests and answers that tests read back: a ring of entries, each already JSON. */
#ifndef SIM_RECORD_H
#define SIM_RECORD_H
#include "sim.h"

enum { MAX_LOG = 2000, LOG_TEXT_MAX = 16384 };
struct log_entry {
    uint64_t n; /* 0: never used */
    char path[128];
    struct buf json; /* heap */
};
void record_put(struct sim *s, const struct ask *q, const struct reply *a);
void record_clear(struct sim *s); /* numbers go on */
/* {"entries":[...],"last":N}: newer than `after`, path beginning with `path`, the newest `limit` of them. */
void record_write(const struct sim *s, uint64_t after, str path, int64_t limit, struct buf *b);
#endif
