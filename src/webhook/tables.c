/* The room's const rows: routes, jobs, problems, metrics, settings, alerts, log events, explain. */
#include "webhook/webhook_priv.h"

static const struct param receive_params[] = {
    {.name = "app", .in = IN_PATH, .kind = P_TEXT, .required = true, .max = 32, .doc = "Id of the app row."},
};
static const struct param challenge_params[] = {
    {.name = "app", .in = IN_PATH, .kind = P_TEXT, .required = true, .max = 32, .doc = "Id of the app row."},
    {.name = "challenge",
     .in = IN_QUERY,
     .kind = P_TEXT,
     .required = true,
     .min = 1,
     .max = 256,
     .doc = "Up to 256 characters of [A-Za-z0-9_-], sent back as they are."},
};

static const struct shape shape_hook = {
    .name = "Webhook",
    .doc = "Where one app's events arrive.",
    .fields = {{"app", A_TEXT, .doc = "The app, as settings name it."},
               {"kind", A_TEXT, .doc = "login_kit, accounts or ads."},
               {"path", A_TEXT, .doc = "Path of this service to enter in TikTok's portal."},
               {"last_verified_at", A_TIME, MAY_BE_NULL, .doc = "The last event with a right signature."},
               {"last_test_at", A_TIME, MAY_BE_NULL, .doc = "The last test event of the portal."},
               {"refused_signatures_since_start", A_INT, .doc = "Events with a wrong signature, here."},
               {"quarantined_since_start", A_INT, .doc = "Events too old or from the future, here."},
               {"unrouted_since_start", A_INT, .doc = "Events of an account nobody connected, here."}}};

const struct route webhook_routes[] = {
    {.method = "POST",
     .path = "/webhooks/tiktok/{app}",
     .name = "receiveWebhook",
     .cls = HTTP_INLINE,
     .slash = true,
     .raw = true,
     .no_once = true,
     .body_max = 1u << 20,
     .body_cap = webhook_body_cap,
     .params = receive_params,
     .n_params = COUNT_OF(receive_params),
     .handle = webhook_receive,
     .doc = "TikTok delivers an event. Answers 200 after the event is stored, or when it was stored before.",
     .answer = "Nothing: the event is stored."},
    {.method = "GET",
     .path = "/webhooks/tiktok/{app}",
     .name = "answerWebhookChallenge",
     .cls = HTTP_READ,
     .slash = true,
     .params = challenge_params,
     .n_params = COUNT_OF(challenge_params),
     .handle = webhook_challenge,
     .doc = "Echoes a challenge, when the setting webhook.challenge is on.",
     .gives = &shape_plain_text,
     .answer = "The challenge."},
    {.method = "GET",
     .path = "/v1/webhooks",
     .name = "listWebhooks",
     .cls = HTTP_READ,
     .need = PERM_ACCOUNTS_READ,
     .handle = webhook_status,
     .doc = "For each app: its path, when a signed event and a portal test last arrived.",
     .gives = &shape_hook,
     .many = true},
};
const size_t webhook_routes_n = COUNT_OF(webhook_routes);

const struct job_kind webhook_jobs[] = {
    {.name = "webhook.retain",
     .order = JOB_ONE,
     .cls = JOBS_BULK,
     .retry = &retry_patient,
     .lease_ms = 120000,
     .run = webhook_retain,
     .doc = "Deletes inbox rows older than webhook.keep_days."},
};
const size_t webhook_jobs_n = COUNT_OF(webhook_jobs);

const struct job_schedule webhook_schedules[] = {
    {.name = "webhook.retain",
     .kind = "webhook.retain",
     .every_ms = 3600000,
     .doc = "Hourly retention of the inbox."},
};
const size_t webhook_schedules_n = COUNT_OF(webhook_schedules);

