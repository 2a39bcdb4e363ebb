/* Fuzz: the settings file and the environment. Either every value is in its range or there is a problem
 * that says why; both can be printed. Files of secrets are not opened: their paths are dropped before the
 * check. */
#include "config/config_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct setting rows[] = {
    {.key = "a.text", .kind = SET_TEXT, .min = 1, .max = 30, .def = "x", .doc = "Text."},
    {.key = "b.int", .kind = SET_INT, .min = -5, .max = 99, .def = "7", .doc = "Number."},
    {.key = "c.flag", .kind = SET_FLAG, .def = "off", .doc = "Flag."},
    {.key = "d.enum", .kind = SET_ENUM, .choices = "one|two", .def = "one", .doc = "Choice."},
    {.key = "e.url", .kind = SET_URL, .choices = "http|https", .def = "", .doc = "URL."},
    {.key = "f.list", .kind = SET_LIST, .def = "", .doc = "List."},
    {.key = "g.path", .kind = SET_PATH, .def = "p", .doc = "Path."},
    {.key = "h.secret", .kind = SET_SECRET, .def = "", .doc = "Secret."},
};

static void check_values(const struct config *c)
{
    struct arena *mem = arena_open((size_t)1 << 20);
    str *parts = NULL;
    str url = config_text(c, "e.url");
    must(config_int(c, "b.int") >= -5 && config_int(c, "b.int") <= 99);
    must(config_is(c, "d.enum", "one") || config_is(c, "d.enum", "two"));
    must(config_text(c, "a.text").n >= 1 && config_text(c, "a.text").n <= 30);
    must(url.n == 0 || str_starts(url, STR("http://")) || str_starts(url, STR("https://")));
    for (size_t i = config_list(c, "f.list", mem, &parts); i > 0; i--)
        must(parts[i - 1].n > 0 && utf8_valid(parts[i - 1]));
    arena_close(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct setting_table table = {rows, COUNT_OF(rows)};
    struct config *c = NULL;
    must(config_open_empty(&table, 1, &c, NULL) == RC_OK);
    str text = {(const char *)data, size}, rest = text, line;
    struct arena *mem = arena_open((size_t)4 << 20);
    if (size > 0 && data[0] % 2 == 0) {
        config_read_text(c, text);
    } else {
        while (str_cut(&rest, '\n', &line)) {
            str copy = arena_str(mem, line);
            char *one[] = {NULL, NULL};
            memcpy(&one[0], &copy.p, sizeof(one[0])); /* environ's type has no const */
            if (copy.p != NULL)
                config_read_env(c, one);
        }
    }
    for (size_t i = 0; i < c->n; i++) {
        if (c->entries[i].row->kind == SET_SECRET)
            c->entries[i].raw = STR_NONE;
    }
    config_check_all(c);
    const struct config_problem *all;
    size_t n = config_problems(c, &all);
    for (size_t i = 0; i < n; i++)
        must(all[i].text.n > 0);
    if (n == 0)
        check_values(c);
    struct buf b;
    buf_init(&b, NULL, (size_t)4 << 20);
    config_print(c, &b);
    must(buf_ok(&b));
    buf_release(&b);
    arena_close(&mem);
    config_close(&c);
    return 0;
}
