/* Files: the scenario (read at start), secrets beside it, and the snapshot DIR/sim-state.json that lets a
 * restart keep people, grants and living tokens. The snapshot is one JSON text, written whole to a temporary
 * file and renamed.
 */
#include "files.h"
#include "ads.h"
#include "sim.h"
#include "faults.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum rc file_read(const char *path, size_t max, struct arena *mem, str *out, struct fault *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fault_set(why, errno == ENOENT ? RC_MISSING : RC_INVALID, "sim.file", "cannot open %s", path);
    struct stat st;
    size_t n = 0, size = fstat(fd, &st) == 0 && st.st_size >= 0 ? (size_t)st.st_size : max + 1;
    char *p = size <= max ? arena_take(mem, size + 1) : NULL;
    ssize_t got = p == NULL ? -1 : 1;
    while (got > 0 && n < size) {
        got = read(fd, p + n, size - n);
        n += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (got < 0)
        return fault_set(why, RC_FULL, "sim.file", "cannot read %s, or it is larger than %zu bytes", path,
                         max);
    *out = (str){p, n};
    return RC_OK;
}

static const char *set_value(char *const *sets, str name)
{
    for (size_t i = 0; sets != NULL && sets[i] != NULL; i++) {
        str entry = str_of(sets[i]);
        if (str_starts(entry, name) && entry.n > name.n && entry.p[name.n] == '=')
            return sets[i] + name.n + 1;
    }
    char text[128];
    return text_set(text, sizeof text, name) ? getenv(text) : NULL;
}

/* Values go into JSON text, so they may not hold what would need escaping there. */
static bool value_plain(const char *v)
{
    for (; *v != '\0'; v++)
        if ((unsigned char)*v < 0x20 || *v == '"' || *v == '\\')
            return false;
    return true;
}

enum rc text_fill(str text, char *const *sets, struct arena *mem, str *out, struct fault *why)
{
    struct buf b;
    buf_init(&b, mem, text.n * 2 + 65536);
    for (size_t i = 0; i < text.n; i++) {
        size_t end;
        if (text.p[i] != '$' || i + 1 >= text.n || text.p[i + 1] != '{') {
            buf_put_c(&b, text.p[i]);
            continue;
        }
        str rest = str_sub(text, i + 2, text.n);
        str name = str_find(rest, STR("}"), &end) ? str_sub(rest, 0, end) : STR_NONE;
        const char *value = name.n > 0 ? set_value(sets, name) : NULL;
        if (value == NULL || !value_plain(value))
            return fault_set(why, RC_INVALID, "sim.scenario", "no plain value for ${" STR_FMT "}",
                             STR_ARG(str_sub(name, 0, 60)));
        buf_put(&b, str_of(value));
        i += name.n + 2;
    }
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "sim.scenario", "the scenario is too long");
    *out = buf_str(&b);
    return RC_OK;
}

