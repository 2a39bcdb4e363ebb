/* Events on their way to a receiver of the test's own, on both databases: signatures, retries, dead ends,
 * holding, rotation, withdrawal. */
#include "testdb.h"
#include "mozflow/mozflow_priv.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

/* ---- a receiver ---- */
struct got {
    char head[4096], body[8192];
};
struct receiver {
    int fd, port;
    pthread_t thread;
    _Atomic bool stop;
    pthread_mutex_t lock;
    struct got got[64];
    _Atomic int n;
    const char *answers[16]; /* status lines and headers of the first answers; after them 204 */
};

static void receive_one(struct receiver *r, int fd)
{
    struct got g = {{0}, {0}};
    char buf[12288];
    size_t n = 0, want = 0;
    char *end = NULL;
    while (n < sizeof buf - 1 && (!end || n < want)) {
        ssize_t k = recv(fd, buf + n, sizeof buf - 1 - n, 0);
        if (k <= 0)
            return;
        n += (size_t)k;
        buf[n] = 0;
        if (!end && (end = strstr(buf, "\r\n\r\n"))) {
            const char *len = strcasestr(buf, "content-length:");
            want = (size_t)(end + 4 - buf) + (len ? strtoul(len + 15, NULL, 10) : 0);
        }
    }
    (void)snprintf(g.head, sizeof g.head, "%.*s", (int)(end + 2 - buf), buf);
    (void)snprintf(g.body, sizeof g.body, "%s", end + 4);
    pthread_mutex_lock(&r->lock);
    int at = r->n;
    const char *say = at < 16 && r->answers[at] ? r->answers[at] : "204 No Content";
    if (at < 64)
        r->got[at] = g;
    r->n = at + 1;
    pthread_mutex_unlock(&r->lock);
    int k = snprintf(buf, sizeof buf, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", say);
    (void)send(fd, buf, (size_t)k, MSG_NOSIGNAL);
}

static void *receive(void *arg)
{
    struct receiver *r = arg;
    struct pollfd p = {r->fd, POLLIN, 0};
    while (!r->stop) {
        if (poll(&p, 1, 20) <= 0)
            continue;
        int fd = accept(r->fd, NULL, NULL);
        receive_one(r, fd);
        close(fd);
    }
    return NULL;
}

static void receiver_open(struct receiver *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    pthread_mutex_init(&r->lock, NULL);
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(r->fd, 16), 0);
    assert_int_equal(getsockname(r->fd, (struct sockaddr *)&a, &n), 0);
    r->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&r->thread, NULL, receive, r), 0);
}

static void receiver_close(struct receiver *r)
{
    r->stop = true;
    pthread_join(r->thread, NULL);
    close(r->fd);
    pthread_mutex_destroy(&r->lock);
}

/* ---- the world ---- */
struct world {
    struct testdb db;
    struct receiver to;
    char dir[64], kek[128];
    struct config *config;
    struct keys *keys;
    struct audit *audit;
    struct fetch *fetch;
    struct mozflow *m;
    struct jobs *jobs;
    struct job_table kinds;
    struct arena *mem;
    enum rc render_rc;
    char url[128];
};

static void derive(const void *arg, const char *label, str workspace, unsigned char out[32])
{
    (void)arg;
    (void)label;
    (void)workspace;
    memset(out, 7, 32);
}

static enum rc render_message(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    const struct world *w = r->ctx;
    str text;
    if (w->render_rc != RC_OK)
        return fault_set(why, w->render_rc, "test.render", "as told");
    assert_true(json_str(r->ids, "message", &text));
    jw_str(data, "message_id", text);
    jw_str(data, "text", STR("สวัสดี \"quoted\""));
    return RC_OK;
}

static const struct mozflow_event types[] = {
    {"message.received", "A customer wrote.", "{\"type\":\"object\"}", render_message}};

