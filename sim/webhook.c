/* Webhooks as TikTok builds them: the envelope with `content` as JSON inside a string, seconds outside and
 * milliseconds inside, the signature over t + "." + raw body with the app's secret (login-kit 6.2, messaging
 * 3.2, 3.3). Plans bend one delivery, switches bend all. Runs under the lock; the thread that posts is
 * sender.c.
 */
#include "sender.h"
#include "hooks.h"
#include "members.h"
#include "crypto/crypto.h"

const char *const delivery_state_names[DELIVERY_STATES] = {
    [DELIVERY_FREE] = "free",       [DELIVERY_WAITING] = "waiting",   [DELIVERY_HELD] = "held",
    [DELIVERY_SENDING] = "sending", [DELIVERY_RETRYING] = "retrying", [DELIVERY_DELIVERED] = "delivered",
    [DELIVERY_LOST] = "lost",       [DELIVERY_DROPPED] = "dropped",
};
static const char *const wrong_names[SIGN_KINDS] = {
    [SIGN_GOOD] = "good", [SIGN_WRONG] = "wrong", [SIGN_MISSING] = "missing", [SIGN_BAD_T] = "bad_t"};

void webhook_sign(str secret, int64_t t, str body, char hex[65])
{
    char text[24];
    unsigned char mac[SHA256_BYTES];
    int n = snprintf(text, sizeof text, "%lld", (long long)t);
    must(n > 0);
    const str parts[3] = {{text, (size_t)n}, STR("."), body};
    struct secret key = {(const unsigned char *)secret.p, secret.n};
    hmac_once(key, parts, 3, mac);
    for (size_t i = 0; i < sizeof mac; i++)
        snprintf(hex + 2 * i, 3, "%02x", mac[i]);
}

int64_t retry_pause_ms(int64_t base_s, unsigned failed, int64_t since_first_ms)
{
    const int64_t hour_ms = 3600000, longest = hour_ms * 6, all = hour_ms * 72;
    int64_t pause = base_s * 1000;
    for (unsigned i = 1; i < failed && pause < longest; i++)
        pause *= 2;
    pause = pause > longest ? longest : pause;
    return since_first_ms + pause > all ? -1 : pause;
}

static void envelope_put(struct sim *s, const struct event *e, const struct plan *p, struct buf *b)
{
    struct out o;
    int64_t skew = switch_int(&s->sw, SW_WEBHOOK_SKEW_S);
    out_init(&o, b, p->escape_set ? p->escape : switch_on(&s->sw, SW_ESCAPE));
    out_open(&o, NULL, '{');
    out_cstr(&o, "client_key", p->client_key[0] != '\0' ? p->client_key : e->app->client_key);
    out_str(&o, "event", e->name);
    out_int(&o, "create_time", e->create_time_s != 0 ? e->create_time_s : sim_now(s) / 1000 + skew);
    if (e->user_openid.n > 0 && !p->omit_user)
        out_str(&o, "user_openid", e->user_openid);
    out_str(&o, "content", e->content);
    out_close(&o, '}');
}

/* Percentages draw from a counter and not from chance, so that 10 percent is every tenth. */
static bool drawn(struct sim *s, enum sw which, uint64_t turn)
{
    uint64_t percent = (uint64_t)switch_int(&s->sw, which);
    (void)s;
    return percent > 0 && (turn * percent) % 100 < percent;
}

static bool unsettled(const struct delivery *d)
{
    return d->state == DELIVERY_WAITING || d->state == DELIVERY_HELD || d->state == DELIVERY_SENDING ||
           d->state == DELIVERY_RETRYING;
}

