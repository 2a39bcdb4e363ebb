/* The const rows of messaging's set-up. */
#include "messaging/setup_priv.h"

#define CATEGORIES "DIRECT_MESSAGE|COMMENT|VIDEO|BRAND_MENTION"
static const struct param account_params[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .choices = "acc", .required = true, .doc = "The account."},
};
static const struct param task_params[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .choices = "acc", .required = true, .doc = "The account."},
    {.name = "owner", .in = IN_BODY, .kind = P_TEXT, .max = 120, .doc = "Who waits; absent: the owner."},
    {.name = "recheck_at",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .min = 10,
     .max = 40,
     .doc = "A date or an RFC 3339 time in UTC, not in the past."},
};
static const struct param app_params[] = {
    {.name = "app", .in = IN_PATH, .kind = P_TEXT, .required = true, .max = 32, .doc = "Id of the app row."},
};
static const struct param category_params[] = {
    {.name = "app", .in = IN_PATH, .kind = P_TEXT, .required = true, .max = 32, .doc = "Id of the app row."},
    {.name = "category",
     .in = IN_PATH,
     .kind = P_ENUM,
     .choices = CATEGORIES,
     .required = true,
     .doc = "TikTok's category of events."},
};

const struct route messaging_setup_routes[] = {
    {.method = "GET",
     .path = "/v1/accounts/{id}/availability",
     .name = "getAvailability",
     .cls = HTTP_READ,
     .need = PERM_ACCOUNTS_READ,
     .params = account_params,
     .n_params = COUNT_OF(account_params),
     .handle = get_availability,
     .doc = "Whether messaging works for a business account: verdict, checks, fallback, task.",
     .gives = &shape_availability},
    {.method = "POST",
     .path = "/v1/accounts/{id}/availability",
     .name = "checkAvailability",
     .cls = HTTP_EXCHANGE,
     .need = PERM_ACCOUNTS_MANAGE,
     .params = account_params,
     .n_params = COUNT_OF(account_params),
     .handle = post_availability,
     .doc = "Asks TikTok now whether messaging works for a business account.",
     .gives = &shape_availability},
    {.method = "PUT",
     .path = "/v1/accounts/{id}/availability/task",
     .name = "setAvailabilityTask",
     .cls = HTTP_WRITE,
     .need = PERM_ACCOUNTS_MANAGE,
     .params = task_params,
     .n_params = COUNT_OF(task_params),
     .handle = put_task,
     .doc = "Names who waits for TikTok and when to look again; opens the task when there is none.",
     .gives = &shape_availability},
    {.method = "GET",
     .path = "/v1/webhook-subscriptions",
     .name = "listWebhookSubscriptions",
     .cls = HTTP_READ,
     .need = PERM_ACCOUNTS_READ,
     .handle = list_hooks,
     .doc = "For each app and category: the wanted and the registered address, and the last event.",
     .gives = &shape_hook_item,
     .many = true},
    {.method = "POST",
     .path = "/v1/webhook-subscriptions/{app}/check",
     .name = "checkWebhookSubscriptions",
     .cls = HTTP_EXCHANGE,
     .need = PERM_ACCOUNTS_MANAGE,
     .params = app_params,
     .n_params = COUNT_OF(app_params),
     .handle = check_hooks,
     .doc = "Asks TikTok what it has registered for each category of an app.",
     .gives = &shape_hook_item,
     .many = true},
    {.method = "PUT",
     .path = "/v1/webhook-subscriptions/{app}/{category}",
     .name = "setWebhookSubscription",
     .cls = HTTP_EXCHANGE,
     .need = PERM_ACCOUNTS_MANAGE,
     .params = category_params,
     .n_params = COUNT_OF(category_params),
     .handle = put_hook,
     .doc = "Registers or repairs the callback of one category, and reads back what TikTok has.",
     .gives = &shape_hook_item},
    {.method = "DELETE",
     .path = "/v1/webhook-subscriptions/{app}/{category}",
     .name = "deleteWebhookSubscription",
     .cls = HTTP_EXCHANGE,
     .need = PERM_ACCOUNTS_MANAGE,
     .params = category_params,
     .n_params = COUNT_OF(category_params),
     .handle = delete_hook,
     .doc = "Removes the callback of one category of the workspace's own app.",
     .gives = &shape_hook_item},
    {.method = "POST",
     .path = "/v1/webhook-subscriptions/{app}/test",
     .name = "testWebhookSubscription",
     .cls = HTTP_EXCHANGE,
     .need = PERM_ACCOUNTS_MANAGE,
     .params = app_params,
     .n_params = COUNT_OF(app_params),
     .handle = test_hook,
     .doc = "Sends a signed test event to this service's own public address and looks for its row.",
     .gives = &shape_hook_test},
};
const size_t messaging_setup_routes_n = COUNT_OF(messaging_setup_routes);