static void config_open(struct world *w, const char *allow)
{
    struct fault why;
    char a[200], b[200], c[300];
    const struct setting_table t[] = {{keys_settings, keys_settings_n},
                                      {fetch_settings, fetch_settings_n},
                                      {jobs_settings, jobs_settings_n},
                                      {mozflow_settings, mozflow_settings_n}};
    (void)snprintf(a, sizeof a, "MZ_KEYS_KEK_FILE=%s", w->kek);
    (void)snprintf(b, sizeof b, "MZ_FETCH_ALLOW_PRIVATE=%s", allow);
    (void)snprintf(c, sizeof c, "MZ_KEYS_PERSON_URL=%s%s%s", w->db.dir[0] ? "sqlite:" : "",
                   w->db.dir[0] ? w->dir : pg_database(), w->db.dir[0] ? "/people.db" : "");
    char *env[] = {a, b, c, NULL};
    assert_rc(config_load(t, COUNT_OF(t), STR_NONE, env, &w->config, &why), RC_OK, &why);
}

static void rooms_open(struct world *w)
{
    struct fault why;
    const struct keys_options ko = {
        .store = w->db.store, .main_url = str_of(w->db.url), .config = w->config, .no_thread = true};
    const struct audit_options ao = {.store = w->db.store, .mac = {NULL, derive}};
    static struct mozflow_event_table table;
    table = (struct mozflow_event_table){types, COUNT_OF(types), w};
    assert_rc(keys_open(&ko, &w->keys, &why), RC_OK, &why);
    assert_rc(audit_open(&ao, &w->audit, &why), RC_OK, &why);
    assert_rc(fetch_open(w->config, NULL, &w->fetch, &why), RC_OK, &why);
    const struct mozflow_options mo = {.store = w->db.store,
                                       .fetch = w->fetch,
                                       .keys = w->keys,
                                       .audit = w->audit,
                                       .config = w->config,
                                       .base_url = STR("https://tiktok.mozflow.test"),
                                       .tables = &table,
                                       .n_tables = 1};
    assert_rc(mozflow_open(&mo, &w->m, &why), RC_OK, &why);
    w->kinds = (struct job_table){mozflow_jobs, mozflow_jobs_n, w->m};
    const struct jobs_options jo = {
        .store = w->db.store, .config = w->config, .tables = &w->kinds, .n_tables = 1, .node = "n"};
    assert_rc(jobs_open(&jo, &w->jobs, &why), RC_OK, &why);
}

static void world_open(struct world *w, bool postgres, const char *allow)
{
    static const char kek[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef1\n";
    static struct migration_table t[4];
    t[0] = jobs_migrations;
    t[1] = keys_migrations;
    t[2] = audit_migrations;
    t[3] = mozflow_migrations;
    *w = (struct world){.mem = arena_open((size_t)32 << 20)};
    crypto_start();
    testdb_open(&w->db, postgres, t, 4);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/mzmozflow.XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->kek, sizeof w->kek, "%s/kek", w->dir);
    int fd = open(w->kek, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, kek, sizeof kek - 1), sizeof kek - 1);
    close(fd);
    config_open(w, allow);
    rooms_open(w);
    receiver_open(&w->to);
    (void)snprintf(w->url, sizeof w->url, "http://127.0.0.1:%d/tiktok/events", w->to.port);
}

static void world_close(struct world *w)
{
    jobs_close(&w->jobs);
    mozflow_close(&w->m);
    fetch_close(&w->fetch);
    receiver_close(&w->to);
    audit_close(&w->audit);
    keys_close(&w->keys);
    config_close(&w->config);
    testdb_close(&w->db);
    (void)unlink(w->kek);
    static const char *const left[] = {"people.db", "people.db-wal", "people.db-shm"};
    for (size_t i = 0; i < COUNT_OF(left); i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", w->dir, left[i]);
        (void)unlink(path);
    }
    (void)rmdir(w->dir);
    arena_close(&w->mem);
}

