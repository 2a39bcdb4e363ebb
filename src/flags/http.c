/* Routes of flags and the const rows that the room exports. A workspace sees and changes its own state; the
 * installation's belongs to the CLI. */
#include "flags/flags_priv.h"

struct list_job {
    struct flags *f;
    str workspace;
    struct arena *mem;
    struct flag_view *v;
    size_t n;
};

static enum rc list_read(struct tx *tx, void *arg, struct fault *why)
{
    struct list_job *j = arg;
    return flags_list(j->f, tx, j->workspace, j->mem, &j->v, &j->n, why);
}

static void view_write(struct jw *w, const struct flag_view *v)
{
    static const char *const words[] = {[FLAG_UNSET] = "unset", [FLAG_OFF] = "off", [FLAG_ON] = "on"};
    jw_obj(w, NULL);
    jw_cstr(w, "name", v->row->name);
    jw_bool(w, "on", v->on);
    jw_cstr(w, "here", words[v->here]);
    jw_cstr(w, "installation", words[v->installation]);
    jw_bool(w, "default", v->row->on);
    jw_cstr(w, "means_en", v->row->en);
    jw_cstr(w, "means_th", v->row->th);
    jw_str(w, "reason", v->reason);
    jw_str(w, "changed_by", v->by);
    jw_time(w, "changed_at", v->at_ms);
    jw_end(w);
}

static enum rc answer_list(struct flags *f, struct request *rq, struct fault *why)
{
    struct list_job j = {.f = f, .workspace = rq_who(rq)->workspace, .mem = rq_mem(rq)};
    enum rc rc = store_read(f->store, list_read, &j, why);
    if (rc != RC_OK)
        return rc;
    struct buf b;
    struct jw w;
    buf_init(&b, j.mem, 262144);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_arr(&w, "items");
    for (size_t i = 0; i < j.n; i++)
        view_write(&w, &j.v[i]);
    jw_end(&w);
    jw_null(&w, "next_cursor");
    jw_end(&w);
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "flags.full", "answer too large");
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

static enum rc get_flags(struct request *rq, void *ctx, struct fault *why)
{
    return answer_list(ctx, rq, why);
}

struct set_job {
    struct flags *f;
    struct flag_change c;
};

static enum rc set_write(struct tx *tx, void *arg, struct fault *why)
{
    struct set_job *j = arg;
    return flags_set(j->f, tx, &j->c, why);
}

static enum rc change(struct request *rq, struct flags *f, enum flag_state state, struct fault *why)
{
    struct set_job j = {.f = f};
    j.c = (struct flag_change){.workspace = rq_who(rq)->workspace,
                               .name = rq_arg(rq, "name"),
                               .state = state,
                               .reason = rq_arg(rq, "reason"),
                               .by = audit_of(rq, "flags.changed", STR_NONE, STR_NONE)};
    enum rc rc = store_write(f->store, STORE_INTERACTIVE, set_write, &j, why);
    if (rc == RC_OK)
        rc = flags_refresh(f, why);
    return rc != RC_OK ? rc : answer_list(f, rq, why);
}

static enum rc put_flag(struct request *rq, void *ctx, struct fault *why)
{
    return change(rq, ctx, rq_int(rq, "on", 0) != 0 ? FLAG_ON : FLAG_OFF, why);
}

static enum rc delete_flag(struct request *rq, void *ctx, struct fault *why)
{
    return change(rq, ctx, FLAG_UNSET, why);
}

static const struct param put_params[] = {
    {.name = "name", .in = IN_PATH, .kind = P_TEXT, .required = true, .min = 1, .max = 64, .doc = "the flag"},
    {.name = "on", .in = IN_BODY, .kind = P_FLAG, .required = true, .doc = "the workspace's own state"},
    {.name = "reason",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .min = 3,
     .max = 300,
     .doc = "why; kept"},
};
static const struct param delete_params[] = {
    {.name = "name", .in = IN_PATH, .kind = P_TEXT, .required = true, .min = 1, .max = 64, .doc = "the flag"},
    {.name = "reason", .in = IN_QUERY, .kind = P_TEXT, .required = true, .min = 3, .max = 300, .doc = "why"},
};

