/* What TikTok allows, as rows. TikTok sends no rate headers and no Retry-After, so these figures are all that
 * there is; each row names its source (the short names of tiktok/QUIRKS.md). A figure that TikTok raised for
 * an app is a setting. */
#include "budget/budget_priv.h"

#define OAUTH_CALLS "accounts.token accounts.refresh accounts.revoke"

static const struct limit limits[] = {
    {.name = "qps",
     .pool = "business",
     .scope = PER_APP,
     .window_ms = 1000,
     .per_second = 1,
     .spare_percent = 15,
     .shared = true,
     .doc = "Calls a second of one app of the API for Business, by its level: Basic 10, Advanced 20, Premium "
            "30, "
            "Ultimate 50 (marketing-api 2.5)."},
    {.name = "qpm",
     .pool = "business",
     .scope = PER_APP,
     .window_ms = 60000,
     .per_second = 60,
     .burst_percent = 10,
     .spare_percent = 2,
     .doc = "Calls a minute of one app: 600, 1,200, 1,800, 3,000 (marketing-api 2.5). Passing it costs five "
            "minutes."},
    {.name = "qpd",
     .pool = "business",
     .scope = PER_APP,
     .window_ms = DAY_MS,
     .per_second = 86400,
     .spare_percent = 1,
     .doc = "Calls of one app on a UTC day: 864,000, 1,728,000, 2,592,000, 4,320,000 (marketing-api 2.5)."},
    {.name = "message_qps",
     .pool = "business",
     .scope = PER_ENDPOINT,
     .window_ms = 1000,
     .fixed = 10,
     .spare_percent = 15,
     .group = "messaging",
     .only = "accounts.conversation accounts.message",
     .doc = "Business Messaging endpoints: 10 a second at every level (business-messaging 5.3)."},
    {.name = "account_minute",
     .pool = "business",
     .scope = PER_ACCOUNT_ENDPOINT,
     .window_ms = 60000,
     .setting = "budget.account_per_minute",
     .burst_percent = 25,
     .spare_percent = 2,
     .only = "accounts.",
     .never = OAUTH_CALLS,
     .doc = "Accounts API: 40 a minute per authorised account and endpoint (business-messaging 5.3)."},
    {.name = "endpoint_busy",
     .pool = "business",
     .scope = PER_ACCOUNT_ENDPOINT,
     .window_ms = 60000,
     .doc = "No figure of ours: shut when TikTok says 'too frequent' about one endpoint or object "
            "(40016, 40133; marketing-api 2.6)."},
    {.name = "endpoint_minute",
     .pool = "login_kit",
     .scope = PER_ENDPOINT,
     .window_ms = 60000,
     .setting = "budget.per_minute",
     .burst_percent = 10,
     .spare_percent = 2,
     .shared = true,
     .doc = "open.tiktokapis.com: 600 in a sliding minute per endpoint (login-kit 4.2)."},
    {.name = "account_minute",
     .pool = "login_kit",
     .scope = PER_ACCOUNT_ENDPOINT,
     .window_ms = 60000,
     .fixed = 60,
     .burst_percent = 15,
     .spare_percent = 2,
     .only = "tiktok.user_info tiktok.video",
     .doc = "One account's calls a second apart but for a few: a project was refused after 36 in a row, far "
            "under 600 (login-kit 4.2)."},
};

const struct limit *budget_limit(size_t i)
{
    return i < COUNT_OF(limits) ? &limits[i] : NULL;
}

static const struct {
    const char *family, *pool;
} pools[] = {
    {"login_kit", "login_kit"},
    {"accounts", "business"}, /* one app at TikTok, one budget: the figures are per app, not per grant */
    {"ads", "business"},
};

const char *budget_pool(const char *family)
{
    for (size_t i = 0; i < COUNT_OF(pools); i++)
        if (strcmp(pools[i].family, family) == 0)
            return pools[i].pool;
    must_failed("a family of apps has a pool", __FILE__, __LINE__);
}

const struct setting budget_settings[] = {
    {.key = "budget.per_minute",
     .kind = SET_INT,
     .min = 1,
     .max = 1000000,
     .unit = "calls",
     .def = "600",
     .doc =
         "Calls a minute to one TikTok endpoint for one app. TikTok publishes 600 for open.tiktokapis.com."},
    {.key = "budget.business_level",
     .kind = SET_ENUM,
     .choices = "basic|advanced|premium|ultimate",
     .def = "basic",
     .doc = "Level of the apps at TikTok API for Business: 10, 20, 30 or 50 calls a second, 60 times that a "
            "minute, 86,400 times that a day. TikTok raises it one level at a time on request."},
    {.key = "budget.business_levels",
     .kind = SET_LIST,
     .def = "",
     .max = 4096,
     .doc = "Apps of another level than budget.business_level: CLIENT_KEY=LEVEL, comma separated."},
    {.key = "budget.business_qps",
     .kind = SET_INT,
     .min = 0,
     .max = 100000,
     .unit = "calls",
     .def = "0",
     .doc =
         "Calls a second of each app when TikTok granted a figure of its own, or against the simulator; 0: "
         "by level. Minute and day follow it."},
    {.key = "budget.account_per_minute",
     .kind = SET_INT,
     .min = 1,
     .max = 1000000,
     .unit = "calls",
     .def = "40",
     .doc = "Calls a minute to one Accounts endpoint for one connected account. TikTok allows 40."},
};
const size_t budget_settings_n = COUNT_OF(budget_settings);

static const struct {
    const char *name;
    int64_t qps;
} levels[] = {{"basic", 10}, {"advanced", 20}, {"premium", 30}, {"ultimate", 50}};

void budget_limits_open(struct limit_settings *s, const struct config *c)
{
    s->config = c;
    s->qps = config_int(c, "budget.business_qps");
}

static int64_t qps_of(const struct limit_settings *s, str client_key)
{
    if (s->qps > 0)
        return s->qps;
    str level = config_text(s->config, "budget.business_level"), part, key,
        list = config_text(s->config, "budget.business_levels");
    while (str_cut(&list, ',', &part)) {
        part = str_trim(part);
        if (str_cut(&part, '=', &key) && str_eq(str_trim(key), client_key))
            level = str_trim(part);
    }
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        if (str_eq(level, str_of(levels[i].name)))
            return levels[i].qps;
    return levels[0].qps; /* a word that is no level: the strictest */
}

static int64_t at_least_one(int64_t n)
{
    return n > 0 ? n : 1;
}

/* With `burst` calls at once and the others `step` apart, a window of length W that begins anywhere (and does
 * not hold its own end) sees at most burst + ceil(W / step) - 1 calls: that is `kept` for the step below. */
struct rate budget_rate(const struct limit *l, const struct limit_settings *s, str client_key)
{
    struct rate r = {0};
    if (l->per_second > 0)
        r.allowed = qps_of(s, client_key) * l->per_second;
    else
        r.allowed = l->setting != NULL ? config_int(s->config, l->setting) : l->fixed;
    if (r.allowed == 0)
        return r;
    r.kept = at_least_one(r.allowed - (r.allowed * l->spare_percent + 99) / 100);
    if (l->window_ms == DAY_MS)
        return r; /* counted by the UTC day, at whose end TikTok begins anew */
    int64_t burst = at_least_one(r.kept * l->burst_percent / 100), spaced = r.kept - burst + 1,
            window_us = l->window_ms * 1000;
    r.step_us = (window_us + spaced - 1) / spaced;
    r.slack_us = (burst - 1) * r.step_us;
    return r;
}
