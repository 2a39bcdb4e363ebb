/* What both tests of access begin with: stores on both databases, two workspaces, their keys. */
#ifndef MZ_ACCESS_TEST_KIT_H
#define MZ_ACCESS_TEST_KIT_H
#include "testdb.h"
#include <pthread.h>
#include "access/access_priv.h"

struct kit {
    struct testdb db;
    struct config *config;
    struct audit *audit;
    struct access *access;
    struct arena *mem;
    struct access_boot a, b; /* two workspaces */
};

static inline void kit_derive(const void *arg, const char *label, str workspace, unsigned char out[32])
{
    hkdf((struct secret){arg, 32}, str_of(label), workspace, out, 32);
}

static inline struct access_boot kit_boot(struct kit *k, const char *email, const char *password)
{
    struct access_boot out;
    struct fault why;
    struct access_boot_in in = {.workspace_name = STR("Shop"),
                                .owner_email = str_of(email),
                                .owner_name = STR("Owner"),
                                .owner_password = str_of(password),
                                .language = STR("th"),
                                .key_name = STR("test")};
    assert_rc(access_bootstrap(k->access, &in, k->mem, &out, &why), RC_OK, &why);
    return out;
}

static inline void kit_open(struct kit *k, bool postgres)
{
    static const unsigned char root[32] = {3, 1, 4};
    static struct migration_table t[3];
    static char *env[] = {"MZ_PUBLIC_BASE_URL=http://127.0.0.1:1", "MZ_HTTP_LISTEN=127.0.0.1:0",
                          "MZ_HTTP_MAX_PER_ADDRESS=1000",          "MZ_HTTP_READS_PER_SECOND=0",
                          "MZ_HTTP_WRITES_PER_SECOND=0",           "MZ_HTTP_EXCHANGES_PER_SECOND=0",
                          "MZ_ACCESS_SIGN_IN_PER_EMAIL=5",         NULL};
    const struct setting_table settings[] = {{access_settings, access_settings_n},
                                             {http_settings, http_settings_n}};
    struct fault why;
    t[0] = audit_migrations;
    t[1] = access_migrations;
    t[2] = jobs_migrations;
    *k = (struct kit){.mem = arena_open_secret(1 << 22)};
    crypto_start();
    testdb_open(&k->db, postgres, t, COUNT_OF(t));
    assert_rc(config_load(settings, COUNT_OF(settings), STR_NONE, env, &k->config, &why), RC_OK, &why);
    struct mac_keys mac = {root, kit_derive};
    assert_rc(audit_open(&(struct audit_options){.store = k->db.store, .mac = mac}, &k->audit, &why), RC_OK,
              &why);
    struct access_options o = {.store = k->db.store, .audit = k->audit, .config = k->config, .mac = mac};
    assert_rc(access_open(&o, &k->access, &why), RC_OK, &why);
    k->a = kit_boot(k, "Owner@Shop.example", "correct horse battery");
    k->b = kit_boot(k, "other@shop.example", "");
}

static inline void kit_close(struct kit *k)
{
    struct fault why;
    struct audit_verdict v;
    const str all[] = {k->a.workspace, k->b.workspace};
    for (size_t i = 0; i < COUNT_OF(all); i++) { /* whatever a case did, the record of it is whole */
        assert_rc(audit_verify(k->audit, all[i], NULL, &v, &why), RC_OK, &why);
        assert_true(v.whole && v.checked > 0);
    }
    access_close(&k->access);
    audit_close(&k->audit);
    config_close(&k->config);
    testdb_close(&k->db);
    arena_close(&k->mem);
}

/* n threads meet at a barrier, `rounds` times; fn returns whether it won. Gives the wins of the round that
 * had the fewest and the most. */
enum { RACERS = 4 };
typedef bool (*race_fn)(struct kit *k, int round, void *arg);
struct race {
    struct kit *k;
    race_fn fn;
    void *arg;
    int rounds;
    pthread_barrier_t go;
    int wins[512];
    pthread_mutex_t lock;
};

static inline void *race_run(void *arg)
{
    struct race *r = arg;
    for (int i = 0; i < r->rounds; i++) {
        pthread_barrier_wait(&r->go);
        bool won = r->fn(r->k, i, r->arg);
        pthread_mutex_lock(&r->lock);
        r->wins[i] += won;
        pthread_mutex_unlock(&r->lock);
    }
    return NULL;
}

static inline void race_each_has_one_winner(struct kit *k, race_fn fn, void *arg, int rounds)
{
    struct race *r = mem_new(sizeof(*r));
    pthread_t t[RACERS];
    r->k = k;
    r->fn = fn;
    r->arg = arg;
    r->rounds = rounds;
    must(rounds <= (int)COUNT_OF(r->wins));
    assert_int_equal(pthread_barrier_init(&r->go, NULL, RACERS), 0);
    assert_int_equal(pthread_mutex_init(&r->lock, NULL), 0);
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, race_run, r), 0);
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    for (int i = 0; i < rounds; i++)
        assert_int_equal(r->wins[i], 1);
    pthread_barrier_destroy(&r->go);
    pthread_mutex_destroy(&r->lock);
    mem_free(r);
}
#endif
