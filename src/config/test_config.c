/* Settings: sources and their order, every kind at its borders, all problems at once, secrets only in
 * closed files and never in any output. */
#include "unit.h"
#include <fcntl.h>
#include <sys/stat.h>
#include "config/config_priv.h"

static const struct setting rows[] = {
    {.key = "http.listen",
     .kind = SET_TEXT,
     .min = 3,
     .max = 20,
     .def = "127.0.0.1:0",
     .doc = "Where to listen."},
    {.key = "http.workers",
     .kind = SET_INT,
     .min = 1,
     .max = 64,
     .unit = "threads",
     .def = "8",
     .doc = "Workers."},
    {.key = "http.tls", .kind = SET_FLAG, .def = "false", .doc = "TLS | plain."},
    {.key = "store.kind", .kind = SET_ENUM, .choices = "sqlite|postgres", .def = "sqlite", .doc = "Kind."},
    {.key = "store.url",
     .kind = SET_URL,
     .def = "sqlite:state.db",
     .doc = "Where the data is.",
     .reloads = true},
    {.key = "public.url", .kind = SET_URL, .choices = "http|https", .def = "", .doc = "Base URL."},
    {.key = "login.hosts", .kind = SET_LIST, .max = 100, .def = "", .doc = "Hosts."},
    {.key = "state.dir", .kind = SET_PATH, .doc = "State folder."},
    {.key = "keys.kek", .kind = SET_SECRET, .min = 4, .max = 64, .doc = "Key encryption key."},
    {.key = "login.secret", .kind = SET_SECRET, .def = "", .doc = "Client secret."},
};
static const struct setting_table tables[] = {{rows, 4}, {rows + 4, COUNT_OF(rows) - 4}};

#define SECRET_TEXT "s3cr3t-Kek-value"
static char dir[] = "/tmp/mz-config-XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[4][200];
    static unsigned at;
    char *p = path[at++ % 4];
    (void)snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
    return p;
}

