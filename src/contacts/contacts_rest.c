/* GET /v1/contacts, GET /v1/contacts/{id}, and the room's const rows. A list is newest first; its cursor is
 * the last id.
 */
#include "contacts/contacts_priv.h"
#include "contacts/contacts_routes.h"
#include "mozflow/mozflow.h"

static void write_head(const struct rows *r, struct jw *w)
{
    jw_str(w, "id", row_text(r, 0));
    jw_str(w, "name", row_text(r, 1));
    jw_str(w, "username", row_text(r, 2));
    jw_str(w, "avatar_url", row_text(r, 3));
    jw_time(w, "created_at", row_int(r, 4));
    jw_time(w, "updated_at", row_int(r, 5));
}

enum rc contact_write(struct tx *tx, str workspace, str id, struct arena *mem, struct jw *w,
                      struct fault *why)
{
    struct rows *r, *ids;
    enum rc rc = contacts_db_contact_load(tx, workspace, id, mem, &r, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "contacts.missing", "no such contact");
    if (rc == RC_OK)
        rc = contacts_db_contact_identities(tx, workspace, id, mem, &ids, why);
    if (rc != RC_OK)
        return rc;
    write_head(r, w);
    jw_arr(w, "identities");
    while (rows_next(ids)) {
        jw_obj(w, NULL);
        jw_str(w, "id", row_text(ids, 0));
        jw_str(w, "kind", row_text(ids, 1));
        jw_str(w, "external_id", row_text(ids, 2));
        jw_str(w, "username", row_text(ids, 3));
        jw_str(w, "display_name", row_text(ids, 4));
        jw_time(w, "first_seen_at", row_int(ids, 5));
        jw_time(w, "last_seen_at", row_int(ids, 6));
        jw_end(w);
    }
    jw_end(w);
    return RC_OK;
}

struct asked {
    struct request *rq;
    struct json_answer json;
};

static enum rc read_one(struct tx *tx, void *arg, struct fault *why)
{
    struct asked *a = arg;
    answer_begin(&a->json, a->rq, 256u << 10);
    return contact_write(tx, rq_who(a->rq)->workspace, rq_arg(a->rq, "id"), rq_mem(a->rq), &a->json.w, why);
}

static enum rc read_list(struct tx *tx, void *arg, struct fault *why)
{
    struct asked *a = arg;
    struct jw *w = &a->json.w;
    struct rows *r;
    int64_t limit = rq_int(a->rq, "limit", 50), n = 0;
    str last = STR_NONE;
    enum rc rc = contacts_db_contact_list(tx, rq_who(a->rq)->workspace, rq_arg(a->rq, "cursor"), limit + 1,
                                          rq_mem(a->rq), &r, why);
    if (rc != RC_OK)
        return rc;
    answer_begin(&a->json, a->rq, 1u << 20);
    jw_arr(w, "items");
    while (n < limit && rows_next(r)) {
        jw_obj(w, NULL);
        write_head(r, w);
        jw_end(w);
        last = row_text(r, 0);
        n++;
    }
    jw_end(w);
    answer_next(&a->json, (int64_t)rows_count(r) > limit ? last : STR_NONE);
    return RC_OK;
}

static enum rc answer_read(struct request *rq, const struct contacts *c, store_fn fn, struct fault *why)
{
    struct asked a = {.rq = rq};
    enum rc rc = store_read(c->store, fn, &a, why);
    return rc == RC_OK ? answer_end(&a.json, 200, why) : rc;
}

static enum rc get_contact(struct request *rq, void *ctx, struct fault *why)
{
    return answer_read(rq, ctx, read_one, why);
}

static enum rc list_contacts(struct request *rq, void *ctx, struct fault *why)
{
    return answer_read(rq, ctx, read_list, why);
}

/* ---- rows ---- */
static const struct param one_params[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .choices = "con", .required = true, .doc = "The contact."},
};
static const struct param list_params[] = {
    {.name = "limit",
     .in = IN_QUERY,
     .kind = P_INT,
     .min = 1,
     .max = 100,
     .doc = "Entries a page; 50 when absent."},
    {.name = "cursor", .in = IN_QUERY, .kind = P_CURSOR, .max = 64, .doc = "next_cursor of the page before."},
};
static const struct shape shape_person = {
    .name = "ContactIdentity",
    .doc = "Who a contact is at TikTok.",
    .fields = {{"id", A_TEXT, .doc = "Our id of the identity."},
               {"kind", A_TEXT, .doc = "Where the identity comes from."},
               {"external_id", A_TEXT, .doc = "TikTok's id of the person for this app."},
               {"username", A_TEXT, MAY_BE_NULL, .doc = "TikTok's username."},
               {"display_name", A_TEXT, MAY_BE_NULL, .doc = "TikTok's display name."},
               {"first_seen_at", A_TIME, .doc = "First heard of."},
               {"last_seen_at", A_TIME, .doc = "Last heard of."}}};
