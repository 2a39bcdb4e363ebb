/* availability_http: what REST and the admin socket say about the availability of messaging: read it, check
 * it now, name who waits for TikTok until when. A check now runs on an exchange worker: a person waits.
 * What can go wrong: the account is of another kind (409), TikTok is away (503, nothing is kept).
 */
#include "access/access.h"
#include "audit/audit.h"
#include "messaging/setup_priv.h"

struct shown { /* one account's availability, as answered */
    struct messaging *m;
    str workspace, id;
    struct arena *mem;
    struct account acc;
    struct availability now;
    struct waiting task;
    bool has_task;
};

static bool live(const struct account *acc)
{
    return str_eq(str_of(acc->state), STR("connected")) || str_eq(str_of(acc->state), STR("unsure"));
}

static enum rc read_shown(struct tx *tx, struct shown *s, struct fault *why)
{
    enum rc rc = accounts_load(tx, s->workspace, s->id, s->mem, &s->acc, why);
    if (rc == RC_OK && !str_eq(s->acc.role, STR("business")))
        return fault_set(why, RC_CONFLICT, "messaging.not_a_business", "the account is of another kind");
    if (rc == RC_OK)
        rc = setup_db_load(tx, s->workspace, s->id, s->mem, &s->now, why);
    if (rc == RC_MISSING && str_eq(str_of(why->code), STR("store.no_row")))
        rc = RC_OK; /* not probed yet: unknown */
    if (rc != RC_OK)
        return rc;
    if (!live(&s->acc)) /* the grant's end is known before the next probe */
        s->now.verdict = VERDICT_TOKEN_DEAD;
    rc = setup_db_task(tx, s->workspace, s->id, s->mem, &s->task, why);
    s->has_task = rc == RC_OK;
    return rc == RC_MISSING ? RC_OK : rc;
}

/* ---- writing ---- */
static void put_checks(const struct shown *s, struct jw *w)
{
    jw_arr(w, "checks");
    for (size_t i = 0; i < FACTS; i++) {
        const struct fact *f = &s->now.facts.by[i];
        static const char *const results[FACT_RESULTS] = {"unknown", "good", "bad"};
        jw_obj(w, NULL);
        jw_cstr(w, "name", fact_rows[i].name);
        jw_cstr(w, "result", results[f->result]);
        jw_cstr(w, "en", fact_rows[i].words[f->result].en);
        jw_cstr(w, "th", fact_rows[i].words[f->result].th);
        jw_time(w, "at", f->at_ms);
        if (f->tiktok_code != 0)
            jw_i64(w, "tiktok_code", f->tiktok_code);
        else
            jw_null(w, "tiktok_code");
        jw_str(w, "log_id", f->log_id[0] != '\0' ? str_of(f->log_id) : STR_NONE);
        jw_end(w);
    }
    jw_end(w);
}

static void put_fallback(const struct shown *s, struct jw *w)
{
    bool needed = s->now.verdict != VERDICT_AVAILABLE;
    jw_obj(w, "fallback");
    jw_cstr(w, "en",
            needed ? "Until messaging works here, TikTok's own places do."
                   : "Messaging works here; no other way is needed.");
    jw_cstr(w, "th",
            needed ? "ระหว่างที่ยังใช้ข้อความในระบบนี้ไม่ได้ โปรดใช้ช่องทางของ TikTok"
                   : "ใช้ข้อความในระบบนี้ได้ ไม่จำเป็นต้องใช้ช่องทางอื่น");
    jw_arr(w, "links");
    for (size_t i = 0; needed && i < fallback_links_n; i++) {
        const struct fallback_link *l = &fallback_links[i];
        str url = fallback_url(l, s->acc.username, s->mem);
        if (l->url != NULL && url.n == 0)
            continue; /* the username is not known */
        jw_obj(w, NULL);
        jw_cstr(w, "kind", l->kind);
        jw_str(w, "url", url);
        jw_cstr(w, "en", l->en);
        jw_cstr(w, "th", l->th);
        jw_end(w);
    }
    jw_end(w);
    jw_end(w);
}

