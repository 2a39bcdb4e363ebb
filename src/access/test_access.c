/* access below http: text forms, the role table, and what may happen once, raced 200 times on both
 * databases. */
#include "test_kit.h"

/* ---- pure ---- */

static void checks_keys_before_asking(void **state)
{
    (void)state;
    struct arena *mem = arena_open_secret(65536);
    struct fault why;
    struct secret key;
    str id, found;
    crypto_start();
    assert_rc(key_text_new(mem, &id, &key, &why), RC_OK, &why);
    str text = {(const char *)key.p, key.n};
    assert_int_equal(text.n, 85);
    assert_true(key_text_parse(text, mem, &found) && str_eq(found, id));
    for (size_t i = 0; i < text.n; i++) { /* one wrong character anywhere */
        str bad = arena_str(mem, text);
        char *p = (char *)(uintptr_t)bad.p;
        p[i] = p[i] == 'x' ? 'y' : 'x';
        assert_false(key_text_parse(bad, mem, &found));
    }
    for (size_t n = 0; n < text.n; n++)
        assert_false(key_text_parse(str_sub(text, 0, n), mem, &found));
    arena_close(&mem);
}

static void reads_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {{"192.0.2.7", "192.0.2.7"},
                {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
                {"2001:db8::1", "2001:db8::/64"},
                {"::1", "::/64"},
                {"2001:db8:1:2::9", "2001:db8:1:2::/64"}};
    static const char *const good[] = {"a@b.c", "somchai.j+x@shop.co.th", "ก@ข.ไทย"};
    static const char *const bad[] = {"",      "a",     "@b",    "a@",    "a@b@c",
                                      "a b@c", "a@b c", "<a@b>", "a@b\n", "\"a\"@b"};
    struct arena *mem = arena_open(65536);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(str_eq(address_prefix(str_of(rows[i].in), mem), str_of(rows[i].out)));
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_true(email_valid(str_of(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(email_valid(str_of(bad[i])));
    arena_close(&mem);
}

/* Written by hand from the description of the roles, not from the table that it checks. */
static void gives_roles_what_they_may(void **state)
{
    (void)state;
    static const struct {
        const char *permission,
            *roles; /* o a n g u: owner, admin, analyst, agent, auditor; k: a key may have it */
    } rows[] = {
        {"login.start", "oak"},          {"login.exchange", "oak"},
        {"login.link", "oak"},           {"conversations.read", "oangk"},
        {"conversations.write", "oagk"}, {"contacts.read", "oangk"},
        {"contacts.write", "oagk"},      {"accounts.read", "oanguk"},
        {"accounts.manage", "oak"},      {"members.read", "oauk"},
        {"members.manage", "oak"},       {"keys.manage", "oak"},
        {"flags.read", "oanguk"},        {"flags.manage", "oak"},
        {"events.read", "oanuk"},        {"events.manage", "oak"},
        {"jobs.read", "oauk"},           {"jobs.manage", "oak"},
        {"audit.read", "oauk"},          {"explain", "oanuk"},
        {"session.self", "oangu"},       {"alerts.read", "oanguk"},
    };
    static const char letters[] = "oangu";
    assert_int_equal(COUNT_OF(rows), PERM_COUNT - 1);
    assert_int_equal(access_roles_n, 5);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        enum permission p;
        assert_true(scope_find(str_of(rows[i].permission), &p));
        for (size_t r = 0; r < access_roles_n; r++) {
            bool may = (access_roles[r].may & (UINT64_C(1) << p)) != 0;
            bool want = strchr(rows[i].roles, letters[r]) != NULL;
            if (may != want)
                print_error("%s %s\n", access_roles[r].name, rows[i].permission);
            assert_int_equal(may, want);
        }
        assert_int_equal((KEY_MAY & (UINT64_C(1) << p)) != 0, strchr(rows[i].roles, 'k') != NULL);
    }
    for (size_t r = 0; r < access_roles_n; r++)
        assert_int_equal(access_roles[r].may & 1, 0);
}

static void gives_no_more_than_one_has(void **state)
{
    (void)state;
    const struct access_role *owner = access_role_find(STR("owner")), *admin = access_role_find(STR("admin")),
                             *agent = access_role_find(STR("agent"));
    struct principal who = {.kind = WHO_MEMBER, .role = STR("admin"), .may = admin->may};
    assert_true(role_within(&who, admin) && role_within(&who, agent) && !role_within(&who, owner));
    who.role = STR("owner");
    assert_true(role_within(&who, owner));
    who = (struct principal){.kind = WHO_KEY, .role = STR("key"), .may = scopes_parse(STR("members.manage"))};
    assert_false(role_within(&who, agent));
    who.may = KEY_MAY;
    assert_true(role_within(&who, agent) && role_within(&who, admin) && !role_within(&who, owner));
    assert_int_equal(scopes_parse(STR("session.self nonsense  events.read")), UINT64_C(1)
                                                                                  << PERM_EVENTS_READ);
}

/* ---- once ---- */

struct act {
    struct kit *k;
    struct arena *mem;
    str token, workspace, member, out;
    const struct once *once;
    bool rollback;
};

static enum rc make_token(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    return token_start(tx, a->workspace, a->member, 60000, a->mem, &a->token, why);
}

static enum rc take_token(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    struct console_token t;
    return db_token_take(tx, sha256_hex(a->token, tx_mem(tx)), tx_mem(tx), &t, why);
}

static bool race_token(struct kit *k, int round, void *arg)
{
    struct act a = {.k = k, .token = ((str *)arg)[round]};
    struct fault why;
    return store_write(k->db.store, STORE_INTERACTIVE, take_token, &a, &why) == RC_OK;
}

static void takes_links_once(bool postgres)
{
    enum { ROUNDS = 200 };
    struct kit k;
    struct fault why;
    str tokens[ROUNDS];
    kit_open(&k, postgres);
    for (size_t i = 0; i < ROUNDS; i++) {
        struct act a = {.k = &k, .mem = k.mem, .workspace = k.a.workspace, .member = k.a.owner};
        assert_rc(store_write(k.db.store, STORE_INTERACTIVE, make_token, &a, &why), RC_OK, &why);
        tokens[i] = a.token;
    }
    race_each_has_one_winner(&k, race_token, tokens, ROUNDS);
    kit_close(&k);
}
TESTDB_CASES(takes_links_once)

static enum rc make_invitation(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    a->token = token_new(a->mem);
    struct invitation i = {.workspace = a->workspace,
                           .id = id_new(a->mem, "inv"),
                           .token_hash = sha256_hex(a->token, a->mem),
                           .email = STR("new@shop.example"),
                           .role = STR("agent"),
                           .language = STR("en"),
                           .invited_by = a->member,
                           .expires_ms = tx_now_ms(tx) + 60000};
    return db_invitation_insert(tx, &i, why);
}

static enum rc take_invitation(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    struct invitation i;
    return db_invitation_take(tx, sha256_hex(a->token, tx_mem(tx)), STR("mem_x"), tx_mem(tx), &i, why);
}

static bool race_invitation(struct kit *k, int round, void *arg)
{
    struct act a = {.k = k, .token = ((str *)arg)[round]};
    struct fault why;
    return store_write(k->db.store, STORE_INTERACTIVE, take_invitation, &a, &why) == RC_OK;
}

static void takes_invitations_once(bool postgres)
{
    enum { ROUNDS = 200 };
    struct kit k;
    struct fault why;
    str tokens[ROUNDS];
    kit_open(&k, postgres);
    struct act a = {.k = &k, .mem = k.mem, .workspace = k.a.workspace, .member = k.a.owner};
    for (size_t i = 0; i < ROUNDS; i++) {
        assert_rc(store_write(k.db.store, STORE_INTERACTIVE, make_invitation, &a, &why), RC_OK, &why);
        tokens[i] = a.token;
    }
    race_each_has_one_winner(&k, race_invitation, tokens, ROUNDS);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, make_invitation, &a, &why), RC_OK, &why);
    clock_shift_ms(61000); /* too old */
    enum rc late = store_write(k.db.store, STORE_INTERACTIVE, take_invitation, &a, &why);
    clock_shift_ms(-61000);
    assert_rc(late, RC_MISSING, &why);
    kit_close(&k);
}
TESTDB_CASES(takes_invitations_once)