static void put_file(const char *name, const char *text, mode_t mode)
{
    const char *path = in_dir(name);
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static int make_dir(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    put_file("kek", SECRET_TEXT "\n", 0600);
    return 0;
}

static int drop_dir(void **state)
{
    static const char *const names[] = {"kek", "open", "empty", "big", "conf", "keys.kek", "login.secret"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        (void)unlink(in_dir(names[i]));
    return rmdir(dir);
}

/* The environment as NAME=%D/x pairs, %D being the test's folder. */
static enum rc load(const char *file_text, const char *const *env, struct config **out)
{
    static char room[16][300];
    char *made[17] = {NULL};
    size_t n = 0;
    for (; env != NULL && env[n] != NULL; n++) {
        const char *mark = strstr(env[n], "%D");
        assert_true(n < COUNT_OF(room));
        if (mark == NULL)
            (void)snprintf(room[n], sizeof(room[0]), "%s", env[n]);
        else
            (void)snprintf(room[n], sizeof(room[0]), "%.*s%s%s", (int)(mark - env[n]), env[n], dir, mark + 2);
        made[n] = room[n];
    }
    str path = STR_NONE;
    if (file_text != NULL) {
        put_file("conf", file_text, 0644);
        path = str_of(in_dir("conf"));
    }
    struct fault why = {.code = ""};
    enum rc rc = config_load(tables, COUNT_OF(tables), path, made, out, &why);
    if (rc != RC_OK)
        assert_string_equal(why.code, "config.invalid");
    return rc;
}

static const char *const good_env[] = {"MZ_STATE_DIR=/tmp/x",
                                       "MZ_KEYS_KEK_FILE=%D/kek",
                                       "PATH=/bin",
#ifdef MZ_PLANT
                                       "MZ_PLANT=a",
#endif
#ifdef MZ_TEST
                                       "MZ_CLOCK=a",
#endif
                                       NULL};

static bool has_problem(const struct config *c, const char *key, const char *part)
{
    const struct config_problem *all;
    size_t n = config_problems(c, &all), at;
    for (size_t i = 0; i < n; i++) {
        if (str_eq(all[i].key, str_of(key)) && str_find(all[i].text, str_of(part), &at))
            return true;
    }
    for (size_t i = 0; i < n; i++)
        print_message("problem: %s: %s\n", all[i].key.p, all[i].text.p);
    return false;
}

/* Nothing that a person may see holds a secret. */
static void assert_hidden(const struct config *c, const char *secret)
{
    const struct config_problem *all;
    struct buf b;
    size_t n = config_problems(c, &all), at;
    for (size_t i = 0; i < n; i++)
        assert_false(str_find(all[i].text, str_of(secret), &at) || str_find(all[i].key, str_of(secret), &at));
    buf_init(&b, NULL, 1 << 20);
    config_print(c, &b);
    assert_true(buf_ok(&b));
    assert_false(str_find(buf_str(&b), str_of(secret), &at));
    buf_release(&b);
}

static void defaults_file_environment(void **state)
{
    (void)state;
    struct config *c = NULL;
    assert_int_equal(load(NULL, good_env, &c), RC_OK);
    assert_true(str_eq(config_text(c, "http.listen"), STR("127.0.0.1:0")));
    assert_int_equal(config_int(c, "http.workers"), 8);
    assert_false(config_flag(c, "http.tls"));
    assert_true(config_is(c, "store.kind", "sqlite"));
    assert_int_equal(config_text(c, "public.url").n, 0);
    assert_int_equal(config_secret(c, "keys.kek").n, strlen(SECRET_TEXT));
    assert_memory_equal(config_secret(c, "keys.kek").p, SECRET_TEXT, strlen(SECRET_TEXT));
    assert_int_equal(config_secret(c, "login.secret").n, 0);
    assert_hidden(c, SECRET_TEXT);
    config_close(&c);
    assert_null(c);
    const char *env[] = {"MZ_KEYS_KEK_FILE=%D/kek", "MZ_HTTP_WORKERS= 32 ", "MZ_CONFIG=/etc/x", NULL};
    assert_int_equal(load("# a comment\n\n  http.workers = 16\r\nhttp.tls=on\nstate.dir = /var/x\n"
                          "store.url = postgresql://me@db:5432/x?sslmode=verify-full\n"
                          "login.hosts = a.example , b.example,c.example\n",
                          env, &c),
                     RC_OK);
    assert_int_equal(config_int(c, "http.workers"), 32);
    assert_true(config_flag(c, "http.tls"));
    struct arena *mem = arena_open(4096);
    str *hosts = NULL;
    assert_int_equal(config_list(c, "login.hosts", mem, &hosts), 3);
    assert_true(str_eq(hosts[1], STR("b.example")));
    arena_close(&mem);
    config_close(&c);
}

static void everything_wrong_is_said_at_once(void **state)
{
    (void)state;
    struct config *c = NULL;
    const char *env[] = {"MZ_HTTP_WORKERS=65", "MZ_NO_SUCH=hidden-value", "MZ_STORE_KIND=oracle", NULL};
    assert_int_equal(
        load("http.lisen = x\nno equals sign\nhttp.tls = maybe\nhttp.listen = ab\nhttp.listen = abc\n"
             "http.listen = abcd\npublic.url = ftp://x\nlogin.hosts = a,,b\nbad\xFFutf8 = 1\n",
             env, &c),
        RC_INVALID);
    assert_non_null(c);
    assert_true(has_problem(c, "http.workers", "from 1 to 64 (threads); it is \"65\" (environment)"));
    assert_true(has_problem(c, "MZ_NO_SUCH", "is not a setting"));
    assert_true(has_problem(c, "store.kind", "one of sqlite|postgres"));
    assert_true(has_problem(c, "http.lisen", "is not a setting (line 1"));
    assert_true(has_problem(c, "line 2", "key = value"));
    assert_true(has_problem(c, "http.tls", "true or false"));
    assert_true(has_problem(c, "http.listen", "stands twice"));
    assert_true(has_problem(c, "http.listen", "of 3 to 20 bytes; it is \"ab\""));
    assert_true(has_problem(c, "public.url", "a URL without a password, scheme http|https"));
    assert_true(has_problem(c, "login.hosts", "commas"));
    assert_true(has_problem(c, "line 9", "UTF-8"));
    assert_true(has_problem(c, "state.dir", "is required"));
    assert_true(has_problem(c, "keys.kek", "MZ_KEYS_KEK_FILE"));
    assert_hidden(c, "hidden-value");
    config_close(&c);
}

static void integers_at_their_borders(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } v[] = {{"1", true},   {"64", true}, {"0", false},  {"65", false},  {"-1", false},
             {"", false},   {"8 ", true}, {"8x", false}, {"0x8", false}, {"99999999999999999999", false},
             {"1.0", false}};
    for (size_t i = 0; i < COUNT_OF(v); i++) {
        char value[64];
        struct config *c = NULL;
        (void)snprintf(value, sizeof(value), "MZ_HTTP_WORKERS=%s", v[i].text);
        const char *env[] = {value, good_env[0], good_env[1], NULL};
        assert_int_equal(load(NULL, env, &c), v[i].good ? RC_OK : RC_INVALID);
        config_close(&c);
    }
}

static void urls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } v[] = {{"https://x.example", true},
             {"https://x.example:8443/base", true},
             {"http://[::1]:80", true},
             {"", true},
             {"https://", false},
             {"https:///path", false},
             {"https:x", false},
             {"ftp://x", false},
             {"x.example", false},
             {"HTTPS://x", false},
             {"https://a b", false},
             {"https://user:pw@x.example", false},
             {"https://x.example/?password=pw", false},
             {"https://x.example/?a=1&password=pw", false},
             {"https://x.example/a:b@c", true}};
    for (size_t i = 0; i < COUNT_OF(v); i++) {
        char value[100];
        struct config *c = NULL;
        (void)snprintf(value, sizeof(value), "MZ_PUBLIC_URL=%s", v[i].text);
        const char *env[] = {value, good_env[0], good_env[1], NULL};
        enum rc rc = load(NULL, env, &c);
        if ((rc == RC_OK) != v[i].good)
            print_error("url %s\n", v[i].text);
        assert_int_equal(rc, v[i].good ? RC_OK : RC_INVALID);
        config_close(&c);
    }
    const char *env[] = {"MZ_STORE_URL=postgresql://me:hunter2@db/x", good_env[0], good_env[1], NULL};
    struct config *c = NULL;
    assert_int_equal(load(NULL, env, &c), RC_INVALID);
    assert_hidden(c, "hunter2");
    config_close(&c);
}

