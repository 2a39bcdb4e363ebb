/* One event of a conversation: load -> parse (pure) -> one transaction: contact touched, conversation found
 * or made, message stored once, conversation moved, event emitted, feed told. Locks ascend: contact, then
 * conversation. What can go wrong: content without its ids (dead letter with the field's name); a body past
 * its retention (dead letter). A second delivery ends at the message's unique key. Every field that a
 * conversation keeps is a largest, a smallest or a count, so shuffled deliveries end in the same state.
 */
#include "messaging/messaging_priv.h"

struct saying {
    struct arriving *a;
    const struct inbound *in;
};

enum rc conversation_find_or_make(struct tx *tx, const struct arriving *a, str external, str identity,
                                  struct conversation *out, struct fault *why)
{
    enum rc rc = store_lock(tx, a->workspace, "conversation", external, why);
    if (rc != RC_OK)
        return rc;
    rc = messaging_db_conversation_find(tx, a->workspace, a->account, external, tx_mem(tx), out, why);
    if (rc != RC_MISSING)
        return rc;
    *out = (struct conversation){.id = id_new(tx_mem(tx), "cnv"),
                                 .account_id = a->account,
                                 .external_id = external,
                                 .identity_id = identity,
                                 .last_message_id = STR(""), /* a read mark may come before any message */
                                 .last_external_id = STR(""),
                                 .status = CONV_OPEN};
    return messaging_db_conversation_make(tx, a->workspace, out, why);
}

/* Does this message come after the newest one known? TikTok's time decides, TikTok's id breaks the tie. */
static bool is_newest(const struct conversation *c, const struct inbound *in)
{
    if (in->at_ms != c->last_at_ms)
        return in->at_ms > c->last_at_ms;
    size_t n = in->message.n < c->last_external_id.n ? in->message.n : c->last_external_id.n;
    int order = n == 0 ? 0 : memcmp(in->message.p, c->last_external_id.p, n);
    return order != 0 ? order > 0 : in->message.n > c->last_external_id.n;
}

static void keep_times(struct conversation *c, const struct inbound *in)
{
    if (in->source == SOURCE_CUSTOMER) {
        c->last_in_ms = in->at_ms > c->last_in_ms ? in->at_ms : c->last_in_ms;
        return;
    }
    c->last_out_ms = in->at_ms > c->last_out_ms ? in->at_ms : c->last_out_ms;
    if (c->first_out_ms == 0 || in->at_ms < c->first_out_ms)
        c->first_out_ms = in->at_ms;
}

/* Only the newest word of either side moves the status; in the same millisecond the customer's counts. What
 * TikTok's robot says is nobody's word. */
static enum rc move_status(struct conversation *c, const struct inbound *in, struct fault *why)
{
    bool customer = in->source == SOURCE_CUSTOMER;
    bool newest = customer ? in->at_ms >= c->last_in_ms && in->at_ms >= c->last_out_ms
                           : in->at_ms >= c->last_out_ms && in->at_ms > c->last_in_ms;
    if (!newest && !planted("messaging.late_moves"))
        return RC_OK;
    return conversation_move(c->status, customer ? CONV_CUSTOMER_WROTE : CONV_WE_WROTE, &c->status, why);
}

static enum rc move_on(struct tx *tx, const struct saying *s, struct conversation *c, str message,
                       struct fault *why)
{
    enum rc rc = RC_OK;
    if (s->in->automatic.n == 0) {
        rc = move_status(c, s->in, why);
        keep_times(c, s->in);
    }
    if (is_newest(c, s->in)) {
        c->last_at_ms = s->in->at_ms;
        c->last_message_id = message;
        c->last_external_id = s->in->message;
    }
    if (rc == RC_OK)
        rc = messaging_db_conversation_save(tx, s->a->workspace, c, why);
    return rc == RC_OK ? messaging_db_conversation_unread(tx, s->a->workspace, c, why) : rc;
}

static enum rc tell(struct tx *tx, const struct saying *s, str conversation, str message, struct fault *why)
{
    const struct mozflow_new e = {.type =
                                      s->in->source == SOURCE_CUSTOMER ? "message.received" : "message.sent",
                                  .workspace = s->a->workspace,
                                  .subject = message};
    enum rc rc = mozflow_emit(tx, &e, NULL, why);
    if (rc == RC_OK)
        rc = feed_put(tx, s->a->workspace, "message", message, why);
    return rc == RC_OK ? feed_put(tx, s->a->workspace, "conversation", conversation, why) : rc;
}

