/* login: open and close, the job that ends grants on TikTok's word, clean-up, explain, and what Mozflow
 * hears. */
#include "login/connect_priv.h"

enum { KEEP_MS = 3600 * 1000 };

enum rc login_open(const struct login_options *o, struct login **out, struct fault *why)
{
    struct arena *mem = arena_open(16 * 1024);
    struct login *l = arena_new(mem, struct login);
    if (l == NULL) {
        arena_close(&mem);
        return fault_set(why, RC_FULL, "base.arena", "no room for the handle");
    }
    *l = (struct login){.o = *o, .mem = mem};
    *out = l;
    return RC_OK;
}

void login_close(struct login **l)
{
    if (*l == NULL)
        return;
    struct arena *mem = (*l)->mem;
    arena_close(&mem);
    *l = NULL;
}

/* ---- authorization.removed: one transaction per workspace that knows the person ---- */
struct removing {
    struct login *l;
    struct arena *mem;
    str client_key, open_id;
    struct account_owner *owners;
    size_t n;
    struct account_removal removal;
    bool ended;
};

static enum rc owners_read(struct tx *tx, void *arg, struct fault *why)
{
    struct removing *r = arg;
    return accounts_owners(tx, r->client_key, r->open_id, r->mem, &r->owners, &r->n, why);
}

static enum rc removed_tx(struct tx *tx, void *arg, struct fault *why)
{
    struct removing *r = arg;
    return accounts_removed(r->l->o.accounts, tx, &r->removal, &r->ended, why);
}

static enum rc removed_job(struct job *j, void *ctx, struct fault *why)
{
    struct login *l = ctx;
    struct webhook_event ev = {0};
    struct removing r = {.l = l, .mem = job_mem(j)};
    str ref = STR_NONE;
    if (!json_str(job_args(j), "ref", &ref))
        return fault_set(why, RC_INVALID, "login.removed_args", "no ref");
    enum rc rc = webhook_load(l->o.webhook, ref, r.mem, &ev, why);
    if (rc != RC_OK)
        return rc;
    r.client_key = ev.client_key;
    r.open_id = ev.user_openid;
    r.removal.create_time_s = ev.create_time_s;
    if (!json_i64(ev.content, "reason", &r.removal.reason))
        r.removal.reason = 0;
    rc = store_read(l->o.store, owners_read, &r, why);
    for (size_t i = 0; rc == RC_OK && i < r.n; i++) {
        r.removal.owner = r.owners[i];
        rc = job_note(j, removed_tx, &r, why);
        if (rc == RC_OK)
            log_event(l->o.log, LOG_INFO, "login.authorization_removed",
                      F_ID("workspace", r.owners[i].workspace), F_ID("account", r.owners[i].account),
                      F_INT("reason", r.removal.reason), F_FLAG("ended", r.ended));
    }
    return rc == RC_OK ? job_done(j, why) : rc;
}

static enum rc tidy_tx(struct tx *tx, void *arg, struct fault *why)
{
    (void)arg;
    enum rc rc = login_db_tidy(tx, tx_now_ms(tx) - KEEP_MS, why);
    return rc == RC_OK ? db_connect_tidy(tx, tx_now_ms(tx) - KEEP_MS, why) : rc;
}

static enum rc tidy_job(struct job *j, void *ctx, struct fault *why)
{
    (void)ctx;
    return job_commit(j, tidy_tx, NULL, why);
}

const struct job_kind login_jobs[] = {
    {.name = "login.removed",
     .order = JOB_FREE,
     .cls = JOBS_TOKEN,
     .retry = &retry_patient,
     .run = removed_job,
     .doc = "Ends the grants of a person who removed the app at TikTok; an older notice ends nothing newer."},
    {.name = "login.tidy",
     .order = JOB_FREE,
     .cls = JOBS_BULK,
     .retry = &retry_fast,
     .run = tidy_job,
     .doc = "Deletes states and codes an hour after their end, unfinished attempts with them, others after "
            "30 days."},
};
const size_t login_jobs_n = COUNT_OF(login_jobs);
const struct job_schedule login_schedules[] = {
    {"login.tidy", "login.tidy", 3600000, "Hourly clean-up of states, codes and attempts."},
};
const size_t login_schedules_n = COUNT_OF(login_schedules);