static enum rc apply_switches(struct sim *s, const struct json *rows, struct fault *why)
{
    for (const struct json *m = rows == NULL ? NULL : rows->child; m != NULL; m = m->next) {
        if (m->type != JSON_STR)
            return fault_set(why, RC_INVALID, "sim.switch", "switch values are texts");
        enum rc rc = switch_set(&s->sw, m->key, m->s, why);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc apply_member(struct sim *s, const struct json *m, const char *folder, struct fault *why)
{
    enum rc rc = RC_OK;
    if (str_eq(m->key, STR("switches")))
        return apply_switches(s, m, why);
    if (m->type != JSON_ARR)
        return fault_set(why, RC_INVALID, "sim.scenario", STR_FMT ": unknown, or not a list",
                         STR_ARG(str_sub(m->key, 0, 60)));
    for (const struct json *row = m->child; row != NULL && rc == RC_OK; row = row->next)
        rc = str_eq(m->key, STR("faults")) ? fault_add(s, row, why) : world_put(s, m->key, row, folder, why);
    return rc;
}

enum rc scenario_apply(struct sim *s, str text, const char *folder, struct fault *why)
{
    const struct json *j = NULL;
    struct arena *mem = arena_open(64U << 20);
    enum rc rc = json_parse(text, NULL, mem, &j, why);
    if (rc == RC_OK && j->type != JSON_OBJ)
        rc = fault_set(why, RC_INVALID, "sim.scenario", "the scenario must be an object");
    for (const struct json *m = rc == RC_OK ? j->child : NULL; m != NULL && rc == RC_OK; m = m->next)
        if (!str_eq(m->key, STR("comment")))
            rc = apply_member(s, m, folder, why);
    arena_close(&mem);
    return rc;
}

/* ---- snapshot ---- */

static void write_token(struct sim *s, struct out *o, const struct token *t)
{
    out_open(o, NULL, '{');
    out_cstr(o, "client_key", s->w->apps[t->app].client_key);
    out_cstr(o, "user", t->client_only ? "" : s->w->users[t->user].id);
    out_cstr(o, "access", t->access);
    out_cstr(o, "refresh", t->refresh);
    out_int(o, "scopes", t->scopes);
    out_int(o, "chain", t->chain);
    out_int(o, "serial", t->serial);
    out_bool(o, "access_dead", t->access_dead);
    out_bool(o, "refresh_dead", t->refresh_dead);
    out_int(o, "access_life_s", t->access_life_s);
    out_int(o, "refresh_life_s", t->refresh_life_s);
    out_int(o, "access_ms", t->access_ms);
    out_int(o, "refresh_ms", t->refresh_ms);
    out_int(o, "chain_ms", t->chain_ms);
    out_close(o, '}');
}

static void write_grants(struct sim *s, struct out *o)
{
    int64_t now = sim_now(s);
    out_open(o, "grants", '[');
    for (size_t i = 0; i < s->w->n_grants; i++) {
        const struct grant *g = &s->w->grants[i];
        if (!g->active)
            continue;
        out_open(o, NULL, '{');
        out_cstr(o, "client_key", s->w->apps[g->app].client_key);
        out_cstr(o, "user", s->w->users[g->user].id);
        out_int(o, "scopes", g->scopes);
        out_int(o, "granted_ms", g->granted_ms);
        if (s->w->apps[g->app].portal == PORTAL_ADS)
            ads_put_granted(s, g, "advertisers", o);
        out_close(o, '}');
    }
    out_close(o, ']');
    out_open(o, "tokens", '[');
    size_t used = s->w->n_tokens < MAX_TOKENS ? s->w->n_tokens : MAX_TOKENS;
    for (size_t back = used; back > 0; back--) {
        const struct token *t = &s->w->tokens[(s->w->n_tokens - back) % MAX_TOKENS];
        if (!t->client_only && (token_alive(s->w, t, now) || refresh_alive(s->w, t, now)))
            write_token(s, o, t);
    }
    out_close(o, ']');
}

static void snapshot_write(struct sim *s, struct buf *b)
{
    struct out o;
    out_init(&o, b, false);
    out_open(&o, NULL, '{');
    out_int(&o, "version", 1);
    out_int(&o, "offset_ms", s->w->offset_ms);
    out_open(&o, "switches", '{');
    for (size_t i = 0; i < SW_COUNT; i++)
        out_cstr(&o, switch_rows[i].name, s->sw.text[i]);
    out_close(&o, '}');
    static const char *const lists[] = {"apps", "users", "shops", "customers", "advertisers"};
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        must(world_write(s, str_of(lists[i]), &o, false));
    write_grants(s, &o);
    out_close(&o, '}');
    buf_put_c(b, '\n');
}

static enum rc file_write(const char *path, const char *temporary, str text, struct fault *why)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t n = 0;
    bool good = fd >= 0;
    while (good && n < text.n) {
        ssize_t put = write(fd, text.p + n, text.n - n);
        good = put > 0;
        n += put > 0 ? (size_t)put : 0;
    }
    if (fd >= 0 && close(fd) != 0)
        good = false;
    if (!good || rename(temporary, path) != 0)
        return fault_set(why, RC_FULL, "sim.snapshot", "cannot write %s", path);
    return RC_OK;
}

enum rc snapshot_save(struct sim *s, struct fault *why)
{
    char path[600], temporary[620];
    struct buf b;
    buf_init(&b, NULL, 64U << 20);
    pthread_mutex_lock(&s->lock);
    snapshot_write(s, &b);
    s->dirty = false;
    pthread_mutex_unlock(&s->lock);
    snprintf(path, sizeof path, "%s/sim-state.json", s->state_dir);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    enum rc rc = buf_ok(&b) ? file_write(path, temporary, buf_str(&b), why)
                            : fault_set(why, RC_FULL, "sim.snapshot", "the snapshot is too long");
    buf_release(&b);
    return rc;
}

static bool owner(struct sim *s, const struct json *row, struct app **a, struct user **u)
{
    str key = STR_NONE, id = STR_NONE;
    json_str(row, "client_key", &key);
    json_str(row, "user", &id);
    *a = app_find(s->w, key);
    *u = user_find(s->w, id);
    return *a != NULL && *u != NULL;
}

static void load_grant(struct sim *s, const struct json *row)
{
    struct app *a;
    struct user *u;
    int64_t scopes = 0;
    struct grant *g = owner(s, row, &a, &u) ? grant_make(s->w, a, u) : NULL;
    if (g == NULL)
        return;
    g->active = true;
    json_i64(row, "granted_ms", &g->granted_ms);
    json_i64(row, "scopes", &scopes);
    g->scopes = (uint32_t)scopes;
    const struct json *list = json_get(row, "advertisers");
    for (const struct json *x = list == NULL ? NULL : list->child; x != NULL; x = x->next) {
        const struct advertiser *ad = x->type == JSON_STR ? advertiser_find(s->w, x->s) : NULL;
        if (ad != NULL)
            g->advertisers[(ad - s->w->advertisers) / 64] |= UINT64_C(1) << ((ad - s->w->advertisers) % 64);
    }
}

static void load_token(struct sim *s, const struct json *row)
{
    struct app *a;
    struct user *u;
    int64_t scopes = 0, chain = 0, serial = 1;
    str text = STR_NONE;
    struct grant *g = owner(s, row, &a, &u) ? grant_make(s->w, a, u) : NULL;
    if (g == NULL)
        return;
    struct token *t = token_next(s->w);
    t->app = g->app;
    t->user = g->user;
    t->grant = (unsigned)(g - s->w->grants);
    t->generation = g->generation;
    json_i64(row, "scopes", &scopes);
    json_i64(row, "chain", &chain);
    json_i64(row, "serial", &serial);
    json_i64(row, "access_life_s", &t->access_life_s);
    json_i64(row, "refresh_life_s", &t->refresh_life_s);
    json_i64(row, "access_ms", &t->access_ms);
    json_i64(row, "refresh_ms", &t->refresh_ms);
    json_i64(row, "chain_ms", &t->chain_ms);
    json_bool(row, "access_dead", &t->access_dead);
    json_bool(row, "refresh_dead", &t->refresh_dead);
    t->scopes = (uint32_t)scopes;
    t->chain = (uint32_t)chain;
    t->serial = (uint32_t)serial;
    s->w->chains = t->chain > s->w->chains ? t->chain : s->w->chains;
    if (!json_str(row, "access", &text) || !TEXT_SET(t->access, text))
        t->access_dead = true;
    if (!json_str(row, "refresh", &text) || !TEXT_SET(t->refresh, text))
        t->refresh_dead = true;
    token_named(s->w, t);
}

static enum rc load_member(struct sim *s, const struct json *m, struct fault *why)
{
    if (str_eq(m->key, STR("version")))
        return RC_OK;
    if (str_eq(m->key, STR("offset_ms")) && m->type == JSON_INT) {
        s->w->offset_ms = m->i;
        return RC_OK;
    }
    bool grants = str_eq(m->key, STR("grants"));
    if (!grants && !str_eq(m->key, STR("tokens")))
        return apply_member(s, m, s->state_dir, why);
    for (const struct json *row = m->child; row != NULL; row = row->next) {
        if (grants)
            load_grant(s, row);
        else
            load_token(s, row);
    }
    return RC_OK;
}

enum rc snapshot_load(struct sim *s, bool *found, struct fault *why)
{
    char path[600];
    str text = STR_NONE;
    const struct json *j = NULL;
    *found = false;
    snprintf(path, sizeof path, "%s/sim-state.json", s->state_dir);
    struct arena *mem = arena_open(512U << 20);
    const struct json_limits limits = {.text_bytes = 64U << 20};
    enum rc rc = file_read(path, 64U << 20, mem, &text, why);
    if (rc == RC_MISSING) {
        arena_close(&mem);
        return RC_OK;
    }
    if (rc == RC_OK)
        rc = json_parse(text, &limits, mem, &j, why);
    for (const struct json *m = rc == RC_OK ? j->child : NULL; m != NULL && rc == RC_OK; m = m->next)
        rc = load_member(s, m, why);
    *found = rc == RC_OK;
    arena_close(&mem);
    return rc;
}
