/* The customer's phone: a page where a person writes to a shop, and the event im_receive_msg that TikTok
 * sends for it, field by field as in messaging 3.5 (seconds in the envelope, milliseconds in the content,
 * personal_account and business_account in lower case). A customer of the EEA, CH or UK causes
 * im_receive_msg_eu, which carries no text. Answers of the shop come in part 3.
 */
#include "account.h"
#include "pages.h"
#include "sender.h"

static void put_party(struct out *o, const char *key, const char *id, const char *role)
{
    out_open(o, key, '{');
    out_cstr(o, "id", id);
    out_cstr(o, "role", role);
    out_close(o, '}');
}

static void customer_identifier(const struct customer *c, char out[96])
{
    if (c->unique_identifier[0] != '\0')
        must(text_set(out, 96, str_of(c->unique_identifier)));
    else
        unique_identifier_of(str_of(c->id), out);
}

static void shop_open_id(struct sim *s, const struct shop *shop, char out[ID_SIZE])
{
    const struct app *app = app_find(s->w, str_of(shop->client_key));
    const struct user *u = user_find(s->w, str_of(shop->user));
    if (shop->business_id[0] != '\0' || app == NULL || u == NULL)
        must(text_set(out, ID_SIZE, str_of(shop->business_id)));
    else
        open_id_of(app, u, out);
}

static void put_content(struct out *o, const struct shop *shop, const struct customer *c,
                        const struct message *m, const char *business_id)
{
    char who[96];
    customer_identifier(c, who);
    out_open(o, NULL, '{');
    if (c->eu) {
        out_cstr(o, "to", shop->username);
        put_party(o, "to_user", business_id, "business_account");
        out_int(o, "timestamp", m->at_ms);
        out_close(o, '}');
        return;
    }
    out_int(o, "timestamp", m->at_ms);
    out_cstr(o, "unique_identifier", who);
    put_party(o, "from_user", who, "personal_account");
    put_party(o, "to_user", business_id, "business_account");
    out_cstr(o, "from", c->username);
    out_cstr(o, "to", shop->username);
    out_cstr(o, "conversation_id", m->conversation);
    out_cstr(o, "message_id", m->id);
    out_int(o, "scene_type", 0);
    out_bool(o, "is_follower", c->follower);
    out_open(o, "message_tag", '{');
    out_cstr(o, "source", "APP");
    out_close(o, '}');
    out_cstr(o, "type", "text");
    out_open(o, "text", '{');
    out_cstr(o, "body", m->text);
    out_close(o, '}');
    out_close(o, '}');
}

