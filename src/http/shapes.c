/* shapes: answer types as JSON Schema (2020-12), for the OpenAPI description. Every shape that a route
 * reaches, directly or by a field, becomes one named schema; two shapes of one name are a broken invariant.
 */
#include "http/http_priv.h"

const struct shape shape_plain_text = {
    .name = "Text", .media = "text/plain; charset=utf-8", .doc = "Plain text."};
const struct shape shape_style = {
    .name = "Style", .media = "text/css; charset=utf-8", .doc = "A style sheet."};
const struct shape shape_script = {
    .name = "Script", .media = "text/javascript; charset=utf-8", .doc = "A script."};
const struct shape shape_json = {
    .name = "Json", .media = "application/json", .doc = "JSON by a format of others."};

static void choices(struct jw *w, const char *list, bool or_null)
{
    str rest = str_of(list), one;
    jw_arr(w, "enum");
    while (rest.n > 0 && str_cut(&rest, '|', &one)) {
        jw_str(w, NULL, one);
    }
    if (or_null) {
        jw_cstr(w, NULL, NULL);
    }
    jw_end(w);
}

static void ref(struct jw *w, const struct shape *s)
{
    char at[96];
    int n = snprintf(at, sizeof(at), "#/components/schemas/%s", s->name);
    must(n > 0 && (size_t)n < sizeof(at));
    jw_cstr(w, "$ref", at);
}

/* A member's type; one that may be null names both. */
static void type(struct jw *w, const struct shape_field *f, const char *name)
{
    if ((f->may & MAY_BE_NULL) == 0) {
        jw_cstr(w, "type", name);
        return;
    }
    jw_arr(w, "type");
    jw_cstr(w, NULL, name);
    jw_cstr(w, NULL, "null");
    jw_end(w);
}

static void one_of(struct jw *w, const struct shape_field *f)
{
    if (f->of == NULL) {
        type(w, f, "object");
        return;
    }
    if ((f->may & MAY_BE_NULL) == 0) {
        ref(w, f->of);
        return;
    }
    jw_arr(w, "anyOf");
    jw_obj(w, NULL);
    ref(w, f->of);
    jw_end(w);
    jw_obj(w, NULL);
    jw_cstr(w, "type", "null");
    jw_end(w);
    jw_end(w);
}

static void members(struct jw *w, const struct shape_field *f)
{
    static const char *const inner[] = {[A_TEXTS] = "string", [A_FLAGS] = "boolean"};
    type(w, f, f->kind == A_FLAGS ? "object" : "array");
    jw_obj(w, f->kind == A_FLAGS ? "additionalProperties" : "items");
    if (f->kind == A_MANY) {
        ref(w, f->of);
    } else {
        jw_cstr(w, "type", inner[f->kind]);
    }
    if (f->kind == A_TEXTS && f->choices != NULL) {
        choices(w, f->choices, false);
    }
    jw_end(w);
}

static void field(struct jw *w, const struct shape_field *f)
{
    static const struct {
        const char *type, *format;
        void (*more)(struct jw *w, const struct shape_field *f);
    } kinds[] = {
        [A_TEXT] = {"string", NULL, NULL},  [A_INT] = {"integer", NULL, NULL},
        [A_FLAG] = {"boolean", NULL, NULL}, [A_TIME] = {"string", "date-time", NULL},
        [A_URL] = {"string", "uri", NULL},  [A_ENUM] = {"string", NULL, NULL},
        [A_TEXTS] = {NULL, NULL, members},  [A_FLAGS] = {NULL, NULL, members},
        [A_ONE] = {NULL, NULL, one_of},     [A_MANY] = {NULL, NULL, members},
    };
    must(f->doc != NULL && (f->kind != A_MANY || f->of != NULL) && (f->kind != A_ENUM || f->choices != NULL));
    jw_obj(w, f->name);
    if (kinds[f->kind].more != NULL) {
        kinds[f->kind].more(w, f);
    } else {
        type(w, f, kinds[f->kind].type);
    }
    if (kinds[f->kind].format != NULL) {
        jw_cstr(w, "format", kinds[f->kind].format);
    }
    if (f->kind == A_ENUM) {
        choices(w, f->choices, (f->may & MAY_BE_NULL) != 0);
    }
    jw_cstr(w, "description", f->doc);
    jw_end(w);
}

