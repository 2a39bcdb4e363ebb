/* router: which route a path means. Rows are grouped by path once at start; matching takes no memory and no
 * lock. Flow: fixed paths by hash; then paths with {names} among those with as many segments. Fixed wins over
 * {name}, segment by segment from the left, whatever the order of the rows. What can go wrong: two rows with
 * the same method and path, or a row that contradicts itself, refuse the start.
 */
#include "http/http_priv.h"

#define BUCKETS 256U

struct group { /* all rows of one path */
    struct group *next;
    str path; /* without a final slash */
    unsigned n_parts;
    str part[PATH_PARTS];
    bool var[PATH_PARTS];
    bool slash;      /* also with a final '/' */
    bool only_slash; /* the row's path ends with '/': the path without it is another one */
    const struct row *by[M_OTHER + 1];
    const struct row *any;
    unsigned allow;
};
struct router {
    struct row *rows;
    size_t n_rows;
    struct group *fixed[BUCKETS];
    struct group *open[PATH_PARTS + 1];
    const struct row *rest; /* "*" "/{rest*}": whatever nothing else matches */
};

static const struct {
    const char *name;
    enum method method;
} method_names[] = {
    {"GET", M_GET}, {"POST", M_POST}, {"PUT", M_PUT}, {"PATCH", M_PATCH}, {"DELETE", M_DELETE},
};

static uint32_t hash_of(str s)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < s.n; i++) {
        h = (h ^ (unsigned char)s.p[i]) * 16777619U;
    }
    return h;
}

/* Cuts "/a/b" into slices; false: more than PATH_PARTS segments. *slash: a final '/' behind at least one
 * segment. */
static bool split(str path, struct slice *part, unsigned *n, bool *slash)
{
    *n = 0;
    *slash = path.n > 1 && path.p[path.n - 1] == '/';
    size_t end = *slash ? path.n - 1 : path.n;
    size_t from = 1;
    for (size_t i = 1; i <= end && end > 1; i++) {
        if (i == end || path.p[i] == '/') {
            if (*n == PATH_PARTS) {
                return false;
            }
            part[(*n)++] = (struct slice){(uint16_t)from, (uint16_t)(i - from)};
            from = i + 1;
        }
    }
    return true;
}

static str bare(str path)
{
    return path.n > 1 && path.p[path.n - 1] == '/' ? str_sub(path, 0, path.n - 1) : path;
}

static struct group **chain_of(struct router *r, const struct group *g, bool open)
{
    return open ? &r->open[g->n_parts] : &r->fixed[hash_of(g->path) % BUCKETS];
}

static bool group_init(struct group *g, const struct route *route, bool *open)
{
    struct slice part[PATH_PARTS];
    str path = str_of(route->path);
    if (path.n == 0 || path.p[0] != '/' || !split(path, part, &g->n_parts, &g->only_slash)) {
        return false;
    }
    g->path = bare(path);
    g->slash = route->slash;
    *open = false;
    for (unsigned i = 0; i < g->n_parts; i++) {
        str s = str_sub(path, part[i].at, part[i].n);
        g->var[i] = s.n > 2 && s.p[0] == '{' && s.p[s.n - 1] == '}';
        g->part[i] = g->var[i] ? str_sub(s, 1, s.n - 2) : s;
        *open = *open || g->var[i];
    }
    return true;
}

/* At the first segment where the two differ in kind, a is the fixed one. */
static bool narrower(const struct group *a, const struct group *b)
{
    for (unsigned i = 0; i < a->n_parts; i++) {
        if (a->var[i] != b->var[i]) {
            return b->var[i];
        }
    }
    return false;
}

static struct group *group_for(struct router *r, const struct route *route, struct arena *mem)
{
    struct group probe = {0};
    bool open;
    if (!group_init(&probe, route, &open)) {
        return NULL;
    }
    struct group **chain = chain_of(r, &probe, open);
    for (struct group *g = *chain; g != NULL; g = g->next) {
        if (str_eq(g->path, probe.path) && g->only_slash == probe.only_slash) {
            g->slash = g->slash || probe.slash;
            return g;
        }
    }
    struct group *g = arena_new(mem, struct group);
    if (g != NULL) {
        while (open && *chain != NULL && !narrower(&probe, *chain)) {
            chain = &(*chain)->next;
        }
        *g = probe;
        g->next = *chain;
        *chain = g;
    }
    return g;
}

