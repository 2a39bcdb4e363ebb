/* What a value may be: one function per kind, found by table. Each refusal names the allowed range in
 * words. */
#include "config/config_priv.h"

typedef bool (*check_fn)(struct entry *e);

static size_t max_bytes(const struct setting *row)
{
    return row->kind != SET_INT && row->max > 0 ? (size_t)row->max : CONFIG_TEXT_MAX;
}

static bool printable(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7F)
            return false;
    }
    return utf8_valid(s);
}

static bool one_of(str value, const char *choices)
{
    str rest = str_of(choices), one;
    while (str_cut(&rest, '|', &one)) {
        if (str_eq(value, one))
            return true;
    }
    return false;
}

static bool check_text(struct entry *e)
{
    return printable(e->raw) && e->raw.n <= max_bytes(e->row) &&
           (e->row->min <= 0 || e->raw.n >= (size_t)e->row->min);
}

static bool check_int(struct entry *e)
{
    int64_t v;
    if (!str_to_i64(e->raw, &v) || v < e->row->min || v > e->row->max)
        return false;
    e->number = v;
    return true;
}

static bool check_flag(struct entry *e)
{
    if (one_of(e->raw, "true|on|yes|1"))
        e->number = 1;
    else if (one_of(e->raw, "false|off|no|0"))
        e->number = 0;
    else
        return false;
    return true;
}

static bool check_enum(struct entry *e)
{
    return one_of(e->raw, e->row->choices);
}

static bool scheme_of(str url, str *scheme, str *rest)
{
    *rest = url;
    if (!str_cut(rest, ':', scheme) || rest->n == 0 || scheme->n == 0)
        return false;
    for (size_t i = 0; i < scheme->n; i++) {
        char c = scheme->p[i];
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
            return false;
    }
    return true;
}

/* A password in a URL is a secret given plainly. */
static bool holds_password(str rest)
{
    size_t at, colon, query;
    str authority = str_sub(rest, 2, rest.n);
    size_t end = 0;
    while (end < authority.n && strchr("/?#", authority.p[end]) == NULL)
        end++;
    authority = str_sub(authority, 0, end);
    if (str_starts(rest, STR("//")) && str_find(authority, STR("@"), &at) &&
        str_find(str_sub(authority, 0, at), STR(":"), &colon))
        return true;
    return str_find(rest, STR("?password="), &query) || str_find(rest, STR("&password="), &query);
}

static bool check_url(struct entry *e)
{
    str scheme, rest;
    if (!printable(e->raw) || e->raw.n > max_bytes(e->row) || memchr(e->raw.p, ' ', e->raw.n) != NULL)
        return false;
    if (!scheme_of(e->raw, &scheme, &rest) || holds_password(rest))
        return false;
    if (e->row->choices != NULL && !one_of(scheme, e->row->choices))
        return false;
    if (!one_of(scheme, "http|https"))
        return true;
    return str_starts(rest, STR("//")) && rest.n > 2 && strchr("/?#:@", rest.p[2]) == NULL;
}

static bool check_list(struct entry *e)
{
    str rest = e->raw, part;
    if (!check_text(e))
        return false;
    while (str_cut(&rest, ',', &part)) {
        part = str_trim(part);
        if (part.n == 0 || (e->row->choices != NULL && !one_of(part, e->row->choices)))
            return false;
    }
    return true;
}

static bool check_path(struct entry *e)
{
    return printable(e->raw) && e->raw.n <= max_bytes(e->row);
}

static const check_fn checks[] = {
    [SET_TEXT] = check_text, [SET_INT] = check_int,   [SET_FLAG] = check_flag, [SET_ENUM] = check_enum,
    [SET_URL] = check_url,   [SET_LIST] = check_list, [SET_PATH] = check_path,
};

static const char *const kind_words[] = {
    [SET_TEXT] = "text",   [SET_INT] = "a whole number",           [SET_FLAG] = "true or false",
    [SET_ENUM] = "one of", [SET_URL] = "a URL without a password", [SET_LIST] = "parts with commas between",
    [SET_PATH] = "a path", [SET_SECRET] = "a secret in a file",
};

void config_put_allowed(const struct setting *row, struct buf *b)
{
    buf_put(b, str_of(kind_words[row->kind]));
    if (row->kind == SET_INT) {
        buf_fmt(b, " from %lld to %lld", (long long)row->min, (long long)row->max);
    } else if (row->kind == SET_ENUM) {
        buf_fmt(b, " %s", row->choices);
    } else if (row->kind == SET_URL && row->choices != NULL) {
        buf_fmt(b, ", scheme %s", row->choices);
    } else if (row->kind == SET_LIST && row->choices != NULL) {
        buf_fmt(b, ", each one of %s", row->choices);
    } else if (row->kind != SET_FLAG && (row->min > 0 || row->max > 0)) {
        buf_fmt(b, " of %lld to %zu bytes", (long long)row->min,
                row->kind == SET_SECRET && row->max == 0 ? CONFIG_SECRET_MAX : max_bytes(row));
    }
    if (row->unit != NULL && row->unit[0] != '\0')
        buf_fmt(b, " (%s)", row->unit);
}

/* At most 60 bytes, only what is safe to print. */
static str shown(str value, char out[61])
{
    size_t n = value.n < 60 ? value.n : 60;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        out[i] = c < 0x20 || c >= 0x7F ? '?' : (char)c;
    }
    out[n] = '\0';
    return (str){out, n};
}

static void report(struct config *c, struct entry *e)
{
    char text[61];
    struct buf allowed;
    buf_init(&allowed, c->mem, 400);
    config_put_allowed(e->row, &allowed);
    str words = buf_ok(&allowed) ? buf_str(&allowed) : str_of(kind_words[e->row->kind]);
    e->bad = true;
    if (e->raw.p == NULL || (e->raw.n == 0 && e->row->def == NULL))
        config_problem(c, str_of(e->row->key), "is required: " STR_FMT, STR_ARG(words));
    else if (e->row->kind == SET_URL) /* it may hold a password */
        config_problem(c, str_of(e->row->key), "must be " STR_FMT, STR_ARG(words));
    else
        config_problem(c, str_of(e->row->key), "must be " STR_FMT "; it is \"" STR_FMT "\" (%s)",
                       STR_ARG(words), STR_ARG(shown(e->raw, text)), e->source);
}

static bool given(const struct config *c, const char *key_or_null)
{
    return key_or_null != NULL && config_entry(c, str_of(key_or_null))->raw.n > 0;
}

static void check_secret(struct config *c, struct entry *e)
{
    if (e->bad) /* refused by its source already */
        return;
    if (e->raw.n > 0) {
        config_read_secret(c, e);
        e->bad = e->secret.n == 0;
    } else if (e->row->def == NULL || given(c, e->row->with)) {
        config_problem(
            c, str_of(e->row->key),
            "is required: name its file by %s_file or %s_FILE, or give a service credential of this name",
            e->row->key, e->env);
        e->bad = true;
    }
}

void config_check_all(struct config *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct entry *e = &c->entries[i];
        bool may_be_empty = e->row->def != NULL && e->row->def[0] == '\0';
        if (e->row->kind == SET_SECRET)
            check_secret(c, e);
        else if (e->raw.p == NULL || (e->raw.n == 0 && !may_be_empty && e->row->kind != SET_TEXT))
            report(c, e);
        else if (!(e->raw.n == 0 && may_be_empty) && !checks[e->row->kind](e))
            report(c, e);
    }
}
