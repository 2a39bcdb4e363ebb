/* access through http, on both databases: sign-in and its limits, sessions' ends, members, keys, links,
 * tenants. */
#include "test_web.h"

static const char right[] = "{\"email\":\"owner@shop.EXAMPLE\",\"password\":\"correct horse battery\"}";
static const char wrong[] = "{\"email\":\"owner@shop.example\",\"password\":\"correct horse batterz\"}";
static const char unknown[] = "{\"email\":\"ghost@shop.example\",\"password\":\"correct horse battery\"}";

static int me(struct web *w, str cookie)
{
    return web_ask(w, (struct ask){.method = "GET", .path = "/v1/session", .cookie = cookie}).status;
}

static struct told sign_in(struct web *w, const char *body, str cookie)
{
    return web_ask(
        w,
        (struct ask){.method = "POST", .path = "/v1/session", .once = "-", .body = body, .cookie = cookie});
}

/* A problem's bytes without what names the request. */
static str problem_of(struct web *w, struct told t)
{
    size_t from, to;
    str s = t.body;
    if (!str_find(s, STR("\"request_id\""), &from))
        return s;
    str rest = str_sub(s, from, s.n);
    if (!str_find(rest, STR(","), &to))
        assert_true(str_find(rest, STR("}"), &to));
    return arena_fmt(w->k.mem, "%d " STR_FMT STR_FMT, t.status, (int)from, s.p,
                     STR_ARG(str_sub(rest, to, rest.n)));
}

