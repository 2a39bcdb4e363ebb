/* Const rows of room mozflow: routes, jobs, problems, settings, metrics, alerts, log events. */
#include "mozflow/mozflow_priv.h"

const struct job_kind mozflow_jobs[] = {
    {"mozflow.deliver", JOB_FREE, JOBS_DELIVER, &retry_days, 0, mozflow_run_deliver,
     "Delivers one event to the workspace's endpoint."},
    {"mozflow.release", JOB_ONE, JOBS_BULK, &retry_patient, 0, mozflow_run_release,
     "Sends held events of a workspace after its endpoint was switched on."},
    {"mozflow.tidy", JOB_FREE, JOBS_BULK, &retry_patient, 0, mozflow_run_tidy,
     "Deletes outbox rows older than mozflow.keep_days."},
};
const size_t mozflow_jobs_n = COUNT_OF(mozflow_jobs);

const struct job_schedule mozflow_schedules[] = {
    {"mozflow.tidy", "mozflow.tidy", 3600000, "Every hour: old outbox rows go."},
};
const size_t mozflow_schedules_n = COUNT_OF(mozflow_schedules);

/* ---- routes ---- */
static const struct param list_params[] = {
    {.name = "limit",
     .in = IN_QUERY,
     .kind = P_INT,
     .min = 1,
     .max = 100,
     .doc = "Entries per page, 50 by default."},
    {.name = "cursor", .in = IN_QUERY, .kind = P_CURSOR, .doc = "next_cursor of the page before."},
    {.name = "state",
     .in = IN_QUERY,
     .kind = P_ENUM,
     .choices = "waiting|delivered|held|withdrawn|dead",
     .doc = "Only events in this state."},
    {.name = "subject", .in = IN_QUERY, .kind = P_TEXT, .max = 128, .doc = "Only events about this id."},
};
static const struct param id_params[] = {
    {.name = "id",
     .in = IN_PATH,
     .kind = P_ID,
     .required = true,
     .choices = "evt",
     .doc = "Id of the event."},
};
static const struct param endpoint_params[] = {
    {.name = "url",
     .in = IN_BODY,
     .kind = P_URL,
     .required = true,
     .max = 1024,
     .doc = "Where events are posted to: https, or http inside a network of fetch.allow_private."},
    {.name = "enabled", .in = IN_BODY, .kind = P_FLAG, .doc = "false keeps events back; true by default."},
};

static const struct shape shape_event = {
    .name = "Event",
    .doc = "An event to Mozflow with its delivery.",
    .fields = {
        {"id", A_TEXT, .doc = "evt_...; the id of the delivery as well."},
        {"type", A_TEXT, .doc = "What happened, as the event catalogue names it."},
        {"subject", A_TEXT, .doc = "The id of what it happened to."},
        {"state", A_ENUM, .choices = "waiting|delivered|held|dead", .doc = "Where the delivery stands."},
        {"attempts", A_INT, .doc = "Deliveries tried since the event was made or replayed."},
        {"created_at", A_TIME, .doc = "When it was written."},
        {"last_attempt_at", A_TIME, MAY_BE_NULL, .doc = "The last try; null: none."},
        {"last_status", A_INT, MAY_BE_NULL, .doc = "HTTP status of the last try; null: no answer came."},
        {"last_code", A_TEXT, MAY_BE_NULL, .doc = "Why the last try failed."},
        {"delivered_at", A_TIME, MAY_BE_NULL, .doc = "When it was taken; null: not yet."}}};
static const struct shape shape_event_secret = {
    .name = "EventSecret",
    .doc = "An active signing secret, without its value.",
    .fields = {{"id", A_TEXT, .doc = "Names the secret."},
               {"created_at", A_TIME, .doc = "Since when it signs."},
               {"valid_until", A_TIME, MAY_BE_NULL, .doc = "Until when; null: it is the newest."}}};
static const struct shape shape_endpoint = {
    .name = "EventEndpoint",
    .doc = "Where the workspace's events go.",
    .fields = {{"url", A_URL, MAY_BE_NULL, .doc = "The address; null: none is set."},
               {"enabled", A_FLAG, .doc = "Whether events are sent."},
               {"off_reason", A_TEXT, MAY_BE_NULL, .doc = "Why it is switched off."},
               {"off_at", A_TIME, MAY_BE_NULL, .doc = "Since when."},
               {"updated_at", A_TIME, MAY_BE_NULL, .doc = "When it was last set."},
               {"secret", A_TEXT, MAY_BE_NULL | MAY_BE_ABSENT,
                .doc = "A new signing secret, shown once; null when there is none to show."},
               {"secrets", A_MANY, .of = &shape_event_secret, .doc = "Active secrets."}}};
