/* accounts: open and close. The app rows stand in apps.c, the grants in grants.c and refresh.c. */
#include "accounts/accounts_priv.h"

enum rc accounts_open(const struct accounts_options *o, struct accounts **out, struct fault *why)
{
    struct arena *mem = arena_open(256 * 1024);
    struct accounts *a = arena_new(mem, struct accounts);
    must(a != NULL);
    *a = (struct accounts){.o = *o, .mem = mem};
    enum rc rc = apps_open(a, why);
    if (rc != RC_OK) {
        apps_close(a);
        arena_close(&mem);
        return rc;
    }
    *out = a;
    return RC_OK;
}

void accounts_close(struct accounts **a)
{
    if (*a == NULL)
        return;
    struct arena *mem = (*a)->mem;
    apps_close(*a);
    arena_close(&mem);
    *a = NULL;
}
