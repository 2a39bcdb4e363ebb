/* What an account may do, and business/get/ (messaging 4, 7.1). A profile holds what was
 * asked, and asking for a field whose scope was not granted refuses the whole call. Numbers of days are made
 * from the account and the date, the same in every run.
 */
#include "account.h"
#include "v13.h"
#include "crypto/crypto.h"

enum { LOOK_BACK_DAYS = 60, AUDIENCE_FOLLOWERS = 100 };
static const int64_t day_ms = 86400000;

/* ---- what an account may do ---- */

static bool in_list(const char *list, const char *region)
{
    str rest = str_of(list), one = STR_NONE;
    while (str_cut(&rest, ' ', &one))
        if (str_eq(one, str_of(region)))
            return true;
    return false;
}

bool region_known(str region)
{
    return region.n == 2 && region.p[0] >= 'A' && region.p[0] <= 'Z' && region.p[1] >= 'A' &&
           region.p[1] <= 'Z';
}

bool account_is_business(const struct sim *s, const struct user *u)
{
    if (u->account_type[0] != '\0')
        return strcmp(u->account_type, "business") == 0;
    for (size_t i = 0; i < s->w->n_shops; i++)
        if (strcmp(s->w->shops[i].user, u->id) == 0)
            return true;
    return false;
}

const char *messaging_refusal(const struct sim *s, const struct app *a, const struct user *u,
                              const char **text)
{
    /* EEA, Switzerland, United Kingdom */
    static const char none[] =
        "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE "
        "IS LI NO CH GB";
    if (strcmp(a->messaging, "pending") == 0) {
        *text = "The developer has no permission for this product.";
        return "40125";
    }
    if (in_list(none, u->region) || (strcmp(u->region, "US") == 0 && !a->us_approved)) {
        *text = "The account's country is not supported.";
        return s->sw.text[SW_REGION_ERROR];
    }
    *text = "No permission: the account is not a business account.";
    return account_is_business(s, u) ? NULL : "40001";
}

bool messages_open(const struct sim *s, const struct app *a, const struct user *u)
{
    const char *text;
    bool everyone = u->message_permission[0] == '\0' || strcmp(u->message_permission, "everyone") == 0;
    return everyone && messaging_refusal(s, a, u, &text) == NULL;
}

/* ---- business/get/ ---- */

enum part { PART_NOW, PART_DAY, PART_AUDIENCE };
enum profile_field {
    FIELD_NAME,
    FIELD_IMAGE,
    FIELD_USERNAME,
    FIELD_LINK,
    FIELD_BIO,
    FIELD_VERIFIED,
    FIELD_FOLLOWERS,
    FIELD_FOLLOWING,
    FIELD_LIKES,
    FIELD_VIDEOS,
    FIELD_BUSINESS,
    FIELD_NOW_COUNT
};
static const struct {
    const char *name, *scope;
    enum part part;
} fields[] = {
    [FIELD_NAME] = {"display_name", "user.info.basic", PART_NOW},
    [FIELD_IMAGE] = {"profile_image", "user.info.basic", PART_NOW},
    [FIELD_USERNAME] = {"username", "user.info.username", PART_NOW},
    [FIELD_LINK] = {"profile_deep_link", "user.info.profile", PART_NOW},
    [FIELD_BIO] = {"bio_description", "user.info.profile", PART_NOW},
    [FIELD_VERIFIED] = {"is_verified", "user.info.profile", PART_NOW},
    [FIELD_FOLLOWERS] = {"followers_count", "user.info.stats", PART_NOW},
    [FIELD_FOLLOWING] = {"following_count", "user.info.stats", PART_NOW},
    [FIELD_LIKES] = {"total_likes", "user.info.stats", PART_NOW},
    [FIELD_VIDEOS] = {"videos_count", "user.info.stats", PART_NOW},
    [FIELD_BUSINESS] = {"is_business_account", "user.account.type", PART_NOW},
    {"video_views", "user.insights", PART_DAY},
    {"unique_video_views", "user.insights", PART_DAY},
    {"profile_views", "user.insights", PART_DAY},
    {"likes", "user.insights", PART_DAY},
    {"comments", "user.insights", PART_DAY},
    {"shares", "user.insights", PART_DAY},
    {"daily_total_followers", "user.insights", PART_DAY},
    {"daily_new_followers", "user.insights", PART_DAY},
    {"daily_lost_followers", "user.insights", PART_DAY},
    {"engaged_audience", "user.insights", PART_DAY},
    {"audience_countries", "user.insights", PART_AUDIENCE},
    {"audience_genders", "user.insights", PART_AUDIENCE},
};

/* The asked fields as bits; false: answered. */
static bool fields_asked(struct v13 *c, uint32_t *asked)
{
    const struct json *list = NULL;
    str text = v13_text(c, "fields");
    *asked = 1U << FIELD_NAME | 1U << FIELD_IMAGE;
    if (text.n == 0)
        return true;
    bool good = json_parse(text, NULL, c->q->mem, &list, NULL) == RC_OK && list->type == JSON_ARR;
    *asked = 0;
    for (const struct json *x = good ? list->child : NULL; x != NULL; x = x->next) {
        bool known = false;
        for (size_t i = 0; i < COUNT_OF(fields); i++) {
            if (x->type == JSON_STR && str_eq(str_of(fields[i].name), x->s)) {
                *asked |= 1U << i;
                known = true;
            }
        }
        good = good && known;
    }
    if (!good)
        v13_refuse(c, "40002", "fields: must be a JSON array of known field names.");
    return good;
}