static enum rc save_once(struct tx *tx, void *arg, struct fault *why)
{
    struct act *a = arg;
    return access_once_save(tx, a->once, 201, STR("{\"id\":\"x\"}"), why);
}

static struct once once_of(struct kit *k, str key, const char *route)
{
    return (struct once){.workspace = k->a.workspace,
                         .principal = STR("key_1"),
                         .key = key,
                         .route = str_of(route),
                         .body_hash = {1}};
}

static bool race_once(struct kit *k, int round, void *arg)
{
    char key[32];
    struct fault why;
    (void)arg;
    (void)snprintf(key, sizeof(key), "k-%d", round);
    struct once o = once_of(k, str_of(key), "POST /v1/keys");
    struct act a = {.k = k, .once = &o};
    enum rc rc = store_write(k->db.store, STORE_INTERACTIVE, save_once, &a, &why);
    if (rc != RC_OK)
        must(rc == RC_CONFLICT && strcmp(why.code, "idempotency.in_flight") == 0);
    return rc == RC_OK;
}

static void keeps_answers_once(bool postgres)
{
    struct kit k;
    struct fault why;
    int status;
    str body;
    kit_open(&k, postgres);
    race_each_has_one_winner(&k, race_once, NULL, 200);
    struct once o = once_of(&k, STR("k-0"), "POST /v1/keys"), other = o, stranger = o;
    assert_rc(access_once_find(k.access, &o, k.mem, &status, &body, &why), RC_OK, &why);
    assert_int_equal(status, 201);
    assert_true(str_eq(body, STR("{\"id\":\"x\"}")));
    other.body_hash[0] = 2;
    assert_rc(access_once_find(k.access, &other, k.mem, &status, &body, &why), RC_CONFLICT, &why);
    assert_string_equal(why.code, "idempotency.other_body");
    struct act a = {.k = &k, .once = &other};
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, save_once, &a, &why), RC_CONFLICT, &why);
    assert_string_equal(why.code, "idempotency.other_body");
    other = o;
    other.route = STR("POST /v1/invitations");
    assert_rc(access_once_find(k.access, &other, k.mem, &status, &body, &why), RC_CONFLICT, &why);
    stranger.principal = STR("key_2"); /* keys of different principals are different keys */
    assert_rc(access_once_find(k.access, &stranger, k.mem, &status, &body, &why), RC_MISSING, &why);
    stranger = o;
    stranger.workspace = k.b.workspace;
    assert_rc(access_once_find(k.access, &stranger, k.mem, &status, &body, &why), RC_MISSING, &why);
    clock_shift_ms(ONCE_MS + 1000); /* a day later the key is free again, even before the tidying */
    enum rc found = access_once_find(k.access, &o, k.mem, &status, &body, &why);
    a.once = &o;
    enum rc saved = store_write(k.db.store, STORE_INTERACTIVE, save_once, &a, &why);
    clock_shift_ms(-ONCE_MS - 1000);
    assert_rc(found, RC_MISSING, &why);
    assert_rc(saved, RC_OK, &why);
    kit_close(&k);
}
TESTDB_CASES(keeps_answers_once)

