/* Where values come from: the file, the environment, the service manager's credentials. Nothing is judged
 * here but the form of the source itself; a value that is a secret given plainly is refused without being
 * repeated anywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config/config_priv.h"

/* Variables that begin like settings and are none: planted defects, the shared virtual clock of test builds,
 * and the path of the settings file itself. */
static const char *const not_settings[] = {
#ifdef MZ_PLANT
    "MZ_PLANT", "MZ_FAIL", "MZ_FAIL_LOG",
#endif
#ifdef MZ_TEST
    "MZ_CLOCK",
#endif
    "MZ_CONFIG"};

struct opened {
    int fd;
    struct stat st;
};

/* An open regular file; false with the reason reported under key. */
static bool open_regular(struct config *c, str key, const char *path, struct opened *out)
{
    char text[128];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        config_problem(c, key, "%.200s cannot be opened: %s", path, os_error(errno, text));
        return false;
    }
    if (fstat(fd, &out->st) != 0 || !S_ISREG(out->st.st_mode)) {
        config_problem(c, key, "%.200s is not a regular file", path);
        (void)close(fd);
        return false;
    }
    out->fd = fd;
    return true;
}

/* At most max bytes; one more than that is a problem. Reads straight into the wiped arena. */
static bool read_all(struct config *c, int fd, size_t max, str *out)
{
    char *p = arena_take(c->mem, max + 1);
    size_t n = 0;
    if (p == NULL)
        return false;
    while (n <= max) {
        ssize_t got = read(fd, p + n, max + 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *out = (str){p, n};
    return n <= max;
}

void config_read_file(struct config *c, str path)
{
    const char *name = arena_cstr(c->mem, path);
    struct opened f;
    if (name == NULL) {
        config_problem(c, STR("file"), "the path of the settings file holds a NUL or is too long");
        return;
    }
    if (!open_regular(c, STR("file"), name, &f))
        return;
    str text;
    if (read_all(c, f.fd, CONFIG_FILE_MAX, &text))
        config_read_text(c, text);
    else
        config_problem(c, STR("file"), "%.200s cannot be read whole (at most %zu bytes)", name,
                       CONFIG_FILE_MAX);
    (void)close(f.fd);
}

static void set_from_file(struct config *c, struct entry *e, str value)
{
    if (e->in_file) {
        config_problem(c, str_of(e->row->key), "stands twice in the settings file");
        return;
    }
    e->in_file = true;
    e->raw = value;
    e->source = "file";
}

/* A secret's row is named by `<key>_file`; its plain name is refused wherever it appears. */
static void refuse_plain(struct config *c, const struct entry *e)
{
    config_problem(
        c, str_of(e->row->key),
        "a secret is never given plainly: put it in a file of mode 0600 and name that file by %s_file or "
        "%s_FILE",
        e->row->key, e->env);
}

static void one_line(struct config *c, str line, unsigned number)
{
    str key, value = line;
    char where[40];
    (void)snprintf(where, sizeof(where), "line %u", number);
    if (!utf8_valid(line) || (line.n > 0 && memchr(line.p, 0, line.n) != NULL)) {
        config_problem(c, str_of(where), "holds bytes that are not UTF-8 text");
        return;
    }
    must(str_cut(&value, '=', &key));
    if (value.p == NULL) {
        config_problem(c, str_of(where), "is not of the form: key = value");
        return;
    }
    key = str_trim(key);
    value = str_trim(value);
    struct entry *e = config_entry(c, key);
    if (e != NULL && e->row->kind == SET_SECRET) {
        refuse_plain(c, e);
        e->bad = true;
        return;
    }
    if (e == NULL && str_ends(key, STR("_file"))) {
        e = config_entry(c, str_sub(key, 0, key.n - 5));
        if (e != NULL && e->row->kind != SET_SECRET)
            e = NULL;
    }
    if (e == NULL)
        config_problem(c, str_sub(key, 0, 100), "is not a setting (%s of the settings file)", where);
    else
        set_from_file(c, e, value);
}

void config_read_text(struct config *c, str text)
{
    str rest = text, line;
    unsigned number = 0;
    while (str_cut(&rest, '\n', &line)) {
        number++;
        if (str_ends(line, STR("\r")))
            line.n--;
        line = str_trim(line);
        if (line.n > 0 && line.p[0] != '#')
            one_line(c, line, number);
    }
}

static bool skipped(str name)
{
    for (size_t i = 0; i < COUNT_OF(not_settings); i++) {
        if (str_eq(name, str_of(not_settings[i])))
            return true;
    }
    return false;
}

static void one_variable(struct config *c, str name, str value)
{
    for (size_t i = 0; i < c->n; i++) {
        struct entry *e = &c->entries[i];
        str env = str_of(e->env);
        bool plain = str_eq(name, env);
        bool file = str_starts(name, env) && str_eq(str_sub(name, env.n, name.n), STR("_FILE"));
        if (plain && e->row->kind == SET_SECRET) {
            refuse_plain(c, e);
            e->bad = true;
            return;
        }
        if (plain || (file && e->row->kind == SET_SECRET)) {
            e->raw = arena_str(c->mem, str_trim(value));
            e->source = "environment";
            must(e->raw.p != NULL);
            return;
        }
    }
    config_problem(c, str_sub(name, 0, 100), "is not a setting (environment)");
}

void config_read_env(struct config *c, char *const *env)
{
    for (size_t i = 0; env[i] != NULL; i++) {
        str value = str_of(env[i]), name;
        if (!str_starts(value, STR("MZ_")))
            continue;
        must(str_cut(&value, '=', &name));
        if (value.p == NULL || skipped(name))
            continue;
        if (value.n > CONFIG_FILE_MAX)
            config_problem(c, str_sub(name, 0, 100), "is longer than %zu bytes", CONFIG_FILE_MAX);
        else
            one_variable(c, name, value);
    }
}

static str env_value(char *const *env, str wanted)
{
    for (size_t i = 0; env[i] != NULL; i++) {
        str value = str_of(env[i]), name;
        must(str_cut(&value, '=', &name));
        if (str_eq(name, wanted))
            return value;
    }
    return STR_NONE;
}

void config_read_credentials(struct config *c, char *const *env)
{
    str dir = env_value(env, STR("CREDENTIALS_DIRECTORY"));
    if (dir.n == 0 || dir.n > CONFIG_TEXT_MAX)
        return;
    for (size_t i = 0; i < c->n; i++) {
        struct entry *e = &c->entries[i];
        if (e->row->kind != SET_SECRET || e->raw.n > 0)
            continue;
        str path = arena_fmt(c->mem, STR_FMT "/%s", STR_ARG(dir), e->row->key);
        must(path.p != NULL);
        if (access(path.p, F_OK) != 0)
            continue;
        e->raw = path;
        e->source = "credential";
    }
}

/* The service manager grants its credentials by ACL, which shows as group bits; for them only "others"
 * counts. */
static bool too_open(const struct entry *e, mode_t mode)
{
    if (planted("config.open_secret_file"))
        return false;
    mode_t forbidden = strcmp(e->source, "credential") == 0 ? 0007 : 0177;
    return (mode & forbidden) != 0;
}

static void keep_secret(struct config *c, struct entry *e, str bytes)
{
    str key = str_of(e->row->key);
    if (str_ends(bytes, STR("\n")))
        bytes.n--;
    if (str_ends(bytes, STR("\r")))
        bytes.n--;
    if (str_trim(bytes).n == 0)
        config_problem(c, key, "its file is empty");
    else if (e->row->min > 0 && bytes.n < (size_t)e->row->min)
        config_problem(c, key, "its file holds fewer than %lld bytes", (long long)e->row->min);
    else if (e->row->max > 0 && bytes.n > (size_t)e->row->max)
        config_problem(c, key, "its file holds more than %lld bytes", (long long)e->row->max);
    else
        e->secret = (struct secret){(const unsigned char *)bytes.p, bytes.n};
}

void config_read_secret(struct config *c, struct entry *e)
{
    str key = str_of(e->row->key);
    const char *path = arena_cstr(c->mem, e->raw);
    struct opened f;
    must(path != NULL); /* variables and lines hold no NUL */
    if (!open_regular(c, key, path, &f))
        return;
    str bytes;
    if (too_open(e, f.st.st_mode))
        config_problem(c, key, "%.200s may be read by others (mode %04o): make it 0600 or stricter", path,
                       (unsigned)(f.st.st_mode & 07777));
    else if (f.st.st_uid != geteuid() && f.st.st_uid != 0)
        config_problem(c, key, "%.200s belongs to another user", path);
    else if (!read_all(c, f.fd, CONFIG_SECRET_MAX, &bytes))
        config_problem(c, key, "%.200s cannot be read whole (at most %zu bytes)", path, CONFIG_SECRET_MAX);
    else
        keep_secret(c, e, bytes);
    (void)close(f.fd);
}
