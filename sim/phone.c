/* The customer's phone: the page where a person writes to a shop, its form and its live part. What is written
 * becomes rows and events in phone_write.c; opening the page reads what is there (im_mark_read_msg).
 */
#include "phone.h"
#include "handlers.h"
#include "multipart.h"

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

static void put_kind(struct sheet *p, const char *kind, enum word label)
{
    buf_fmt(p->b, "<button class=\"plain\" data-sim=\"send-%s\" name=\"kind\" value=\"%s\" formnovalidate>",
            kind, kind);
    put_word(p, label);
    put_raw(p, "</button>");
}

static void put_write(struct sheet *p, const struct shop *shop, const struct customer *c, str quote)
{
    put_raw(p,
            "<form method=\"post\" action=\"/phone/send\" class=\"write\" enctype=\"multipart/form-data\">");
    put_who(p, shop, c);
    if (quote.n > 0) {
        put_raw(p, "<p class=\"small wide\" data-sim=\"quoting\">");
        put_word(p, W_QUOTING);
        put_raw(p, "</p>");
        put_hidden(p, "quoted", quote);
    }
    put_raw(p, "<label><span class=\"hidden\">");
    put_word(p, W_MESSAGE);
    put_raw(p, "</span><textarea name=\"text\" rows=\"2\" maxlength=\"2000\" required placeholder=\"");
    put_word(p, W_MESSAGE);
    put_raw(p, "\"></textarea></label><button data-sim=\"send\">");
    put_word(p, W_SEND);
    put_raw(p, "</button><details class=\"wide\"><summary data-sim=\"more\">");
    put_word(p, W_MORE);
    put_raw(p, "</summary><div class=\"kinds\">");
    put_kind(p, "sticker", W_STICKER);
    put_kind(p, "emoji", W_EMOJI);
    put_kind(p, "video", W_VIDEO);
    put_kind(p, "share_post", W_POST);
    put_kind(p, "image", W_IMAGE);
    put_raw(p, "<label class=\"small\">");
    put_word(p, W_FILE);
    put_raw(p, "<input type=\"file\" name=\"file\" accept=\"image/png,image/jpeg\"></label>");
    put_raw(p, "</div></details></form>");
}

static void put_comment_form(struct sheet *p, const struct shop *shop, const struct customer *c)
{
    put_raw(p, "<form method=\"post\" action=\"/phone/comment\" class=\"write\">");
    put_who(p, shop, c);
    put_raw(p, "<label><span class=\"hidden\">");
    put_word(p, W_COMMENT);
    put_raw(p, "</span><input type=\"text\" name=\"text\" maxlength=\"150\" required placeholder=\"");
    put_word(p, W_COMMENT);
    put_raw(p, "\"></label><button class=\"plain\" data-sim=\"comment-send\">");
    put_word(p, W_SEND);
    put_raw(p, "</button><label class=\"small wide\"><input type=\"checkbox\" name=\"intent\" value=\"1\"> ");
    put_word(p, W_INTENT);
    put_raw(p, "</label></form>");
}

/* What the script asks for again and again. */
static void put_live(struct sheet *p, const struct shop *shop, const struct customer *c)
{
    put_raw(p, "<div data-sim=\"live\">");
    put_conversation(p, thread_make(p->s, shop, c));
    put_raw(p, "</div>");
}

static void put_live_comments(struct sheet *p, const struct shop *shop, const struct customer *c)
{
    put_raw(p, "<div data-sim=\"live-comments\">");
    put_comments(p, shop, c);
    put_raw(p, "</div>");
}

static void put_phone(struct sheet *p, const struct shop *shop, const struct customer *c, str quote,
                      bool refused)
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
    put_live(p, shop, c);
    if (refused) {
        put_raw(p, "<p class=\"warn\" role=\"alert\">");
        put_word(p, W_TOO_LONG);
        put_raw(p, "</p>");
    }
    put_write(p, shop, c, quote);
    put_raw(p, "</div><section class=\"phone\"><div class=\"phone-top\"><strong>");
    put_word(p, W_COMMENTS);
    put_raw(p, "</strong></div>");
    put_live_comments(p, shop, c);
    put_comment_form(p, shop, c);
    put_raw(p, "</section>");
}

bool phone_pick(struct sim *s, const struct form *f, struct shop **shop, struct customer **c)
{
    *shop = shop_find(s->w, form_get(f, "shop"));
    *c = customer_find(s->w, form_get(f, "customer"));
    if (*shop == NULL && s->w->n_shops > 0)
        *shop = &s->w->shops[0];
    if (*c == NULL && s->w->n_customers > 0)
        *c = &s->w->customers[0];
    return *shop != NULL && *c != NULL;
}

static void reads(struct sim *s, const struct shop *shop, const struct customer *c)
{
    if (switch_on(&s->sw, SW_READ_MARKS))
        talk_read(s, thread_make(s, shop, c), NULL);
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
    if (phone_pick(s, f, &shop, &c)) {
        reads(s, shop, c);
        put_phone(&p, shop, c, form_get(f, "quote"), refused);
    } else {
        put_raw(&p, "<p>");
        put_word(&p, W_NO_SHOPS);
        put_raw(&p, "</p>");
    }
    sheet_end(&p);
}