/* ---- acts ---- */
struct act {
    struct world *w;
    enum rc end;
    str id, shown;
    struct mozflow_endpoint_set set;
    struct outbox_row row;
    struct endpoint_row endpoint;
};

static enum rc emit_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    str id;
    const struct mozflow_new e = {.type = "message.received",
                                  .workspace = STR("ws_a"),
                                  .subject = STR("msg_1"),
                                  .ids = STR("{\"message\":\"msg_1\"}")};
    enum rc rc = mozflow_emit(tx, &e, &id, why);
    if (rc != RC_OK)
        return rc;
    a->id = arena_str(a->w->mem, id);
    return a->end == RC_OK ? RC_OK : fault_set(why, a->end, "test.end", "as told");
}

static str emit(struct world *w)
{
    struct fault why;
    struct act a = {.w = w};
    assert_rc(store_write(w->db.store, STORE_INTERACTIVE, emit_fn, &a, &why), RC_OK, &why);
    return a.id;
}

static enum rc save_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    return mozflow_endpoint_save(a->w->m, tx, &a->set, a->w->mem, &a->shown, why);
}

static str endpoint(struct world *w, bool enabled, const char *secret)
{
    struct fault why;
    struct act a = {.w = w, .set = {STR("ws_a"), str_of(w->url), enabled, str_of(secret)}};
    assert_rc(store_write(w->db.store, STORE_INTERACTIVE, save_fn, &a, &why), RC_OK, &why);
    return a.shown;
}

static enum rc rotate_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    return mozflow_rotate(a->w->m, tx, STR("ws_a"), a->w->mem, &a->shown, why);
}

static enum rc test_replay(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    enum rc rc = mozflow_db_settle(tx, &a->row, why);
    return rc == RC_OK ? mozflow_put_delivery(tx, STR("ws_a"), a->row.id, why) : rc;
}

static enum rc look_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    enum rc rc = mozflow_db_endpoint(tx, STR("ws_a"), a->w->mem, &a->endpoint, why);
    return rc == RC_OK ? mozflow_db_find(tx, STR("ws_a"), a->id, a->w->mem, &a->row, why) : rc;
}

static struct act look(struct world *w, str id)
{
    struct fault why;
    struct act a = {.w = w, .id = id};
    assert_rc(store_read(w->db.store, look_fn, &a, &why), RC_OK, &why);
    return a;
}

static void assert_state(struct world *w, str id, const char *state, int attempts, const char *code)
{
    struct act a = look(w, id);
    assert_string_equal(arena_cstr(w->mem, a.row.state), state);
    assert_int_equal(a.row.attempts, attempts);
    if (code)
        assert_string_equal(a.row.last_code.p ? arena_cstr(w->mem, a.row.last_code) : "", code);
}

static str header(struct world *w, const struct got *g, const char *name)
{
    const char *at = strcasestr(g->head, name);
    assert_non_null(at);
    at += strlen(name) + 2;
    return arena_str(w->mem, (str){at, strcspn(at, "\r")});
}

/* Standard Webhooks as a receiver does it, with OpenSSL's one-shot HMAC over a text put together here. */
static bool verifies(struct world *w, const struct got *g, str secret)
{
    str key, sent = header(w, g, "webhook-signature"), one;
    str text = arena_fmt(w->mem, STR_FMT "." STR_FMT ".%s", STR_ARG(header(w, g, "webhook-id")),
                         STR_ARG(header(w, g, "webhook-timestamp")), g->body);
    unsigned char mac[SHA256_BYTES];
    struct buf b;
    assert_true(base64_parse(str_sub(secret, 6, secret.n), w->mem, &key));
    hmac_once((struct secret){(const unsigned char *)key.p, key.n}, &text, 1, mac);
    buf_init(&b, w->mem, 100);
    buf_put(&b, STR("v1,"));
    buf_put_base64(&b, mac, sizeof mac);
    while (str_cut(&sent, ' ', &one))
        if (str_eq(one, buf_str(&b)))
            return true;
    return false;
}

