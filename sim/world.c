/* Rows of the scenario, the control API and the snapshot: the same JSON in all three, read and written here
 * by member tables. A row that names an existing id changes only the members it carries. Unknown members are
 * refused, so that a misspelled one does not look like a working test.
 */
#include "files.h"
#include "account.h"
#include "authorize.h"
#include "hooks.h"
#include "members.h"

static const char *const portals[] = {
    [PORTAL_LOGIN] = "login", [PORTAL_BUSINESS] = "business", [PORTAL_ADS] = "ads"};
static const char *const app_states[] = {
    [APP_DRAFT] = "draft", [APP_IN_REVIEW] = "in_review", [APP_LIVE] = "live", [APP_SANDBOX] = "sandbox"};
static const char *const person_states[] = {[PERSON_ACTIVE] = "active",
                                            [PERSON_DELETED] = "deleted",
                                            [PERSON_UNDER_AGE] = "under_age",
                                            [PERSON_BANNED] = "banned"};
static const char *const uri_kinds[] = {
    [URI_WEB] = "web", [URI_DESKTOP] = "desktop", [URI_MOBILE] = "mobile"};

static bool name_in(const char *const *names, size_t n, const struct json *m, unsigned *out)
{
    for (size_t i = 0; i < n; i++) {
        if (m->type == JSON_STR && str_eq(str_of(names[i]), m->s)) {
            *out = (unsigned)i;
            return true;
        }
    }
    return false;
}

static const struct member app_members[] = {
    MEMBER_TEXT(struct app, "client_key", client_key),
    MEMBER_TEXT(struct app, "client_secret", secret),
    MEMBER_TEXT(struct app, "old_client_secret", old_secret),
    MEMBER_TEXT(struct app, "name", name),
    MEMBER_TEXT(struct app, "organization", organization),
    MEMBER_TEXT(struct app, "webhook_url", webhook_url),
    MEMBER_TEXT(struct app, "messaging", messaging),
    MEMBER_BOOL(struct app, "us_approved", us_approved),
};
static const struct member user_members[] = {
    MEMBER_TEXT(struct user, "id", id),
    MEMBER_TEXT(struct user, "display_name", display_name),
    MEMBER_TEXT(struct user, "username", username),
    MEMBER_TEXT(struct user, "bio", bio),
    MEMBER_TEXT(struct user, "union_id", union_id),
    MEMBER_TEXT(struct user, "region", region),
    MEMBER_TEXT(struct user, "account_type", account_type),
    MEMBER_TEXT(struct user, "message_permission", message_permission),
    MEMBER_BOOL(struct user, "verified", verified),
    MEMBER_INT(struct user, "followers", followers),
    MEMBER_INT(struct user, "following", following),
    MEMBER_INT(struct user, "likes", likes),
    MEMBER_INT(struct user, "videos", videos),
};
static const struct member shop_members[] = {
    MEMBER_TEXT(struct shop, "id", id),
    MEMBER_TEXT(struct shop, "client_key", client_key),
    MEMBER_TEXT(struct shop, "user", user),
    MEMBER_TEXT(struct shop, "business_id", business_id),
    MEMBER_TEXT(struct shop, "username", username),
    MEMBER_TEXT(struct shop, "display_name", display_name),
};
static const struct member customer_members[] = {
    MEMBER_TEXT(struct customer, "id", id),
    MEMBER_TEXT(struct customer, "username", username),
    MEMBER_TEXT(struct customer, "display_name", display_name),
    MEMBER_TEXT(struct customer, "unique_identifier", unique_identifier),
    MEMBER_BOOL(struct customer, "follower", follower),
    MEMBER_BOOL(struct customer, "eu", eu),
    MEMBER_BOOL(struct customer, "blocks", blocks),
    MEMBER_BOOL(struct customer, "no_images", no_images),
};

static const struct member advertiser_members[] = {
    MEMBER_TEXT(struct advertiser, "id", id),
    MEMBER_TEXT(struct advertiser, "name", name),
    MEMBER_TEXT(struct advertiser, "user", user),
};

/* One of "a|b|c", or empty. */
static bool choice(const char *text, const char *choices)
{
    str rest = str_of(choices), one = STR_NONE;
    while (str_cut(&rest, '|', &one))
        if (str_eq(one, str_of(text)))
            return true;
    return text[0] == '\0';
}

/* ---- apps ---- */

