/* connect_ends: how a connection can end, and the words of every page in English and Thai. TikTok's fault
 * codes become ends by one table; an unlisted one becomes connect.our_fault. The page of a taken account
 * names no other workspace.
 */
#include "login/connect_priv.h"

static const struct login_end ends[] = {
    {"connect.denied", 403, true, "The person pressed cancel on TikTok's page."},
    {"connect.skipped", 409, true, "TikTok came back with neither a code nor an error."},
    {"connect.scope_unapproved", 502, false, "TikTok has not approved a requested scope for the app."},
    {"connect.wrong_client", 502, false, "TikTok does not accept the app id or secret."},
    {"connect.redirect_mismatch", 502, false, "The redirect URI is not the registered one."},
    {"connect.tiktok_code", 409, true, "TikTok's code is expired or was used."},
    {"connect.state_unknown", 409, false, "The answer belongs to no connection that began in this browser."},
    {"connect.state_expired", 409, true, "More than ten minutes passed at TikTok."},
    {"connect.double_callback", 409, false, "The same answer came a second time."},
    {"connect.mixed_up", 409, false, "The answer came to the callback of another kind of app."},
    {"connect.bad_callback", 400, false, "The answer's parameters are broken."},
    {"connect.tiktok_down", 502, true, "TikTok could not be reached or failed."},
    {"connect.tiktok_slow", 504, true, "TikTok did not answer within eight seconds."},
    {"connect.not_json", 502, true, "TikTok answered with something that is not JSON."},
    {"connect.oauth_error", 502, true, "TikTok answered with an error, with whatever HTTP status."},
    {"connect.limited", 503, true, "Too many calls to TikTok at this moment."},
    {"connect.not_allowed", 403, false, "TikTok does not open the app to this account, or not yet."},
    {"connect.taken", 409, false, "The business account belongs to another workspace."},
    {"connect.other_account", 409, true, "A step-up was answered by another account."},
    {"connect.no_advertiser", 409, true, "The advertiser granted no ad account."},
    {"connect.switched_off", 404, false, "Connecting was switched off meanwhile."},
    {"connect.link_unknown", 404, false, "The link names no attempt of this kind."},
    {"connect.link_over", 409, false, "The link was used, has ended or is older than 72 hours."},
    {"connect.other_browser", 409, false, "The link was started in another browser."},
    {"connect.no_cookie", 409, true, "The browser did not keep the page's cookie."},
    {"connect.market", 422, true, "No market was chosen."},
    {"connect.not_configured", 404, false, "No app of this kind is configured."},
    {"connect.app_lacks_scope", 409, false, "The app does not hold a scope of the feature."},
    {"connect.our_fault", 500, true, "Anything else that failed on our side."},
};

const struct login_end *connect_end(size_t i)
{
    return i < COUNT_OF(ends) ? &ends[i] : NULL;
}

static const struct {
    const char *fault, *end;
} becomes[] = {
    {"tiktok.denied", "connect.denied"},
    {"tiktok.non_sandbox_target", "connect.not_allowed"},
    {"tiktok.not_allowed", "connect.not_allowed"},
    {"tiktok.scope_missing", "connect.not_allowed"},
    {"tiktok.scope_unapproved", "connect.scope_unapproved"},
    {"tiktok.client", "connect.wrong_client"},
    {"tiktok.redirect_mismatch", "connect.redirect_mismatch"},
    {"tiktok.code_expired", "connect.tiktok_code"},
    {"tiktok.grant_invalid", "connect.tiktok_code"},
    {"tiktok.callback", "connect.bad_callback"},
    {"tiktok.down", "connect.tiktok_down"},
    {"tiktok.slow", "connect.tiktok_slow"},
    {"tiktok.unsure", "connect.tiktok_slow"},
    {"tiktok.not_json", "connect.not_json"},
    {"tiktok.oauth_error", "connect.oauth_error"},
    {"tiktok.api_error", "connect.oauth_error"},
    {"tiktok.param", "connect.oauth_error"},
    {"tiktok.token_invalid", "connect.oauth_error"},
    {"tiktok.token_expired", "connect.oauth_error"},
    {"tiktok.limited", "connect.limited"},
    {"budget.limited", "connect.limited"},
    {"accounts.business_taken", "connect.taken"},
    {"accounts.app_lacks_scope", "connect.app_lacks_scope"},
};

