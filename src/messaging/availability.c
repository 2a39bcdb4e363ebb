/* availability: what the facts of a probe mean, in one verdict and in plain words, and what can be done
 * without the API. Pure: no I/O, no clock. An unknown fact never decides against an account.
 */
#include "messaging/setup_priv.h"

const struct hook_category hook_categories[HOOK_CATEGORIES] = {
    [HOOK_MESSAGES] = {"DIRECT_MESSAGE", true, "im_",
                       "Messages from customers, and what the business sends from TikTok's own app.",
                       "ข้อความจากลูกค้า และข้อความที่ธุรกิจส่งจากแอป TikTok"},
    [HOOK_COMMENTS] = {"COMMENT", true, "comment.",
                       "Comments on the business's posts: made, deleted, hidden or shown.",
                       "ความคิดเห็นใต้โพสต์ของธุรกิจ ทั้งที่เพิ่ม ลบ ซ่อน หรือแสดง"},
    [HOOK_VIDEO] = {"VIDEO", false, "post.publish.", "What becomes of posts that were published by API.",
                    "ผลของโพสต์ที่เผยแพร่ผ่าน API"},
    [HOOK_MENTIONS] = {"BRAND_MENTION", false, "brand.mention", "Videos and comments that mention the brand.",
                       "วิดีโอและความคิดเห็นที่กล่าวถึงแบรนด์"},
};

const struct verdict_row verdict_rows[VERDICTS] = {
    [VERDICT_UNKNOWN] = {"unknown",
                         "TikTok has not answered all questions yet. The check is repeated by itself.",
                         "TikTok ยังตอบไม่ครบทุกข้อ ระบบจะตรวจสอบซ้ำโดยอัตโนมัติ"},
    [VERDICT_AVAILABLE] = {"available", "Messaging works for this account.", "บัญชีนี้ใช้งานข้อความได้"},
    [VERDICT_NO_SCOPE] = {"no_scope",
                          "The owner did not grant the permissions for messages. Connect the account again "
                          "and leave them ticked.",
                          "เจ้าของบัญชียังไม่ได้ให้สิทธิ์เกี่ยวกับข้อความ โปรดเชื่อมต่อบัญชีอีกครั้งโดยเลือกสิทธิ์ไว้ครบ"},
    [VERDICT_NOT_BUSINESS] =
        {"not_business",
         "This is a personal account. Switch it to a Business Account in the TikTok app, "
         "then check again.",
         "บัญชีนี้เป็นบัญชีส่วนตัว โปรดเปลี่ยนเป็นบัญชีธุรกิจในแอป TikTok แล้วตรวจสอบอีกครั้ง"},
    [VERDICT_NOT_LET_IN] = {"not_approved_or_region",
                            "TikTok does not let this app or account use messaging: the app's review is not "
                            "finished, or the account was registered where TikTok does not offer it.",
                            "TikTok ยังไม่อนุญาตให้แอปหรือบัญชีนี้ใช้ข้อความ เนื่องจากยังไม่ผ่านการพิจารณาแอป "
                            "หรือบัญชีลงทะเบียนในพื้นที่ที่ TikTok ไม่ให้บริการ"},
    [VERDICT_TOKEN_DEAD] = {"token_dead",
                            "The connection has ended or TikTok no longer accepts it. The owner must connect "
                            "the account again.",
                            "การเชื่อมต่อสิ้นสุดแล้วหรือ TikTok ไม่ยอมรับอีกต่อไป เจ้าของบัญชีต้องเชื่อมต่ออีกครั้ง"},
    [VERDICT_WEBHOOK_MISSING] = {"webhook_missing",
                                 "Messages would not reach this service: the webhook of the app is not "
                                 "registered with this address. Register it under Webhooks.",
                                 "ข้อความจะไม่ถึงระบบนี้ เนื่องจากยังไม่ได้ลงทะเบียนเว็บฮุกของแอปด้วยที่อยู่นี้ "
                                 "โปรดลงทะเบียนในหน้าเว็บฮุก"},
};

