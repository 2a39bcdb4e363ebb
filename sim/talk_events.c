/* The events of conversations, field by field (messaging 3.3 to 3.6): seconds in the envelope,
 * milliseconds in the content, roles and types in lower case, a template's buttons nested in elements
 * with `text`. A customer of the EEA, CH or UK causes im_receive_msg_eu, which names nobody and carries
 * nothing.
 */
#include "account.h"
#include "talk.h"

enum { STICKER_LIFE_S = 30 * 86400 };

int64_t talk_now(const struct sim *s)
{
    return sim_now(s) + switch_int(&s->sw, SW_WEBHOOK_SKEW_S) * 1000;
}

void put_party(struct out *o, const char *key, const char *id, const char *role)
{
    out_open(o, key, '{');
    out_cstr(o, "id", id);
    out_cstr(o, "role", role);
    out_close(o, '}');
}

void embed_url(const struct message *m, char out[160])
{
    snprintf(out, 160,
             "https://www.tiktok.com/player/v1/%s?music_info=1&description=1&autoplay=1&loop=1"
             "&utm_campaign=tt4d_open_api&utm_source=dm",
             m->post);
}

void put_picture_url(struct sim *s, struct out *o, const char *key, const struct message *m)
{
    struct buf url;
    buf_init(&url, NULL, 2048);
    cdn_picture_url(s, m->content == CONTENT_EMOJI, str_of(m->picture), STICKER_LIFE_S, &url);
    out_str(o, key, buf_str(&url));
    buf_release(&url);
}

uint64_t event_emit(struct sim *s, const struct shop *shop, const char *name,
                    void (*fill)(struct sim *s, struct out *o, const void *arg), const void *arg,
                    const struct plan *plan_or_null)
{
    const struct app *app = app_find(s->w, str_of(shop->client_key));
    const struct user *owner = user_find(s->w, str_of(shop->user));
    char business_id[ID_SIZE];
    uint64_t ids[8] = {0};
    struct buf content;
    struct out o;
    if (app == NULL || (owner != NULL && !messages_open(s, app, owner) && strncmp(name, "im_", 3) == 0))
        return 0; /* it waits among the account's requests, and no event tells of it */
    shop_open_id(s, shop, business_id);
    buf_init(&content, NULL, WEBHOOK_MAX / 2);
    bool escape = plan_or_null != NULL && plan_or_null->escape_set ? plan_or_null->escape
                                                                   : switch_on(&s->sw, SW_ESCAPE);
    out_init(&o, &content, escape);
    out_open(&o, NULL, '{');
    fill(s, &o, arg);
    out_close(&o, '}');
    struct event e = {.app = app,
                      .name = str_of(name),
                      .user_openid = str_of(business_id),
                      .content = buf_str(&content),
                      .create_time_s = talk_now(s) / 1000};
    webhook_emit(s, &e, plan_or_null, ids);
    buf_release(&content);
    return ids[0];
}

/* ---- im_receive_msg, im_send_msg ---- */

static void put_people(struct sim *s, struct out *o, const struct thread *t, bool from_shop)
{
    const struct shop *shop = &s->w->shops[t->shop];
    const struct customer *c = &s->w->customers[t->customer];
    char who[96], business_id[ID_SIZE];
    customer_identifier(c, who);
    shop_open_id(s, shop, business_id);
    out_cstr(o, "unique_identifier", who);
    put_party(o, from_shop ? "to_user" : "from_user", who, "personal_account");
    put_party(o, from_shop ? "from_user" : "to_user", business_id, "business_account");
    out_cstr(o, "from", from_shop ? shop->username : c->username);
    out_cstr(o, "to", from_shop ? c->username : shop->username);
    out_cstr(o, "conversation_id", t->id);
}

static void put_card(struct out *o, const struct card *card)
{
    out_open(o, "template", '{');
    out_cstr(o, "type", card->link ? "qa_link_card" : "qa_button_card");
    out_open(o, "elements", '[');
    out_open(o, NULL, '{');
    out_cstr(o, "title", card->title);
    out_open(o, "buttons", '[');
    for (unsigned i = 0; i < card->n; i++) {
        out_open(o, NULL, '{');
        out_cstr(o, "text", card->buttons[i].title);
        out_cstr(o, "type", "REPLY");
        if (card->buttons[i].id[0] != '\0')
            out_cstr(o, "id", card->buttons[i].id);
        out_close(o, '}');
    }
    out_close(o, ']');
    out_close(o, '}');
    out_close(o, ']');
    out_close(o, '}');
}

static void put_payload(struct sim *s, struct out *o, const struct message *m)
{
    char url[160];
    if (m->content == CONTENT_TEMPLATE) {
        put_card(o, m->card);
        return;
    }
    out_open(o, content_names[m->content], '{');
    if (m->content == CONTENT_TEXT) {
        out_cstr(o, "body", m->text);
    } else if (m->content == CONTENT_SHARE_POST) {
        embed_url(m, url);
        out_cstr(o, "embed_url", url);
        out_cstr(o, "video_id", m->post);
    } else if (m->content == CONTENT_IMAGE || m->content == CONTENT_VIDEO) {
        out_cstr(o, "media_id", m->media);
    } else {
        put_picture_url(s, o, "url", m);
    }
    out_close(o, '}');
}

static void put_scene(struct sim *s, struct out *o, const struct thread *t, bool from_shop,
                      enum source source)
{
    if (switch_is(&s->sw, SW_EVENT_FIELDS, "few"))
        return;
    out_int(o, "scene_type", 0);
    if (!from_shop)
        out_bool(o, "is_follower", s->w->customers[t->customer].follower);
    out_open(o, "message_tag", '{');
    out_cstr(o, "source", source_names[source]);
    out_close(o, '}');
}

