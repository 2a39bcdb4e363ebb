/* Shared by config's own files, its tests and its fuzz target. */
#ifndef MZ_CONFIG_PRIV_H
#define MZ_CONFIG_PRIV_H
#include "config/config.h"

#define CONFIG_FILE_MAX ((size_t)256 * 1024)
#define CONFIG_SECRET_MAX ((size_t)64 * 1024)
#define CONFIG_TEXT_MAX 4096 /* when a row names no maximum */

struct entry {
    const struct setting *row;
    const char *env;    /* "MZ_HTTP_LISTEN" */
    const char *source; /* "default", "file", "environment", "credential" */
    str raw;            /* SET_SECRET: the path of its file */
    bool in_file;       /* the file named it: a second time is a problem */
    bool bad;
    int64_t number; /* SET_INT, SET_FLAG */
    struct secret secret;
};
struct config {
    struct arena *mem;     /* wiped when closed */
    struct entry *entries; /* in table order */
    struct entry **by_key; /* sorted */
    size_t n;
    struct config_problem *problems;
    size_t n_problems, cap_problems;
};

/* ---- config.c ---- */
struct entry *config_entry(const struct config *c, str key);
void config_problem(struct config *c, str key, const char *fmt, ...) PRINTF(3, 4);
enum rc config_open_empty(const struct setting_table *tables, size_t n_tables, struct config **out,
                          struct fault *why);

/* ---- sources.c: fill entry.raw ---- */
void config_read_file(struct config *c, str path);
void config_read_text(struct config *c, str text); /* the content of a file */
void config_read_env(struct config *c, char *const *env);
/* Secrets without a path: from the folder of the service manager's credentials. */
void config_read_credentials(struct config *c, char *const *env);
void config_read_secret(struct config *c, struct entry *e); /* opens entry.raw */

/* ---- check.c: pure but for secrets' files ---- */
void config_check_all(struct config *c);
/* "a whole number from 1 to 65535 (ms)": what a row allows, in words. */
void config_put_allowed(const struct setting *row, struct buf *b);

#endif
