/* connect_rows: routes with their parameters, log events, the flag, the event that Mozflow hears, explain. */
#include "login/connect_priv.h"

static const struct param link_params[] = {
    {.name = "attempt",
     .in = IN_QUERY,
     .kind = P_TEXT,
     .required = true,
     .max = 64,
     .doc = "The link's attempt."},
    {.name = "lang", .in = IN_QUERY, .kind = P_ENUM, .choices = "en|th", .doc = "Language of the page."},
};
static const struct param click_params[] = {
    {.name = "attempt",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .max = 64,
     .doc = "The link's attempt."},
    {.name = "market",
     .in = IN_BODY,
     .kind = P_ENUM,
     .choices = "th|eea|us|rest",
     .doc = "Business accounts: where the account was registered."},
    {.name = "lang", .in = IN_BODY, .kind = P_ENUM, .choices = "en|th", .doc = "Language of the page."},
};
static const struct param done_params[] = {
    {.name = "attempt", .in = IN_QUERY, .kind = P_TEXT, .required = true, .max = 64, .doc = "The attempt."},
};
static const struct param make_params[] = {
    {.name = "kind",
     .in = IN_BODY,
     .kind = P_ENUM,
     .required = true,
     .choices = "business|advertiser|login",
     .doc = "What to connect. login: a person signs in again; that link lives ten minutes."},
    {.name = "feature",
     .in = IN_BODY,
     .kind = P_TEXT,
     .max = 64,
     .doc = "Step-up: ask only for what this feature misses."},
    {.name = "account", .in = IN_BODY, .kind = P_ID, .choices = "acc", .doc = "Step-up: of which account."},
    {.name = "beside",
     .in = IN_BODY,
     .kind = P_ID,
     .choices = "acc",
     .doc = "An account of the same person or shop: the two are shown together."},
    {.name = "market",
     .in = IN_BODY,
     .kind = P_ENUM,
     .choices = "th|eea|us|rest",
     .doc = "Where the account was registered; the page asks when absent."},
    {.name = "return",
     .in = IN_BODY,
     .kind = P_TEXT,
     .max = 200,
     .doc = "Id of a return URL, or a path under /console/. Absent: a page says that it is done."},
};
static const struct param list_params[] = {
    {.name = "market",
     .in = IN_QUERY,
     .kind = P_ENUM,
     .choices = "th|eea|us|rest",
     .doc = "Which steps apply there; all when absent."},
    {.name = "kind",
     .in = IN_QUERY,
     .kind = P_ENUM,
     .choices = "business|advertiser|login",
     .doc = "Steps of one kind of connection; all when absent."},
};

static const struct shape shape_connection_link = {
    .name = "ConnectionLink",
    .doc = "A link for the browser of the account's owner; it may be sent to them.",
    .fields = {{"attempt_id", A_TEXT, .doc = "cna_... or lat_..."},
               {"url", A_URL, .doc = "Opens in any browser; the one that continues keeps it."},
               {"expires_at", A_TIME, .doc = "Until when it can be used."}}};
static const struct shape shape_conflict = {
    .name = "ChecklistConflict",
    .doc = "Why this step and another exclude each other.",
    .fields = {{"en", A_TEXT, .doc = "In English."}, {"th", A_TEXT, .doc = "In Thai."}}};
static const struct shape shape_step = {
    .name = "ChecklistStep",
    .doc = "One thing to check before connecting.",
    .fields = {{"id", A_TEXT, .doc = "everyone"},
               {"en", A_TEXT, .doc = "In English."},
               {"th", A_TEXT, .doc = "In Thai."},
               {"detail_en", A_TEXT, .doc = "How, in English."},
               {"detail_th", A_TEXT, .doc = "How, in Thai."},
               {"conflict", A_ONE, MAY_BE_NULL, .of = &shape_conflict, .doc = "What it excludes."},
               {"applies", A_FLAG, .doc = "Whether it matters for this kind and market."},
               {"done", A_FLAG, MAY_BE_NULL, .doc = "What this service can tell; null: only a person can."}}};
static const struct shape shape_market = {
    .name = "ChecklistMarket",
    .doc = "What TikTok offers to accounts that were registered there.",
    .fields = {{"id", A_ENUM, .choices = "th|eea|us|rest", .doc = "The market."},
               {"en", A_TEXT, .doc = "In English."},
               {"th", A_TEXT, .doc = "In Thai."},
               {"detail_en", A_TEXT, .doc = "What works, in English."},
               {"detail_th", A_TEXT, .doc = "What works, in Thai."},
               {"verdict", A_ENUM, .choices = "good|warning|bad", .doc = "For messages."}}};
