/* One inbound message: load -> parse (pure) -> one transaction: contact touched, conversation found or made,
 * message stored once, conversation moved, event emitted, feed told. Locks ascend: contact, then
 * conversation. What can go wrong: content without its ids (dead letter with the field's name); a body past
 * its retention (dead letter). A second delivery ends at the message's unique key.
 */
#include "messaging/messaging_priv.h"

struct arriving {
    const struct inbound *in;
    str workspace, account, ref;
    struct log *log;
};

static enum rc find_or_make(struct tx *tx, const struct arriving *a, str identity, struct conversation *out,
                            struct fault *why)
{
    enum rc rc = store_lock(tx, a->workspace, "conversation", a->in->conversation, why);
    if (rc != RC_OK)
        return rc;
    rc = messaging_db_conversation_find(tx, a->workspace, a->account, a->in->conversation, tx_mem(tx), out,
                                        why);
    if (rc != RC_MISSING)
        return rc;
    *out = (struct conversation){.id = id_new(tx_mem(tx), "cnv"),
                                 .account_id = a->account,
                                 .external_id = a->in->conversation,
                                 .identity_id = identity,
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

static enum rc move_on(struct tx *tx, const struct arriving *a, struct conversation *c, str message,
                       struct fault *why)
{
    enum rc rc = conversation_move(c->status, CONV_CUSTOMER_WROTE, &c->status, why);
    if (rc != RC_OK)
        return rc;
    c->unread++;
    if (is_newest(c, a->in)) {
        c->last_at_ms = a->in->at_ms;
        c->last_message_id = message;
        c->last_external_id = a->in->message;
    }
    return messaging_db_conversation_save(tx, a->workspace, c, why);
}

static enum rc tell(struct tx *tx, const struct arriving *a, str conversation, str message, struct fault *why)
{
    const struct mozflow_new e = {.type = "message.received", .workspace = a->workspace, .subject = message};
    enum rc rc = mozflow_emit(tx, &e, NULL, why);
    if (rc == RC_OK)
        rc = feed_put(tx, a->workspace, "message", message, why);
    return rc == RC_OK ? feed_put(tx, a->workspace, "conversation", conversation, why) : rc;
}

static enum rc arrive(struct tx *tx, void *arg, struct fault *why)
{
    const struct arriving *a = arg;
    const struct contact_seen seen = {.workspace = a->workspace,
                                      .kind = STR(CONTACT_KIND_MESSAGING),
                                      .app = STR("-"),
                                      .external_id = a->in->person,
                                      .username = a->in->username,
                                      .seen_ms = a->in->at_ms};
    struct contact_ref person;
    struct conversation c;
    bool made = false;
    enum rc rc = contacts_touch(tx, &seen, tx_mem(tx), &person, why);
    if (rc == RC_OK)
        rc = find_or_make(tx, a, person.identity_id, &c, why);
    if (rc != RC_OK)
        return rc;
    const struct message_new m = {.id = id_new(tx_mem(tx), "msg"),
                                  .conversation_id = c.id,
                                  .account_id = a->account,
                                  .ref = a->ref,
                                  .in = a->in};
    rc = messaging_db_message_make(tx, a->workspace, &m, &made, why);
    if (rc != RC_OK || !made)
        return rc;
    rc = move_on(tx, a, &c, m.id, why);
    return rc == RC_OK ? tell(tx, a, c.id, m.id, why) : rc;
}

static enum rc nothing_to_do(struct tx *tx, void *arg, struct fault *why)
{
    (void)tx;
    (void)arg;
    (void)why;
    return RC_OK;
}

enum rc messaging_inbound(struct job *j, void *ctx, struct fault *why)
{
    const struct messaging *m = ctx;
    struct webhook_event ev;
    struct inbound in;
    struct arriving a = {.in = &in, .workspace = job_workspace(j), .log = m->log};
    if (!json_str(job_args(j), "ref", &a.ref) || !json_str(job_args(j), "account", &a.account))
        return fault_set(why, RC_BUG, "messaging.job", "the job names no event or no account");
    enum rc rc = webhook_load(m->webhook, a.ref, job_mem(j), &ev, why);
    if (rc == RC_OK)
        rc = inbound_parse(&ev, &in, why);
    if (rc != RC_OK)
        return rc;
    const char *outcome = in.form == FORM_SHOWN     ? "shown"
                          : in.form == FORM_NOT_YET ? "not_shown_yet"
                                                    : "no_line";
    rc = job_commit(j, in.form == FORM_NO_LINE ? nothing_to_do : arrive, &a, why);
    if (rc == RC_OK) {
        metric_add(&messaging_metrics[0], 1, outcome, NULL);
        log_event(m->log, LOG_INFO, "message.in", F_ID("workspace", a.workspace), F_ID("account", a.account),
                  F_ID("ref", a.ref), F_STR("type", in.type), F_STR("outcome", str_of(outcome)),
                  F_MS("age", clock_now_ms() - in.at_ms));
    }
    return rc;
}

/* ---- the event's body ---- */
enum rc render_message(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    struct rows *row, *conv;
    enum rc rc = messaging_db_message_load(r->tx, r->workspace, r->subject, r->mem, &row, why);
    if (rc == RC_OK)
        rc = messaging_db_conversation_load(r->tx, r->workspace, row_text(row, 1), r->mem, &conv, why);
    if (rc != RC_OK)
        return rc;
    jw_obj(data, "message");
    message_write(row, data);
    jw_end(data);
    jw_obj(data, "conversation");
    rc = conversation_write(r->tx, r->workspace, conv, r->mem, data, why);
    jw_end(data);
    return rc;
}