#define STATES "unset|off|on"
static const struct shape shape_flag = {
    .name = "Flag",
    .doc = "A feature flag, as it holds for this workspace.",
    .fields = {{"name", A_TEXT, .doc = "Its name."},
               {"on", A_FLAG, .doc = "What holds."},
               {"here", A_ENUM, .choices = STATES, .doc = "The workspace's own state."},
               {"installation", A_ENUM, .choices = STATES, .doc = "The installation's; its off wins."},
               {"default", A_FLAG, .doc = "What holds when nobody set it."},
               {"means_en", A_TEXT, .doc = "What it switches, in English."},
               {"means_th", A_TEXT, .doc = "What it switches, in Thai."},
               {"reason", A_TEXT, MAY_BE_NULL, .doc = "Why it was set."},
               {"changed_by", A_TEXT, MAY_BE_NULL, .doc = "By whom."},
               {"changed_at", A_TIME, MAY_BE_NULL, .doc = "When; null: never."}}};

const struct route flags_routes[] = {
    {.method = "GET",
     .path = "/v1/flags",
     .name = "listFlags",
     .cls = HTTP_READ,
     .need = PERM_FLAGS_READ,
     .handle = get_flags,
     .doc = "Every feature flag with what holds for this workspace and why.",
     .gives = &shape_flag,
     .many = true},
    {.method = "PUT",
     .path = "/v1/flags/{name}",
     .name = "setFlag",
     .cls = HTTP_WRITE,
     .need = PERM_FLAGS_MANAGE,
     .params = put_params,
     .n_params = COUNT_OF(put_params),
     .handle = put_flag,
     .doc = "Sets the workspace's own state of a flag; an installation's off still wins.",
     .gives = &shape_flag,
     .many = true},
    {.method = "DELETE",
     .path = "/v1/flags/{name}",
     .name = "unsetFlag",
     .cls = HTTP_WRITE,
     .need = PERM_FLAGS_MANAGE,
     .params = delete_params,
     .n_params = COUNT_OF(delete_params),
     .handle = delete_flag,
     .doc = "Takes the workspace's own state away; the installation's or the default holds again.",
     .gives = &shape_flag,
     .many = true},
};
const size_t flags_routes_n = COUNT_OF(flags_routes);

const struct problem_row flags_problems[] = {
    {"flags.unknown", 404, "No such flag", "There is no feature flag of this name.",
     "Take a name from GET /v1/flags.", "ไม่พบแฟล็ก", "ไม่มีแฟล็กคุณสมบัติชื่อนี้", "โปรดเลือกชื่อจาก GET /v1/flags"},
    {"flags.reason", 422, "A reason is needed", "Every change of a flag is recorded with its reason.",
     "Give a reason of 3 to 300 bytes.", "จำเป็นต้องระบุเหตุผล", "การเปลี่ยนแฟล็กทุกครั้งต้องบันทึกพร้อมเหตุผล",
     "โปรดระบุเหตุผลความยาว 3 ถึง 300 ไบต์"},
};
const size_t flags_problems_n = COUNT_OF(flags_problems);

const struct metric flags_metrics[] = {
    [FLAGS_M_CHANGES] = {"mz_flags_changes_total", METRIC_COUNTER, "flag", "Changes of a flag's state."},
    [FLAGS_M_STALE] = {"mz_flags_stale_total", METRIC_COUNTER, NULL,
                       "Looks at the table that failed; the last known states hold."},
};
const size_t flags_metrics_n = COUNT_OF(flags_metrics);

const struct event_doc flags_event_docs[] = {
    {"flags.stale", "The flags could not be read; the last known states hold. Said once per outage."},
};
const size_t flags_event_docs_n = COUNT_OF(flags_event_docs);
