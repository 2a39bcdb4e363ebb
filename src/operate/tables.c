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
     .doc = "A message (msg_), conversation (cnv_), attempt (lat_, cat_), account (acc_), event (evt_) or "
            "job (job_), or a webhook reference."},
    {.name = "lang",
     .in = IN_QUERY,
     .kind = P_ENUM,
     .choices = "en|th",
     .doc = "Language of the sentences; else by cookie or Accept-Language."},
};
static const struct param dead_params[] = {
    {.name = "id", .in = IN_PATH, .kind = P_TEXT, .required = true, .max = 64, .doc = "The dead letter."},
};

static const struct shape shape_alert = {
    .name = "Alert",
    .doc = "Something that a person should look at.",
    .fields = {{"id", A_TEXT, .doc = "alr_..."},
               {"name", A_TEXT, .doc = "Which alert, by name."},
               {"object", A_TEXT, MAY_BE_NULL, .doc = "What it is about, by id."},
               {"severity", A_ENUM, .choices = "page|ticket", .doc = "page: at once; ticket: within a day."},
               {"count", A_INT, .doc = "How often within its window."},
               {"first_at", A_TIME, .doc = "First time within its window."},
               {"at", A_TIME, .doc = "Last time."},
               {"text_en", A_TEXT, MAY_BE_NULL, .doc = "What it means and what to do, in English."},
               {"text_th", A_TEXT, MAY_BE_NULL, .doc = "The same in Thai."}}};
static const struct shape shape_step = {
    .name = "StoryStep",
    .doc = "One step.",
    .fields = {{"at", A_TIME, MAY_BE_NULL, .doc = "When; null: it has no time of its own."},
               {"text", A_TEXT, .doc = "What happened, in words."}}};
static const struct shape shape_story = {
    .name = "Story",
    .doc = "What became of one thing, step by step.",
    .fields = {{"id", A_TEXT, .doc = "The id that was asked about."},
               {"language", A_ENUM, .choices = "en|th", .doc = "Of the sentences."},
               {"steps", A_MANY, .of = &shape_step, .doc = "From arrival to delivery."}}};
static const struct shape shape_dead = {
    .name = "DeadLetter",
    .doc = "A job that ended without an effect.",
    .fields = {{"id", A_TEXT, .doc = "job_..."},
               {"kind", A_TEXT, .doc = "What it was to do, by name."},
               {"code", A_TEXT, .doc = "Why it ended."},
               {"detail", A_TEXT, MAY_BE_NULL, .doc = "More of the reason."},
               {"attempts", A_INT, .doc = "Tries."},
               {"died_at", A_TIME, .doc = "When it ended."}}};
static const struct shape shape_replayed = {.name = "Replayed", .doc = "An empty object."};

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
     .gives = &shape_alert,
     .many = true},
    {.method = "GET",
     .path = "/v1/explain/{id}",
     .name = "explain",
     .cls = HTTP_READ,
     .need = PERM_EXPLAIN,
     .params = explain_params,
     .n_params = COUNT_OF(explain_params),
     .handle = get_explain,
     .doc = "The story of one thing, step by step, in words, English or Thai.",
     .gives = &shape_story},
    {.method = "GET",
     .path = "/v1/jobs/dead",
     .name = "listDeadLetters",
     .cls = HTTP_READ,
     .need = PERM_JOBS_READ,
     .params = list_params,
     .n_params = COUNT_OF(list_params),
     .handle = list_dead,
     .doc = "Jobs that ended without an effect, with the reason.",
     .gives = &shape_dead,
     .many = true},
    {.method = "POST",
     .path = "/v1/jobs/dead/{id}/replay",
     .name = "replayDeadLetter",
     .cls = HTTP_WRITE,
     .need = PERM_JOBS_MANAGE,
     .params = dead_params,
     .n_params = COUNT_OF(dead_params),
     .handle = replay_dead,
     .doc = "Puts a dead letter back into its queue, with fresh attempts.",
     .gives = &shape_replayed,
     .answer = "It is back in its queue."},
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
     .th_means = "ไม่มีข้อความ การลงชื่อเข้าใช้ หรือการส่งใดในพื้นที่ทำงานของท่านที่มีรหัสนี้ หรือพ้นระยะเวลาจัดเก็บแล้ว",
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