const struct fact_row fact_rows[FACTS] = {
    [FACT_TOKEN] = {"token",
                    {{"The connection could not be checked.", "ยังตรวจสอบการเชื่อมต่อไม่ได้"},
                     {"TikTok accepts the connection.", "TikTok ยอมรับการเชื่อมต่อ"},
                     {"TikTok does not accept the connection any more.", "TikTok ไม่ยอมรับการเชื่อมต่ออีกต่อไป"}}},
    [FACT_SCOPES] = {"scopes",
                     {{"The granted permissions are not known.", "ยังไม่ทราบสิทธิ์ที่ได้รับ"},
                      {"All three permissions for messages are granted.", "ได้รับสิทธิ์เกี่ยวกับข้อความครบทั้งสามข้อ"},
                      {"A permission for messages is missing.", "ขาดสิทธิ์เกี่ยวกับข้อความ"}}},
    [FACT_TYPE] = {"account_type",
                   {{"The kind of account is not known: its permission is not granted, or TikTok did not "
                     "answer.",
                     "ยังไม่ทราบประเภทบัญชี เนื่องจากไม่ได้รับสิทธิ์หรือ TikTok ไม่ตอบ"},
                    {"It is a Business Account.", "เป็นบัญชีธุรกิจ"},
                    {"It is a personal account.", "เป็นบัญชีส่วนตัว"}}},
    [FACT_REGION] =
        {"region",
         {{"TikTok tells no country; whether the region is let in is not known yet.",
           "TikTok ไม่แจ้งประเทศ จึงยังไม่ทราบว่าพื้นที่นี้ใช้ได้หรือไม่"},
          {"App and region are let in.", "แอปและพื้นที่ใช้ได้"},
          {"TikTok says no: the app is not approved, or the account's region (EEA, Switzerland, UK; "
           "US without an own review) is not let in.",
           "TikTok ปฏิเสธ เนื่องจากแอปยังไม่ได้รับอนุมัติ หรือพื้นที่ของบัญชี (EEA สวิตเซอร์แลนด์ สหราชอาณาจักร "
           "หรือสหรัฐอเมริกาที่ยังไม่ผ่านการพิจารณาเฉพาะ) ใช้ไม่ได้"}}},
    [FACT_CONVERSATIONS] = {"conversation_list",
                            {{"Reading conversations was not tried.", "ยังไม่ได้ทดลองอ่านการสนทนา"},
                             {"Conversations can be read.", "อ่านการสนทนาได้"},
                             {"TikTok refused to list conversations.", "TikTok ปฏิเสธการอ่านรายการสนทนา"}}},
    [FACT_HOOK +
        HOOK_MESSAGES] = {"webhook.DIRECT_MESSAGE",
                          {{"It could not be asked where messages are sent.", "ยังตรวจสอบไม่ได้ว่าข้อความส่งไปที่ใด"},
                           {"TikTok sends messages to this service.", "TikTok ส่งข้อความมายังระบบนี้"},
                           {"TikTok does not send messages to this service.",
                            "TikTok ไม่ได้ส่งข้อความมายังระบบนี้"}}},
    [FACT_HOOK + HOOK_COMMENTS] =
        {"webhook.COMMENT",
         {{"It could not be asked where comments are sent.", "ยังตรวจสอบไม่ได้ว่าความคิดเห็นส่งไปที่ใด"},
          {"TikTok sends comments to this service.", "TikTok ส่งความคิดเห็นมายังระบบนี้"},
          {"TikTok does not send comments to this service.", "TikTok ไม่ได้ส่งความคิดเห็นมายังระบบนี้"}}},
    [FACT_HOOK + HOOK_VIDEO] =
        {"webhook.VIDEO",
         {{"It could not be asked where news of posts is sent.", "ยังตรวจสอบไม่ได้ว่าข่าวของโพสต์ส่งไปที่ใด"},
          {"TikTok sends news of posts to this service.", "TikTok ส่งข่าวของโพสต์มายังระบบนี้"},
          {"TikTok does not send news of posts to this service.", "TikTok ไม่ได้ส่งข่าวของโพสต์มายังระบบนี้"}}},
    [FACT_HOOK + HOOK_MENTIONS] =
        {"webhook.BRAND_MENTION",
         {{"It could not be asked where mentions are sent.", "ยังตรวจสอบไม่ได้ว่าการกล่าวถึงส่งไปที่ใด"},
          {"TikTok sends mentions to this service.", "TikTok ส่งการกล่าวถึงมายังระบบนี้"},
          {"TikTok does not send mentions to this service.", "TikTok ไม่ได้ส่งการกล่าวถึงมายังระบบนี้"}}},
    [FACT_LAST_EVENT] = {"last_webhook",
                         {{"No signed event of this account has arrived yet.",
                           "ยังไม่มีเหตุการณ์ที่ลงลายเซ็นของบัญชีนี้เข้ามา"},
                          {"A signed event of this account has arrived.", "มีเหตุการณ์ที่ลงลายเซ็นของบัญชีนี้เข้ามาแล้ว"},
                          {"Signed events of this account have stopped.", "เหตุการณ์ของบัญชีนี้หยุดเข้ามา"}}},
};

/* The first bad fact decides; the order is what the owner must mend first. */
static const struct {
    enum fact_name fact;
    enum verdict verdict;
} bad_rows[] = {
    {FACT_TOKEN, VERDICT_TOKEN_DEAD},         {FACT_SCOPES, VERDICT_NO_SCOPE},
    {FACT_TYPE, VERDICT_NOT_BUSINESS},        {FACT_REGION, VERDICT_NOT_LET_IN},
    {FACT_CONVERSATIONS, VERDICT_NOT_LET_IN}, {FACT_HOOK + HOOK_MESSAGES, VERDICT_WEBHOOK_MISSING},
};
/* What must be known to be good: the type may stay unknown, because conversation/list is the stronger proof.
 */