static const struct shape shape_event_id = {.name = "EventId",
                                            .doc = "The event that was written.",
                                            .fields = {{"event_id", A_TEXT, .doc = "evt_..."}}};

const struct route mozflow_routes[] = {
    {.method = "GET",
     .path = "/v1/events",
     .name = "listEvents",
     .cls = HTTP_READ,
     .need = PERM_EVENTS_READ,
     .params = list_params,
     .n_params = COUNT_OF(list_params),
     .handle = mozflow_get_events,
     .doc = "Events to Mozflow with their delivery state, newest first.",
     .gives = &shape_event,
     .many = true},
    {.method = "GET",
     .path = "/v1/events/endpoint",
     .name = "getEventEndpoint",
     .cls = HTTP_READ,
     .need = PERM_EVENTS_READ,
     .handle = mozflow_get_endpoint,
     .doc = "The workspace's endpoint and its active secrets, without their values.",
     .gives = &shape_endpoint},
    {.method = "PUT",
     .path = "/v1/events/endpoint",
     .name = "setEventEndpoint",
     .cls = HTTP_WRITE,
     .need = PERM_EVENTS_MANAGE,
     .params = endpoint_params,
     .n_params = COUNT_OF(endpoint_params),
     .handle = mozflow_put_endpoint,
     .doc =
         "Sets the endpoint. The first time the answer holds the signing secret, which is not shown again.",
     .gives = &shape_endpoint},
    {.method = "POST",
     .path = "/v1/events/endpoint/rotate-secret",
     .name = "rotateEventSecret",
     .cls = HTTP_WRITE,
     .need = PERM_EVENTS_MANAGE,
     .handle = mozflow_post_rotate,
     .doc = "Makes a new signing secret, shown once. The old one signs as well for mozflow.rotation_hours.",
     .gives = &shape_endpoint},
    {.method = "POST",
     .path = "/v1/events/endpoint/test",
     .name = "testEventEndpoint",
     .cls = HTTP_WRITE,
     .need = PERM_EVENTS_MANAGE,
     .handle = mozflow_post_test,
     .doc = "Sends an event endpoint.test to the endpoint.",
     .gives = &shape_event_id},
    {.method = "GET",
     .path = "/v1/events/{id}",
     .name = "getEvent",
     .cls = HTTP_READ,
     .need = PERM_EVENTS_READ,
     .params = id_params,
     .n_params = COUNT_OF(id_params),
     .handle = mozflow_get_event,
     .doc = "One event with its delivery state.",
     .gives = &shape_event},
    {.method = "POST",
     .path = "/v1/events/{id}/replay",
     .name = "replayEvent",
     .cls = HTTP_WRITE,
     .need = PERM_EVENTS_MANAGE,
     .params = id_params,
     .n_params = COUNT_OF(id_params),
     .handle = mozflow_post_replay,
     .doc = "Delivers an event again under the same id, whatever became of it before.",
     .gives = &shape_event},
};
const size_t mozflow_routes_n = COUNT_OF(mozflow_routes);

const struct problem_row mozflow_problems[] = {
    {"mozflow.url", 422, "This address cannot be an endpoint",
     "Events are sent to public https addresses without user name or fragment. Other networks must be "
     "allowed by the "
     "operator (setting fetch.allow_private).",
     "Correct the address, or ask the operator to allow the network.", "ไม่สามารถใช้ที่อยู่นี้เป็นปลายทางได้",
     "ระบบส่งเหตุการณ์ไปยังที่อยู่ https สาธารณะที่ไม่มีชื่อผู้ใช้และไม่มีส่วนต่อท้าย (#) เท่านั้น "
     "เครือข่ายอื่นต้องได้รับอนุญาตจากผู้ดูแลระบบ (การตั้งค่า fetch.allow_private)",
     "โปรดแก้ไขที่อยู่ หรือขอให้ผู้ดูแลระบบอนุญาตเครือข่ายดังกล่าว"},
    {"mozflow.secret", 422, "This is not a signing secret",
     "A signing secret is the text whsec_ and 24 to 64 bytes in base64.",
     "Give such a secret, or none to have one made.", "ข้อความนี้ไม่ใช่รหัสลับสำหรับลงลายเซ็น",
     "รหัสลับต้องขึ้นต้นด้วย whsec_ ตามด้วยข้อมูล 24 ถึง 64 ไบต์ในรูปแบบ base64",
     "โปรดระบุรหัสลับที่ถูกต้อง หรือเว้นว่างเพื่อให้ระบบสร้างให้"},
    {"mozflow.no_endpoint", 409, "There is no endpoint that is switched on",
     "This workspace has not been told where to send events, or its endpoint is switched off.",
     "Set the endpoint first: PUT /v1/events/endpoint.", "ยังไม่มีปลายทางที่เปิดใช้งาน",
     "พื้นที่ทำงานนี้ยังไม่ได้กำหนดปลายทางของเหตุการณ์ หรือปลายทางถูกปิดอยู่",
     "โปรดกำหนดปลายทางก่อน: PUT /v1/events/endpoint"},
    {"mozflow.too_many_secrets", 409, "Three secrets are active already",
     "A rotation leaves the old secret active for a while; two rotations are under way.",
     "Wait until one of the older secrets has ended.", "มีรหัสลับที่ใช้งานอยู่ครบสามรายการแล้ว",
     "เมื่อเปลี่ยนรหัสลับ รหัสเดิมจะยังใช้ได้อีกระยะหนึ่ง ขณะนี้มีการเปลี่ยนรหัสค้างอยู่สองครั้ง",
     "โปรดรอจนกว่ารหัสลับเดิมรายการหนึ่งจะหมดอายุ"},
};
const size_t mozflow_problems_n = COUNT_OF(mozflow_problems);

