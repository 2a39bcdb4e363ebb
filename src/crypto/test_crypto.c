/* Crypto against published vectors (FIPS 180, RFC 4231, RFC 5869), against the 32 signed webhook bodies of
 * tests/vectors, and against 10,000 changes of sealed values, none of which may open. Runs in the source
 * root. */
#include "unit.h"
#include <fcntl.h>
#include <pthread.h>
#include "crypto/crypto_priv.h"

static struct arena *mem;

static int open_mem(void **state)
{
    (void)state;
    crypto_start();
    mem = arena_open((size_t)64 << 20);
    return 0;
}

static int close_mem(void **state)
{
    (void)state;
    arena_close(&mem);
    return 0;
}

static struct secret secret_of(str s)
{
    return (struct secret){(const unsigned char *)s.p, s.n};
}

static void assert_hex(const void *p, size_t n, const char *want)
{
    assert_string_equal(hex_text(mem, p, n).p, want);
}

static void published_vectors(void **state)
{
    (void)state;
    unsigned char out[82];
    sha256(STR("abc"), out);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256(STR_NONE, out);
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_true(str_eq(sha256_hex(STR("abc"), mem),
                       STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));
    /* RFC 4231, case 2, in three parts */
    const str parts[] = {STR("what do ya "), STR_NONE, STR("want for nothing?")};
    hmac_once(secret_of(STR("Jefe")), parts, COUNT_OF(parts), out);
    assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    /* RFC 5869, cases 1 and 3 */
    unsigned char key[22], salt[13], info[10];
    memset(key, 0x0B, sizeof(key));
    for (unsigned i = 0; i < 13; i++)
        salt[i] = (unsigned char)i;
    for (unsigned i = 0; i < 10; i++)
        info[i] = (unsigned char)(0xF0 + i);
    hkdf((struct secret){key, 22}, (str){(char *)salt, 13}, (str){(char *)info, 10}, out, 42);
    assert_hex(out, 42,
               "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    hkdf((struct secret){key, 22}, STR_NONE, STR_NONE, out, 42);
    assert_hex(out, 42,
               "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

static void keyed_context_is_used_again(void **state)
{
    (void)state;
    struct hmac *h = NULL;
    struct fault why;
    assert_int_equal(hmac_open((struct secret){NULL, 0}, &h, &why), RC_INVALID);
    assert_null(h);
    assert_int_equal(hmac_open(secret_of(STR("key")), &h, &why), RC_OK);
    for (int i = 0; i < 100; i++) {
        unsigned char a[SHA256_BYTES], b[SHA256_BYTES];
        str text = arena_fmt(mem, "message %d", i);
        hmac_sign(h, &text, 1, a);
        hmac_once(secret_of(STR("key")), &text, 1, b);
        assert_true(equal_ct(a, b, sizeof(a)));
        b[i % 32] ^= 1;
        assert_false(equal_ct(a, b, sizeof(a)));
    }
    hmac_close(&h);
    assert_null(h);
    hmac_close(&h);
}

static str file_text(const char *name)
{
    str path = arena_fmt(mem, "tests/vectors/webhooks/%s", name);
    int fd = open(path.p, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        print_error("cannot open %s: run in the source root\n", path.p);
    assert_true(fd >= 0);
    char *p = arena_take(mem, 65536);
    ssize_t n = read(fd, p, 65536);
    assert_true(n >= 0 && n < 65536);
    (void)close(fd);
    return (str){p, (size_t)n};
}

static void webhook_vectors(void **state)
{
    (void)state;
    struct hmac *h = NULL;
    assert_int_equal(hmac_open(secret_of(STR("mz_test_app_secret_0001")), &h, NULL), RC_OK);
    str rest = file_text("signatures.tsv"), line;
    assert_true(str_cut(&rest, '\n', &line));
    assert_true(str_starts(line, STR("name\tbytes\tt\ts\t")));
    unsigned seen = 0;
    while (str_cut(&rest, '\n', &line) && line.n > 0) {
        str name, bytes = STR_NONE, t = STR_NONE, s = STR_NONE;
        uint64_t size = 0;
        unsigned char want[SHA256_BYTES], got[SHA256_BYTES];
        assert_true(str_cut(&line, '\t', &name) && str_cut(&line, '\t', &bytes) && str_cut(&line, '\t', &t) &&
                    str_cut(&line, '\t', &s));
        str body = file_text(arena_fmt(mem, STR_FMT ".json", STR_ARG(name)).p);
        assert_true(str_to_u64(bytes, &size));
        assert_int_equal(body.n, size);
        assert_true(hex_parse(s, want, sizeof(want)));
        const str parts[] = {t, STR("."), body};
        hmac_sign(h, parts, 3, got);
        assert_true(equal_ct(want, got, sizeof(want)));
        const str cut[] = {t, STR("."), str_sub(body, 0, body.n - 1)};
        hmac_sign(h, cut, 3, got);
        assert_false(equal_ct(want, got, sizeof(want)));
        seen++;
    }
    assert_int_equal(seen, 32);
    hmac_close(&h);
}

static const struct seal_key key_one = {"kek-1", {1, 2, 3}};
static const str place[] = {{"ws_1", 4}, {"grant_1", 7}, {"access_token", 12}};

static void sealed_opens_in_its_place(void **state)
{
    (void)state;
    for (size_t n = 0; n < 300; n += 7) {
        char *plain = arena_take(mem, n);
        random_bytes(plain, n);
        str sealed = STR_NONE, id = STR_NONE;
        struct secret out;
        struct fault why;
        assert_int_equal(seal(&key_one, place, 3, secret_of((str){plain, n}), mem, &sealed, &why), RC_OK);
        assert_int_equal(sealed.n, 5 + 5 + 16 + 12 + n + 16);
        assert_true(sealed_key_id(sealed, &id));
        assert_true(str_eq(id, STR("kek-1")));
        assert_int_equal(open_sealed(&key_one, place, 3, sealed, mem, &out, &why), RC_OK);
        assert_int_equal(out.n, n);
        assert_memory_equal(out.p, plain, n);
    }
}

static void refuses(const struct seal_key *k, const str *ad, size_t n_ad, str sealed)
{
    struct secret out = {NULL, 7};
    struct fault why = {.code = ""};
    assert_int_equal(open_sealed(k, ad, n_ad, sealed, mem, &out, &why), RC_DENIED);
    assert_string_equal(why.code, "crypto.open");
    assert_null(out.p);
    assert_int_equal(out.n, 7);
}

/* Every bit of a value, then random bits of others, then cut and lengthened ones. */
static void changed_values_are_refused(void **state)
{
    (void)state;
    str sealed;
    unsigned tried = 0;
    assert_int_equal(seal(&key_one, place, 3, secret_of(STR("act.token")), mem, &sealed, NULL), RC_OK);
    char *copy = arena_take(mem, sealed.n + 1);
    for (size_t bit = 0; bit < sealed.n * 8; bit++, tried++) {
        memcpy(copy, sealed.p, sealed.n);
        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        refuses(&key_one, place, 3, (str){copy, sealed.n});
    }
    memcpy(copy, sealed.p, sealed.n);
    for (size_t n = 0; n < sealed.n; n++, tried++)
        refuses(&key_one, place, 3, (str){copy, n});
    refuses(&key_one, place, 3, (str){copy, sealed.n + 1});
    for (; tried < 5000; tried++) {
        struct arena *own = mem;
        mem = arena_open(1 << 16);
        assert_int_equal(seal(&key_one, place, 3, secret_of(STR("rft.another")), mem, &sealed, NULL), RC_OK);
        char *p = arena_take(mem, sealed.n);
        uint32_t at;
        random_bytes(&at, sizeof(at));
        memcpy(p, sealed.p, sealed.n);
        p[at % sealed.n] = (char)(p[at % sealed.n] ^ 1 << (at >> 24) % 8);
        refuses(&key_one, place, 3, (str){p, sealed.n});
        arena_close(&mem);
        mem = own;
    }
}

/* Sealed values of 100 places (workspace x row x column); each opens in its own place alone. */
static void moved_values_are_refused(void **state)
{
    (void)state;
    static str at[100][3], sealed[100];
    const char *columns[] = {"access_token", "refresh_token", "secret", "note"};
    for (size_t i = 0; i < 100; i++) {
        at[i][0] = arena_fmt(mem, "ws_%zu", i / 20);
        at[i][1] = arena_fmt(mem, "row_%zu", i / 4 % 5);
        at[i][2] = str_of(columns[i % 4]);
        assert_int_equal(seal(&key_one, at[i], 3, secret_of(STR("same text")), mem, &sealed[i], NULL), RC_OK);
    }
    for (size_t i = 0; i < 100; i++) {
        for (size_t j = 0; j < 100; j++) {
            struct secret out;
            if (i == j)
                assert_int_equal(open_sealed(&key_one, at[j], 3, sealed[i], mem, &out, NULL), RC_OK);
            else
                refuses(&key_one, at[j], 3, sealed[i]);
        }
    }
}

static void near_places_and_keys_are_refused(void **state)
{
    (void)state;
    const str ad[] = {STR("a"), STR("bc")};
    const str other[][3] = {{STR("ab"), STR("c"), STR_NONE},
                            {STR("a"), STR("bc"), STR_NONE},
                            {STR("abc"), STR_NONE, STR_NONE},
                            {STR("bc"), STR("a"), STR_NONE},
                            {STR("A"), STR("bc"), STR_NONE}};
    const size_t n_other[] = {2, 3, 1, 2, 2};
    str sealed;
    assert_int_equal(seal(&key_one, ad, 2, secret_of(STR("x")), mem, &sealed, NULL), RC_OK);
    for (size_t i = 0; i < COUNT_OF(other); i++)
        refuses(&key_one, other[i], n_other[i], sealed);
    refuses(&key_one, NULL, 0, sealed);
    struct seal_key k = key_one;
    k.key[31] ^= 1;
    refuses(&k, ad, 2, sealed);
    k = key_one;
    k.id[4] = '2';
    refuses(&k, ad, 2, sealed); /* the same key bytes under another name */
    char *renamed = arena_take(mem, sealed.n);
    memcpy(renamed, sealed.p, sealed.n);
    renamed[5 + 4] = '2'; /* the value's header renamed to match */
    refuses(&k, ad, 2, (str){renamed, sealed.n});
    refuses(&key_one, ad, 2, STR("plain text that was never sealed"));
    refuses(&key_one, ad, 2, STR_NONE);
}

static void equal_texts_never_look_equal(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static char seen[COUNT][28];
    for (size_t i = 0; i < COUNT; i++) {
        str sealed;
        assert_int_equal(seal(&key_one, place, 3, secret_of(STR("x")), mem, &sealed, NULL), RC_OK);
        memcpy(seen[i], sealed.p + 10, 28); /* salt and nonce */
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(seen[i], seen[j], 16);
    }
}

/* A sealer's values open like any other, are bound like any other, and never share salt and nonce. */
static void sealers_write_the_same_form(void **state)
{
    (void)state;
    struct sealer *s[2] = {NULL, NULL};
    static char seen[400][28];
    const struct seal_key no_id = {"", {0}};
    struct fault why;
    assert_int_equal(sealer_open(&no_id, &s[0], &why), RC_INVALID);
    assert_null(s[0]);
    assert_int_equal(sealer_open(&key_one, &s[0], &why), RC_OK);
    assert_int_equal(sealer_open(&key_one, &s[1], &why), RC_OK);
    for (size_t i = 0; i < COUNT_OF(seen); i++) {
        str plain = arena_fmt(mem, "%*zu", (int)(i % 50) + 1, i), sealed;
        struct secret out;
        assert_int_equal(sealer_seal(s[i % 2], place, 3, plain, mem, &sealed, &why), RC_OK);
        assert_int_equal(open_sealed(&key_one, place, 3, sealed, mem, &out, &why), RC_OK);
        assert_true(str_eq((str){(const char *)out.p, out.n}, plain));
        refuses(&key_one, place, 2, sealed);
        char *bad = arena_take(mem, sealed.n);
        memcpy(bad, sealed.p, sealed.n);
        bad[i % sealed.n] = (char)(bad[i % sealed.n] ^ 4);
        refuses(&key_one, place, 3, (str){bad, sealed.n});
        memcpy(seen[i], sealed.p + 10, 28);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(seen[i], seen[j], 28);
    }
    str out = STR_NONE;
    arena_fail_at(mem, 1);
    assert_int_equal(sealer_seal(s[0], place, 3, STR("x"), mem, &out, &why), RC_FULL);
    assert_null(out.p);
    sealer_close(&s[0]);
    sealer_close(&s[1]);
    assert_null(s[0]);
}

static void no_room_is_full(void **state)
{
    (void)state;
    struct arena *small = arena_open(64);
    struct fault why;
    str sealed = STR_NONE, out = STR_NONE;
    struct secret opened = {NULL, 0};
    assert_int_equal(seal(&key_one, place, 3, secret_of(STR("0123456789abcdef")), small, &sealed, &why),
                     RC_FULL);
    assert_null(sealed.p);
    assert_int_equal(seal(&key_one, place, 3, secret_of(STR("0123456789abcdef")), mem, &sealed, &why), RC_OK);
    arena_fail_at(small, 1);
    assert_int_equal(open_sealed(&key_one, place, 3, sealed, small, &opened, &why), RC_FULL);
    assert_null(opened.p);
    assert_int_equal(password_hash(STR("a password"), small, &out, &why), RC_FULL);
    arena_fail_at(small, 1);
    assert_null(token_new(small).p);
    arena_close(&small);
}

static void passwords(void **state)
{
    (void)state;
    str hash, again;
    assert_int_equal(password_hash(STR("correct horse สวัสดี"), mem, &hash, NULL), RC_OK);
    assert_int_equal(password_hash(STR("correct horse สวัสดี"), mem, &again, NULL), RC_OK);
    assert_false(str_eq(hash, again));
    assert_true(str_starts(hash, STR("$argon2id$")));
    assert_true(password_ok(hash, STR("correct horse สวัสดี")));
    assert_false(password_ok(hash, STR("correct horse")));
    assert_false(password_ok(hash, STR("")));
    assert_false(password_ok(STR("no hash"), STR("x")));
    assert_false(password_ok(STR_NONE, STR("x")));
    struct fault why;
    assert_int_equal(password_hash(STR(""), mem, &hash, &why), RC_INVALID);
}

static void tokens_and_wiping(void **state)
{
    (void)state;
    str a = token_new(mem), b = token_new(mem), bits;
    assert_int_equal(a.n, 43);
    assert_false(str_eq(a, b));
    assert_true(base64url_parse(a, mem, &bits));
    assert_int_equal(bits.n, 32);
    unsigned char bytes[16];
    memset(bytes, 0xAB, sizeof(bytes));
    struct secret s = {bytes, sizeof(bytes)};
    wipe_secret(&s);
    assert_null(s.p);
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 0);
}

/* Primitives are shared by threads, contexts are not: for the thread sanitizer. */
static void *work(void *arg)
{
    struct arena *own = arena_open(1 << 20);
    struct hmac *h = NULL;
    must(hmac_open(secret_of(STR("key")), &h, NULL) == RC_OK);
    for (int i = 0; i < 200; i++) {
        unsigned char sum[SHA256_BYTES];
        str text = arena_fmt(own, "%d", i), sealed;
        struct secret out;
        hmac_sign(h, &text, 1, sum);
        must(seal(&key_one, &text, 1, secret_of(text), own, &sealed, NULL) == RC_OK);
        must(open_sealed(&key_one, &text, 1, sealed, own, &out, NULL) == RC_OK);
        must(str_eq((str){(const char *)out.p, out.n}, text));
        arena_reset(own);
    }
    hmac_close(&h);
    arena_close(&own);
    return arg;
}

static void threads_share_primitives(void **state)
{
    (void)state;
    pthread_t t[4];
    for (size_t i = 0; i < COUNT_OF(t); i++)
        assert_int_equal(pthread_create(&t[i], NULL, work, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(t); i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
}

#define WITH_MEM(f) cmocka_unit_test_setup_teardown(f, open_mem, close_mem)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MEM(published_vectors),
        WITH_MEM(keyed_context_is_used_again),
        WITH_MEM(webhook_vectors),
        WITH_MEM(sealed_opens_in_its_place),
        WITH_MEM(changed_values_are_refused),
        WITH_MEM(moved_values_are_refused),
        WITH_MEM(near_places_and_keys_are_refused),
        WITH_MEM(equal_texts_never_look_equal),
        WITH_MEM(sealers_write_the_same_form),
        WITH_MEM(no_room_is_full),
        WITH_MEM(passwords),
        WITH_MEM(tokens_and_wiping),
        WITH_MEM(threads_share_primitives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