const struct login_end *connect_end_of(const struct fault *why)
{
    const char *code = why->code;
    for (size_t i = 0; i < COUNT_OF(becomes); i++)
        if (strcmp(code, becomes[i].fault) == 0) {
            code = becomes[i].end;
            break;
        }
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (strcmp(code, ends[i].code) == 0)
            return &ends[i];
    return &ends[COUNT_OF(ends) - 1];
}

#define EN_AGAIN "Please try again."
#define TH_AGAIN "โปรดลองอีกครั้ง"
#define EN_OPERATOR "Please tell the people who sent you the link; trying again will not help."
#define TH_OPERATOR "โปรดแจ้งผู้ที่ส่งลิงก์ให้ท่าน การลองอีกครั้งจะไม่ช่วยแก้ปัญหา"
#define EN_NEW "Ask the people who sent you the link for a new one."
#define TH_NEW "โปรดขอลิงก์ใหม่จากผู้ที่ส่งให้ท่าน"
#define EN_WAIT "Please try again in a few minutes."
#define TH_WAIT "โปรดลองอีกครั้งในอีกไม่กี่นาที"

const struct problem_row connect_problems[] = {
    {"connect.denied", 403, "You cancelled the connection",
     "TikTok told us that you did not allow the access. Nothing was stored.",
     "If that was a mistake, try again and choose Allow on TikTok's page.", "ท่านยกเลิกการเชื่อมต่อ",
     "TikTok แจ้งว่าท่านไม่ได้อนุญาตการเข้าถึง ระบบไม่ได้บันทึกข้อมูลใด ๆ",
     "หากเป็นความเข้าใจผิด โปรดลองอีกครั้งและเลือกอนุญาตในหน้าของ TikTok"},
    {"connect.skipped", 409, "TikTok's page was skipped",
     "TikTok sent you back without asking you, so it gave us no permission. This happens when the account "
     "was connected to this app before. Nothing was stored.",
     "Try again. If it happens again, remove the app in TikTok under Settings, Security, Apps and services, "
     "and then try once more.",
     "TikTok ข้ามหน้ายืนยัน",
     "TikTok ส่งท่านกลับโดยไม่ได้สอบถาม จึงไม่ได้ให้สิทธิ์แก่ระบบ มักเกิดเมื่อบัญชีเคยเชื่อมต่อกับแอปนี้มาก่อน "
     "ระบบไม่ได้บันทึกข้อมูลใด ๆ",
     "โปรดลองอีกครั้ง หากยังเกิดขึ้น โปรดลบแอปนี้ใน TikTok ที่ การตั้งค่า ความปลอดภัย แอปและบริการ แล้วลองใหม่"},
    {"connect.scope_unapproved", 502, "TikTok refused a permission of this service",
     "The service asked for a permission that TikTok has not approved for it, so TikTok refused the whole "
     "connection.",
     EN_OPERATOR, "TikTok ปฏิเสธสิทธิ์ที่บริการนี้ขอ", "บริการขอสิทธิ์ที่ TikTok ยังไม่ได้อนุมัติ TikTok จึงปฏิเสธการเชื่อมต่อทั้งหมด",
     TH_OPERATOR},
    {"connect.wrong_client", 502, "TikTok does not accept this service's app",
     "The app id or secret is wrong, or the app is blocked or still in review.", EN_OPERATOR,
     "TikTok ไม่ยอมรับแอปของบริการนี้", "รหัสแอปหรือรหัสลับไม่ถูกต้อง หรือแอปถูกระงับหรือยังอยู่ระหว่างการตรวจสอบ", TH_OPERATOR},
    {"connect.redirect_mismatch", 502, "TikTok does not know this service's return address",
     "The redirect URI differs from the one that is registered at TikTok, perhaps only by its last slash.",
     EN_OPERATOR, "TikTok ไม่รู้จักที่อยู่ส่งกลับของบริการนี้",
     "ที่อยู่ส่งกลับไม่ตรงกับที่ลงทะเบียนไว้กับ TikTok อาจต่างเพียงเครื่องหมายทับท้าย", TH_OPERATOR},
    {"connect.tiktok_code", 409, "TikTok's code is no longer valid",
     "The code that TikTok gave had expired or had been used. Nothing was stored.", EN_AGAIN,
     "รหัสจาก TikTok ใช้ไม่ได้แล้ว", "รหัสที่ TikTok ให้มาหมดอายุหรือถูกใช้ไปแล้ว ระบบไม่ได้บันทึกข้อมูลใด ๆ", TH_AGAIN},
    {"connect.state_unknown", 409, "This connection did not begin in this browser",
     "The answer from TikTok belongs to no connection that this browser began. Somebody may have sent you a "
     "link.",
     EN_NEW, "การเชื่อมต่อนี้ไม่ได้เริ่มจากเบราว์เซอร์นี้",
     "คำตอบจาก TikTok ไม่ตรงกับการเชื่อมต่อที่เริ่มจากเบราว์เซอร์นี้ อาจมีผู้อื่นส่งลิงก์ให้ท่าน", TH_NEW},
    {"connect.state_expired", 409, "The connection took too long",
     "More than ten minutes passed between the start and TikTok's answer.",
     "Open the link that you were sent again; it lives 72 hours.", "ใช้เวลาเชื่อมต่อนานเกินไป",
     "เวลาผ่านไปเกินสิบนาทีระหว่างการเริ่มต้นกับคำตอบจาก TikTok", "โปรดเปิดลิงก์ที่ได้รับอีกครั้ง ลิงก์มีอายุ 72 ชั่วโมง"},
    {"connect.double_callback", 409, "This answer was used already",
     "The page was loaded a second time. The first time counted.", "You can close this page.",
     "คำตอบนี้ถูกใช้ไปแล้ว", "หน้านี้ถูกเปิดเป็นครั้งที่สอง ระบบนับเฉพาะครั้งแรก", "ท่านปิดหน้านี้ได้"},
    {"connect.mixed_up", 409, "TikTok's answer came to the wrong address",
     "The answer was meant for another kind of connection. It was refused and the link was ended, so that "
     "nothing can be mixed up.",
     EN_NEW, "คำตอบจาก TikTok มาผิดที่อยู่",
     "คำตอบนี้เป็นของการเชื่อมต่ออีกประเภทหนึ่ง ระบบจึงปฏิเสธและยกเลิกลิงก์ เพื่อไม่ให้เกิดการสลับกัน", TH_NEW},
    {"connect.bad_callback", 400, "TikTok's answer cannot be read",
     "The address holds a value twice or too long.", EN_NEW, "อ่านคำตอบจาก TikTok ไม่ได้",
     "ที่อยู่นี้มีค่าซ้ำหรือมีค่ายาวเกินไป", TH_NEW},
    {"connect.tiktok_down", 502, "TikTok cannot be reached", "TikTok did not accept our call or failed.",
     EN_WAIT, "ติดต่อ TikTok ไม่ได้", "TikTok ไม่รับการเชื่อมต่อหรือทำงานผิดพลาด", TH_WAIT},
    {"connect.tiktok_slow", 504, "TikTok is slow", "TikTok did not answer within eight seconds.", EN_WAIT,
     "TikTok ตอบช้า", "TikTok ไม่ตอบภายในแปดวินาที", TH_WAIT},
    {"connect.not_json", 502, "TikTok's answer has a wrong form",
     "TikTok sent a web page or half an answer where data belongs. Nothing was stored.", EN_WAIT,
     "คำตอบจาก TikTok มีรูปแบบผิด", "TikTok ส่งหน้าเว็บหรือคำตอบที่ไม่ครบแทนข้อมูล ระบบไม่ได้บันทึกข้อมูลใด ๆ", TH_WAIT},
    {"connect.oauth_error", 502, "TikTok refused the connection",
     "TikTok answered with an error. Nothing was stored.",
     "Please try again; if it happens again, tell the people who sent you the link.", "TikTok ปฏิเสธการเชื่อมต่อ",
     "TikTok ตอบกลับด้วยข้อผิดพลาด ระบบไม่ได้บันทึกข้อมูลใด ๆ", "โปรดลองอีกครั้ง หากเกิดขึ้นอีก โปรดแจ้งผู้ที่ส่งลิงก์ให้ท่าน"},
    {"connect.limited", 503, "Too many calls at this moment", "The limit of calls to TikTok is reached.",
     "Please try again in a minute.", "มีการเรียกใช้งานมากเกินไปในขณะนี้", "จำนวนการเรียก TikTok ถึงขีดจำกัดแล้ว",
     "โปรดลองอีกครั้งในอีกหนึ่งนาที"},
    {"connect.not_allowed", 403, "TikTok does not open this to your account",
     "The app is not approved for it, the account's region is not supported, or the account is not a target "
     "user of a test app.",
     EN_OPERATOR, "TikTok ไม่เปิดให้บัญชีของท่านใช้งาน",
     "แอปยังไม่ได้รับอนุมัติ หรือประเทศของบัญชียังไม่รองรับ หรือบัญชีไม่ได้อยู่ในรายชื่อผู้ใช้ของแอปทดสอบ", TH_OPERATOR},
    {"connect.taken", 409, "This business account is connected elsewhere already",
     "A TikTok business account can be connected to one workspace at a time, because its messages can go to "
     "one place only. Nothing was changed there or here.",
     "Disconnect it where it is connected now, or choose another account. If you do not know where that is, "
     "ask your administrator.",
     "บัญชีธุรกิจนี้เชื่อมต่อกับที่อื่นอยู่แล้ว",
     "บัญชีธุรกิจ TikTok หนึ่งบัญชีเชื่อมต่อได้ครั้งละหนึ่งพื้นที่ทำงาน เพราะข้อความส่งไปได้เพียงที่เดียว ไม่มีการเปลี่ยนแปลงใด ๆ "
     "ทั้งที่นั่นและที่นี่",
     "โปรดยกเลิกการเชื่อมต่อในที่ที่เชื่อมต่ออยู่ หรือเลือกบัญชีอื่น หากไม่ทราบว่าอยู่ที่ใด โปรดติดต่อผู้ดูแลระบบของท่าน"},
    {"connect.other_account", 409, "You confirmed with another TikTok account",
     "The permission was asked for one account, and TikTok answered for another. Nothing was stored.",
     "Try again and choose the right account on TikTok's page.", "ท่านยืนยันด้วยบัญชี TikTok อื่น",
     "คำขอสิทธิ์เป็นของบัญชีหนึ่ง แต่ TikTok ตอบด้วยอีกบัญชีหนึ่ง ระบบไม่ได้บันทึกข้อมูลใด ๆ",
     "โปรดลองอีกครั้งและเลือกบัญชีที่ถูกต้องในหน้าของ TikTok"},
    {"connect.no_advertiser", 409, "No ad account was chosen",
     "You confirmed at TikTok, but no ad account came with it. Nothing was stored.",
     "Try again and tick at least one ad account. If none is shown, ask the Admin of your Business Center.",
     "ไม่ได้เลือกบัญชีโฆษณา", "ท่านยืนยันที่ TikTok แล้ว แต่ไม่มีบัญชีโฆษณาใด ระบบไม่ได้บันทึกข้อมูลใด ๆ",
     "โปรดลองอีกครั้งและเลือกบัญชีโฆษณาอย่างน้อยหนึ่งบัญชี หากไม่มีให้เลือก โปรดติดต่อแอดมินของ Business Center"},
    {"connect.switched_off", 404, "Connecting is switched off",
     "It was switched off while you were connecting. Nothing was stored.",
     "Please ask the people who sent you the link.", "ปิดการเชื่อมต่อแล้ว",
     "ระบบถูกปิดระหว่างที่ท่านกำลังเชื่อมต่อ ระบบไม่ได้บันทึกข้อมูลใด ๆ", "โปรดติดต่อผู้ที่ส่งลิงก์ให้ท่าน"},
    {"connect.link_unknown", 404, "This link is not valid", "There is no such connection link.", EN_NEW,
     "ลิงก์นี้ใช้ไม่ได้", "ไม่พบลิงก์เชื่อมต่อนี้", TH_NEW},
    {"connect.link_over", 409, "This link has ended", "It was used already or is older than 72 hours.",
     EN_NEW, "ลิงก์นี้สิ้นสุดแล้ว", "ลิงก์ถูกใช้ไปแล้วหรือเก่ากว่า 72 ชั่วโมง", TH_NEW},
    {"connect.other_browser", 409, "This link was started in another browser",
     "A link belongs to the browser that starts it, so that nobody can take it over.",
     "Go on in that browser, or ask for a new link.", "ลิงก์นี้เริ่มใช้ในเบราว์เซอร์อื่นแล้ว",
     "ลิงก์เป็นของเบราว์เซอร์ที่เริ่มใช้ เพื่อไม่ให้ผู้อื่นนำไปใช้ต่อ", "โปรดดำเนินการต่อในเบราว์เซอร์นั้น หรือขอลิงก์ใหม่"},
    {"connect.no_cookie", 409, "Your browser did not keep a cookie",
     "One cookie is needed for ten minutes to tell your answer from somebody else's.",
     "Allow cookies for this site, open the link again and continue.", "เบราว์เซอร์ของท่านไม่ได้เก็บคุกกี้",
     "ระบบต้องใช้คุกกี้หนึ่งรายการเพื่อแยกคำตอบของท่านออกจากของผู้อื่น", "โปรดอนุญาตคุกกี้สำหรับเว็บไซต์นี้ แล้วเปิดลิงก์อีกครั้ง"},
    {"connect.market", 422, "Choose where the account was registered",
     "What TikTok offers depends on the region in which the account was registered.",
     "Choose th, eea, us or rest.", "โปรดเลือกประเทศที่ลงทะเบียนบัญชี",
     "สิ่งที่ TikTok เปิดให้ใช้ขึ้นอยู่กับประเทศที่ลงทะเบียนบัญชี", "โปรดเลือก th eea us หรือ rest"},
    {"connect.not_configured", 404, "This kind of connection is not set up",
     "No TikTok app of this kind is configured on this server, or it holds no permission.",
     "Ask the operator to set tiktok.accounts.* or tiktok.ads.*.", "ยังไม่ได้ตั้งค่าการเชื่อมต่อประเภทนี้",
     "เซิร์ฟเวอร์นี้ยังไม่ได้กำหนดแอป TikTok ประเภทนี้ หรือแอปยังไม่มีสิทธิ์ใด",
     "โปรดให้ผู้ดูแลระบบกำหนดค่า tiktok.accounts.* หรือ tiktok.ads.*"},
    {"connect.app_lacks_scope", 409, "TikTok has not approved this permission for the service",
     "The service may not ask for it yet; asking would make TikTok refuse the whole connection.", EN_OPERATOR,
     "TikTok ยังไม่ได้อนุมัติสิทธิ์นี้ให้บริการ", "บริการยังขอสิทธิ์นี้ไม่ได้ หากขอ TikTok จะปฏิเสธการเชื่อมต่อทั้งหมด", TH_OPERATOR},
    {"connect.our_fault", 500, "Something went wrong on our side", "The connection could not be finished.",
     EN_AGAIN, "ระบบของเราทำงานผิดพลาด", "ไม่สามารถดำเนินการเชื่อมต่อให้เสร็จสิ้นได้", TH_AGAIN},
    /* ---- answers of the API ---- */
    {"connect.feature_unknown", 422, "Unknown feature", "No feature of this kind has that name.",
     "Use a name of GET /v1/accounts/{id}/features.", "ไม่รู้จักความสามารถนี้", "ไม่มีความสามารถชื่อนี้ในประเภทนี้",
     "โปรดใช้ชื่อจาก GET /v1/accounts/{id}/features"},
    {"connect.account_kind", 422, "The account is of another kind",
     "A step-up asks the kind of connection that the account already has.", "Send the kind of the account.",
     "บัญชีเป็นคนละประเภท", "การขอสิทธิ์เพิ่มต้องเป็นการเชื่อมต่อประเภทเดียวกับบัญชี", "โปรดส่งประเภทของบัญชีนั้น"},
    {"connect.return", 422, "The return address is not allowed",
     "It must be the id of a return URL of the workspace or a path under /console/.",
     "List return URLs with GET /v1/login/return-urls.", "ที่อยู่ส่งกลับไม่ถูกต้อง",
     "ต้องเป็นรหัสที่อยู่ส่งกลับของพื้นที่ทำงาน หรือเส้นทางภายใต้ /console/", "โปรดดูรายการที่อยู่ส่งกลับ"},
};
const size_t connect_problems_n = COUNT_OF(connect_problems);