const struct setting mozflow_settings[] = {
    {.key = "mozflow.timeout_ms",
     .kind = SET_INT,
     .min = 500,
     .max = 20000,
     .unit = "ms",
     .def = "8000",
     .doc = "How long one delivery to Mozflow may take."},
    {.key = "mozflow.keep_days",
     .kind = SET_INT,
     .min = 7,
     .max = 365,
     .unit = "days",
     .def = "30",
     .doc = "How long events are kept in the outbox, delivered or not."},
    {.key = "mozflow.hold_days",
     .kind = SET_INT,
     .min = 1,
     .max = 365,
     .unit = "days",
     .def = "7",
     .doc = "When an endpoint is switched on, events that were held for it at most so long ago are sent."},
    {.key = "mozflow.rotation_hours",
     .kind = SET_INT,
     .min = 0,
     .max = 168,
     .unit = "hours",
     .def = "24",
     .doc = "How long an old signing secret still signs after a new one was made."},
};
const size_t mozflow_settings_n = COUNT_OF(mozflow_settings);

const struct metric mozflow_metrics[] = {
    [METRIC_EMITTED] = {"mz_mozflow_emitted_total", METRIC_COUNTER, "type",
                        "Events written by use cases; a transaction that failed afterwards is counted too."},
    [METRIC_DELIVERY] = {"mz_mozflow_delivery_total", METRIC_COUNTER, "type,outcome",
                         "Deliveries by outcome: delivered, retry, dead, withdrawn."},
    [METRIC_TIME] = {"mz_mozflow_delivery_seconds", METRIC_HISTOGRAM, "type", "Time of one delivery call."},
    [METRIC_AGE] = {"mz_mozflow_age_seconds", METRIC_HISTOGRAM, "type", "From emit to delivery."},
};
const size_t mozflow_metrics_n = COUNT_OF(mozflow_metrics);

const struct alert_row mozflow_alerts[] = {
    {"mozflow.endpoint_gone", "page",
     "Mozflow's endpoint answered 410 Gone and was switched off. Events are held. Check the address, then "
     "switch the endpoint on again: what was held is sent.",
     "ปลายทางของ Mozflow ตอบ 410 Gone ระบบจึงปิดปลายทางและพักเหตุการณ์ไว้ โปรดตรวจสอบที่อยู่แล้วเปิดใช้งานอีกครั้ง "
     "เหตุการณ์ที่พักไว้จะถูกส่งต่อ"},
    {"mozflow.dead", "ticket",
     "An event could not be delivered to Mozflow within its retry schedule of more than four days. Remove "
     "the cause, then replay it.",
     "ไม่สามารถส่งเหตุการณ์ไปยัง Mozflow ได้ภายในกำหนดการลองใหม่กว่าสี่วัน โปรดแก้ไขสาเหตุแล้วสั่งให้ส่งซ้ำ"},
};
const size_t mozflow_alerts_n = COUNT_OF(mozflow_alerts);

const struct explain_row mozflow_explain[] = {
    {"evt_", mozflow_explain_event, "An event to Mozflow: when it was written, what became of its delivery."},
};
const size_t mozflow_explain_n = COUNT_OF(mozflow_explain);

const struct event_doc mozflow_event_docs[] = {
    {"mozflow.delivery", "An event reached an end: event, workspace, type, state, status, code, attempt."},
    {"mozflow.endpoint_gone", "An endpoint answered 410 and was switched off: workspace, event."},
};
const size_t mozflow_event_docs_n = COUNT_OF(mozflow_event_docs);