static void signs_in_and_out(bool postgres)
{
    struct web w;
    web_open(&w, postgres);
    struct told t = sign_in(&w, right, STR_NONE);
    assert_int_equal(t.status, 200);
    assert_int_equal(t.cookie.n, 43);
    assert_true(told_has(t, "\"conversations.read\"") && told_has(t, "\"role\":\"owner\""));
    size_t at;
    assert_true(str_find(t.head, STR("; Secure"), &at) && str_find(t.head, STR("HttpOnly"), &at));
    assert_int_equal(me(&w, t.cookie), 200);
    struct told again = sign_in(&w, right, t.cookie); /* fixation: a new id, and the old one is dead */
    assert_int_equal(again.status, 200);
    assert_false(str_eq(again.cookie, t.cookie));
    assert_int_equal(me(&w, t.cookie), 401);
    assert_int_equal(me(&w, STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")), 401);
    struct told th = web_ask(&w, (struct ask){.method = "PUT",
                                              .path = "/v1/session/language",
                                              .cookie = again.cookie,
                                              .body = "{\"language\":\"en\"}"});
    assert_int_equal(th.status, 200);
    assert_true(told_has(th, "\"language\":\"en\""));
    struct told out =
        web_ask(&w, (struct ask){.method = "DELETE", .path = "/v1/session", .cookie = again.cookie});
    assert_int_equal(out.status, 200);
    assert_int_equal(me(&w, again.cookie), 401);
    web_close(&w);
}
TESTDB_CASES(signs_in_and_out)

static void tells_nothing_when_wrong(bool postgres)
{
    struct web w;
    web_open(&w, postgres);
    struct told a = sign_in(&w, wrong, STR_NONE), b = sign_in(&w, unknown, STR_NONE);
    assert_int_equal(a.status, 401);
    assert_true(str_eq(problem_of(&w, a), problem_of(&w, b)));
    assert_int_equal(a.cookie.n, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(sign_in(&w, wrong, STR_NONE).status, 401);
    struct told limited = sign_in(&w, right, STR_NONE); /* the sixth within 15 minutes, even if right */
    size_t at;
    assert_int_equal(limited.status, 429);
    assert_true(told_has(limited, "access.too_many"));
    assert_true(str_find(limited.head, STR("Retry-After: 900"), &at));
    struct fault why;
    struct audit_verdict v; /* still another e-mail may sign in from here */
    assert_int_equal(sign_in(&w, unknown, STR_NONE).status, 401);
    clock_shift_ms(SLOT_MS);
    int later = sign_in(&w, right, STR_NONE).status;
    clock_shift_ms(-SLOT_MS);
    assert_int_equal(later, 200);
    assert_rc(audit_verify(w.k.audit, w.k.a.workspace, NULL, &v, &why), RC_OK, &why);
    web_close(&w);
}
TESTDB_CASES(tells_nothing_when_wrong)

/* The owner as a stream's principal, by the session's cookie. */
static struct principal owner_in(struct web *w, str cookie)
{
    return (struct principal){.kind = WHO_MEMBER,
                              .workspace = w->k.a.workspace,
                              .id = w->k.a.owner,
                              .role = STR("owner"),
                              .session = sha256_hex(cookie, w->k.mem)};
}

static void ends_sessions_by_time(bool postgres)
{
    struct web w;
    int64_t minute = 60000, shifted = 0;
    web_open(&w, postgres);
    str s = web_enter(&w, &w.k.a);
    int codes[27];
    for (size_t i = 0; i < COUNT_OF(codes); i++) { /* used every 29 minutes: lives, but 12 hours at most */
        clock_shift_ms(29 * minute);
        shifted += 29 * minute;
        codes[i] = me(&w, s);
    }
    clock_shift_ms(-shifted);
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        assert_int_equal(codes[i], (int64_t)(i + 1) * 29 * minute < INT64_C(12) * 60 * minute ? 200 : 401);
    web_close(&w);
    web_open(&w, postgres);
    s = web_enter(&w, &w.k.a);
    struct principal who = owner_in(&w, s);
    struct fault why;
    assert_rc(access_still(w.k.access, &who, &why), RC_OK, &why);
    clock_shift_ms(31 * minute);
    int idle = me(&w, s);
    enum rc still = access_still(w.k.access, &who, &why);
    clock_shift_ms(-31 * minute);
    assert_int_equal(idle, 401);
    assert_rc(still, RC_DENIED, &why);
    web_close(&w);
}
TESTDB_CASES(ends_sessions_by_time)

/* A signed-out browser's stream ends, though the member is signed in elsewhere too. */
static void a_stream_lives_by_its_own_session(bool postgres)
{
    struct web w;
    struct secret again;
    struct fault why;
    web_open(&w, postgres);
    str first = web_enter(&w, &w.k.a);
    assert_rc(access_console_token(w.k.access, w.k.a.workspace, w.k.a.owner, ENTER_MS, w.k.mem, &again, &why),
              RC_OK, &why);
    str second = web_press(&w, (str){(const char *)again.p, again.n}).cookie;
    struct principal one = owner_in(&w, first), two = owner_in(&w, second);
    assert_rc(access_still(w.k.access, &one, &why), RC_OK, &why);
    assert_rc(access_still(w.k.access, &two, &why), RC_OK, &why);
    assert_int_equal(
        web_ask(&w, (struct ask){.method = "DELETE", .path = "/v1/session", .cookie = first}).status, 200);
    assert_rc(access_still(w.k.access, &one, &why), RC_DENIED, &why);
    assert_string_equal(why.code, "access.session_ended");
    assert_rc(access_still(w.k.access, &two, &why), RC_OK, &why);
    two.id = STR("mem_other"); /* a session vouches for its own member only */
    assert_rc(access_still(w.k.access, &two, &why), RC_DENIED, &why);
    two = owner_in(&w, second);
    two.session = STR_NONE;
    assert_rc(access_still(w.k.access, &two, &why), RC_DENIED, &why);
    web_close(&w);
}
TESTDB_CASES(a_stream_lives_by_its_own_session)

static str token_of(str url)
{
    return str_sub(url, sizeof("http://127.0.0.1:1/console/enter?token=") - 1, url.n);
}

static void enters_by_link_once(bool postgres)
{
    struct web w;
    web_open(&w, postgres);
    str path = arena_fmt(w.k.mem, "/console/enter?token=" STR_FMT, (int)w.k.a.enter_token.n,
                         (const char *)w.k.a.enter_token.p);
    const char *p = arena_cstr(w.k.mem, path);
    assert_int_equal(web_ask(&w, (struct ask){.method = "HEAD", .path = p}).status, 200);
    for (int i = 0; i < 2; i++) { /* opening it signs nobody in and takes nothing */
        struct told page = web_ask(&w, (struct ask){.method = "GET", .path = p});
        assert_int_equal(page.status, 200);
        assert_int_equal(page.cookie.n, 0);
        assert_true(told_has(page, "Shop") && told_has(page, "method=\"post\" action=\"/console/enter\""));
    }
    /* Login CSRF: another site posts its own link from the victim's browser. */
    str body =
        arena_fmt(w.k.mem, "token=" STR_FMT, (int)w.k.a.enter_token.n, (const char *)w.k.a.enter_token.p);
    struct told crossed = web_ask(&w, (struct ask){.method = "POST",
                                                   .path = "/console/enter",
                                                   .form = true,
                                                   .site = "cross-site",
                                                   .body = arena_cstr(w.k.mem, body)});
    assert_int_equal(crossed.status, 403);
    assert_int_equal(crossed.cookie.n, 0);
    str cookie = web_enter(&w, &w.k.a);
    assert_int_equal(me(&w, cookie), 200);
    struct told t = web_press(&w, (str){(const char *)w.k.a.enter_token.p, w.k.a.enter_token.n});
    assert_int_equal(t.status, 404);
    assert_int_equal(t.cookie.n, 0);
    assert_int_equal(web_ask(&w, (struct ask){.method = "GET", .path = p}).status, 404);
    const char mint[] = "{\"email\":\"agent@mozflow.example\",\"name\":\"Nok\",\"role\":\"agent\","
                        "\"mozflow_user_id\":\"u-77\"}";
    struct ask a = {
        .method = "POST", .path = "/v1/console/sessions", .key = web_key(&w.k.a), .body = mint, .once = "m1"};
    struct told first = web_ask(&w, a), repeat = web_ask(&w, a);
    assert_int_equal(first.status, 201);
    assert_int_equal(repeat.status, 201);
    assert_true(told_has(repeat, "\"url\":null")); /* shown once: not in what is kept */
    str url = told_str(&w, first, "url");
    assert_true(str_starts(url, STR("http://127.0.0.1:1/console/enter?token=")));
    struct told in = web_press(&w, token_of(url));
    assert_int_equal(in.status, 303);
    assert_int_equal(me(&w, in.cookie), 200);
    a.body = "{\"email\":\"agent@mozflow.example\",\"name\":\"Nok\",\"role\":\"auditor\",\"mozflow_user_id\":"
             "\"u-77\"}";
    a.once = "m2";
    struct told other = web_ask(&w, a);
    assert_true(str_eq(told_str(&w, other, "member_id"), told_str(&w, first, "member_id")));
    assert_int_equal(me(&w, in.cookie), 401); /* another role: the old session is over */
    url = told_str(&w, other, "url");
    clock_shift_ms(ENTER_MS + 1000);
    int late = web_press(&w, token_of(url)).status;
    clock_shift_ms(-ENTER_MS - 1000);
    assert_int_equal(late, 404);
    a.once = NULL;
    a.body = "{\"email\":\"boss@mozflow.example\",\"name\":\"B\",\"role\":\"owner\"}";
    assert_int_equal(web_ask(&w, a).status, 403);
    web_close(&w);
}
TESTDB_CASES(enters_by_link_once)

/* Invites with `who`, accepts, gives the new member's cookie. */
static str join(struct web *w, str who, const char *email, const char *role, str *member)
{
    str body = arena_fmt(w->k.mem, "{\"email\":\"%s\",\"role\":\"%s\",\"name\":\"N\"}", email, role);
    struct told t = web_ask(w, (struct ask){.method = "POST",
                                            .path = "/v1/invitations",
                                            .cookie = who,
                                            .body = arena_cstr(w->k.mem, body)});
    assert_int_equal(t.status, 201);
    str link = told_str(w, t, "link");
    size_t at;
    assert_true(str_find(link, STR("/console/invitation#"), &at));
    body =
        arena_fmt(w->k.mem, "{\"token\":\"" STR_FMT "\",\"name\":\"New\",\"password\":\"a long pass word\"}",
                  STR_ARG(str_sub(link, at + 20, link.n)));
    struct ask accept = {
        .method = "POST", .path = "/v1/invitations/accept", .once = "-", .body = arena_cstr(w->k.mem, body)};
    struct told in = web_ask(w, accept);
    assert_int_equal(in.status, 201);
    assert_int_equal(web_ask(w, accept).status, 404); /* once */
    *member = told_str(w, in, "id");
    return in.cookie;
}

static int set_role(struct web *w, str who, str member, const char *role)
{
    str path = arena_fmt(w->k.mem, "/v1/members/" STR_FMT "/role", STR_ARG(member));
    str body = arena_fmt(w->k.mem, "{\"role\":\"%s\"}", role);
    return web_ask(w, (struct ask){.method = "PUT",
                                   .path = arena_cstr(w->k.mem, path),
                                   .cookie = who,
                                   .body = arena_cstr(w->k.mem, body)})
        .status;
}

static int drop(struct web *w, str who, const char *what, str id)
{
    str path = arena_fmt(w->k.mem, "/v1/%s/" STR_FMT, what, STR_ARG(id));
    return web_ask(w, (struct ask){.method = "DELETE", .path = arena_cstr(w->k.mem, path), .cookie = who})
        .status;
}

static void manages_members(bool postgres)
{
    struct web w;
    str admin_id, agent_id;
    web_open(&w, postgres);
    str owner = web_enter(&w, &w.k.a);
    str admin = join(&w, owner, "admin@shop.example", "admin", &admin_id);
    str agent = join(&w, admin, "agent@shop.example", "agent", &agent_id);
    struct ask invite = {.method = "POST", .path = "/v1/invitations", .cookie = admin};
    invite.body = "{\"email\":\"x@shop.example\",\"role\":\"owner\"}";
    assert_int_equal(web_ask(&w, invite).status, 403); /* an admin makes no owner */
    invite.cookie = agent;
    invite.body = "{\"email\":\"x@shop.example\",\"role\":\"agent\"}";
    assert_int_equal(web_ask(&w, invite).status, 403); /* an agent invites nobody */
    assert_int_equal(set_role(&w, admin, w.k.a.owner, "agent"), 403);
    assert_int_equal(drop(&w, admin, "members", w.k.a.owner), 403);
    assert_int_equal(set_role(&w, owner, w.k.a.owner, "agent"), 409); /* the last owner stays */
    assert_int_equal(drop(&w, owner, "members", w.k.a.owner), 409);
    assert_int_equal(set_role(&w, admin, agent_id, "auditor"), 200);
    assert_int_equal(me(&w, agent), 401); /* a change of rights ends the sessions */
    assert_int_equal(set_role(&w, owner, admin_id, "owner"), 200);
    assert_int_equal(set_role(&w, owner, w.k.a.owner, "agent"), 200); /* now there is another one */
    assert_int_equal(me(&w, owner), 401);
    struct told in =
        sign_in(&w, "{\"email\":\"admin@shop.example\",\"password\":\"a long pass word\"}", STR_NONE);
    assert_int_equal(in.status, 200);
    assert_int_equal(drop(&w, in.cookie, "members", agent_id), 200);
    struct told list = web_ask(&w, (struct ask){.method = "GET", .path = "/v1/members", .cookie = in.cookie});
    assert_int_equal(list.status, 200);
    assert_true(told_has(list, "admin@shop.example") && !told_has(list, "agent@shop.example"));
    assert_false(told_has(list, "other@shop.example")); /* of the other workspace */
    assert_false(told_has(list, "password"));
    struct told audit = web_ask(&w, (struct ask){.method = "GET", .path = "/v1/audit", .cookie = in.cookie});
    assert_int_equal(audit.status, 200);
    assert_true(told_has(audit, "access.member_removed") && told_has(audit, "access.role_changed"));
    assert_false(told_has(audit, "agent@shop.example")); /* ids, not names */
    web_close(&w);
}
TESTDB_CASES(manages_members)

static void makes_and_revokes_keys(bool postgres)
{
    struct web w;
    web_open(&w, postgres);
    str owner = web_enter(&w, &w.k.a);
    struct ask make = {.method = "POST", .path = "/v1/keys", .cookie = owner, .once = "k1"};
    make.body = "{\"name\":\"reader\",\"scopes\":[\"audit.read\",\"members.read\"],\"expires_in_days\":2}";
    struct told first = web_ask(&w, make), repeat = web_ask(&w, make);
    assert_int_equal(first.status, 201);
    assert_true(repeat.status == 201 && told_has(repeat, "\"key\":null"));
    assert_true(str_eq(told_str(&w, first, "id"), told_str(&w, repeat, "id")));
    make.body = "{\"name\":\"reader\",\"scopes\":[\"audit.read\"]}";
    assert_int_equal(web_ask(&w, make).status, 422); /* the same Idempotency-Key, another body */
    str key = told_str(&w, first, "key");
    struct ask read = {.method = "GET", .path = "/v1/members", .key = key};
    assert_int_equal(web_ask(&w, read).status, 200);
    read.path = "/v1/keys"; /* not among its scopes */
    assert_int_equal(web_ask(&w, read).status, 403);
    read.path = "/v1/session";
    assert_int_equal(web_ask(&w, read).status, 403);
    read.path = "/v1/members";
    clock_shift_ms(INT64_C(3) * 86400000);
    int late = web_ask(&w, read).status;
    clock_shift_ms(INT64_C(-3) * 86400000);
    assert_int_equal(late, 401);
    static const char *const bad[] = {
        "{\"name\":\"x\",\"scopes\":[]}", "{\"name\":\"x\",\"scopes\":[\"session.self\"]}",
        "{\"name\":\"x\",\"scopes\":[\"nonsense\"]}", "{\"name\":\"x\",\"scopes\":[1]}", "{\"name\":\"x\"}"};
    make.once = NULL;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        make.body = bad[i];
        int status = web_ask(&w, make).status;
        assert_true(status == 400 || status == 422);
    }
    make.once = "-";
    make.body = "{\"name\":\"x\",\"scopes\":[\"explain\"]}";
    assert_int_equal(web_ask(&w, make).status, 400); /* POST wants an Idempotency-Key */
    str id = told_str(&w, first, "id");
    assert_int_equal(drop(&w, owner, "keys", id), 200);
    assert_int_equal(drop(&w, owner, "keys", id), 404);
    assert_int_equal(web_ask(&w, read).status, 401);
    str cut = str_sub(key, 0, key.n - 1);
    read.key = cut;
    assert_int_equal(web_ask(&w, read).status, 401);
    struct told list = web_ask(&w, (struct ask){.method = "GET", .path = "/v1/keys", .cookie = owner});
    assert_true(list.status == 200 && told_has(list, "\"reader\"") && !told_has(list, "mzt_live_"));
    web_close(&w);
}
TESTDB_CASES(makes_and_revokes_keys)

/* A key with few scopes cannot make one with more. */
static void gives_keys_no_more_than_the_maker_has(bool postgres)
{
    struct web w;
    web_open(&w, postgres);
    struct ask make = {.method = "POST", .path = "/v1/keys", .key = web_key(&w.k.a)};
    make.body = "{\"name\":\"maker\",\"scopes\":[\"keys.manage\"]}";
    struct told t = web_ask(&w, make);
    assert_int_equal(t.status, 201);
    make.key = told_str(&w, t, "key");
    make.body = "{\"name\":\"more\",\"scopes\":[\"audit.read\"]}";
    assert_int_equal(web_ask(&w, make).status, 403);
    make.body = "{\"name\":\"same\",\"scopes\":[\"keys.manage\"]}";
    assert_int_equal(web_ask(&w, make).status, 201);
    web_close(&w);
}
TESTDB_CASES(gives_keys_no_more_than_the_maker_has)

static void hides_other_workspaces(bool postgres)
{
    struct web w;
    web_open(&w, postgres);
    str owner = web_enter(&w, &w.k.a);
    struct arena *mem = w.k.mem;
    str ghost_member = id_new(mem, "mem"), ghost_key = id_new(mem, "key");
    const struct {
        const char *method, *path, *body;
        str foreign, absent;
    } rows[] = {
        {"PUT", "/v1/members/" STR_FMT "/role", "{\"role\":\"agent\"}", w.k.b.owner, ghost_member},
        {"DELETE", "/v1/members/" STR_FMT, NULL, w.k.b.owner, ghost_member},
        {"DELETE", "/v1/keys/" STR_FMT, NULL, w.k.b.key_id, ghost_key},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct told answers[2];
        for (size_t j = 0; j < 2; j++) {
            str id = j == 0 ? rows[i].foreign : rows[i].absent;
            struct buf path;
            size_t at;
            assert_true(str_find(str_of(rows[i].path), STR(STR_FMT), &at));
            buf_init(&path, mem, 256);
            buf_put(&path, str_sub(str_of(rows[i].path), 0, at));
            buf_put(&path, id);
            buf_put(&path, str_sub(str_of(rows[i].path), at + 4, 64));
            answers[j] = web_ask(&w, (struct ask){.method = rows[i].method,
                                                  .path = arena_cstr(mem, buf_str(&path)),
                                                  .cookie = owner,
                                                  .body = rows[i].body});
            assert_int_equal(answers[j].status, 404);
        }
        assert_true(str_eq(problem_of(&w, answers[0]), problem_of(&w, answers[1])));
    }
    struct ask b = {.method = "GET", .path = "/v1/members", .key = web_key(&w.k.b)};
    struct told t = web_ask(&w, b); /* nothing was done to the other workspace */
    assert_true(t.status == 200 && told_has(t, "\"role\":\"owner\"") && !told_has(t, "owner@shop.example"));
    b.path = "/v1/audit";
    t = web_ask(&w, b);
    assert_true(t.status == 200 && !told_has(t, "access.signed_in")); /* that was workspace a's */
    web_close(&w);
}
TESTDB_CASES(hides_other_workspaces)

/* Every route of the table: without a credential, with an ended one, and with each role against the row's
 * need. */
static void lets_only_roles_pass(bool postgres)
{
    struct web w;
    str ids[8], cookies[8];
    web_open(&w, postgres);
    str owner = web_enter(&w, &w.k.a);
    for (size_t r = 1; r < access_roles_n; r++) {
        str email = arena_fmt(w.k.mem, "r%zu@shop.example", r);
        cookies[r] = join(&w, owner, arena_cstr(w.k.mem, email), access_roles[r].name, &ids[r]);
    }
    for (size_t i = 0; http_routes(w.http, i) != NULL; i++) {
        const struct route *t = http_routes(w.http, i);
        if (t->need == PERM_NONE || strcmp(t->path, "/v1/session") == 0)
            continue;
        struct buf path;
        buf_init(&path, w.k.mem, 256);
        size_t at;
        str p = str_of(t->path);
        bool has_id = str_find(p, STR("{id}"), &at);
        buf_put(&path, has_id ? str_sub(p, 0, at) : p);
        if (has_id) {
            size_t keys;
            buf_put(&path, id_new(w.k.mem, str_find(p, STR("/keys/"), &keys) ? "key" : "mem"));
            buf_put(&path, str_sub(p, at + 4, p.n));
        }
        struct ask a = {.method = t->method, .path = arena_cstr(w.k.mem, buf_str(&path))};
        assert_int_equal(web_ask(&w, a).status, 401);
        a.cookie = STR("BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB");
        assert_int_equal(web_ask(&w, a).status, 401);
        for (size_t r = 1; r < access_roles_n; r++) {
            bool may = (access_roles[r].may & (UINT64_C(1) << t->need)) != 0;
            a.cookie = cookies[r];
            int status = web_ask(&w, a).status;
            if ((status == 403) == may)
                print_error("%s %s as %s: %d\n", t->method, a.path, access_roles[r].name, status);
            assert_int_equal(status != 403, may);
        }
    }
    web_close(&w);
}
TESTDB_CASES(lets_only_roles_pass)

static void takes_the_key_over_the_cookie(void **state)
{
    (void)state;
    struct web w;
    web_open(&w, false);
    str owner = web_enter(&w, &w.k.a);
    struct ask a = {.method = "GET", .path = "/v1/members", .cookie = owner, .key = STR("x")};
    assert_int_equal(web_ask(&w, a).status, 401); /* a bad key is not saved by a good cookie */
    a.key = web_key(&w.k.b);
    struct told t = web_ask(&w, a); /* and a good one decides the workspace */
    assert_true(t.status == 200 && !told_has(t, "owner@shop.example"));
    web_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(signs_in_and_out),
        TESTDB_BOTH(tells_nothing_when_wrong),
        TESTDB_BOTH(ends_sessions_by_time),
        TESTDB_BOTH(enters_by_link_once),
        TESTDB_BOTH(a_stream_lives_by_its_own_session),
        TESTDB_BOTH(manages_members),
        TESTDB_BOTH(makes_and_revokes_keys),
        TESTDB_BOTH(gives_keys_no_more_than_the_maker_has),
        TESTDB_BOTH(hides_other_workspaces),
        TESTDB_BOTH(lets_only_roles_pass),
        cmocka_unit_test(takes_the_key_over_the_cookie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