static const struct shape shape_contact = {
    .name = "Contact",
    .doc = "A person the workspace is in touch with.",
    .fields = {{"id", A_TEXT, .doc = "con_..."},
               {"name", A_TEXT, MAY_BE_NULL, .doc = "Display name, when TikTok gave one."},
               {"username", A_TEXT, MAY_BE_NULL, .doc = "TikTok's username."},
               {"avatar_url", A_URL, MAY_BE_NULL, .doc = "Picture."},
               {"created_at", A_TIME, .doc = "When the contact was made."},
               {"updated_at", A_TIME, .doc = "The last change of name, username or picture."},
               {"identities", A_MANY, MAY_BE_ABSENT, .of = &shape_person,
                .doc = "Who the contact is at TikTok; not in lists."}}};

const struct route contacts_routes[] = {
    {.method = "GET",
     .path = "/v1/contacts",
     .name = "listContacts",
     .cls = HTTP_READ,
     .need = PERM_CONTACTS_READ,
     .params = list_params,
     .n_params = COUNT_OF(list_params),
     .handle = list_contacts,
     .doc = "Contacts of the workspace, newest first.",
     .gives = &shape_contact,
     .many = true},
    {.method = "GET",
     .path = "/v1/contacts/{id}",
     .name = "getContact",
     .cls = HTTP_READ,
     .need = PERM_CONTACTS_READ,
     .params = one_params,
     .n_params = COUNT_OF(one_params),
     .handle = get_contact,
     .doc = "One contact with its TikTok identities.",
     .gives = &shape_contact},
};
const size_t contacts_routes_n = COUNT_OF(contacts_routes);

const struct job_kind contacts_jobs[] = {
    {.name = "contacts.from_login",
     .order = JOB_FREE,
     .cls = JOBS_SYNC,
     .retry = &retry_patient,
     .run = contacts_from_login,
     .doc = "Makes or refreshes the contact of a person who signed in with TikTok."},
};
const size_t contacts_jobs_n = COUNT_OF(contacts_jobs);

const struct mozflow_event contacts_events[] = {
    {.type = "contact.updated",
     .doc = "A contact was made, or a name, username or picture of it changed.",
     .schema = "{\"type\":\"object\",\"required\":[\"id\",\"identities\"],\"properties\":{\"id\":{\"type\":"
               "\"string\"},"
               "\"name\":{\"type\":[\"string\",\"null\"]},\"username\":{\"type\":[\"string\",\"null\"]},"
               "\"avatar_url\":{\"type\":[\"string\",\"null\"]},\"created_at\":{\"type\":\"string\"},"
               "\"updated_at\":{\"type\":\"string\"},\"identities\":{\"type\":\"array\",\"items\":{\"type\":"
               "\"object\","
               "\"required\":[\"id\",\"kind\",\"external_id\"]}}}}",
     .render = contacts_render},
};
const size_t contacts_events_n = COUNT_OF(contacts_events);

const struct problem_row contacts_problems[] = {
    {.code = "contacts.missing",
     .status = 404,
     .en_title = "No such contact",
     .en_means = "There is no contact with this id in your workspace.",
     .en_todo = "Check the id; the contact may have been erased.",
     .th_title = "ไม่พบผู้ติดต่อ",
     .th_means = "ไม่มีผู้ติดต่อรหัสนี้ในพื้นที่ทำงานของท่าน",
     .th_todo = "โปรดตรวจสอบรหัส ผู้ติดต่ออาจถูกลบแล้ว"},
    {.code = "contacts.external_id",
     .status = 422,
     .en_title = "Unusable TikTok id",
     .en_means = "TikTok's id for this person is empty or longer than 256 bytes.",
     .en_todo = "Tell the operator the event's reference; it is kept.",
     .th_title = "รหัสจาก TikTok ใช้ไม่ได้",
     .th_means = "รหัสของบุคคลนี้จาก TikTok ว่างเปล่าหรือยาวเกิน 256 ไบต์",
     .th_todo = "โปรดแจ้งรหัสอ้างอิงของเหตุการณ์แก่ผู้ดูแลระบบ ข้อมูลถูกเก็บไว้แล้ว"},
    {.code = "contacts.name",
     .status = 422,
     .en_title = "Name too long",
     .en_means = "A name or picture address from TikTok is longer than this service keeps.",
     .en_todo = "Tell the operator the event's reference; it is kept.",
     .th_title = "ชื่อยาวเกินไป",
     .th_means = "ชื่อหรือที่อยู่รูปภาพจาก TikTok ยาวเกินที่ระบบจัดเก็บ",
     .th_todo = "โปรดแจ้งรหัสอ้างอิงของเหตุการณ์แก่ผู้ดูแลระบบ ข้อมูลถูกเก็บไว้แล้ว"},
};
const size_t contacts_problems_n = COUNT_OF(contacts_problems);
