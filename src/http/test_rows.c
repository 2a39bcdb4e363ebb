/* The routes and stand-ins that test_rules.c and test_answers.c talk to. */
#include "test_rows.h"

struct kit kit;
struct reply r, r2;
pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
_Atomic int entered;
_Atomic int handled;

/* ---- stand-ins ---- */

/* "Bearer all": every permission; "Bearer none": a key without; "Bearer bad": not valid; "Bearer down": no
 * database. */
static enum rc who(void *arg, struct request *rq, struct principal *out, struct fault *why)
{
    (void)arg;
    str a = rq_header(rq, "authorization");
    if (a.p == NULL && rq_cookie(rq, "mz_session").p == NULL) {
        out->kind = WHO_NOBODY;
        return RC_OK;
    }
    if (str_eq(a, STR("Bearer bad"))) {
        return fault_set(why, RC_DENIED, "auth.invalid", "no such key");
    }
    if (str_eq(a, STR("Bearer down"))) {
        return fault_set(why, RC_RETRY, "store.unavailable", "no database");
    }
    *out = (struct principal){.kind = WHO_KEY, .workspace = STR("ws_1"), .id = STR("key_1")};
    out->may = str_eq(a, STR("Bearer none")) ? 0 : ~UINT64_C(0);
    return RC_OK;
}

static bool flag_on(void *arg, str workspace, const char *flag)
{
    (void)arg;
    (void)workspace;
    return strcmp(flag, "on") == 0;
}

static enum rc once_find(void *arg, const struct once *o, struct arena *mem, int *status, str *body,
                         struct fault *why)
{
    (void)arg;
    (void)mem;
    if (str_eq(o->key, STR("stored"))) {
        *status = 201;
        *body = STR("{\"stored\":true}");
        return RC_OK;
    }
    if (str_eq(o->key, STR("other"))) {
        return fault_set(why, RC_CONFLICT, "idempotency.other_body", "another body");
    }
    return RC_MISSING;
}

static enum rc done(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    atomic_fetch_add(&handled, 1);
    answer_json(rq, 200, rq_once(rq) != NULL ? STR("{\"once\":true}") : STR("{}"));
    return RC_OK;
}

static enum rc gated(struct request *rq, void *ctx, struct fault *why)
{
    atomic_fetch_add(&entered, 1);
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    return done(rq, ctx, why);
}

static enum rc fails(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    int64_t rc = rq_int(rq, "rc", 0);
    return fault_set(why, (enum rc)rc, rq_has(rq, "own") ? "test.own" : "no.such.row", "secret detail");
}

static enum rc shows(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(rq), 4096);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "name", rq_arg(rq, "name"));
    jw_i64(&w, "count", rq_int(rq, "count", -1));
    jw_i64(&w, "on", rq_int(rq, "on", -1));
    jw_str(&w, "kind", rq_arg(rq, "kind"));
    jw_str(&w, "address", rq_address(rq));
    jw_str(&w, "cookie", rq_cookie(rq, "mz_session"));
    jw_end(&w);
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

static enum rc cookie(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    answer_cookie(rq, "mz_session", STR("abc"), 60);
    answer_header(rq, "Cache-Control", STR("private"));
    answer_form_action(rq, STR("https://www.tiktok.com"));
    answer_page(rq, 200, STR("<p>hi"));
    return RC_OK;
}

/* ---- rows ---- */

static const struct param thing[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .required = true, .choices = "msg"},
    {.name = "name", .in = IN_BODY, .kind = P_TEXT, .required = true, .min = 1, .max = 8},
    {.name = "count", .in = IN_BODY, .kind = P_INT, .min = 1, .max = 10},
    {.name = "on", .in = IN_BODY, .kind = P_FLAG},
    {.name = "kind", .in = IN_BODY, .kind = P_ENUM, .choices = "a|b"},
    {.name = "tags", .in = IN_BODY, .kind = P_LIST, .max = 2},
    {.name = "extra", .in = IN_BODY, .kind = P_OBJECT},
};
static const struct param list_params[] = {
    {.name = "name", .in = IN_QUERY, .kind = P_TEXT},
    {.name = "count", .in = IN_QUERY, .kind = P_INT, .min = 1, .max = 100},
    {.name = "on", .in = IN_QUERY, .kind = P_FLAG},
    {.name = "kind", .in = IN_QUERY, .kind = P_ENUM, .choices = "a|b"},
};
static const struct param form_params[] = {
    {.name = "name", .in = IN_BODY, .kind = P_TEXT, .required = true},
    {.name = "count", .in = IN_BODY, .kind = P_INT},
    {.name = "on", .in = IN_BODY, .kind = P_FLAG},
    {.name = "kind", .in = IN_BODY, .kind = P_TEXT},
};
static const struct param fail_params[] = {
    {.name = "rc", .in = IN_QUERY, .kind = P_INT, .required = true, .min = 1, .max = 13},
    {.name = "own", .in = IN_QUERY, .kind = P_FLAG},
};
/* As when the database makes a read run twice: what the first run wrote is gone. */
static enum rc writes_twice(struct request *rq, void *ctx, struct fault *why)
{
    struct json_answer a;
    (void)ctx;
    for (int run = 1; run <= 2; run++) {
        answer_begin(&a, rq, 1024);
        jw_i64(&a.w, "run", run);
        answer_next(&a, STR_NONE);
    }
    return answer_end(&a, 201, why);
}

static enum rc writes_too_much(struct request *rq, void *ctx, struct fault *why)
{
    struct json_answer a;
    (void)ctx;
    answer_begin(&a, rq, 64);
    for (int i = 0; i < 64; i++) {
        jw_i64(&a.w, "n", i);
    }
    return answer_end(&a, 200, why);
}

