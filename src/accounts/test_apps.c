/* App rows and features: rows from settings and from the folder of workspaces' apps with every refusal, and
 * the scope matrix over all subsets of the messaging and comment scopes, held and granted, against an
 * oracle of bits. Then the kept answers of TikTok on both databases. */
#include "testdb.h"
#include <dirent.h>
#include <sys/stat.h>
#include "accounts/accounts_priv.h"

/* ---- a folder of settings ---- */
struct folder {
    char dir[64], file[128], apps[128];
    struct config *config;
    struct accounts *accounts;
    struct arena *mem;
};

static void put_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    (void)fclose(f);
    assert_int_equal(chmod(path, 0600), 0);
}

static void folder_open(struct folder *f)
{
    memset(f, 0, sizeof *f);
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/mzapps.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->file, sizeof f->file, "%s/conf", f->dir);
    (void)snprintf(f->apps, sizeof f->apps, "%s/apps", f->dir);
    assert_int_equal(mkdir(f->apps, 0700), 0);
    put_file(f->dir, "secret", "installation-secret\n");
    put_file(f->dir, "secret2", "workspace-secret\n");
    f->mem = arena_open(1u << 20);
}

static void empty(const char *dir)
{
    char path[400];
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_type == DT_REG)
            (void)unlink(path);
    }
    (void)closedir(d);
    assert_int_equal(rmdir(dir), 0);
}

static void folder_close(struct folder *f)
{
    accounts_close(&f->accounts);
    config_close(&f->config);
    empty(f->apps);
    empty(f->dir);
    arena_close(&f->mem);
}

static enum rc folder_load(struct folder *f, const char *more, struct fault *why)
{
    static char *const nothing[] = {NULL};
    struct setting_table t[] = {{accounts_settings, accounts_settings_n}, {http_settings, http_settings_n}};
    char text[2048];
    (void)snprintf(text, sizeof text,
                   "public.base_url = https://chat.example.test\ntiktok.login.client_key = awlogin\n"
                   "tiktok.login.client_secret_file = %s/secret\ntiktok.accounts.client_key = 760001\n"
                   "tiktok.accounts.client_secret_file = %s/secret\ntiktok.ads.client_key = 760001\n"
                   "tiktok.ads.client_secret_file = %s/secret\napps.dir = %s\n%s",
                   f->dir, f->dir, f->dir, f->apps, more);
    put_file(f->dir, "conf", text);
    accounts_close(&f->accounts);
    config_close(&f->config);
    enum rc rc = config_load(t, COUNT_OF(t), str_of(f->file), nothing, &f->config, why);
    if (rc != RC_OK)
        return rc;
    struct accounts_options o = {.config = f->config};
    return accounts_open(&o, &f->accounts, why);
}

static void own_row(struct folder *f, const char *name, const char *more)
{
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "workspace = ws_01k00000000000000000000000\nclient_secret_file = %s/secret2\n%s", f->dir,
                   more);
    put_file(f->apps, name, text);
}

#define WS STR("ws_01k00000000000000000000000")

static void rows_of_settings(void **state)
{
    (void)state;
    struct folder f;
    struct fault why = {0};
    const struct account_app *apps = NULL;
    folder_open(&f);
    assert_rc(folder_load(&f, "", &why), RC_OK, &why);
    assert_int_equal(accounts_apps(f.accounts, &apps), 3);
    const struct account_app *ads = accounts_app(f.accounts, APP_ADS);
    assert_true(str_eq(ads->redirect_uri, STR("https://chat.example.test/auth/tiktok/ads/callback")));
    assert_true(str_eq(accounts_app(f.accounts, APP_ACCOUNTS)->redirect_uri,
                       STR("https://chat.example.test/auth/tiktok/business/callback/")));
    assert_true(str_eq(ads->webhook_url, STR("https://chat.example.test/webhooks/tiktok/ads")));
    /* one app at TikTok with two products: told apart by the kind */
    assert_ptr_equal(accounts_app_of(f.accounts, STR("760001"), APP_ADS), ads);
    assert_ptr_not_equal(accounts_app_of(f.accounts, STR("760001"), APP_ACCOUNTS), ads);
    assert_null(accounts_app_of(f.accounts, STR("760002"), APP_ADS));
    assert_ptr_equal(accounts_app_for(f.accounts, WS, APP_ADS), ads);
    folder_close(&f);
}