static const struct shape shape_guide = {.name = "ChecklistGuide",
                                         .doc = "A guide through one of TikTok's portals.",
                                         .fields = {{"portal", A_TEXT, .doc = "Which portal."},
                                                    {"en", A_TEXT, .doc = "Its title in English."},
                                                    {"th", A_TEXT, .doc = "Its title in Thai."},
                                                    {"url_path", A_TEXT, .doc = "Path on this host."}}};
static const struct shape shape_checklist = {
    .name = "ConnectChecklist",
    .doc = "What to check before connecting.",
    .fields = {{"steps", A_MANY, .of = &shape_step, .doc = "In order."},
               {"markets", A_MANY, .of = &shape_market, .doc = "The choice."},
               {"guides", A_MANY, .of = &shape_guide, .doc = "For operators."}}};

#define PAGE .browser = true, .no_once = true
#define LINK(p, n, h, d)                                                                                     \
    {                                                                                                        \
        "GET", p, n, HTTP_READ, PAGE, .flag = CONNECT_FLAG, .params = link_params,                           \
                                      .n_params = COUNT_OF(link_params), .handle = h, .doc = d               \
    }
#define CLICK(p, n, h, d)                                                                                    \
    {                                                                                                        \
        "POST", p, n, HTTP_WRITE, PAGE, .flag = CONNECT_FLAG, .form = true, .params = click_params,          \
                                        .n_params = COUNT_OF(click_params), .handle = h, .doc = d            \
    }
/* No flag: a running attempt ends politely with its own page. */
#define BACK(p, n, h, d)                                                                                     \
    {                                                                                                        \
        "GET", p, n, HTTP_EXCHANGE, PAGE, .slash = true, .handle = h, .doc = d                               \
    }

const struct route connect_routes[] = {
    {"POST", "/v1/connections", "makeConnection", HTTP_WRITE, PERM_ACCOUNTS_MANAGE, CONNECT_FLAG,
     .params = make_params, .n_params = COUNT_OF(make_params), .handle = connect_route_make,
     .doc = "Makes a link by which a business account, an advertiser or a person is connected.",
     .gives = &shape_connection_link},
    {"GET", "/v1/connect/checklist", "connectChecklist", HTTP_READ, PERM_ACCOUNTS_READ, .params = list_params,
     .n_params = COUNT_OF(list_params), .handle = connect_route_checklist,
     .doc = "Markets, steps and guides for somebody who connects an account.", .gives = &shape_checklist},
    LINK("/auth/tiktok/business", "startBusiness", connect_route_business,
         "The page before TikTok: what is read of a business account and why, and what to check first."),
    LINK("/auth/tiktok/ads", "startAds", connect_route_ads,
         "The page before TikTok: what is read of an advertiser and why, and what to check first."),
    CLICK("/auth/tiktok/business/continue", "continueBusiness", connect_route_business_go,
          "The click: binds the browser, makes the state and redirects to TikTok."),
    CLICK("/auth/tiktok/ads/continue", "continueAds", connect_route_ads_go,
          "The click: binds the browser, makes the state and redirects to TikTok."),
    BACK("/auth/tiktok/business/callback", "businessCallback", connect_route_business_back,
         "Where TikTok sends the owner of a business account back to."),
    BACK("/auth/tiktok/ads/callback", "adsCallback", connect_route_ads_back,
         "Where TikTok sends an advertiser back to."),
    {"GET", "/auth/tiktok/connected", "connected", HTTP_READ, PAGE, .params = done_params,
     .n_params = COUNT_OF(done_params), .handle = connect_route_done,
     .doc = "Says that it is connected, in the browser that did it."},
};
const size_t connect_routes_n = COUNT_OF(connect_routes);

const struct event_doc connect_event_docs[] = {
    {"connect.started", "An owner continued to TikTok; a state was made."},
    {"connect.completed", "An account was connected; `known` tells whether it was here before."},
    {"connect.profile_missing",
     "A profile or the list of ad accounts could not be read; it went on without."},
    {"connect.denied", "A connection ended so; each connect.* code of connect_ends has its event and label."},
};
const size_t connect_event_docs_n = COUNT_OF(connect_event_docs);

