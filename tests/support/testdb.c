/* See testdb.h. */
#include <ftw.h>
#include "testdb.h"

static void open_it(struct testdb *t, const struct migration_table *tables, size_t n)
{
    struct fault why = {.rc = RC_OK};
    struct store_options o = {.url = str_of(t->url), .migrations = tables, .n_migrations = n};
    assert_rc(store_open(&o, &t->store, &why), RC_OK, &why);
}

void testdb_open(struct testdb *t, bool postgres, const struct migration_table *tables, size_t n)
{
    *t = (struct testdb){.store = NULL};
    if (postgres) {
        (void)snprintf(t->url, sizeof(t->url), "%s", pg_database());
    } else {
        const char *tmp = getenv("TMPDIR");
        (void)snprintf(t->dir, sizeof(t->dir), "%.40s/mzdb.XXXXXX", tmp != NULL ? tmp : "/tmp");
        assert_non_null(mkdtemp(t->dir));
        (void)snprintf(t->url, sizeof(t->url), "sqlite:%s/test.db", t->dir);
    }
    open_it(t, tables, n);
}

void testdb_reopen(struct testdb *t, const struct migration_table *tables, size_t n)
{
    store_close(&t->store);
    open_it(t, tables, n);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void testdb_close(struct testdb *t)
{
    store_close(&t->store);
    if (t->dir[0] != 0)
        (void)nftw(t->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void testdb_rc(enum rc rc, enum rc want, const struct fault *why, const char *file, int line)
{
    if (rc == want)
        return;
    print_error("%s:%d: rc %s, wanted %s: %s %s\n", file, line, rc_name(rc), rc_name(want),
                rc != RC_OK && why != NULL ? why->code : "", rc != RC_OK && why != NULL ? why->detail : "");
    _fail(file, line);
}
