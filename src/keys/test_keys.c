/* Keys on both databases: values open only in their place, keys survive a change of the KEK, a key made in a
 * transaction that went back is not used, destroyed keys stay destroyed. */
#include "testdb.h"
#include <fcntl.h>
#include <pthread.h>
#include "keys/keys_priv.h"

static const struct migration_table *tables(void)
{
    static struct migration_table t[1];
    t[0] = keys_migrations;
    return t;
}

struct kit {
    struct testdb db;
    char person_url[256];
    char dir[64];
    struct config *config;
    struct keys *keys;
    struct arena *mem;
};

static const char *const kek_a = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef1\n";
static const char *const kek_b = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221102\n";

static void write_kek(struct kit *k, const char *name, const char *text, size_t n, char path[256])
{
    (void)snprintf(path, 256, "%s/%s", k->dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), (ssize_t)n);
    (void)close(fd);
}

/* previous may be NULL; primary NULL: none given. */
static enum rc kit_keys(struct kit *k, const char *primary, const char *previous, struct fault *why)
{
    char a[256], b[256], env_a[300], env_b[300], env_url[300];
    char *env[4] = {NULL};
    size_t n = 0;
    struct setting_table t = {keys_settings, keys_settings_n};
    if (primary != NULL) {
        write_kek(k, "a.kek", primary, strlen(primary), a);
        (void)snprintf(env_a, sizeof(env_a), "MZ_KEYS_KEK_FILE=%s", a);
        env[n++] = env_a;
    }
    if (previous != NULL) {
        write_kek(k, "b.kek", previous, strlen(previous), b);
        (void)snprintf(env_b, sizeof(env_b), "MZ_KEYS_KEK_PREVIOUS_FILE=%s", b);
        env[n++] = env_b;
    }
    if (k->person_url[0] != 0) {
        (void)snprintf(env_url, sizeof(env_url), "MZ_KEYS_PERSON_URL=%s", k->person_url);
        env[n++] = env_url;
    }
    config_close(&k->config);
    enum rc rc = config_load(&t, 1, STR_NONE, env, &k->config, why);
    if (rc != RC_OK)
        return rc;
    struct keys_options o = {
        .store = k->db.store, .main_url = str_of(k->db.url), .config = k->config, .no_thread = true};
    return keys_open(&o, &k->keys, why);
}

