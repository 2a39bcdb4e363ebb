/* features: the table of features and the pure rules over it. No I/O. What can go wrong: asking for one scope
 * that the app does not hold makes TikTok refuse the whole page, so every request is built here.
 */
#include "accounts/feature.h"

static const char apply_accounts_en[] =
    "Apply for this permission of the TikTok Accounts API in the API for "
    "Business portal (access form), then add it to tiktok.accounts.scopes.";
static const char apply_accounts_th[] = "โปรดยื่นขอสิทธิ์นี้ของ TikTok Accounts API ในพอร์ทัล API for Business "
                                        "(แบบฟอร์มขอเข้าถึง) แล้วเพิ่มใน tiktok.accounts.scopes";
static const char apply_chat_en[] =
    "Apply for Business Messaging in the API for Business portal (intake form, then the data security and "
    "privacy review), then add the scopes to tiktok.accounts.scopes.";
static const char apply_chat_th[] = "โปรดยื่นขอ Business Messaging ในพอร์ทัล API for Business (แบบฟอร์มแรกเข้า "
                                    "ตามด้วยการตรวจด้านความปลอดภัยและความเป็นส่วนตัว) "
                                    "แล้วเพิ่มสิทธิ์ใน tiktok.accounts.scopes";
static const char apply_login_en[] =
    "Add the scope to the app in the TikTok for Developers portal and submit "
    "it for review, then add it to tiktok.login.scopes.";
static const char apply_login_th[] = "โปรดเพิ่มสิทธิ์ให้แอปในพอร์ทัล TikTok for Developers และส่งตรวจ "
                                     "แล้วเพิ่มใน tiktok.login.scopes";
static const char apply_ads_en[] =
    "Tick this permission for the app in the API for Business portal and submit "
    "it for review, then add it to tiktok.ads.scopes.";
static const char apply_ads_th[] = "โปรดเลือกสิทธิ์นี้ให้แอปในพอร์ทัล API for Business และส่งตรวจ "
                                   "แล้วเพิ่มใน tiktok.ads.scopes";

#define LOGIN(n, s, e, t, d)                                                                                 \
    {                                                                                                        \
        n, APP_LOGIN_KIT, s, e, t, apply_login_en, apply_login_th, d                                         \
    }
#define CHAT(n, s, e, t, d)                                                                                  \
    {                                                                                                        \
        n, APP_ACCOUNTS, s, e, t, apply_chat_en, apply_chat_th, d                                            \
    }
#define ACCOUNT(n, s, e, t, d)                                                                               \
    {                                                                                                        \
        n, APP_ACCOUNTS, s, e, t, apply_accounts_en, apply_accounts_th, d                                    \
    }
#define ADS(n, s, e, t, d)                                                                                   \
    {                                                                                                        \
        n, APP_ADS, s, e, t, apply_ads_en, apply_ads_th, d                                                   \
    }