static size_t fields_of(const struct shape *s)
{
    size_t n = 0;
    while (n < SHAPE_FIELDS && s->fields[n].name != NULL) {
        n++;
    }
    return n;
}

static void schema(struct jw *w, const struct shape *s)
{
    jw_obj(w, s->name);
    jw_cstr(w, "type", "object");
    jw_cstr(w, "description", s->doc);
    jw_arr(w, "required");
    for (size_t i = 0; i < fields_of(s); i++) {
        if ((s->fields[i].may & MAY_BE_ABSENT) == 0) {
            jw_cstr(w, NULL, s->fields[i].name);
        }
    }
    jw_end(w);
    jw_obj(w, "properties");
    for (size_t i = 0; i < fields_of(s); i++) {
        field(w, &s->fields[i]);
    }
    jw_end(w);
    jw_end(w);
}

struct gathered {
    const struct shape *rows[256];
    size_t n;
};

static void gather(struct gathered *k, const struct shape *s)
{
    if (s->media != NULL) {
        return;
    }
    for (size_t i = 0; i < k->n; i++) {
        if (k->rows[i] == s) {
            return;
        }
        must(strcmp(k->rows[i]->name, s->name) != 0);
    }
    must(k->n < COUNT_OF(k->rows));
    k->rows[k->n++] = s;
}

void shapes_write(const struct http *h, struct jw *w)
{
    struct gathered k = {.n = 0};
    const struct route *t;
    for (size_t i = 0; (t = http_routes(h, i)) != NULL; i++) {
        if (t->gives != NULL) {
            gather(&k, t->gives);
        }
    }
    for (size_t i = 0; i < k.n; i++) { /* grows while it runs: what a field names comes behind */
        const struct shape *s = k.rows[i];
        for (size_t f = 0; f < fields_of(s); f++) {
            if (s->fields[f].of != NULL) {
                gather(&k, s->fields[f].of);
            }
        }
        schema(w, s);
    }
}

static void page_of(struct jw *w, const struct shape *s)
{
    static const struct shape_field cursor = {.name = "next_cursor",
                                              .kind = A_TEXT,
                                              .may = MAY_BE_NULL,
                                              .doc = "Where the next page begins; null: this is the last."};
    jw_cstr(w, "type", "object");
    jw_arr(w, "required");
    jw_cstr(w, NULL, "items");
    jw_cstr(w, NULL, "next_cursor");
    jw_end(w);
    jw_obj(w, "properties");
    field(w, &(struct shape_field){.name = "items", .kind = A_MANY, .of = s, .doc = "This page."});
    field(w, &cursor);
    jw_end(w);
}

/* "text/css; charset=utf-8" is described as text/css. */
static void content(struct jw *w, const struct route *t, const char *media)
{
    char type_only[64] = {0};
    size_t n = strcspn(media, ";");
    must(n < sizeof(type_only));
    memcpy(type_only, media, n);
    jw_obj(w, "content");
    jw_obj(w, type_only);
    if (t->gives != NULL && t->gives->media == NULL) {
        jw_obj(w, "schema");
        if (t->many) {
            page_of(w, t->gives);
        } else {
            ref(w, t->gives);
        }
        jw_end(w);
    }
    jw_end(w);
    jw_end(w);
}

void shapes_answers(struct jw *w, const struct route *t)
{
    const char *doc = t->answer != NULL ? t->answer : t->gives != NULL ? t->gives->doc : "Done.";
    must(!t->many || (t->gives != NULL && t->gives->media == NULL));
    jw_obj(w, "2XX");
    jw_cstr(w, "description", doc);
    jw_raw(w, "headers", STR(RATE_HEADERS));
    if (t->gives != NULL) {
        content(w, t, t->gives->media == NULL ? "application/json" : t->gives->media);
    } else if (t->browser) {
        content(w, t, "text/html");
    }
    jw_end(w);
    if (t->browser) {
        jw_obj(w, "3XX");
        jw_cstr(w, "description", "On to another page.");
        jw_end(w);
    }
}
