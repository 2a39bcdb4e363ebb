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
    a->flights = flights_open();
    uint64_t node = 0;
    random_bytes(&node, sizeof node);
    (void)snprintf(a->node, sizeof a->node, "%016llx", (unsigned long long)node);
    *out = a;
    return RC_OK;
}

void accounts_close(struct accounts **a)
{
    if (*a == NULL)
        return;
    struct arena *mem = (*a)->mem;
    accounts_stop(*a);
    apps_close(*a);
    flights_close(&(*a)->flights);
    arena_close(&mem);
    *a = NULL;
}
