/* Routes and tables of rows that audit exports. Reading needs audit.read; nothing here writes. */
#include "audit/audit_priv.h"

struct audit_entry audit_of(struct request *rq, const char *action, str object, str detail)
{
    const struct principal *who = rq_who(rq);
    return (struct audit_entry){.workspace = who->workspace,
                                .actor = who->id,
                                .action = str_of(action),
                                .object = object,
                                .detail = detail,
                                .address = rq_address(rq),
                                .request = rq_id(rq)};
}

struct list_job {
    struct audit_query q;
    struct arena *mem;
    struct audit_row *rows;
    size_t n;
};

static enum rc read_list(struct tx *tx, void *arg, struct fault *why)
{
    struct list_job *j = arg;
    return audit_find(tx, &j->q, j->mem, &j->rows, &j->n, why);
}

static void write_row(struct jw *w, const struct audit_row *r)
{
    jw_obj(w, NULL);
    jw_i64(w, "n", r->n);
    jw_time(w, "at", r->at_ms);
    jw_str(w, "actor", r->actor);
    jw_str(w, "action", r->action);
    jw_str(w, "object", r->object);
    jw_raw(w, "detail", r->detail);
    jw_str(w, "address", r->address);
    jw_str(w, "request_id", r->request);
    jw_str(w, "hash", r->hash);
    jw_end(w);
}

static enum rc get_audit(struct request *rq, void *ctx, struct fault *why)
{
    struct audit *a = ctx;
    struct list_job j = {.mem = rq_mem(rq)};
    j.q = (struct audit_query){.workspace = rq_who(rq)->workspace,
                               .object = rq_arg(rq, "object"),
                               .limit = (int)rq_int(rq, "limit", 50)};
    str cursor = rq_arg(rq, "cursor");
    if (cursor.n > 0 && (!str_to_i64(cursor, &j.q.before) || j.q.before < 1))
        return fault_set(why, RC_INVALID, "input.cursor", "not a cursor of this list");
    enum rc rc = store_read(a->store, read_list, &j, why);
    if (rc != RC_OK)
        return rc;
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(rq), (size_t)1024 * 1024);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_arr(&w, "items");
    for (size_t i = 0; i < j.n; i++)
        write_row(&w, &j.rows[i]);
    jw_end(&w);
    if (j.n == (size_t)j.q.limit && j.rows[j.n - 1].n > 1)
        jw_str(&w, "next_cursor", arena_fmt(rq_mem(rq), "%lld", (long long)j.rows[j.n - 1].n));
    else
        jw_null(&w, "next_cursor");
    jw_end(&w);
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "audit.full", "answer too large");
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

static enum rc get_verdict(struct request *rq, void *ctx, struct fault *why)
{
    struct audit *a = ctx;
    struct audit_verdict v;
    enum rc rc = audit_verify(a, rq_who(rq)->workspace, NULL, &v, why);
    if (rc != RC_OK)
        return rc;
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(rq), 1024);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_bool(&w, "whole", v.whole);
    jw_i64(&w, "checked", v.checked);
    jw_i64(&w, "bad_n", v.bad_n);
    jw_obj(&w, "head");
    jw_i64(&w, "n", v.head.n);
    jw_cstr(&w, "hash", v.head.hash);
    jw_end(&w);
    jw_end(&w);
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "audit.full", "answer too large");
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

static const struct param list_params[] = {
    {.name = "limit",
     .in = IN_QUERY,
     .kind = P_INT,
     .min = 1,
     .max = 100,
     .doc = "entries a page, 50 by default"},
    {.name = "cursor", .in = IN_QUERY, .kind = P_CURSOR, .max = 20, .doc = "next_cursor of the page before"},
    {.name = "object", .in = IN_QUERY, .kind = P_TEXT, .max = 128, .doc = "only entries about this id"},
};

static const struct shape shape_entry = {
    .name = "AuditEntry",
    .doc = "One act in the workspace's chain.",
    .fields = {{"n", A_INT, .doc = "Its number in the chain."},
               {"at", A_TIME, .doc = "When."},
               {"actor", A_TEXT, .doc = "Who: a member, a key, tiktok, cli or a job."},
               {"action", A_TEXT, .doc = "What was done, by name."},
               {"object", A_TEXT, MAY_BE_NULL, .doc = "To what, by id."},
               {"detail", A_ONE, MAY_BE_NULL, .doc = "More of it, never personal data."},
               {"address", A_TEXT, MAY_BE_NULL, .doc = "Where the request came from."},
               {"request_id", A_TEXT, MAY_BE_NULL, .doc = "The request that did it."},
               {"hash", A_TEXT, .doc = "Hash of this entry and the one before it, in hex."}}};
