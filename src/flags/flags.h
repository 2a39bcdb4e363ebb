/* flags: feature flags with a state for the installation and one per workspace.
 *
 * A flag is a const row declared by the room it belongs to (`login_flags[]`) and handed in by wiring. State:
 * the installation's "off" wins over all; else the workspace's own state, else the installation's "on", else
 * the row's default. flag_on answers from memory on any thread, inside or outside a transaction; a thread
 * follows the table, so that a change made on any node is seen by all within 1 s. When the database is away
 * the last known state holds. Table: flag_states. Routes: GET /v1/flags, PUT /v1/flags/{name}. Every change
 * has a reason and an audit entry.
 */
#ifndef MZ_FLAGS_H
#define MZ_FLAGS_H
#include "base/base.h"
#include "observe/observe.h"
#include "store/store.h"
#include "http/http.h"
#include "audit/audit.h"

struct flag_row {
    const char *name;    /* "login.tiktok" */
    bool on;             /* default */
    const char *en, *th; /* what is off when it is off, for the console */
};
struct flag_table {
    const struct flag_row *rows;
    size_t n;
};
struct flags;
struct flags_options {
    struct store *store;
    struct audit *audit;
    struct log *log;
    const struct flag_table *tables;
    size_t n_tables;
    bool no_thread; /* tests: call flags_refresh yourself */
};
/* RC_BUG "flags.twice" when two rows have one name. */
MUSTCHECK enum rc flags_open(const struct flags_options *o, struct flags **out, struct fault *why);
void flags_close(struct flags **f);

/* workspace STR_NONE or "-": the installation's state. An undeclared name is a broken invariant. */
bool flag_on(struct flags *f, str workspace, const char *name);
bool flags_hook(void *flags, str workspace, const char *flag); /* http_hooks.flag_on; arg is struct flags * */
void flags_session(void *flags, str workspace,
                   struct jw *w); /* access_options.session_extra: "flags":{name:bool} */
MUSTCHECK enum rc flags_refresh(struct flags *f, struct fault *why); /* reads the table now */

enum flag_state { FLAG_UNSET, FLAG_OFF, FLAG_ON };
struct flag_change {
    str workspace;         /* "-": the installation, for the CLI only */
    str name;              /* RC_MISSING "flags.unknown" when no row declares it */
    enum flag_state state; /* FLAG_UNSET takes the own state away */
    str reason;            /* 3 to 300 bytes, else RC_INVALID "flags.reason" */
    struct audit_entry by; /* actor, address, request; the rest is filled in */
};
/* Inside the caller's transaction, with the audit entry (so: its last act). Seen here after flags_refresh,
 * elsewhere within 1 s. */
MUSTCHECK enum rc flags_set(struct flags *f, struct tx *tx, const struct flag_change *c, struct fault *why);

struct flag_view {
    const struct flag_row *row;
    bool on; /* what holds */
    enum flag_state here, installation;
    str reason, by; /* of the workspace's own state; empty when unset */
    int64_t at_ms;
};
MUSTCHECK enum rc flags_list(struct flags *f, struct tx *tx, str workspace, struct arena *mem,
                             struct flag_view **out, size_t *n, struct fault *why);

extern const struct migration_table flags_migrations;
extern const struct route flags_routes[]; /* ctx: struct flags * */
extern const size_t flags_routes_n;
extern const struct problem_row flags_problems[];
extern const size_t flags_problems_n;
extern const struct metric flags_metrics[];
extern const size_t flags_metrics_n;
extern const struct event_doc flags_event_docs[];
extern const size_t flags_event_docs_n;
#endif