/* ---- pure ---- */
static void test_the_published_example(void **state)
{
    (void)state;
    struct arena *mem = arena_open(65536);
    struct secret key, none;
    crypto_start();
    assert_true(mozflow_secret_parse(STR(SECRET), mem, &key));
    const str parts[3] = {STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), STR("1614265330"),
                          STR("{\"test\": 2432232314}")};
    assert_string_equal(mozflow_signature(&key, 1, parts, mem).p,
                        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_false(mozflow_secret_parse(STR("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), mem, &none));
    assert_false(mozflow_secret_parse(STR("whsec_short"), mem, &none));
    assert_false(mozflow_secret_parse(STR("whsec_AAAA"), mem, &none));
    arena_close(&mem);
}

static void test_retry_after(void **state)
{
    (void)state;
    assert_int_equal(mozflow_retry_after(STR_NONE, 0), 0);
    assert_int_equal(mozflow_retry_after(STR("120"), 0), 120000);
    assert_int_equal(mozflow_retry_after(STR("-5"), 0), 0);
    assert_int_equal(mozflow_retry_after(STR("soon"), 0), 0);
    assert_int_equal(mozflow_retry_after(STR("99999999999"), 0), 86400000);
    assert_int_equal(mozflow_retry_after(STR("Thu, 01 Jan 1970 00:02:00 GMT"), 60000), 60000);
    assert_int_equal(mozflow_retry_after(STR("Thu, 01 Jan 1970 00:02:00 GMT trailing"), 60000), 0);
}

/* ---- on both databases ---- */
static void delivers_once_and_signed(bool postgres)
{
    struct world w;
    struct fault why;
    const struct json *doc;
    str v;
    world_open(&w, postgres, "127.0.0.0/8");
    assert_int_equal(endpoint(&w, true, SECRET).n, 0);
    str id = emit(&w);
    struct act failed = {.w = &w, .end = RC_CONFLICT};
    assert_int_equal(store_write(w.db.store, STORE_INTERACTIVE, emit_fn, &failed, &why), RC_CONFLICT);
    jobs_drain(w.jobs);
    jobs_drain(w.jobs);
    assert_int_equal(w.to.n, 1); /* the rolled-back one never was */
    assert_state(&w, id, "delivered", 1, "");
    const struct got *g = &w.to.got[0];
    assert_true(verifies(&w, g, STR(SECRET)));
    assert_false(verifies(&w, g, STR("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")));
    assert_true(str_eq(header(&w, g, "webhook-id"), id));
    assert_rc(json_parse(str_of(g->body), NULL, w.mem, &doc, &why), RC_OK, &why);
    assert_true(json_str(doc, "specversion", &v) && str_eq(v, STR("1.0")));
    assert_true(json_str(doc, "id", &v) && str_eq(v, id));
    assert_true(json_str(doc, "type", &v) && str_eq(v, STR("mozflow.tiktok.message.received")));
    assert_true(json_str(doc, "source", &v) && str_eq(v, STR("https://tiktok.mozflow.test/workspaces/ws_a")));
    assert_true(json_str(doc, "subject", &v) && str_eq(v, STR("msg_1")));
    assert_true(json_str(json_get(doc, "data"), "text", &v) && str_eq(v, STR("สวัสดี \"quoted\"")));
    world_close(&w);
}
TESTDB_CASES(delivers_once_and_signed)

static void retries_die_and_are_replayed(bool postgres)
{
    struct world w;
    struct fault why;
    world_open(&w, postgres, "127.0.0.0/8");
    for (size_t i = 0; i < 16; i++)
        w.to.answers[i] = i == 1 ? "302 Found\r\nLocation: /x" : "503 Busy\r\nRetry-After: 3600";
    endpoint(&w, true, SECRET);
    str id = emit(&w);
    jobs_drain(w.jobs);
    assert_state(&w, id, "waiting", 1, "mozflow.refused");
    clock_shift_ms(60000);
    jobs_drain(w.jobs);
    assert_int_equal(w.to.n, 1); /* 5 s in the schedule, but an hour was asked for */
    clock_shift_ms(3600000);
    jobs_drain(w.jobs);
    assert_int_equal(w.to.n, 2);
    assert_state(&w, id, "waiting", 2, "mozflow.redirect");
    for (int i = 0; i < 30 && w.to.n < 11; i++) {
        clock_shift_ms(27 * 3600000LL);
        jobs_drain(w.jobs);
    }
    assert_state(&w, id, "dead", 11, "mozflow.refused");
    clock_shift_ms(48 * 3600000LL);
    jobs_drain(w.jobs);
    assert_int_equal(w.to.n, 11);
    for (int i = 0; i < 11; i++) {
        assert_true(str_eq(header(&w, &w.to.got[i], "webhook-id"), id));
        assert_true(verifies(&w, &w.to.got[i], STR(SECRET)));
    }
    memset(w.to.answers, 0, sizeof w.to.answers);
    struct act a = look(&w, id);
    a.row.state = STR("waiting");
    a.row.attempts = 0;
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, test_replay, &a, &why), RC_OK, &why);
    jobs_drain(w.jobs);
    assert_state(&w, id, "delivered", 1, "");
    assert_true(str_eq(header(&w, &w.to.got[11], "webhook-id"), id));
    world_close(&w);
}
TESTDB_CASES(retries_die_and_are_replayed)

static void holds_and_releases(bool postgres)
{
    struct world w;
    world_open(&w, postgres, "127.0.0.0/8");
    str early = emit(&w);
    jobs_drain(w.jobs);
    assert_state(&w, early, "held", 0, "");
    str shown = endpoint(&w, true, NULL); /* a secret is made and shown */
    assert_true(str_starts(shown, STR("whsec_")));
    jobs_drain(w.jobs);
    assert_state(&w, early, "delivered", 1, "");
    assert_true(verifies(&w, &w.to.got[0], shown));
    w.to.answers[1] = "410 Gone";
    str gone = emit(&w);
    jobs_drain(w.jobs);
    struct act a = look(&w, gone);
    assert_false(a.endpoint.enabled);
    assert_true(str_eq(a.endpoint.off_code, STR("gone")));
    assert_state(&w, gone, "held", 1, "mozflow.gone");
    str later = emit(&w);
    jobs_drain(w.jobs);
    assert_state(&w, later, "held", 0, "");
    assert_int_equal(w.to.n, 2);
    assert_int_equal(endpoint(&w, true, NULL).n, 0); /* the secret stays */
    jobs_drain(w.jobs);
    assert_state(&w, gone, "delivered", 2, "");
    assert_state(&w, later, "delivered", 1, "");
    assert_int_equal(w.to.n, 4);
    world_close(&w);
}
TESTDB_CASES(holds_and_releases)

static void rotation_signs_with_both(bool postgres)
{
    struct world w;
    struct fault why;
    world_open(&w, postgres, "127.0.0.0/8");
    str first = endpoint(&w, true, NULL);
    struct act a = {.w = &w};
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, rotate_fn, &a, &why), RC_OK, &why);
    assert_false(str_eq(first, a.shown));
    (void)emit(&w);
    jobs_drain(w.jobs);
    assert_true(verifies(&w, &w.to.got[0], first));
    assert_true(verifies(&w, &w.to.got[0], a.shown));
    clock_shift_ms(25 * 3600000LL);
    (void)emit(&w);
    jobs_drain(w.jobs);
    assert_false(verifies(&w, &w.to.got[1], first));
    assert_true(verifies(&w, &w.to.got[1], a.shown));
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, rotate_fn, &a, &why), RC_OK, &why);
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, rotate_fn, &a, &why), RC_OK, &why);
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, rotate_fn, &a, &why), RC_CONFLICT, &why);
    assert_string_equal(why.code, "mozflow.too_many_secrets");
    world_close(&w);
}
TESTDB_CASES(rotation_signs_with_both)

