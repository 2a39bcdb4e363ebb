/* connect_steps: what somebody who never heard of OAuth has to check before connecting: markets, steps with
 * their conflict, guides. One table feeds the page before TikTok and GET /v1/connect/checklist. Facts:
 * business-messaging 2.2, 2.10, 4.1, 4.2; marketing-api 1.1, 5. A region cannot be read by any call, so the
 * person says it.
 */
#include "login/connect_priv.h"

static const struct market_row markets[] = {
    {"th",
     "good",
     {"Thailand", "ประเทศไทย"},
     {"Messages work once TikTok has approved the app. Comments can be answered by message, too.",
      "ใช้ข้อความได้เมื่อ TikTok อนุมัติแอปแล้ว และตอบความคิดเห็นด้วยข้อความได้ด้วย"}},
    {"eea",
     "bad",
     {"European Economic Area, Switzerland, United Kingdom", "เขตเศรษฐกิจยุโรป สวิตเซอร์แลนด์ สหราชอาณาจักร"},
     {"TikTok offers no message interface for accounts that were registered here. Comments, posts and "
      "figures "
      "work; messages stay in TikTok's own inbox, to which this service links.",
      "TikTok ไม่เปิดระบบข้อความให้บัญชีที่ลงทะเบียนในเขตนี้ ใช้ได้เฉพาะความคิดเห็น โพสต์ และตัวเลข "
      "ส่วนข้อความอยู่ในกล่องข้อความของ TikTok ซึ่งบริการนี้มีลิงก์ให้"}},
    {"us",
     "warning",
     {"United States", "สหรัฐอเมริกา"},
     {"Messages work only for apps that also passed TikTok's review for US data. Comments cannot be answered "
      "by message.",
      "ใช้ข้อความได้เฉพาะแอปที่ผ่านการตรวจข้อมูลสหรัฐของ TikTok เพิ่มเติม และตอบความคิดเห็นด้วยข้อความไม่ได้"}},
    {"rest",
     "good",
     {"Another country", "ประเทศอื่น"},
     {"Messages work in most countries once TikTok has approved the app. Answering comments by message is "
      "offered in Vietnam and Indonesia only.",
      "ใช้ข้อความได้ในประเทศส่วนใหญ่เมื่อ TikTok อนุมัติแอปแล้ว การตอบความคิดเห็นด้วยข้อความมีเฉพาะเวียดนามและอินโดนีเซีย"}},
};

const struct market_row *market_at(size_t i)
{
    return i < COUNT_OF(markets) ? &markets[i] : NULL;
}

const struct market_row *market_find(str id)
{
    for (size_t i = 0; i < COUNT_OF(markets); i++)
        if (str_eq(id, str_of(markets[i].id)))
            return &markets[i];
    return NULL;
}

/* ---- what the service itself can tell ---- */
static int app_ready(struct login *l, str workspace, enum app_kind kind)
{
    return accounts_app_for(l->o.accounts, workspace, kind) != NULL ? 1 : 0;
}

static int messages_held(struct login *l, str workspace, enum app_kind kind)
{
    const struct account_app *app = accounts_app_for(l->o.accounts, workspace, APP_ACCOUNTS);
    (void)kind;
    return app != NULL && tiktok_scope_in(app->scopes, STR("message.list.read")) &&
                   tiktok_scope_in(app->scopes, STR("message.list.send"))
               ? 1
               : 0;
}

#define BUSINESS (1u << APP_ACCOUNTS)
#define ADS (1u << APP_ADS)
#define LOGIN (1u << APP_LOGIN_KIT)