const struct webhook_row login_webhooks[] = {
    {.event = "authorization.removed",
     .scope = WEBHOOK_INSTALLATION,
     .job_kind = "login.removed",
     .doc = "A person removed the app at TikTok, or TikTok did (reasons 0 to 5): the grant ends."},
};
const size_t login_webhooks_n = COUNT_OF(login_webhooks);

/* ---- events for Mozflow ---- */
static enum rc render_account(const struct mozflow_render *r, struct jw *data, struct account *acc,
                              struct fault *why)
{
    str id = STR_NONE;
    if (!json_str(r->ids, "account", &id))
        return fault_set(why, RC_BUG, "login.event", "event without an account");
    enum rc rc = accounts_load(r->tx, r->workspace, id, r->mem, acc, why);
    if (rc != RC_OK)
        return rc;
    jw_obj(data, "identity");
    jw_str(data, "id", acc->id);
    jw_str(data, "client_key", acc->client_key);
    jw_str(data, "open_id", acc->open_id);
    jw_end(data);
    return RC_OK;
}

static enum rc render_completed(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    struct account acc;
    struct attempt a;
    str id = STR_NONE;
    if (!json_str(r->ids, "attempt", &id))
        return fault_set(why, RC_BUG, "login.event", "event without an attempt");
    enum rc rc = db_attempt(r->tx, r->workspace, id, r->mem, &a, why);
    if (rc == RC_OK)
        rc = render_account(r, data, &acc, why);
    if (rc != RC_OK)
        return rc;
    jw_str(data, "attempt_id", id);
    jw_cstr(data, "purpose", login_purpose_name(a.purpose));
    jw_cstr(data, "result", a.known ? "known" : "new");
    jw_str(data, "display_name", acc.display_name.n > 0 ? acc.display_name : STR_NONE);
    jw_str(data, "scopes_granted", a.granted);
    jw_str(data, "scopes_missing", a.missing);
    return RC_OK;
}

static enum rc render_link(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    struct account acc;
    str user = STR_NONE;
    enum rc rc = render_account(r, data, &acc, why);
    if (rc != RC_OK)
        return rc;
    rc = db_link_find(r->tx, r->workspace, acc.id, r->mem, &user, why);
    jw_str(data, "mozflow_user_id", rc == RC_OK ? user : STR_NONE);
    return rc == RC_MISSING ? RC_OK : rc;
}

#define IDENTITY_SCHEMA                                                                                      \
    "\"identity\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"client_key\":{"        \
    "\"type\":"                                                                                              \
    "\"string\"},\"open_id\":{\"type\":\"string\"}}}"
#define LINK_SCHEMA                                                                                          \
    "{\"type\":\"object\",\"required\":[\"identity\"],\"properties\":{" IDENTITY_SCHEMA                      \
    ",\"mozflow_user_id\":{\"type\":[\"string\",\"null\"]}}}"

const struct mozflow_event login_events[] = {
    {.type = "login.completed",
     .doc = "Somebody signed in with TikTok. The one-time code of the return URL tells Mozflow's server who.",
     .schema = "{\"type\":\"object\",\"required\":[\"attempt_id\",\"identity\",\"purpose\",\"result\"],"
               "\"properties\":{"
               "\"attempt_id\":{\"type\":\"string\"},\"purpose\":{\"enum\":[\"sign_in\",\"link\"]},"
               "\"result\":{\"enum\":"
               "[\"known\",\"new\"]},\"display_name\":{\"type\":[\"string\",\"null\"]},\"scopes_granted\":{"
               "\"type\":"
               "\"string\"},\"scopes_missing\":{\"type\":\"string\"}," IDENTITY_SCHEMA "}}",
     .render = render_completed},
    {.type = "login.linked",
     .doc = "A TikTok account was linked to a Mozflow user by Mozflow's act.",
     .schema = LINK_SCHEMA,
     .render = render_link},
    {.type = "login.unlinked",
     .doc = "The link of a TikTok account to a Mozflow user was removed.",
     .schema = LINK_SCHEMA,
     .render = render_link},
};
const size_t login_events_n = COUNT_OF(login_events);

