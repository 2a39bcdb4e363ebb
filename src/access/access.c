/* The room: open and close, roles, and the two hooks that http asks on its workers: who is this request, and
 * is there a stored answer for its Idempotency-Key. */
#include "access/access_priv.h"

#define P(name) (UINT64_C(1) << PERM_##name)
#define ALL (((UINT64_C(1) << PERM_COUNT) - 1) & ~UINT64_C(1))
#define READS                                                                                                \
    (P(CONVERSATIONS_READ) | P(CONTACTS_READ) | P(ACCOUNTS_READ) | P(FLAGS_READ) | P(ALERTS_READ) |          \
     P(SESSION_SELF))

const struct access_role access_roles[] = {
    {"owner", ALL, "Everything, and the only role that makes or removes owners."},
    {"admin", ALL, "Everything but making or removing owners."},
    {"analyst", READS | P(EVENTS_READ) | P(EXPLAIN), "Reads conversations, contacts, accounts and events."},
    {"agent", READS | P(CONVERSATIONS_WRITE) | P(CONTACTS_WRITE), "Works with conversations and contacts."},
    {"auditor",
     P(AUDIT_READ) | P(MEMBERS_READ) | P(ACCOUNTS_READ) | P(FLAGS_READ) | P(EVENTS_READ) | P(JOBS_READ) |
         P(EXPLAIN) | P(ALERTS_READ) | P(SESSION_SELF),
     "Reads the record of acts and the state of the service; no message and no contact."},
};
const size_t access_roles_n = COUNT_OF(access_roles);

const struct access_role *access_role_find(str name)
{
    for (size_t i = 0; i < access_roles_n; i++)
        if (str_eq(name, str_of(access_roles[i].name)))
            return &access_roles[i];
    return NULL;
}

bool principal_may(const struct principal *who, enum permission p)
{
    return p == PERM_NONE || (who->may & (UINT64_C(1) << p)) != 0;
}

bool role_within(const struct principal *who, const struct access_role *role)
{
    uint64_t given = who->kind == WHO_KEY ? role->may & ~P(SESSION_SELF) : role->may;
    if (strcmp(role->name, "owner") == 0 && !str_eq(who->role, STR("owner")))
        return false;
    return (given & ~who->may) == 0;
}

enum rc not_found(struct fault *why)
{
    return fault_set(why, RC_MISSING, "access.not_found", "no such thing, or not of this workspace");
}

/* ---- open, close ---- */

enum rc access_open(const struct access_options *o, struct access **out, struct fault *why)
{
    if (o->store == NULL || o->audit == NULL || o->config == NULL || o->mac.derive == NULL)
        return fault_set(why, RC_BUG, "access.options", "store, audit, config or key missing");
    crypto_start();
    struct access *a = mem_new(sizeof(*a));
    *a = (struct access){.store = o->store,
                         .audit = o->audit,
                         .log = o->log,
                         .mac = o->mac,
                         .idle_ms = config_int(o->config, "access.session_idle_minutes") * 60000,
                         .life_ms = config_int(o->config, "access.session_hours") * 3600000,
                         .invite_ms = config_int(o->config, "access.invitation_hours") * 3600000,
                         .per_address = config_int(o->config, "access.sign_in_per_address"),
                         .per_pair = config_int(o->config, "access.sign_in_per_email"),
                         .session_extra = o->session_extra,
                         .extra_arg = o->extra_arg};
    a->per_email =
        a->per_pair * 10; /* over all addresses: high, so that a stranger cannot lock a member out */
    *out = a;
    return RC_OK;
}

void access_close(struct access **a)
{
    mem_free(*a);
    *a = NULL;
}

/* ---- who ---- */

struct who_job {
    struct access *a;
    struct arena *mem;
    str hash, id; /* of the session; of the key */
    struct principal who;
    bool touch;
};

static enum rc ended(struct fault *why)
{
    return fault_set(why, RC_DENIED, "access.session_ended", "session unknown, ended or too old");
}