static const struct feature table[] = {
    LOGIN("login", "user.info.basic", "Sign in with TikTok", "ลงชื่อเข้าใช้ด้วย TikTok",
          "User info: open_id, display name, picture (login-kit 4)."),
    LOGIN("login.profile", "user.info.profile", "Username and profile of the person", "ชื่อผู้ใช้และโปรไฟล์ของบุคคล",
          "User info: username, bio, profile link, verified mark (login-kit 4)."),
    LOGIN("login.stats", "user.info.stats", "Numbers of followers and likes", "จำนวนผู้ติดตามและการกดถูกใจ",
          "User info: counts (login-kit 4)."),
    LOGIN("login.videos", "video.list", "Public videos of the person", "วิดีโอสาธารณะของบุคคล",
          "Video list and query (login-kit 5)."),
    ACCOUNT("profile", "user.info.basic,user.info.username,user.info.profile",
            "Profile of the business account", "โปรไฟล์ของบัญชีธุรกิจ",
            "business/get: name, picture, username, profile (business-messaging 7.1)."),
    ACCOUNT("account.type", "user.account.type", "Whether it is a business account", "ตรวจสอบว่าเป็นบัญชีธุรกิจ",
            "business/get is_business_account; messaging needs a business account (business-messaging 4.3)."),
    CHAT("chat.read", "message.list.read", "Receive and read messages", "รับและอ่านข้อความ",
         "conversation/list, content/list, media download; events of messages (business-messaging 2.3)."),
    CHAT("chat.send", "message.list.read,message.list.send", "Answer messages", "ตอบข้อความ",
         "message/send, media upload; reading is needed to see what is answered (business-messaging 2.1)."),
    CHAT("chat.manage", "message.list.manage", "Automatic messages and inbox settings",
         "ข้อความอัตโนมัติและการตั้งค่ากล่องข้อความ", "auto_message, direct_reply (business-messaging 1.2, 2)."),
    ACCOUNT("comments.read", "comment.list", "Read comments", "อ่านความคิดเห็น",
            "comment/list, reply/list; the comment.update event (business-messaging 7.3, 2.10)."),
    ACCOUNT("comments.manage", "comment.list,comment.list.manage", "Answer, hide and like comments",
            "ตอบ ซ่อน และถูกใจความคิดเห็น",
            "comment create, reply, like, hide, delete (business-messaging 7.3)."),
    ACCOUNT("insights", "user.info.stats,user.insights", "Followers and account insights",
            "ผู้ติดตามและข้อมูลเชิงลึกของบัญชี", "business/get metrics and audience (business-messaging 7.1)."),
    ACCOUNT("videos", "video.list", "List of posts", "รายการโพสต์", "video/list (business-messaging 7.2)."),
    ACCOUNT("videos.insights", "video.list,video.insights", "Results of posts", "ผลลัพธ์ของโพสต์",
            "video/list with the fields of video.insights (business-messaging 7.2)."),
    ADS("ads.account", "ad_account", "Ad accounts", "บัญชีโฆษณา",
        "Ad Account Management, Ad Account Information (marketing-api 1.1)."),
    ADS("ads.campaigns", "campaigns", "Campaigns, ad groups and ads", "แคมเปญ กลุ่มโฆษณา และโฆษณา",
        "Ads Management (marketing-api 1.1)."),
    ADS("ads.reports", "reporting", "Reports", "รายงาน",
        "Reporting, Consolidated Report (marketing-api 1.1)."),
    ADS("leads", "leads", "Leads of forms", "ข้อมูลผู้สนใจจากแบบฟอร์ม",
        "Lead Management, Leads Retrieval; the approving person must be Admin (marketing-api 1.1, 5)."),
    ADS("audiences", "audiences", "Custom audiences", "กลุ่มเป้าหมายที่กำหนดเอง",
        "Audience Management (marketing-api 1.1)."),
    ADS("ads.comments", "ad_comments", "Comments below ads", "ความคิดเห็นใต้โฆษณา",
        "Ad comments (marketing-api 1.1)."),
    ADS("ads.crm_events", "crm_events,conversion_events", "Report CRM stages to TikTok",
        "ส่งสถานะ CRM ให้ TikTok",
        "CRM Event Management, Measurement: Report Conversion Event (marketing-api 10)."),
};

const struct feature *feature_at(size_t i)
{
    return i < COUNT_OF(table) ? &table[i] : NULL;
}

const struct feature *feature_find(enum app_kind kind, str name)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].kind == kind && str_eq(name, str_of(table[i].name)))
            return &table[i];
    return NULL;
}

const char *feature_state_name(enum feature_state s)
{
    static const char *const names[] = {[FEATURE_WORKS] = "works",
                                        [FEATURE_UNTRIED] = "untried",
                                        [FEATURE_MISSING_SCOPE] = "missing_scope",
                                        [FEATURE_APP_LACKS_SCOPE] = "app_lacks_scope"};
    must((unsigned)s < COUNT_OF(names));
    return names[s];
}