static void plain_secrets_are_refused(void **state)
{
    (void)state;
    struct config *c = NULL;
    const char *plain[] = {"MZ_KEYS_KEK=plain-kek-value", good_env[0], good_env[1], NULL};
    assert_int_equal(load(NULL, plain, &c), RC_INVALID);
    assert_true(has_problem(c, "keys.kek", "never given plainly"));
    assert_hidden(c, "plain-kek-value");
    config_close(&c);
    assert_int_equal(load("login.secret = plain-kek-value\n", good_env, &c), RC_INVALID);
    assert_true(has_problem(c, "login.secret", "never given plainly"));
    assert_hidden(c, "plain-kek-value");
    config_close(&c);
    /* a _file of what is no secret is no setting */
    assert_int_equal(load("http.listen_file = x\n", good_env, &c), RC_INVALID);
    assert_true(has_problem(c, "http.listen_file", "is not a setting"));
    config_close(&c);
}

static void secret_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        mode_t mode;
        const char *problem; /* NULL: good */
    } v[] = {
        {"abcd", 0600, NULL},
        {"abcd\r\n", 0400, NULL},
        {"abcd", 0640, "mode 0640"},
        {"abcd", 0604, "mode 0604"},
        {"abcd", 0700, "mode 0700"},
        {"", 0600, "is empty"},
        {"\n", 0600, "is empty"},
        {"abc\n", 0600, "fewer than 4"},
        {"0123456789012345678901234567890123456789012345678901234567890123x", 0600, "more than 64"},
    };
    const char *env[] = {"MZ_KEYS_KEK_FILE=%D/open", good_env[0], NULL};
    struct config *c = NULL;
    for (size_t i = 0; i < COUNT_OF(v); i++) {
        put_file("open", v[i].text, v[i].mode);
        assert_int_equal(load(NULL, env, &c), v[i].problem == NULL ? RC_OK : RC_INVALID);
        if (v[i].problem != NULL)
            assert_true(has_problem(c, "keys.kek", v[i].problem));
        else
            assert_memory_equal(config_secret(c, "keys.kek").p, "abcd", 4);
        config_close(&c);
    }
    const char *missing[] = {"MZ_KEYS_KEK_FILE=%D/none", good_env[0], NULL};
    assert_int_equal(load(NULL, missing, &c), RC_INVALID);
    assert_true(has_problem(c, "keys.kek", "cannot be opened: No such file"));
    config_close(&c);
    const char *folder[] = {"MZ_KEYS_KEK_FILE=%D", good_env[0], NULL};
    assert_int_equal(load(NULL, folder, &c), RC_INVALID);
    assert_true(has_problem(c, "keys.kek", "not a regular file"));
    config_close(&c);
}