static void kit_open(struct kit *k, bool postgres)
{
    struct fault why;
    *k = (struct kit){.mem = arena_open_secret(1 << 22)};
    crypto_start();
    testdb_open(&k->db, postgres, tables(), 1);
    if (postgres)
        (void)snprintf(k->person_url, sizeof(k->person_url), "%s", pg_database());
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(k->dir, sizeof(k->dir), "%.40s/mzkeys.XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(k->dir));
    assert_rc(kit_keys(k, kek_a, NULL, &why), RC_OK, &why);
}

static void kit_close(struct kit *k)
{
    char path[256];
    keys_close(&k->keys);
    config_close(&k->config);
    testdb_close(&k->db);
    arena_close(&k->mem);
    (void)snprintf(path, sizeof(path), "%s/a.kek", k->dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/b.kek", k->dir);
    (void)unlink(path);
    (void)rmdir(k->dir);
}

/* ---- seal and open ---- */

struct use {
    struct kit *k;
    struct keys_place at;
    str plain, sealed, opened;
    enum rc inner;
    bool back;
    struct arena *mem;
};

static enum rc do_seal(struct tx *tx, void *arg, struct fault *why)
{
    struct use *u = arg;
    struct secret p = {(const unsigned char *)u->plain.p, u->plain.n};
    enum rc rc = keys_seal(u->k->keys, tx, &u->at, p, u->mem, &u->sealed, why);
    return rc == RC_OK && u->back ? fault_set(why, RC_CONFLICT, "test.back", "goes back") : rc;
}

static enum rc do_open(struct tx *tx, void *arg, struct fault *why)
{
    struct use *u = arg;
    struct secret s;
    enum rc rc = keys_unseal(u->k->keys, tx, &u->at, u->sealed, u->mem, &s, why);
    if (rc == RC_OK)
        u->opened = (str){(const char *)s.p, s.n};
    return rc;
}

static struct use use_of(struct kit *k, const char *workspace)
{
    return (struct use){.k = k,
                        .mem = k->mem,
                        .plain = STR("act.token-123"),
                        .at = {.workspace = str_of(workspace),
                               .table = "account_grants",
                               .row = STR("grant_1"),
                               .column = "access_token"}};
}

static enum rc seal_it(struct use *u, struct fault *why)
{
    return store_write(u->k->db.store, STORE_INTERACTIVE, do_seal, u, why);
}

static enum rc open_it(struct use *u, struct fault *why)
{
    return store_read(u->k->db.store, do_open, u, why);
}

static void opens_only_in_place(bool postgres)
{
    struct kit k;
    struct fault why;
    kit_open(&k, postgres);
    struct use u = use_of(&k, "ws_a"), other = use_of(&k, "ws_b");
    assert_rc(seal_it(&u, &why), RC_OK, &why);
    assert_rc(seal_it(&other, &why), RC_OK, &why);
    assert_rc(open_it(&u, &why), RC_OK, &why);
    assert_true(str_eq(u.opened, u.plain));
    size_t at;
    assert_false(str_find(u.sealed, u.plain, &at));
    struct use moved[] = {u, u, u, u};
    moved[0].at.row = STR("grant_2");
    moved[1].at.column = "refresh_token";
    moved[2].at.table = "accounts";
    moved[3].at.workspace = STR("ws_b");
    for (size_t i = 0; i < COUNT_OF(moved); i++)
        assert_rc(open_it(&moved[i], &why), RC_DENIED, &why);
    for (size_t i = 0; i < u.sealed.n; i++) { /* every byte counts */
        struct use flipped = u;
        flipped.sealed = arena_str(k.mem, u.sealed);
        ((char *)(uintptr_t)flipped.sealed.p)[i] ^= 1;
        enum rc rc = open_it(&flipped, &why);
        assert_true(rc == RC_DENIED || rc == RC_MISSING); /* a key id that never was is a missing key */
    }
    struct use plain = u;
    plain.sealed = u.plain;
    assert_rc(open_it(&plain, &why), RC_DENIED, &why); /* never given back as it is */
    kit_close(&k);
}
TESTDB_CASES(opens_only_in_place)

static void forgets_keys_that_went_back(bool postgres)
{
    struct kit k;
    struct fault why;
    kit_open(&k, postgres);
    struct use u = use_of(&k, "ws_a");
    u.back = true;
    assert_rc(seal_it(&u, &why), RC_CONFLICT, &why); /* its key went back with it */
    u.back = false;
    assert_rc(seal_it(&u, &why), RC_OK, &why);
    keys_close(&k.keys); /* nothing in memory: only what is durable counts */
    assert_rc(kit_keys(&k, kek_a, NULL, &why), RC_OK, &why);
    assert_rc(open_it(&u, &why), RC_OK, &why);
    assert_true(str_eq(u.opened, u.plain));
    kit_close(&k);
}
TESTDB_CASES(forgets_keys_that_went_back)

enum { RACERS = 8, ROUNDS = 25 };
struct racer {
    struct kit *k;
    pthread_barrier_t *go;
    struct use done[ROUNDS];
    struct arena *mem;
    enum rc rc;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    for (int i = 0; i < ROUNDS && r->rc == RC_OK; i++) {
        struct fault why;
        str ws = arena_fmt(r->mem, "ws_%d", i);
        r->done[i] = use_of(r->k, "");
        r->done[i].mem = r->mem;
        r->done[i].at.workspace = ws;
        pthread_barrier_wait(r->go);
        r->rc = seal_it(&r->done[i], &why);
    }
    return NULL;
}

static void makes_one_key_in_races(bool postgres)
{
    struct kit k;
    struct fault why;
    pthread_barrier_t go;
    pthread_t t[RACERS];
    struct racer r[RACERS];
    kit_open(&k, postgres);
    assert_int_equal(pthread_barrier_init(&go, NULL, RACERS), 0);
    for (size_t i = 0; i < RACERS; i++) {
        r[i] = (struct racer){.k = &k, .go = &go, .mem = arena_open_secret(1 << 20)};
        assert_int_equal(pthread_create(&t[i], NULL, race, &r[i]), 0);
    }
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    keys_close(&k.keys);
    assert_rc(kit_keys(&k, kek_a, NULL, &why), RC_OK, &why);
    struct keys_status s;
    assert_rc(keys_status(k.keys, &s, &why), RC_OK, &why);
    assert_int_equal(s.data_keys, ROUNDS + 1); /* and the root */
    for (size_t i = 0; i < RACERS; i++) {
        assert_int_equal(r[i].rc, RC_OK);
        for (int j = 0; j < ROUNDS; j++)
            assert_rc(open_it(&r[i].done[j], &why), RC_OK, &why);
        arena_close(&r[i].mem);
    }
    pthread_barrier_destroy(&go);
    kit_close(&k);
}
TESTDB_CASES(makes_one_key_in_races)

static enum rc do_rotate(struct tx *tx, void *arg, struct fault *why)
{
    struct use *u = arg;
    return keys_rotate(u->k->keys, tx, u->at.workspace, why);
}
static enum rc do_stale(struct tx *tx, void *arg, struct fault *why)
{
    struct use *u = arg;
    (void)why;
    u->inner = keys_stale(u->k->keys, tx, u->at.workspace, u->sealed) ? RC_CONFLICT : RC_OK;
    return RC_OK;
}
static enum rc do_destroy(struct tx *tx, void *arg, struct fault *why)
{
    struct use *u = arg;
    return keys_destroy(u->k->keys, tx, u->at.workspace, why);
}

static void rotates_and_destroys(bool postgres)
{
    struct kit k;
    struct fault why;
    kit_open(&k, postgres);
    struct use old = use_of(&k, "ws_a");
    assert_rc(seal_it(&old, &why), RC_OK, &why);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, do_rotate, &old, &why), RC_OK, &why);
    struct use fresh = use_of(&k, "ws_a");
    assert_rc(seal_it(&fresh, &why), RC_OK, &why);
    assert_rc(open_it(&old, &why), RC_OK, &why);
    assert_rc(open_it(&fresh, &why), RC_OK, &why);
    assert_rc(store_read(k.db.store, do_stale, &old, &why), RC_OK, &why);
    assert_int_equal(old.inner, RC_CONFLICT);
    assert_rc(store_read(k.db.store, do_stale, &fresh, &why), RC_OK, &why);
    assert_int_equal(fresh.inner, RC_OK);
    assert_rc(store_write(k.db.store, STORE_INTERACTIVE, do_destroy, &old, &why), RC_OK, &why);
    assert_rc(open_it(&old, &why), RC_MISSING, &why);
    assert_rc(open_it(&fresh, &why), RC_MISSING, &why);
    kit_close(&k);
}
TESTDB_CASES(rotates_and_destroys)