/* ---- the admin socket: the CLI's side ---- */
static const struct param admin_probe_params[] = {
    {.name = "account", .in = IN_BODY, .kind = P_TEXT, .required = true, .max = 64, .doc = "The account."},
    {.name = "workspace",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .max = 64,
     .doc = "Its workspace."},
};
static const struct param admin_app_params[] = {
    {.name = "app", .in = IN_BODY, .kind = P_TEXT, .required = true, .max = 32, .doc = "Id of the app row."},
};
static const struct param admin_category_params[] = {
    {.name = "app", .in = IN_BODY, .kind = P_TEXT, .required = true, .max = 32, .doc = "Id of the app row."},
    {.name = "category",
     .in = IN_BODY,
     .kind = P_ENUM,
     .choices = CATEGORIES,
     .required = true,
     .doc = "TikTok's category of events."},
};
const struct route messaging_admin_routes[] = {
    {.method = "POST",
     .path = "/admin/availability",
     .name = "adminProbe",
     .cls = HTTP_EXCHANGE,
     .no_once = true,
     .params = admin_probe_params,
     .n_params = COUNT_OF(admin_probe_params),
     .handle = admin_probe,
     .doc = "Asks TikTok now whether messaging works for an account.",
     .gives = &shape_plain_text},
    {.method = "GET",
     .path = "/admin/webhooks",
     .name = "adminWebhooks",
     .cls = HTTP_READ,
     .handle = admin_hooks,
     .doc = "Webhook registrations of all apps.",
     .gives = &shape_plain_text},
    {.method = "POST",
     .path = "/admin/webhooks/set",
     .name = "adminWebhookSet",
     .cls = HTTP_EXCHANGE,
     .no_once = true,
     .params = admin_category_params,
     .n_params = COUNT_OF(admin_category_params),
     .handle = admin_hook_set,
     .doc = "Registers or repairs the callback of one category.",
     .gives = &shape_plain_text},
    {.method = "POST",
     .path = "/admin/webhooks/delete",
     .name = "adminWebhookDelete",
     .cls = HTTP_EXCHANGE,
     .no_once = true,
     .params = admin_category_params,
     .n_params = COUNT_OF(admin_category_params),
     .handle = admin_hook_delete,
     .doc = "Removes the callback of one category.",
     .gives = &shape_plain_text},
    {.method = "POST",
     .path = "/admin/webhooks/test",
     .name = "adminWebhookTest",
     .cls = HTTP_EXCHANGE,
     .no_once = true,
     .params = admin_app_params,
     .n_params = COUNT_OF(admin_app_params),
     .handle = admin_hook_test,
     .doc = "The loopback check of an app.",
     .gives = &shape_plain_text},
};
const size_t messaging_admin_routes_n = COUNT_OF(messaging_admin_routes);

const struct job_kind messaging_setup_jobs[] = {
    {.name = "messaging.probe",
     .order = JOB_ONE,
     .cls = JOBS_SYNC,
     .retry = &retry_fast,
     .lease_ms = 60000,
     .run = probe_job,
     .doc = "Asks TikTok whether messaging works for one business account, and keeps what it said."},
    {.name = "messaging.probe_due",
     .order = JOB_FREE,
     .cls = JOBS_SYNC,
     .retry = &retry_fast,
     .run = probe_due_job,
     .doc = "Plans newly connected business accounts and puts the probes that are due."},
    {.name = "messaging.webhooks_check",
     .order = JOB_FREE,
     .cls = JOBS_SYNC,
     .retry = &retry_patient,
     .lease_ms = 120000,
     .run = hooks_check_job,
     .doc = "Asks TikTok what it has registered for each app; raises an alert when it is not this service."},
};
const size_t messaging_setup_jobs_n = COUNT_OF(messaging_setup_jobs);

const struct job_schedule messaging_schedules[] = {
    {"messaging.probe", "messaging.probe_due", 60000, "Looks every minute for availability probes."},
    {"messaging.webhooks", "messaging.webhooks_check", 86400000, "Looks daily at the webhook registrations."},
};
const size_t messaging_schedules_n = COUNT_OF(messaging_schedules);

const struct mozflow_event messaging_setup_events[] = {
    {.type = "messaging.availability_changed",
     .doc = "Whether messaging works for a business account has changed.",
     .schema =
         "{\"type\":\"object\",\"required\":[\"account_id\",\"verdict\",\"before\"],\"properties\":{"
         "\"account_id\":{\"type\":\"string\"},\"verdict\":{\"enum\":[\"unknown\",\"available\","
         "\"no_scope\",\"not_business\",\"not_approved_or_region\",\"token_dead\",\"webhook_missing\"]},"
         "\"before\":{\"type\":\"string\"}}}",
     .render = render_availability},
};
const size_t messaging_setup_events_n = COUNT_OF(messaging_setup_events);

