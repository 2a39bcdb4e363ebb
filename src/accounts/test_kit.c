/* See test_kit.h. */
#include "test_kit.h"
#include "feed/feed.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

/* ---- the small TikTok ---- */
static void send_answer(int fd, int status, const char *body)
{
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n",
                     status, strlen(body));
    if (send(fd, head, (size_t)n, MSG_NOSIGNAL) != n || send(fd, body, strlen(body), MSG_NOSIGNAL) < 0)
        return;
}

static void answer_tokens(struct stub *s, int fd, const char *open_id)
{
    char body[512];
    (void)snprintf(body, sizeof body,
                   "{\"access_token\":\"act.%d\",\"expires_in\":%ld,\"refresh_token\":\"rft.%d\","
                   "\"refresh_expires_in\":15552000,\"open_id\":\"%s\",\"scope\":\"user.info.basic\","
                   "\"token_type\":\"Bearer\"}",
                   (int)s->generation, (long)s->expires_s, (int)s->generation, open_id);
    send_answer(fd, 200, body);
}

static void answer_refresh(struct stub *s, int fd, const char *request)
{
    char want[64];
    s->refreshes++;
    (void)snprintf(want, sizeof want, "refresh_token=rft.%d&", (int)s->generation);
    char found[4096];
    (void)snprintf(found, sizeof found, "%.4000s&", request);
    if (strstr(found, want) == NULL || s->mode == STUB_DEAD) {
        send_answer(fd, 200,
                    "{\"error\":\"invalid_grant\",\"error_description\":\"Refresh token is invalid.\"}");
        return;
    }
    if (s->mode == STUB_BUSY) {
        send_answer(fd, 500, "{\"error\":\"server_error\"}");
        return;
    }
    if (s->mode == STUB_HTML || s->mode == STUB_ERROR_200) {
        send_answer(fd, 200,
                    s->mode == STUB_HTML ? "<!doctype html><title>x</title>"
                                         : "{\"error\":\"server_error\",\"log_id\":\"log-7\"}");
        return;
    }
    if (s->mode == STUB_BAD_CLIENT) {
        send_answer(fd, 200, "{\"error\":\"invalid_client\",\"log_id\":\"log-9\"}");
        return;
    }
    if (s->mode == STUB_ROTATED_LOST) { /* TikTok rotated, and nobody heard of it */
        s->generation++;
        return;
    }
    if (s->mode == STUB_LOST_ALWAYS || (s->mode == STUB_LOST_ONCE && s->lost++ == 0))
        return; /* closes without an answer; here TikTok did not rotate */
    s->generation++;
    answer_tokens(s, fd, "-000person");
}

static void answer_code(struct stub *s, int fd, const char *request)
{
    s->exchanges++;
    if (s->mode == STUB_HTML)
        send_answer(fd, 200, "<!doctype html><title>x</title>");
    else if (s->mode == STUB_ERROR_200)
        send_answer(fd, 200,
                    "{\"error\":\"invalid_grant\",\"error_description\":\"Authorization code is expired.\"}");
    else if (strstr(request, "client_secret=login-secret-for-tests") == NULL)
        send_answer(fd, 200, "{\"error\":\"invalid_client\"}");
    else
        answer_tokens(s, fd, "-000person");
}

/* ---- API for Business: {code, message, request_id, data} with HTTP 200 whatever happened ---- */
static void send_code(int fd, int code, const char *data)
{
    char body[1024];
    (void)snprintf(body, sizeof body, "{\"code\":%d,\"message\":\"m\",\"request_id\":\"req-%d\",\"data\":%s}",
                   code, code, data);
    send_answer(fd, 200, body);
}

static void business_refresh(struct stub *s, int fd, const char *request)
{
    char want[64], data[512];
    s->refreshes++;
    (void)snprintf(want, sizeof want, "\"refresh_token\":\"rft.%d\"", (int)s->generation);
    if (s->code != 0 || strstr(request, want) == NULL) {
        send_code(fd, s->code != 0 ? s->code : 40107, "{}");
        return;
    }
    s->generation++;
    (void)snprintf(
        data, sizeof data,
        "{\"access_token\":\"act.%d\",\"token_type\":\"Bearer\",\"scope\":\"%s\",\"expires_in\":%ld,"
        "\"refresh_token\":\"rft.%d\",\"refresh_token_expires_in\":31000000,\"open_id\":\"-biz\"}",
        (int)s->generation, s->scope, (long)s->expires_s, (int)s->generation);
    send_code(fd, 0, data);
}