static const enum fact_name proofs[] = {FACT_TOKEN, FACT_SCOPES, FACT_CONVERSATIONS,
                                        FACT_HOOK + HOOK_MESSAGES};

enum verdict availability_judge(const struct facts *f)
{
    for (size_t i = 0; i < COUNT_OF(bad_rows); i++)
        if (f->by[bad_rows[i].fact].result == FACT_BAD)
            return bad_rows[i].verdict;
    for (size_t i = 0; i < COUNT_OF(proofs); i++)
        if (f->by[proofs[i]].result != FACT_GOOD && !planted("messaging.optimist"))
            return VERDICT_UNKNOWN;
    return VERDICT_AVAILABLE;
}

bool verdict_find(str name, enum verdict *out)
{
    for (unsigned i = 0; i < VERDICTS; i++)
        if (str_eq(name, str_of(verdict_rows[i].name))) {
            *out = (enum verdict)i;
            return true;
        }
    return false;
}

/* ---- facts as stored ---- */
void facts_write(const struct facts *f, struct jw *w)
{
    jw_obj(w, NULL);
    for (size_t i = 0; i < FACTS; i++) {
        const struct fact *one = &f->by[i];
        jw_obj(w, fact_rows[i].name);
        jw_i64(w, "result", one->result);
        jw_i64(w, "at_ms", one->at_ms);
        jw_i64(w, "tiktok_code", one->tiktok_code);
        jw_cstr(w, "log_id", one->log_id);
        jw_end(w);
    }
    jw_end(w);
}

enum rc facts_parse(str text, struct arena *mem, struct facts *out, struct fault *why)
{
    const struct json *root = NULL;
    struct facts f = {0};
    enum rc rc = json_parse(text, NULL, mem, &root, why);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < FACTS; i++) {
        const struct json *one = json_get(root, fact_rows[i].name);
        int64_t result = 0;
        str log_id;
        if (one == NULL)
            continue; /* a fact that a later version added */
        if (!json_i64(one, "result", &result) || result < 0 || result >= FACT_RESULTS ||
            !json_i64(one, "at_ms", &f.by[i].at_ms) || !json_i64(one, "tiktok_code", &f.by[i].tiktok_code) ||
            !json_str(one, "log_id", &log_id) || log_id.n >= sizeof(f.by[i].log_id))
            return fault_set(why, RC_BUG, "messaging.facts", "stored facts cannot be read");
        f.by[i].result = (enum fact_result)result;
        memcpy(f.by[i].log_id, log_id.n > 0 ? log_id.p : "", log_id.n);
    }
    *out = f;
    return RC_OK;
}

/* ---- without the API: business-messaging 4.4 ---- */
const struct fallback_link fallback_links[] = {
    {"tiktok_me", "https://tiktok.me/%s",
     "For customers: opens a chat with the business in the TikTok app on a phone.",
     "สำหรับลูกค้า เปิดแชตกับธุรกิจในแอป TikTok บนโทรศัพท์"},
    {"profile", "https://www.tiktok.com/@%s",
     "The business's profile: for customers, and to reach a contact whose chat is not here.",
     "โปรไฟล์ของธุรกิจ สำหรับลูกค้า และใช้ติดต่อผู้ที่แชตไม่ปรากฏในระบบนี้"},
    {"inbox", "https://www.tiktok.com/messages",
     "For agents: TikTok's inbox in a browser that is signed in as the business.",
     "สำหรับพนักงาน กล่องข้อความของ TikTok ในเบราว์เซอร์ที่ลงชื่อเข้าใช้ในนามธุรกิจ"},
    {"business_center", "https://business.tiktok.com/",
     "For agents: Business Center, Assets, TikTok accounts, Manage direct messages. Wants a registered "
     "Business Account that is linked to it.",
     "สำหรับพนักงาน ไปที่ Business Center เมนู Assets, TikTok accounts, Manage direct messages "
     "บัญชีต้องเป็นบัญชีธุรกิจที่จดทะเบียนและเชื่อมโยงไว้"},
    {"app", NULL, "Always works: the TikTok app on the phone of the business, page Inbox.",
     "ใช้ได้เสมอ เปิดแอป TikTok บนโทรศัพท์ของธุรกิจ แล้วไปที่กล่องข้อความ"},
};
const size_t fallback_links_n = COUNT_OF(fallback_links);

str fallback_url(const struct fallback_link *l, str username, struct arena *mem)
{
    size_t at = 0;
    str form = str_of(l->url);
    if (l->url == NULL || !str_find(form, STR("%s"), &at))
        return form;
    struct buf b;
    if (username.n == 0)
        return STR_NONE;
    buf_init(&b, mem, 2048);
    buf_put(&b, str_sub(form, 0, at));
    buf_put_percent(&b, username);
    buf_put(&b, str_sub(form, at + 2, form.n));
    return buf_str(&b);
}
