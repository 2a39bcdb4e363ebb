/* TLS on the public listener: the same requests, old versions refused, garbage harmless. The certificate is
 * made here for this run. */
#include "unit.h"
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include "test_kit.h"

#define BIG_BYTES (1U << 20)

static struct kit kit;
static char folder[] = "/tmp/mz-tls-XXXXXX";
static char cert_path[64], key_path[64];
static SSL_CTX *client;

static enum rc echo(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    answer_body(rq, 200, "text/plain", arena_fmt(rq_mem(rq), "%zu", rq_body(rq).n));
    return RC_OK;
}

static enum rc big(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    char *p = arena_take(rq_mem(rq), BIG_BYTES);
    assert_non_null(p);
    memset(p, 'b', BIG_BYTES);
    answer_body(rq, 200, "text/plain", (str){p, BIG_BYTES});
    return RC_OK;
}

static const struct route routes[] = {
    {.method = "POST",
     .path = "/echo",
     .name = "echo",
     .cls = HTTP_INLINE,
     .raw = true,
     .no_once = true,
     .body_max = 2U << 20,
     .handle = echo},
    {.method = "GET", .path = "/big", .name = "big", .cls = HTTP_READ, .handle = big},
};
static const struct route_table table = {routes, COUNT_OF(routes), NULL};

static void write_pem(EVP_PKEY *key, X509 *cert)
{
    FILE *f = fopen(cert_path, "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, cert), 1);
    assert_int_equal(fclose(f), 0);
    f = fopen(key_path, "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(key_path, 0600), 0);
}

static void make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    assert_non_null(key);
    assert_non_null(cert);
    assert_int_equal(X509_set_version(cert, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    X509_NAME *name = X509_get_subject_name(cert);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0),
        1);
    assert_int_equal(X509_set_issuer_name(cert, name), 1);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    write_pem(key, cert);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static int open_kit(void **state)
{
    static char cert[96], key[96];
    static char *env[] = {cert, key, NULL};
    const struct http_options o = {.tables = &table, .n_tables = 1};
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", folder);
    (void)snprintf(key_path, sizeof(key_path), "%s/key.pem", folder);
    (void)snprintf(cert, sizeof(cert), "MZ_HTTP_TLS_CERT=%s", cert_path);
    (void)snprintf(key, sizeof(key), "MZ_HTTP_TLS_KEY=%s", key_path);
    make_certificate();
    kit_open_with(&kit, &o, env);
    client = SSL_CTX_new(TLS_client_method());
    assert_non_null(client);
    return 0;
}

static int close_kit(void **state)
{
    (void)state;
    SSL_CTX_free(client);
    kit_close(&kit);
    (void)unlink(cert_path);
    (void)unlink(key_path);
    return rmdir(folder);
}

static SSL *dial_tls(int fd, int max_version)
{
    SSL *s = SSL_new(client);
    assert_non_null(s);
    assert_int_equal(SSL_set_fd(s, fd), 1);
    if (max_version != 0) {
        SSL_set_security_level(s, 0);
        assert_int_equal(SSL_set_min_proto_version(s, TLS1_VERSION), 1);
        assert_int_equal(SSL_set_max_proto_version(s, max_version), 1);
    }
    return s;
}

static void write_all(SSL *s, const char *p, int n)
{
    while (n > 0) {
        int k = SSL_write(s, p, n);
        assert_true(k > 0);
        p += k;
        n -= k;
    }
}

/* Reads until `want` bytes have come or the peer ends. */
static size_t read_some(SSL *s, char *p, size_t want)
{
    size_t n = 0;
    while (n < want) {
        int k = SSL_read(s, p + n, (int)(want - n));
        if (k <= 0) {
            break;
        }
        n += (size_t)k;
    }
    return n;
}

static void requests_and_bodies_pass(void **state)
{
    static char body[BIG_BYTES], got[BIG_BYTES + 4096];
    char head[128];
    size_t at;
    (void)state;
    int fd = dial(http_port(kit.http));
    SSL *s = dial_tls(fd, 0);
    assert_int_equal(SSL_connect(s), 1);
    memset(body, 'x', sizeof(body));
    int n = snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %u\r\n\r\n",
                     BIG_BYTES);
    write_all(s, head, n);
    write_all(s, body, (int)sizeof(body));
    static const char rest[] = "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    write_all(s, rest, sizeof(rest) - 1);
    size_t all = read_some(s, got, sizeof(got));
    assert_true(str_find((str){got, all}, STR("\r\n\r\n1048576HTTP/1.1 200 OK"), &at));
    str second = {got + at + 11, all - at - 11};
    assert_true(str_find(second, STR("\r\n\r\n"), &at));
    assert_int_equal(second.n - at - 4, BIG_BYTES);
    SSL_free(s);
    (void)close(fd);
}

static void old_versions_are_refused(void **state)
{
    (void)state;
    int fd = dial(http_port(kit.http));
    SSL *s = dial_tls(fd, TLS1_1_VERSION);
    assert_true(SSL_connect(s) <= 0);
    SSL_free(s);
    (void)close(fd);
    fd = dial(http_port(kit.http));
    s = dial_tls(fd, TLS1_2_VERSION);
    assert_int_equal(SSL_connect(s), 1);
    SSL_free(s);
    (void)close(fd);
    ERR_clear_error();
}

static void plain_text_gets_nothing(void **state)
{
    char c;
    (void)state;
    int fd = dial(http_port(kit.http));
    say(fd, STR("GET /big HTTP/1.1\r\nHost: a\r\n\r\n"));
    ssize_t r = recv(fd, &c, 1, 0);
    assert_true(r <= 0 || c != 'H'); /* an alert or the end, never an answer */
    (void)close(fd);
}

static void a_key_that_does_not_fit_refuses_the_start(void **state)
{
    static char *env[] = {"MZ_PUBLIC_BASE_URL=http://127.0.0.1:1", "MZ_HTTP_LISTEN=127.0.0.1:0",
                          "MZ_HTTP_TLS_CERT=/dev/null", "MZ_HTTP_TLS_KEY=/dev/null", NULL};
    const struct setting_table settings = {http_settings, http_settings_n};
    struct config *config = NULL;
    struct http *http = NULL;
    struct fault why = {0};
    (void)state;
    assert_int_equal(config_load(&settings, 1, STR_NONE, env, &config, &why), RC_OK);
    const struct http_options o = {
        .config = config, .listen_key = "http.listen", .tables = &table, .n_tables = 1};
    assert_int_equal(http_open(&o, &http, &why), RC_INVALID);
    assert_string_equal(why.code, "config.invalid");
    assert_null(http);
    config_close(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_bodies_pass),
        cmocka_unit_test(old_versions_are_refused),
        cmocka_unit_test(plain_text_gets_nothing),
        cmocka_unit_test(a_key_that_does_not_fit_refuses_the_start),
    };
    crypto_start();
    metrics_register(http_metrics, http_metrics_n);
    return cmocka_run_group_tests_name("http tls", tests, open_kit, close_kit);
}
