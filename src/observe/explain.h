/* explain: second part of observe's manual. `mozflow-tiktok explain <id>`: the story of one thing, step by
 * step, in English or formal Thai. A room exports explain rows; room operate asks them and follows what they
 * name.
 *
 *     explain_add(out, r.created_ms,
 *                 EXPLAIN(out, "Made, purpose %s.", "สร้างแล้ว วัตถุประสงค์ %s"), name);
 */
#ifndef MZ_OBSERVE_EXPLAIN_H
#define MZ_OBSERVE_EXPLAIN_H
#include "base/base.h"

struct tx; /* of room store */
struct explain_step {
    int64_t at_ms;
    str text; /* one sentence: what happened and what was decided */
};
struct explain {
    struct arena *mem;
    bool th; /* Thai; the caller sets it */
    struct explain_step steps[64];
    size_t n;
    str follow[16]; /* ids to explain next: a message names its inbox row, an event its delivery */
    size_t n_follow;
};
struct explain_row {    /* RC_MISSING: not here */
    const char *prefix; /* "msg_" */
    enum rc (*run)(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why);
    const char *doc;
};
/* The sentence in the reader's language; both are format strings for the same arguments in the same order. */
#define EXPLAIN(e, en, th_) ((e)->th ? (th_) : (en))
/* Steps beyond the 64th and those that do not fit are left out. */
void explain_add(struct explain *e, int64_t at_ms, const char *fmt, ...) PRINTF(3, 4);
void explain_follow(struct explain *e, str id); /* empty ids, and those beyond the 16th, are left out */
#endif
