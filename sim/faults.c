/* Faults by rule: matched before the handler, applied instead of it or to its answer (faults.h). A rule that
 * fired `times` times stays in the list with its counters until cleared, so that a test can see that it
 * fired.
 */
#include "faults.h"
#include "members.h"

static const char *const kind_names[FAULT_KINDS] = {
    [FAULT_NONE] = "none",   [FAULT_STATUS] = "status",       [FAULT_ERROR_BODY] = "error_body",
    [FAULT_HTML] = "html",   [FAULT_HALF_BODY] = "half_body", [FAULT_SLOW_BYTES] = "slow_bytes",
    [FAULT_DROP] = "drop",   [FAULT_DELAY] = "delay",         [FAULT_GARBAGE] = "garbage",
    [FAULT_EMPTY] = "empty",
};

static bool contains(str hay, const char *needle)
{
    size_t at;
    return str_find(hay, str_of(needle), &at);
}

/* The token that a request names: in a header, or as member of a JSON or form body. */
static const struct token *token_of(struct sim *s, const struct ask *q)
{
    str text = q->access_token.n > 0 ? q->access_token : q->authorization, refresh = STR_NONE;
    const struct json *j = NULL;
    struct form *f = arena_new(q->mem, struct form);
    if (str_starts(text, STR("Bearer ")))
        text = str_sub(text, 7, text.n);
    if (json_parse(q->body, NULL, q->mem, &j, NULL) == RC_OK && j->type == JSON_OBJ) {
        json_str(j, "access_token", &text);
        json_str(j, "refresh_token", &refresh);
    } else if (f != NULL && form_read(q->body, q->mem, f)) {
        text = form_get(f, "token").n > 0 ? form_get(f, "token") : text;
        refresh = form_get(f, "refresh_token");
    }
    const struct token *t = token_by_refresh(s->w, refresh);
    return t != NULL ? t : token_by_access(s->w, text);
}

static bool of_app(struct sim *s, const struct fault_rule *f, const struct ask *q)
{
    if (f->client_key[0] == '\0' || contains(q->body, f->client_key) || contains(q->query, f->client_key))
        return true;
    const struct token *t = token_of(s, q);
    return t != NULL && strcmp(s->w->apps[t->app].client_key, f->client_key) == 0;
}

static bool of_user(struct sim *s, const struct fault_rule *f, const struct ask *q)
{
    const struct token *t = f->user[0] == '\0' ? NULL : token_of(s, q);
    return f->user[0] == '\0' || (t != NULL && strcmp(s->w->users[t->user].id, f->user) == 0);
}

static bool fits(struct sim *s, const struct fault_rule *f, const struct ask *q)
{
    if (f->kind == FAULT_NONE || !str_starts(q->path, str_of(f->path)))
        return false;
    if (f->grant_type[0] != '\0' && !contains(q->body, f->grant_type))
        return false;
    return of_app(s, f, q) && of_user(s, f, q);
}

bool fault_take(struct sim *s, const struct ask *q, struct fault_rule *out)
{
    for (size_t i = 0; i < MAX_FAULTS; i++) {
        struct fault_rule *f = &s->faults[i];
        if (!fits(s, f, q) || (f->times > 0 && f->fired >= f->times))
            continue;
        if (f->seen++ < f->skip)
            continue;
        f->fired++;
        *out = *f;
        return true;
    }
    return false;
}

bool fault_needs_work(const struct fault_rule *f)
{
    return f->kind == FAULT_HALF_BODY || f->kind == FAULT_SLOW_BYTES || f->kind == FAULT_DELAY;
}

static const char *code_for(const struct reply *a, int64_t status)
{
    if (a->form == FORM_OAUTH)
        return status >= 500 ? "server_error" : "invalid_request";
    if (a->form == FORM_BUSINESS)
        return status == 429 ? "40100" : status >= 500 ? "50000" : "40002";
    return status == 429 ? "rate_limit_exceeded" : status >= 500 ? "internal_error" : "invalid_params";
}

static void spoil_text(struct reply *a, int64_t status, const char *type, str text)
{
    buf_clear(&a->body);
    buf_put(&a->body, text);
    a->status = (int)status;
    a->type = type;
    a->n_headers = 0;
}

static void spoil_status(struct sim *s, const struct fault_rule *f, struct reply *a)
{
    a->n_headers = 0;
    const char *code = f->error[0] != '\0' ? f->error : code_for(a, f->status);
    reply_error(s, a, (int)f->status, code, f->description[0] != '\0' ? f->description : "Simulated fault.");
    a->status = (int)f->status;
    if (f->body[0] != '\0') {
        buf_clear(&a->body);
        buf_put(&a->body, str_of(f->body));
    }
    if (f->retry_after_s > 0)
        reply_header(a, "Retry-After", arena_fmt(a->body.mem, "%lld", (long long)f->retry_after_s));
}

