/* The conversation as the customer sees it: own messages with the state of their delivery to the shop's
 * system, the shop's answers, pictures, cards whose buttons can be tapped, quotes, reactions. Every
 * action is a small form, so that the page works without its script.
 */
#include "phone.h"

enum { TYPING_MS = 5000 };

enum delivery_state message_state(struct sim *s, const struct message *m)
{
    const struct delivery *d = delivery_find(s, m->delivery);
    if (m->delivery == 0)
        return m->from_shop ? DELIVERY_DELIVERED : DELIVERY_HELD;
    return d == NULL ? DELIVERY_DELIVERED : d->state;
}

const char *message_state_name(enum delivery_state state)
{
    if (state == DELIVERY_HELD || state == DELIVERY_SENDING)
        return "waiting";
    return delivery_state_names[state];
}

enum word message_word(enum delivery_state state)
{
    static const enum word all[DELIVERY_STATES] = {
        [DELIVERY_FREE] = W_ST_DELIVERED,    [DELIVERY_WAITING] = W_ST_WAITING,
        [DELIVERY_HELD] = W_ST_WAITING,      [DELIVERY_SENDING] = W_ST_WAITING,
        [DELIVERY_RETRYING] = W_ST_RETRYING, [DELIVERY_DELIVERED] = W_ST_DELIVERED,
        [DELIVERY_LOST] = W_ST_LOST,         [DELIVERY_DROPPED] = W_ST_DROPPED,
    };
    return all[state];
}

void put_who(struct sheet *p, const struct shop *shop, const struct customer *c)
{
    put_hidden(p, "customer", str_of(c->id));
    put_hidden(p, "shop", str_of(shop->id));
}

static const struct shop *shop_of(struct sheet *p, const struct message *m)
{
    return &p->s->w->shops[p->s->w->threads[m->thread].shop];
}

static const struct customer *customer_of(struct sheet *p, const struct message *m)
{
    return &p->s->w->customers[p->s->w->threads[m->thread].customer];
}

static void put_quoted(struct sheet *p, const struct message *m)
{
    const struct message *of = message_find(p->s, &p->s->w->threads[m->thread], str_of(m->quoted));
    if (m->quoted[0] == '\0')
        return;
    put_raw(p, "<blockquote data-sim=\"quoted\">");
    if (of == NULL || of->text[0] == '\0')
        put_word(p, W_QUOTED_OTHER);
    else
        put_text(p, str_of(of->text));
    put_raw(p, "</blockquote>");
}

static void put_button_form(struct sheet *p, const struct message *m, const char *kind)
{
    put_raw(p, "<form method=\"post\" action=\"/phone/send\">");
    put_who(p, shop_of(p, m), customer_of(p, m));
    put_hidden(p, "kind", str_of(kind));
    put_hidden(p, "message", str_of(m->id));
}

static void put_card(struct sheet *p, const struct message *m)
{
    put_raw(p, "<div class=\"tap\" data-sim=\"card\"><p>");
    put_text(p, str_of(m->card->title));
    put_raw(p, "</p>");
    for (unsigned i = 0; i < m->card->n; i++) {
        put_button_form(p, m, "tap");
        buf_fmt(p->b, "<button class=\"plain\" data-sim=\"tap\" name=\"button\" value=\"%u\">", i);
        put_text(p, str_of(m->card->buttons[i].title));
        put_raw(p, "</button></form>");
    }
    put_raw(p, "</div>");
}

static void put_image(struct sheet *p, const struct message *m)
{
    const struct media *x = media_find(p->s, str_of(m->media));
    struct buf url;
    put_raw(p, "<img data-sim=\"picture\" class=\"picture\" alt=\"");
    put_word(p, m->content == CONTENT_IMAGE ? W_IMAGE : W_STICKER);
    put_raw(p, "\" src=\"");
    if (m->content == CONTENT_IMAGE) {
        buf_fmt(p->b, "/phone/media?n=%llu", (unsigned long long)(x == NULL ? 0 : x->n));
    } else {
        buf_init(&url, p->q->mem, 2048);
        cdn_picture_url(p->s, m->content == CONTENT_EMOJI, str_of(m->picture), 86400, &url);
        put_text(p, str_sub(buf_str(&url), strlen(p->s->url), url.n));
    }
    put_raw(p, "\">");
}