/* The session behind a token's hash, when it still holds. */
static enum rc live_session(struct access *a, struct tx *tx, str hash, struct arena *mem,
                            struct session_row *out, struct fault *why)
{
    struct session_row s;
    enum rc rc = db_session(tx, hash, mem, &s, why);
    if (rc == RC_MISSING)
        return ended(why);
    if (rc != RC_OK)
        return rc;
    int64_t now = tx_now_ms(tx);
    bool old = s.expires_ms <= now || s.seen_ms + a->idle_ms <= now;
    if (access_role_find(s.role) == NULL || (old && !planted("access.session_forever")))
        return ended(why);
    *out = s;
    return RC_OK;
}

static enum rc read_session(struct tx *tx, void *arg, struct fault *why)
{
    struct who_job *j = arg;
    struct session_row s;
    enum rc rc = live_session(j->a, tx, j->hash, j->mem, &s, why);
    if (rc != RC_OK)
        return rc;
    j->touch = tx_now_ms(tx) - s.seen_ms >= TOUCH_MS;
    j->who = (struct principal){.kind = WHO_MEMBER,
                                .workspace = s.workspace,
                                .id = s.member,
                                .role = s.role,
                                .session = j->hash,
                                .may = access_role_find(s.role)->may};
    return RC_OK;
}

static enum rc touch_session(struct tx *tx, void *arg, struct fault *why)
{
    struct who_job *j = arg;
    return db_session_touch(tx, j->who.workspace, j->hash, why);
}

static enum rc bad_key(struct fault *why)
{
    return fault_set(why, RC_DENIED, "access.key_invalid", "key unknown, revoked, too old or mistyped");
}

static enum rc read_key(struct tx *tx, void *arg, struct fault *why)
{
    struct who_job *j = arg;
    struct api_key k;
    enum rc rc = db_key(tx, j->id, j->mem, &k, why);
    if (rc == RC_MISSING)
        return bad_key(why);
    if (rc != RC_OK)
        return rc;
    int64_t now = tx_now_ms(tx);
    bool same = k.secret_hash.n == j->hash.n && equal_ct(k.secret_hash.p, j->hash.p, j->hash.n);
    if (!same || k.revoked_ms != 0 || (k.expires_ms != 0 && k.expires_ms <= now))
        return bad_key(why);
    j->touch = now - k.used_ms >= TOUCH_MS;
    j->who = (struct principal){.kind = WHO_KEY,
                                .workspace = k.workspace,
                                .id = k.id,
                                .role = STR("key"),
                                .may = scopes_parse(k.scopes)};
    return RC_OK;
}

static enum rc touch_key(struct tx *tx, void *arg, struct fault *why)
{
    struct who_job *j = arg;
    return db_key_used(tx, j->who.workspace, j->who.id, why);
}

/* The last use is a courtesy to people who look at the list and the idle limit's clock: when it cannot be
 * written, the request goes on. */
static void touch(struct who_job *j, store_fn fn)
{
    struct fault why;
    if (j->touch && store_write(j->a->store, STORE_INTERACTIVE, fn, j, &why) != RC_OK)
        log_event(j->a->log, LOG_WARN, "access.touch", F_FAULT(&why));
}