const struct problem_row webhook_problems[] = {
    {.code = "webhook.signature",
     .status = 401,
     .en_title = "Signature refused",
     .en_means =
         "The TikTok-Signature header is missing, malformed or does not fit the body. Nothing was stored.",
     .en_todo =
         "Check that the webhook secret of this app equals the one in TikTok's portal, and that no proxy "
         "changes the body.",
     .th_title = "ลายเซ็นไม่ถูกต้อง",
     .th_means = "ไม่มีส่วนหัว TikTok-Signature หรือรูปแบบผิด หรือไม่ตรงกับเนื้อหา ระบบไม่ได้บันทึกข้อมูลใด ๆ",
     .th_todo = "โปรดตรวจสอบว่ารหัสลับเว็บฮุกของแอปนี้ตรงกับในพอร์ทัลของ TikTok และไม่มีพร็อกซีแก้ไขเนื้อหา"},
    {.code = "webhook.unknown_app",
     .status = 404,
     .en_title = "No such app",
     .en_means = "No TikTok app of this name is configured here.",
     .en_todo = "Use the callback address that the console shows under Webhooks.",
     .th_title = "ไม่พบแอป",
     .th_means = "ไม่มีแอป TikTok ชื่อนี้ในระบบ",
     .th_todo = "โปรดใช้ที่อยู่รับเว็บฮุกตามที่แสดงในหน้าจอผู้ดูแล หน้า “การตั้งค่าเว็บฮุก”"},
    {.code = "webhook.busy",
     .status = 503,
     .en_title = "Try again",
     .en_means = "The event could not be stored safely just now, so it was not accepted.",
     .en_todo =
         "Nothing: TikTok delivers it again for up to 72 hours. If this lasts, run the doctor command.",
     .th_title = "โปรดลองอีกครั้ง",
     .th_means = "ขณะนี้ระบบยังบันทึกเหตุการณ์อย่างปลอดภัยไม่ได้ จึงยังไม่รับเหตุการณ์นี้",
     .th_todo = "ไม่ต้องดำเนินการ TikTok จะส่งซ้ำภายใน 72 ชั่วโมง หากเกิดต่อเนื่องโปรดเรียกคำสั่ง doctor"},
    {.code = "webhook.challenge",
     .status = 400,
     .en_title = "Challenge refused",
     .en_means = "The challenge holds characters that are not echoed.",
     .en_todo = "Send up to 256 characters of [A-Za-z0-9_-].",
     .th_title = "ไม่รับค่าทดสอบ",
     .th_means = "ค่าทดสอบมีอักขระที่ระบบไม่ส่งกลับ",
     .th_todo = "โปรดส่งอักขระ [A-Za-z0-9_-] ไม่เกิน 256 ตัว"},
    {.code = "webhook.empty_secret",
     .status = 500,
     .en_title = "A webhook secret is empty",
     .en_means = "Anyone could sign events for this app, so the service does not start.",
     .en_todo = "Put the app's secret into the file that its *_secret_file setting names.",
     .th_title = "รหัสลับเว็บฮุกว่างเปล่า",
     .th_means = "ใครก็อาจลงลายเซ็นเหตุการณ์ของแอปนี้ได้ ระบบจึงไม่เริ่มทำงาน",
     .th_todo = "โปรดใส่รหัสลับของแอปลงในไฟล์ที่กำหนดไว้ในการตั้งค่า *_secret_file"},
    {.code = "webhook.gone",
     .status = 404,
     .en_title = "The delivery is gone",
     .en_means = "Its retention has passed and its key is destroyed.",
     .en_todo = "Nothing can bring it back; what it did is in the conversation.",
     .th_title = "ไม่มีข้อมูลการส่งนี้แล้ว",
     .th_means = "พ้นระยะเวลาจัดเก็บและกุญแจถูกทำลายแล้ว",
     .th_todo = "ไม่สามารถกู้คืนได้ ผลของเหตุการณ์ยังอยู่ในการสนทนา"},
    {.code = "webhook.content",
     .status = 422,
     .en_title = "TikTok sent content that cannot be read",
     .en_means = "The event is authentic, but its inner part is no JSON object. It is kept.",
     .en_todo = "Tell the operator the reference; after an upgrade it can be replayed.",
     .th_title = "อ่านเนื้อหาจาก TikTok ไม่ได้",
     .th_means = "เหตุการณ์เป็นของจริง แต่ส่วนเนื้อหาไม่ใช่ JSON ระบบเก็บไว้แล้ว",
     .th_todo = "โปรดแจ้งรหัสอ้างอิงแก่ผู้ดูแลระบบ สามารถประมวลผลซ้ำได้หลังปรับรุ่น"},
};
const size_t webhook_problems_n = COUNT_OF(webhook_problems);