const struct flag_row login_flags[] = {
    {LOGIN_FLAG, true, "Sign-in with TikTok: the button is gone, its pages answer 404.",
     "การลงชื่อเข้าใช้ด้วย TikTok: ไม่มีปุ่ม และหน้าที่เกี่ยวข้องตอบ 404"},
};
const size_t login_flags_n = COUNT_OF(login_flags);

/* ---- explain ---- */
static void explain_end(const struct attempt *a, struct explain *out)
{
    if (a->end_code.n > 0 && a->ended_ms != 0)
        explain_add(
            out, a->ended_ms,
            EXPLAIN(out, "It ended without a sign-in: " STR_FMT ".", "สิ้นสุดโดยไม่มีการลงชื่อเข้าใช้: " STR_FMT),
            STR_ARG(a->end_code));
    if (a->account.n == 0)
        return;
    explain_add(out, a->ended_ms,
                EXPLAIN(out,
                        "TikTok confirmed the person (" STR_FMT "), %s to Mozflow. Granted: " STR_FMT
                        ". Not granted: " STR_FMT ".",
                        "TikTok ยืนยันตัวบุคคล (" STR_FMT ") ซึ่ง%s อนุญาต: " STR_FMT " ไม่อนุญาต: " STR_FMT),
                STR_ARG(a->account),
                a->known ? EXPLAIN(out, "known", " Mozflow รู้จักแล้ว") : EXPLAIN(out, "new", "ใหม่สำหรับ Mozflow"),
                STR_ARG(a->granted), STR_ARG(a->missing.n > 0 ? a->missing : STR("-")));
    explain_follow(out, a->account);
}

static enum rc explain_attempt(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why)
{
    struct attempt a;
    struct mozflow_sent *sent = NULL;
    size_t n = 0;
    int64_t used_ms = 0;
    enum rc rc = db_attempt(tx, workspace, id, out->mem, &a, why);
    if (rc == RC_OK)
        rc = mozflow_list(tx, workspace, id, out->mem, &sent, &n, why);
    if (rc != RC_OK)
        return rc;
    explain_add(out, a.created_ms,
                EXPLAIN(out, "The attempt was made, purpose %s.", "สร้างคำขอลงชื่อเข้าใช้แล้ว วัตถุประสงค์: %s"),
                login_purpose_name(a.purpose));
    if (a.shown_ms != 0)
        explain_add(out, a.shown_ms,
                    EXPLAIN(out, "The person saw what is read and why (%s) and went to TikTok.",
                            "ผู้ใช้เห็นแล้วว่าระบบจะอ่านข้อมูลใดและเพราะเหตุใด (%s) แล้วไปยัง TikTok"),
                    CONSENT_VERSION);
    explain_end(&a, out);
    if (a.account.n == 0)
        return RC_OK;
    for (size_t i = 0; i < n; i++)
        explain_follow(out, sent[i].id);
    rc = db_code_presented(tx, workspace, id, out->mem, &used_ms, why);
    if (rc == RC_OK && used_ms > 0)
        explain_add(out, used_ms, "%s",
                    EXPLAIN(out, "The one-time code was presented to be exchanged.",
                            "มีการนำรหัสใช้ครั้งเดียวมาแลกเปลี่ยนแล้ว"));
    return rc == RC_MISSING ? RC_OK : rc;
}

const struct explain_row login_explain[] = {
    {"lat_", explain_attempt, "A sign-in attempt: made, shown, answered, handed over."},
};
const size_t login_explain_n = COUNT_OF(login_explain);
