/* Text forms of credentials and names: API keys, scopes, e-mail addresses, address prefixes. Pure but for
 * randomness.
 *
 * A key's checksum (6 hex digits of SHA-256 over what stands before it) lets a typing error or a cut key be
 * refused without asking the database, and lets secret scanners be sure of a find.
 */
#include "access/access_priv.h"

#define KEY_PREFIX "mzt_live_"
enum {
    KEY_ID_N = 26,
    KEY_SECRET_N = 43,
    KEY_CHECK_N = 6,
    KEY_HEAD_N = sizeof(KEY_PREFIX) - 1 + KEY_ID_N + 1
};

static str checksum(str body, struct arena *mem)
{
    unsigned char hash[SHA256_BYTES];
    sha256(body, hash);
    return hex_text(mem, hash, KEY_CHECK_N / 2);
}

enum rc key_text_new(struct arena *secret_mem, str *id, struct secret *text, struct fault *why)
{
    str new_id = id_new(secret_mem, "key"), token = token_new(secret_mem);
    if (new_id.p == NULL || token.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for a key");
    must(new_id.n == KEY_ID_N + 4 && token.n == KEY_SECRET_N);
    str body = arena_fmt(secret_mem, KEY_PREFIX STR_FMT "_" STR_FMT, STR_ARG(str_sub(new_id, 4, KEY_ID_N)),
                         STR_ARG(token));
    str check = body.p == NULL ? STR_NONE : checksum(body, secret_mem);
    str whole =
        check.p == NULL ? STR_NONE : arena_fmt(secret_mem, STR_FMT STR_FMT, STR_ARG(body), STR_ARG(check));
    if (whole.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for a key");
    *id = new_id;
    *text = (struct secret){(const unsigned char *)whole.p, whole.n};
    return RC_OK;
}

bool key_text_parse(str text, struct arena *mem, str *id)
{
    if (text.n != KEY_HEAD_N + KEY_SECRET_N + KEY_CHECK_N || !str_starts(text, STR(KEY_PREFIX)) ||
        text.p[KEY_HEAD_N - 1] != '_')
        return false;
    str body = str_sub(text, 0, KEY_HEAD_N + KEY_SECRET_N), check = checksum(body, mem);
    if (check.p == NULL || !str_eq(check, str_sub(text, body.n, KEY_CHECK_N)))
        return false;
    str found = arena_fmt(mem, "key_" STR_FMT, STR_ARG(str_sub(text, sizeof(KEY_PREFIX) - 1, KEY_ID_N)));
    if (found.p == NULL || !id_valid(found, "key"))
        return false;
    *id = found;
    return true;
}

bool scope_find(str name, enum permission *out)
{
    for (int p = PERM_NONE + 1; p < PERM_COUNT; p++) {
        if (str_eq(name, str_of(permission_name((enum permission)p)))) {
            *out = (enum permission)p;
            return true;
        }
    }
    return false;
}

str scopes_text(uint64_t may, struct arena *mem)
{
    struct buf b;
    buf_init(&b, mem, 2048);
    buf_put(&b, STR(""));
    for (int p = PERM_NONE + 1; p < PERM_COUNT; p++) {
        if ((may & (UINT64_C(1) << p)) == 0)
            continue;
        if (b.n > 0)
            buf_put_c(&b, ' ');
        buf_put(&b, str_of(permission_name((enum permission)p)));
    }
    return b.n == 0 && buf_ok(&b) ? STR("") : buf_str(&b);
}

uint64_t scopes_parse(str text)
{
    uint64_t may = 0;
    str name;
    enum permission p;
    while (str_cut(&text, ' ', &name))
        if (scope_find(name, &p))
            may |= UINT64_C(1) << p;
    return may & KEY_MAY;
}

bool email_valid(str s)
{
    size_t at = 0;
    if (s.n < 3 || s.n > 254 || !utf8_valid(s) || !str_find(s, STR("@"), &at) || at == 0 || at > 64 ||
        at + 1 >= s.n || str_find(str_sub(s, at + 1, s.n), STR("@"), &at))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || strchr("<>(),;:\"[]\\", s.p[i]) != NULL)
            return false;
    return true;
}

str email_fold(str s, struct arena *mem)
{
    char *p = arena_take(mem, s.n + 1);
    if (p == NULL)
        return STR_NONE;
    for (size_t i = 0; i < s.n; i++)
        p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
    return (str){p, s.n};
}

/* A host is given 64 bits of IPv6 to itself, so the rest tells nothing apart. The text is canonical: at most
 * one "::".
 */
str address_prefix(str address, struct arena *mem)
{
    size_t at, groups = 0, end = 0;
    if (!str_find(address, STR(":"), &at))
        return address;
    if (str_find(address, STR("::"), &at)) {
        for (size_t i = 0; i < at; i++)
            groups += address.p[i] == ':';
        if (at > 0 && groups < 3)
            return arena_fmt(mem, STR_FMT "::/64", STR_ARG(str_sub(address, 0, at)));
        if (at == 0)
            return STR("::/64");
        groups = 0;
    }
    while (end < address.n && (address.p[end] != ':' || ++groups < 4))
        end++;
    return arena_fmt(mem, STR_FMT "::/64", STR_ARG(str_sub(address, 0, end)));
}