/* ---- sets of scopes, as comma lists ---- */
static void put_scope(struct buf *b, str scope)
{
    if (b->n > 0)
        buf_put_c(b, ',');
    buf_put(b, scope);
}

/* What stands in `list` and, with keep, also in `other`; without it, not in `other`. */
static str pick(str list, str other, bool keep, struct arena *mem)
{
    struct buf b;
    str head;
    buf_init(&b, mem, 4096);
    while (str_cut(&list, ',', &head)) {
        head = str_trim(head);
        if (head.n > 0 && tiktok_scope_in(other, head) == keep)
            put_scope(&b, head);
    }
    return b.n > 0 ? buf_str(&b) : STR("");
}

static void put_new(struct buf *b, str list)
{
    str head;
    while (str_cut(&list, ',', &head)) {
        str seen = b->n > 0 ? buf_str(b) : STR("");
        if (head.n > 0 && !tiktok_scope_in(seen, head))
            put_scope(b, head);
    }
}

static enum feature_state judge_scopes(const struct feature_verdict *v)
{
    if (v->missing.n == 0)
        return FEATURE_WORKS;
    return v->lacking.n > 0 ? FEATURE_APP_LACKS_SCOPE : FEATURE_MISSING_SCOPE;
}

/* TikTok's answers count since the grant: a new consent is a new chance. */
static bool refused(const struct feature_facts *facts)
{
    return facts->refused_ms >= facts->since_ms && facts->refused_ms > facts->worked_ms;
}

void feature_judge(const struct feature *f, const struct feature_facts *facts, struct arena *mem,
                   struct feature_verdict *out)
{
    str needed = str_of(f->scopes);
    struct feature_verdict v = {.missing = STR(""), .lacking = STR("")};
    if (f->kind == APP_ADS) {
        v.lacking = facts->held.n > 0 ? pick(needed, facts->held, false, mem) : STR("");
        bool worked = facts->worked_ms > 0 && facts->worked_ms >= facts->since_ms;
        if (!facts->live || refused(facts) || v.lacking.n > 0)
            v.missing = needed;
        v.state = v.missing.n > 0 ? judge_scopes(&v) : worked ? FEATURE_WORKS : FEATURE_UNTRIED;
    } else {
        bool none = !facts->live || refused(facts);
        v.missing = pick(needed, none ? STR("") : facts->granted, false, mem);
        v.lacking = pick(v.missing, facts->held, false, mem);
        v.state = judge_scopes(&v);
    }
    *out = v;
}

enum rc feature_ask(const struct feature *f, const struct feature_facts *facts, enum app_kind kind,
                    struct arena *mem, str *out, struct fault *why)
{
    struct buf b;
    if (kind == APP_ADS) {
        if (f != NULL && facts->held.n > 0 && pick(str_of(f->scopes), facts->held, false, mem).n > 0)
            return fault_set(why, RC_REFUSED, "accounts.app_lacks_scope", "%s needs %s", f->name, f->scopes);
        *out = STR("");
        return RC_OK;
    }
    str kept = pick(facts->granted, facts->held, true, mem);
    if (f == NULL) {
        *out = kept.n > 0 ? kept : facts->held;
        return RC_OK;
    }
    str needed = str_of(f->scopes), lacking = pick(needed, facts->held, false, mem);
    if (lacking.n > 0)
        return fault_set(why, RC_REFUSED, "accounts.app_lacks_scope", "%s needs " STR_FMT, f->name,
                         STR_ARG(lacking));
    buf_init(&b, mem, 4096);
    /* A first connection names the account too, else nobody could tell whose it is. */
    put_new(&b, kept.n > 0 ? kept : pick(STR("user.info.basic"), facts->held, true, mem));
    put_new(&b, needed);
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "base.arena", "no room for the scopes");
    *out = buf_str(&b);
    return RC_OK;
}
