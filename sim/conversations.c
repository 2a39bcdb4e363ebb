/* GET /control/conversations: what every conversation really got, for tests that prove that nothing was
 * sent twice or lost. `log_id` of an API message is the request_id of the call that sent it.
 */
#include "control.h"
#include "talk.h"

enum { LIMIT = 200, LIMIT_MAX = 5000 };

static void put_message(struct sim *s, struct out *o, const struct message *m)
{
    const struct delivery *d = delivery_find(s, m->delivery);
    out_open(o, NULL, '{');
    out_int(o, "n", (int64_t)m->n);
    out_cstr(o, "message_id", m->id);
    out_int(o, "at_ms", m->at_ms);
    out_cstr(o, "from", m->from_shop ? "shop" : "customer");
    out_cstr(o, "source", source_names[m->source]);
    out_cstr(o, "type", content_names[m->content]);
    out_cstr(o, "text", m->card != NULL ? m->card->title : m->text);
    out_cstr(o, "media_id", m->media);
    out_cstr(o, "post", m->post);
    out_cstr(o, "quoted", m->quoted);
    out_cstr(o, "tapped", m->tapped);
    out_cstr(o, "button", m->button);
    out_cstr(o, "automatic", m->automatic);
    out_open(o, "reactions", '[');
    for (unsigned i = 0; i < m->n_reactions; i++)
        out_cstr(o, NULL, m->reactions[i].emoji);
    out_close(o, ']');
    out_int(o, "delivery", (int64_t)m->delivery);
    out_cstr(o, "delivery_state", d == NULL ? "" : delivery_state_names[d->state]);
    out_cstr(o, "log_id", m->log_id);
    out_close(o, '}');
}

static void put_thread(struct sim *s, struct out *o, const struct thread *t)
{
    struct window w = window_at(s, t);
    out_cstr(o, "conversation_id", t->id);
    out_cstr(o, "shop", s->w->shops[t->shop].id);
    out_cstr(o, "customer", s->w->customers[t->customer].id);
    out_cstr(o, "type", thread_stranger(t) ? "STRANGER" : "SINGLE");
    out_open(o, "window", '{');
    out_cstr(o, "state", w.state);
    out_int(o, "left", w.left);
    out_int(o, "ends_ms", w.ends_ms);
    out_close(o, '}');
    out_int(o, "received", t->n_in);
    out_int(o, "sent", t->n_out);
    out_int(o, "refused", t->refused);
    out_int(o, "typing", t->typing);
    out_int(o, "mark_read", t->mark_read);
    out_int(o, "read_ms", t->read_ms);
}

/* Oldest first; the newest `limit` of those that are newer than `after`. */
static void put_messages(struct call *c, const struct thread *t, uint64_t after, int64_t limit)
{
    const struct message **rows = arena_take(c->q->mem, (size_t)limit * sizeof *rows);
    size_t n = 0;
    const struct message *m = rows == NULL ? NULL : message_newest(c->s, t);
    for (; m != NULL && m->n > after && n < (size_t)limit; m = message_before(c->s, m))
        rows[n++] = m;
    out_open(&c->o, "messages", '[');
    while (n > 0)
        put_message(c->s, &c->o, rows[--n]);
    out_close(&c->o, ']');
}

bool control_conversations(struct call *c)
{
    struct form *f = arena_new(c->q->mem, struct form);
    int64_t after = 0, limit = LIMIT;
    if (f == NULL || !form_read(c->q->query, c->q->mem, f))
        return control_no(c, "the query is malformed");
    control_query_int(c, "after", &after);
    control_query_int(c, "limit", &limit);
    if (after < 0 || limit < 0 || limit > LIMIT_MAX)
        return control_no(c, "after is not below 0, limit 0 to 5000");
    str id = form_get(f, "conversation"), shop = form_get(f, "shop"), customer = form_get(f, "customer");
    out_open(&c->o, "conversations", '[');
    for (size_t i = 0; i < c->s->w->n_threads; i++) {
        const struct thread *t = &c->s->w->threads[i];
        if ((id.n > 0 && !str_eq(id, str_of(t->id))) ||
            (shop.n > 0 && !str_eq(shop, str_of(c->s->w->shops[t->shop].id))) ||
            (customer.n > 0 && !str_eq(customer, str_of(c->s->w->customers[t->customer].id))))
            continue;
        out_open(&c->o, NULL, '{');
        put_thread(c->s, &c->o, t);
        put_messages(c, t, (uint64_t)after, limit);
        out_close(&c->o, '}');
    }
    out_close(&c->o, ']');
    out_int(&c->o, "last", (int64_t)c->s->w->n_messages);
    return true;
}

/* ---- comments ---- */

static void put_comment(struct sim *s, struct out *o, const struct comment *x)
{
    char id[24];
    static const char *const states[] = {
        [COMMENT_PUBLIC] = "public", [COMMENT_HIDDEN] = "hidden", [COMMENT_DELETED] = "deleted"};
    out_open(o, NULL, '{');
    snprintf(id, sizeof id, "%lld", (long long)x->id);
    out_cstr(o, "comment_id", id);
    snprintf(id, sizeof id, "%lld", (long long)x->video);
    out_cstr(o, "video_id", id);
    snprintf(id, sizeof id, "%lld", (long long)x->parent);
    out_cstr(o, "parent", id);
    out_cstr(o, "shop", s->w->shops[x->shop].id);
    out_cstr(o, "from", x->by_shop ? "shop" : s->w->customers[x->customer].id);
    out_cstr(o, "status", states[x->status]);
    out_bool(o, "liked", x->liked);
    out_bool(o, "answered", x->answered);
    out_int(o, "at_ms", x->at_ms);
    out_cstr(o, "text", x->text);
    out_close(o, '}');
}

bool control_comments(struct call *c)
{
    out_open(&c->o, "comments", '[');
    for (size_t i = 0; i < c->s->w->n_comments; i++)
        put_comment(c->s, &c->o, &c->s->w->comments[i]);
    out_close(&c->o, ']');
    return true;
}