static void put_body(struct sheet *p, const struct message *m)
{
    put_quoted(p, m);
    if (m->content == CONTENT_TEMPLATE) {
        put_card(p, m);
    } else if (m->content == CONTENT_TEXT) {
        put_raw(p, "<p>");
        put_text(p, str_of(m->text));
        put_raw(p, "</p>");
    } else if (m->content == CONTENT_SHARE_POST || m->content == CONTENT_VIDEO) {
        put_raw(p, "<p>");
        put_word(p, m->content == CONTENT_VIDEO ? W_VIDEO : W_POST);
        put_raw(p, " ");
        put_text(p, str_of(m->post));
        put_raw(p, "</p>");
    } else {
        put_image(p, m);
    }
}

static void put_reactions(struct sheet *p, const struct message *m)
{
    for (unsigned i = 0; i < m->n_reactions; i++) {
        put_raw(p, "<span class=\"reaction\" data-sim=\"reaction\">");
        put_text(p, str_of(m->reactions[i].emoji));
        put_raw(p, "</span>");
    }
}

static void put_actions(struct sheet *p, const struct message *m)
{
    struct buf url;
    buf_init(&url, p->q->mem, 1024);
    buf_put(&url, STR("/phone?"));
    put_param(&url, true, "customer", str_of(customer_of(p, m)->id));
    put_param(&url, false, "shop", str_of(shop_of(p, m)->id));
    put_param(&url, false, "quote", str_of(m->id));
    put_raw(p, "<span class=\"acts\"><a data-sim=\"quote\" href=\"");
    put_text(p, buf_str(&url));
    put_raw(p, "\">");
    put_word(p, W_QUOTE);
    put_raw(p, "</a>");
    put_button_form(p, m, "reaction");
    if (m->n_reactions > 0)
        put_hidden(p, "remove", STR("1"));
    put_raw(p, "<button class=\"plain small\" data-sim=\"react\" aria-label=\"");
    put_word(p, W_REACT);
    put_raw(p, "\" name=\"text\" value=\"👍\">👍</button></form></span>");
}

static void put_message(struct sheet *p, const struct message *m)
{
    enum delivery_state state = message_state(p->s, m);
    put_raw(p, m->from_shop ? "<li class=\"theirs\" data-sim=\"message\"" : "<li data-sim=\"message\"");
    put_raw(p, " data-message-id=\"");
    put_text(p, str_of(m->id));
    buf_fmt(p->b, "\" data-delivery=\"%s\" data-from=\"%s\" data-type=\"%s\">", message_state_name(state),
            m->from_shop ? "shop" : "customer", content_names[m->content]);
    put_body(p, m);
    put_reactions(p, m);
    put_actions(p, m);
    put_raw(p, "<span class=\"small\">");
    if (!m->from_shop)
        put_word(p, message_word(state));
    else if (m->automatic != NULL)
        put_word(p, W_AUTOMATIC);
    put_raw(p, "</span></li>");
}

void put_conversation(struct sheet *p, const struct thread *t)
{
    const struct message *rows[SHOWN_MAX];
    size_t n = 0;
    for (const struct message *m = message_newest(p->s, t); m != NULL && n < SHOWN_MAX;
         m = message_before(p->s, m))
        rows[n++] = m;
    put_raw(p, "<ol class=\"chat\" data-sim=\"messages\" aria-live=\"polite\">");
    if (n == 0) {
        put_raw(p, "<li class=\"none\">");
        put_word(p, W_NO_MESSAGES);
        put_raw(p, "</li>");
    }
    while (n > 0)
        put_message(p, rows[--n]);
    if (t->typing_ms > 0 && sim_now(p->s) < t->typing_ms + TYPING_MS) {
        put_raw(p, "<li class=\"theirs small\" data-sim=\"typing\">");
        put_word(p, W_TYPING);
        put_raw(p, "</li>");
    }
    put_raw(p, "</ol>");
}