const struct problem_row messaging_setup_problems[] = {
    {"messaging.not_a_business", 409, "This is not a business account",
     "Messaging belongs to connected TikTok business accounts.", "Choose a business account, or connect one.",
     "บัญชีนี้ไม่ใช่บัญชีธุรกิจ", "การส่งข้อความใช้ได้กับบัญชีธุรกิจ TikTok ที่เชื่อมต่อไว้เท่านั้น", "โปรดเลือกบัญชีธุรกิจ หรือเชื่อมต่อบัญชีธุรกิจ"},
    {"messaging.no_app", 409, "The app of this account is not configured",
     "The TikTok app with which the account was connected is not in the settings any more.",
     "Ask the operator to configure the app again, or connect the account with the present app.",
     "ไม่ได้ตั้งค่าแอปของบัญชีนี้", "แอป TikTok ที่ใช้เชื่อมต่อบัญชีนี้ไม่อยู่ในการตั้งค่าแล้ว",
     "โปรดให้ผู้ดูแลระบบตั้งค่าแอปอีกครั้ง หรือเชื่อมต่อบัญชีด้วยแอปปัจจุบัน"},
    {"messaging.recheck", 422, "The date cannot be used", "It is no date, or it is over.",
     "Send a date such as 2027-01-31, or an RFC 3339 time in UTC, in the future.", "วันที่ใช้ไม่ได้",
     "รูปแบบวันที่ไม่ถูกต้อง หรือเป็นวันที่ผ่านไปแล้ว", "โปรดระบุวันที่ในอนาคต เช่น 2027-01-31 หรือเวลา RFC 3339 แบบ UTC"},
    {"messaging.nothing_to_wait_for", 409, "There is nothing to wait for",
     "Messaging is available for this account.", "Nothing needs to be done.", "ไม่มีสิ่งที่ต้องรอ",
     "บัญชีนี้ใช้งานข้อความได้แล้ว", "ไม่ต้องดำเนินการใด ๆ"},
    {"messaging.no_such_app", 404, "No such app", "No TikTok app for business accounts has this id here.",
     "List the apps with GET /v1/webhook-subscriptions.", "ไม่พบแอป", "ไม่มีแอป TikTok สำหรับบัญชีธุรกิจที่ใช้รหัสนี้",
     "โปรดดูรายการแอปจาก GET /v1/webhook-subscriptions"},
    {"messaging.category", 400, "No such category", "TikTok has four categories of events.",
     "Send DIRECT_MESSAGE, COMMENT, VIDEO or BRAND_MENTION.", "ไม่มีหมวดเหตุการณ์นี้", "TikTok มีหมวดเหตุการณ์สี่หมวด",
     "โปรดระบุ DIRECT_MESSAGE, COMMENT, VIDEO หรือ BRAND_MENTION"},
    {"messaging.shared_app", 403, "This app is shared",
     "The registration belongs to the installation's app. Removing it would silence every workspace.",
     "Ask the operator; the command is: webhooks delete.", "แอปนี้ใช้ร่วมกัน",
     "การลงทะเบียนนี้เป็นของแอปส่วนกลาง หากลบจะทำให้ทุกพื้นที่ทำงานไม่ได้รับเหตุการณ์",
     "โปรดติดต่อผู้ดูแลระบบ ซึ่งใช้คำสั่ง webhooks delete ได้"},
};
const size_t messaging_setup_problems_n = COUNT_OF(messaging_setup_problems);

const struct alert_row messaging_alerts[] = {
    {"messaging.unavailable", "ticket",
     "Messaging worked for a business account and does not any more. Its availability page says why and what "
     "to do; TikTok's own inbox works meanwhile.",
     "บัญชีธุรกิจที่เคยใช้งานข้อความได้ใช้ไม่ได้แล้ว หน้าความพร้อมใช้งานบอกสาเหตุและวิธีแก้ไข ระหว่างนี้ใช้กล่องข้อความของ TikTok ได้"},
    {"messaging.still_waiting", "ticket",
     "The date to look again has come and TikTok still does not let messaging work for an account. Ask "
     "TikTok about the review and set a new date.",
     "ถึงวันที่กำหนดแล้ว แต่ TikTok ยังไม่อนุญาตให้บัญชีใช้ข้อความ โปรดสอบถาม TikTok และกำหนดวันใหม่"},
    {"messaging.webhook_missing", "page",
     "TikTok does not send messages or comments of an app to this service: no address, or another one, is "
     "registered. Register it under Webhooks or with: webhooks set.",
     "TikTok ไม่ได้ส่งข้อความหรือความคิดเห็นของแอปมายังระบบนี้ เนื่องจากไม่มีที่อยู่หรือเป็นที่อยู่อื่น "
     "โปรดลงทะเบียนในหน้าเว็บฮุกหรือใช้คำสั่ง webhooks set"},
};
const size_t messaging_alerts_n = COUNT_OF(messaging_alerts);

const struct metric messaging_setup_metrics[] = {
    {.name = "mz_messaging_probe_total",
     .kind = METRIC_COUNTER,
     .labels = "verdict",
     .doc = "Availability probes by verdict."},
};
const size_t messaging_setup_metrics_n = COUNT_OF(messaging_setup_metrics);

const struct event_doc messaging_setup_event_docs[] = {
    {"messaging.probe", "An availability probe ended: account, verdict, duration."},
    {"messaging.report_lost", "A refused token could not be reported to the accounts; the next call will."},
    {"messaging.loopback", "A signed test event was sent to our own public address."},
};
const size_t messaging_setup_event_docs_n = COUNT_OF(messaging_setup_event_docs);
