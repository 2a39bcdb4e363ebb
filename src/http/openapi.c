/* openapi: the OpenAPI 3.1 description, made from the same rows that routing and input checks read, so that
 * it cannot say anything else than what is done. Made once at start.
 */
#include "http/http_priv.h"

static void str_schema(struct jw *w, const struct param *p)
{
    static const int64_t usual[] = {
        [P_TEXT] = 256, [P_URL] = 2048, [P_CURSOR] = 512, [P_ID] = 256, [P_ENUM] = 256};
    jw_cstr(w, "type", "string");
    if (p->kind == P_ENUM) {
        str rest = str_of(p->choices), one;
        jw_arr(w, "enum");
        while (rest.n > 0 && str_cut(&rest, '|', &one)) {
            jw_str(w, NULL, one);
        }
        jw_end(w);
        return;
    }
    if (p->kind == P_URL) {
        jw_cstr(w, "format", "uri");
    }
    if (p->min > 0) {
        jw_i64(w, "minLength", p->min);
    }
    jw_i64(w, "maxLength", p->max > 0 ? p->max : usual[p->kind]);
}

static void schema_of(struct jw *w, const char *key, const struct param *p)
{
    jw_obj(w, key);
    if (p->kind == P_INT) {
        jw_cstr(w, "type", "integer");
        if (p->min != 0 || p->max != 0) {
            jw_i64(w, "minimum", p->min);
            jw_i64(w, "maximum", p->max);
        }
    } else if (p->kind == P_FLAG) {
        jw_cstr(w, "type", "boolean");
    } else if (p->kind == P_LIST) {
        jw_cstr(w, "type", "array");
        jw_i64(w, "maxItems", p->max > 0 ? p->max : 256);
        jw_obj(w, "items");
        jw_end(w);
    } else if (p->kind == P_OBJECT) {
        jw_cstr(w, "type", "object");
    } else {
        str_schema(w, p);
    }
    if (p->in == IN_BODY) {
        jw_cstr(w, "description", p->doc == NULL ? "" : p->doc);
    }
    jw_end(w);
}

static void parameters_of(struct jw *w, const struct route *t)
{
    static const char *const places[] = {
        [IN_PATH] = "path", [IN_QUERY] = "query", [IN_BODY] = "body", [IN_HEADER] = "header"};
    jw_arr(w, "parameters");
    for (size_t i = 0; i < t->n_params; i++) {
        const struct param *p = &t->params[i];
        if (p->in == IN_BODY) {
            continue;
        }
        jw_obj(w, NULL);
        jw_cstr(w, "name", p->name);
        jw_cstr(w, "in", places[p->in]);
        jw_bool(w, "required", p->required || p->in == IN_PATH);
        jw_cstr(w, "description", p->doc == NULL ? "" : p->doc);
        schema_of(w, "schema", p);
        jw_end(w);
    }
    if (strcmp(t->method, "POST") == 0 && t->need != PERM_NONE && !t->no_once) {
        jw_obj(w, NULL);
        jw_cstr(w, "$ref", "#/components/parameters/IdempotencyKey");
        jw_end(w);
    }
    jw_end(w);
}

static void body_of(struct jw *w, const struct route *t)
{
    bool any = t->raw && strcmp(t->method, "GET") != 0;
    for (size_t i = 0; i < t->n_params; i++) {
        any = any || t->params[i].in == IN_BODY;
    }
    if (!any) {
        return;
    }
    jw_obj(w, "requestBody");
    jw_bool(w, "required", true);
    jw_obj(w, "content");
    jw_obj(w, t->raw ? "*/*" : t->form ? "application/x-www-form-urlencoded" : "application/json");
    jw_obj(w, "schema");
    if (!t->raw) {
        jw_cstr(w, "type", "object");
        jw_bool(w, "additionalProperties", false);
        jw_arr(w, "required");
        for (size_t i = 0; i < t->n_params; i++) {
            if (t->params[i].in == IN_BODY && t->params[i].required) {
                jw_cstr(w, NULL, t->params[i].name);
            }
        }
        jw_end(w);
        jw_obj(w, "properties");
        for (size_t i = 0; i < t->n_params; i++) {
            if (t->params[i].in == IN_BODY) {
                schema_of(w, t->params[i].name, &t->params[i]);
            }
        }
        jw_end(w);
    }
    for (int i = 0; i < 4; i++) {
        jw_end(w);
    }
}

static void problem_ref(struct jw *w, const char *status)
{
    jw_obj(w, status);
    jw_cstr(w, "$ref", "#/components/responses/Problem");
    jw_end(w);
}

static void answers_of(struct jw *w, const struct route *t)
{
    jw_obj(w, "responses");
    shapes_answers(w, t);
    problem_ref(w, "4XX");
    problem_ref(w, "5XX");
    jw_end(w);
}

