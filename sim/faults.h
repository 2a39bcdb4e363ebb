/* Fault rules: what goes wrong on purpose, and for which requests. README "Faults" is their manual. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H
#include "sim.h"

enum { MAX_FAULTS = 64 };
enum fault_kind {
    FAULT_NONE,
    FAULT_STATUS,
    FAULT_ERROR_BODY,
    FAULT_HTML,
    FAULT_HALF_BODY,
    FAULT_SLOW_BYTES,
    FAULT_DROP,
    FAULT_DELAY,
    FAULT_GARBAGE,
    FAULT_EMPTY,
    FAULT_KINDS
};
struct fault_rule {
    enum fault_kind kind; /* FAULT_NONE: the row is free */
    char path[128], client_key[ID_SIZE], user[ID_SIZE], grant_type[48], error[64], description[160],
        body[512];
    bool after; /* the work is done, only the answer is spoiled */
    int64_t status, bytes, ms_per_byte, delay_ms, retry_after_s, times, skip, seen, fired;
};
/* Counts the request against every fitting rule; true and a copy when one fires. */
bool fault_take(struct sim *s, const struct ask *q, struct fault_rule *out);
bool fault_needs_work(const struct fault_rule *f); /* the kind spoils a true answer */
void fault_spoil(struct sim *s, const struct fault_rule *f, struct reply *a);
MUSTCHECK enum rc fault_add(struct sim *s, const struct json *rule, struct fault *why);
void faults_clear(struct sim *s);
void faults_write(const struct sim *s, struct out *o);
#endif
