/* The second net under the typed fields: what looks like a token is hidden even where a programmer took it
 * for plain text. Known shapes (TikTok's act./rft./clt. tokens, "Bearer ...", name=value of secret names,
 * quoted or not) hide everywhere; in free text any run of 40 or more token characters hides too, because our
 * own tokens have 43 and TikTok's long-lived ones 40. Too much is hidden rather than too little.
 */
#include "observe/observe_priv.h"

#define RUN_MIN 40U
#define TOKEN_MIN 8U            /* "act. Then" is a sentence */
#define UNBOUNDED_TOKEN_MIN 20U /* without a border before it: "fact.orial" is a word */

struct named {
    str name;
    size_t min; /* shorter values stay: "code=40001" is an answer class, not an authorization code */
};
static const struct named secret_names[] = {
    {{"access_token", 12}, 1},  {{"refresh_token", 13}, 1},  {{"client_secret", 13}, 1},
    {{"code_verifier", 13}, 1}, {{"app_secret", 10}, 1},     {{"auth_code", 9}, 1},
    {{"password", 8}, 1},       {{"cookie", 6}, 1},          {{"secret", 6}, 6},
    {{"token", 5}, 8},          {{"code", 4}, 10},           {{"state", 5}, 16},
    {{"ticket", 6}, 10},        {{"authorization", 13}, 12},
};
static const str token_prefixes[] = {{"act.", 4}, {"rft.", 4}, {"clt.", 4}, {"whsec_", 6}};

/* First letters of all shapes above, of "bearer" and of "basic": most positions of a text need no closer
 * look. */
static const bool begins_shape[256] = {
    ['a'] = true, ['b'] = true, ['c'] = true, ['p'] = true, ['r'] = true, ['s'] = true,
    ['t'] = true, ['w'] = true, ['A'] = true, ['B'] = true, ['C'] = true, ['P'] = true,
    ['R'] = true, ['S'] = true, ['T'] = true, ['W'] = true,
};

struct hidden {
    size_t keep; /* bytes shown as they are: the prefix or the name */
    size_t hide;
};

static bool word_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool mask_token_char(char c)
{
    return word_char(c) || (c != '\0' && strchr("-._~!*+/=%", c) != NULL);
}

static bool run_char(char c)
{
    return word_char(c) || c == '_' || c == '-';
}

static size_t span(str s, size_t at, bool (*in)(char))
{
    size_t n = 0;
    while (at + n < s.n && in(s.p[at + n]))
        n++;
    return n;
}

static bool border_before(str s, size_t at)
{
    return at == 0 || !word_char(s.p[at - 1]);
}

static struct hidden by_prefix(str s, size_t at)
{
    for (size_t i = 0; i < COUNT_OF(token_prefixes); i++) {
        str prefix = token_prefixes[i];
        if (!str_eq_nocase(str_sub(s, at, prefix.n), prefix))
            continue;
        size_t n = span(s, at + prefix.n, mask_token_char);
        if (n >= (border_before(s, at) ? TOKEN_MIN : UNBOUNDED_TOKEN_MIN))
            return (struct hidden){prefix.n, n};
    }
    return (struct hidden){0, 0};
}

/* "Bearer x", "Basic x": the scheme stays. */
static struct hidden by_scheme(str s, size_t at)
{
    static const str schemes[] = {{"bearer", 6}, {"basic", 5}};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        str scheme = schemes[i];
        if (!str_eq_nocase(str_sub(s, at, scheme.n), scheme) || !border_before(s, at))
            continue;
        size_t from = at + scheme.n;
        while (from < s.n && (s.p[from] == ' ' || s.p[from] == '\t' || s.p[from] == '+'))
            from++;
        size_t n = span(s, from, mask_token_char);
        if (from > at + scheme.n && n >= TOKEN_MIN)
            return (struct hidden){from - at, n};
    }
    return (struct hidden){0, 0};
}

static bool value_char(char c)
{
    return (unsigned char)c > ' ' && strchr("&\"'<>,;{}[]()\\", c) == NULL;
}

static size_t skip_any(str s, size_t at, const char *set)
{
    while (at < s.n && s.p[at] != '\0' && strchr(set, s.p[at]) != NULL)
        at++;
    return at;
}

/* name=value, "name":"value", name: value */
static struct hidden by_name(str s, size_t at)
{
    for (size_t i = 0; i < COUNT_OF(secret_names); i++) {
        const struct named *one = &secret_names[i];
        if (!str_eq_nocase(str_sub(s, at, one->name.n), one->name))
            continue;
        size_t from = skip_any(s, at + one->name.n, "\"'\\ ");
        if (from >= s.n || (s.p[from] != '=' && s.p[from] != ':'))
            continue;
        from = skip_any(s, from + 1, "\"'\\ ");
        struct hidden scheme = by_scheme(s, from);
        size_t n = scheme.hide > 0 ? scheme.keep + scheme.hide : span(s, from, value_char);
        if (n >= one->min)
            return (struct hidden){from - at, n};
    }
    return (struct hidden){0, 0};
}

static bool base64_char(char c)
{
    return word_char(c) || c == '+' || c == '/' || c == '=';
}

/* A path of ids is long and harmless, so "/" counts only in what also shows a sign of base64. */
static struct hidden by_run(str s, size_t at)
{
    if (at > 0 && run_char(s.p[at - 1]))
        return (struct hidden){0, 0};
    if (span(s, at, run_char) < RUN_MIN) {
        size_t n = span(s, at, base64_char);
        if (n < RUN_MIN || (memchr(s.p + at, '+', n) == NULL && s.p[at + n - 1] != '='))
            return (struct hidden){0, 0};
    }
    /* To the end of all that may belong to a token: a run may end in the "act" of a token that follows it. */
    return (struct hidden){0, span(s, at, mask_token_char)};
}

static struct hidden secret_at(str s, size_t at, enum mask_net net)
{
    struct hidden h = {0, 0};
    if (begins_shape[(unsigned char)s.p[at]]) {
        h = by_prefix(s, at);
        if (h.hide == 0)
            h = by_scheme(s, at);
        if (h.hide == 0)
            h = by_name(s, at);
    }
    if (h.hide == 0 && net == MASK_SHAPES_AND_RUNS)
        h = by_run(s, at);
    return h;
}

void mask_text(struct buf *b, str text, size_t max, enum mask_net net)
{
    size_t end = b->n + max, i = 0;
    bool open = planted("observe.no_net");
    while (i < text.n) {
        struct hidden h = open ? (struct hidden){0, 0} : secret_at(text, i, net);
        size_t step = h.hide > 0 ? h.keep : utf8_len(str_sub(text, i, 4));
        if (step == 0 && h.hide == 0)
            step = 1; /* a broken byte: the JSON writer replaces it */
        size_t adds = step + (h.hide > 0 ? 3 : 0);
        if (b->n > end || adds > end - b->n)
            return;
        buf_put(b, str_sub(text, i, step));
        if (h.hide > 0)
            buf_put(b, STR("***"));
        i += step + h.hide;
    }
}

static bool phone_char(char c)
{
    return (c >= '0' && c <= '9') || c == '+' || c == ' ' || c == '-';
}

void mask_person(struct buf *b, str value)
{
    size_t first = utf8_len(value);
    bool phone = value.n >= 6 && span(value, 0, phone_char) == value.n;
    if (!phone && first > 0 && utf8_count(value) > 2)
        buf_put(b, str_sub(value, 0, first));
    buf_put(b, STR("***"));
    if (phone)
        buf_put(b, str_sub(value, value.n - 2, 2));
}
