/* See hooks.h. App-level: one callback for all accounts, no token, the app's id and secret instead. The
 * secret of the list call stands in the query, as TikTok wants it. item_list belongs to COMMENT, and only
 * grows.
 */
#include "hooks.h"
#include "v13.h"

const char *const hook_names[HOOK_KINDS] = {[HOOK_DIRECT_MESSAGE] = "DIRECT_MESSAGE",
                                            [HOOK_COMMENT] = "COMMENT",
                                            [HOOK_VIDEO] = "VIDEO",
                                            [HOOK_BRAND_MENTION] = "BRAND_MENTION"};
static const struct {
    const char *head; /* events that begin so */
    enum hook_kind kind;
} events[] = {
    {"im_", HOOK_DIRECT_MESSAGE},
    {"comment.", HOOK_COMMENT},
    {"post.", HOOK_VIDEO},
    {"video.", HOOK_VIDEO},
    {"brand.mention", HOOK_BRAND_MENTION},
};

const char *hook_url(const struct sim *s, const struct app *a, const char *event)
{
    for (size_t i = 0; a->portal == PORTAL_BUSINESS && i < COUNT_OF(events); i++) {
        if (!str_starts(str_of(event), str_of(events[i].head)))
            continue;
        const char *url = a->hooks[events[i].kind].url;
        return url[0] == '\0' && switch_is(&s->sw, SW_WEBHOOK_UNSET, "portal") ? a->webhook_url : url;
    }
    return a->webhook_url;
}

static bool kind_of(str name, enum hook_kind *out)
{
    for (size_t i = 0; i < HOOK_KINDS; i++) {
        if (str_eq(str_of(hook_names[i]), name)) {
            *out = (enum hook_kind)i;
            return true;
        }
    }
    return false;
}

/* TikTok takes https addresses; the simulator also http on this machine, where it can deliver. */
static bool url_good(str url)
{
    static const char *const heads[] = {"https://",
                                        "http://127.0.0.1:", "http://localhost:", "http://[::1]:"};
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == '"')
            return false;
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        if (str_starts(url, str_of(heads[i])) && url.n > strlen(heads[i]))
            return url.n < URI_SIZE;
    return false;
}

static bool item_add(struct hook *h, str id)
{
    for (unsigned i = 0; i < h->n_items; i++)
        if (str_eq(str_of(h->items[i]), id))
            return true;
    if (h->n_items == COUNT_OF(h->items) || !TEXT_SET(h->items[h->n_items], id))
        return false;
    h->n_items++;
    return true;
}

static bool items_add(struct hook *h, const struct json *list)
{
    if (list->type != JSON_ARR)
        return false;
    for (const struct json *x = list->child; x != NULL; x = x->next)
        if (x->type != JSON_STR || x->s.n == 0 || !item_add(h, x->s))
            return false;
    return true;
}

/* The app and the category of a call; false: answered. */
static bool begin(struct v13 *c, struct app **app, enum hook_kind *kind)
{
    if (!v13_needs(c, "app_id|secret|event_type"))
        return false;
    *app = v13_app(c, PORTAL_BUSINESS, "app_id", "secret", "40113");
    if (*app == NULL)
        return false;
    if (kind_of(v13_text(c, "event_type"), kind))
        return true;
    v13_refuse(c, "40002", "event_type: must be DIRECT_MESSAGE, COMMENT, VIDEO or BRAND_MENTION.");
    return false;
}

static void answer(struct v13 *c, const struct app *app, enum hook_kind kind)
{
    const struct hook *h = &app->hooks[kind];
    struct out *o = v13_open(c);
    out_cstr(o, "app_id", app->client_key);
    out_cstr(o, "event_type", hook_names[kind]);
    if (h->url[0] != '\0')
        out_cstr(o, "callback_url", h->url);
    if (h->n_items > 0) {
        out_open(o, "item_list", '[');
        for (unsigned i = 0; i < h->n_items; i++)
            out_cstr(o, NULL, h->items[i]);
        out_close(o, ']');
    }
    v13_close(c);
}

void hook_update(struct v13 *c)
{
    struct app *app;
    enum hook_kind kind;
    const struct json *list = json_get(c->body, "item_list");
    if (!begin(c, &app, &kind) || !v13_needs(c, "callback_url"))
        return;
    str url = v13_text(c, "callback_url");
    struct hook *h = &app->hooks[kind], *next = arena_new(c->q->mem, struct hook);
    if (next == NULL) {
        v13_refuse(c, "50000", "System error.");
        return;
    }
    *next = *h;
    if (!url_good(url))
        v13_refuse(c, "40002", "callback_url: must be an https address.");
    else if (list != NULL && (kind != HOOK_COMMENT || !items_add(next, list)))
        v13_refuse(c, "40002", "item_list: up to 100 ids of posts, of COMMENT only.");
    else {
        must(TEXT_SET(next->url, url));
        *h = *next;
        c->s->dirty = true;
        answer(c, app, kind);
    }
}

void hook_list(struct v13 *c)
{
    struct app *app;
    enum hook_kind kind;
    if (begin(c, &app, &kind))
        answer(c, app, kind);
}

void hook_delete(struct v13 *c)
{
    struct app *app;
    enum hook_kind kind;
    if (!begin(c, &app, &kind))
        return;
    app->hooks[kind] = (struct hook){.n_items = 0};
    c->s->dirty = true;
    answer(c, app, kind);
}

/* ---- rows of scenario, control and snapshot ---- */

bool hooks_read(const struct json *m, struct app *a)
{
    if (m->type != JSON_OBJ)
        return false;
    memset(a->hooks, 0, sizeof a->hooks);
    for (const struct json *x = m->child; x != NULL; x = x->next) {
        enum hook_kind kind;
        str url = STR_NONE;
        const struct json *items = json_get(x, "items");
        if (!kind_of(x->key, &kind) || !json_str(x, "url", &url) || !url_good(url) ||
            (items != NULL && !items_add(&a->hooks[kind], items)))
            return false;
        must(TEXT_SET(a->hooks[kind].url, url));
    }
    return true;
}

void hooks_write(const struct app *a, struct out *o)
{
    out_open(o, "webhooks", '{');
    for (size_t i = 0; i < HOOK_KINDS; i++) {
        const struct hook *h = &a->hooks[i];
        if (h->url[0] == '\0')
            continue;
        out_open(o, hook_names[i], '{');
        out_cstr(o, "url", h->url);
        out_open(o, "items", '[');
        for (unsigned k = 0; k < h->n_items; k++)
            out_cstr(o, NULL, h->items[k]);
        out_close(o, ']');
        out_close(o, '}');
    }
    out_close(o, '}');
}
