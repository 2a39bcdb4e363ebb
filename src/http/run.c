/* run: one request from its body to its answer, on a worker or (HTTP_INLINE) on the event thread. Flow: who
 * -> flag -> method -> CSRF -> permission -> Idempotency-Key -> parameters -> handler. The flag comes before
 * every other refusal, so that a route switched off cannot be told from a path that never was. What can go
 * wrong: each refusal is a problem row; a handler that neither answers nor refuses is a broken invariant.
 */
#include "http/http_priv.h"
#include "crypto/crypto.h"

static bool refuse(struct request *rq, enum rc rc, const char *code)
{
    problem_answer(rq, rc, code, NULL);
    return false;
}

/* ---- who, flag, method ---- */

static enum rc ask_who(struct request *rq)
{
    const struct http_hooks *k = &rq->h->o.hooks;
    if (k->who == NULL || rq->inl) {
        return RC_OK;
    }
    return k->who(k->arg, rq, &rq->who, &rq->why);
}

static bool flag_passes(struct request *rq)
{
    const struct route *t = rq->row->route;
    const struct http_hooks *k = &rq->h->o.hooks;
    if (t->flag == NULL || k->flag_on == NULL || k->flag_on(k->arg, rq->who.workspace, t->flag)) {
        return true;
    }
    rq->row = NULL; /* from here on the path does not exist */
    rq->rate = (struct rate){0};
    rq->own_id = false;
    return refuse(rq, RC_MISSING, NULL);
}

static bool who_passes(struct request *rq, enum rc rc)
{
    const struct route *t = rq->row->route;
    if (rc == RC_OK) {
        return true;
    }
    rq->who = (struct principal){0};
    if (rc == RC_DENIED && t->need == PERM_NONE) {
        return true; /* a public page with an ended session is a public page */
    }
    if (rc == RC_DENIED) {
        problem_answer_row(rq,
                           http_problem(rq->h, rq->why.code[0] != '\0' ? rq->why.code : "auth.invalid", rc),
                           401, STR_NONE);
    } else {
        problem_answer(rq, rc, NULL, &rq->why);
    }
    return false;
}

static bool method_passes(struct request *rq)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    if (!rq->match.wrong_method) {
        return true;
    }
    struct buf b;
    buf_init(&b, rq->mem, 128);
    for (unsigned m = 0; m < COUNT_OF(names); m++) {
        if ((rq->match.allow & (1U << m)) != 0) {
            buf_put(&b, b.n == 0 ? STR("") : STR(", "));
            buf_put(&b, str_of(names[m]));
        }
    }
    answer_header(rq, "Allow", buf_str(&b));
    return refuse(rq, RC_INVALID, "http.method");
}

/* ---- CSRF: a browser says where a request comes from; what it says must be us ---- */

static bool unsafe(const struct request *rq)
{
    return rq->head->method != M_GET && rq->head->method != M_HEAD;
}

static bool csrf_passes(struct request *rq)
{
    const struct route *t = rq->row->route;
    if (!unsafe(rq) || (t->raw && t->no_once)) {
        return true;
    }
    str site = head_known(rq->head, rq->base, K_FETCH_SITE);
    str origin = head_known(rq->head, rq->base, K_ORIGIN);
    bool cookie = head_known(rq->head, rq->base, K_COOKIE).p != NULL;
    bool ours;
    if (site.p != NULL) {
        ours = str_eq(site, STR("same-origin")) || str_eq(site, STR("none"));
    } else if (origin.p != NULL) {
        ours = str_eq(origin, rq->h->origin);
    } else {
        ours = !cookie || planted("http.no_origin"); /* no browser of today leaves both out */
    }
    return ours || refuse(rq, RC_DENIED, "http.cross_site");
}

/* ---- permission ---- */

