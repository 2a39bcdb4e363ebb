/* Rows of conversations (talk.h). One thread per shop and customer, its id derived from both; messages in
 * one ring, chained backwards per thread by numbers that never repeat, so that a forgotten row ends a
 * chain.
 */
#include "talk.h"
#include "auto.h"
#include "comments.h"

const char *const content_names[CONTENT_KINDS] = {
    [CONTENT_TEXT] = "text",         [CONTENT_IMAGE] = "image", [CONTENT_VIDEO] = "video",
    [CONTENT_STICKER] = "sticker",   [CONTENT_EMOJI] = "emoji", [CONTENT_SHARE_POST] = "share_post",
    [CONTENT_TEMPLATE] = "template",
};
const char *const source_names[SOURCE_KINDS] = {
    [SOURCE_APP] = "APP", [SOURCE_WEB] = "WEB", [SOURCE_API] = "API", [SOURCE_OTHERS] = "OTHERS"};

void shop_open_id(struct sim *s, const struct shop *shop, char out[ID_SIZE])
{
    const struct app *app = app_find(s->w, str_of(shop->client_key));
    const struct user *u = user_find(s->w, str_of(shop->user));
    if (shop->business_id[0] != '\0' || app == NULL || u == NULL)
        must(text_set(out, ID_SIZE, str_of(shop->business_id)));
    else
        open_id_of(app, u, out);
}

struct shop *shop_of_token(struct sim *s, const struct token *t)
{
    for (size_t i = 0; i < s->w->n_shops; i++) {
        struct shop *x = &s->w->shops[i];
        if (strcmp(x->user, s->w->users[t->user].id) == 0 &&
            strcmp(x->client_key, s->w->apps[t->app].client_key) == 0)
            return x;
    }
    return NULL;
}

void customer_identifier(const struct customer *c, char out[96])
{
    if (c->unique_identifier[0] != '\0')
        must(text_set(out, 96, str_of(c->unique_identifier)));
    else
        unique_identifier_of(str_of(c->id), out);
}

static struct thread *thread_by_id(struct sim *s, str id)
{
    const struct index *x = &s->w->by_thread;
    for (size_t r = index_first(x, id); r != SIZE_MAX; r = index_after(x, r))
        if (str_eq(str_of(s->w->threads[r].id), id))
            return &s->w->threads[r];
    return NULL;
}

struct thread *thread_find(struct sim *s, const struct shop *shop, str id)
{
    struct thread *t = shop == NULL || id.n == 0 ? NULL : thread_by_id(s, id);
    return t != NULL && &s->w->shops[t->shop] == shop ? t : NULL;
}

struct thread *thread_make(struct sim *s, const struct shop *shop, const struct customer *c)
{
    char business_id[ID_SIZE], who[96], id[ID_SIZE];
    shop_open_id(s, shop, business_id);
    customer_identifier(c, who);
    conversation_id_of(str_of(business_id), str_of(who), id);
    struct thread *t = thread_by_id(s, str_of(id));
    if (t != NULL)
        return t;
    must(s->w->n_threads < MAX_THREADS);
    t = &s->w->threads[s->w->n_threads];
    *t = (struct thread){.shop = (unsigned)(shop - s->w->shops), .customer = (unsigned)(c - s->w->customers)};
    must(TEXT_SET(t->id, str_of(id)));
    index_put(&s->w->by_thread, str_of(t->id), s->w->n_threads++);
    return t;
}

static struct message *message_row(struct sim *s, uint64_t n)
{
    struct message *m = &s->w->messages[(n - 1) % MAX_MESSAGES];
    return n > 0 && m->n == n ? m : NULL;
}

struct message *message_newest(struct sim *s, const struct thread *t)
{
    return message_row(s, t->last);
}

struct message *message_before(struct sim *s, const struct message *m)
{
    return message_row(s, m->prev);
}

struct message *message_find(struct sim *s, const struct thread *t, str id)
{
    const struct index *x = &s->w->by_message;
    for (size_t r = id.n == 0 ? SIZE_MAX : index_first(x, id); r != SIZE_MAX; r = index_after(x, r)) {
        struct message *m = &s->w->messages[r];
        if (str_eq(str_of(m->id), id) && &s->w->threads[m->thread] == t)
            return m;
    }
    return NULL;
}

static void message_forget(struct sim *s, size_t row)
{
    struct message *m = &s->w->messages[row];
    if (m->n == 0)
        return;
    index_drop(&s->w->by_message, str_of(m->id), row);
    mem_free(m->text);
    mem_free(m->card);
    m->n = 0;
}

struct message *message_add(struct sim *s, struct thread *t, const struct message *like, str text)
{
    size_t row = s->w->n_messages % MAX_MESSAGES;
    struct message *m = &s->w->messages[row];
    message_forget(s, row);
    *m = *like;
    m->n = ++s->w->n_messages;
    m->prev = t->last;
    m->thread = (unsigned)(t - s->w->threads);
    message_id_new(m->id);
    m->text = mem_new(text.n + 1);
    must(text_set(m->text, text.n + 1, text));
    if (like->card != NULL) {
        m->card = mem_new(sizeof *m->card);
        *m->card = *like->card;
    }
    index_put(&s->w->by_message, str_of(m->id), row);
    t->last = m->n;
    window_count(s, t, m->from_shop && m->automatic == NULL, m->at_ms);
    s->dirty = true;
    return m;
}

bool thread_stranger(const struct thread *t)
{
    return !t->answered;
}

void talk_clear(struct sim *s)
{
    struct world *w = s->w;
    for (size_t i = 0; i < MAX_MESSAGES && i < w->n_messages; i++)
        message_forget(s, i);
    index_clear(&w->by_message, MAX_MESSAGES);
    index_clear(&w->by_thread, MAX_THREADS);
    w->n_messages = w->n_threads = 0;
    memset(w->shop_states, 0, sizeof w->shop_states);
    media_clear(s);
    comments_clear(s);
}