/* Browsers send CR LF from a text area, TikTok's app a bare LF. */
static void text_lines(str text, char out[2048])
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (!(text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n'))
            out[n++] = text.p[i];
    out[n] = '\0';
}

/* Makes the message and its webhook; NULL: the text does not fit or the app is missing. */
static struct message *message_send(struct sim *s, const struct shop *shop, const struct customer *c,
                                    str text, const struct plan *plan)
{
    const struct app *app = app_find(s->w, str_of(shop->client_key));
    char business_id[ID_SIZE], who[96];
    uint64_t ids[8] = {0};
    if (app == NULL || text.n == 0 || text.n > 2000 || !utf8_valid(text) ||
        memchr(text.p, '\0', text.n) != NULL)
        return NULL;
    struct message *m = &s->w->messages[s->w->n_messages++ % MAX_MESSAGES];
    *m =
        (struct message){.shop = (unsigned)(shop - s->w->shops), .customer = (unsigned)(c - s->w->customers)};
    text_lines(text, m->text);
    m->at_ms = sim_now(s) + switch_int(&s->sw, SW_WEBHOOK_SKEW_S) * 1000;
    message_id_new(m->id);
    shop_open_id(s, shop, business_id);
    customer_identifier(c, who);
    conversation_id_of(str_of(business_id), str_of(who), m->conversation);
    struct buf content;
    struct out o;
    buf_init(&content, NULL, 65536);
    out_init(&o, &content, plan != NULL && plan->escape_set ? plan->escape : switch_on(&s->sw, SW_ESCAPE));
    put_content(&o, shop, c, m, business_id);
    struct event e = {.app = app,
                      .name = c->eu ? STR("im_receive_msg_eu") : STR("im_receive_msg"),
                      .user_openid = str_of(business_id),
                      .content = buf_str(&content),
                      .create_time_s = m->at_ms / 1000};
    const struct user *owner = user_find(s->w, str_of(shop->user));
    if (owner == NULL || messages_open(s, app, owner))
        webhook_emit(s, &e, plan, ids);
    m->delivery = ids[0]; /* 0: it waits among the account's requests, and no event tells of it */
    buf_release(&content);
    s->dirty = true;
    return m;
}

static enum delivery_state message_state(struct sim *s, const struct message *m)
{
    const struct delivery *d = delivery_find(s, m->delivery);
    if (m->delivery == 0)
        return DELIVERY_HELD;
    return d == NULL ? DELIVERY_DELIVERED : d->state;
}

static const char *message_state_name(enum delivery_state state)
{
    if (state == DELIVERY_HELD || state == DELIVERY_SENDING)
        return "waiting";
    return delivery_state_names[state];
}

static enum word message_word(enum delivery_state state)
{
    static const enum word all[DELIVERY_STATES] = {
        [DELIVERY_FREE] = W_ST_DELIVERED,    [DELIVERY_WAITING] = W_ST_WAITING,
        [DELIVERY_HELD] = W_ST_WAITING,      [DELIVERY_SENDING] = W_ST_WAITING,
        [DELIVERY_RETRYING] = W_ST_RETRYING, [DELIVERY_DELIVERED] = W_ST_DELIVERED,
        [DELIVERY_LOST] = W_ST_LOST,         [DELIVERY_DROPPED] = W_ST_DROPPED,
    };
    return all[state];
}

/* ---- the page ---- */

static void put_options(struct sheet *p, const char *name, enum word label, const char *chosen)
{
    struct world *w = p->s->w;
    bool shops = strcmp(name, "shop") == 0;
    size_t n = shops ? w->n_shops : w->n_customers;
    put_raw(p, "<label>");
    put_word(p, label);
    buf_fmt(p->b, "<select name=\"%s\">", name);
    for (size_t i = 0; i < n; i++) {
        const char *id = shops ? w->shops[i].id : w->customers[i].id;
        const char *shown = shops ? w->shops[i].display_name : w->customers[i].display_name;
        put_raw(p, "<option value=\"");
        put_text(p, str_of(id));
        put_raw(p, strcmp(id, chosen) == 0 ? "\" selected>" : "\">");
        put_text(p, str_of(shown[0] != '\0' ? shown : id));
        put_raw(p, "</option>");
    }
    put_raw(p, "</select></label>");
}

static void put_messages(struct sheet *p, const struct shop *shop, const struct customer *c)
{
    struct world *w = p->s->w;
    size_t used = w->n_messages < MAX_MESSAGES ? w->n_messages : MAX_MESSAGES, shown = 0;
    put_raw(p, "<ol class=\"chat\" data-sim=\"messages\" aria-live=\"polite\">");
    for (size_t back = used; back > 0; back--) {
        const struct message *m = &w->messages[(w->n_messages - back) % MAX_MESSAGES];
        if (&w->shops[m->shop] != shop || &w->customers[m->customer] != c || m->id[0] == '\0')
            continue;
        enum delivery_state state = message_state(p->s, m);
        put_raw(p, "<li data-sim=\"message\" data-message-id=\"");
        put_text(p, str_of(m->id));
        buf_fmt(p->b, "\" data-delivery=\"%s\"><p>", message_state_name(state));
        put_text(p, str_of(m->text));
        put_raw(p, "</p><span class=\"small\">");
        put_word(p, message_word(state));
        put_raw(p, "</span></li>");
        shown++;
    }
    if (shown == 0) {
        put_raw(p, "<li class=\"none\">");
        put_word(p, W_NO_MESSAGES);
        put_raw(p, "</li>");
    }
    put_raw(p, "</ol>");
}

static void put_phone(struct sheet *p, const struct shop *shop, const struct customer *c, bool refused)
{
    put_raw(p, "<form method=\"get\" action=\"/phone\" class=\"pick\">");
    put_options(p, "customer", W_CUSTOMER, c->id);
    put_options(p, "shop", W_SHOP, shop->id);
    put_raw(p, "<button class=\"plain\" data-sim=\"open\">");
    put_word(p, W_OPEN);
    put_raw(p, "</button></form><div class=\"phone\"><div class=\"phone-top\"><strong>");
    put_text(p, str_of(shop->display_name[0] != '\0' ? shop->display_name : shop->username));
    put_raw(p, "</strong><span class=\"small\">@");
    put_text(p, str_of(shop->username));
    put_raw(p, "</span></div>");
    put_messages(p, shop, c);
    if (refused) {
        put_raw(p, "<p class=\"warn\" role=\"alert\">");
        put_word(p, W_TOO_LONG);
        put_raw(p, "</p>");
    }
    put_raw(p, "<form method=\"post\" action=\"/phone/send\" class=\"write\">");
    put_hidden(p, "customer", str_of(c->id));
    put_hidden(p, "shop", str_of(shop->id));
    put_raw(p, "<label><span class=\"hidden\">");
    put_word(p, W_MESSAGE);
    put_raw(p, "</span><textarea name=\"text\" rows=\"2\" maxlength=\"2000\" required placeholder=\"");
    put_word(p, W_MESSAGE);
    put_raw(p, "\"></textarea></label><button data-sim=\"send\">");
    put_word(p, W_SEND);
    put_raw(p, "</button></form></div>");
}

/* The named shop and customer, else the first of each; false: there is none. */
static bool pick(struct sim *s, const struct form *f, struct shop **shop, struct customer **c)
{
    *shop = shop_find(s->w, form_get(f, "shop"));
    *c = customer_find(s->w, form_get(f, "customer"));
    if (*shop == NULL && s->w->n_shops > 0)
        *shop = &s->w->shops[0];
    if (*c == NULL && s->w->n_customers > 0)
        *c = &s->w->customers[0];
    return *shop != NULL && *c != NULL;
}

static void show(struct sim *s, const struct ask *q, struct reply *a, const struct form *f, bool refused)
{
    struct sheet p;
    struct shop *shop = NULL;
    struct customer *c = NULL;
    sheet_begin(&p, s, q, a);
    sheet_open(&p, W_PHONE_TITLE, false, "/sim/phone.js");
    put_raw(&p, "<h1>");
    put_word(&p, W_PHONE_TITLE);
    put_raw(&p, "</h1><p class=\"lead\">");
    put_word(&p, W_PHONE_TEXT);
    put_raw(&p, "</p>");
    if (pick(s, f, &shop, &c)) {
        put_phone(&p, shop, c, refused);
    } else {
        put_raw(&p, "<p>");
        put_word(&p, W_NO_SHOPS);
        put_raw(&p, "</p>");
    }
    sheet_end(&p);
}

void phone_page(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    if (f == NULL || !form_read(q->query, q->mem, f)) {
        reply_error(s, a, 400, "form", "The address is malformed.");
        return;
    }
    show(s, q, a, f, false);
}

void phone_send(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    if (f == NULL || !form_read(q->body, q->mem, f)) {
        reply_error(s, a, 400, "form", "The form is malformed.");
        return;
    }
    const struct shop *shop = shop_find(s->w, form_get(f, "shop"));
    const struct customer *c = customer_find(s->w, form_get(f, "customer"));
    if (shop == NULL || c == NULL) {
        reply_error(s, a, 400, "phone", "There is no such shop or customer.");
        return;
    }
    if (message_send(s, shop, c, str_trim(form_get(f, "text")), NULL) == NULL) {
        show(s, q, a, f, true);
        a->status = 400;
        return;
    }
    struct buf url;
    buf_init(&url, q->mem, 1024);
    buf_put(&url, STR("/phone?"));
    put_param(&url, true, "customer", str_of(c->id));
    put_param(&url, false, "shop", str_of(shop->id));
    reply_redirect(a, 303, buf_str(&url));
}

/* What the page polls: the messages with their state and its sentence. */
void phone_messages(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    struct shop *shop = NULL;
    struct customer *c = NULL;
    struct world *w = s->w;
    struct sheet p = {.s = s, .q = q, .a = a, .b = &a->body, .thai = sheet_thai(q)};
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_open(&o, "messages", '[');
    bool some = f != NULL && form_read(q->query, q->mem, f) && pick(s, f, &shop, &c);
    size_t used = w->n_messages < MAX_MESSAGES ? w->n_messages : MAX_MESSAGES;
    for (size_t back = some ? used : 0; back > 0; back--) {
        const struct message *m = &w->messages[(w->n_messages - back) % MAX_MESSAGES];
        if (&w->shops[m->shop] != shop || &w->customers[m->customer] != c || m->id[0] == '\0')
            continue;
        enum delivery_state state = message_state(s, m);
        out_open(&o, NULL, '{');
        out_cstr(&o, "message_id", m->id);
        out_cstr(&o, "conversation_id", m->conversation);
        out_cstr(&o, "text", m->text);
        out_int(&o, "at_ms", m->at_ms);
        out_cstr(&o, "delivery", message_state_name(state));
        out_cstr(&o, "words", word(&p, message_word(state)));
        out_close(&o, '}');
    }
    out_close(&o, ']');
    out_close(&o, '}');
    reply_header(a, "Cache-Control", STR("no-store"));
    reply_json(a, 200);
}

/* POST /control/messages {shop, customer, text, plan?} */
void control_message(struct sim *s, const struct ask *q, struct reply *a)
{
    const struct json *j = NULL;
    struct fault why = {.rc = RC_OK};
    struct plan plan = {.duplicates = 0};
    str shop_id = STR_NONE, customer_id = STR_NONE, text = STR_NONE;
    if (json_parse(q->body, NULL, q->mem, &j, &why) != RC_OK ||
        plan_read(json_get(j, "plan"), &plan, &why) != RC_OK) {
        reply_error(s, a, 400, "body", why.detail);
        return;
    }
    json_str(j, "shop", &shop_id);
    json_str(j, "customer", &customer_id);
    json_str(j, "text", &text);
    const struct shop *shop = shop_find(s->w, shop_id);
    const struct customer *c = customer_find(s->w, customer_id);
    const struct message *m = shop == NULL || c == NULL ? NULL : message_send(s, shop, c, text, &plan);
    if (m == NULL) {
        reply_error(s, a, 400, "message",
                    "No such shop or customer, or the text is not 1 to 2,000 bytes of UTF-8.");
        return;
    }
    struct out o;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_cstr(&o, "message_id", m->id);
    out_cstr(&o, "conversation_id", m->conversation);
    out_open(&o, "ids", '[');
    for (int64_t i = 0; i <= plan.duplicates; i++)
        out_int(&o, NULL, (int64_t)m->delivery + i);
    out_close(&o, ']');
    out_close(&o, '}');
    reply_json(a, 200);
}
