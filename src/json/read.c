/* Reading JSON: simdjson validates and walks (simd.cpp), this file builds the tree in the caller's arena,
 * counts depth and nodes, and refuses a key that an object holds twice, because two readers of such a text
 * see different things.
 *
 * All strings go into one piece as long as the text: unescaping never lengthens (each string loses two quotes
 * and gains one NUL), so that a text costs one allocation for its strings and one per node.
 */
#include "json/json.h"
#include "json/simd.h"

#define TEXT_MAX (8U * 1024U * 1024U)
#define DEPTH_MAX 32U
#define DEPTH_CEILING 60U /* the writer must be able to write back what was read */
#define NODES_MAX 1000000U
#define PAIRWISE_MAX 12U /* members up to which every pair of keys is compared */

struct level {
    struct json *node;
    struct json *last;
};
struct builder {
    struct arena *mem;
    char *pool, *pool_end;
    struct level levels[DEPTH_CEILING + 1];
    unsigned depth, max_depth;
    size_t nodes, max_nodes;
    struct json *root;
    struct fault why; /* set when an event says stop */
};

static int stop(struct builder *b, enum rc rc, const char *code, const char *detail)
{
    (void)fault_set(&b->why, rc, code, "%s", detail);
    return 0;
}

static str keep(struct builder *b, const char *p, size_t n)
{
    must(n < (size_t)(b->pool_end - b->pool));
    char *to = b->pool;
    if (n > 0)
        memcpy(to, p, n);
    to[n] = '\0';
    b->pool += n + 1;
    return (str){to, n};
}

static const enum json_type type_of[] = {
    [SIMD_NULL] = JSON_NULL, [SIMD_BOOL] = JSON_BOOL, [SIMD_INT] = JSON_INT, [SIMD_DOUBLE] = JSON_DOUBLE,
    [SIMD_STR] = JSON_STR,   [SIMD_ARR] = JSON_ARR,   [SIMD_OBJ] = JSON_OBJ,
};

static void fill(struct builder *b, struct json *node, const struct simd_value *v)
{
    node->type = type_of[v->kind];
    if (v->key != NULL)
        node->key = keep(b, v->key, v->key_n);
    if (v->kind == SIMD_BOOL)
        node->b = v->i != 0;
    else if (v->kind == SIMD_INT)
        node->i = v->i;
    else if (v->kind == SIMD_DOUBLE)
        node->d = v->d;
    else if (v->kind == SIMD_STR)
        node->s = keep(b, v->s, v->s_n);
}

static int on_value(void *arg, const struct simd_value *v)
{
    struct builder *b = arg;
    bool opens = v->kind == SIMD_ARR || v->kind == SIMD_OBJ;
    if (opens && b->depth >= b->max_depth)
        return stop(b, RC_INVALID, "json.too_deep", "arrays and objects are nested too deeply");
    if (b->nodes >= b->max_nodes)
        return stop(b, RC_FULL, "json.full", "too many values");
    struct json *node = arena_new(b->mem, struct json);
    if (node == NULL)
        return stop(b, RC_FULL, "json.full", "no room for another value");
    b->nodes++;
    fill(b, node, v);
    if (b->depth == 0) {
        b->root = node;
    } else {
        struct level *in = &b->levels[b->depth - 1];
        if (in->last == NULL)
            in->node->child = node;
        else
            in->last->next = node;
        in->last = node;
        in->node->count++;
    }
    if (opens)
        b->levels[b->depth++] = (struct level){node, NULL};
    return 1;
}

static int by_key(const void *x, const void *y)
{
    const struct json *const *a = x, *const *b = y;
    size_t n = (*a)->key.n < (*b)->key.n ? (*a)->key.n : (*b)->key.n;
    int diff = memcmp((*a)->key.p, (*b)->key.p, n);
    if (diff != 0)
        return diff;
    return (*a)->key.n < (*b)->key.n ? -1 : (*a)->key.n > (*b)->key.n;
}

static bool twice_sorted(const struct json *obj)
{
    const struct json **all = mem_new(obj->count * sizeof(*all));
    size_t n = 0;
    for (const struct json *c = obj->child; c != NULL; c = c->next)
        all[n++] = c;
    qsort(all, n, sizeof(*all), by_key);
    bool twice = false;
    for (size_t i = 1; i < n && !twice; i++)
        twice = str_eq(all[i - 1]->key, all[i]->key);
    mem_free(all);
    return twice;
}

