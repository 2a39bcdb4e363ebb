/* The room's handle: what settings allow, read once and checked, and the curl share of TLS sessions.
 * A network that cannot be read refuses the start: a typing error must not open or close a door silently.
 */
#include "fetch/fetch_priv.h"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_start(void)
{
    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

static void share_lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *arg)
{
    (void)easy;
    (void)access;
    struct fetch *f = arg;
    must((int)data >= 0 && (int)data < FETCH_LOCKS);
    pthread_mutex_lock(&f->locks[data]);
}

static void share_unlock(CURL *easy, curl_lock_data data, void *arg)
{
    (void)easy;
    struct fetch *f = arg;
    pthread_mutex_unlock(&f->locks[data]);
}

static enum rc networks(const struct config *c, const char *key, struct arena *mem, struct network **out,
                        size_t *n, struct fault *why)
{
    str *parts = NULL;
    size_t count = config_list(c, key, mem, &parts);
    struct network *at = arena_array(mem, struct network, count + 1);
    if (!at)
        return fault_set(why, RC_FULL, "fetch.memory", "%s is too long", key);
    for (size_t i = 0; i < count; i++)
        if (!network_parse(parts[i], &at[i]))
            return fault_set(why, RC_INVALID, "fetch.setting",
                             "%s: \"" STR_FMT "\" is no network; write 10.1.0.0/16, 127.0.0.1 or fd00::/8",
                             key, STR_ARG(parts[i]));
    *out = at;
    *n = count;
    return RC_OK;
}

static enum rc read_settings(struct fetch *f, const struct config *c, struct fault *why)
{
    f->n_hosts = config_list(c, "fetch.tiktok_hosts", f->mem, &f->hosts);
    for (size_t i = 0; i < f->n_hosts; i++) {
        struct fetch_url u;
        str url = arena_fmt(f->mem, "https://" STR_FMT "/", STR_ARG(f->hosts[i]));
        if (!url.p || fetch_url_parse(url, &u, why) != RC_OK || !str_eq(u.host, f->hosts[i]))
            return fault_set(why, RC_INVALID, "fetch.setting",
                             "fetch.tiktok_hosts: \"" STR_FMT "\" is no host name (no port, no scheme)",
                             STR_ARG(f->hosts[i]));
    }
    enum rc rc = networks(c, "fetch.allow_private", f->mem, &f->allowed, &f->n_allowed, why);
    if (rc == RC_OK)
        rc = networks(c, "fetch.block", f->mem, &f->blocked, &f->n_blocked, why);
    if (rc != RC_OK)
        return rc;
    str ca = config_text(c, "fetch.ca_file");
    f->ca_file = ca.n ? arena_cstr(f->mem, ca) : NULL;
    return RC_OK;
}

enum rc fetch_open(const struct config *c, struct log *log, struct fetch **out, struct fault *why)
{
    must(pthread_once(&curl_once, curl_start) == 0);
    struct arena *mem = arena_open((size_t)1 << 20);
    struct fetch *f = arena_new(mem, struct fetch);
    must(f);
    f->mem = mem;
    f->log = log;
    enum rc rc = read_settings(f, c, why);
    if (rc != RC_OK) {
        arena_close(&mem);
        return rc;
    }
    for (int i = 0; i < FETCH_LOCKS; i++)
        must(pthread_mutex_init(&f->locks[i], NULL) == 0);
    must(pthread_mutex_init(&f->list_lock, NULL) == 0);
    must(pthread_key_create(&f->handle, handle_end) == 0);
    must((f->share = curl_share_init()) != NULL);
    curl_share_setopt(f->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    curl_share_setopt(f->share, CURLSHOPT_LOCKFUNC, share_lock);
    curl_share_setopt(f->share, CURLSHOPT_UNLOCKFUNC, share_unlock);
    curl_share_setopt(f->share, CURLSHOPT_USERDATA, f);
    *out = f;
    return RC_OK;
}

void fetch_close(struct fetch **fp)
{
    struct fetch *f = *fp;
    if (!f)
        return;
    pthread_key_delete(f->handle);
    while (f->handles)
        handle_end(f->handles);
    curl_share_cleanup(f->share);
    for (int i = 0; i < FETCH_LOCKS; i++)
        pthread_mutex_destroy(&f->locks[i]);
    pthread_mutex_destroy(&f->list_lock);
    struct arena *mem = f->mem;
    *fp = NULL;
    arena_close(&mem);
}

bool fetch_host_listed(const struct fetch *f, str host)
{
    for (size_t i = 0; i < f->n_hosts; i++)
        if (str_eq_nocase(f->hosts[i], host))
            return true;
    return false;
}

static bool among(const struct network *list, size_t n, const unsigned char addr16[16])
{
    for (size_t i = 0; i < n; i++)
        if (network_has(&list[i], addr16))
            return true;
    return false;
}

enum rc fetch_address_ok(const struct fetch *f, bool tls, const unsigned char addr16[16], struct fault *why)
{
    if (among(f->blocked, f->n_blocked, addr16))
        return fault_set(why, RC_DENIED, "fetch.address", "the address lies in a network of fetch.block");
    if (among(f->allowed, f->n_allowed, addr16))
        return RC_OK;
    if (!tls)
        return fault_set(why, RC_DENIED, "fetch.address",
                         "plain http goes only to addresses of fetch.allow_private");
    if (fetch_address_blocked(addr16, 16))
        return fault_set(why, RC_DENIED, "fetch.address", "the address is not a public one");
    return RC_OK;
}

enum rc fetch_url_ok(const struct fetch *f, enum fetch_class cls, str url, struct fault *why)
{
    struct fetch_url u;
    unsigned char addr[16];
    enum rc rc = fetch_url_parse(url, &u, why);
    if (rc != RC_OK)
        return rc;
    if (cls == FETCH_TIKTOK && !fetch_host_listed(f, u.host))
        return fault_set(why, RC_DENIED, "fetch.host", "the host is not in fetch.tiktok_hosts");
    if (u.bracketed && !host_is_address(u.host, addr))
        return fault_set(why, RC_INVALID, "fetch.url", "no IPv6 address stands between the brackets");
    return host_is_address(u.host, addr) ? fetch_address_ok(f, u.tls, addr, why) : RC_OK;
}
