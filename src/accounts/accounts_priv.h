/* Private to accounts: the handle, the grant's machine, rows as read from the tables. */
#ifndef MZ_ACCOUNTS_PRIV_H
#define MZ_ACCOUNTS_PRIV_H
#include "accounts/accounts.h"
#include "accounts/grants_priv.h"

struct accounts {
    struct accounts_options o;
    struct arena *mem;
    struct account_app apps[APPS_MAX];
    struct config *files[APPS_MAX]; /* of apps.dir: their secrets live there */
    size_t n_apps, n_files;
    struct flights *flights;
    _Atomic bool stopping; /* nothing new is begun, nobody waits; a pair in hand is still stored */
    struct ticker *ticker; /* NULL: not started */
    char node[17];         /* of this process, for the names of its lots */
};
/* ---- apps.c ---- */
MUSTCHECK enum rc apps_open(struct accounts *a, struct fault *why);
void apps_close(struct accounts *a);

/* ---- accounts_db.c ---- */
MUSTCHECK enum rc db_account_find(struct tx *tx, str workspace, str client_key, str open_id,
                                  struct arena *mem, str *id, struct fault *why);
struct account_insert {
    str workspace, id, app, client_key, open_id, role;
};
MUSTCHECK enum rc db_account_insert(struct tx *tx, const struct account_insert *in, struct fault *why);
MUSTCHECK enum rc db_profile_save(struct tx *tx, str workspace, str id, const struct tiktok_user *u,
                                  struct fault *why);
struct account_names {
    str name, username, avatar_url; /* empty: the earlier value stays */
};
MUSTCHECK enum rc db_names_save(struct tx *tx, str workspace, str id, const struct account_names *n,
                                struct fault *why);
/* Connected (again): no longer released, nothing waits to be erased; and the other way round. */
MUSTCHECK enum rc db_account_hold(struct tx *tx, str workspace, str id, struct fault *why);
MUSTCHECK enum rc db_account_release(struct tx *tx, str workspace, str id, int64_t erase_ms,
                                     struct fault *why);
MUSTCHECK enum rc db_accounts_to_erase(struct tx *tx, struct arena *mem, struct account_owner **out,
                                       size_t *n, struct fault *why);
MUSTCHECK enum rc db_person_join(struct tx *tx, str workspace, const struct account *acc, str beside,
                                 struct fault *why);
MUSTCHECK enum rc db_accounts_anywhere(struct tx *tx, str workspace, int64_t limit, struct arena *mem,
                                       struct account_owner **out, size_t *n, struct fault *why);
MUSTCHECK enum rc db_account_anywhere(struct tx *tx, str id, struct arena *mem, struct account_owner *out,
                                      struct fault *why);
MUSTCHECK enum rc db_profile_erase(struct tx *tx, str workspace, str id, struct fault *why);
struct account_list {
    str workspace, after, role, app; /* empty role, app: all */
    int64_t limit;
};
MUSTCHECK enum rc db_account_list(struct tx *tx, const struct account_list *l, struct arena *mem,
                                  struct account **out, size_t *n, struct fault *why);
MUSTCHECK enum rc db_business_owner(struct tx *tx, str client_key, str open_id, struct arena *mem,
                                    str *workspace, str *account, struct fault *why);
#endif
