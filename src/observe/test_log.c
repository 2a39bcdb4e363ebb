/* Log lines: each is one JSON object whatever it is given; secrets are masked in every field, known token
 * shapes even in free text; lines of several threads never mix. Read back over a pipe. */
#include "unit.h"
#include <fcntl.h>
#include <pthread.h>
#include "crypto/crypto.h"
#include "observe/observe_priv.h"

static int pipe_fd[2];
static struct log *out;
static struct arena *mem;

static int start(void **state)
{
    (void)state;
    assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
    (void)fcntl(pipe_fd[1], F_SETPIPE_SZ, 1 << 20);
    assert_int_equal(log_open(pipe_fd[1], LOG_INFO, &out, NULL), RC_OK);
    mem = arena_open((size_t)64 << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    log_context(NULL, STR_NONE);
    log_close(&out);
    assert_null(out);
    (void)close(pipe_fd[0]);
    (void)close(pipe_fd[1]);
    arena_close(&mem);
    return 0;
}

static str all_text(void)
{
    char *p = arena_take(mem, 1 << 20);
    assert_non_null(p);
    size_t n = 0;
    (void)fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
    for (;;) {
        ssize_t got = read(pipe_fd[0], p + n, (1 << 20) - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    return (str){p, n};
}

static const struct json *parse_line(str line)
{
    const struct json *o = NULL;
    struct fault why = {.code = ""};
    if (json_parse(line, NULL, mem, &o, &why) != RC_OK)
        print_error("%s in: %.*s\n", why.code, STR_ARG(line));
    assert_non_null(o);
    assert_int_equal(o->type, JSON_OBJ);
    assert_true(utf8_valid(line));
    return o;
}

/* Exactly one line was written: its tree. */
static const struct json *one_line(void)
{
    str text = all_text(), line;
    assert_true(str_ends(text, STR("\n")));
    assert_true(str_cut(&text, '\n', &line));
    assert_int_equal(text.n, 0);
    return parse_line(line);
}

static void has(const struct json *o, const char *key, const char *want)
{
    str s = STR_NONE;
    if (!json_str(o, key, &s) || !str_eq(s, str_of(want)))
        print_error("%s is \"%.*s\", not \"%s\"\n", key, STR_ARG(s), want);
    assert_true(str_eq(s, str_of(want)));
}

static void every_type(void **state)
{
    (void)state;
    struct fault why;
    int64_t i;
    bool b;
    str s;
    (void)fault_set(&why, RC_LIMITED, "tiktok.rate", "after %d calls", 5);
    log_context("request", STR("req_1"));
    log_event(out, LOG_WARN, "token.refresh", F_ID("account", STR("acc_1")), F_STR("note", STR("ข้อความ")),
              F_INT("n", -3), F_MS("took", 12), F_FLAG("ok", true), F_RC(RC_REAUTH),
              F_SECRET("token", STR("act.abc")), F_PERSON("name", STR("สมชาย")), F_FAULT(&why),
              F_STR("nothing", STR_NONE), F_FAULT(NULL));
    const struct json *o = one_line();
    has(o, "level", "warn");
    has(o, "event", "token.refresh");
    has(o, "request", "req_1");
    has(o, "account", "acc_1");
    has(o, "note", "ข้อความ");
    has(o, "rc", "reauth");
    has(o, "name", "ส***");
    assert_true(json_i64(o, "n", &i) && i == -3);
    assert_true(json_i64(o, "took_ms", &i) && i == 12);
    assert_true(json_bool(o, "ok", &b) && b);
    assert_true(json_str(o, "ts", &s) && s.n == TIME_TEXT - 1);
    assert_true(json_str(o, "token", &s) && s.n == 11 && str_starts(s, STR("***")));
    has(json_get(o, "fault"), "rc", "limited");
    has(json_get(o, "fault"), "code", "tiktok.rate");
    has(json_get(o, "fault"), "detail", "after 5 calls");
    assert_int_equal(json_get(o, "nothing")->type, JSON_NULL);
    assert_int_equal(json_get(o, "fault#10")->type, JSON_NULL); /* the second of a name */
}

static void levels_and_no_log(void **state)
{
    (void)state;
    log_event(out, LOG_DEBUG, "quiet", F_INT("n", 1));
    log_event(NULL, LOG_ERROR, "nowhere", F_INT("n", 1));
    assert_int_equal(all_text().n, 0);
    log_fields(out, LOG_INFO, "bare", NULL, 0);
    has(one_line(), "event", "bare");
}

static void equal_secrets_show_equal_marks(void **state)
{
    (void)state;
    str a, b = STR_NONE, c = STR_NONE;
    log_event(out, LOG_INFO, "x", F_SECRET("a", STR("rft.one")), F_SECRET("b", STR("rft.one")),
              F_SECRET("c", STR("rft.two")));
    const struct json *o = one_line();
    assert_true(json_str(o, "a", &a) && json_str(o, "b", &b) && json_str(o, "c", &c));
    assert_true(str_eq(a, b));
    assert_false(str_eq(a, c));
    /* not a plain hash that anyone could compute */
    str plain = sha256_hex(STR("rft.one"), mem);
    assert_false(str_eq(str_sub(a, 3, 8), str_sub(plain, 0, 8)));
}

static void names_used_twice_stay_readable(void **state)
{
    (void)state;
    log_context("job", STR("j"));
    log_event(out, LOG_INFO, "x", F_INT("event", 1), F_INT("ts", 2), F_INT("job", 3), F_INT("a", 4),
              F_INT("a", 5), F_MS("b", 6), F_INT("b_ms", 7));
    const struct json *o = one_line();
    int64_t i;
    assert_true(json_i64(o, "event#0", &i) && json_i64(o, "ts#1", &i) && json_i64(o, "job#2", &i));
    assert_true(json_i64(o, "a", &i) && i == 4);
    assert_true(json_i64(o, "a#4", &i) && i == 5);
    assert_true(json_i64(o, "b_ms#6", &i) && i == 7);
}

static const char *const canaries[] = {
    "act.nwDAc8ZnLxkqB4TeHTpTNnHFMzS0CP7k!5001.va",
    "rft.c4bXQpL1mCz8gGgWlQyzYdNoPqsVoUvG!5036.va",
    "Bearer 5fTzkQ3oZc19pW",
    "bearer  c2VjcmV0LXZhbHVl",
    "8b1a9953c4611296a827abf8c47804d7e6c49c6b",    /* 40 hex: a long-lived business token */
    "kX9vQ2mT7wL4sR8nB3cF6hJ1dG5yZ0aPqWeRtYuIoAs", /* 43: a token of ours */
    "u8Qe+Jx1/2mLkT9vRz+P0aYbNcWdXfGhHiJjKkLlMm0=",
    "clt.2yZ8kQpL1mCz8gGgWlQyzYdNoPqsV",
};

/* Whole canaries and their inner part must be gone in every kind of field. */
static void no_canary_leaves(str text)
{
    size_t at;
    for (size_t i = 0; i < COUNT_OF(canaries); i++) {
        str c = str_of(canaries[i]);
        assert_false(str_find(text, c, &at));
        if (str_find(text, str_sub(c, 8, 12), &at))
            print_error("a part of %s is in: %.*s\n", canaries[i], STR_ARG(text));
        assert_false(str_find(text, str_sub(c, 8, 12), &at));
    }
}

static void tokens_are_masked_in_any_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(canaries); i++) {
        str c = str_of(canaries[i]);
        struct fault why;
        (void)fault_set(&why, RC_RETRY, "x.y", "body said %s and more", canaries[i]);
        log_event(out, LOG_INFO, "canary", F_STR("a", c), F_STR("b", arena_fmt(mem, "x %s, y", c.p)),
                  F_STR("c", arena_fmt(mem, "{\"access_token\":\"%s\"}", c.p)),
                  F_STR("d", arena_fmt(mem, "https://h/p?access_token=%s&x=1", c.p)), F_SECRET("e", c),
                  F_FAULT(&why), F_STR("f", arena_fmt(mem, "(%s)", c.p)), F_PERSON("g", c),
                  F_STR("h", arena_fmt(mem, "ส%s", c.p)));
        str line = all_text();
        no_canary_leaves(line);
        (void)parse_line(str_sub(line, 0, line.n - 1));
    }
    /* ids keep long names of TikTok, but never a token that was given by mistake */
    log_event(out, LOG_INFO, "canary", F_ID("a", str_of(canaries[0])), F_ID("b", str_of(canaries[1])),
              F_ID("open_id", STR("-000RwzKabcdefghijklmnopqrstuvwxyz0123456789ABCD")));
    str line = all_text();
    no_canary_leaves(line);
    has(parse_line(str_sub(line, 0, line.n - 1)), "open_id",
        "-000RwzKabcdefghijklmnopqrstuvwxyz0123456789ABCD");
}

static void net(const char *in, const char *want)
{
    struct buf b;
    buf_init(&b, mem, 1000);
    mask_text(&b, str_of(in), 256, MASK_SHAPES_AND_RUNS);
    if (!str_eq(buf_str(&b), str_of(want)))
        print_error("\"%s\" became \"%.*s\"\n", in, STR_ARG(buf_str(&b)));
    assert_true(str_eq(buf_str(&b), str_of(want)));
}

static void what_the_net_takes_and_leaves(void **state)
{
    (void)state;
    net("act.abcdefgh1 rest", "act.*** rest");
    net("act. Then the curtain falls", "act. Then the curtain falls");
    net("fact.ory and contract.or stay", "fact.ory and contract.or stay");
    net("client_secret=x", "client_secret=***");
    net("\"refresh_token\": \"abc\", \"n\": 1", "\"refresh_token\": \"***\", \"n\": 1");
    net("Password: hunter2!", "Password: ***");
    net("code=40001 stays", "code=40001 stays");
    net("code=a1b2c3d4e5f6&state=0123456789abcdef0", "code=***&state=***");
    net("HTTP 502 from open.tiktokapis.com", "HTTP 502 from open.tiktokapis.com");
    net("/v1/conversations/cnv_01kamf3yhr0000000000000000/messages",
        "/v1/conversations/cnv_01kamf3yhr0000000000000000/messages");
    net("msg_01kamf3yhr0000000000000000", "msg_01kamf3yhr0000000000000000");
    net("Authorization: Bearer abcdefgh12 end", "Authorization: *** end");
    net("ข้อความธรรมดา", "ข้อความธรรมดา");
    net("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***");
    net("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaact.0123456789abcdef, b", "***, b");
    static const char *const names[] = {"access_token", "refresh_token", "client_secret", "code_verifier",
                                        "app_secret",   "auth_code",     "password",      "cookie",
                                        "secret",       "token",         "code",          "state",
                                        "ticket",       "authorization", "Set-Cookie",    "AUTH_CODE"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        str name = str_of(names[i]);
        net(arena_fmt(mem, STR_FMT "=0123456789abcdefg", STR_ARG(name)).p,
            arena_fmt(mem, STR_FMT "=***", STR_ARG(name)).p);
    }
    static const char *const prefixes[] = {"act.", "rft.", "clt.", "whsec_", "RFT.", "basic ", "BEARER "};
    for (size_t i = 0; i < COUNT_OF(prefixes); i++)
        net(arena_fmt(mem, "%s0123456789abcdefg", prefixes[i]).p, arena_fmt(mem, "%s***", prefixes[i]).p);
    net("", "");
}

static void long_text_is_cut_between_characters(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, NULL, 4096);
    for (int i = 0; i < 1000; i++)
        buf_put(&b, STR("ส"));
    log_event(out, LOG_INFO, "x", F_STR("a", buf_str(&b)), F_ID("b", buf_str(&b)));
    const struct json *o = one_line();
    str s;
    assert_true(json_str(o, "a", &s) && s.n == 255);
    assert_true(json_str(o, "b", &s) && s.n == 126);
    /* a token that begins before the cut does not show its head */
    buf_clear(&b);
    for (int i = 0; i < 250; i++)
        buf_put(&b, i % 8 == 7 ? STR(" ") : STR("x"));
    buf_put(&b, str_of(canaries[0]));
    log_event(out, LOG_INFO, "x", F_STR("a", buf_str(&b)));
    no_canary_leaves(all_text());
    buf_release(&b);
    /* a detail cut inside a token of ours, where the rest is too short to be known as one */
    struct fault why;
    for (int before = 200; before < 256; before++) {
        (void)fault_set(&why, RC_BUG, "x", "%*s%s", before, "said ", canaries[5]);
        log_event(out, LOG_INFO, "x", F_FAULT(&why));
        str text = all_text();
        size_t at;
        for (size_t n = 0; n + 6 <= 43; n++)
            assert_false(str_find(text, str_sub(str_of(canaries[5]), n, 6), &at));
        arena_reset(mem);
    }
}

