/* Outcomes, broken invariants, planted defects. must_failed writes with write(2) because nothing else may be
 * trusted when it is called. */
#include <errno.h>
#include <unistd.h>
#include "base/base_priv.h"

static const char *const rc_names[RC_COUNT] = {
    [RC_OK] = "ok",         [RC_MISSING] = "missing", [RC_INVALID] = "invalid", [RC_CONFLICT] = "conflict",
    [RC_DENIED] = "denied", [RC_OFF] = "off",         [RC_REFUSED] = "refused", [RC_SCOPE] = "scope",
    [RC_REAUTH] = "reauth", [RC_LIMITED] = "limited", [RC_RETRY] = "retry",     [RC_UNSURE] = "unsure",
    [RC_FULL] = "full",     [RC_BUG] = "bug",
};

const char *rc_name(enum rc rc)
{
    unsigned at = (unsigned)rc;
    return at < RC_COUNT ? rc_names[at] : "unknown";
}

void must_failed(const char *cond, const char *file, int line)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "broken invariant: %s at %s:%d\n", cond, file, line);
    if (n > 0) {
        size_t len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
        ssize_t done = write(STDERR_FILENO, text, len);
        (void)done; /* the process ends either way */
    }
    abort();
}

/* A cut in the middle of a character would make the detail invalid UTF-8. */
static void drop_broken_tail(char *text)
{
    size_t n = strlen(text);
    for (size_t back = 1; back <= 4 && back <= n; back++) {
        unsigned char c = (unsigned char)text[n - back];
        if (c < 0x80)
            return;
        if (c >= 0xC0) {
            if (utf8_len_at((const unsigned char *)text + n - back, back) == 0)
                text[n - back] = '\0';
            return;
        }
    }
}

enum rc fault_set(struct fault *why, enum rc rc, const char *code, const char *fmt, ...)
{
    if (why == NULL)
        return rc;
    struct fault made = {.rc = rc}; /* the arguments may point into *why */
    (void)snprintf(made.code, sizeof(made.code), "%s", code);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(made.detail, sizeof(made.detail), fmt, args);
    va_end(args);
    drop_broken_tail(made.detail);
    *why = made;
    return rc;
}

void fault_outer(struct fault *why, int64_t code, str ref)
{
    if (why == NULL)
        return;
    char text[sizeof(why->outer_ref)]; /* ref may point into *why */
    size_t n = 0;
    for (size_t i = 0; i < ref.n && n + 1 < sizeof(text); i++)
        text[n++] = ref.p[i] >= 0x20 && ref.p[i] < 0x7f ? ref.p[i] : '?';
    text[n] = '\0';
    why->outer_code = code;
    (void)snprintf(why->outer_ref, sizeof(why->outer_ref), "%s", text);
}

const char *os_error(int err, char out[128])
{
    char text[128];
    const char *got = strerror_r(err, text, sizeof(text)); /* GNU form: may return a constant */
    (void)snprintf(out, 128, "%s (errno %d)", got, err);
    return out;
}

#ifdef MZ_PLANT
bool planted(const char *name)
{
    str rest = str_of(getenv("MZ_PLANT")), one;
    while (str_cut(&rest, ',', &one)) {
        if (str_eq(one, str_of(name)))
            return true;
    }
    return false;
}
#endif
