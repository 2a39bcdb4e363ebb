/* The room's const rows. */
#include "operate/operate_priv.h"

static const struct param list_params[] = {
    {.name = "limit",
     .in = IN_QUERY,
     .kind = P_INT,
     .min = 1,
     .max = 100,
     .doc = "Entries a page; 50 when absent."},
    {.name = "cursor", .in = IN_QUERY, .kind = P_CURSOR, .max = 64, .doc = "next_cursor of the page before."},
};
static const struct param explain_params[] = {
    {.name = "id",
     .in = IN_PATH,
     .kind = P_TEXT,
     .required = true,
     .max = 128,
     .doc = "A message (msg_), a login attempt (lat_), or a webhook reference."},
};
static const struct param dead_params[] = {
    {.name = "id", .in = IN_PATH, .kind = P_TEXT, .required = true, .max = 64, .doc = "The dead letter."},
};

const struct route operate_routes[] = {
    {.method = "GET",
     .path = "/v1/alerts",
     .name = "listAlerts",
     .cls = HTTP_READ,
     .need = PERM_ALERTS_READ,
     .params = list_params,
     .n_params = COUNT_OF(list_params),
     .handle = list_alerts,
     .doc = "Alerts of the workspace, newest first.",
     .answer = "items: [{id, name, object, severity, count, first_at, at, text_en, text_th}], next_cursor"},
    {.method = "GET",
     .path = "/v1/explain/{id}",
     .name = "explain",
     .cls = HTTP_READ,
     .need = PERM_EXPLAIN,
     .params = explain_params,
     .n_params = COUNT_OF(explain_params),
     .handle = get_explain,
     .doc = "The story of one message or login, step by step, in words.",
     .answer = "{id, steps: [{at, text}]}"},
    {.method = "GET",
     .path = "/v1/jobs/dead",
     .name = "listDeadLetters",
     .cls = HTTP_READ,
     .need = PERM_JOBS_READ,
     .params = list_params,
     .n_params = COUNT_OF(list_params),
     .handle = list_dead,
     .doc = "Jobs that ended without an effect, with the reason.",
     .answer = "items: [{id, kind, code, detail, attempts, died_at}], next_cursor"},
    {.method = "POST",
     .path = "/v1/jobs/dead/{id}/replay",
     .name = "replayDeadLetter",
     .cls = HTTP_WRITE,
     .need = PERM_JOBS_MANAGE,
     .params = dead_params,
     .n_params = COUNT_OF(dead_params),
     .handle = replay_dead,
     .doc = "Puts a dead letter back into its queue, with fresh attempts.",
     .answer = "{}"},
};
const size_t operate_routes_n = COUNT_OF(operate_routes);

const struct job_kind operate_jobs[] = {
    {.name = "operate.alert",
     .order = JOB_FREE,
     .cls = JOBS_SYNC,
     .retry = &retry_patient,
     .run = raise_alert,
     .doc = "Writes the row, metric and event of an alert."},
};
const size_t operate_jobs_n = COUNT_OF(operate_jobs);

const struct mozflow_event operate_events[] = {
    {.type = "alert.raised",
     .doc = "Something in this workspace needs a person.",
     .schema = "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"severity\",\"count\",\"at\"]}",
     .render = render_alert},
};
const size_t operate_events_n = COUNT_OF(operate_events);

const struct problem_row operate_problems[] = {
    {.code = "operate.unknown_id",
     .status = 404,
     .en_title = "Nothing is known about this id",
     .en_means = "No message, login or delivery of your workspace has this id, or its retention has passed.",
     .en_todo = "Check the id; it begins with msg_, lat_ or an app's name.",
     .th_title = "ไม่พบข้อมูลของรหัสนี้",
     .th_means = "ไม่มีข้อความ การเข้าสู่ระบบ หรือการส่งใดในพื้นที่ทำงานของคุณที่มีรหัสนี้ หรือพ้นระยะเวลาจัดเก็บแล้ว",
     .th_todo = "โปรดตรวจสอบรหัส ซึ่งขึ้นต้นด้วย msg_, lat_ หรือชื่อแอป"},
};
const size_t operate_problems_n = COUNT_OF(operate_problems);

const struct metric operate_metrics[] = {
    {.name = "mz_alerts_total", .kind = METRIC_COUNTER, .labels = "alert,severity", .doc = "Alerts raised."},
};
const size_t operate_metrics_n = COUNT_OF(operate_metrics);

const struct event_doc operate_event_docs[] = {
    {"alert.raised", "An alert was raised or repeated."},
};
const size_t operate_event_docs_n = COUNT_OF(operate_event_docs);