static const struct shape shape_part = {
    .name = "Part", .doc = "A part.", .fields = {{"at", A_TIME, MAY_BE_NULL, .doc = "When."}}};
static const struct shape shape_thing = {
    .name = "Thing",
    .doc = "A thing.",
    .fields = {{"id", A_TEXT, .doc = "Its id."},
               {"state", A_ENUM, MAY_BE_NULL, "open|closed", .doc = "Where it stands."},
               {"words", A_TEXTS, MAY_BE_ABSENT, .doc = "Words."},
               {"on", A_FLAGS, .doc = "What is on."},
               {"part", A_ONE, MAY_BE_NULL, .of = &shape_part, .doc = "One part."},
               {"parts", A_MANY, .of = &shape_part, .doc = "All parts."}}};

#define N(a) .params = (a), .n_params = COUNT_OF(a)
static const struct route routes[] = {
    {.method = "GET", .path = "/public", .name = "public", .cls = HTTP_READ, .handle = done},
    {.method = "GET",
     .path = "/secret",
     .name = "secret",
     .cls = HTTP_READ,
     .need = PERM_EXPLAIN,
     .handle = done},
    {.method = "POST",
     .path = "/secret",
     .name = "doSecret",
     .cls = HTTP_WRITE,
     .need = PERM_EXPLAIN,
     .handle = done},
    {.method = "PUT",
     .path = "/secret",
     .name = "putSecret",
     .cls = HTTP_WRITE,
     .need = PERM_EXPLAIN,
     .handle = done},
    {.method = "POST",
     .path = "/gate",
     .name = "gate",
     .cls = HTTP_WRITE,
     .need = PERM_EXPLAIN,
     .handle = gated},
    {.method = "GET", .path = "/off", .name = "off", .cls = HTTP_READ, .flag = "off", .handle = done},
    {.method = "POST",
     .path = "/off/secret",
     .name = "offSecret",
     .cls = HTTP_WRITE,
     .need = PERM_EXPLAIN,
     .flag = "off",
     .handle = done},
    {.method = "GET",
     .path = "/off/inline",
     .name = "offInline",
     .cls = HTTP_INLINE,
     .flag = "off",
     .handle = done},
    {.method = "GET",
     .path = "/off/page",
     .name = "offPage",
     .cls = HTTP_READ,
     .flag = "off",
     .browser = true,
     .handle = done},
    {.method = "GET", .path = "/twice", .name = "twice", .cls = HTTP_READ, .handle = writes_twice},
    {.method = "GET", .path = "/too-much", .name = "tooMuch", .cls = HTTP_READ, .handle = writes_too_much},
    {.method = "GET", .path = "/on", .name = "on", .cls = HTTP_READ, .flag = "on", .handle = done},
    {.method = "POST",
     .path = "/things/{id}",
     .name = "thing",
     .cls = HTTP_WRITE,
     N(thing),
     .handle = shows,
     .gives = &shape_thing},
    {.method = "GET",
     .path = "/list",
     .name = "list",
     .cls = HTTP_READ,
     N(list_params),
     .handle = shows,
     .gives = &shape_thing,
     .many = true},
    {.method = "GET",
     .path = "/page",
     .name = "page",
     .cls = HTTP_READ,
     .browser = true,
     N(list_params),
     .handle = shows},
    {.method = "POST",
     .path = "/form",
     .name = "form",
     .cls = HTTP_WRITE,
     .form = true,
     .browser = true,
     N(form_params),
     .handle = shows},
    {.method = "GET", .path = "/fail", .name = "fail", .cls = HTTP_READ, N(fail_params), .handle = fails},
    {.method = "GET",
     .path = "/cookie",
     .name = "cookie",
     .cls = HTTP_READ,
     .browser = true,
     .handle = cookie},
};
static const struct route_table table = {routes, COUNT_OF(routes), NULL};
static const struct problem_row own_rows[] = {
    {"test.own", 418, "Own", "Own means.", "Own todo.", "ของตนเอง", "ความหมาย", "สิ่งที่ต้องทำ"}};
static const struct problem_table own = {own_rows, COUNT_OF(own_rows)};

void open_env(char *const *env)
{
    const struct http_options o = {.tables = &table,
                                   .n_tables = 1,
                                   .problems = &own,
                                   .n_problems = 1,
                                   .hooks = {.who = who, .flag_on = flag_on, .once_find = once_find}};
    atomic_store(&handled, 0);
    atomic_store(&entered, 0);
    kit_open_with(&kit, &o, env);
}

int open_kit(void **state)
{
    static char *env[] = {"MZ_PUBLIC_BASE_URL=https://tiktok.example:8443", NULL};
    (void)state;
    open_env(env);
    return 0;
}

int close_kit(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

/* method and path, further header lines, body */
void send_to(struct reply *out, const char *line, const char *headers, const char *body)
{
    static char text[8192];
    int n = snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a\r\n%s", line, headers);
    if (body != NULL) {
        n += snprintf(text + n, sizeof(text) - (size_t)n, "Content-Length: %zu\r\n", strlen(body));
    }
    n += snprintf(text + n, sizeof(text) - (size_t)n, "\r\n%s", body == NULL ? "" : body);
    ask(http_port(kit.http), (str){text, (size_t)n}, out);
}

void expect(const char *line, const char *headers, const char *body, int status, const char *code)
{
    char want[128];
    send_to(&r, line, headers, body);
    (void)snprintf(want, sizeof(want), "\"code\":\"%s\"", code == NULL ? "" : code);
    if (r.status != status || (code != NULL && !body_has(&r, want))) {
        fail_msg("%s | %s: wanted %d %s, got %d " STR_FMT, line, headers, status, code == NULL ? "" : code,
                 r.status, STR_ARG(r.body));
    }
}