static bool read_uris(const struct json *lists, struct app *a)
{
    if (lists->type != JSON_OBJ)
        return false;
    for (const struct json *list = lists->child; list != NULL; list = list->next) {
        unsigned kind, n = 0;
        struct json name = {.type = JSON_STR, .s = list->key};
        if (!name_in(uri_kinds, COUNT_OF(uri_kinds), &name, &kind) || list->type != JSON_ARR ||
            list->count > MAX_URIS)
            return false;
        for (const struct json *x = list->child; x != NULL; x = x->next, n++)
            if (x->type != JSON_STR || !uri_allowed((enum uri_kind)kind, x->s) ||
                !TEXT_SET(a->uris[kind][n], x->s))
                return false;
        a->n_uris[kind] = n;
    }
    return true;
}

static bool read_targets(const struct json *list, struct app *a)
{
    unsigned n = 0;
    if (list->type != JSON_ARR || list->count > MAX_URIS)
        return false;
    for (const struct json *x = list->child; x != NULL; x = x->next, n++)
        if (x->type != JSON_STR || !TEXT_SET(a->targets[n], x->s))
            return false;
    a->n_targets = n;
    return true;
}

static bool read_secret_file(const struct json *m, const char *folder, struct app *a)
{
    char path[1024];
    str text;
    if (m->type != JSON_STR || m->s.n == 0 || m->s.n > 500)
        return false;
    bool absolute = m->s.p[0] == '/';
    snprintf(path, sizeof path, "%s%s" STR_FMT, absolute ? "" : folder, absolute ? "" : "/", STR_ARG(m->s));
    struct arena *mem = arena_open(16384);
    bool good = file_read(path, 1024, mem, &text, NULL) == RC_OK;
    while (good && text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    good = good && text.n > 0 && TEXT_SET(a->secret, text);
    arena_close(&mem);
    return good;
}

/* Webhooks go to this machine only: a name that could be elsewhere is refused when the app is made. */
static bool url_local(str url)
{
    static const char *const heads[] = {"http://127.0.0.1:",  "http://localhost:",  "http://[::1]:",
                                        "https://127.0.0.1:", "https://localhost:", "https://[::1]:"};
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        if (str_starts(url, str_of(heads[i])))
            return true;
    return url.n == 0;
}

static bool app_special(const struct json *m, const char *folder, struct app *a)
{
    unsigned n;
    if (str_eq(m->key, STR("portal")) && name_in(portals, COUNT_OF(portals), m, &n)) {
        a->portal = (enum portal)n;
        return true;
    }
    if (str_eq(m->key, STR("state")) && name_in(app_states, COUNT_OF(app_states), m, &n)) {
        a->state = (enum app_state)n;
        return true;
    }
    if (str_eq(m->key, STR("scopes")))
        return m->type == JSON_STR && (m->s.n == 0 || scopes_parse(m->s, &a->scopes));
    if (str_eq(m->key, STR("permissions")))
        return m->type == JSON_STR && (m->s.n == 0 || permissions_parse(m->s, &a->scopes));
    if (str_eq(m->key, STR("webhooks")))
        return hooks_read(m, a);
    if (str_eq(m->key, STR("redirect_uris")))
        return read_uris(m, a);
    if (str_eq(m->key, STR("target_users")))
        return read_targets(m, a);
    return str_eq(m->key, STR("client_secret_file")) && read_secret_file(m, folder, a);
}

static enum rc bad(const struct json *m, const char *list, struct fault *why)
{
    return fault_set(why, RC_INVALID, "sim.row", "%s: bad member " STR_FMT, list,
                     STR_ARG(str_sub(m->key, 0, 60)));
}

static enum rc put_app(struct sim *s, const struct json *row, const char *folder, struct fault *why)
{
    str key = STR_NONE;
    struct world *w = s->w;
    if (!json_str(row, "client_key", &key) || key.n == 0)
        return fault_set(why, RC_INVALID, "sim.row", "apps: client_key is required");
    struct app *have = app_find(w, key), *next = mem_new(sizeof *next);
    *next = have != NULL ? *have : (struct app){.state = APP_LIVE};
    enum rc rc = RC_OK;
    for (const struct json *m = row->child; m != NULL && rc == RC_OK; m = m->next)
        if (!member_read(app_members, COUNT_OF(app_members), m, next) && !app_special(m, folder, next))
            rc = bad(m, "apps", why);
    if (rc == RC_OK && !url_local(str_of(next->webhook_url)))
        rc =
            fault_set(why, RC_INVALID, "sim.row", "apps: webhook_url must be a loopback address with a port");
    if (rc == RC_OK && !choice(next->messaging, "approved|pending"))
        rc = fault_set(why, RC_INVALID, "sim.row", "apps: messaging is approved or pending");
    if (rc == RC_OK && next->secret[0] == '\0')
        rc = fault_set(why, RC_INVALID, "sim.row", "apps: client_secret or client_secret_file is required");
    if (rc == RC_OK && have == NULL && w->n_apps == MAX_APPS)
        rc = fault_set(why, RC_FULL, "sim.row", "at most %d apps", MAX_APPS);
    if (rc == RC_OK)
        *(have != NULL ? have : &w->apps[w->n_apps++]) = *next;
    mem_free(next);
    return rc;
}

/* ---- users, shops, customers ---- */

static bool user_special(const struct json *m, struct user *u)
{
    unsigned n;
    if (str_eq(m->key, STR("state")) && name_in(person_states, COUNT_OF(person_states), m, &n)) {
        u->state = (enum person_state)n;
        return true;
    }
    if (!str_eq(m->key, STR("open_ids")) || m->type != JSON_OBJ || m->count > COUNT_OF(u->own))
        return false;
    u->n_own = 0;
    for (const struct json *x = m->child; x != NULL; x = x->next, u->n_own++)
        if (x->type != JSON_STR || !TEXT_SET(u->own[u->n_own].client_key, x->key) ||
            !TEXT_SET(u->own[u->n_own].open_id, x->s))
            return false;
    return true;
}

/* Ids of people stand in cookies, addresses and file names: letters, digits, '-', '_' and '.' only. */
static bool id_plain(str id)
{
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
              c == '_' || c == '.'))
            return false;
    }
    return id.n > 0 && id.n < 64;
}

