/* What the files of the rotation share: reseal.c (a page), rotate.c (jobs, status), rotate_db.c. */
#ifndef MZ_KEYS_ROTATE_PRIV_H
#define MZ_KEYS_ROTATE_PRIV_H
#include "keys/keys_priv.h"

/* ---- rotate_db.c ---- */
struct rotation {
    str workspace, after;
    int64_t started_ms, col, found, resealed, unreadable, clean_ms, done_ms;
};
MUSTCHECK enum rc keys_db_rotation(struct tx *tx, str workspace, struct rotation *out, struct fault *why);
MUSTCHECK enum rc keys_db_rotation_save(struct tx *tx, const struct rotation *r, struct fault *why);
MUSTCHECK enum rc keys_db_retire(struct tx *tx, str workspace, int64_t stopped_before_ms, int64_t *n,
                                 struct fault *why);
MUSTCHECK enum rc keys_db_old_ids(struct tx *tx, str workspace, struct arena *mem, struct rows **out,
                                  struct fault *why);
/* Workspaces whose key was made before `before_ms`, in order; <= 20. */
MUSTCHECK enum rc keys_db_workspaces(struct tx *tx, int64_t before_ms, struct arena *mem, struct rows **out,
                                     struct fault *why);
MUSTCHECK enum rc keys_db_rotations(struct tx *tx, struct arena *mem, struct rows **out, struct fault *why);

/* ---- reseal.c ---- */
enum reseal_next { RESEAL_MORE, RESEAL_WAIT, RESEAL_DONE };
struct reseal { /* one page's work; fn of a transaction */
    struct keys *k;
    str workspace;
    enum reseal_next next;
    int64_t wait_ms; /* RESEAL_WAIT: until then */
    struct rotation at;
    int64_t page_resealed, page_unreadable;
};
MUSTCHECK enum rc keys_reseal_page(struct tx *tx, void *arg, struct fault *why);
MUSTCHECK enum rc keys_rotate_start(struct keys *k, struct tx *tx, str workspace, struct fault *why);
void keys_forget_old(struct keys *k, str workspace); /* retired keys leave this node's memory */
enum {
    RESEAL_SCAN = 500, /* rows looked at in one transaction */
    RESEAL_ROWS = 50   /* of them sealed anew */
};
#endif
