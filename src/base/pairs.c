/* name=value pairs of a query string or a form body, decoded once. The number of pairs is counted before
 * anything is allocated, so that a body of a million "&" costs a scan and nothing else. Empty parts are
 * skipped. */
#include "base/base_priv.h"

static size_t count_parts(str text)
{
    size_t count = 0;
    str part;
    while (str_cut(&text, '&', &part))
        count += part.n > 0;
    return count;
}

static enum rc parse_one(str part, struct arena *mem, struct pair *out)
{
    str name, value = part;
    must(str_cut(&value, '=', &name));
    enum rc rc = percent_decode(name, true, mem, &out->name);
    if (rc != RC_OK)
        return rc;
    return percent_decode(value, true, mem, &out->value);
}

enum rc pairs_parse(str text, size_t max, struct arena *mem, struct pairs *out, struct fault *why)
{
    struct pairs made = {.n = 0};
    size_t count = count_parts(text);
    if (count > max)
        return fault_set(why, RC_INVALID, "input.form", "more than %zu fields", max);
    made.at = arena_array(mem, struct pair, count);
    if (made.at == NULL)
        return fault_set(why, RC_FULL, "input.full", "no room for %zu fields", count);
    str part;
    while (str_cut(&text, '&', &part)) {
        if (part.n == 0)
            continue;
        enum rc rc = parse_one(part, mem, &made.at[made.n]);
        if (rc == RC_FULL)
            return fault_set(why, rc, "input.full", "no room for field %zu", made.n + 1);
        if (rc != RC_OK)
            return fault_set(why, rc, "input.form", "field %zu is wrongly encoded", made.n + 1);
        made.n++;
    }
    *out = made;
    return RC_OK;
}

str pairs_find(const struct pairs *ps, str name, bool *twice)
{
    str found = STR_NONE;
    size_t hits = 0;
    for (size_t i = 0; i < ps->n; i++) {
        if (str_eq(ps->at[i].name, name) && hits++ == 0)
            found = ps->at[i].value;
    }
    if (twice != NULL)
        *twice = hits > 1;
    return found;
}