static const struct shape shape_head = {
    .name = "AuditHead",
    .doc = "The chain's last entry.",
    .fields = {{"n", A_INT, .doc = "Its number; 0: the chain is empty."},
               {"hash", A_TEXT, .doc = "Its hash; keep it elsewhere to find a cut tail later."}}};
static const struct shape shape_verdict = {
    .name = "AuditVerdict",
    .doc = "Whether the chain is whole.",
    .fields = {{"whole", A_FLAG, .doc = "Every entry is there, in order and unchanged."},
               {"checked", A_INT, .doc = "Entries looked at."},
               {"bad_n", A_INT, .doc = "The first bad entry; 0: none."},
               {"head", A_ONE, .of = &shape_head, .doc = "Where the chain ends."}}};

const struct route audit_routes[] = {
    {.method = "GET",
     .path = "/v1/audit",
     .name = "listAudit",
     .cls = HTTP_READ,
     .need = PERM_AUDIT_READ,
     .params = list_params,
     .n_params = COUNT_OF(list_params),
     .handle = get_audit,
     .doc = "Who did what in this workspace, newest first.",
     .gives = &shape_entry,
     .many = true},
    {.method = "GET",
     .path = "/v1/audit/verdict",
     .name = "verifyAudit",
     .cls = HTTP_READ,
     .need = PERM_AUDIT_READ,
     .handle = get_verdict,
     .doc = "Walks the workspace's hash chain and says whether every entry is there, in order and unchanged.",
     .gives = &shape_verdict},
};
const size_t audit_routes_n = COUNT_OF(audit_routes);

const struct problem_row audit_problems[] = {
    {.code = "audit.detail",
     .status = 500,
     .en_title = "The act could not be recorded",
     .en_means =
         "The record of this act was not in the form that the audit log takes, so nothing was changed.",
     .en_todo = "Please report the request id to the operator.",
     .th_title = "ไม่สามารถบันทึกการดำเนินการได้",
     .th_means = "ข้อมูลบันทึกของการดำเนินการนี้ไม่อยู่ในรูปแบบที่ระบบตรวจสอบรองรับ ระบบจึงไม่ได้เปลี่ยนแปลงข้อมูลใด",
     .th_todo = "โปรดแจ้งรหัสคำขอแก่ผู้ดูแลระบบ"},
    {.code = "audit.full",
     .status = 503,
     .en_title = "Too much to show at once",
     .en_means = "The page of the audit log does not fit into one answer.",
     .en_todo = "Ask for fewer entries with the parameter limit.",
     .th_title = "ข้อมูลมากเกินกว่าจะแสดงได้ในครั้งเดียว",
     .th_means = "หน้าข้อมูลของบันทึกการตรวจสอบมีขนาดใหญ่เกินกว่าจะส่งในคำตอบเดียว",
     .th_todo = "โปรดขอจำนวนรายการน้อยลงด้วยพารามิเตอร์ limit"},
};
const size_t audit_problems_n = COUNT_OF(audit_problems);

const struct metric audit_metrics[] = {
    [AUDIT_M_ENTRIES] = {"mz_audit_entries_total", METRIC_COUNTER, NULL,
                         "Audit entries appended, counted before the commit of their transaction."},
    [AUDIT_M_BROKEN] = {"mz_audit_broken_total", METRIC_COUNTER, NULL,
                        "Verifications that found a chain not whole."},
};
const size_t audit_metrics_n = COUNT_OF(audit_metrics);

const struct alert_row audit_alerts[] = {
    {.name = "audit.broken",
     .severity = "page",
     .en = "The audit log of a workspace is not whole: an entry was changed, removed or added outside the "
           "service. "
           "Keep the database as it is, compare it with the last backup and find out who had access.",
     .th = "บันทึกการตรวจสอบของพื้นที่ทำงานไม่ครบถ้วน มีรายการถูกแก้ไข ลบ หรือเพิ่มจากภายนอกบริการ "
           "โปรดเก็บฐานข้อมูลไว้ตามสภาพเดิม เปรียบเทียบกับข้อมูลสำรองล่าสุด และตรวจสอบว่าผู้ใดเข้าถึงได้"},
};
const size_t audit_alerts_n = COUNT_OF(audit_alerts);

const struct event_doc audit_event_docs[] = {
    {"audit.broken",
     "A verification found that a workspace's chain is not whole; entry is the first that does not fit."},
};
const size_t audit_event_docs_n = COUNT_OF(audit_event_docs);