const struct metric webhook_metrics[] = {
    {.name = "mz_webhook_total",
     .kind = METRIC_COUNTER,
     .labels = "app,outcome",
     .doc = "Deliveries by outcome: stored, duplicate, failed, bad_signature; stale and quarantined count "
            "beside."},
    {.name = "mz_webhook_routed_total",
     .kind = METRIC_COUNTER,
     .labels = "app,state",
     .doc = "Inbox rows by what the router made of them."},
};
const size_t webhook_metrics_n = COUNT_OF(webhook_metrics);

const struct setting webhook_settings[] = {
    {.key = "webhook.challenge",
     .kind = SET_FLAG,
     .def = "on",
     .doc =
         "Echo ?challenge= on GET of a webhook path. TikTok documents no handshake; the echo is harmless."},
    {.key = "webhook.keep_days",
     .kind = SET_INT,
     .min = 7,
     .max = 365,
     .unit = "days",
     .def = "30",
     .doc = "How long inbox rows stay. At least 7, because they are the replay defence; bodies end with "
            "their keys."},
};
const size_t webhook_settings_n = COUNT_OF(webhook_settings);

const struct alert_row webhook_alerts[] = {
    {.name = "webhook.bad_signature",
     .severity = "page",
     .en = "Many webhooks with a wrong signature arrived within a minute. Either the secret was changed at "
           "TikTok, or "
           "somebody tries to forge events. Compare the secret with TikTok's portal; forged events were "
           "refused.",
     .th = "มีเว็บฮุกที่ลายเซ็นไม่ถูกต้องจำนวนมากภายในหนึ่งนาที อาจมีการเปลี่ยนรหัสลับที่ TikTok "
           "หรือมีผู้พยายามปลอมเหตุการณ์ โปรดเทียบรหัสลับกับพอร์ทัลของ TikTok เหตุการณ์ปลอมถูกปฏิเสธแล้ว"},
    {.name = "webhook.quarantined",
     .severity = "ticket",
     .en = "A webhook with a right signature bore a time over 73 hours old or over 5 minutes ahead. It was "
           "kept and "
           "not processed. Check this machine's clock.",
     .th = "มีเว็บฮุกที่ลายเซ็นถูกต้องแต่เวลาเก่ากว่า 73 ชั่วโมงหรือล่วงหน้าเกิน 5 นาที ระบบเก็บไว้โดยไม่ประมวลผล "
           "โปรดตรวจสอบนาฬิกาของเครื่อง"},
    {.name = "webhook.unrouted",
     .severity = "ticket",
     .en =
         "Authentic webhooks arrived for a business account that no workspace has connected here. They were "
         "kept and did nothing. Connect the account, or remove its subscription at TikTok.",
     .th = "มีเว็บฮุกที่ถูกต้องส่งมาถึงบัญชีธุรกิจที่ยังไม่มีพื้นที่ทำงานใดเชื่อมต่อ ระบบเก็บไว้โดยไม่ดำเนินการ "
           "โปรดเชื่อมต่อบัญชีนั้น หรือยกเลิกการสมัครรับเหตุการณ์ที่ TikTok"},
};
const size_t webhook_alerts_n = COUNT_OF(webhook_alerts);

const struct event_doc webhook_event_docs[] = {
    {"webhook.refused", "A delivery with a missing or wrong signature; nothing was stored."},
    {"webhook.routed", "A batch of inbox rows was routed: how many of each kind."},
    {"webhook.router_failed", "A batch could not be routed; it stays and is tried again."},
    {"webhook.alert_lost", "An alert about webhooks could not be stored."},
    {"webhook.retained", "Old inbox rows were deleted."},
};
const size_t webhook_event_docs_n = COUNT_OF(webhook_event_docs);

const struct explain_row webhook_explain[] = {
    {"", webhook_explain_row, "One delivery by its reference app.event_ms.hash."},
};
const size_t webhook_explain_n = COUNT_OF(webhook_explain);