static void hostile_bytes(void **state)
{
    (void)state;
    log_event(out, LOG_INFO, "x", F_STR("a", STR("line\nbreak \x1b[31m \xE2\x80\xAE \x80\xFF\0")),
              F_ID("b", STR("\"\\\n")), F_PERSON("c", STR("\xE0\xB8")), F_STR("d", STR("\xE2\x80\xA8")));
    str text = all_text();
    size_t at;
    assert_false(str_find(text, STR("\x1b"), &at));
    assert_false(str_find(text, STR("\xE2\x80\xAE"), &at));
    assert_false(str_find(text, STR("\xE2\x80\xA8"), &at));
    assert_true(str_find(text, STR("\n"), &at));
    assert_int_equal(at, text.n - 1);
    (void)parse_line(str_sub(text, 0, text.n - 1));
    for (int round = 0; round < 3000; round++) {
        unsigned char bytes[40];
        random_bytes(bytes, sizeof(bytes));
        str s = {(const char *)bytes, bytes[0] % 40};
        log_context("request", s);
        log_event(out, LOG_INFO, "x", F_STR("a", s), F_ID("b", s), F_SECRET("c", s), F_PERSON("d", s));
        (void)one_line();
        arena_reset(mem);
    }
}

static void a_line_too_long_says_so(void **state)
{
    (void)state;
    static struct field many[200];
    bool b;
    struct buf text;
    buf_init(&text, NULL, 1000);
    for (int i = 0; i < 200; i++)
        buf_put(&text, STR("\x01"));
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = F_STR("a", buf_str(&text));
    log_fields(out, LOG_INFO, "much", many, COUNT_OF(many));
    const struct json *o = one_line();
    has(o, "event", "much");
    assert_true(json_bool(o, "too_long", &b) && b);
    buf_release(&text);
}