static uint64_t put_one(struct sim *s, const struct event *e, const struct plan *p)
{
    /* What is still to be sent is forgotten only when nothing else is left to forget. */
    for (size_t i = 0; i < MAX_DELIVERIES && unsettled(&s->deliveries[s->deliveries_n % MAX_DELIVERIES]); i++)
        s->deliveries_n++;
    struct delivery *d = &s->deliveries[s->deliveries_n % MAX_DELIVERIES];
    if (d->body.max > 0)
        buf_release(&d->body);
    *d = (struct delivery){.id = ++s->deliveries_n, .state = DELIVERY_WAITING, .plan = *p};
    d->app = app_index(s->w, e->app);
    must(TEXT_SET(d->event, str_sub(e->name, 0, sizeof d->event - 1)));
    buf_init(&d->body, NULL, WEBHOOK_MAX);
    if (e->body.n > 0)
        buf_put(&d->body, e->body);
    else
        envelope_put(s, e, p, &d->body);
    d->made_ms = sim_now(s);
    d->due_ms = d->made_ms + p->delay_ms + switch_int(&s->sw, SW_WEBHOOK_DELAY_MS);
    log_id_new(d->made_ms, d->log_id);
    if (p->hold)
        d->state = DELIVERY_HELD;
    if (p->lost)
        d->state = DELIVERY_LOST;
    if (hook_url(s, e->app, d->event)[0] == '\0' || !buf_ok(&d->body))
        d->state = DELIVERY_DROPPED;
    return d->id;
}

size_t webhook_emit(struct sim *s, const struct event *e, const struct plan *plan_or_null, uint64_t ids[8])
{
    struct plan p = plan_or_null != NULL ? *plan_or_null : (struct plan){.duplicates = 0};
    uint64_t turn = s->drawn++;
    p.lost = p.lost || drawn(s, SW_WEBHOOK_LOST, turn);
    if (drawn(s, SW_WEBHOOK_REORDER, turn))
        p.delay_ms += 400;
    if (drawn(s, SW_WEBHOOK_DUPLICATE, turn))
        p.duplicates++;
    size_t n = 0;
    for (int64_t i = 0; i <= p.duplicates && n < 8; i++)
        ids[n++] = put_one(s, e, &p);
    pthread_cond_broadcast(&s->wake);
    return n;
}

struct delivery *delivery_find(struct sim *s, uint64_t id)
{
    for (size_t i = 0; i < MAX_DELIVERIES; i++)
        if (s->deliveries[i].state != DELIVERY_FREE && s->deliveries[i].id == id)
            return &s->deliveries[i];
    return NULL;
}

void deliveries_clear(struct sim *s)
{
    for (size_t i = 0; i < MAX_DELIVERIES; i++) {
        if (s->deliveries[i].body.max > 0)
            buf_release(&s->deliveries[i].body);
        s->deliveries[i] = (struct delivery){.id = 0};
    }
}

/* Due at once, one virtual millisecond apart, in the order asked for. */
void deliveries_release(struct sim *s, bool reverse)
{
    size_t used = s->deliveries_n < MAX_DELIVERIES ? (size_t)s->deliveries_n : MAX_DELIVERIES;
    int64_t due = sim_now(s) - (int64_t)used;
    for (size_t k = 0; k < used; k++) {
        size_t back = reverse ? k + 1 : used - k;
        struct delivery *d = &s->deliveries[(s->deliveries_n - back) % MAX_DELIVERIES];
        if (d->state != DELIVERY_HELD)
            continue;
        d->state = DELIVERY_WAITING;
        d->due_ms = due++;
    }
    pthread_cond_broadcast(&s->wake);
}

static void attempts_write(const struct delivery *d, struct out *o)
{
    unsigned used = d->n_attempts < MAX_ATTEMPTS ? d->n_attempts : MAX_ATTEMPTS;
    out_open(o, "attempts", '[');
    for (unsigned k = used; k > 0; k--) {
        const struct attempt *t = &d->attempts[(d->n_attempts - k) % MAX_ATTEMPTS];
        out_open(o, NULL, '{');
        out_int(o, "at_ms", t->at_ms);
        out_int(o, "t", t->t);
        out_cstr(o, "signature", t->signature);
        out_int(o, "status", t->status);
        out_cstr(o, "error", t->error);
        out_close(o, '}');
    }
    out_close(o, ']');
}

