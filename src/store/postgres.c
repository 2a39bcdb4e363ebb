/* PostgreSQL's driver: not there yet; opening says so. */
#include "store/store_priv.h"

static enum rc postgres_open(struct store *s, struct fault *why)
{
    (void)s;
    return fault_set(why, RC_OFF, "store.url", "PostgreSQL is not built in yet");
}

static void postgres_close(struct store *s)
{
    (void)s;
}

const struct driver postgres_driver = {.name = "postgres", .open = postgres_open, .close = postgres_close};