static void *write_many(void *arg)
{
    str id = str_of(arg);
    log_context("request", id);
    for (int i = 0; i < 500; i++)
        log_event(out, LOG_INFO, "thread", F_INT("n", i), F_ID("same", id));
    return NULL;
}

static void threads_never_mix(void **state)
{
    (void)state;
    static char ids[4][8] = {"aaaa", "bbbb", "cccc", "dddd"};
    pthread_t t[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, write_many, ids[i]), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    str text = all_text(), line;
    unsigned lines = 0;
    while (str_cut(&text, '\n', &line) && line.n > 0) {
        str a, b;
        const struct json *o = parse_line(line);
        assert_true(json_str(o, "request", &a) && json_str(o, "same", &b) && str_eq(a, b));
        lines++;
    }
    assert_int_equal(lines, 2000);
}

static void lost_lines_are_counted(void **state)
{
    (void)state;
    struct log *broken = NULL;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    metrics_register(observe_metrics, observe_metrics_n);
    assert_int_equal(log_open(fd, LOG_INFO, &broken, NULL), RC_OK);
    int64_t before = metric_value(&observe_metrics[0], NULL, NULL);
    log_event(broken, LOG_INFO, "x", F_INT("n", 1));
    assert_int_equal(metric_value(&observe_metrics[0], NULL, NULL), before + 1);
    log_close(&broken);
    (void)close(fd);
    struct fault why;
    assert_int_equal(log_open(-1, LOG_INFO, &broken, &why), RC_INVALID);
    assert_null(broken);
}