static void erased_is_withdrawn(bool postgres)
{
    struct world w;
    world_open(&w, postgres, "127.0.0.0/8");
    endpoint(&w, true, SECRET);
    w.render_rc = RC_MISSING;
    str id = emit(&w);
    jobs_drain(w.jobs);
    assert_state(&w, id, "withdrawn", 1, "");
    w.render_rc = RC_BUG;
    id = emit(&w);
    jobs_drain(w.jobs);
    assert_state(&w, id, "dead", 1, "test.render");
    assert_int_equal(w.to.n, 0);
    world_close(&w);
}
TESTDB_CASES(erased_is_withdrawn)

static void private_networks_are_closed(bool postgres)
{
    struct world w;
    struct fault why;
    world_open(&w, postgres, "");
    assert_rc(mozflow_url_ok(w.m, str_of(w.url), &why), RC_INVALID, &why);
    assert_rc(mozflow_url_ok(w.m, STR("http://mozflow.example/x"), &why), RC_INVALID, &why);
    assert_rc(mozflow_url_ok(w.m, STR("https://10.0.0.1/x"), &why), RC_INVALID, &why);
    assert_rc(mozflow_url_ok(w.m, STR("https://user@mozflow.example/x"), &why), RC_INVALID, &why);
    assert_rc(mozflow_url_ok(w.m, STR("https://mozflow.example/x"), &why), RC_OK, &why);
    endpoint(&w, true, SECRET); /* saved anyhow, as by an older setting */
    str id = emit(&w);
    jobs_drain(w.jobs);
    assert_state(&w, id, "waiting", 1, "fetch.address");
    assert_int_equal(w.to.n, 0);
    world_close(&w);
}
TESTDB_CASES(private_networks_are_closed)