static void put_waiting(const struct shown *s, struct jw *w)
{
    if (!s->has_task) {
        jw_null(w, "task");
        return;
    }
    jw_obj(w, "task");
    jw_str(w, "id", s->task.id);
    jw_str(w, "owner", s->task.owner);
    jw_time(w, "opened_at", s->task.opened_ms);
    jw_time(w, "recheck_at", s->task.recheck_ms);
    jw_cstr(w, "en", "Waiting for TikTok. It is checked daily by itself; on the date the owner is reminded.");
    jw_cstr(w, "th", "กำลังรอ TikTok ระบบตรวจสอบทุกวันโดยอัตโนมัติ และจะเตือนผู้รับผิดชอบเมื่อถึงวันที่กำหนด");
    jw_end(w);
}

static str shown_json(const struct shown *s)
{
    struct buf b;
    struct jw w;
    const struct verdict_row *row = &verdict_rows[s->now.verdict];
    buf_init(&b, s->mem, 64u << 10);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "account_id", s->id);
    jw_cstr(&w, "verdict", row->name);
    jw_str(&w, "code", s->now.code.n > 0 ? s->now.code : STR_NONE);
    jw_cstr(&w, "en", row->en);
    jw_cstr(&w, "th", row->th);
    jw_time(&w, "checked_at", s->now.checked_ms);
    jw_time(&w, "next_at", s->now.next_ms);
    put_checks(s, &w);
    put_fallback(s, &w);
    put_waiting(s, &w);
    jw_end(&w);
    return buf_str(&b);
}

/* For an operator: the verdict, what it means, and each check. */
static str shown_lines(const struct shown *s)
{
    static const char *const marks[FACT_RESULTS] = {"?", "good", "bad"};
    struct buf b;
    char at[TIME_TEXT];
    buf_init(&b, s->mem, 16u << 10);
    buf_fmt(&b, "%s: %s\n", verdict_rows[s->now.verdict].name, verdict_rows[s->now.verdict].en);
    for (size_t i = 0; i < FACTS; i++) {
        const struct fact *f = &s->now.facts.by[i];
        buf_fmt(&b, "  %-4s %s: %s", marks[f->result], fact_rows[i].name, fact_rows[i].words[f->result].en);
        if (f->tiktok_code != 0)
            buf_fmt(&b, " (TikTok %lld, %s)", (long long)f->tiktok_code, f->log_id);
        buf_put_c(&b, '\n');
    }
    if (s->has_task)
        buf_fmt(&b, "  waiting for TikTok: " STR_FMT ", look again %s\n",
                STR_ARG(s->task.owner.n > 0 ? s->task.owner : STR("the workspace's owner")),
                time_iso(s->task.recheck_ms, at));
    return buf_str(&b);
}

/* ---- GET ---- */
static enum rc read_fn(struct tx *tx, void *arg, struct fault *why)
{
    return read_shown(tx, arg, why);
}

enum rc get_availability(struct request *rq, void *ctx, struct fault *why)
{
    struct shown s = {
        .m = ctx, .workspace = rq_who(rq)->workspace, .id = rq_arg(rq, "id"), .mem = rq_mem(rq)};
    enum rc rc = store_read(s.m->store, read_fn, &s, why);
    if (rc == RC_OK)
        answer_json(rq, 200, shown_json(&s));
    return rc;
}

/* ---- POST: check now ---- */
struct checked {
    struct request *rq;
    bool cli; /* over the admin socket */
    struct probe *p;
    struct shown shown;
    str body;
};

static enum rc keep_checked(struct tx *tx, void *arg, struct fault *why)
{
    struct checked *c = arg;
    struct probe_kept kept;
    enum rc rc = probe_keep(c->p, tx, &kept, why);
    c->shown.mem = tx_mem(tx);
    if (rc == RC_OK)
        rc = read_shown(tx, &c->shown, why);
    if (rc != RC_OK)
        return rc;
    c->body = c->cli ? shown_lines(&c->shown) : shown_json(&c->shown);
    if (!c->cli)
        rc = access_once_save(tx, rq_once(c->rq), 200, c->body, why);
    if (rc == RC_OK)
        rc = feed_put(tx, c->p->workspace, "account", c->p->account, why);
    struct audit_entry e = {.workspace = c->p->workspace,
                            .actor = STR("cli"),
                            .action = STR("messaging.probed"),
                            .object = c->p->account};
    if (!c->cli)
        e = audit_of(c->rq, "messaging.probed", c->p->account, STR_NONE);
    if (rc == RC_OK)
        rc = audit_put(c->p->m->audit, tx, &e, why);
    if (rc == RC_OK)
        c->body = arena_str(c->p->mem, c->body);
    return rc;
}

