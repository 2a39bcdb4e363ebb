/* ends: how an attempt can end: page status, whether another try helps, and the words of every page in
 * English and Thai. TikTok's fault codes become ends by one table; an unlisted one becomes login.our_fault.
 */
#include "login/login_priv.h"

static const struct login_end ends[] = {
    {"login.denied", 403, true, "The person pressed cancel on TikTok's page."},
    {"login.non_sandbox_target", 403, false, "The TikTok account is no target user of the sandbox."},
    {"login.scope_unapproved", 502, false, "TikTok has not approved a requested scope for the app."},
    {"login.wrong_client", 502, false, "TikTok does not accept the client key or secret."},
    {"login.redirect_mismatch", 502, false, "The redirect URI is not the registered one."},
    {"login.verifier", 422, true, "TikTok or we refused the PKCE verifier."},
    {"login.tiktok_code", 409, true, "TikTok's code is expired or was used."},
    {"login.state_unknown", 409, false, "The answer belongs to no sign-in that began in this browser."},
    {"login.state_expired", 409, true, "More than ten minutes passed at TikTok."},
    {"login.double_callback", 409, false, "The same answer came a second time."},
    {"login.bad_callback", 400, false, "The answer's parameters are broken."},
    {"login.tiktok_down", 502, true, "TikTok could not be reached or failed."},
    {"login.tiktok_slow", 504, true, "TikTok did not answer within eight seconds."},
    {"login.not_json", 502, true, "TikTok answered with something that is not JSON."},
    {"login.oauth_error", 502, true, "TikTok answered with an OAuth error, with whatever HTTP status."},
    {"login.limited", 503, true, "Too many calls to TikTok at this moment."},
    {"login.other_person", 409, true, "Token and user info named different people."},
    {"login.switched_off", 404, false, "Sign-in with TikTok was switched off meanwhile."},
    {"login.attempt_unknown", 404, false, "The start link names no attempt."},
    {"login.attempt_over", 409, false, "The start link's attempt has ended."},
    {"login.qr_expired", 409, true, "The QR code was not confirmed in time."},
    {"login.qr_ticket", 409, true, "The QR answer bears another ticket than ours."},
    {"login.identity_unlinked", 403, false, "Console: no member has linked this TikTok account."},
    {"login.identity_taken", 409, false, "Console: another member has linked this TikTok account."},
    {"login.wrong_session", 403, false, "Console link: the session is not the member who began."},
    {"login.not_configured", 404, false, "No Login Kit app is configured."},
    {"login.our_fault", 500, true, "Anything else that failed on our side."},
};

const struct login_end *login_end(size_t i)
{
    return i < COUNT_OF(ends) ? &ends[i] : NULL;
}

static const struct {
    const char *fault, *end;
} becomes[] = {
    {"tiktok.denied", "login.denied"},
    {"tiktok.non_sandbox_target", "login.non_sandbox_target"},
    {"tiktok.scope_unapproved", "login.scope_unapproved"},
    {"tiktok.client", "login.wrong_client"},
    {"tiktok.redirect_mismatch", "login.redirect_mismatch"},
    {"tiktok.verifier", "login.verifier"},
    {"tiktok.code_expired", "login.tiktok_code"},
    {"tiktok.grant_invalid", "login.tiktok_code"},
    {"tiktok.callback", "login.bad_callback"},
    {"tiktok.down", "login.tiktok_down"},
    {"tiktok.slow", "login.tiktok_slow"},
    {"tiktok.not_json", "login.not_json"},
    {"tiktok.oauth_error", "login.oauth_error"},
    {"tiktok.limited", "login.limited"},
    {"tiktok.qr_ticket", "login.qr_ticket"},
    {"budget.limited", "login.limited"},
    {"accounts.open_id", "login.other_person"},
    {"access.identity_unlinked", "login.identity_unlinked"},
    {"access.identity_taken", "login.identity_taken"},
};

