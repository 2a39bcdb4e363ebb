/* What people see of the intake: when each app's webhooks were last proven, the story of one delivery, and
 * the daily removal of rows past their retention. A workspace sees an app's times, never another workspace's
 * events.
 */
#include "webhook/webhook_priv.h"

enum { RETAIN_ROUNDS = 500 };

struct seen {
    struct webhook *w;
    struct jw *out;
    struct arena *mem;
};

static enum rc write_app(struct seen *s, struct tx *tx, size_t i, struct fault *why)
{
    const struct webhook_app *app = &s->w->apps[i];
    struct rows *r = NULL;
    enum rc rc = webhook_db_seen_find(tx, app->id, s->mem, &r, why);
    if (rc != RC_OK && rc != RC_MISSING)
        return rc;
    int64_t verified = rc == RC_OK ? row_int(r, 0) : 0, test = rc == RC_OK ? row_int(r, 1) : 0;
    int64_t here = atomic_load(&s->w->counts[i].last_verified_ms);
    jw_obj(s->out, NULL);
    jw_str(s->out, "app", app->id);
    jw_str(s->out, "kind", app->kind);
    jw_str(s->out, "path", arena_fmt(s->mem, "/webhooks/tiktok/" STR_FMT, STR_ARG(app->id)));
    jw_time(s->out, "last_verified_at", here > verified ? here : verified);
    jw_time(s->out, "last_test_at", test);
    jw_i64(s->out, "refused_signatures_since_start", atomic_load(&s->w->counts[i].bad_signature));
    jw_i64(s->out, "quarantined_since_start", atomic_load(&s->w->counts[i].quarantined));
    jw_i64(s->out, "unrouted_since_start", atomic_load(&s->w->counts[i].unrouted));
    jw_end(s->out);
    return RC_OK;
}

static enum rc write_apps(struct tx *tx, void *arg, struct fault *why)
{
    struct seen *s = arg;
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < s->w->o.n_apps; i++)
        rc = write_app(s, tx, i, why);
    return rc;
}

enum rc webhook_status(struct request *rq, void *ctx, struct fault *why)
{
    struct buf b;
    struct jw w;
    struct seen s = {.w = ctx, .out = &w, .mem = rq_mem(rq)};
    buf_init(&b, rq_mem(rq), 64u << 10);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_arr(&w, "items");
    enum rc rc = store_read(s.w->o.store, write_apps, &s, why);
    if (rc != RC_OK)
        return rc;
    jw_end(&w);
    jw_null(&w, "next_cursor");
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

/* ---- retention ---- */
struct retaining {
    int64_t before_ms, deleted;
};

static enum rc retain_some(struct tx *tx, void *arg, struct fault *why)
{
    struct retaining *r = arg;
    return webhook_db_inbox_retain(tx, r->before_ms, &r->deleted, why);
}

static enum rc nothing(struct tx *tx, void *arg, struct fault *why)
{
    (void)tx;
    (void)arg;
    (void)why;
    return RC_OK;
}

enum rc webhook_retain(struct job *j, void *ctx, struct fault *why)
{
    struct webhook *w = ctx;
    int64_t keep_ms = config_int(w->o.config, "webhook.keep_days") * 86400000, total = 0;
    struct retaining r = {.before_ms = store_clock(w->o.store) - keep_ms};
    for (int round = 0; round < RETAIN_ROUNDS && clock_mono_ms() < job_deadline_mono_ms(j); round++) {
        enum rc rc = store_write(w->o.store, STORE_BULK, retain_some, &r, why);
        if (rc != RC_OK)
            return rc;
        total += r.deleted;
        if (r.deleted == 0)
            break;
    }
    log_event(w->o.log, LOG_INFO, "webhook.retained", F_INT("deleted", total));
    return job_commit(j, nothing, NULL, why);
}

/* ---- explain ---- */
static const struct {
    const char *en, *th;
} state_words[INBOX_STATES] = {
    [INBOX_WAITING] = {"It still waits for the router.", "ยังรอการจัดเส้นทาง"},
    [INBOX_ROUTED] = {"The router found its workspace and put its job.",
                      "ระบบพบพื้นที่ทำงานของรายการนี้และสร้างงานแล้ว"},
    [INBOX_KEPT] = {"It was kept: this version shows nothing for this event yet.",
                    "จัดเก็บไว้แล้ว รุ่นนี้ยังไม่แสดงเหตุการณ์ชนิดนี้"},
    [INBOX_TEST] = {"It was the portal's test event.", "เป็นเหตุการณ์ทดสอบจากพอร์ทัลของ TikTok"},
    [INBOX_UNPARSABLE] =
        {"It is authentic, but its body is no envelope; it was kept and nothing else happened.",
         "เป็นของจริง แต่เนื้อหาไม่อยู่ในรูปแบบที่กำหนด จัดเก็บไว้โดยไม่ดำเนินการอื่น"},
    [INBOX_UNROUTED] =
        {"No workspace has connected this business account; it was kept and nothing else happened.",
         "ไม่มีพื้นที่ทำงานใดเชื่อมต่อบัญชีธุรกิจนี้ จัดเก็บไว้โดยไม่ดำเนินการอื่น"},
    [INBOX_QUARANTINED] =
        {"Its signature time was over 73 h old or over 300 s ahead; it was kept, not processed.",
         "เวลาในลายเซ็นเก่ากว่า 73 ชั่วโมงหรือล่วงหน้าเกิน 300 วินาที จัดเก็บไว้โดยไม่ประมวลผล"},
    [INBOX_FOREIGN] = {"It names another app than the path it came to; it was kept, not processed.",
                       "ระบุแอปอื่นที่ไม่ตรงกับเส้นทางที่ส่งมา จัดเก็บไว้โดยไม่ประมวลผล"},
};

enum rc webhook_explain_row(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why)
{
    struct inbox_key key;
    struct rows *r;
    if (!ref_parse(id, &key))
        return fault_set(why, RC_MISSING, "webhook.gone", "not an inbox reference");
    enum rc rc = webhook_db_inbox_load(tx, &key, out->mem, &r, why);
    if (rc != RC_OK)
        return rc;
    str owner = row_text(r, 4);
    int64_t state = row_int(r, 3);
    must(state >= 0 && state < INBOX_STATES);
    if (workspace.n > 0 && !str_eq(owner, workspace))
        return fault_set(why, RC_MISSING, "webhook.gone", "not of this workspace");
    explain_add(
        out, row_int(r, 1),
        EXPLAIN(
            out,
            "TikTok's webhook arrived at app " STR_FMT
            " (event time %lld, signed %lld%s); the signature was right and the row was stored before the "
            "answer 200.",
            "เว็บฮุกของ TikTok มาถึงแอป " STR_FMT
            " (เวลาของเหตุการณ์ %lld เวลาลงลายเซ็น %lld%s) ลายเซ็นถูกต้อง และจัดเก็บรายการก่อนตอบ 200"),
        STR_ARG(key.app), (long long)(key.event_ms / 1000), (long long)row_int(r, 7),
        row_int(r, 6) == 0 ? "" : EXPLAIN(out, ", stale: TikTok's own retry", " ล่าช้า เป็นการส่งซ้ำของ TikTok"));
    explain_add(out, row_null(r, 2) ? row_int(r, 1) : row_int(r, 2), "%s",
                EXPLAIN(out, state_words[state].en, state_words[state].th));
    return RC_OK;
}