static void fill_eu(struct sim *s, struct out *o, const void *arg)
{
    const struct message *m = arg;
    const struct shop *shop = &s->w->shops[s->w->threads[m->thread].shop];
    char business_id[ID_SIZE];
    shop_open_id(s, shop, business_id);
    out_cstr(o, "to", shop->username);
    put_party(o, "to_user", business_id, "business_account");
    out_int(o, "timestamp", m->at_ms);
}

static void fill_message(struct sim *s, struct out *o, const void *arg)
{
    const struct message *m = arg;
    const struct thread *t = &s->w->threads[m->thread];
    out_int(o, "timestamp", m->at_ms);
    put_people(s, o, t, m->from_shop);
    out_cstr(o, "message_id", m->id);
    put_scene(s, o, t, m->from_shop, m->source);
    out_cstr(o, "type", content_names[m->content]);
    put_payload(s, o, m);
    if (m->quoted[0] != '\0') {
        out_open(o, "referenced_message_info", '{');
        out_cstr(o, "referenced_message_id", m->quoted);
        out_close(o, '}');
    }
    if (m->tapped[0] != '\0') {
        out_open(o, "reply_source_payload", '{');
        out_cstr(o, "reply_source_msg_id", m->tapped);
        out_cstr(o, "reply_source_unique_id", m->button);
        out_close(o, '}');
    }
    if (m->automatic != NULL)
        out_cstr(o, "auto_message_type", m->automatic);
}

uint64_t event_message(struct sim *s, const struct message *m, const struct plan *plan_or_null)
{
    const struct thread *t = &s->w->threads[m->thread];
    const struct shop *shop = &s->w->shops[t->shop];
    bool eu = s->w->customers[t->customer].eu;
    if (eu && m->from_shop)
        return 0;
    if (eu)
        return event_emit(s, shop, "im_receive_msg_eu", fill_eu, m, plan_or_null);
    return event_emit(s, shop, m->from_shop ? "im_send_msg" : "im_receive_msg", fill_message, m,
                      plan_or_null);
}

/* ---- reactions, read marks, referrals ---- */

static void fill_reaction(struct sim *s, struct out *o, const void *arg)
{
    const struct reaction_event *r = arg;
    const struct thread *t = &s->w->threads[r->of->thread];
    char who[96], id[ID_SIZE];
    customer_identifier(&s->w->customers[t->customer], who);
    message_id_new(id);
    out_int(o, "timestamp", r->at_ms);
    put_people(s, o, t, false);
    out_cstr(o, "message_id", id);
    put_scene(s, o, t, false, SOURCE_APP);
    out_cstr(o, "type", "reaction");
    out_open(o, "reaction", '[');
    out_open(o, NULL, '{');
    out_cstr(o, "operation", r->removed ? "REMOVE" : "ADD");
    out_cstr(o, "type", r->ai ? "AI_EMOJI" : "EMOJI");
    if (r->ai) {
        struct message like = {.content = CONTENT_STICKER, .picture = "ai"};
        put_picture_url(s, o, "ai_emoji_url", &like);
    } else {
        out_cstr(o, "emoji", r->emoji);
    }
    out_cstr(o, "unique_identifier", who);
    out_int(o, "timestamp", r->at_ms);
    out_cstr(o, "original_msg_id", r->of->id);
    out_close(o, '}');
    out_close(o, ']');
}

uint64_t event_reaction(struct sim *s, const struct reaction_event *r, const struct plan *plan_or_null)
{
    const struct thread *t = &s->w->threads[r->of->thread];
    return event_emit(s, &s->w->shops[t->shop], "im_receive_msg", fill_reaction, r, plan_or_null);
}

static void fill_read(struct sim *s, struct out *o, const void *arg)
{
    const struct thread *t = arg;
    put_people(s, o, t, false);
    out_int(o, "timestamp", talk_now(s));
    out_open(o, "read", '{');
    out_int(o, "last_read_timestamp", t->read_ms);
    out_close(o, '}');
}

uint64_t event_read(struct sim *s, struct thread *t, const struct plan *plan_or_null)
{
    return event_emit(s, &s->w->shops[t->shop], "im_mark_read_msg", fill_read, t, plan_or_null);
}

static void fill_referral(struct sim *s, struct out *o, const void *arg)
{
    const struct thread *t = arg;
    bool ad = strcmp(t->referral, "ad") == 0;
    put_people(s, o, t, false);
    out_int(o, "timestamp", t->referral_ms);
    out_bool(o, "is_follower", s->w->customers[t->customer].follower);
    out_open(o, "referral", '{');
    out_cstr(o, "source", ad ? "ad" : "short_link");
    out_open(o, ad ? "ad" : "short_link", '{');
    if (ad) {
        out_cstr(o, "advertiser_id", "7300000000000000789");
        out_cstr(o, "ad_id", "1800000000000001");
        out_int(o, "timestamp", t->referral_ms - 1000);
        out_cstr(o, "ad_name", t->ref);
        out_cstr(o, "embed_url", "https://www.tiktok.com/player/v1/7500000000001000010");
        out_cstr(o, "message_material_id", "sim_material_1");
    } else {
        out_cstr(o, "ref", t->ref);
        out_cstr(o, "prefilled_message", "");
        out_cstr(o, "prefilled_message_audit_status", "PASS");
    }
    out_close(o, '}');
    out_close(o, '}');
}

uint64_t event_referral(struct sim *s, struct thread *t, const struct plan *plan_or_null)
{
    return event_emit(s, &s->w->shops[t->shop], "im_referral_msg", fill_referral, t, plan_or_null);
}
