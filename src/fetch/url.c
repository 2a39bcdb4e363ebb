/* URLs that may be fetched, by shape. Pure. Stricter than RFC 3986 on purpose: what two parsers could read
 * differently is refused, because the check and the connection must speak of the same host.
 */
#include "fetch/fetch_priv.h"

static enum rc bad(struct fault *why, const char *what)
{
    return fault_set(why, RC_INVALID, "fetch.url", "%s", what);
}

static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static enum rc parse_name(str host, struct fault *why)
{
    if (host.n == 0 || host.n > 253 || host.p[0] == '.' || host.p[0] == '-')
        return bad(why, "the host is empty or too long");
    for (size_t i = 0; i < host.n; i++) {
        if (!name_byte(host.p[i]))
            return bad(why, "the host holds a character that no host name has");
        if (host.p[i] == '.' && (i + 1 == host.n || host.p[i + 1] == '.'))
            return bad(why, "the host has an empty label or ends in a dot");
    }
    return RC_OK;
}

static enum rc parse_host(str *rest, struct fetch_url *u, struct fault *why)
{
    size_t end = 0;
    if (rest->n > 0 && rest->p[0] == '[') {
        if (!str_find(*rest, STR("]"), &end))
            return bad(why, "the host's bracket is not closed");
        u->bracketed = true;
        u->host = str_sub(*rest, 1, end - 1);
        *rest = str_sub(*rest, end + 1, rest->n);
        for (size_t i = 0; i < u->host.n; i++)
            if (!strchr("0123456789abcdefABCDEF:.", u->host.p[i]))
                return bad(why, "no IPv6 address stands between the brackets"); /* zone ids too */
        size_t colon;
        return str_find(u->host, STR(":"), &colon) ? RC_OK
                                                   : bad(why, "no IPv6 address stands between the brackets");
    }
    while (end < rest->n && rest->p[end] != ':')
        end++;
    u->host = str_sub(*rest, 0, end);
    *rest = str_sub(*rest, end, rest->n);
    return parse_name(u->host, why);
}

enum rc fetch_url_parse(str url, struct fetch_url *out, struct fault *why)
{
    struct fetch_url u = {0};
    if (url.n == 0 || url.n > FETCH_URL_MAX)
        return bad(why, "the URL is empty or over 2,048 bytes");
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= 0x20 || (unsigned char)url.p[i] >= 0x7f || url.p[i] == '\\' ||
            url.p[i] == '#')
            return bad(why,
                       "the URL holds a blank, a control or non-ASCII character, a backslash or a fragment");
    u.tls = str_starts(url, STR("https://"));
    if (!u.tls && !str_starts(url, STR("http://")))
        return bad(why, "the URL begins with neither https:// nor http://");
    str rest = str_sub(url, u.tls ? 8 : 7, url.n);
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
        end++;
    rest = str_sub(rest, 0, end);
    if (rest.n && memchr(rest.p, '@', rest.n))
        return bad(why, "the URL holds a user name");
    enum rc rc = parse_host(&rest, &u, why);
    if (rc != RC_OK)
        return rc;
    uint64_t port = u.tls ? 443 : 80;
    if (rest.n > 0 &&
        (rest.p[0] != ':' || !str_to_u64(str_sub(rest, 1, rest.n), &port) || port == 0 || port > 65535))
        return bad(why, "the port is not a number from 1 to 65535");
    u.port = (unsigned)port;
    *out = u;
    return RC_OK;
}