/* ---- persons ---- */

static void destroys_persons_for_ever(bool postgres)
{
    struct kit k;
    struct fault why;
    const struct person_key *p = NULL, *again = NULL;
    struct keys_place at = {
        .workspace = STR("ws_a"), .table = "contact_points", .row = STR("cpt_1"), .column = "value"};
    str sealed;
    struct secret out;
    kit_open(&k, postgres);
    assert_rc(keys_person_find(k.keys, STR("ws_a"), STR("con_1"), k.mem, &p, &why), RC_MISSING, &why);
    assert_rc(keys_person_load(k.keys, STR("ws_a"), STR("con_1"), k.mem, &p, &why), RC_OK, &why);
    struct secret phone = {(const unsigned char *)"+66812345678", 12};
    assert_rc(keys_person_seal(p, &at, phone, k.mem, &sealed, &why), RC_OK, &why);
    keys_close(&k.keys);
    assert_rc(kit_keys(&k, kek_a, NULL, &why), RC_OK, &why);
    assert_rc(keys_person_find(k.keys, STR("ws_a"), STR("con_1"), k.mem, &again, &why), RC_OK, &why);
    assert_rc(keys_person_unseal(again, &at, sealed, k.mem, &out, &why), RC_OK, &why);
    assert_int_equal(out.n, 12);
    const struct person_key *stranger;
    assert_rc(keys_person_load(k.keys, STR("ws_a"), STR("con_2"), k.mem, &stranger, &why), RC_OK, &why);
    assert_rc(keys_person_unseal(stranger, &at, sealed, k.mem, &out, &why), RC_DENIED, &why);
    assert_rc(keys_person_destroy(k.keys, STR("ws_a"), STR("con_1"), &why), RC_OK, &why);
    assert_rc(keys_person_find(k.keys, STR("ws_a"), STR("con_1"), k.mem, &p, &why), RC_MISSING, &why);
    assert_rc(keys_person_load(k.keys, STR("ws_a"), STR("con_1"), k.mem, &p, &why), RC_REFUSED, &why);
    keys_close(&k.keys);
    assert_rc(kit_keys(&k, kek_a, NULL, &why), RC_OK, &why);
    assert_rc(keys_person_load(k.keys, STR("ws_a"), STR("con_1"), k.mem, &p, &why), RC_REFUSED, &why);
    kit_close(&k);
}
TESTDB_CASES(destroys_persons_for_ever)