static enum rc who_key(struct access *a, struct request *rq, str given, struct principal *out,
                       struct fault *why)
{
    struct who_job j = {.a = a, .mem = rq_mem(rq)};
    size_t scheme = sizeof("Bearer ") - 1;
    if (given.n <= scheme || !str_eq_nocase(str_sub(given, 0, scheme), STR("Bearer ")))
        return bad_key(why);
    str text = str_trim(str_sub(given, scheme, given.n));
    if (!key_text_parse(text, j.mem, &j.id))
        return bad_key(why);
    j.hash = sha256_hex(text, j.mem);
    if (j.hash.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for a key");
    enum rc rc = store_read(a->store, read_key, &j, why);
    if (rc != RC_OK)
        return rc;
    touch(&j, touch_key);
    *out = j.who;
    return RC_OK;
}

enum rc access_who(void *access, struct request *rq, struct principal *out, struct fault *why)
{
    struct access *a = access;
    str given = rq_header(rq, "authorization"), cookie = rq_cookie(rq, ACCESS_COOKIE);
    enum rc rc = RC_OK;
    if (given.p != NULL) {
        rc = who_key(a, rq, given, out, why);
    } else if (cookie.n > 0) {
        struct who_job j = {.a = a, .mem = rq_mem(rq), .hash = sha256_hex(cookie, rq_mem(rq))};
        if (j.hash.p == NULL)
            return fault_set(why, RC_FULL, "access.full", "no room for a session");
        rc = store_read(a->store, read_session, &j, why);
        if (rc == RC_OK) {
            touch(&j, touch_session);
            *out = j.who;
        }
    } else {
        *out = (struct principal){.kind = WHO_NOBODY};
    }
    if (rc == RC_DENIED)
        metric_add(&access_metrics[ACCESS_M_REFUSED], 1, given.p != NULL ? "key" : "session", NULL);
    return rc;
}

/* ---- still ---- */

struct still_job {
    struct access *a;
    const struct principal *who;
};

/* The very session that opened the stream: another one of the same member keeps nothing open. */
static enum rc still_member(struct tx *tx, struct still_job *j, struct fault *why)
{
    struct session_row s;
    if (planted("access.stream_outlives"))
        return RC_OK;
    enum rc rc = live_session(j->a, tx, j->who->session, tx_mem(tx), &s, why);
    if (rc == RC_OK && (!str_eq(s.workspace, j->who->workspace) || !str_eq(s.member, j->who->id) ||
                        !str_eq(s.role, j->who->role)))
        return ended(why);
    return rc;
}

static enum rc still(struct tx *tx, void *arg, struct fault *why)
{
    struct still_job *j = arg;
    struct api_key k;
    if (j->who->kind == WHO_MEMBER)
        return still_member(tx, j, why);
    enum rc rc = db_key(tx, j->who->id, tx_mem(tx), &k, why);
    if (rc == RC_MISSING || (rc == RC_OK && (k.revoked_ms != 0 || !str_eq(k.workspace, j->who->workspace) ||
                                             (k.expires_ms != 0 && k.expires_ms <= tx_now_ms(tx)))))
        return bad_key(why);
    return rc;
}

enum rc access_still(struct access *a, const struct principal *who, struct fault *why)
{
    struct still_job j = {a, who};
    if (who->kind == WHO_SYSTEM)
        return RC_OK;
    if (who->kind == WHO_NOBODY)
        return ended(why);
    return store_read(a->store, still, &j, why);
}

/* ---- idempotency ---- */

static enum rc once_same(const struct once *o, const struct once_row *r, struct fault *why)
{
    if (!str_eq(o->route, r->route) || r->body_hash.n != sizeof(o->body_hash) ||
        memcmp(o->body_hash, r->body_hash.p, sizeof(o->body_hash)) != 0)
        return fault_set(why, RC_CONFLICT, "idempotency.other_body", "this key belonged to another request");
    return RC_OK;
}

struct once_job {
    const struct once *o;
    struct arena *mem;
    struct once_row row;
};

static enum rc once_read(struct tx *tx, void *arg, struct fault *why)
{
    struct once_job *j = arg;
    enum rc rc = db_once(tx, j->o, j->mem, &j->row, why);
    return rc != RC_OK ? rc : once_same(j->o, &j->row, why);
}

enum rc access_once_find(void *access, const struct once *o, struct arena *mem, int *status, str *body,
                         struct fault *why)
{
    struct access *a = access;
    struct once_job j = {.o = o, .mem = mem};
    enum rc rc = store_read(a->store, once_read, &j, why);
    if (rc == RC_OK) {
        *status = (int)j.row.status;
        *body = j.row.body;
    }
    return rc;
}

enum rc access_once_save(struct tx *tx, const struct once *o, int status, str body, struct fault *why)
{
    bool inserted = false;
    struct once_row r;
    if (o == NULL)
        return RC_OK;
    if (body.n > ONCE_BODY_MAX)
        return fault_set(why, RC_FULL, "access.full", "an answer of %zu bytes cannot be kept", body.n);
    enum rc rc = db_once_insert(tx, o, status, body, &inserted, why);
    if (rc != RC_OK || inserted)
        return rc;
    rc = db_once(tx, o, tx_mem(tx), &r, why);
    if (rc == RC_OK)
        rc = once_same(o, &r, why);
    if (rc != RC_OK && rc != RC_MISSING)
        return rc;
    return fault_set(why, RC_CONFLICT, "idempotency.in_flight", "the same key was used at the same time");
}