const struct flag_row connect_flags[] = {
    {CONNECT_FLAG, true, "Connecting TikTok business accounts and advertisers: links and pages answer 404.",
     "การเชื่อมต่อบัญชีธุรกิจและผู้ลงโฆษณา TikTok: ลิงก์และหน้าที่เกี่ยวข้องตอบ 404"},
};
const size_t connect_flags_n = COUNT_OF(connect_flags);

/* ---- what Mozflow hears ---- */
static enum rc render_connected(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    struct account acc;
    struct connect_attempt a;
    str account = STR_NONE, attempt = STR_NONE;
    if (!json_str(r->ids, "account", &account) || !json_str(r->ids, "attempt", &attempt))
        return fault_set(why, RC_BUG, "connect.event", "event without ids");
    enum rc rc = accounts_load(r->tx, r->workspace, account, r->mem, &acc, why);
    if (rc == RC_OK)
        rc = db_connect(r->tx, r->workspace, attempt, r->mem, &a, why);
    if (rc != RC_OK)
        return rc;
    jw_str(data, "account_id", account);
    jw_cstr(data, "kind", connect_word(a.kind));
    jw_str(data, "client_key", acc.client_key);
    jw_str(data, "open_id", acc.open_id);
    jw_str(data, "display_name", acc.display_name.n > 0 ? acc.display_name : STR_NONE);
    jw_str(data, "username", acc.username.n > 0 ? acc.username : STR_NONE);
    jw_str(data, "market", a.market.n > 0 ? a.market : STR_NONE);
    jw_str(data, "scopes_granted", a.granted);
    jw_str(data, "scopes_missing", a.missing);
    return RC_OK;
}

const struct mozflow_event connect_events[] = {
    {.type = "account.connected",
     .doc = "A TikTok business account or an advertiser was connected, or connected again.",
     .schema =
         "{\"type\":\"object\",\"required\":[\"account_id\",\"kind\",\"open_id\"],\"properties\":{"
         "\"account_id\":{\"type\":\"string\"},\"kind\":{\"enum\":[\"business\",\"advertiser\"]},"
         "\"client_key\":{\"type\":\"string\"},\"open_id\":{\"type\":\"string\"},\"display_name\":{\"type\":["
         "\"string\",\"null\"]},\"username\":{\"type\":[\"string\",\"null\"]},\"market\":{\"type\":["
         "\"string\",\"null\"]},\"scopes_granted\":{\"type\":\"string\"},\"scopes_missing\":{\"type\":"
         "\"string\"}}}",
     .render = render_connected},
};
const size_t connect_events_n = COUNT_OF(connect_events);

/* ---- explain ---- */
static enum rc explain_attempt(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why)
{
    struct connect_attempt a;
    enum rc rc = db_connect(tx, workspace, id, out->mem, &a, why);
    if (rc != RC_OK)
        return rc;
    explain_add(out, a.created_ms,
                EXPLAIN(out, "A link to connect a TikTok %s was made. Step-up for: " STR_FMT ".",
                        "สร้างลิงก์เชื่อมต่อ TikTok ประเภท %s แล้ว ขอสิทธิ์เพิ่มสำหรับ: " STR_FMT),
                connect_word(a.kind), STR_ARG(a.feature.n > 0 ? a.feature : STR("-")));
    if (a.shown_ms > 0)
        explain_add(out, a.shown_ms,
                    EXPLAIN(out, "The owner saw what is read and why (%s) and went to TikTok.",
                            "เจ้าของบัญชีเห็นรายการสิทธิ์และเหตุผล (%s) และไปที่ TikTok"),
                    CONNECT_VERSION);
    if (a.state == 3)
        explain_add(
            out, a.ended_ms,
            EXPLAIN(out, "It was connected as " STR_FMT ". Granted: " STR_FMT ". Not granted: " STR_FMT ".",
                    "เชื่อมต่อเป็น " STR_FMT " แล้ว สิทธิ์ที่ได้: " STR_FMT " สิทธิ์ที่ไม่ได้: " STR_FMT),
            STR_ARG(a.connected), STR_ARG(a.granted), STR_ARG(a.missing.n > 0 ? a.missing : STR("-")));
    else if (a.end_code.n > 0)
        explain_add(
            out, a.ended_ms,
            EXPLAIN(out, "It ended without a connection: " STR_FMT ".", "สิ้นสุดโดยไม่ได้เชื่อมต่อ: " STR_FMT),
            STR_ARG(a.end_code));
    return RC_OK;
}

const struct explain_row connect_explain[] = {
    {"cna_", explain_attempt, "A connection attempt: made, shown, answered."},
};
const size_t connect_explain_n = COUNT_OF(connect_explain);