/* ---- TikTok identities of members ---- */

struct identity_act {
    struct kit *k;
    struct access_identity i;
    struct principal who;
    struct arena *mem;
    str token;
};

static enum rc link_identity(struct tx *tx, void *arg, struct fault *why)
{
    struct identity_act *a = arg;
    return access_identity_link(a->k->access, tx, &a->who, &a->i, why);
}

static enum rc enter_by_identity(struct tx *tx, void *arg, struct fault *why)
{
    struct identity_act *a = arg;
    return access_session_for_identity(a->k->access, tx, &a->i, a->mem, &a->token, why);
}

static enum rc add_member(struct tx *tx, void *arg, struct fault *why)
{
    struct member *m = arg;
    bool inserted;
    enum rc rc = db_member_insert(tx, m, &inserted, why);
    must(rc != RC_OK || inserted);
    return rc;
}

static void enters_by_linked_identity(bool postgres)
{
    struct kit k;
    struct fault why;
    kit_open(&k, postgres);
    struct store *s = k.db.store;
    struct identity_act a = {.k = &k, .mem = k.mem, .i = {.client_key = STR("ck"), .open_id = STR("oid")}};
    assert_rc(store_write(s, STORE_INTERACTIVE, enter_by_identity, &a, &why), RC_MISSING, &why);
    assert_string_equal(why.code, "access.identity_unlinked");
    a.who = (struct principal){
        .kind = WHO_MEMBER, .workspace = k.a.workspace, .id = k.a.owner, .role = STR("owner")};
    assert_rc(store_write(s, STORE_INTERACTIVE, link_identity, &a, &why), RC_OK, &why);
    assert_rc(store_write(s, STORE_INTERACTIVE, link_identity, &a, &why), RC_OK, &why); /* again: nothing */
    assert_rc(store_write(s, STORE_INTERACTIVE, enter_by_identity, &a, &why), RC_OK, &why);
    assert_int_equal(a.token.n, 43);
    struct member m = {.workspace = k.a.workspace,
                       .id = STR("mem_second"),
                       .role = STR("agent"),
                       .language = STR("en"),
                       .origin = STR("own"),
                       .email = STR("second@shop.example")};
    assert_rc(store_write(s, STORE_INTERACTIVE, add_member, &m, &why), RC_OK, &why);
    struct identity_act thief = a;
    thief.who.id = m.id;
    assert_rc(store_write(s, STORE_INTERACTIVE, link_identity, &thief, &why), RC_CONFLICT, &why);
    assert_string_equal(why.code, "access.identity_taken");
    a.i.workspace = k.b.workspace; /* linked in one workspace, asked for in another */
    assert_rc(store_write(s, STORE_INTERACTIVE, enter_by_identity, &a, &why), RC_MISSING, &why);
    a.i.workspace = STR_NONE;
    a.i.client_key = STR("ck2"); /* another app's identity with the same text */
    assert_rc(store_write(s, STORE_INTERACTIVE, enter_by_identity, &a, &why), RC_MISSING, &why);
    struct principal key = {.kind = WHO_KEY, .workspace = k.a.workspace, .id = k.a.key_id};
    a.who = key;
    assert_rc(store_write(s, STORE_INTERACTIVE, link_identity, &a, &why), RC_DENIED, &why);
    kit_close(&k);
}
TESTDB_CASES(enters_by_linked_identity)