/* ---- days ---- */

static void seals_by_day(bool postgres)
{
    struct kit k;
    struct fault why;
    struct day_sealer *d = NULL;
    const str ad[] = {STR("login"), STR("hash")}, other[] = {STR("login"), STR("hasg")};
    str first, second, out;
    int64_t shifted = 0;
    kit_open(&k, postgres);
    k.keys->settle_ms = 0;
    assert_rc(day_sealer_open(k.keys, &d, &why), RC_OK, &why);
    assert_rc(day_seal(d, ad, 2, STR("{\"event\":1}"), k.mem, &first, &why), RC_OK, &why);
    assert_rc(day_seal(d, ad, 2, STR("{\"event\":1}"), k.mem, &second, &why), RC_OK, &why);
    assert_false(str_eq(first, second)); /* another nonce each time */
    assert_rc(day_unseal(k.keys, ad, 2, first, k.mem, &out, &why), RC_OK, &why);
    assert_true(str_eq(out, STR("{\"event\":1}")));
    assert_rc(day_unseal(k.keys, other, 2, first, k.mem, &out, &why), RC_DENIED, &why);
    clock_shift_ms(DAY_MS); /* tomorrow's key was made ahead: no tick is needed */
    shifted += DAY_MS;
    assert_rc(day_seal(d, ad, 2, STR("next"), k.mem, &second, &why), RC_OK, &why);
    str id_a, id_b;
    assert_true(sealed_key_id(first, &id_a) && sealed_key_id(second, &id_b) && !str_eq(id_a, id_b));
    clock_shift_ms(DAY_MS); /* but after two days without a tick there is no key */
    shifted += DAY_MS;
    assert_rc(day_seal(d, ad, 2, STR("x"), k.mem, &out, &why), RC_RETRY, &why);
    assert_rc(keys_tick(k.keys, &why), RC_OK, &why);
    assert_rc(day_seal(d, ad, 2, STR("x"), k.mem, &out, &why), RC_OK, &why);
    assert_rc(day_unseal(k.keys, ad, 2, first, k.mem, &out, &why), RC_OK, &why);
    clock_shift_ms(INT64_C(31) * DAY_MS);
    shifted += INT64_C(31) * DAY_MS;
    assert_rc(keys_tick(k.keys, &why), RC_OK, &why);
    assert_rc(keys_tick(k.keys, &why), RC_OK, &why);
    assert_rc(day_unseal(k.keys, ad, 2, first, k.mem, &out, &why), RC_MISSING, &why);
    struct keys_status s;
    assert_rc(keys_status(k.keys, &s, &why), RC_OK, &why);
    assert_int_equal(s.day_keys,
                     3); /* the last day within 30, today, tomorrow: the rows are gone, not only memory */
    day_sealer_close(&d);
    clock_shift_ms(-shifted);
    kit_close(&k);
}
TESTDB_CASES(seals_by_day)

static void keeps_days_when_the_clock_jumps(bool postgres)
{
    struct kit k;
    struct fault why;
    struct keys_status s;
    kit_open(&k, postgres);
    clock_shift_ms(INT64_C(400) * DAY_MS);
    assert_rc(keys_tick(k.keys, &why), RC_OK, &why);
    clock_shift_ms(INT64_C(-400) * DAY_MS);
    assert_rc(keys_status(k.keys, &s, &why), RC_OK, &why);
    assert_int_equal(s.day_keys, 4); /* two real days, two of the wrong year; none destroyed */
    kit_close(&k);
}
TESTDB_CASES(keeps_days_when_the_clock_jumps)