static enum rc put_user(struct sim *s, const struct json *row, const char *folder, struct fault *why)
{
    str id = STR_NONE;
    (void)folder;
    if (!json_str(row, "id", &id) || !id_plain(id))
        return fault_set(why, RC_INVALID, "sim.row", "users: id is required, of letters, digits and -_.");
    struct user *have = user_find(s->w, id), next = {.state = PERSON_ACTIVE, .region = "TH"};
    if (have != NULL)
        next = *have;
    for (const struct json *m = row->child; m != NULL; m = m->next)
        if (!member_read(user_members, COUNT_OF(user_members), m, &next) && !user_special(m, &next))
            return bad(m, "users", why);
    if (next.videos < 0 || next.videos > 1000)
        return fault_set(why, RC_INVALID, "sim.row", "users: videos 0 to 1000");
    if (!region_known(str_of(next.region)) || !choice(next.account_type, "business|personal") ||
        !choice(next.message_permission, "everyone|requests|nobody"))
        return fault_set(why, RC_INVALID, "sim.row", "users: bad region, account_type or message_permission");
    if (have == NULL)
        have = user_make(s->w, id);
    if (have == NULL)
        return fault_set(why, RC_FULL, "sim.row", "at most %d users", MAX_USERS);
    *have = next;
    return RC_OK;
}

static enum rc put_advertiser(struct sim *s, const struct json *row, const char *folder, struct fault *why)
{
    str id = STR_NONE;
    (void)folder;
    if (!json_str(row, "id", &id) || !id_plain(id))
        return fault_set(why, RC_INVALID, "sim.row", "advertisers: id is required, of digits");
    struct advertiser *have = advertiser_find(s->w, id), next = {.id = ""};
    if (have != NULL)
        next = *have;
    for (const struct json *m = row->child; m != NULL; m = m->next)
        if (!member_read(advertiser_members, COUNT_OF(advertiser_members), m, &next))
            return bad(m, "advertisers", why);
    if (have == NULL && s->w->n_advertisers == MAX_ADVERTISERS)
        return fault_set(why, RC_FULL, "sim.row", "at most %d advertisers", MAX_ADVERTISERS);
    *(have != NULL ? have : &s->w->advertisers[s->w->n_advertisers++]) = next;
    return RC_OK;
}

static enum rc put_shop(struct sim *s, const struct json *row, const char *folder, struct fault *why)
{
    str id = STR_NONE;
    (void)folder;
    if (!json_str(row, "id", &id) || !id_plain(id))
        return fault_set(why, RC_INVALID, "sim.row", "shops: id is required, of letters, digits and -_.");
    struct shop *have = shop_find(s->w, id), next = {.id = ""};
    if (have != NULL)
        next = *have;
    for (const struct json *m = row->child; m != NULL; m = m->next)
        if (!member_read(shop_members, COUNT_OF(shop_members), m, &next))
            return bad(m, "shops", why);
    if (have == NULL && s->w->n_shops == MAX_SHOPS)
        return fault_set(why, RC_FULL, "sim.row", "at most %d shops", MAX_SHOPS);
    *(have != NULL ? have : &s->w->shops[s->w->n_shops++]) = next;
    return RC_OK;
}

