/* health: how an account is doing and what happened to it, in words. Two tables of rows: the verdict (the
 * first row that holds wins) and the timeline's lines. Nothing here asks TikTok or the database.
 */
#include "accounts/accounts_priv.h"

/* ---- the verdict ---- */
struct look { /* what a row is asked about */
    const struct account *acc;
    str missing;
    int64_t now_ms;
};

static bool state_is(const struct look *l, const char *state)
{
    return str_eq(str_of(l->acc->state), str_of(state));
}

static bool is_revoking(const struct look *l)
{
    return state_is(l, "revoking");
}
static bool is_over(const struct look *l)
{
    return state_is(l, "revoked");
}
static bool is_dead(const struct look *l)
{
    return state_is(l, "needs_reauth");
}
static bool is_dead_ads(const struct look *l)
{
    return is_dead(l) && str_eq(l->acc->role, STR("advertiser"));
}
static bool is_unsure(const struct look *l)
{
    return state_is(l, "unsure");
}
/* Known by its webhooks only (a claim): a live grant always has a next look. */
static bool has_no_grant(const struct look *l)
{
    return state_is(l, "connected") && l->acc->next_ms == 0;
}
static bool has_expired(const struct look *l)
{
    return l->acc->access_expires_ms > 0 && l->acc->access_expires_ms <= l->now_ms;
}
static bool is_failing(const struct look *l)
{
    return l->acc->failures > 0;
}
static bool ends_in(const struct look *l, int days)
{
    return l->acc->refresh_expires_ms > 0 && l->acc->refresh_expires_ms - l->now_ms <= days * DAY_MS;
}
static bool ends_in_a_day(const struct look *l)
{
    return ends_in(l, 1);
}
static bool ends_in_a_month(const struct look *l)
{
    return ends_in(l, 30);
}
static bool lacks_scopes(const struct look *l)
{
    return l->missing.n > 0;
}
static bool always(const struct look *l)
{
    (void)l;
    return true;
}