static const struct step_row steps[] = {
    {"app_ready",
     BUSINESS | ADS | LOGIN,
     NULL,
     false,
     {"The TikTok app is set up here", "ตั้งค่าแอป TikTok ในระบบนี้แล้ว"},
     {"The operator enters the app's id and secret once. The guides tell how to get them.",
      "ผู้ดูแลระบบกำหนดรหัสแอปและรหัสลับเพียงครั้งเดียว ดูวิธีขอได้จากคู่มือ"},
     {NULL, NULL},
     app_ready},
    {"messages_approved",
     BUSINESS,
     "th,us,rest",
     false,
     {"TikTok approved messages for the app", "TikTok อนุมัติข้อความให้แอปแล้ว"},
     {"Business Messaging is applied for separately and takes weeks. Without it, everything else can be "
      "connected already.",
      "Business Messaging ต้องยื่นขอแยกต่างหากและใช้เวลาหลายสัปดาห์ ระหว่างนี้เชื่อมต่อส่วนอื่นได้"},
     {NULL, NULL},
     messages_held},
    {"business_account",
     BUSINESS,
     NULL,
     true,
     {"Use a TikTok business account", "ใช้บัญชีธุรกิจ TikTok"},
     {"In the TikTok app: Settings and privacy, Account, Switch to Business Account. It is free. Personal "
      "accounts cannot use messages or comments here.",
      "ในแอป TikTok ไปที่ การตั้งค่าและความเป็นส่วนตัว บัญชี เปลี่ยนเป็นบัญชีธุรกิจ ไม่มีค่าใช้จ่าย "
      "บัญชีส่วนตัวใช้ข้อความและความคิดเห็นที่นี่ไม่ได้"},
     {NULL, NULL},
     NULL},
    {"business_center",
     BUSINESS,
     NULL,
     false,
     {"Link the account to a Business Center", "เชื่อมบัญชีกับ Business Center"},
     {"Switching to a business account alone is sometimes not enough for messages. A link to a Business "
      "Center "
      "gives the account the access that TikTok expects.",
      "การเปลี่ยนเป็นบัญชีธุรกิจอย่างเดียวบางครั้งไม่พอสำหรับข้อความ การเชื่อมกับ Business Center ทำให้บัญชีมีสิทธิ์ที่ TikTok ต้องการ"},
     {NULL, NULL},
     NULL},
    {"everyone",
     BUSINESS,
     "th,us,rest",
     true,
     {"Accept messages from everyone, before you connect", "เปิดรับข้อความจากทุกคน ก่อนเชื่อมต่อ"},
     {"In the TikTok app: Settings and privacy, Privacy, Direct messages, Everyone. Otherwise a new "
      "customer's "
      "message arrives here only after somebody accepted the request in the app.",
      "ในแอป TikTok ไปที่ การตั้งค่าและความเป็นส่วนตัว ความเป็นส่วนตัว ข้อความ ทุกคน มิฉะนั้นข้อความของลูกค้าใหม่จะมาถึงที่นี่"
      "หลังจากมีผู้กดยอมรับคำขอในแอปเท่านั้น"},
     {"Answering comments by message wants the setting Requests instead. Both cannot be had at once: choose "
      "what matters more. Most shops choose Everyone.",
      "การตอบความคิดเห็นด้วยข้อความต้องตั้งเป็น คำขอ แทน ใช้พร้อมกันไม่ได้ โปรดเลือกสิ่งที่สำคัญกว่า ร้านค้าส่วนใหญ่เลือก ทุกคน"},
     NULL},
    {"comment_to_message",
     BUSINESS,
     "th,rest",
     true,
     {"Only for answering comments by message: set Requests", "เฉพาะการตอบความคิดเห็นด้วยข้อความ: ตั้งเป็น คำขอ"},
     {"TikTok offers it to accounts registered in Thailand, Vietnam or Indonesia whose owner is over 18, as "
      "registered business accounts or after messaging ads. Potential connections and Others on TikTok must "
      "both be set to Requests.",
      "TikTok เปิดให้บัญชีที่ลงทะเบียนในไทย เวียดนาม หรืออินโดนีเซีย เจ้าของอายุเกิน 18 ปี "
      "เป็นบัญชีธุรกิจที่จดทะเบียนหรือเคยลงโฆษณาข้อความ และต้องตั้งทั้ง ผู้ที่อาจรู้จัก และ ผู้อื่นบน TikTok เป็น คำขอ"},
     {"Receiving every message at once wants the setting Everyone instead. Both cannot be had at once.",
      "การรับทุกข้อความทันทีต้องตั้งเป็น ทุกคน แทน ใช้พร้อมกันไม่ได้"},
     NULL},
    {"us_review",
     BUSINESS,
     "us",
     true,
     {"The app passed the review for US data", "แอปผ่านการตรวจข้อมูลสหรัฐแล้ว"},
     {"TikTok asks developers for a second data security review and a signed addendum before messages of US "
      "accounts are opened.",
      "TikTok กำหนดให้ผู้พัฒนาผ่านการตรวจความปลอดภัยข้อมูลครั้งที่สองและลงนามเอกสารแนบ ก่อนเปิดข้อความของบัญชีสหรัฐ"},
     {NULL, NULL},
     NULL},
    {"right_account",
     BUSINESS | ADS,
     NULL,
     true,
     {"Sign in to TikTok with the right account", "ลงชื่อเข้าใช้ TikTok ด้วยบัญชีที่ถูกต้อง"},
     {"TikTok connects the account that is signed in in this browser. Its page shows which one that is.",
      "TikTok จะเชื่อมต่อบัญชีที่ลงชื่อเข้าใช้อยู่ในเบราว์เซอร์นี้ หน้าของ TikTok จะแสดงว่าเป็นบัญชีใด"},
     {NULL, NULL},
     NULL},
    {"leads_admin",
     ADS,
     NULL,
     true,
     {"For leads: confirm as Admin of the Business Center",
      "สำหรับข้อมูลผู้สนใจ: ยืนยันโดยแอดมินของ Business Center"},
     {"TikTok hands out leads only to somebody who is Admin of the ad account. Connected by another role, "
      "reports work and leads are refused.",
      "TikTok ให้ข้อมูลผู้สนใจเฉพาะผู้ที่เป็นแอดมินของบัญชีโฆษณา หากเชื่อมต่อด้วยบทบาทอื่น รายงานใช้ได้แต่ข้อมูลผู้สนใจจะถูกปฏิเสธ"},
     {NULL, NULL},
     NULL},
    {"permissions_ticked",
     ADS,
     NULL,
     true,
     {"Leave the permissions ticked that you need", "เลือกสิทธิ์ที่ต้องใช้ไว้"},
     {"What is not ticked on TikTok's page stays closed until you confirm again.",
      "สิทธิ์ที่ไม่ได้เลือกในหน้าของ TikTok จะใช้ไม่ได้จนกว่าจะยืนยันใหม่"},
     {NULL, NULL},
     NULL},
};