static enum rc check_now(struct request *rq, struct probe *p, bool cli, str *body, struct fault *why)
{
    struct checked c = {
        .rq = rq, .cli = cli, .p = p, .shown = {.m = p->m, .workspace = p->workspace, .id = p->account}};
    enum rc rc = probe_run(p, why);
    if (rc == RC_OK)
        rc = store_write(p->m->store, STORE_INTERACTIVE, keep_checked, &c, why);
    if (rc == RC_OK)
        *body = c.body;
    return rc;
}

enum rc post_availability(struct request *rq, void *ctx, struct fault *why)
{
    struct arena *mem = arena_open_secret(ASK_MEM);
    struct probe p = {.m = ctx,
                      .workspace = rq_who(rq)->workspace,
                      .account = rq_arg(rq, "id"),
                      .patient = true,
                      .mem = mem};
    str body;
    enum rc rc = check_now(rq, &p, false, &body, why);
    if (rc == RC_OK)
        answer_json(rq, 200, arena_str(rq_mem(rq), body));
    arena_close(&mem);
    return rc;
}

enum rc admin_probe(struct request *rq, void *ctx, struct fault *why)
{
    struct arena *mem = arena_open_secret(ASK_MEM);
    struct probe p = {.m = ctx,
                      .workspace = rq_arg(rq, "workspace"),
                      .account = rq_arg(rq, "account"),
                      .patient = true,
                      .mem = mem};
    str body;
    enum rc rc = check_now(rq, &p, true, &body, why);
    if (rc == RC_OK)
        answer_body(rq, 200, "text/plain; charset=utf-8", arena_str(rq_mem(rq), body));
    arena_close(&mem);
    return rc;
}

/* ---- PUT task ---- */
struct task_set {
    struct request *rq;
    struct shown shown;
    str owner, body;
    int64_t recheck_ms;
};

static enum rc set_task(struct tx *tx, void *arg, struct fault *why)
{
    struct task_set *t = arg;
    struct shown *s = &t->shown;
    enum rc rc = store_lock(tx, s->workspace, "messaging.availability", s->id, why);
    s->mem = tx_mem(tx);
    if (rc == RC_OK)
        rc = read_shown(tx, s, why);
    if (rc == RC_OK && t->recheck_ms < tx_now_ms(tx))
        return fault_set(why, RC_INVALID, "messaging.recheck", "the date is over");
    if (rc == RC_OK && !s->has_task && s->now.verdict == VERDICT_AVAILABLE)
        return fault_set(why, RC_CONFLICT, "messaging.nothing_to_wait_for", "messaging is available");
    if (rc != RC_OK)
        return rc;
    struct waiting task = {.id = s->has_task ? s->task.id : id_new(s->mem, "wat"),
                           .account = s->id,
                           .owner = t->owner.n > 0 ? t->owner : STR_NONE,
                           .opened_ms = s->has_task ? s->task.opened_ms : tx_now_ms(tx),
                           .recheck_ms = t->recheck_ms};
    rc = s->has_task ? setup_db_task_save(tx, s->workspace, &task, why)
                     : setup_db_task_make(tx, s->workspace, &task, why);
    s->task = task;
    s->has_task = true;
    if (rc == RC_OK)
        rc = feed_put(tx, s->workspace, "account", s->id, why);
    struct audit_entry e = audit_of(t->rq, "messaging.task_set", s->id, STR_NONE);
    if (rc == RC_OK)
        rc = audit_put(s->m->audit, tx, &e, why);
    if (rc == RC_OK)
        t->body = arena_str(rq_mem(t->rq), shown_json(s));
    return rc;
}

/* "2027-01-31", "2027-01-31T08:00:00Z", and the latter with milliseconds, as browsers write it. */
static bool date_of(str text, struct arena *mem, int64_t *ms)
{
    size_t dot = 0;
    if (str_find(text, STR("."), &dot) && str_ends(text, STR("Z")) && text.n - dot <= 5)
        text = arena_fmt(mem, STR_FMT "Z", (int)dot, text.p);
    return app_date_parse(text, ms);
}