static bool fields_granted(struct v13 *c, uint32_t asked)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if ((asked & 1U << i) == 0 || (c->t->scopes & scope_bit(fields[i].scope)) != 0)
            continue;
        v13_refuse(c, "40001",
                   arena_fmt(c->q->mem, "No permission: the field %s needs the scope %s.", fields[i].name,
                             fields[i].scope)
                       .p);
        return false;
    }
    return true;
}

static bool date_read(str text, int64_t today, int64_t *day)
{
    char iso[TIME_TEXT];
    for (int64_t d = today; d >= today - LOOK_BACK_DAYS; d--) {
        time_iso(d * day_ms, iso);
        if (str_eq(text, (str){iso, 10})) {
            *day = d;
            return true;
        }
    }
    return false;
}

/* Days since 1970, UTC; the last week by default. */
static bool dates_asked(struct v13 *c, int64_t *from, int64_t *to)
{
    int64_t today = sim_now(c->s) / day_ms;
    str start = v13_text(c, "start_date"), end = v13_text(c, "end_date");
    *from = today - 7;
    *to = today - 1;
    if ((start.n == 0 || date_read(start, today, from)) && (end.n == 0 || date_read(end, today, to)) &&
        *from <= *to)
        return true;
    v13_refuse(c, "40002", "start_date, end_date: YYYY-MM-DD, not reversed, within the last 60 days.");
    return false;
}

static void put_now(struct v13 *c, struct out *o, const struct user *u, enum profile_field which)
{
    const int64_t numbers[FIELD_NOW_COUNT] = {[FIELD_FOLLOWERS] = u->followers,
                                              [FIELD_FOLLOWING] = u->following,
                                              [FIELD_LIKES] = u->likes,
                                              [FIELD_VIDEOS] = u->videos};
    const char *const texts[FIELD_NOW_COUNT] = {
        [FIELD_NAME] = u->display_name, [FIELD_USERNAME] = u->username, [FIELD_BIO] = u->bio};
    const char *name = fields[which].name;
    struct buf url;
    if (texts[which] != NULL) {
        out_cstr(o, name, texts[which]);
    } else if (which == FIELD_IMAGE) {
        buf_init(&url, c->q->mem, 2048);
        avatar_url(c->s, u, 168, &url);
        out_str(o, name, buf_str(&url));
    } else if (which == FIELD_LINK) {
        out_str(o, name, arena_fmt(c->q->mem, "https://www.tiktok.com/@%s", u->username));
    } else if (which == FIELD_VERIFIED) {
        out_bool(o, name, u->verified);
    } else if (which == FIELD_BUSINESS) {
        out_bool(o, name, account_is_business(c->s, u));
    } else {
        out_int(o, name, numbers[which]);
    }
}

static int64_t number_of(struct arena *mem, const struct user *u, const char *date, const char *name)
{
    unsigned char hash[SHA256_BYTES];
    sha256(arena_fmt(mem, "day|%s|%s|%s", u->id, date, name), hash);
    return ((int64_t)hash[0] << 8 | hash[1]) % 5000;
}

static void put_days(struct v13 *c, struct out *o, const struct user *u, uint32_t asked,
                     const int64_t days[2])
{
    char iso[TIME_TEXT];
    out_open(o, "metrics", '[');
    for (int64_t d = days[0]; d <= days[1]; d++) {
        time_iso(d * day_ms, iso);
        iso[10] = '\0';
        out_open(o, NULL, '{');
        out_cstr(o, "date", iso);
        for (size_t i = 0; i < COUNT_OF(fields); i++)
            if ((asked & 1U << i) != 0 && fields[i].part == PART_DAY)
                out_int(o, fields[i].name, number_of(c->q->mem, u, iso, fields[i].name));
        out_close(o, '}');
    }
    out_close(o, ']');
}

static void put_audience(struct out *o, const char *name)
{
    bool countries = strcmp(name, "audience_countries") == 0;
    out_open(o, name, '[');
    for (size_t i = 0; i < 2; i++) {
        out_open(o, NULL, '{');
        if (countries)
            out_cstr(o, "country", i == 0 ? "TH" : "LA");
        else
            out_cstr(o, "gender", i == 0 ? "Female" : "Male");
        out_raw(o, "percentage", i == 0 ? STR("0.75") : STR("0.25"));
        out_close(o, '}');
    }
    out_close(o, ']');
}

void business_profile(struct v13 *c)
{
    uint32_t asked, days_asked = 0;
    int64_t days[2];
    if (!fields_asked(c, &asked) || !dates_asked(c, &days[0], &days[1]) || !fields_granted(c, asked))
        return;
    const struct user *u = &c->s->w->users[c->t->user];
    struct out *o = v13_open(c);
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if ((asked & 1U << i) == 0)
            continue;
        if (fields[i].part == PART_NOW)
            put_now(c, o, u, (enum profile_field)i);
        else if (fields[i].part == PART_DAY)
            days_asked |= 1U << i;
        else if (u->followers >= AUDIENCE_FOLLOWERS)
            put_audience(o, fields[i].name);
    }
    if (days_asked != 0)
        put_days(c, o, u, days_asked, days);
    v13_close(c);
}