static bool permission_passes(struct request *rq)
{
    enum permission need = rq->row->route->need;
    if (need == PERM_NONE) {
        return true;
    }
    if (rq->who.kind == WHO_NOBODY) {
        problem_answer_row(rq, http_problem(rq->h, "auth.required", RC_DENIED), 401, STR_NONE);
        return false;
    }
    if ((rq->who.may & (UINT64_C(1) << need)) == 0 && !planted("http.permission")) {
        return refuse(rq, RC_DENIED, "auth.forbidden");
    }
    return true;
}

/* ---- Idempotency-Key ---- */

static bool key_shaped(str key)
{
    bool ok = key.n >= 1 && key.n <= 128;
    for (size_t i = 0; i < key.n && ok; i++) {
        ok = key.p[i] > 0x20 && key.p[i] < 0x7f;
    }
    return ok;
}

static void once_fill(struct request *rq, str key)
{
    struct once *o = &rq->once;
    o->workspace = rq->who.workspace;
    o->principal = rq->who.id;
    o->key = key;
    o->route = arena_fmt(rq->mem, STR_FMT " " STR_FMT, STR_ARG(rq_method(rq)), STR_ARG(rq->path));
    sha256(rq->body, o->body_hash);
    rq->has_once = true;
}

static bool once_wanted(struct request *rq)
{
    const struct route *t = rq->row->route;
    str key = head_known(rq->head, rq->base, K_ONCE);
    if (t->need == PERM_NONE || !unsafe(rq) || t->no_once) {
        return true;
    }
    if (key.p == NULL) {
        return rq->head->method != M_POST || refuse(rq, RC_INVALID, "idempotency.missing");
    }
    if (!key_shaped(key)) {
        return refuse(rq, RC_INVALID, "idempotency.malformed");
    }
    once_fill(rq, key);
    return true;
}

static void once_name(const struct once *o, unsigned char name[SHA256_BYTES])
{
    struct buf b;
    buf_init(&b, NULL, 1024);
    const str parts[] = {o->workspace, o->principal, o->key};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        buf_put(&b, parts[i]);
        buf_put_c(&b, '\0');
    }
    sha256(buf_str(&b), name);
    buf_release(&b);
}

/* The same key twice at the same time in this process: one of them only. NULL: it is taken (or all places
 * are). */
static struct once_slot *once_enter(struct http *h, const struct once *o, bool *full)
{
    unsigned char name[SHA256_BYTES];
    struct once_slot *free_slot = NULL;
    once_name(o, name);
    (void)pthread_mutex_lock(&h->once_lock);
    bool taken = false;
    for (size_t i = 0; i < COUNT_OF(h->once_slots); i++) {
        struct once_slot *s = &h->once_slots[i];
        taken = taken || (s->used && memcmp(s->key, name, sizeof(name)) == 0);
        free_slot = s->used ? free_slot : s;
    }
    *full = free_slot == NULL && !taken;
    if (taken) {
        free_slot = NULL;
    }
    if (free_slot != NULL) {
        memcpy(free_slot->key, name, sizeof(name));
        free_slot->used = true;
    }
    (void)pthread_mutex_unlock(&h->once_lock);
    return free_slot;
}

static void once_leave(struct http *h, struct once_slot *s)
{
    if (s != NULL) {
        (void)pthread_mutex_lock(&h->once_lock);
        s->used = false;
        (void)pthread_mutex_unlock(&h->once_lock);
    }
}

/* True: go on to the handler. */
static bool once_passes(struct request *rq)
{
    const struct http_hooks *k = &rq->h->o.hooks;
    int status = 0;
    str body = STR_NONE;
    if (k->once_find == NULL) {
        return true;
    }
    enum rc rc = k->once_find(k->arg, &rq->once, rq->mem, &status, &body, &rq->why);
    if (rc == RC_MISSING) {
        rq->why = (struct fault){0};
        return true;
    }
    if (rc == RC_OK) {
        answer_json(rq, status, body);
        answer_header(rq, "Idempotency-Replayed", STR("true"));
        return false;
    }
    problem_answer(rq, rc, NULL, &rq->why);
    return false;
}