const struct step_row *step_at(size_t i)
{
    return i < COUNT_OF(steps) ? &steps[i] : NULL;
}

bool step_applies(const struct step_row *s, enum app_kind kind, str market)
{
    if ((s->kinds >> kind & 1u) == 0)
        return false;
    return s->markets == NULL || market.n == 0 || tiktok_scope_in(str_of(s->markets), market);
}

static const struct {
    const char *portal, *name;
    struct login_words words;
} guides[] = {
    {"developers",
     "enrol-developers",
     {"TikTok for Developers: the app for sign-in", "TikTok for Developers: แอปสำหรับการลงชื่อเข้าใช้"}},
    {"api_for_business",
     "enrol-business-api",
     {"TikTok API for Business: the app for messages and ads",
      "TikTok API for Business: แอปสำหรับข้อความและโฆษณา"}},
    {"business_center",
     "enrol-business-center",
     {"Business Center: accounts, ad accounts and roles", "Business Center: บัญชี บัญชีโฆษณา และบทบาท"}},
};

/* ---- GET /v1/connect/checklist ---- */
static void put_words(struct jw *w, const struct login_words *name, const struct login_words *detail)
{
    jw_cstr(w, "en", name->en);
    jw_cstr(w, "th", name->th);
    if (detail == NULL)
        return;
    jw_cstr(w, "detail_en", detail->en);
    jw_cstr(w, "detail_th", detail->th);
}

static void put_step(struct jw *w, struct login *l, struct request *rq, const struct step_row *s,
                     bool applies)
{
    str workspace = rq_who(rq)->workspace;
    jw_obj(w, NULL);
    jw_cstr(w, "id", s->id);
    put_words(w, &s->name, &s->detail);
    if (s->conflict.en != NULL) {
        jw_obj(w, "conflict");
        put_words(w, &s->conflict, NULL);
        jw_end(w);
    } else
        jw_null(w, "conflict");
    jw_bool(w, "applies", applies);
    enum app_kind kind = (s->kinds & BUSINESS) != 0 ? APP_ACCOUNTS : APP_ADS;
    str given = rq_arg(rq, "kind");
    if (str_eq(given, STR("advertiser")))
        kind = APP_ADS;
    else if (str_eq(given, STR("login")))
        kind = APP_LOGIN_KIT;
    int done = s->done != NULL ? s->done(l, workspace, kind) : -1;
    if (done < 0)
        jw_null(w, "done");
    else
        jw_bool(w, "done", done == 1);
    jw_end(w);
}

static bool applies_to(const struct step_row *s, str kind, str market)
{
    static const struct {
        const char *word;
        enum app_kind kind;
    } words[] = {{"business", APP_ACCOUNTS}, {"advertiser", APP_ADS}, {"login", APP_LOGIN_KIT}};
    bool any = false;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (kind.n == 0 || str_eq(kind, str_of(words[i].word)))
            any = any || step_applies(s, words[i].kind, market);
    return any;
}

enum rc connect_route_checklist(struct request *rq, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    str kind = rq_arg(rq, "kind"), market = rq_arg(rq, "market");
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(rq), 128 * 1024);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_arr(&w, "steps");
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        put_step(&w, l, rq, &steps[i], applies_to(&steps[i], kind, market));
    jw_end(&w);
    jw_arr(&w, "markets");
    for (size_t i = 0; i < COUNT_OF(markets); i++) {
        jw_obj(&w, NULL);
        jw_cstr(&w, "id", markets[i].id);
        put_words(&w, &markets[i].name, &markets[i].detail);
        jw_cstr(&w, "verdict", markets[i].verdict);
        jw_end(&w);
    }
    jw_end(&w);
    jw_arr(&w, "guides");
    for (size_t i = 0; i < COUNT_OF(guides); i++) {
        jw_obj(&w, NULL);
        jw_cstr(&w, "portal", guides[i].portal);
        put_words(&w, &guides[i].words, NULL);
        jw_str(&w, "url_path", arena_fmt(rq_mem(rq), "/guides/%s", guides[i].name));
        jw_end(&w);
    }
    jw_end(&w);
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return buf_ok(&b) ? RC_OK : fault_set(why, RC_FULL, "base.arena", "the list is too long");
}