static void people_are_masked(void **state)
{
    (void)state;
    static const char *const v[][2] = {{"somchai", "s***"},
                                       {"som@example.com", "s***"},
                                       {"+66812345678", "***78"},
                                       {"081-234-5678", "***78"},
                                       {"ab", "***"},
                                       {"x", "***"},
                                       {"\xFF\xFE broken", "***"},
                                       {"😀 smile", "😀***"}};
    for (size_t i = 0; i < COUNT_OF(v); i++) {
        struct buf b;
        buf_init(&b, mem, 64);
        mask_person(&b, str_of(v[i][0]));
        assert_true(str_eq(buf_str(&b), str_of(v[i][1])));
    }
    for (int p = 0; p < PERM_COUNT; p++) {
        assert_non_null(permission_name((enum permission)p));
        for (int q = 0; q < p; q++)
            assert_string_not_equal(permission_name((enum permission)p), permission_name((enum permission)q));
    }
}

#define WITH_LOG(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOG(every_type),
        WITH_LOG(levels_and_no_log),
        WITH_LOG(equal_secrets_show_equal_marks),
        WITH_LOG(names_used_twice_stay_readable),
        WITH_LOG(tokens_are_masked_in_any_field),
        WITH_LOG(what_the_net_takes_and_leaves),
        WITH_LOG(long_text_is_cut_between_characters),
        WITH_LOG(hostile_bytes),
        WITH_LOG(a_line_too_long_says_so),
        WITH_LOG(threads_never_mix),
        WITH_LOG(lost_lines_are_counted),
        WITH_LOG(people_are_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