struct day_racer {
    struct kit *k;
    struct arena *mem;
    int failed;
};

/* One event thread: seals, opens again, opens a person's key; whatever the keys thread does meanwhile. */
static void *race_days(void *arg)
{
    struct day_racer *r = arg;
    struct day_sealer *d = NULL;
    struct fault why;
    const str ad[] = {STR("app")};
    if (day_sealer_open(r->k->keys, &d, &why) != RC_OK)
        return NULL;
    for (int i = 0; i < 400; i++) {
        str sealed, out;
        const struct person_key *p;
        arena_reset(r->mem);
        str plain = arena_fmt(r->mem, "{\"n\":%d}", i), person = arena_fmt(r->mem, "con_%d", i % 5);
        bool good = day_seal(d, ad, 1, plain, r->mem, &sealed, &why) == RC_OK &&
                    day_unseal(r->k->keys, ad, 1, sealed, r->mem, &out, &why) == RC_OK &&
                    str_eq(out, plain) &&
                    keys_person_load(r->k->keys, STR("ws_a"), person, r->mem, &p, &why) == RC_OK;
        r->failed += !good;
    }
    day_sealer_close(&d);
    return NULL;
}

static void serves_threads_while_days_turn(bool postgres)
{
    enum { DAYS = 12, THREADS = 4 };
    struct kit k;
    struct fault why;
    pthread_t t[THREADS];
    struct day_racer r[THREADS];
    kit_open(&k, postgres);
    k.keys->settle_ms = 0;
    for (size_t i = 0; i < THREADS; i++) {
        r[i] = (struct day_racer){.k = &k, .mem = arena_open_secret(1 << 16)};
        assert_int_equal(pthread_create(&t[i], NULL, race_days, &r[i]), 0);
    }
    for (int i = 0; i < DAYS; i++) { /* the next day's key is always there before its day */
        enum rc rc = keys_tick(k.keys, &why);
        assert_rc(rc, RC_OK, &why);
        clock_shift_ms(DAY_MS);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
        assert_int_equal(r[i].failed, 0);
        arena_close(&r[i].mem);
    }
    clock_shift_ms(-INT64_C(1) * DAYS * DAY_MS);
    kit_close(&k);
}
TESTDB_CASES(serves_threads_while_days_turn)

/* ---- the KEK ---- */

static void changes_the_kek(bool postgres)
{
    struct kit k;
    struct fault why;
    struct keys_status s;
    const struct person_key *p;
    kit_open(&k, postgres);
    struct use u = use_of(&k, "ws_a");
    assert_rc(seal_it(&u, &why), RC_OK, &why);
    assert_rc(keys_person_load(k.keys, STR("ws_a"), STR("con_1"), k.mem, &p, &why), RC_OK, &why);
    str print = keys_fingerprint(k.keys, "refresh", STR("ck"),
                                 (struct secret){(const unsigned char *)"tok", 3}, k.mem);
    keys_close(&k.keys);
    assert_rc(kit_keys(&k, kek_b, NULL, &why), RC_DENIED, &why);
    assert_string_equal(why.code, "keys.wrong_kek");
    assert_rc(kit_keys(&k, kek_b, kek_a, &why), RC_OK, &why); /* opening re-wraps */
    assert_rc(keys_status(k.keys, &s, &why), RC_OK, &why);
    assert_int_equal(s.under_other_kek, 0);
    keys_close(&k.keys);
    assert_rc(kit_keys(&k, kek_b, NULL, &why), RC_OK, &why);
    assert_rc(open_it(&u, &why), RC_OK, &why);
    assert_rc(keys_person_find(k.keys, STR("ws_a"), STR("con_1"), k.mem, &p, &why), RC_OK, &why);
    str same = keys_fingerprint(k.keys, "refresh", STR("ck"),
                                (struct secret){(const unsigned char *)"tok", 3}, k.mem);
    assert_true(print.n == 32 && str_eq(print, same));
    keys_close(&k.keys);
    assert_rc(kit_keys(&k, kek_a, NULL, &why), RC_DENIED, &why); /* the old one is of no use any more */
    kit_close(&k);
}
TESTDB_CASES(changes_the_kek)