/* ---- parameters and the handler ---- */

static bool type_passes(struct request *rq)
{
    const struct route *t = rq->row->route;
    if (t->raw || rq->body.n == 0) {
        return true;
    }
    str type = rq_header(rq, "content-type"), essence;
    str want = t->form ? STR("application/x-www-form-urlencoded") : STR("application/json");
    str coding = head_known(rq->head, rq->base, K_ENCODING);
    bool plain = coding.p == NULL || str_eq_nocase(coding, STR("identity"));
    if (plain && str_cut(&type, ';', &essence) && str_eq_nocase(str_trim(essence), want)) {
        return true;
    }
    return refuse(rq, RC_INVALID, "http.content_type");
}

static void handle(struct request *rq)
{
    const struct route *t = rq->row->route;
    enum rc rc = t->raw && t->n_params == 0 ? RC_OK : input_read(rq, &rq->why);
    if (rc == RC_INVALID && rq->answered) {
        return;
    }
    if (rc == RC_OK && t->handle != NULL) {
        rc = t->handle(rq, rq->row->ctx, &rq->why);
    }
    if (rc == RC_INVALID && rq->answered && rq->problem != NULL) {
        return; /* answer_mistake: the handler named it */
    }
    if (rc != RC_OK) {
        must(!rq->deferred);
        problem_answer(rq, rc, NULL, &rq->why);
    } else if (t->cls == HTTP_STREAM && !rq->answered && rq->head_only) {
        answer_body(rq, 200, "text/event-stream", STR_NONE);
    } else if (t->cls == HTTP_STREAM && !rq->answered) {
        rq->stream = true;
        rq->status = 200;
    }
}

static void handle_once(struct request *rq)
{
    if (!rq->has_once) {
        handle(rq);
        return;
    }
    bool full;
    struct once_slot *slot = once_enter(rq->h, &rq->once, &full);
    if (slot == NULL) {
        refuse(rq, full ? RC_FULL : RC_CONFLICT, full ? NULL : "idempotency.in_flight");
        return;
    }
    if (once_passes(rq)) {
        handle(rq);
    }
    once_leave(rq->h, slot);
}

static void finish(struct request *rq)
{
    const char *name = rq->row == NULL ? "none" : rq->row->route->name;
    must(rq->answered || rq->deferred || rq->stream);
    if (rq->problem != NULL) {
        metric_add(&http_metrics[METRIC_REFUSED], 1, rq->problem->code, NULL);
    }
    if (rq->inl) {
        return;
    }
    enum log_level level = rq->status >= 500 ? LOG_WARN : LOG_INFO;
    log_event(rq->h->o.log, level, "http.request", F_ID("id", rq_id(rq)), F_STR("method", rq_method(rq)),
              F_STR("route", str_of(name)), F_INT("status", rq->status), F_ID("workspace", rq->who.workspace),
              F_ID("actor", rq->who.id), F_MS("took", (clock_mono_us() - rq->arrived_us) / 1000),
              F_STR("problem", rq->problem == NULL ? STR_NONE : str_of(rq->problem->code)),
              F_FAULT(&rq->why));
}

/* Cheaper than the service it refuses: no database, no log line, a count. */
static void shed(struct request *rq)
{
    problem_answer(rq, RC_FULL, "busy", NULL);
    metric_add(&http_metrics[METRIC_SHED], 1, NULL, NULL);
    answer_render(rq, &rq->wire);
}

void run_request(struct request *rq)
{
    if (rq->shed) {
        shed(rq);
        return;
    }
    enum rc who = ask_who(rq);
    if (flag_passes(rq) && method_passes(rq) && who_passes(rq, who) && csrf_passes(rq) &&
        permission_passes(rq)) {
        answer_rate(rq);
        if (type_passes(rq) && once_wanted(rq)) {
            handle_once(rq);
        }
    }
    finish(rq);
    if (!rq->inl) {
        answer_render(rq, &rq->wire);
    }
}
