/* See test_world.h. */
#include "test_world.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

/* ---- a receiver ---- */
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
static void derive(const void *arg, const char *label, str workspace, unsigned char out[32])
{
    (void)arg;
    (void)label;
    (void)workspace;
    memset(out, 7, 32);
}

enum rc render_message(const struct mozflow_render *r, struct jw *data, struct fault *why)
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

const struct mozflow_event test_types[] = {
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
    table = (struct mozflow_event_table){test_types, COUNT_OF(test_types), w};
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

void world_open(struct world *w, bool postgres, const char *allow)
{
    static const char kek[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef1\n";
    static struct migration_table t[5];
    t[0] = jobs_migrations;
    t[1] = keys_migrations;
    t[2] = audit_migrations;
    t[3] = mozflow_migrations;
    t[4] = access_migrations;
    *w = (struct world){.mem = arena_open((size_t)32 << 20)};
    crypto_start();
    testdb_open(&w->db, postgres, t, COUNT_OF(t));
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

void world_close(struct world *w)
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
enum rc emit_fn(struct tx *tx, void *arg, struct fault *why)
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

str emit(struct world *w)
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

str endpoint(struct world *w, bool enabled, const char *secret)
{
    struct fault why;
    struct act a = {.w = w, .set = {STR("ws_a"), str_of(w->url), enabled, str_of(secret)}};
    assert_rc(store_write(w->db.store, STORE_INTERACTIVE, save_fn, &a, &why), RC_OK, &why);
    return a.shown;
}

enum rc rotate_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    return mozflow_rotate(a->w->m, tx, STR("ws_a"), a->w->mem, &a->shown, why);
}

enum rc test_replay(struct tx *tx, void *arg, struct fault *why)
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

struct act look(struct world *w, str id)
{
    struct fault why;
    struct act a = {.w = w, .id = id};
    assert_rc(store_read(w->db.store, look_fn, &a, &why), RC_OK, &why);
    return a;
}

void assert_state(struct world *w, str id, const char *state, int attempts, const char *code)
{
    struct act a = look(w, id);
    assert_string_equal(arena_cstr(w->mem, a.row.state), state);
    assert_int_equal(a.row.attempts, attempts);
    if (code)
        assert_string_equal(a.row.last_code.p ? arena_cstr(w->mem, a.row.last_code) : "", code);
}

str header(struct world *w, const struct got *g, const char *name)
{
    const char *at = strcasestr(g->head, name);
    assert_non_null(at);
    at += strlen(name) + 2;
    return arena_str(w->mem, (str){at, strcspn(at, "\r")});
}

/* Standard Webhooks as a receiver does it, with OpenSSL's one-shot HMAC over a text put together here. */
bool verifies(struct world *w, const struct got *g, str secret)
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
