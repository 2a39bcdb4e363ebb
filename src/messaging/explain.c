/* The story of one message: when TikTok says it was written, when it was stored here, what happened to its
 * event. */
#include "messaging/messaging_priv.h"

static void step(struct explain *out, int64_t at_ms, str text)
{
    if (out->n < COUNT_OF(out->steps) && text.n > 0)
        out->steps[out->n++] = (struct explain_step){at_ms, text};
}

static void explain_event(const struct mozflow_sent *e, struct explain *out)
{
    step(out, e->created_ms,
         arena_fmt(out->mem,
                   "The event " STR_FMT " (" STR_FMT ") was written for Mozflow in the same transaction.",
                   STR_ARG(e->id), STR_ARG(e->type)));
    if (e->attempts > 0)
        step(out, e->delivered_ms != 0 ? e->delivered_ms : e->last_ms,
             arena_fmt(out->mem,
                       "After %d attempt(s) the event is " STR_FMT "; the last answer was HTTP %d" STR_FMT
                       ".",
                       e->attempts, STR_ARG(e->state), e->last_status, STR_ARG(e->last_code)));
    else
        step(out, e->created_ms, arena_fmt(out->mem, "The event is " STR_FMT ".", STR_ARG(e->state)));
}

enum rc explain_message(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why)
{
    struct rows *r;
    struct mozflow_sent *sent;
    size_t n = 0;
    enum rc rc = messaging_db_message_load(tx, workspace, id, out->mem, &r, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "messaging.missing", "no such message");
    if (rc == RC_OK)
        rc = mozflow_list(tx, workspace, id, out->mem, &sent, &n, why);
    if (rc != RC_OK)
        return rc;
    step(out, row_int(r, 9), STR("TikTok's time of the message."));
    step(out, row_int(r, 10),
         arena_fmt(out->mem,
                   "Message " STR_FMT " (type " STR_FMT ") was stored in conversation " STR_FMT
                   ", with its contact and "
                   "its event, in one transaction.",
                   STR_ARG(id), STR_ARG(row_text(r, 5)), STR_ARG(row_text(r, 1))));
    for (size_t i = 0; i < n; i++)
        explain_event(&sent[i], out);
    if (out->n_follow < COUNT_OF(out->follow))
        out->follow[out->n_follow++] = row_text(r, 11);
    return RC_OK;
}