static enum rc put_customer(struct sim *s, const struct json *row, const char *folder, struct fault *why)
{
    str id = STR_NONE;
    (void)folder;
    if (!json_str(row, "id", &id) || !id_plain(id))
        return fault_set(why, RC_INVALID, "sim.row", "customers: id is required, of letters, digits and -_.");
    struct customer *have = customer_find(s->w, id), next = {.id = ""};
    if (have != NULL)
        next = *have;
    for (const struct json *m = row->child; m != NULL; m = m->next)
        if (!member_read(customer_members, COUNT_OF(customer_members), m, &next))
            return bad(m, "customers", why);
    if (have == NULL && s->w->n_customers == MAX_CUSTOMERS)
        return fault_set(why, RC_FULL, "sim.row", "at most %d customers", MAX_CUSTOMERS);
    *(have != NULL ? have : &s->w->customers[s->w->n_customers++]) = next;
    return RC_OK;
}

/* ---- writing ---- */

static void write_app(struct out *o, const struct app *a)
{
    struct buf scopes;
    members_write(app_members, COUNT_OF(app_members), a, o);
    out_cstr(o, "portal", portals[a->portal]);
    out_cstr(o, "state", app_states[a->state]);
    buf_init(&scopes, NULL, 1024);
    rights_put(a, &scopes, a->scopes);
    out_str(o, a->portal == PORTAL_ADS ? "permissions" : "scopes", buf_str(&scopes));
    buf_release(&scopes);
    hooks_write(a, o);
    out_open(o, "redirect_uris", '{');
    for (size_t k = 0; k < URI_KINDS; k++) {
        out_open(o, uri_kinds[k], '[');
        for (unsigned i = 0; i < a->n_uris[k]; i++)
            out_cstr(o, NULL, a->uris[k][i]);
        out_close(o, ']');
    }
    out_close(o, '}');
    out_open(o, "target_users", '[');
    for (unsigned i = 0; i < a->n_targets; i++)
        out_cstr(o, NULL, a->targets[i]);
    out_close(o, ']');
}

static void write_user(struct sim *s, struct out *o, const struct user *u, bool derived)
{
    char id[ID_SIZE];
    members_write(user_members, derived ? 4 : COUNT_OF(user_members), u, o);
    if (derived)
        members_write(user_members + 5, COUNT_OF(user_members) - 5, u, o);
    out_cstr(o, "state", person_states[u->state]);
    out_open(o, "open_ids", '{');
    for (unsigned i = 0; !derived && i < u->n_own; i++)
        out_cstr(o, u->own[i].client_key, u->own[i].open_id);
    for (size_t i = 0; derived && i < s->w->n_apps; i++) {
        open_id_of(&s->w->apps[i], u, id);
        out_cstr(o, s->w->apps[i].client_key, id);
    }
    out_close(o, '}');
    if (!derived)
        return;
    out_open(o, "union_ids", '{');
    for (size_t i = 0; i < s->w->n_apps; i++) {
        union_id_of(&s->w->apps[i], u, id);
        out_cstr(o, s->w->apps[i].client_key, id);
    }
    out_close(o, '}');
}

static void write_row(struct sim *s, struct out *o, size_t list, size_t i, bool derived)
{
    out_open(o, NULL, '{');
    if (list == 0)
        write_app(o, &s->w->apps[i]);
    else if (list == 1)
        write_user(s, o, &s->w->users[i], derived);
    else if (list == 2)
        members_write(shop_members, COUNT_OF(shop_members), &s->w->shops[i], o);
    else if (list == 3)
        members_write(customer_members, COUNT_OF(customer_members), &s->w->customers[i], o);
    else
        members_write(advertiser_members, COUNT_OF(advertiser_members), &s->w->advertisers[i], o);
    out_close(o, '}');
}

static const struct {
    const char *name;
    enum rc (*put)(struct sim *s, const struct json *row, const char *folder, struct fault *why);
} lists[] = {{"apps", put_app},
             {"users", put_user},
             {"shops", put_shop},
             {"customers", put_customer},
             {"advertisers", put_advertiser}};

enum rc world_put(struct sim *s, str list, const struct json *row, const char *folder, struct fault *why)
{
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        if (!str_eq(str_of(lists[i].name), list))
            continue;
        if (row == NULL || row->type != JSON_OBJ)
            return fault_set(why, RC_INVALID, "sim.row", "%s: an object is required", lists[i].name);
        s->dirty = true;
        return lists[i].put(s, row, folder, why);
    }
    return fault_set(why, RC_INVALID, "sim.row", "no list named " STR_FMT, STR_ARG(str_sub(list, 0, 40)));
}

bool world_write(struct sim *s, str list, struct out *o, bool derived)
{
    const size_t counts[] = {s->w->n_apps, s->w->n_users, s->w->n_shops, s->w->n_customers,
                             s->w->n_advertisers};
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        if (!str_eq(str_of(lists[i].name), list))
            continue;
        out_open(o, lists[i].name, '[');
        for (size_t k = 0; k < counts[i]; k++)
            write_row(s, o, i, k, derived);
        out_close(o, ']');
        return true;
    }
    return false;
}