static enum rc bad_emit(struct tx *tx, void *arg, struct fault *why)
{
    return mozflow_emit(tx, arg, NULL, why);
}

static void refuses_what_it_does_not_know(bool postgres)
{
    struct world w;
    struct fault why;
    world_open(&w, postgres, "127.0.0.0/8");
    struct mozflow_new e = {.type = "message.vanished", .workspace = STR("ws_a")};
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, bad_emit, &e, &why), RC_BUG, &why);
    assert_string_equal(why.code, "mozflow.unknown_type");
    e = (struct mozflow_new){.type = "message.received", .workspace = STR("ws_a"), .ids = STR("[1]")};
    assert_rc(store_write(w.db.store, STORE_INTERACTIVE, bad_emit, &e, &why), RC_BUG, &why);
    struct mozflow_options o = w.m->o;
    static const struct mozflow_event again[] = {
        {"message.received", "Another row.", "{\"type\":\"object\"}", render_message}};
    const struct mozflow_event_table two[] = {{types, 1, NULL}, {again, 1, NULL}};
    struct mozflow *m = NULL;
    o.tables = two;
    o.n_tables = 2;
    assert_rc(mozflow_open(&o, &m, &why), RC_BUG, &why);
    world_close(&w);
}
TESTDB_CASES(refuses_what_it_does_not_know)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_published_example),
        cmocka_unit_test(test_retry_after),
        TESTDB_BOTH(delivers_once_and_signed),
        TESTDB_BOTH(retries_die_and_are_replayed),
        TESTDB_BOTH(holds_and_releases),
        TESTDB_BOTH(rotation_signs_with_both),
        TESTDB_BOTH(erased_is_withdrawn),
        TESTDB_BOTH(private_networks_are_closed),
        TESTDB_BOTH(refuses_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