static struct form *query_of(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    if (f != NULL && form_read(q->query, q->mem, f))
        return f;
    reply_error(s, a, 400, "form", "The address is malformed.");
    return NULL;
}

void phone_page(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = query_of(s, q, a);
    if (f != NULL)
        show(s, q, a, f, false);
}

/* The live part alone; `part=comments`: the comments. A visible page reads what it shows. */
void phone_live(struct sim *s, const struct ask *q, struct reply *a)
{
    struct sheet p;
    struct shop *shop = NULL;
    struct customer *c = NULL;
    struct form *f = query_of(s, q, a);
    if (f == NULL)
        return;
    sheet_begin(&p, s, q, a);
    reply_header(a, "Cache-Control", STR("no-store"));
    if (!phone_pick(s, f, &shop, &c))
        return;
    if (form_get(f, "read").n > 0)
        reads(s, shop, c);
    if (str_eq(form_get(f, "part"), STR("comments")))
        put_live_comments(&p, shop, c);
    else
        put_live(&p, shop, c);
}

/* A picture of the conversation: a phone needs no x-user. */
void phone_media(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = query_of(s, q, a);
    int64_t n = 0;
    if (f == NULL)
        return;
    const struct media *m =
        str_to_i64(form_get(f, "n"), &n) && n > 0 ? &s->w->media[(size_t)(n - 1) % MAX_MEDIA] : NULL;
    if (m == NULL || m->n != (uint64_t)n || m->video) {
        reply_error(s, a, 404, "media", "404 page not found");
        return;
    }
    a->type = m->type;
    buf_put(&a->body, (str){m->bytes, m->size});
    reply_header(a, "Cache-Control", STR("max-age=600"));
}

void phone_back(struct reply *a, const struct shop *shop, const struct customer *c)
{
    struct buf url;
    buf_init(&url, a->body.mem, 1024);
    buf_put(&url, STR("/phone?"));
    put_param(&url, true, "customer", str_of(c->id));
    put_param(&url, false, "shop", str_of(shop->id));
    reply_redirect(a, 303, buf_str(&url));
}

/* An own picture of the form becomes the media that is sent. */
static str upload_kept(struct sim *s, const struct shop *shop, const struct upload *up)
{
    const struct user *u = user_find(s->w, str_of(shop->user));
    const char *type = picture_type(up->file);
    if (up->file.n == 0 || u == NULL || type == NULL)
        return STR_NONE;
    struct media like = {.user = user_index(s->w, u), .inbound = true, .type = type};
    return str_of(media_add(s, &like, up->file)->id);
}

void phone_send(struct sim *s, const struct ask *q, struct reply *a)
{
    struct upload *up = arena_new(q->mem, struct upload);
    char kind[24] = "text";
    uint64_t delivery;
    const char *why;
    bool parts = str_starts(q->content_type, STR("multipart/"));
    if (up == NULL || !(parts ? multipart_read(q->content_type, q->body, q->mem, up)
                              : form_read(q->body, q->mem, &up->fields))) {
        reply_error(s, a, 400, "form", "The form is malformed.");
        return;
    }
    const struct form *f = &up->fields;
    const struct shop *shop = shop_find(s->w, form_get(f, "shop"));
    const struct customer *c = customer_find(s->w, form_get(f, "customer"));
    bool named = form_get(f, "kind").n == 0 || TEXT_SET(kind, form_get(f, "kind"));
    if (shop == NULL || c == NULL || !named || app_find(s->w, str_of(shop->client_key)) == NULL) {
        reply_error(s, a, 400, "phone", "There is no such shop or customer.");
        return;
    }
    struct written w = {.kind = kind,
                        .text = str_trim(form_get(f, "text")),
                        .quoted = form_get(f, "quoted"),
                        .message = form_get(f, "message"),
                        .button = form_get(f, "button"),
                        .remove = form_get(f, "remove").n > 0};
    if (strcmp(kind, "image") == 0)
        w.picture = upload_kept(s, shop, up);
    if (talk_write(s, thread_make(s, shop, c), &w, NULL, &delivery, &why) == NULL) {
        show(s, q, a, f, true);
        a->status = 400;
        return;
    }
    phone_back(a, shop, c);
}

/* The messages as JSON, for tests. */
void phone_messages(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = query_of(s, q, a);
    struct shop *shop = NULL;
    struct customer *c = NULL;
    const struct message *rows[SHOWN_MAX];
    struct sheet p = {.s = s, .q = q, .a = a, .b = &a->body, .thai = sheet_thai(q)};
    size_t n = 0;
    struct out o;
    if (f == NULL)
        return;
    out_init(&o, &a->body, false);
    out_open(&o, NULL, '{');
    out_open(&o, "messages", '[');
    const struct thread *t = phone_pick(s, f, &shop, &c) ? thread_make(s, shop, c) : NULL;
    for (const struct message *m = t == NULL ? NULL : message_newest(s, t); m != NULL && n < SHOWN_MAX;
         m = message_before(s, m))
        rows[n++] = m;
    while (n > 0) {
        const struct message *m = rows[--n];
        enum delivery_state state = message_state(s, m);
        out_open(&o, NULL, '{');
        out_cstr(&o, "message_id", m->id);
        out_cstr(&o, "conversation_id", t->id);
        out_cstr(&o, "from", m->from_shop ? "shop" : "customer");
        out_cstr(&o, "type", content_names[m->content]);
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