enum rc put_task(struct request *rq, void *ctx, struct fault *why)
{
    struct task_set t = {.rq = rq,
                         .shown = {.m = ctx, .workspace = rq_who(rq)->workspace, .id = rq_arg(rq, "id")},
                         .owner = str_trim(rq_arg(rq, "owner"))};
    if (!date_of(rq_arg(rq, "recheck_at"), rq_mem(rq), &t.recheck_ms))
        return fault_set(why, RC_INVALID, "messaging.recheck", "not a date");
    enum rc rc = store_write(t.shown.m->store, STORE_INTERACTIVE, set_task, &t, why);
    if (rc == RC_OK)
        answer_json(rq, 200, t.body);
    return rc;
}

/* ---- shapes ---- */
static const struct shape shape_check = {
    .name = "AvailabilityCheck",
    .doc = "One question to TikTok and what is known of its answer.",
    .fields = {
        {"name", A_TEXT, .doc = "Which question, by name."},
        {"result", A_ENUM, .choices = "unknown|good|bad", .doc = "Unknown never counts against it."},
        {"en", A_TEXT, .doc = "In English."},
        {"th", A_TEXT, .doc = "In Thai."},
        {"at", A_TIME, MAY_BE_NULL, .doc = "When it was asked."},
        {"tiktok_code", A_INT, MAY_BE_NULL, .doc = "TikTok's code, when it refused."},
        {"log_id", A_TEXT, MAY_BE_NULL, .doc = "TikTok's id of the answer, to quote to its support."}}};
static const struct shape shape_link = {
    .name = "FallbackLink",
    .doc = "A way without the API.",
    .fields = {{"kind", A_ENUM, .choices = "tiktok_me|profile|inbox|business_center|app", .doc = "Which."},
               {"url", A_URL, MAY_BE_NULL, .doc = "Where; null: no address, follow the words."},
               {"en", A_TEXT, .doc = "When to use it, in English."},
               {"th", A_TEXT, .doc = "The same in Thai."}}};
static const struct shape shape_fallback = {
    .name = "Fallback",
    .doc = "What to do while messaging is not available.",
    .fields = {{"en", A_TEXT, .doc = "Why, in English."},
               {"th", A_TEXT, .doc = "Why, in Thai."},
               {"links", A_MANY, .of = &shape_link, .doc = "Empty while messaging is available."}}};
static const struct shape shape_waiting = {
    .name = "WaitingTask",
    .doc = "Somebody waits for TikTok.",
    .fields = {{"id", A_TEXT, .doc = "wat_..."},
               {"owner", A_TEXT, MAY_BE_NULL, .doc = "Who; null: the workspace's owner."},
               {"opened_at", A_TIME, .doc = "Since when."},
               {"recheck_at", A_TIME, .doc = "When the owner is reminded."},
               {"en", A_TEXT, .doc = "What is waited for, in English."},
               {"th", A_TEXT, .doc = "The same in Thai."}}};
const struct shape shape_availability = {
    .name = "Availability",
    .doc = "Whether messaging works for an account, and why.",
    .fields = {{"account_id", A_TEXT, .doc = "acc_..."},
               {"verdict", A_ENUM,
                .choices = "unknown|available|no_scope|not_business|not_approved_or_region|token_dead|"
                           "webhook_missing",
                .doc = "In one word."},
               {"code", A_TEXT, MAY_BE_NULL, .doc = "The class of TikTok's deciding refusal."},
               {"en", A_TEXT, .doc = "What it means and what to do, in English."},
               {"th", A_TEXT, .doc = "The same in Thai."},
               {"checked_at", A_TIME, MAY_BE_NULL, .doc = "The last check; null: none yet."},
               {"next_at", A_TIME, MAY_BE_NULL, .doc = "The next one; null: not while it is disconnected."},
               {"checks", A_MANY, .of = &shape_check, .doc = "Each question."},
               {"fallback", A_ONE, .of = &shape_fallback, .doc = "What to do meanwhile."},
               {"task", A_ONE, MAY_BE_NULL, .of = &shape_waiting, .doc = "The open task, if any."}}};