static bool key_twice(const struct json *obj)
{
    if (obj->count > PAIRWISE_MAX)
        return twice_sorted(obj);
    for (const struct json *c = obj->child; c != NULL; c = c->next) {
        for (const struct json *d = c->next; d != NULL; d = d->next) {
            if (str_eq(c->key, d->key))
                return true;
        }
    }
    return false;
}

static int on_end(void *arg)
{
    struct builder *b = arg;
    const struct json *node = b->levels[--b->depth].node;
    if (node->type == JSON_OBJ && key_twice(node) && !planted("json.key_twice"))
        return stop(b, RC_INVALID, "json.duplicate_key", "an object holds the same key twice");
    return 1;
}

static enum rc prepare(struct builder *b, str text, const struct json_limits *l, struct fault *why)
{
    size_t max_text = l != NULL && l->text_bytes != 0 ? l->text_bytes : TEXT_MAX;
    b->max_depth = l != NULL && l->depth != 0 ? l->depth : DEPTH_MAX;
    b->max_nodes = l != NULL && l->nodes != 0 ? l->nodes : NODES_MAX;
    must(b->max_depth <= DEPTH_CEILING);
    if (text.n > max_text || text.n >= UINT32_MAX)
        return fault_set(why, RC_FULL, "json.full", "%zu bytes are more than %zu", text.n, max_text);
    if (text.n == 0)
        return fault_set(why, RC_INVALID, "json.malformed", "the text is empty");
    b->pool = arena_take(b->mem, text.n + 1);
    if (b->pool == NULL)
        return fault_set(why, RC_FULL, "json.full", "no room for %zu bytes", text.n);
    b->pool_end = b->pool + text.n + 1;
    return RC_OK;
}

enum rc json_parse(str text, const struct json_limits *limits_or_null, struct arena *mem,
                   const struct json **out, struct fault *why)
{
    struct builder b = {.mem = mem};
    enum rc rc = prepare(&b, text, limits_or_null, why);
    if (rc != RC_OK)
        return rc;
    const struct simd_events ev = {&b, on_value, on_end};
    const char *reason;
    switch (simd_walk(text.p, text.n, &ev, &reason)) {
    case SIMD_OK:
        *out = b.root;
        return RC_OK;
    case SIMD_STOPPED:
        return fault_set(why, b.why.rc, b.why.code, "%s", b.why.detail);
    case SIMD_TOO_DEEP:
        return fault_set(why, RC_INVALID, "json.too_deep", "arrays and objects are nested too deeply");
    case SIMD_MALFORMED:
    default:
        return fault_set(why, RC_INVALID, "json.malformed", "%s", reason);
    }
}

const struct json *json_get(const struct json *obj, const char *key)
{
    if (obj == NULL || obj->type != JSON_OBJ)
        return NULL;
    str wanted = str_of(key);
    for (const struct json *c = obj->child; c != NULL; c = c->next) {
        if (str_eq(c->key, wanted))
            return c;
    }
    return NULL;
}

static const struct json *get_typed(const struct json *obj, const char *key, enum json_type type)
{
    const struct json *c = json_get(obj, key);
    return c != NULL && c->type == type ? c : NULL;
}

bool json_str(const struct json *obj, const char *key, str *out)
{
    const struct json *c = get_typed(obj, key, JSON_STR);
    if (c != NULL)
        *out = c->s;
    return c != NULL;
}

bool json_i64(const struct json *obj, const char *key, int64_t *out)
{
    const struct json *c = get_typed(obj, key, JSON_INT);
    if (c != NULL)
        *out = c->i;
    return c != NULL;
}

bool json_bool(const struct json *obj, const char *key, bool *out)
{
    const struct json *c = get_typed(obj, key, JSON_BOOL);
    if (c != NULL)
        *out = c->b;
    return c != NULL;
}

bool json_id(const struct json *obj, const char *key, struct arena *mem, str *out)
{
    const struct json *c = json_get(obj, key);
    if (c == NULL)
        return false;
    if (c->type == JSON_STR) {
        *out = c->s;
        return true;
    }
    if (c->type != JSON_INT)
        return false;
    str text = arena_fmt(mem, "%lld", (long long)c->i);
    if (text.p == NULL)
        return false;
    *out = text;
    return true;
}