static void operation(struct jw *w, const struct route *t)
{
    char method[8] = {0};
    for (size_t i = 0; i < sizeof(method) - 1 && t->method[i] != '\0'; i++) {
        method[i] = (char)(t->method[i] | 0x20);
    }
    jw_obj(w, method);
    jw_cstr(w, "operationId", t->name);
    jw_cstr(w, "summary", t->doc == NULL ? "" : t->doc);
    if (t->need != PERM_NONE) {
        jw_cstr(w, "x-permission", permission_name(t->need));
    }
    if (t->flag != NULL) {
        jw_cstr(w, "x-flag", t->flag);
    }
    jw_arr(w, "security");
    for (int i = 0; t->need != PERM_NONE && i < 2; i++) {
        jw_obj(w, NULL);
        jw_arr(w, i == 0 ? "apiKey" : "session");
        jw_end(w);
        jw_end(w);
    }
    jw_end(w);
    parameters_of(w, t);
    body_of(w, t);
    answers_of(w, t);
    jw_end(w);
}

static bool path_first(const struct http *h, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(http_routes(h, k)->path, http_routes(h, i)->path) == 0) {
            return false;
        }
    }
    return true;
}

static void paths(const struct http *h, struct jw *w)
{
    const struct route *t;
    jw_obj(w, "paths");
    for (size_t i = 0; (t = http_routes(h, i)) != NULL; i++) {
        if (strcmp(t->method, "*") == 0 || !path_first(h, i)) {
            continue;
        }
        jw_obj(w, t->path);
        const struct route *same;
        for (size_t k = i; (same = http_routes(h, k)) != NULL; k++) {
            if (strcmp(same->path, t->path) == 0) {
                operation(w, same);
            }
        }
        jw_end(w);
    }
    jw_end(w);
}

static void problem_schema(const struct http *h, struct jw *w)
{
    static const char *const texts[] = {"type", "title", "detail", "request_id", "means", "next"};
    jw_obj(w, "Problem");
    jw_cstr(w, "type", "object");
    jw_obj(w, "properties");
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        jw_obj(w, texts[i]);
        jw_cstr(w, "type", "string");
        jw_end(w);
    }
    jw_obj(w, "status");
    jw_cstr(w, "type", "integer");
    jw_end(w);
    jw_obj(w, "code");
    jw_cstr(w, "type", "string");
    jw_arr(w, "enum");
    for (size_t i = 0; i < h->n_problems; i++) {
        jw_cstr(w, NULL, h->problems[i]->code);
    }
    jw_end(w);
    jw_end(w);
    jw_obj(w, "errors");
    jw_cstr(w, "type", "array");
    jw_obj(w, "items");
    jw_cstr(w, "type", "object");
    jw_end(w);
    jw_end(w);
    jw_end(w);
    jw_end(w);
}

static void components(const struct http *h, struct jw *w)
{
    jw_obj(w, "components");
    jw_raw(w, "securitySchemes",
           STR("{\"apiKey\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
               "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-mz_session\"}}"));
    jw_raw(w, "parameters",
           STR("{\"IdempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":true,"
               "\"schema\":"
               "{\"type\":\"string\",\"minLength\":1,\"maxLength\":128},\"description\":\"Repeating a "
               "request with "
               "the same key and body gives the first answer again.\"}}"));
    jw_raw(
        w, "headers",
        STR("{\"RateLimitPolicy\":{\"description\":\"The limit per address that the route falls under: name, "
            "q requests in w seconds "
            "(draft-ietf-httpapi-ratelimit-headers-11).\",\"schema\":{\"type\":\"string\"}},"
            "\"RateLimit\":{\"description\":\"What is left of it: r requests, all of them again in t "
            "seconds.\","
            "\"schema\":{\"type\":\"string\"}}}"));
    jw_raw(w, "responses",
           STR("{\"Problem\":{\"description\":\"Refused; the code says why. 429 and 503 carry Retry-After.\","
               "\"headers\":" RATE_HEADERS ",\"content\":"
               "{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}}"));
    jw_obj(w, "schemas");
    problem_schema(h, w);
    shapes_write(h, w);
    jw_end(w);
    jw_end(w);
}

void http_openapi(const struct http *h, struct buf *out)
{
    struct jw w;
    jw_init(&w, out);
    jw_obj(&w, NULL);
    jw_cstr(&w, "openapi", "3.1.0");
    jw_obj(&w, "info");
    jw_cstr(&w, "title", "mozflow-tiktok");
    jw_cstr(&w, "version", "1");
    jw_end(&w);
    jw_arr(&w, "servers");
    jw_obj(&w, NULL);
    jw_str(&w, "url", h->base_url);
    jw_end(&w);
    jw_end(&w);
    paths(h, &w);
    components(h, &w);
    jw_end(&w);
}

enum rc openapi_get(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    answer_json(rq, 200, (str){rq->h->openapi.p, rq->h->openapi.n});
    return RC_OK;
}