void fault_spoil(struct sim *s, const struct fault_rule *f, struct reply *a)
{
    static const char page[] =
        "<!doctype html><html><head><title>502 Bad Gateway</title></head>"
        "<body><h1>502 Bad Gateway</h1><p>Simulated TikTok: a fault page.</p></body></html>";
    must(TEXT_SET(a->fault, str_of(kind_names[f->kind])));
    a->delay_ms = f->delay_ms;
    switch (f->kind) {
    case FAULT_STATUS:
    case FAULT_ERROR_BODY:
        spoil_status(s, f, a);
        break;
    case FAULT_HTML:
        spoil_text(a, f->status, "text/html; charset=utf-8", STR(page));
        break;
    case FAULT_GARBAGE:
        spoil_text(a, f->status, "application/json; charset=utf-8", STR("{\"access_token\": act.garbage"));
        break;
    case FAULT_EMPTY:
        spoil_text(a, f->status, "application/json; charset=utf-8", STR(""));
        break;
    case FAULT_HALF_BODY:
        a->keep_bytes = f->bytes > 0 ? (size_t)f->bytes : a->body.n / 2 + (a->body.n < 2 ? 1 : 0);
        break;
    case FAULT_SLOW_BYTES:
        a->ms_per_byte = f->ms_per_byte > 0 ? f->ms_per_byte : 100;
        break;
    case FAULT_DROP:
        a->drop = true;
        break;
    case FAULT_NONE:
    case FAULT_DELAY:
    case FAULT_KINDS:
        break;
    }
}

/* ---- rules from JSON ---- */

#define TEXT(n, f) MEMBER_TEXT(struct fault_rule, n, f)
#define INT(n, f) MEMBER_INT(struct fault_rule, n, f)
static const struct member members[] = {
    TEXT("path", path),        TEXT("client_key", client_key),
    TEXT("user", user),        TEXT("grant_type", grant_type),
    TEXT("error", error),      TEXT("description", description),
    TEXT("body", body),        INT("status", status),
    INT("bytes", bytes),       INT("ms_per_byte", ms_per_byte),
    INT("delay_ms", delay_ms), INT("retry_after_s", retry_after_s),
    INT("times", times),       INT("skip", skip),
};

static bool kind_read(str name, enum fault_kind *out)
{
    for (size_t i = FAULT_STATUS; i < FAULT_KINDS; i++) {
        if (str_eq(str_of(kind_names[i]), name)) {
            *out = (enum fault_kind)i;
            return true;
        }
    }
    return false;
}

static bool phase_read(str name, bool *after)
{
    *after = str_eq(name, STR("after"));
    return *after || str_eq(name, STR("before"));
}

enum rc fault_add(struct sim *s, const struct json *rule, struct fault *why)
{
    struct fault_rule f = {.times = 1};
    for (const struct json *m = rule == NULL ? NULL : rule->child; m != NULL; m = m->next) {
        bool good = member_read(members, COUNT_OF(members), m, &f);
        if (!good && str_eq(m->key, STR("kind")) && m->type == JSON_STR)
            good = kind_read(m->s, &f.kind);
        else if (!good && str_eq(m->key, STR("phase")) && m->type == JSON_STR)
            good = phase_read(m->s, &f.after);
        if (!good)
            return fault_set(why, RC_INVALID, "sim.fault", "fault: bad member " STR_FMT,
                             STR_ARG(str_sub(m->key, 0, 60)));
    }
    if (f.kind == FAULT_NONE || f.path[0] == '\0')
        return fault_set(why, RC_INVALID, "sim.fault", "fault: kind and path are required");
    if (f.status == 0)
        f.status = f.kind == FAULT_STATUS ? 500 : 200;
    if (f.status < 200 || f.status > 599 || f.delay_ms < 0 || f.delay_ms > 120000 || f.ms_per_byte > 60000)
        return fault_set(why, RC_INVALID, "sim.fault", "fault: status 200 to 599, delay_ms up to 120000");
    for (size_t i = 0; i < MAX_FAULTS; i++) {
        if (s->faults[i].kind == FAULT_NONE) {
            s->faults[i] = f;
            return RC_OK;
        }
    }
    return fault_set(why, RC_FULL, "sim.fault", "at most %d fault rules", MAX_FAULTS);
}

void faults_clear(struct sim *s)
{
    for (size_t i = 0; i < MAX_FAULTS; i++)
        s->faults[i] = (struct fault_rule){.kind = FAULT_NONE};
}

void faults_write(const struct sim *s, struct out *o)
{
    out_open(o, "faults", '[');
    for (size_t i = 0; i < MAX_FAULTS; i++) {
        const struct fault_rule *f = &s->faults[i];
        if (f->kind == FAULT_NONE)
            continue;
        out_open(o, NULL, '{');
        out_cstr(o, "kind", kind_names[f->kind]);
        out_cstr(o, "phase", f->after ? "after" : "before");
        members_write(members, COUNT_OF(members), f, o);
        out_int(o, "seen", f->seen);
        out_int(o, "fired", f->fired);
        out_close(o, '}');
    }
    out_close(o, ']');
}