static const struct {
    bool (*holds)(const struct look *l);
    struct account_health says;
} health_rows[] = {
    {is_revoking,
     {"revoking", "warning", "The connection is being ended at TikTok. Its tokens are no longer used.",
      "กำลังยกเลิกการเชื่อมต่อที่ TikTok โทเค็นของบัญชีนี้ไม่ถูกใช้งานแล้ว", "Nothing: this ends by itself within 24 hours.",
      "ไม่ต้องดำเนินการใด การยกเลิกจะเสร็จสิ้นเองภายใน 24 ชั่วโมง"}},
    {is_over,
     {"revoked", "bad", "The connection has ended and its tokens are deleted.",
      "การเชื่อมต่อสิ้นสุดแล้วและโทเค็นถูกลบแล้ว", "Connect the account again if it is still wanted.",
      "หากยังต้องการใช้บัญชีนี้ โปรดเชื่อมต่ออีกครั้ง"}},
    {is_dead_ads,
     {"needs_consent", "bad", "TikTok no longer accepts this advertiser's token.",
      "TikTok ไม่ยอมรับโทเค็นของผู้ลงโฆษณารายนี้แล้ว",
      "Ask the person who manages the ad accounts to connect the advertiser again.",
      "โปรดให้ผู้ดูแลบัญชีโฆษณาเชื่อมต่อผู้ลงโฆษณาอีกครั้ง"}},
    {is_dead,
     {"needs_consent", "bad", "TikTok no longer accepts this connection.", "TikTok ไม่ยอมรับการเชื่อมต่อนี้แล้ว",
      "Send the owner a link to connect the account again.", "โปรดส่งลิงก์ให้เจ้าของบัญชีเพื่อเชื่อมต่ออีกครั้ง"}},
    {is_unsure,
     {"unsure", "warning", "An answer of TikTok was lost; whether the tokens live is being checked.",
      "คำตอบจาก TikTok สูญหาย ระบบกำลังตรวจสอบว่าโทเค็นยังใช้งานได้หรือไม่",
      "Nothing: it is tried again by itself. If this lasts, TikTok is not reachable.",
      "ไม่ต้องดำเนินการใด ระบบจะลองใหม่เอง หากยังเป็นอยู่แสดงว่าติดต่อ TikTok ไม่ได้"}},
    {has_no_grant,
     {"not_connected", "warning",
      "Webhooks of this account arrive here, but it was not connected by its owner yet.",
      "ระบบได้รับเว็บฮุกของบัญชีนี้แล้ว แต่เจ้าของยังไม่ได้เชื่อมต่อบัญชี",
      "Connect the account, or send its owner the link to do so.",
      "โปรดเชื่อมต่อบัญชี หรือส่งลิงก์ให้เจ้าของบัญชีดำเนินการ"}},
    {has_expired,
     {"expired", "bad", "The access token has expired and could not be refreshed yet.",
      "โทเค็นหมดอายุแล้วและยังต่ออายุไม่สำเร็จ",
      "See the last failure in the timeline; refresh now, or wait: it is tried again by itself.",
      "โปรดดูความล้มเหลวล่าสุดในลำดับเหตุการณ์ แล้วสั่งต่ออายุทันที หรือรอให้ระบบลองใหม่เอง"}},
    {is_failing,
     {"refresh_failing", "warning", "The last refresh failed; the present token still works.",
      "การต่ออายุครั้งล่าสุดล้มเหลว แต่โทเค็นปัจจุบันยังใช้งานได้",
      "Nothing yet: it is tried again by itself. The timeline names TikTok's code.",
      "ยังไม่ต้องดำเนินการใด ระบบจะลองใหม่เอง รหัสของ TikTok แสดงอยู่ในลำดับเหตุการณ์"}},
    {ends_in_a_day,
     {"ends_soon", "bad", "TikTok ends this connection for good within a day.",
      "TikTok จะสิ้นสุดการเชื่อมต่อนี้ถาวรภายใน 1 วัน", "Send the owner the link to agree again today.",
      "โปรดส่งลิงก์ให้เจ้าของบัญชียินยอมอีกครั้งภายในวันนี้"}},
    {ends_in_a_month,
     {"ends_soon", "warning", "TikTok ends this connection for good within a month.",
      "TikTok จะสิ้นสุดการเชื่อมต่อนี้ถาวรภายในหนึ่งเดือน", "Send the owner the link to agree again in time.",
      "โปรดส่งลิงก์ให้เจ้าของบัญชียินยอมอีกครั้งก่อนครบกำหนด"}},
    {lacks_scopes,
     {"scope_missing", "warning", "The connection works, but some permissions were not granted.",
      "การเชื่อมต่อใช้งานได้ แต่ยังไม่ได้รับสิทธิ์บางรายการ",
      "Open the features of the account and ask the owner for what is missing.",
      "โปรดเปิดรายการความสามารถของบัญชี แล้วขอสิทธิ์ที่ขาดจากเจ้าของบัญชี"}},
    {always,
     {"well", "good", "The connection works and is renewed by itself.", "การเชื่อมต่อทำงานปกติและระบบต่ออายุให้เอง",
      "Nothing to do.", "ไม่ต้องดำเนินการใด"}},
};

const struct account_health *account_health(const struct account *acc, str missing_scopes, int64_t now_ms)
{
    struct look l = {acc, missing_scopes, now_ms};
    size_t i = 0;
    while (!health_rows[i].holds(&l))
        i++;
    must(i < COUNT_OF(health_rows));
    return &health_rows[i].says;
}