static void the_workspaces_row_wins(void **state)
{
    (void)state;
    struct folder f;
    struct fault why = {0};
    folder_open(&f);
    own_row(&f, "shop-2.conf",
            "kind = accounts\nclient_key = 770002\nscopes = message.list.read, comment.list\n"
            "redirect_uri = https://shop.example.test/auth/tiktok/business/callback\n"
            "client_secret_previous_until = 2027-01-31\nsandbox_targets = one, two\n");
    put_file(f.apps, "notes.txt", "not an app");
    assert_rc(folder_load(&f, "", &why), RC_OK, &why);
    const struct account_app *own = accounts_app_for(f.accounts, WS, APP_ACCOUNTS);
    assert_true(str_eq(own->id, STR("shop-2")) && str_eq(own->client.client_key, STR("770002")));
    assert_true(str_eq(own->scopes, STR("message.list.read,comment.list"))); /* no blanks in the URL */
    assert_memory_equal(own->client.client_secret.p, "workspace-secret", 16);
    assert_true(own->secret_previous_until_ms == INT64_C(1801353600000));
    assert_int_equal(own->n_sandbox_targets, 2);
    const struct account_app *ours = accounts_app(f.accounts, APP_ACCOUNTS);
    assert_ptr_equal(accounts_app_for(f.accounts, STR("ws_other"), APP_ACCOUNTS), ours);
    assert_ptr_equal(accounts_app_for(f.accounts, STR("-"), APP_ACCOUNTS), ours);
    assert_ptr_equal(accounts_app_named(f.accounts, STR("shop-2")), own);
    assert_ptr_equal(accounts_app_of(f.accounts, STR("770002"), APP_ACCOUNTS), own);
    folder_close(&f);
}

static void bad_rows_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *file, *settings;
    } bad[] = {
        {"x.conf", "kind = accounts\nclient_key = 760001\n", ""},             /* another's client key */
        {"x.conf", "kind = accounts\n", ""},                                  /* no client key */
        {"x.conf", "kind = shop\nclient_key = 1\n", ""},                      /* no such kind */
        {"x.conf", "kind = accounts\nclient_key = 1\nclient_secret = x", ""}, /* a secret given plainly */
        {"x.conf", "kind = accounts\nclient_key = 1\nredirect_uri = http://a.example/cb", ""},
        {"x.conf", "kind = accounts\nclient_key = 1\nredirect_uri = https://a.example/cb?x=1", ""},
        {"x.conf", "kind = login_kit\nclient_key = 1\nscopes = video.list", ""},
        {"x.conf", "kind = accounts\nclient_key = 1\nclient_secret_previous_until = 2027-02-30", ""},
        {"x.conf", "kind = accounts\nclient_key = 1\nunknown = 2", ""},
        {"X Y.conf", "kind = accounts\nclient_key = 1\n", ""},
        {"ads.conf", "kind = accounts\nclient_key = 1\n", ""}, /* the installation's name */
        {NULL, NULL, "tiktok.ads.redirect_uri = https://chat.example.test/auth/tiktok/business/callback/\n"},
        {NULL, NULL, "tiktok.login.client_secret_previous_until = soon\n"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct folder f;
        struct fault why = {0};
        folder_open(&f);
        if (bad[i].name != NULL)
            own_row(&f, bad[i].name, bad[i].file);
        enum rc rc = folder_load(&f, bad[i].settings, &why);
        if (rc != RC_INVALID)
            print_message("row %zu was taken: %s\n", i, why.detail);
        assert_int_equal(rc, RC_INVALID);
        size_t at = 0;
        assert_false(str_find(str_of(why.detail), STR("workspace-secret"), &at));
        folder_close(&f);
    }
}