static bool route_sound(const struct route *t)
{
    bool handler = t->handle != NULL || t->cls == HTTP_STREAM;
    bool open_inline = t->cls != HTTP_INLINE || t->need == PERM_NONE;
    return t->method != NULL && t->name != NULL && handler && open_inline && t->n_params <= ARGS_MAX &&
           t->body_max <= BODY_LIMIT;
}

static enum rc row_add(struct router *r, const struct row *row, struct arena *mem, struct fault *why)
{
    const struct route *t = row->route;
    enum method m = M_OTHER;
    if (t->method != NULL && t->path != NULL && strcmp(t->method, "*") == 0 && route_sound(t)) {
        r->rest = row;
        return RC_OK;
    }
    for (size_t i = 0; i < COUNT_OF(method_names); i++) {
        if (t->method != NULL && str_eq(str_of(t->method), str_of(method_names[i].name))) {
            m = method_names[i].method;
        }
    }
    struct group *g = route_sound(t) && m != M_OTHER ? group_for(r, t, mem) : NULL;
    if (g == NULL) {
        return fault_set(why, RC_INVALID, "http.route", "route %s %s contradicts itself",
                         t->method == NULL ? "?" : t->method, t->path);
    }
    if (g->by[m] != NULL) {
        return fault_set(why, RC_INVALID, "http.route", "two routes for %s %s", t->method, t->path);
    }
    g->by[m] = row;
    g->any = g->any == NULL || t->flag != NULL ? row : g->any; /* a wrong method must ask the flag first */
    g->allow |= 1U << m;
    if (m == M_GET) {
        g->by[M_HEAD] = row;
        g->allow |= 1U << M_HEAD;
    }
    return RC_OK;
}

enum rc router_open(const struct route_table *tables, size_t n, struct arena *mem, struct router **out,
                    struct fault *why)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        total += tables[i].n;
    }
    struct router *r = arena_new(mem, struct router);
    struct row *rows = arena_array(mem, struct row, total + 1);
    if (r == NULL || rows == NULL) {
        return fault_set(why, RC_FULL, "http.routes", "no room for %zu routes", total);
    }
    r->rows = rows;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < tables[i].n; k++) {
            struct row *row = &rows[r->n_rows];
            *row = (struct row){&tables[i].rows[k], tables[i].ctx, r->n_rows};
            enum rc rc = row_add(r, row, mem, why);
            if (rc != RC_OK) {
                return rc;
            }
            r->n_rows++;
        }
    }
    *out = r;
    return RC_OK;
}

static bool slash_fits(const struct group *g, bool slash)
{
    return g->slash || g->only_slash == slash;
}

static bool parts_fit(const struct group *g, str path, const struct match *m)
{
    for (unsigned i = 0; i < m->n_parts; i++) {
        if (!g->var[i] && !str_eq(g->part[i], str_sub(path, m->part[i].at, m->part[i].n))) {
            return false;
        }
    }
    return true;
}

static const struct group *find(const struct router *r, str path, bool slash, const struct match *m)
{
    str want = bare(path);
    for (const struct group *g = r->fixed[hash_of(want) % BUCKETS]; g != NULL; g = g->next) {
        if (str_eq(g->path, want) && slash_fits(g, slash)) {
            return g;
        }
    }
    for (const struct group *g = r->open[m->n_parts]; g != NULL; g = g->next) {
        if (slash_fits(g, slash) && parts_fit(g, path, m)) {
            return g;
        }
    }
    return NULL;
}

void router_match(const struct router *r, str path, enum method method, struct match *out)
{
    bool slash;
    out->row = r->rest;
    out->wrong_method = false;
    out->allow = 0;
    if (!split(path, out->part, &out->n_parts, &slash)) {
        return;
    }
    const struct group *g = find(r, path, slash, out);
    if (g == NULL) {
        return;
    }
    out->allow = g->allow;
    out->wrong_method = g->by[method] == NULL;
    out->row = out->wrong_method ? g->any : g->by[method];
    if (out->wrong_method && r->rest != NULL) {
        out->row = r->rest;
        out->wrong_method = false;
    }
}

const struct row *router_rest(const struct router *r)
{
    return r->rest;
}

const struct row *router_row(const struct router *r, size_t i)
{
    return i < r->n_rows ? &r->rows[i] : NULL;
}