/* ---- the timeline's lines ---- */
#define ANSWERED "TikTok's code and log id stand beside this line."
#define ANSWERED_TH "รหัสและหมายเลขบันทึกของ TikTok แสดงอยู่ในรายการนี้"
const struct timeline_row timeline_rows[] = {
    {"granted", NULL, "good", "The owner agreed; the account is connected.", "เจ้าของบัญชียินยอมและเชื่อมต่อบัญชีแล้ว"},
    {"connected", NULL, "good", "The owner agreed; the account is connected.",
     "เจ้าของบัญชียินยอมและเชื่อมต่อบัญชีแล้ว"},
    {"replaced", NULL, "info", "A newer connection took the place of the earlier one.",
     "การเชื่อมต่อใหม่เข้าแทนที่การเชื่อมต่อเดิม"},
    {"refreshed", NULL, "good", "The tokens were renewed.", "ต่ออายุโทเค็นแล้ว"},
    {"scope_changed", NULL, "info", "The granted permissions changed.", "สิทธิ์ที่ได้รับเปลี่ยนแปลง"},
    {"probed", "alive", "good", "TikTok was asked: the connection lives.",
     "สอบถาม TikTok แล้ว การเชื่อมต่อยังใช้งานได้"},
    {"probed", NULL, "info", "TikTok was asked about the connection.", "สอบถาม TikTok เกี่ยวกับการเชื่อมต่อแล้ว"},
    {"failed", "tiktok.limited", "bad",
     "TikTok limits how often it may be asked; tried again later. " ANSWERED,
     "TikTok จำกัดจำนวนครั้งที่เรียกใช้ ระบบจะลองใหม่ภายหลัง " ANSWERED_TH},
    {"failed", "tiktok.client", "bad", "TikTok refused our app's id or secret. " ANSWERED,
     "TikTok ปฏิเสธรหัสหรือรหัสลับของแอปของเรา " ANSWERED_TH},
    {"failed", "tiktok.not_allowed", "bad", "TikTok does not allow this to the app or the account. " ANSWERED,
     "TikTok ไม่อนุญาตการทำงานนี้แก่แอปหรือบัญชี " ANSWERED_TH},
    {"failed", "tiktok.scope_missing", "bad", "TikTok refused a call for want of a permission. " ANSWERED,
     "TikTok ปฏิเสธคำขอเนื่องจากขาดสิทธิ์ " ANSWERED_TH},
    {"failed", "tiktok.token_expired", "bad", "TikTok called the access token expired. " ANSWERED,
     "TikTok แจ้งว่าโทเค็นหมดอายุ " ANSWERED_TH},
    {"failed", "tiktok.token_invalid", "bad", "TikTok refused the access token. " ANSWERED,
     "TikTok ปฏิเสธโทเค็น " ANSWERED_TH},
    {"failed", "tiktok.not_json", "bad", "TikTok answered with a page instead of data; tried again later.",
     "TikTok ตอบกลับด้วยหน้าเว็บแทนข้อมูล ระบบจะลองใหม่ภายหลัง"},
    {"failed", NULL, "bad", "TikTok did not renew or check the tokens; tried again later. " ANSWERED,
     "TikTok ไม่ต่ออายุหรือตรวจสอบโทเค็น ระบบจะลองใหม่ภายหลัง " ANSWERED_TH},
    {"unsure", "cut_off", "bad",
     "A renewal was cut off and its outcome is unknown; the earlier token is tried.",
     "การต่ออายุถูกขัดจังหวะและไม่ทราบผล ระบบกำลังลองโทเค็นเดิม"},
    {"unsure", NULL, "bad", "TikTok's answer was lost twice; it is tried again.",
     "คำตอบของ TikTok สูญหายสองครั้ง ระบบจะลองใหม่"},
    {"needs_reauth", NULL, "bad",
     "TikTok no longer accepts the tokens; the owner must agree again. " ANSWERED,
     "TikTok ไม่ยอมรับโทเค็นแล้ว เจ้าของบัญชีต้องยินยอมอีกครั้ง " ANSWERED_TH},
    {"notice", "30", "info", "Notice: TikTok ends the connection for good in 30 days or less.",
     "แจ้งเตือน: TikTok จะสิ้นสุดการเชื่อมต่อถาวรภายใน 30 วัน"},
    {"notice", "7", "info", "Notice: TikTok ends the connection for good in 7 days or less.",
     "แจ้งเตือน: TikTok จะสิ้นสุดการเชื่อมต่อถาวรภายใน 7 วัน"},
    {"notice", NULL, "bad", "Notice: TikTok ends the connection for good in a day or less.",
     "แจ้งเตือน: TikTok จะสิ้นสุดการเชื่อมต่อถาวรภายใน 1 วัน"},
    {"revoking", NULL, "info", "Ending the connection was asked for here; its tokens are used no more.",
     "มีการสั่งยกเลิกการเชื่อมต่อในระบบนี้ โทเค็นไม่ถูกใช้งานอีก"},
    {"revoke_told", "confirmed", "good", "TikTok confirmed the end of the connection.",
     "TikTok ยืนยันการสิ้นสุดการเชื่อมต่อ"},
    {"revoke_told", "already_gone", "info", "TikTok says that the connection had ended already.",
     "TikTok แจ้งว่าการเชื่อมต่อสิ้นสุดไปก่อนแล้ว"},
    {"revoke_told", NULL, "bad",
     "TikTok could not be told within 24 hours; the tokens were deleted here. " ANSWERED,
     "แจ้ง TikTok ไม่สำเร็จภายใน 24 ชั่วโมง โทเค็นในระบบนี้ถูกลบแล้ว " ANSWERED_TH},
    {"revoked", "by_us", "info", "The connection ended here and its tokens are deleted.",
     "การเชื่อมต่อสิ้นสุดในระบบนี้และโทเค็นถูกลบแล้ว"},
    {"revoked", "removed.1", "bad", "The person disconnected the app in TikTok (reason 1).",
     "เจ้าของบัญชียกเลิกการเชื่อมต่อใน TikTok (เหตุผล 1)"},
    {"revoked", "removed.2", "bad", "The TikTok account was deleted (reason 2).",
     "บัญชี TikTok ถูกลบ (เหตุผล 2)"},
    {"revoked", "removed.3", "bad", "TikTok ended it because the person's age changed (reason 3).",
     "TikTok ยกเลิกเนื่องจากอายุของผู้ใช้เปลี่ยน (เหตุผล 3)"},
    {"revoked", "removed.4", "bad", "TikTok banned the account (reason 4).", "TikTok ระงับบัญชี (เหตุผล 4)"},
    {"revoked", "removed.5", "info", "The app's developer ended it (reason 5).",
     "ผู้พัฒนาแอปยกเลิกการเชื่อมต่อ (เหตุผล 5)"},
    {"revoked", NULL, "bad", "TikTok ended the connection without a reason (reason 0).",
     "TikTok ยกเลิกการเชื่อมต่อโดยไม่ระบุเหตุผล (เหตุผล 0)"},
    {"availability", NULL, "info", "TikTok's availability of messaging was checked.",
     "ตรวจสอบความพร้อมใช้งานของข้อความที่ TikTok แล้ว"},
    {"stale_removal", NULL, "info", "A removal notice about an earlier connection came late; nothing ended.",
     "การแจ้งยกเลิกของการเชื่อมต่อเดิมมาถึงล่าช้า ไม่มีการเชื่อมต่อใดสิ้นสุด"},
    {"refresh_failed", NULL, "bad", "TikTok did not renew the tokens; tried again later.",
     "TikTok ไม่ต่ออายุโทเค็น ระบบจะลองใหม่ภายหลัง"},
    {"removed", NULL, "bad", "The connection was ended at TikTok.", "การเชื่อมต่อถูกยกเลิกที่ TikTok"},
};
const size_t timeline_rows_n = COUNT_OF(timeline_rows);

static const struct timeline_row *words_of(str what, str code)
{
    static const struct timeline_row other = {"", NULL, "info", "Something was noted.", "มีการบันทึกเหตุการณ์"};
    for (size_t i = 0; i < timeline_rows_n; i++) {
        const struct timeline_row *r = &timeline_rows[i];
        if (str_eq(what, str_of(r->what)) && (r->code == NULL || str_eq(code, str_of(r->code))))
            return r;
    }
    return &other;
}

enum rc accounts_timeline(struct tx *tx, const struct timeline_page *p, struct arena *mem,
                          struct timeline_entry **out, size_t *n, struct fault *why)
{
    enum rc rc = db_health_list(tx, p, mem, out, n, why);
    for (size_t i = 0; rc == RC_OK && i < *n; i++)
        (*out)[i].words = words_of((*out)[i].what, (*out)[i].code);
    return rc;
}

enum rc accounts_note(struct tx *tx, str workspace, str account, const char *what, const char *code,
                      struct fault *why)
{
    struct health_new line = {.workspace = workspace, .account = account, .what = what, .code = code};
    return db_health_put(tx, &line, why);
}
