/* The settings in memory: entries in table order, an index sorted by key, the list of what is wrong.
 * Everything lives in one wiped arena. Reading a key that no row declares is our own mistake and ends the
 * process. */
#include "config/config_priv.h"

#define CONFIG_MEM_MAX ((size_t)16 * 1024 * 1024)
#define PROBLEMS_MAX 1000U

void config_problem(struct config *c, str key, const char *fmt, ...)
{
    if (c->n_problems == c->cap_problems) {
        size_t cap = c->cap_problems == 0 ? 16 : c->cap_problems * 2;
        if (cap > 2 * PROBLEMS_MAX)
            return;
        struct config_problem *more = arena_array(c->mem, struct config_problem, cap);
        must(more != NULL); /* sources are bounded far below the arena */
        if (c->n_problems > 0)
            memcpy(more, c->problems, c->n_problems * sizeof(*more));
        c->problems = more;
        c->cap_problems = cap;
    }
    char text[600];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    must(n >= 0);
    str kept = arena_str(c->mem, str_of(text)), name = arena_str(c->mem, key);
    must(kept.p != NULL && name.p != NULL);
    c->problems[c->n_problems++] = (struct config_problem){name, kept};
}

static int cmp_key(str a, str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int diff = n == 0 ? 0 : memcmp(a.p, b.p, n);
    if (diff != 0)
        return diff;
    return a.n < b.n ? -1 : a.n > b.n;
}

static int by_key(const void *x, const void *y)
{
    const struct entry *const *a = x, *const *b = y;
    return cmp_key(str_of((*a)->row->key), str_of((*b)->row->key));
}

struct entry *config_entry(const struct config *c, str key)
{
    size_t lo = 0, hi = c->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int diff = cmp_key(key, str_of(c->by_key[mid]->row->key));
        if (diff == 0)
            return c->by_key[mid];
        if (diff < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

static const char *env_name(struct arena *mem, const char *key)
{
    str name = arena_fmt(mem, "MZ_%s", key);
    must(name.p != NULL);
    char *p = arena_take(mem, name.n + 1);
    must(p != NULL);
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        p[i] = c == '.' ? '_' : (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    return p;
}

/* Two rows that one variable would set cannot be told apart: our own mistake, found by any test that loads
 * them. */
static void check_unique(const struct config *c)
{
    for (size_t i = 0; i < c->n; i++) {
        for (size_t j = i + 1; j < c->n; j++) {
            const struct entry *a = &c->entries[i], *b = &c->entries[j];
            must(strcmp(a->env, b->env) != 0);
        }
    }
}

enum rc config_open_empty(const struct setting_table *tables, size_t n_tables, struct config **out,
                          struct fault *why)
{
    size_t n = 0;
    for (size_t t = 0; t < n_tables; t++)
        n += tables[t].n;
    if (n > 2000)
        return fault_set(why, RC_BUG, "config.tables", "%zu settings are too many", n);
    struct config *c = mem_new(sizeof(*c));
    c->mem = arena_open_secret(CONFIG_MEM_MAX);
    c->entries = arena_array(c->mem, struct entry, n);
    c->by_key = arena_array(c->mem, struct entry *, n);
    must(c->entries != NULL && c->by_key != NULL);
    for (size_t t = 0; t < n_tables; t++) {
        for (size_t i = 0; i < tables[t].n; i++) {
            const struct setting *row = &tables[t].rows[i];
            struct entry *e = &c->entries[c->n];
            *e = (struct entry){.row = row, .env = env_name(c->mem, row->key), .source = "default"};
            if (row->kind != SET_SECRET)
                e->raw = str_of(row->def);
            c->by_key[c->n++] = e;
        }
    }
    if (c->n > 0)
        qsort(c->by_key, c->n, sizeof(*c->by_key), by_key);
    check_unique(c);
    *out = c;
    return RC_OK;
}

enum rc config_load(const struct setting_table *tables, size_t n_tables, str file, char *const *env,
                    struct config **out, struct fault *why)
{
    struct config *c = NULL;
    enum rc rc = config_open_empty(tables, n_tables, &c, why);
    if (rc != RC_OK)
        return rc;
    if (file.n > 0)
        config_read_file(c, file);
    if (env != NULL) {
        config_read_env(c, env);
        config_read_credentials(c, env);
    }
    config_check_all(c);
    *out = c;
    if (c->n_problems == 0)
        return RC_OK;
    const struct config_problem *first = &c->problems[0];
    return fault_set(why, RC_INVALID, "config.invalid",
                     "%zu settings are wrong; the first is " STR_FMT ": " STR_FMT, c->n_problems,
                     STR_ARG(first->key), STR_ARG(first->text));
}

void config_close(struct config **c)
{
    if (c == NULL || *c == NULL)
        return;
    arena_close(&(*c)->mem);
    mem_free(*c);
    *c = NULL;
}

size_t config_problems(const struct config *c, const struct config_problem **out)
{
    *out = c->problems;
    return c->n_problems;
}

static const struct entry *want(const struct config *c, const char *key)
{
    const struct entry *e = config_entry(c, str_of(key));
    must(e != NULL); /* a key that no table declares */
    return e;
}

str config_text(const struct config *c, const char *key)
{
    const struct entry *e = want(c, key);
    must(e->row->kind != SET_SECRET && e->row->kind != SET_INT && e->row->kind != SET_FLAG);
    return e->raw.p == NULL ? STR("") : e->raw;
}

int64_t config_int(const struct config *c, const char *key)
{
    const struct entry *e = want(c, key);
    must(e->row->kind == SET_INT);
    return e->number;
}

bool config_flag(const struct config *c, const char *key)
{
    const struct entry *e = want(c, key);
    must(e->row->kind == SET_FLAG);
    return e->number != 0;
}

bool config_is(const struct config *c, const char *key, const char *choice)
{
    const struct entry *e = want(c, key);
    must(e->row->kind == SET_ENUM);
    return str_eq(e->raw, str_of(choice));
}

struct secret config_secret(const struct config *c, const char *key)
{
    const struct entry *e = want(c, key);
    must(e->row->kind == SET_SECRET);
    return e->secret;
}

size_t config_list(const struct config *c, const char *key, struct arena *mem, str **out)
{
    const struct entry *e = want(c, key);
    must(e->row->kind == SET_LIST);
    str rest = e->raw, part;
    size_t count = 0, n = 0;
    while (str_cut(&rest, ',', &part))
        count += str_trim(part).n > 0;
    str *parts = arena_array(mem, str, count);
    if (parts == NULL)
        return 0;
    rest = e->raw;
    while (str_cut(&rest, ',', &part)) {
        part = str_trim(part);
        if (part.n > 0)
            parts[n++] = part;
    }
    *out = parts;
    return n;
}