static void dates(void **state)
{
    (void)state;
    int64_t ms = 0;
    assert_true(app_date_parse(STR("1970-01-01"), &ms) && ms == 0);
    assert_true(app_date_parse(STR("2024-02-29T23:59:59Z"), &ms) && ms == INT64_C(1709251199000));
    static const char *const bad[] = {
        "",           "2027-1-1",   "2027-13-01",           "2027-02-29", "2027-00-01",
        "2027-01-00", "2027/01/01", "2027-01-01T24:00:00Z", "-027-01-01", "2027-01-01 00:00:00Z"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(app_date_parse(str_of(bad[i]), &ms));
}

/* ---- the matrix: every subset held by every subset granted ---- */
static const char *const scopes[] = {"user.info.basic",     "message.list.read", "message.list.send",
                                     "message.list.manage", "comment.list",      "comment.list.manage",
                                     "user.account.type"};
enum { SCOPES = COUNT_OF(scopes), SETS = 1 << SCOPES };

static str set_text(unsigned set, struct arena *mem)
{
    struct buf b;
    buf_init(&b, mem, 512);
    for (unsigned i = 0; i < SCOPES; i++)
        if ((set >> i & 1) != 0) {
            if (b.n > 0)
                buf_put_c(&b, ',');
            buf_put(&b, str_of(scopes[i]));
        }
    return b.n > 0 ? buf_str(&b) : STR("");
}

static unsigned set_of(str list)
{
    unsigned set = 0;
    str head;
    while (str_cut(&list, ',', &head)) {
        if (head.n == 0)
            continue;
        unsigned i = 0;
        while (i < SCOPES && !str_eq(head, str_of(scopes[i])))
            i++;
        if (i == SCOPES)
            return UINT32_MAX;             /* not one of the matrix */
        assert_int_equal(set >> i & 1, 0); /* never twice */
        set |= 1u << i;
    }
    return set;
}

static void judged(const struct feature *f, unsigned held, unsigned granted, struct arena *mem)
{
    unsigned need = set_of(str_of(f->scopes)), missing = need & ~granted, lacking = missing & ~held;
    struct feature_facts facts = {
        .held = set_text(held, mem), .granted = set_text(granted, mem), .since_ms = 5, .live = true};
    struct feature_verdict v;
    struct fault why;
    str ask = STR_NONE;
    feature_judge(f, &facts, mem, &v);
    enum feature_state want = missing == 0   ? FEATURE_WORKS
                              : lacking != 0 ? FEATURE_APP_LACKS_SCOPE
                                             : FEATURE_MISSING_SCOPE;
    assert_int_equal(v.state, want);
    assert_int_equal(set_of(v.missing), missing);
    assert_int_equal(set_of(v.lacking), lacking);
    enum rc rc = feature_ask(f, &facts, APP_ACCOUNTS, mem, &ask, &why);
    assert_int_equal(rc, (need & ~held) != 0 ? RC_REFUSED : RC_OK);
    if (rc != RC_OK)
        return;
    unsigned kept = granted & held, asked = set_of(ask);
    assert_int_equal(asked & ~held, 0);                               /* the app holds all of it */
    assert_int_equal(asked, (kept != 0 ? kept : (held & 1u)) | need); /* and no more is asked */
    facts.live = false;
    feature_judge(f, &facts, mem, &v);
    assert_int_not_equal(v.state, FEATURE_WORKS); /* nothing works without a grant */
}

static void all_subsets(void **state)
{
    (void)state;
    struct arena *mem = arena_open(4u << 20);
    size_t seen = 0;
    for (unsigned held = 0; held < SETS; held++)
        for (unsigned granted = 0; granted < SETS; granted++) {
            const struct feature *f = NULL;
            for (size_t i = 0; (f = feature_at(i)) != NULL; i++)
                if (f->kind == APP_ACCOUNTS && set_of(str_of(f->scopes)) != UINT32_MAX) {
                    judged(f, held, granted, mem);
                    seen++;
                }
            struct feature_facts facts = {.held = set_text(held, mem), .granted = set_text(granted, mem)};
            struct fault why;
            str ask = STR_NONE;
            assert_rc(feature_ask(NULL, &facts, APP_ACCOUNTS, mem, &ask, &why), RC_OK, &why);
            assert_int_equal(set_of(ask), (held & granted) != 0 ? held & granted : held);
            arena_reset(mem);
        }
    assert_int_equal(seen, (size_t)SETS * SETS * 6);
    arena_close(&mem);
}

static void advertisers_are_judged_by_answers(void **state)
{
    (void)state;
    struct arena *mem = arena_open(1u << 20);
    struct feature_verdict v;
    struct fault why;
    str ask = STR_NONE;
    const struct feature *f = feature_find(APP_ADS, STR("leads"));
    struct feature_facts facts = {.granted = STR("4,15"), .since_ms = 1000, .live = true};
    const struct {
        int64_t worked, refused;
        const char *held;
        enum feature_state want;
    } cases[] = {{0, 0, "", FEATURE_UNTRIED},
                 {2000, 0, "", FEATURE_WORKS},
                 {900, 0, "", FEATURE_UNTRIED}, /* before this grant */
                 {0, 2000, "", FEATURE_MISSING_SCOPE},
                 {0, 900, "", FEATURE_UNTRIED},
                 {3000, 2000, "", FEATURE_WORKS},
                 {0, 0, "reporting", FEATURE_APP_LACKS_SCOPE},
                 {0, 0, "reporting,leads", FEATURE_UNTRIED}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        facts.worked_ms = cases[i].worked;
        facts.refused_ms = cases[i].refused;
        facts.held = str_of(cases[i].held);
        feature_judge(f, &facts, mem, &v);
        assert_int_equal(v.state, cases[i].want);
    }
    assert_rc(feature_ask(f, &facts, APP_ADS, mem, &ask, &why), RC_OK, &why);
    assert_int_equal(ask.n, 0); /* the advertiser's page takes no scopes */
    facts.held = STR("reporting");
    assert_rc(feature_ask(f, &facts, APP_ADS, mem, &ask, &why), RC_REFUSED, &why);
    arena_close(&mem);
}

static void the_table_is_whole(void **state)
{
    (void)state;
    const struct feature *f = NULL;
    size_t n = 0;
    for (; (f = feature_at(n)) != NULL; n++) {
        assert_ptr_equal(feature_find(f->kind, str_of(f->name)), f); /* no name twice in a kind */
        assert_true(f->scopes[0] != '\0' && strchr(f->scopes, ' ') == NULL && f->doc[0] != '\0');
        assert_true(f->en[0] != '\0' && (unsigned char)f->th[0] >= 0x80);
        assert_true(f->apply_en[0] != '\0' && f->apply_th[0] != '\0');
    }
    assert_true(n >= 20);
}

/* ---- kept answers ---- */
struct noting {
    struct feature_note note;
    str market;
    struct arena *mem;
};

static enum rc note_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct noting *n = arg;
    enum rc rc = accounts_feature_noted(tx, &n->note, why);
    if (rc == RC_OK)
        rc = accounts_market_set(tx, n->note.workspace, n->note.account, STR("th"), why);
    return rc == RC_OK ? accounts_market(tx, n->note.workspace, n->note.account, n->mem, &n->market, why)
                       : rc;
}