static const struct login_end *end_named(str code)
{
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (str_eq(code, str_of(ends[i].code)))
            return &ends[i];
    return NULL;
}

const struct login_end *login_end_of(const struct fault *why)
{
    str code = str_of(why->code);
    for (size_t i = 0; i < COUNT_OF(becomes); i++)
        if (str_eq(code, str_of(becomes[i].fault)))
            code = str_of(becomes[i].end);
    const struct login_end *end = end_named(code);
    return end != NULL ? end : &ends[COUNT_OF(ends) - 1];
}

#define EN_AGAIN "Please try again."
#define TH_AGAIN "โปรดลองอีกครั้ง"
#define EN_OPERATOR "Please tell the operator of this service; trying again will not help."
#define TH_OPERATOR "โปรดแจ้งผู้ดูแลระบบนี้ การลองอีกครั้งจะไม่ช่วยแก้ปัญหา"
#define EN_NEW "Go back to the site you came from and start again there."
#define TH_NEW "โปรดกลับไปยังเว็บไซต์เดิม แล้วเริ่มลงชื่อเข้าใช้ใหม่"

const struct problem_row login_problems[] = {
    {"login.denied", 403, "You cancelled the sign-in",
     "TikTok told us that you did not allow the access. Nothing was "
     "stored.",
     "If that was a mistake, try again and choose Allow on TikTok's page.", "ท่านยกเลิกการลงชื่อเข้าใช้",
     "TikTok แจ้งว่าท่านไม่ได้อนุญาตการเข้าถึง ระบบไม่ได้บันทึกข้อมูลใด ๆ",
     "หากเป็นความเข้าใจผิด โปรดลองอีกครั้งและเลือกอนุญาตในหน้าของ TikTok"},
    {"login.non_sandbox_target", 403, "This TikTok account may not use the test app",
     "The service still uses a TikTok sandbox, and your account is not one of its test users.",
     "Ask the operator to add your account as a target user, then wait up to an hour.",
     "บัญชี TikTok นี้ใช้แอปทดสอบไม่ได้", "บริการนี้ยังใช้ระบบทดสอบของ TikTok และบัญชีของท่านไม่ได้อยู่ในรายชื่อผู้ทดสอบ",
     "โปรดให้ผู้ดูแลระบบเพิ่มบัญชีของท่านเป็นผู้ทดสอบ แล้วรอไม่เกินหนึ่งชั่วโมง"},
    {"login.scope_unapproved", 502, "TikTok refused a permission of this service",
     "The service asked for a permission that TikTok has not approved for it, so TikTok refused the whole "
     "sign-in.",
     EN_OPERATOR, "TikTok ปฏิเสธสิทธิ์ที่บริการนี้ขอ", "บริการขอสิทธิ์ที่ TikTok ยังไม่ได้อนุมัติ TikTok จึงปฏิเสธการลงชื่อเข้าใช้ทั้งหมด",
     TH_OPERATOR},
    {"login.wrong_client", 502, "TikTok does not accept this service's app",
     "The client key or secret is wrong, the app is still in review, or sandbox and production keys are "
     "mixed.",
     EN_OPERATOR, "TikTok ไม่ยอมรับแอปของบริการนี้",
     "รหัสแอปหรือรหัสลับไม่ถูกต้อง แอปยังอยู่ระหว่างการตรวจสอบ หรือใช้รหัสทดสอบปนกับรหัสจริง", TH_OPERATOR},
    {"login.redirect_mismatch", 502, "TikTok does not know this service's return address",
     "The redirect URI differs from the one that is registered at TikTok.", EN_OPERATOR,
     "TikTok ไม่รู้จักที่อยู่ส่งกลับของบริการนี้", "ที่อยู่ส่งกลับไม่ตรงกับที่ลงทะเบียนไว้กับ TikTok", TH_OPERATOR},
    {"login.verifier", 422, "The proof of the sign-in does not fit",
     "The code verifier is missing, has a wrong form (32 to 128 characters), or does not belong to this "
     "sign-in.",
     EN_AGAIN, "หลักฐานการลงชื่อเข้าใช้ไม่ตรงกัน",
     "ไม่มี code verifier รูปแบบไม่ถูกต้อง (32 ถึง 128 อักขระ) หรือไม่ใช่ของการลงชื่อเข้าใช้ครั้งนี้", TH_AGAIN},
    {"login.tiktok_code", 409, "TikTok's code is no longer valid",
     "The code that TikTok gave had expired or had been used. Nothing was stored.", EN_AGAIN,
     "รหัสจาก TikTok ใช้ไม่ได้แล้ว", "รหัสที่ TikTok ให้มาหมดอายุหรือถูกใช้ไปแล้ว ระบบไม่ได้บันทึกข้อมูลใด ๆ", TH_AGAIN},
    {"login.state_unknown", 409, "This sign-in did not begin in this browser",
     "The answer from TikTok belongs to no sign-in that this browser began. Somebody may have sent you a "
     "link.",
     EN_NEW, "การลงชื่อเข้าใช้นี้ไม่ได้เริ่มจากเบราว์เซอร์นี้",
     "คำตอบจาก TikTok ไม่ตรงกับการลงชื่อเข้าใช้ที่เริ่มจากเบราว์เซอร์นี้ อาจมีผู้อื่นส่งลิงก์ให้ท่าน", TH_NEW},
    {"login.state_expired", 409, "The sign-in took too long",
     "More than ten minutes passed between the start and TikTok's answer.", EN_AGAIN,
     "ใช้เวลาลงชื่อเข้าใช้นานเกินไป", "เวลาผ่านไปเกินสิบนาทีระหว่างการเริ่มต้นกับคำตอบจาก TikTok", TH_AGAIN},
    {"login.double_callback", 409, "This answer was used already",
     "The page was loaded a second time. The first time counted.",
     "Go back to the site you came from; if you are not signed in there, start again.", "คำตอบนี้ถูกใช้ไปแล้ว",
     "หน้านี้ถูกเปิดเป็นครั้งที่สอง ระบบนับเฉพาะครั้งแรก", "โปรดกลับไปยังเว็บไซต์เดิม หากยังไม่ได้ลงชื่อเข้าใช้ โปรดเริ่มใหม่"},
    {"login.bad_callback", 400, "TikTok's answer cannot be read",
     "The address holds neither a code nor an error, or a value twice or too long.", EN_NEW,
     "อ่านคำตอบจาก TikTok ไม่ได้", "ที่อยู่นี้ไม่มีรหัสหรือข้อผิดพลาด มีค่าซ้ำ หรือมีค่ายาวเกินไป", TH_NEW},
    {"login.tiktok_down", 502, "TikTok cannot be reached", "TikTok did not accept our call or failed.",
     "Please try again in a few minutes.", "ติดต่อ TikTok ไม่ได้", "TikTok ไม่รับการเชื่อมต่อหรือทำงานผิดพลาด",
     "โปรดลองอีกครั้งในอีกไม่กี่นาที"},
    {"login.tiktok_slow", 504, "TikTok is slow", "TikTok did not answer within eight seconds.",
     "Please try again in a few minutes.", "TikTok ตอบช้า", "TikTok ไม่ตอบภายในแปดวินาที",
     "โปรดลองอีกครั้งในอีกไม่กี่นาที"},
    {"login.not_json", 502, "TikTok's answer has a wrong form",
     "TikTok sent a web page or half an answer where data belongs. Nothing was stored.",
     "Please try again in a few minutes.", "คำตอบจาก TikTok มีรูปแบบผิด",
     "TikTok ส่งหน้าเว็บหรือคำตอบที่ไม่ครบแทนข้อมูล ระบบไม่ได้บันทึกข้อมูลใด ๆ", "โปรดลองอีกครั้งในอีกไม่กี่นาที"},
    {"login.oauth_error", 502, "TikTok refused the sign-in",
     "TikTok answered with an error. Nothing was stored.",
     "Please try again; if it happens again, tell the operator.", "TikTok ปฏิเสธการลงชื่อเข้าใช้",
     "TikTok ตอบกลับด้วยข้อผิดพลาด ระบบไม่ได้บันทึกข้อมูลใด ๆ", "โปรดลองอีกครั้ง หากเกิดขึ้นอีก โปรดแจ้งผู้ดูแลระบบ"},
    {"login.limited", 503, "Too many sign-ins at this moment", "The limit of calls to TikTok is reached.",
     "Please try again in a minute.", "มีการลงชื่อเข้าใช้มากเกินไปในขณะนี้", "จำนวนการเรียก TikTok ถึงขีดจำกัดแล้ว",
     "โปรดลองอีกครั้งในอีกหนึ่งนาที"},
    {"login.other_person", 409, "TikTok named two different accounts",
     "The token and the profile belong to different accounts. Nothing was stored.", EN_AGAIN,
     "TikTok ระบุบัญชีที่แตกต่างกัน", "โทเค็นและข้อมูลโปรไฟล์เป็นของคนละบัญชี ระบบไม่ได้บันทึกข้อมูลใด ๆ", TH_AGAIN},
    {"login.switched_off", 404, "Sign-in with TikTok is switched off",
     "It was switched off while you were signing in. Nothing was stored.",
     "Please sign in another way, or ask the operator.", "ปิดการลงชื่อเข้าใช้ด้วย TikTok แล้ว",
     "ระบบถูกปิดระหว่างที่ท่านกำลังลงชื่อเข้าใช้ ระบบไม่ได้บันทึกข้อมูลใด ๆ", "โปรดลงชื่อเข้าใช้ด้วยวิธีอื่น หรือติดต่อผู้ดูแลระบบ"},
    {"login.attempt_unknown", 404, "This sign-in link is not valid", "There is no such sign-in.", EN_NEW,
     "ลิงก์ลงชื่อเข้าใช้นี้ใช้ไม่ได้", "ไม่พบการลงชื่อเข้าใช้นี้", TH_NEW},
    {"login.attempt_over", 409, "This sign-in has ended", "The link was used or is older than ten minutes.",
     EN_NEW, "การลงชื่อเข้าใช้นี้สิ้นสุดแล้ว", "ลิงก์ถูกใช้ไปแล้วหรือเก่ากว่าสิบนาที", TH_NEW},
    {"login.qr_expired", 409, "The QR code has expired", "It was not confirmed in the TikTok app in time.",
     EN_AGAIN, "คิวอาร์โค้ดหมดอายุแล้ว", "ไม่ได้ยืนยันในแอป TikTok ภายในเวลาที่กำหนด", TH_AGAIN},
    {"login.qr_ticket", 409, "The QR answer is not ours", "TikTok's answer belongs to another QR code.",
     EN_AGAIN, "คำตอบคิวอาร์โค้ดไม่ใช่ของเรา", "คำตอบจาก TikTok เป็นของคิวอาร์โค้ดอื่น", TH_AGAIN},
    {"login.identity_unlinked", 403, "This TikTok account is not linked to the console",
     "No member of a workspace has linked it.",
     "Sign in to the console in another way, then link it under Your account.", "บัญชี TikTok นี้ยังไม่ได้ผูกกับสมาชิก",
     "ไม่มีสมาชิกของพื้นที่ทำงานใดผูกบัญชีนี้ไว้", "โปรดลงชื่อเข้าใช้หน้าจอผู้ดูแลด้วยวิธีอื่น แล้วผูกบัญชีในหน้า “บัญชีของท่าน”"},
    {"login.identity_taken", 409, "Another member has linked this TikTok account",
     "A TikTok account signs in one member only.", "Ask that member to unlink it first.",
     "สมาชิกคนอื่นผูกบัญชี TikTok นี้ไว้แล้ว", "บัญชี TikTok หนึ่งบัญชีใช้กับสมาชิกได้เพียงคนเดียว", "โปรดให้สมาชิกคนนั้นเลิกผูกบัญชีก่อน"},
    {"login.wrong_session", 403, "You are not the member who began this",
     "The link to TikTok was begun by another member or the session has ended.",
     "Sign in to the console and begin again under Your account.", "ท่านไม่ใช่สมาชิกที่เริ่มรายการนี้",
     "การผูกบัญชี TikTok เริ่มโดยสมาชิกคนอื่น หรือเซสชันสิ้นสุดแล้ว", "โปรดลงชื่อเข้าใช้หน้าจอผู้ดูแล แล้วเริ่มใหม่จากหน้า “บัญชีของท่าน”"},
    {"login.not_configured", 404, "Sign-in with TikTok is not set up",
     "No TikTok app is configured on this server.",
     "Ask the operator to set tiktok.login.client_key and its secret.", "ยังไม่ได้ตั้งค่าการลงชื่อเข้าใช้ด้วย TikTok",
     "เซิร์ฟเวอร์นี้ยังไม่ได้กำหนดแอป TikTok", "โปรดให้ผู้ดูแลระบบกำหนดค่า tiktok.login.client_key และรหัสลับ"},
    {"login.our_fault", 500, "Something went wrong on our side", "The sign-in could not be finished.",
     EN_AGAIN, "ระบบของเราทำงานผิดพลาด", "ไม่สามารถดำเนินการลงชื่อเข้าใช้ให้เสร็จสิ้นได้", TH_AGAIN},
    /* ---- answers of the API ---- */
    {"login.code_unknown", 404, "Unknown code", "There is no such one-time code in this workspace.",
     "Use the code of the return URL once, within 60 seconds, with the key of the same workspace.",
     "ไม่รู้จักรหัสนี้", "ไม่พบรหัสใช้ครั้งเดียวนี้ในพื้นที่ทำงานของท่าน",
     "โปรดใช้รหัสจากที่อยู่ส่งกลับภายใน 60 วินาที ด้วยคีย์ของพื้นที่ทำงานเดียวกัน"},
    {"login.code_used", 409, "The code was used already", "A one-time code can be exchanged once.",
     "If you did not do it, somebody else had the code: end the session and start a new attempt.",
     "รหัสนี้ถูกใช้ไปแล้ว", "รหัสใช้ครั้งเดียวแลกได้เพียงครั้งเดียว", "หากท่านไม่ได้ทำ อาจมีผู้อื่นได้รหัสไป โปรดยุติเซสชันและเริ่มใหม่"},
    {"login.code_expired", 409, "The code has expired", "A one-time code lives 60 seconds.",
     "Start a new attempt.", "รหัสนี้หมดอายุแล้ว", "รหัสใช้ครั้งเดียวมีอายุ 60 วินาที", "โปรดเริ่มใหม่"},
    {"login.code_mismatch", 409, "The code belongs to another attempt or user",
     "attempt_id, mozflow_user_id, client_state or app_verifier differ from the attempt's. The code is "
     "burnt.",
     "Send the values of the session that received the code. If they are right, the code was planted: start "
     "again.",
     "รหัสนี้เป็นของรายการหรือผู้ใช้อื่น", "ค่าที่ส่งมาไม่ตรงกับรายการเดิม รหัสนี้ถูกยกเลิกแล้ว",
     "โปรดส่งค่าของเซสชันที่ได้รับรหัส หากค่าถูกต้องแล้ว รหัสอาจถูกผู้อื่นนำมาวาง โปรดเริ่มใหม่"},
    {"login.link_taken", 409, "This TikTok account belongs to another Mozflow user",
     "A TikTok account can be linked to one Mozflow user of a workspace.",
     "Let the other user unlink it (DELETE /v1/login/links/{id}), then link it again.",
     "บัญชี TikTok นี้เป็นของผู้ใช้ Mozflow คนอื่น", "บัญชี TikTok หนึ่งบัญชีผูกกับผู้ใช้ Mozflow ได้เพียงคนเดียวในพื้นที่ทำงาน",
     "โปรดให้ผู้ใช้คนเดิมเลิกผูกบัญชีก่อน แล้วจึงผูกใหม่"},
    {"login.link_missing", 404, "There is no such link",
     "The TikTok account is not linked to a Mozflow user.", "Check the id.", "ไม่พบการผูกบัญชีนี้",
     "บัญชี TikTok นี้ไม่ได้ผูกกับผู้ใช้ Mozflow", "โปรดตรวจสอบรหัส"},
    {"login.return_url", 422, "The return URL is not allowed",
     "It must be https (http on loopback), without a "
     "fragment, at most 512 characters.",
     "Correct the URL.", "ที่อยู่ส่งกลับไม่ถูกต้อง",
     "ต้องเป็น https (http เฉพาะเครื่องตนเอง) ไม่มีเครื่องหมาย # และยาวไม่เกิน 512 อักขระ", "โปรดแก้ไขที่อยู่"},
    {"login.return_url_unknown", 422, "Unknown return URL",
     "The id is not in the workspace's list of return URLs.",
     "List them with GET /v1/login/return-urls or add one.", "ไม่รู้จักที่อยู่ส่งกลับ",
     "รหัสนี้ไม่อยู่ในรายการที่อยู่ส่งกลับของพื้นที่ทำงาน", "โปรดดูรายการหรือเพิ่มที่อยู่ใหม่"},
    {"login.return_url_missing", 404, "Return URL not found",
     "There is no such return URL in this workspace.", "Check the id.", "ไม่พบที่อยู่ส่งกลับ",
     "ไม่มีที่อยู่ส่งกลับนี้ในพื้นที่ทำงานของท่าน", "โปรดตรวจสอบรหัส"},
    {"login.client_state", 422, "client_state is missing or too short or too long",
     "A start by ?workspace= must carry client_state of 16 to 512 characters, so that your site can tell its "
     "own "
     "sign-ins from planted ones.",
     "Make a random value per browser session and send it.", "ไม่มี client_state หรือความยาวไม่ถูกต้อง",
     "การเริ่มด้วย ?workspace= ต้องมี client_state ยาว 16 ถึง 512 อักขระ "
     "เพื่อให้เว็บไซต์แยกการลงชื่อเข้าใช้ของตนออกจากของผู้อื่น",
     "โปรดสร้างค่าสุ่มสำหรับแต่ละเซสชันแล้วส่งมาด้วย"},
    {"login.user_required", 422, "mozflow_user_id is required",
     "Purpose link needs the Mozflow user to link to.", "Send mozflow_user_id.", "ต้องระบุ mozflow_user_id",
     "การเชื่อมบัญชีต้องระบุผู้ใช้ Mozflow", "โปรดส่ง mozflow_user_id"},
    {"login.redirect_unknown", 422, "Unknown redirect URI of an app",
     "redirect_uri is not one of tiktok.login.mobile_redirect_uris, or not the one of the start.",
     "Use the app link that is configured here and at TikTok.", "ไม่รู้จักที่อยู่ส่งกลับของแอป",
     "redirect_uri ไม่อยู่ในค่าที่กำหนดไว้ หรือไม่ตรงกับตอนเริ่ม", "โปรดใช้ลิงก์ของแอปที่กำหนดไว้ที่นี่และที่ TikTok"},
};
const size_t login_problems_n = COUNT_OF(login_problems);