static void refuses_bad_keks(bool postgres)
{
    struct kit k;
    struct fault why;
    kit_open(&k, postgres);
    keys_close(&k.keys);
    assert_rc(kit_keys(&k, NULL, NULL, &why), RC_INVALID, &why);
    assert_string_equal(why.code, "config.invalid");
    static const char *const bad[] = {"too short",
                                      "0000000000000000000000000000000000000000000000000000000000000000",
                                      "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_rc(kit_keys(&k, bad[i], NULL, &why), RC_INVALID, &why);
        assert_string_equal(why.code, "keys.bad_kek");
    }
    /* The same key as base64 is the same key. */
    assert_rc(kit_keys(&k, "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7vE=\n", NULL, &why), RC_OK, &why);
    kit_close(&k);
}
TESTDB_CASES(refuses_bad_keks)

static void tells_values_apart(bool postgres)
{
    struct kit k;
    kit_open(&k, postgres);
    struct secret ab = {(const unsigned char *)"ab", 2}, b = {(const unsigned char *)"b", 1};
    str f[] = {keys_fingerprint(k.keys, "refresh", STR("c"), ab, k.mem),
               keys_fingerprint(k.keys, "access", STR("c"), ab, k.mem),
               keys_fingerprint(k.keys, "refresh", STR("ca"), b, k.mem),
               keys_fingerprint(k.keys, "refresh", STR("d"), ab, k.mem),
               keys_blind_index(k.keys, STR("ws_a"), "phone", STR("ab"), k.mem),
               keys_blind_index(k.keys, STR("ws_b"), "phone", STR("ab"), k.mem),
               keys_blind_index(k.keys, STR("ws_a"), "email", STR("ab"), k.mem)};
    for (size_t i = 0; i < COUNT_OF(f); i++)
        for (size_t j = 0; j < i; j++)
            assert_false(str_eq(f[i], f[j]));
    assert_true(str_eq(f[4], keys_blind_index(k.keys, STR("ws_a"), "phone", STR("ab"), k.mem)));
    kit_close(&k);
}
TESTDB_CASES(tells_values_apart)

static void names_the_person_store(void **state)
{
    (void)state;
    static const struct {
        const char *main, *people;
    } urls[] = {
        {"sqlite:/x/y.db", "sqlite:/x/y.people.db"},
        {"sqlite:/x/y", "sqlite:/x/y.people.db"},
        {"postgresql://u:p@h:5/d?host=/s", "postgresql://u:p@h:5/d_people?host=/s"},
        {"postgresql:///d", "postgresql:///d_people"},
        {"postgresql://h/", NULL},
        {"postgresql://h", NULL},
    };
    struct fault why;
    struct config *c = NULL;
    struct setting_table t = {keys_settings, keys_settings_n};
    char *env[] = {NULL};
    assert_rc(config_load(&t, 1, STR_NONE, env, &c, &why), RC_INVALID, &why); /* no KEK; it can be read */
    struct arena *mem = arena_open(4096);
    for (size_t i = 0; i < COUNT_OF(urls); i++)
        assert_true(str_eq(keys_person_url(c, str_of(urls[i].main), mem), str_of(urls[i].people)));
    arena_close(&mem);
    config_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTDB_BOTH(opens_only_in_place),
        TESTDB_BOTH(forgets_keys_that_went_back),
        TESTDB_BOTH(makes_one_key_in_races),
        TESTDB_BOTH(rotates_and_destroys),
        TESTDB_BOTH(destroys_persons_for_ever),
        TESTDB_BOTH(seals_by_day),
        TESTDB_BOTH(keeps_days_when_the_clock_jumps),
        TESTDB_BOTH(serves_threads_while_days_turn),
        TESTDB_BOTH(changes_the_kek),
        TESTDB_BOTH(refuses_bad_keks),
        TESTDB_BOTH(tells_values_apart),
        cmocka_unit_test(names_the_person_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