static enum rc market_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct noting *n = arg;
    return accounts_market(tx, STR("ws_b"), n->note.account, n->mem, &n->market, why);
}

static const struct sql kept = {"test.kept", "SELECT worked_ms > 0, refused_ms > 0 FROM account_features "
                                             "WHERE workspace_id = $1 AND account_id = 'acc_1'"};

static enum rc kept_fn(struct tx *tx, void *arg, struct fault *why)
{
    struct noting *n = arg;
    struct rows *r = NULL;
    enum rc rc = tx_one(tx, &kept, ARGS(V_TEXT(n->note.workspace)), n->mem, &r, why);
    return rc == RC_OK && rows_count(r) != 1 ? RC_BUG : rc;
}

static void answers_are_kept(bool postgres)
{
    struct testdb db;
    struct fault why = {0};
    struct noting n = {.note = {STR("ws_a"), STR("acc_1"), STR("leads"), false}, .mem = arena_open(65536)};
    testdb_open(&db, postgres, &features_migrations, 1);
    assert_rc(store_write(db.store, STORE_INTERACTIVE, note_fn, &n, &why), RC_OK, &why);
    n.note.worked = true;
    assert_rc(store_write(db.store, STORE_INTERACTIVE, note_fn, &n, &why), RC_OK, &why);
    assert_true(str_eq(n.market, STR("th")));
    assert_rc(store_read(db.store, kept_fn, &n, &why), RC_OK, &why); /* one row for both answers */
    assert_rc(store_read(db.store, market_fn, &n, &why), RC_OK, &why);
    assert_int_equal(n.market.n, 0); /* another workspace's account says nothing */
    testdb_close(&db);
    arena_close(&n.mem);
}
TESTDB_CASES(answers_are_kept)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_settings),     cmocka_unit_test(the_workspaces_row_wins),
        cmocka_unit_test(bad_rows_are_refused), cmocka_unit_test(dates),
        cmocka_unit_test(all_subsets),          cmocka_unit_test(advertisers_are_judged_by_answers),
        cmocka_unit_test(the_table_is_whole),   TESTDB_BOTH(answers_are_kept)};
    return cmocka_run_group_tests_name("account_apps", tests, NULL, NULL);
}