static bool business(struct stub *s, int fd, const char *request)
{
    char data[256];
    if (strstr(request, "tt_user/oauth2/refresh_token/") != NULL)
        business_refresh(s, fd, request);
    else if (strstr(request, "tt_user/oauth2/revoke/") != NULL ||
             strstr(request, "oauth2/revoke_token/") != NULL) {
        s->revokes++;
        send_code(fd, s->code, "{}");
    } else if (strstr(request, "tt_user/token_info/get/") != NULL) {
        s->probes++;
        (void)snprintf(data, sizeof data, "{\"app_id\":\"7600\",\"creator_id\":\"-biz\",\"scope\":\"%s\"}",
                       s->scope);
        send_code(fd, s->code, data);
    } else if (strstr(request, "/oauth2/advertiser/get/") != NULL)
        send_code(fd, s->code,
                  "{\"list\":[{\"advertiser_id\":\"71\",\"advertiser_name\":\"Shop\"},"
                  "{\"advertiser_id\":\"72\",\"advertiser_name\":\"Shop 2\"}]}");
    else if (strstr(request, "GET /user/info/") == request) {
        s->probes++;
        send_code(fd, s->code, "{\"core_user_id\":\"-ads\",\"display_name\":\"Agency\"}");
    } else
        return false;
    return true;
}

static void serve(struct stub *s, int fd)
{
    char request[8192];
    size_t n = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (n + 1 < sizeof request && poll(&p, 1, 2000) > 0) {
        ssize_t got = recv(fd, request + n, sizeof request - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        request[n] = '\0';
        const char *end = strstr(request, "\r\n\r\n"), *len = strcasestr(request, "content-length:");
        if (end != NULL && (len == NULL || (size_t)(request + n - end - 4) >= strtoul(len + 15, NULL, 10)))
            break;
    }
    request[n] = '\0';
    int now = ++s->in_flight;
    if (now > s->max_in_flight)
        s->max_in_flight = now;
    if (business(s, fd, request))
        ;
    else if (strstr(request, "POST /v2/oauth/revoke/") == request) {
        s->revokes++;
        if (s->mode == STUB_BUSY)
            send_answer(fd, 500, "{}");
        else
            send_answer(fd, 200, s->mode == STUB_DEAD ? "{\"error\":\"invalid_grant\"}" : "{}");
    } else if (strstr(request, "grant_type=refresh_token") != NULL)
        answer_refresh(s, fd, request);
    else if (strstr(request, "grant_type=authorization_code") != NULL)
        answer_code(s, fd, request);
    else if (s->mode == STUB_DEAD)
        send_answer(fd, 401, "{\"error\":{\"code\":\"access_token_invalid\",\"message\":\"\"}}");
    else
        send_answer(fd, 200,
                    s->mode == STUB_OTHER_PERSON
                        ? "{\"data\":{\"user\":{\"open_id\":\"-000other\"}},\"error\":{\"code\":\"ok\"}}"
                        : "{\"data\":{\"user\":{\"open_id\":\"-000person\",\"display_name\":\"Somying\","
                          "\"union_id\":\"u-1\"}},\"error\":{\"code\":\"ok\"}}");
    s->in_flight--;
    close(fd);
}

static void *stub_run(void *arg)
{
    struct stub *s = arg;
    struct pollfd p = {.fd = s->listener, .events = POLLIN};
    while (!s->stop) {
        if (poll(&p, 1, 20) <= 0)
            continue;
        int fd = accept(s->listener, NULL, NULL);
        if (fd >= 0)
            serve(s, fd);
    }
    return NULL;
}

static void stub_start(struct stub *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    s->generation = 1;
    s->expires_s = 7200;
    (void)snprintf(s->scope, sizeof s->scope, "user.info.basic,message.list.read");
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(s->listener, 64), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &n), 0);
    s->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, stub_run, s), 0);
}

