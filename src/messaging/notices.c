/* What happens in a conversation without a message: a reaction, the customer has read, where the customer
 * came from, a customer whom TikTok hides. Each ends in one transaction that may be repeated: the newest word
 * of a reaction counts, a read mark never goes back, the rest is unique on its own key. */
#include "messaging/messaging_priv.h"

enum { REACTIONS_MAX = 16 };

static enum rc tell_conversation(struct tx *tx, const struct arriving *a, const char *type, str conversation,
                                 struct fault *why)
{
    const struct mozflow_new e = {.type = type, .workspace = a->workspace, .subject = conversation};
    enum rc rc = mozflow_emit(tx, &e, NULL, why);
    return rc == RC_OK ? feed_put(tx, a->workspace, "conversation", conversation, why) : rc;
}

/* ---- reactions ---- */
struct reacting {
    const struct arriving *a;
    struct thread thread;
    struct reaction list[REACTIONS_MAX];
    size_t n;
};

/* A reaction to a message that is not here yet waits under TikTok's id; the message's own event shows it.
 * *message: whose event was written; empty: none. */
static enum rc save_reaction(struct tx *tx, const struct reacting *r, const struct reaction *one,
                             str *message, struct fault *why)
{
    bool changed = false;
    enum rc rc = messaging_db_reaction_save(tx, &r->thread, one, &changed, why);
    if (rc != RC_OK || !changed)
        return rc;
    rc = messaging_db_message_of(tx, &r->thread, one->message, tx_mem(tx), message, why);
    if (rc != RC_OK)
        return rc == RC_MISSING ? RC_OK : rc;
    const struct mozflow_new e = {
        .type = "message.reacted", .workspace = r->a->workspace, .subject = *message};
    return mozflow_emit(tx, &e, NULL, why);
}

static enum rc save_reactions(struct tx *tx, void *arg, struct fault *why)
{
    const struct reacting *r = arg;
    str changed[REACTIONS_MAX] = {{0}};
    enum rc rc = store_lock(tx, r->a->workspace, "conversation", r->thread.external, why);
    for (size_t i = 0; rc == RC_OK && i < r->n; i++)
        rc = save_reaction(tx, r, &r->list[i], &changed[i], why);
    for (size_t i = 0; rc == RC_OK && i < r->n; i++) /* stamps come last */
        if (changed[i].n > 0)
            rc = feed_put(tx, r->a->workspace, "message", changed[i], why);
    return rc;
}

enum rc reacted(struct job *j, struct arriving *a, const struct inbound *in, struct fault *why)
{
    struct reacting r = {.a = a, .thread = {a->workspace, a->account, in->conversation}};
    const struct json *one = in->reactions != NULL ? in->reactions->child : NULL;
    for (; one != NULL && r.n < REACTIONS_MAX; one = one->next) {
        enum rc rc = reaction_parse(one, in, &r.list[r.n++], why);
        if (rc != RC_OK)
            return rc;
    }
    return job_commit(j, save_reactions, &r, why);
}

/* ---- read ---- */
struct marking {
    const struct arriving *a;
    struct read_mark reading;
};

static enum rc save_reading(struct tx *tx, void *arg, struct fault *why)
{
    const struct marking *m = arg;
    const struct contact_seen seen = {.workspace = m->a->workspace,
                                      .kind = STR(CONTACT_KIND_MESSAGING),
                                      .app = STR("-"),
                                      .external_id = m->reading.person,
                                      .username = m->reading.username,
                                      .seen_ms = m->reading.at_ms};
    struct contact_ref person;
    struct conversation c = {0};
    enum rc rc = contacts_touch(tx, &seen, tx_mem(tx), &person, why);
    if (rc == RC_OK)
        rc = conversation_find_or_make(tx, m->a, m->reading.conversation, person.identity_id, &c, why);
    if (rc != RC_OK || m->reading.until_ms <= c.read_ms)
        return rc;
    c.read_ms = m->reading.until_ms;
    rc = messaging_db_conversation_save(tx, m->a->workspace, &c, why);
    return rc == RC_OK ? tell_conversation(tx, m->a, "conversation.read", c.id, why) : rc;
}

enum rc was_read(struct job *j, struct arriving *a, const struct webhook_event *ev, const char **outcome,
                 struct fault *why)
{
    struct marking m = {.a = a};
    enum rc rc = read_mark_parse(ev, &m.reading, why);
    *outcome = "read";
    return rc == RC_OK ? job_commit(j, save_reading, &m, why) : rc;
}

/* ---- where the customer came from ---- */
struct referring {
    const struct arriving *a;
    struct referral referral;
};

static enum rc save_referral(struct tx *tx, void *arg, struct fault *why)
{
    const struct referring *r = arg;
    const struct thread t = {r->a->workspace, r->a->account, r->referral.conversation};
    struct conversation c = {0};
    enum rc rc = store_lock(tx, t.workspace, "conversation", t.external, why);
    if (rc == RC_OK)
        rc = messaging_db_referral_save(tx, &t, &r->referral, why);
    if (rc != RC_OK)
        return rc;
    rc = messaging_db_conversation_find(tx, t.workspace, t.account, t.external, tx_mem(tx), &c, why);
    if (rc == RC_MISSING)
        return RC_OK; /* the first message will find it */
    return rc == RC_OK ? feed_put(tx, t.workspace, "conversation", c.id, why) : rc;
}

enum rc was_referred(struct job *j, struct arriving *a, const struct webhook_event *ev, const char **outcome,
                     struct fault *why)
{
    struct referring r = {.a = a};
    enum rc rc = referral_parse(ev, &r.referral, why);
    *outcome = "referral";
    return rc == RC_OK ? job_commit(j, save_referral, &r, why) : rc;
}

/* ---- EEA, CH and UK ---- */
struct hidden {
    const struct arriving *a;
    int64_t at_ms;
};

static enum rc save_hidden(struct tx *tx, void *arg, struct fault *why)
{
    const struct hidden *h = arg;
    bool made;
    return messaging_db_eu_save(tx, h->a->workspace, h->a->account, h->at_ms, &made, why);
}

enum rc came_from_eu(struct job *j, struct arriving *a, const struct webhook_event *ev, const char **outcome,
                     struct fault *why)
{
    struct hidden h = {.a = a};
    enum rc rc = eu_parse(ev, &h.at_ms, why);
    *outcome = "eu";
    return rc == RC_OK ? job_commit(j, save_hidden, &h, why) : rc;
}

enum rc render_conversation(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    struct rows *conv;
    enum rc rc = messaging_db_conversation_load(r->tx, r->workspace, r->subject, r->mem, &conv, why);
    if (rc != RC_OK)
        return rc;
    jw_obj(data, "conversation");
    rc = conversation_write(&(struct writing){r->tx, r->workspace, r->mem, r->ctx}, conv, data, why);
    jw_end(data);
    return rc;
}
