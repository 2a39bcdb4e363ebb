/* What a shop may still send, as two official pages say it differently (messaging 2.1): "documented"
 * counts 10 after the customer's first message, no limit for 48 hours after each reply of the customer,
 * and 3 once the customer is silent for longer; "strict" counts 10 in the 48 hours after each message and
 * nothing then. A reply is a message of the customer after one of the shop. SENDER_ACTIONs and automatic
 * messages do not count; messages typed in the app do.
 */
#include "talk.h"

enum { PER_MESSAGE = 10, IN_SILENCE = 3 };
static const int64_t span_ms = 48LL * 3600 * 1000, day_long_ms = 86400000;

struct window window_at(const struct sim *s, const struct thread *t)
{
    bool strict = switch_is(&s->sw, SW_WINDOW, "strict");
    int64_t ends = t->last_in_ms + span_ms, left;
    if (switch_is(&s->sw, SW_WINDOW, "off"))
        return (struct window){"active", -1, 0};
    if (t->n_in == 0)
        return (struct window){"none", 0, 0};
    if (sim_now(s) >= ends) {
        left = strict ? 0 : IN_SILENCE - t->sent_in_silence;
        return (struct window){"silent", left < 0 ? 0 : left, 0};
    }
    if (t->replied && !strict)
        return (struct window){"active", -1, ends};
    left = PER_MESSAGE - t->sent_in_window;
    return (struct window){t->replied ? "active" : "first", left < 0 ? 0 : left, ends};
}

static bool day_full(struct sim *s, const struct thread *t)
{
    const struct shop_state *x = &s->w->shop_states[t->shop];
    int64_t max = switch_int(&s->sw, SW_DAILY_CONVERSATIONS), today = sim_now(s) / day_long_ms;
    bool counted = t->last_out_ms > 0 && t->last_out_ms / day_long_ms == today;
    return max > 0 && !counted && x->day == today && x->of_day >= max;
}

const char *window_refusal(struct sim *s, const struct thread *t)
{
    if (s->w->customers[t->customer].blocks)
        return "The message is blocked by direct message rules.";
    if (day_full(s, t))
        return "You are sending messages too fast. Take a rest.";
    return window_at(s, t).left == 0 && !planted("sim.window_open")
               ? "The message is blocked by direct message rules."
               : NULL;
}

void window_count(struct sim *s, struct thread *t, bool from_shop, int64_t at_ms)
{
    struct shop_state *x = &s->w->shop_states[t->shop];
    int64_t today = at_ms / day_long_ms;
    const struct message *m = message_newest(s, t);
    t->update_ms = at_ms;
    if (m != NULL && m->automatic != NULL)
        return;
    if (!from_shop) {
        t->n_in++;
        t->first_in_ms = t->first_in_ms == 0 ? at_ms : t->first_in_ms;
        t->last_in_ms = at_ms;
        t->replied = t->replied || t->answered;
        t->sent_in_window = t->sent_in_silence = 0;
        return;
    }
    if (x->day != today)
        x->of_day = 0;
    x->day = today;
    if (t->last_out_ms == 0 || t->last_out_ms / day_long_ms != today)
        x->of_day++;
    t->n_out++;
    t->answered = true;
    t->last_out_ms = at_ms;
    if (t->n_in > 0 && at_ms >= t->last_in_ms + span_ms)
        t->sent_in_silence++;
    else
        t->sent_in_window++;
}