static enum rc arrive(struct tx *tx, void *arg, struct fault *why)
{
    const struct saying *s = arg;
    const struct contact_seen seen = {.workspace = s->a->workspace,
                                      .kind = STR(CONTACT_KIND_MESSAGING),
                                      .app = STR("-"),
                                      .external_id = s->in->person,
                                      .username = s->in->username,
                                      .seen_ms = s->in->at_ms};
    struct contact_ref person;
    struct conversation c;
    bool made = false;
    enum rc rc = contacts_touch(tx, &seen, tx_mem(tx), &person, why);
    if (rc == RC_OK)
        rc = conversation_find_or_make(tx, s->a, s->in->conversation, person.identity_id, &c, why);
    if (rc != RC_OK)
        return rc;
    struct inbound again = *s->in;
    if (planted("messaging.no_dedupe"))
        again.message = id_new(tx_mem(tx), "again");
    const struct message_new m = {.id = id_new(tx_mem(tx), "msg"),
                                  .conversation_id = c.id,
                                  .account_id = s->a->account,
                                  .ref = s->a->ref,
                                  .in = &again};
    rc = messaging_db_message_make(tx, s->a->workspace, &m, &made, why);
    if (rc != RC_OK || !made)
        return rc;
    rc = move_on(tx, s, &c, m.id, why);
    return rc == RC_OK ? tell(tx, s, c.id, m.id, why) : rc;
}

static enum rc was_said(struct job *j, struct arriving *a, const struct webhook_event *ev,
                        const char **outcome, struct fault *why)
{
    static const char *const outcomes[] = {
        [FORM_SHOWN] = "shown", [FORM_NOT_YET] = "not_shown_yet", [FORM_REACTION] = "reaction"};
    struct inbound in;
    struct saying s = {a, &in};
    enum rc rc = inbound_parse(ev, job_mem(j), &in, why);
    if (rc != RC_OK)
        return rc;
    *outcome = outcomes[in.form];
    return in.form == FORM_REACTION ? reacted(j, a, &in, why) : job_commit(j, arrive, &s, why);
}

static const struct {
    const char *event;
    event_fn handle;
} handlers[] = {
    {"im_receive_msg", was_said},      {"im_send_msg", was_said},           {"im_mark_read_msg", was_read},
    {"im_referral_msg", was_referred}, {"im_receive_msg_eu", came_from_eu},
};

static event_fn handler_of(str event)
{
    for (size_t i = 0; i < COUNT_OF(handlers); i++)
        if (str_eq(event, str_of(handlers[i].event)))
            return handlers[i].handle;
    return NULL;
}

enum rc messaging_inbound(struct job *j, void *ctx, struct fault *why)
{
    const struct messaging *m = ctx;
    struct webhook_event ev;
    struct arriving a = {.workspace = job_workspace(j), .log = m->log};
    const char *outcome = "failed";
    if (!json_str(job_args(j), "ref", &a.ref) || !json_str(job_args(j), "account", &a.account))
        return fault_set(why, RC_BUG, "messaging.job", "the job names no event or no account");
    enum rc rc = webhook_load(m->webhook, a.ref, job_mem(j), &ev, why);
    if (rc != RC_OK)
        return rc;
    event_fn handle = handler_of(ev.name);
    if (handle == NULL)
        return fault_set(why, RC_BUG, "messaging.job", "no handler for this event");
    rc = handle(j, &a, &ev, &outcome, why);
    if (rc == RC_OK) {
        metric_add(&messaging_metrics[0], 1, outcome, NULL);
        log_event(m->log, LOG_INFO, "message.in", F_ID("workspace", a.workspace), F_ID("account", a.account),
                  F_ID("ref", a.ref), F_STR("event", ev.name), F_STR("outcome", str_of(outcome)),
                  F_MS("age", clock_now_ms() - ev.create_time_s * 1000));
    }
    return rc;
}

/* ---- the event's body ---- */
enum rc render_message(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    struct rows *row, *conv;
    struct reactions reactions;
    enum rc rc = messaging_db_message_load(r->tx, r->workspace, r->subject, r->mem, &row, why);
    if (rc == RC_OK)
        rc = messaging_db_conversation_load(r->tx, r->workspace, row_text(row, 1), r->mem, &conv, why);
    if (rc != RC_OK)
        return rc;
    const struct thread t = {r->workspace, row_text(row, 2), row_text(conv, 2)};
    rc = messaging_db_reaction_list(r->tx, &t, r->mem, &reactions, why);
    if (rc != RC_OK)
        return rc;
    jw_obj(data, "message");
    message_write(row, &reactions, data);
    jw_end(data);
    jw_obj(data, "conversation");
    rc = conversation_write(&(struct writing){r->tx, r->workspace, r->mem, r->ctx}, conv, data, why);
    jw_end(data);
    return rc;
}