void deliveries_write(struct sim *s, uint64_t after, struct out *o)
{
    size_t used = s->deliveries_n < MAX_DELIVERIES ? (size_t)s->deliveries_n : MAX_DELIVERIES;
    out_open(o, "deliveries", '[');
    for (size_t back = used; back > 0; back--) {
        const struct delivery *d = &s->deliveries[(s->deliveries_n - back) % MAX_DELIVERIES];
        if (d->state == DELIVERY_FREE || d->id <= after)
            continue;
        out_open(o, NULL, '{');
        out_int(o, "id", (int64_t)d->id);
        out_cstr(o, "client_key", s->w->apps[d->app].client_key);
        out_cstr(o, "event", d->event);
        out_cstr(o, "url", hook_url(s, &s->w->apps[d->app], d->event));
        out_str(o, "body", buf_str(&d->body));
        out_cstr(o, "state", delivery_state_names[d->state]);
        out_int(o, "due_ms", d->due_ms);
        out_int(o, "tries", d->n_attempts);
        attempts_write(d, o);
        out_close(o, '}');
    }
    out_close(o, ']');
}

/* ---- plans from JSON ---- */

static const struct member members[] = {
    MEMBER_INT(struct plan, "duplicates", duplicates),
    MEMBER_INT(struct plan, "delay_ms", delay_ms),
    MEMBER_INT(struct plan, "t_offset_s", t_offset_s),
    MEMBER_BOOL(struct plan, "hold", hold),
    MEMBER_BOOL(struct plan, "lost", lost),
    MEMBER_TEXT(struct plan, "client_key", client_key),
    MEMBER_TEXT(struct plan, "header", header),
    MEMBER_TEXT(struct plan, "secret", secret),
};

static bool plan_special(const struct json *m, struct plan *p)
{
    if (str_eq(m->key, STR("escape")) && m->type == JSON_BOOL) {
        p->escape_set = true;
        p->escape = m->b;
        return true;
    }
    if (str_eq(m->key, STR("omit")) && m->type == JSON_ARR) {
        for (const struct json *x = m->child; x != NULL; x = x->next)
            p->omit_user = p->omit_user || (x->type == JSON_STR && str_eq(x->s, STR("user_openid")));
        return p->omit_user || m->count == 0;
    }
    if (!str_eq(m->key, STR("signature")) || m->type != JSON_STR)
        return false;
    for (size_t i = 0; i < SIGN_KINDS; i++) {
        if (str_eq(str_of(wrong_names[i]), m->s)) {
            p->signature = (enum wrong)i;
            return true;
        }
    }
    return false;
}

enum rc plan_read(const struct json *j, struct plan *out, struct fault *why)
{
    struct plan p = {.duplicates = 0};
    for (const struct json *m = j == NULL ? NULL : j->child; m != NULL; m = m->next)
        if (!member_read(members, COUNT_OF(members), m, &p) && !plan_special(m, &p))
            return fault_set(why, RC_INVALID, "sim.plan", "plan: bad member " STR_FMT,
                             STR_ARG(str_sub(m->key, 0, 60)));
    str choice = str_of(p.secret);
    if (p.duplicates < 0 || p.duplicates > 7 || p.delay_ms < 0)
        return fault_set(why, RC_INVALID, "sim.plan", "plan: duplicates 0 to 7, delay_ms not below 0");
    if (choice.n > 0 && !str_eq(choice, STR("current")) && !str_eq(choice, STR("previous")))
        return fault_set(why, RC_INVALID, "sim.plan", "plan: secret is current or previous");
    for (const char *c = p.header; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '-'))
            return fault_set(why, RC_INVALID, "sim.plan", "plan: header is letters and dashes");
    *out = p;
    return RC_OK;
}