/* ---- the rooms ---- */
static void write_file(struct kit *k, const char *name, const char *text, char path[128])
{
    (void)snprintf(path, 128, "%s/%s", k->dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void load_config(struct kit *k, bool postgres, const struct kit_more *more)
{
    struct setting_table t[16] = {
        {keys_settings, keys_settings_n},         {tiktok_settings, tiktok_settings_n},
        {accounts_settings, accounts_settings_n}, {budget_settings, budget_settings_n},
        {fetch_settings, fetch_settings_n},       {mozflow_settings, mozflow_settings_n},
        {jobs_settings, jobs_settings_n},         {http_settings, http_settings_n}};
    size_t n = 8;
    char kek[128], secret[128];
    static char text[18][400];
    char *env[19] = {NULL};
    struct fault why = {0};
    for (size_t i = 0; more != NULL && i < more->n_settings; i++)
        t[n++] = more->settings[i];
    write_file(k, "kek", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef1\n", kek);
    write_file(k, "secret", "login-secret-for-tests\n", secret);
    (void)snprintf(text[0], 400, "MZ_KEYS_KEK_FILE=%s", kek);
    (void)snprintf(text[1], 400, "MZ_TIKTOK_LOGIN_CLIENT_SECRET_FILE=%s", secret);
    (void)snprintf(text[2], 400, "MZ_TIKTOK_LOGIN_CLIENT_KEY=awtest");
    (void)snprintf(text[3], 400, "MZ_TIKTOK_API_URL=http://127.0.0.1:%d", k->stub.port);
    (void)snprintf(text[4], 400, "MZ_FETCH_TIKTOK_HOSTS=127.0.0.1");
    (void)snprintf(text[5], 400, "MZ_FETCH_ALLOW_PRIVATE=127.0.0.1/32");
    (void)snprintf(text[6], 400, "MZ_PUBLIC_BASE_URL=http://127.0.0.1:1");
    (void)snprintf(text[7], 400, "MZ_TIKTOK_LOGIN_SCOPES=user.info.basic");
    (void)snprintf(text[8], 400, "MZ_BUDGET_PER_MINUTE=600");
    (void)snprintf(text[9], 400, "MZ_TIKTOK_ACCOUNTS_CLIENT_KEY=7600");
    (void)snprintf(text[10], 400, "MZ_TIKTOK_ACCOUNTS_CLIENT_SECRET_FILE=%s", secret);
    (void)snprintf(text[11], 400, "MZ_TIKTOK_ADS_CLIENT_KEY=7700");
    (void)snprintf(text[12], 400, "MZ_TIKTOK_ADS_CLIENT_SECRET_FILE=%s", secret);
    (void)snprintf(text[13], 400, "MZ_TIKTOK_BUSINESS_API_URL=http://127.0.0.1:%d", k->stub.port);
    (void)snprintf(text[14], 400, "MZ_BUDGET_BUSINESS_QPS=100000"); /* nobody waits for limits */
    (void)snprintf(text[15], 400, "MZ_BUDGET_ACCOUNT_PER_MINUTE=100000");
    if (postgres)
        (void)snprintf(text[16], 400, "MZ_KEYS_PERSON_URL=%s", pg_database());
    for (size_t i = 0; i < (postgres ? 17u : 16u); i++)
        env[i] = text[i];
    enum rc rc = config_load(t, n, STR_NONE, env, &k->config, &why);
    if (rc != RC_OK) {
        const struct config_problem *p = NULL;
        size_t count = config_problems(k->config, &p);
        for (size_t i = 0; i < count; i++)
            print_message("%.*s: %.*s\n", STR_ARG(p[i].key), STR_ARG(p[i].text));
    }
    assert_rc(rc, RC_OK, &why);
}

static enum rc nothing(struct job *j, void *ctx, struct fault *why)
{
    (void)ctx;
    return job_done(j, why);
}
/* What was raised: the kit counts alerts by name. */
static enum rc heard(struct job *j, void *ctx, struct fault *why)
{
    struct kit *k = ctx;
    str name = STR_NONE;
    if (json_str(job_args(j), "alert", &name) && k->n_alerts < COUNT_OF(k->alerts))
        (void)snprintf(k->alerts[k->n_alerts++], sizeof k->alerts[0], STR_FMT, STR_ARG(name));
    return job_done(j, why);
}
#define TEST_KIND(name_, run_)                                                                               \
    {                                                                                                        \
        .name = name_, .order = JOB_FREE, .cls = JOBS_BULK, .retry = &retry_fast, .run = run_, .doc = "x"    \
    }
static const struct job_kind test_kinds[] = {TEST_KIND("test.nothing", nothing),
                                             TEST_KIND("test.alert", heard)};

int kit_alerts(struct kit *k, const char *name)
{
    int n = 0;
    jobs_drain(k->jobs);
    for (size_t i = 0; i < k->n_alerts; i++)
        n += strcmp(k->alerts[i], name) == 0;
    return n;
}

static void open_jobs(struct kit *k)
{
    struct fault why = {0};
    k->emits[0] = (struct job_emit_row){"login.completed", "test.nothing"};
    k->emits[1] = (struct job_emit_row){"alert.raised", "test.alert"};
    k->tables[k->n_tables++] = (struct job_table){accounts_jobs, accounts_jobs_n, k->accounts};
    k->tables[k->n_tables++] = (struct job_table){mozflow_jobs, mozflow_jobs_n, k->mozflow};
    k->tables[k->n_tables++] = (struct job_table){test_kinds, COUNT_OF(test_kinds), k};
    struct jobs_options o = {.store = k->db.store,
                             .config = k->config,
                             .tables = k->tables,
                             .n_tables = k->n_tables,
                             .emits = k->emits,
                             .n_emits = 2,
                             .node = "test"};
    assert_rc(jobs_open(&o, &k->jobs, &why), RC_OK, &why);
}

void kit_open(struct kit *k, bool postgres, const struct kit_more *more)
{
    struct fault why = {0};
    struct migration_table m[16] = {keys_migrations,   audit_migrations,   consent_migrations,
                                    jobs_migrations,   mozflow_migrations, accounts_migrations,
                                    budget_migrations, feed_migrations};
    struct mozflow_event_table events[4] = {{accounts_events, accounts_events_n, NULL}};
    size_t n = 8, n_events = 1;
    memset(k, 0, sizeof *k);
    crypto_start();
    k->mem = arena_open_secret(8u << 20);
    (void)snprintf(k->dir, sizeof k->dir, "/tmp/mzacc.XXXXXX");
    assert_non_null(mkdtemp(k->dir));
    stub_start(&k->stub);
    for (size_t i = 0; more != NULL && i < more->n_migrations; i++)
        m[n++] = more->migrations[i];
    for (size_t i = 0; more != NULL && i < more->n_events; i++)
        events[n_events++] = more->events[i];
    testdb_open(&k->db, postgres, m, n);
    load_config(k, postgres, more);
    struct keys_options ko = {
        .store = k->db.store, .main_url = str_of(k->db.url), .config = k->config, .no_thread = true};
    assert_rc(keys_open(&ko, &k->keys, &why), RC_OK, &why);
    struct audit_options ao = {.store = k->db.store, .mac = keys_mac(k->keys)};
    assert_rc(audit_open(&ao, &k->audit, &why), RC_OK, &why);
    struct consent_options co = {.store = k->db.store, .mac = keys_mac(k->keys)};
    assert_rc(consent_open(&co, &k->consent, &why), RC_OK, &why);
    assert_rc(budget_open(&(struct budget_options){k->config, k->db.store, NULL}, &k->budget, &why), RC_OK,
              &why);
    assert_rc(fetch_open(k->config, NULL, &k->fetch, &why), RC_OK, &why);
    assert_rc(tiktok_open(k->config, k->fetch, NULL, &k->tiktok, &why), RC_OK, &why);
    struct mozflow_options mo = {.store = k->db.store,
                                 .fetch = k->fetch,
                                 .keys = k->keys,
                                 .audit = k->audit,
                                 .config = k->config,
                                 .base_url = STR("http://127.0.0.1:1"),
                                 .tables = events,
                                 .n_tables = n_events};
    assert_rc(mozflow_open(&mo, &k->mozflow, &why), RC_OK, &why);
    struct accounts_options o = {.config = k->config,
                                 .store = k->db.store,
                                 .keys = k->keys,
                                 .audit = k->audit,
                                 .consent = k->consent,
                                 .budget = k->budget,
                                 .tiktok = k->tiktok};
    assert_rc(accounts_open(&o, &k->accounts, &why), RC_OK, &why);
    open_jobs(k);
}

void kit_close(struct kit *k)
{
    char path[128];
    jobs_close(&k->jobs);
    accounts_close(&k->accounts);
    mozflow_close(&k->mozflow);
    tiktok_close(&k->tiktok);
    fetch_close(&k->fetch);
    budget_close(&k->budget);
    consent_close(&k->consent);
    audit_close(&k->audit);
    keys_close(&k->keys);
    config_close(&k->config);
    testdb_close(&k->db);
    k->stub.stop = true;
    pthread_join(k->stub.thread, NULL);
    close(k->stub.listener);
    (void)snprintf(path, sizeof path, "%s/kek", k->dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/secret", k->dir);
    (void)unlink(path);
    (void)rmdir(k->dir);
    arena_close(&k->mem);
}

const struct sql kit_count_live = {
    "test.live", "SELECT COUNT(*) FROM account_grants WHERE workspace_id = $1 AND ended_ms = 0"};

struct counting {
    const struct sql *q;
    str workspace;
    int64_t n;
};

static enum rc count_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct counting *c = arg;
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, c->q, ARGS(V_TEXT(c->workspace)), tx_mem(tx), &r, why);
    if (rc == RC_OK)
        c->n = row_int(r, 0);
    return rc;
}

int64_t kit_int(struct kit *k, const struct sql *q, str workspace)
{
    struct counting c = {q, workspace, -1};
    struct fault why = {0};
    assert_rc(store_read(k->db.store, count_fn, &c, &why), RC_OK, &why);
    return c.n;
}

struct arriving {
    struct kit *k;
    struct account_arrival in;
    struct account_arrived out;
};

static enum rc arrive_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct arriving *a = arg;
    return accounts_arrive(a->k->accounts, tx, &a->in, a->k->mem, &a->out, why);
}

str kit_arrive_as(struct kit *k, enum app_kind kind, const char *workspace, const char *open_id,
                  int64_t expires_s)
{
    static const char access[] = "act.first", refresh[] = "rft.1";
    struct tiktok_tokens t = {.access = {(const unsigned char *)access, sizeof access - 1},
                              .refresh = {(const unsigned char *)refresh, sizeof refresh - 1},
                              .expires_in_s = expires_s,
                              .refresh_expires_in_s = 15552000,
                              .open_id = str_of(open_id),
                              .scopes = STR("user.info.basic")};
    if (kind == APP_ADS) {
        t.refresh = (struct secret){NULL, 0};
        t.expires_in_s = t.refresh_expires_in_s = 0;
        t.scopes = STR("4,15");
    }
    k->stub.generation = 1;
    struct arriving a = {
        .k = k, .in = {.workspace = str_of(workspace), .app = accounts_app(k->accounts, kind), .tokens = &t}};
    struct tiktok_user user = {.open_id = t.open_id,
                               .username = str_of(k->username != NULL ? k->username : "")};
    a.in.beside = str_of(k->beside != NULL ? k->beside : "");
    if (k->username != NULL && kind == APP_LOGIN_KIT)
        a.in.user = &user;
    else
        a.in.username = user.username;
    k->arrived = store_write(k->db.store, STORE_INTERACTIVE, arrive_fn, &a, &k->why);
    if (k->may_fail)
        return a.out.account;
    assert_rc(k->arrived, RC_OK, &k->why);
    return a.out.account;
}

str kit_arrive(struct kit *k, const char *workspace, const char *open_id, int64_t expires_s)
{
    return kit_arrive_as(k, APP_LOGIN_KIT, workspace, open_id, expires_s);
}
