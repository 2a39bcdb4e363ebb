/* What holds now, from a person's entries: pure. The newest agreement sets the scopes; withdrawals after it
 * take their scopes away, one without scopes takes everything. */
#include "consent/consent_priv.h"

static bool has(str list, str scope)
{
    str part;
    while (str_cut(&list, ',', &part))
        if (str_eq(str_trim(part), scope))
            return true;
    return false;
}

/* list without the scopes of `gone`. */
static str without(str list, str gone, struct arena *mem)
{
    struct buf b;
    str part;
    buf_init(&b, mem, 4096);
    buf_put(&b, STR(""));
    while (str_cut(&list, ',', &part)) {
        part = str_trim(part);
        if (part.n == 0 || has(gone, part))
            continue;
        if (b.n > 0)
            buf_put_c(&b, ',');
        buf_put(&b, part);
    }
    if (!buf_ok(&b))
        return STR_NONE;
    return b.n == 0 ? STR("") : buf_str(&b);
}

enum rc consent_fold(const struct consent_row *rows, size_t n, struct arena *mem, struct consent_state *out,
                     struct fault *why)
{
    size_t given = 0;
    while (given < n && rows[given].act != CONSENT_GIVEN)
        given++;
    if (given == n) {
        *out = (struct consent_state){.scopes = STR("")};
        return RC_OK;
    }
    const struct consent_row *g = &rows[given];
    struct consent_state s = {.given = true,
                              .scopes = without(g->scopes, STR(""), mem),
                              .text_version = g->text_version,
                              .language = g->language,
                              .since_ms = g->at_ms,
                              .n = g->n};
    for (size_t i = given; i-- > 0 && s.scopes.p != NULL;)
        s.scopes = rows[i].scopes.n == 0 ? STR("") : without(s.scopes, rows[i].scopes, mem);
    if (s.scopes.p == NULL)
        return fault_set(why, RC_FULL, "consent.full", "too many scopes");
    s.given = given == 0 || s.scopes.n > 0;
    *out = s;
    return RC_OK;
}
