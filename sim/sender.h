/* Webhooks out: building, signing, planning (webhook.c) and the thread that posts them (sender.c).
 *
 * A delivery is made under the lock and posted by the sender thread when its virtual time has come. Only HTTP
 * 200 counts; every other answer is tried again with doubling pauses until 72 hours after the first attempt
 * (login-kit 6.1). Targets are loopback addresses, checked on the socket.
 */
#ifndef SIM_SENDER_H
#define SIM_SENDER_H
#include "sim.h"

enum { MAX_DELIVERIES = 4096, MAX_TIMERS = 64, MAX_RATES = 256, MAX_ATTEMPTS = 12, WEBHOOK_MAX = 262144 };
enum delivery_state {
    DELIVERY_FREE,
    DELIVERY_WAITING,
    DELIVERY_HELD,
    DELIVERY_SENDING,
    DELIVERY_RETRYING,
    DELIVERY_DELIVERED,
    DELIVERY_LOST,
    DELIVERY_DROPPED,
    DELIVERY_STATES
};
extern const char *const delivery_state_names[DELIVERY_STATES];
enum wrong { SIGN_GOOD, SIGN_WRONG, SIGN_MISSING, SIGN_BAD_T, SIGN_KINDS };
struct plan { /* how one delivery differs from a plain one */
    int64_t duplicates, delay_ms, t_offset_s;
    bool hold, lost, omit_user, escape_set, escape;
    enum wrong signature;
    char client_key[ID_SIZE], header[40], secret[16]; /* empty: as the switches say */
};
struct attempt {
    int64_t at_ms, t, status;
    char signature[72], error[64];
};
struct delivery {
    uint64_t id;
    unsigned app;
    char event[64];
    struct buf body; /* heap */
    enum delivery_state state;
    struct plan plan;
    int64_t made_ms, first_ms, due_ms;
    struct attempt attempts[MAX_ATTEMPTS]; /* the newest stay */
    unsigned n_attempts;
    char log_id[LOG_ID_SIZE];
};
struct event { /* what to send; user_openid may be empty */
    const struct app *app;
    str name, user_openid, content;
    int64_t create_time_s; /* 0: now */
    str body;              /* exact bytes in place of an envelope, when n > 0 */
};
/* Queues it (and its duplicates); *ids gets up to 8 ids; returns how many. */
size_t webhook_emit(struct sim *s, const struct event *e, const struct plan *plan_or_null, uint64_t ids[8]);
struct delivery *delivery_find(struct sim *s, uint64_t id);
void deliveries_clear(struct sim *s);
void deliveries_write(struct sim *s, uint64_t after, struct out *o);
void deliveries_release(struct sim *s, bool reverse); /* held ones become due */
MUSTCHECK enum rc plan_read(const struct json *j, struct plan *out, struct fault *why);
/* Pure: the two parts of the header value for these bytes. */
void webhook_sign(str secret, int64_t t, str body, char hex[65]);
/* The pause after n failed attempts, or -1 when it would end after 72 h; both in ms of virtual time. */
int64_t retry_pause_ms(int64_t base_s, unsigned failed, int64_t since_first_ms);

struct sender;
MUSTCHECK enum rc sender_open(struct sim *s, struct sender **out, struct fault *why);
void sender_close(struct sender **x);

/* act.c: what people do to their accounts, now or at a virtual time. */
struct act {
    const char *name;
    int reason; /* of authorization.removed; -1: no webhook */
    enum person_state becomes;
    bool access_only, refresh_only, restores;
};
struct timer {
    bool used;
    int64_t due_ms;
    unsigned user, app; /* app MAX_APPS: all */
    const struct act *act;
    bool webhook;
};
struct rate { /* the sliding minute as sixty slots of a second */
    char endpoint[48];
    unsigned app;
    bool used;
    int64_t second[60];
    int64_t count[60];
};
const struct act *act_find(str name);
void act_run(struct sim *s, struct user *u, const struct app *a_or_null, const struct act *what,
             bool webhook);
bool act_later(struct sim *s, const struct timer *t);
void timers_run(struct sim *s);
#endif
