/* config: one table of settings, filled from a file and the environment, checked whole, fixed until reloaded.
 *
 * Sources, later wins: defaults, the file (`key = value` lines, '#' comments), the environment (MZ_<KEY>,
 * dots as underscores). A secret is never given plainly: its setting is `<key>_file`/`MZ_<KEY>_FILE` naming a
 * file of mode 0600 or stricter, or a service credential of the same name in $CREDENTIALS_DIRECTORY; a plain
 * one refuses to start. All unknown keys and bad values are reported at once, each with the allowed range.
 * Rooms above hand in their own rows (`messaging_settings[]`) through app/wiring.c. Owns no table.
 */
#ifndef MZ_CONFIG_H
#define MZ_CONFIG_H
#include "base/base.h"

enum setting_kind { SET_TEXT, SET_INT, SET_FLAG, SET_ENUM, SET_URL, SET_LIST, SET_PATH, SET_SECRET };
struct setting {
    const char *key; /* "http.listen" */
    enum setting_kind kind;
    int64_t min, max;    /* SET_INT; text: length in bytes */
    const char *unit;    /* "ms", "bytes", "" */
    const char *choices; /* SET_ENUM: "a|b|c" */
    const char *def;     /* NULL: required */
    const char *doc;     /* one or two sentences; printed into docs/generated/settings.md */
    bool reloads;        /* takes effect on reload; others need a restart */
    const char *with;    /* SET_SECRET: required when this other setting is given (not empty) */
};
struct setting_table {
    const struct setting *rows;
    size_t n;
};
struct config;
struct config_problem {
    str key;
    str text; /* what is wrong and what is allowed; never the value of a secret */
};

/* file is a path or STR_NONE; its keys are unique. Variables MZ_PLANT and MZ_CONFIG are not settings and
 * are skipped; every other MZ_ variable must be one. Empty text means "not given" for a row whose default
 * is "". env is the process environment (tests pass their own). RC_INVALID "config.invalid" with every
 * problem listed in *problems (arena of the config); *out is set even then so that `config print` can
 * show. */
MUSTCHECK enum rc config_load(const struct setting_table *tables, size_t n_tables, str file, char *const *env,
                              struct config **out, struct fault *why);
void config_close(struct config **c); /* wipes secrets */
size_t config_problems(const struct config *c, const struct config_problem **out);

/* Reading an unknown key or another kind is a broken invariant. Values live as long as the config. */
str config_text(const struct config *c, const char *key);
int64_t config_int(const struct config *c, const char *key);
bool config_flag(const struct config *c, const char *key);
bool config_is(const struct config *c, const char *key, const char *choice);
struct secret config_secret(const struct config *c, const char *key); /* n == 0: not given */
/* Parts of a comma-separated SET_LIST. */
size_t config_list(const struct config *c, const char *key, struct arena *mem, str **out);

/* `config print`: key = value lines with source; secrets as "(set, sha256 1a2b3c4d)" or "(not set)". */
void config_print(const struct config *c, struct buf *out);
/* Markdown rows for gen-docs. */
void config_docs(const struct setting_table *tables, size_t n_tables, struct buf *out);
#endif