static void service_credentials(void **state)
{
    (void)state;
    struct config *c = NULL;
    put_file("keys.kek", "from-credential", 0440);
    const char *env[] = {"CREDENTIALS_DIRECTORY=%D", good_env[0], NULL};
    assert_int_equal(load(NULL, env, &c), RC_OK);
    assert_memory_equal(config_secret(c, "keys.kek").p, "from-credential", 15);
    assert_hidden(c, "from-credential");
    config_close(&c);
    /* a file named explicitly wins */
    const char *both[] = {"CREDENTIALS_DIRECTORY=%D", good_env[0], good_env[1], NULL};
    assert_int_equal(load(NULL, both, &c), RC_OK);
    assert_memory_equal(config_secret(c, "keys.kek").p, SECRET_TEXT, strlen(SECRET_TEXT));
    config_close(&c);
    put_file("keys.kek", "from-credential", 0444);
    assert_int_equal(load(NULL, env, &c), RC_INVALID);
    config_close(&c);
    (void)unlink(in_dir("keys.kek"));
}

static void printing_and_docs(void **state)
{
    (void)state;
    struct config *c = NULL;
    struct buf b;
    size_t at;
    assert_int_equal(load(NULL, good_env, &c), RC_OK);
    buf_init(&b, NULL, 1 << 16);
    config_print(c, &b);
    assert_true(str_find(buf_str(&b), STR("http.workers = 8 threads  # default\n"), &at));
    assert_true(str_find(buf_str(&b), STR("state.dir = /tmp/x  # environment\n"), &at));
    assert_true(str_find(buf_str(&b), STR("keys.kek = (set, sha256 "), &at));
    assert_true(str_find(buf_str(&b), STR("login.secret = (not set)"), &at));
    buf_clear(&b);
    config_docs(tables, COUNT_OF(tables), &b);
    assert_true(str_find(
        buf_str(&b),
        STR("| `store.kind` | `MZ_STORE_KIND` | one of sqlite\\|postgres | sqlite | restart | Kind. |\n"),
        &at));
    assert_true(str_find(buf_str(&b),
                         STR("| `keys.kek_file` | `MZ_KEYS_KEK_FILE` | a secret in a file of 4 to 64 bytes"
                             " | required | restart | Key encryption key. |\n"),
                         &at));
    buf_release(&b);
    config_close(&c);
}

static void unreadable_sources(void **state)
{
    (void)state;
    struct config *c = NULL;
    char *const none[] = {NULL};
    struct fault why;
    assert_int_equal(config_load(tables, 2, STR("/no/such/file"), none, &c, &why), RC_INVALID);
    assert_true(has_problem(c, "file", "cannot be opened"));
    config_close(&c);
    assert_int_equal(config_load(NULL, 0, STR_NONE, NULL, &c, &why), RC_OK);
    config_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_file_environment), cmocka_unit_test(everything_wrong_is_said_at_once),
        cmocka_unit_test(integers_at_their_borders), cmocka_unit_test(urls),
        cmocka_unit_test(plain_secrets_are_refused), cmocka_unit_test(secret_files),
        cmocka_unit_test(service_credentials),       cmocka_unit_test(printing_and_docs),
        cmocka_unit_test(unreadable_sources),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