static enum rc tidy_now(struct tx *tx, void *arg, struct fault *why)
{
    return db_tidy(tx, arg, why);
}

static void tidies_in_bounded_steps(bool postgres)
{
    struct kit k;
    struct fault why;
    bool more = true;
    int steps = 0;
    kit_open(&k, postgres);
    for (int i = 0; i < 200; i++)
        assert_true(race_once(&k, i, NULL));
    struct once last = once_of(&k, STR("k-199"), "POST /v1/keys");
    clock_shift_ms(INT64_C(3) * ONCE_MS);
    while (more && steps < 10) {
        assert_rc(store_write(k.db.store, STORE_BULK, tidy_now, &more, &why), RC_OK, &why);
        steps++;
    }
    clock_shift_ms(INT64_C(-3) * ONCE_MS);
    assert_int_equal(steps, 3); /* 90 + 90 + 20 */
    int status;
    str body;
    assert_rc(access_once_find(k.access, &last, k.mem, &status, &body, &why), RC_MISSING, &why);
    kit_close(&k);
}
TESTDB_CASES(tidies_in_bounded_steps)

static void refuses_bad_beginnings(bool postgres)
{
    struct kit k;
    struct fault why;
    struct access_boot out;
    kit_open(&k, postgres);
    const struct access_boot_in good = {.workspace_name = STR("W"),
                                        .owner_email = STR("a@b.c"),
                                        .owner_name = STR("A"),
                                        .language = STR("en")};
    struct access_boot_in bad[] = {good, good, good, good};
    bad[0].workspace_name = STR("");
    bad[1].owner_email = STR("nobody");
    bad[2].owner_password = STR("short");
    bad[3].language = STR("de");
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_rc(access_bootstrap(k.access, &bad[i], k.mem, &out, &why), RC_INVALID, &why);
    assert_rc(access_bootstrap(k.access, &good, k.mem, &out, &why), RC_OK, &why);
    assert_int_equal(out.key.n, 0);
    assert_int_equal(out.enter_token.n, 43);
    str member;
    assert_rc(access_owner(k.access, out.workspace, k.mem, &member, &why), RC_OK, &why);
    assert_true(str_eq(member, out.owner));
    assert_rc(access_owner(k.access, STR("ws_none"), k.mem, &member, &why), RC_MISSING, &why);
    kit_close(&k);
}
TESTDB_CASES(refuses_bad_beginnings)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_keys_before_asking),
        cmocka_unit_test(reads_addresses),
        cmocka_unit_test(gives_roles_what_they_may),
        cmocka_unit_test(gives_no_more_than_one_has),
        TESTDB_BOTH(takes_links_once),
        TESTDB_BOTH(takes_invitations_once),
        TESTDB_BOTH(keeps_answers_once),
        TESTDB_BOTH(enters_by_linked_identity),
        TESTDB_BOTH(tidies_in_bounded_steps),
        TESTDB_BOTH(refuses_bad_beginnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
