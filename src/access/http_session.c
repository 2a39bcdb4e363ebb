/* Signing in and out, and the session's own view. A wrong e-mail and a wrong password answer the same bytes
 * after the same work; attempts are counted in the database before any password is looked at. */
#include "access/access_priv.h"

/* ---- GET /v1/session ---- */

struct view_job {
    const struct principal *who;
    struct arena *mem;
    struct member member;
    struct workspace workspace;
    struct rows *identities;
};

static enum rc view_read(struct tx *tx, void *arg, struct fault *why)
{
    struct view_job *j = arg;
    enum rc rc = db_member(tx, j->who->workspace, j->who->id, j->mem, &j->member, why);
    if (rc == RC_OK)
        rc = access_workspace(tx, j->who->workspace, j->mem, &j->workspace, why);
    return rc != RC_OK ? rc
                       : db_identities_of(tx, j->who->workspace, j->who->id, j->mem, &j->identities, why);
}

static void view_write(struct access *a, struct view_job *j, struct jw *w)
{
    jw_obj(w, NULL);
    jw_obj(w, "member");
    jw_str(w, "id", j->member.id);
    jw_str(w, "name", j->member.name);
    jw_str(w, "email", j->member.email);
    jw_str(w, "role", j->member.role);
    jw_str(w, "language", j->member.language);
    jw_arr(w, "identities");
    while (rows_next(j->identities)) {
        jw_obj(w, NULL);
        jw_str(w, "client_key", row_text(j->identities, 0));
        jw_time(w, "linked_at", row_int(j->identities, 1));
        jw_end(w);
    }
    jw_end(w);
    jw_end(w);
    jw_obj(w, "workspace");
    jw_str(w, "id", j->workspace.id);
    jw_str(w, "name", j->workspace.name);
    jw_str(w, "public_key", j->workspace.public_key);
    jw_end(w);
    jw_arr(w, "permissions");
    for (int p = PERM_NONE + 1; p < PERM_COUNT; p++)
        if (principal_may(j->who, (enum permission)p))
            jw_cstr(w, NULL, permission_name((enum permission)p));
    jw_end(w);
    if (a->session_extra != NULL)
        a->session_extra(a->extra_arg, j->who->workspace, w);
    jw_end(w);
}

static enum rc view_answer(struct access *a, struct request *rq, const struct principal *who,
                           struct fault *why)
{
    struct view_job j = {.who = who, .mem = rq_mem(rq)};
    enum rc rc = store_read(a->store, view_read, &j, why);
    if (rc != RC_OK)
        return rc;
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(rq), 65536);
    jw_init(&w, &b);
    view_write(a, &j, &w);
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "access.full", "answer too large");
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

enum rc http_session_get(struct request *rq, void *ctx, struct fault *why)
{
    if (rq_who(rq)->kind != WHO_MEMBER)
        return fault_set(why, RC_DENIED, "access.members_only", "a key has no session");
    return view_answer(ctx, rq, rq_who(rq), why);
}

/* ---- POST /v1/session ---- */

struct sign_in {
    struct access *a;
    struct request *rq;
    str email, address, pair; /* folded; subjects of the counters: keyed hashes */
    str email_subject;
    bool limited;
    struct member *candidates, *found;
    size_t n;
    str token;
};

static enum rc count(struct tx *tx, void *arg, struct fault *why)
{
    struct sign_in *j = arg;
    const struct {
        str kind, subject;
        int64_t max;
    } rows[] = {{STR("address"), j->address, j->a->per_address},
                {STR("pair"), j->pair, j->a->per_pair},
                {STR("email"), j->email_subject, j->a->per_email}};
    j->limited = false;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t n = 0;
        enum rc rc = db_count_add(tx, rows[i].kind, rows[i].subject, &n, why);
        if (rc != RC_OK)
            return rc;
        j->limited = j->limited || n > rows[i].max;
    }
    return RC_OK;
}

static enum rc subjects(struct sign_in *j, struct fault *why)
{
    unsigned char key[KEY_BYTES], mac[SHA256_BYTES];
    struct arena *mem = rq_mem(j->rq);
    str prefix = address_prefix(rq_address(j->rq), mem);
    const str pair[] = {prefix, STR("\n"), j->email};
    j->a->mac.derive(j->a->mac.arg, "access.sign_in", STR("-"), key);
    hmac_once((struct secret){key, KEY_BYTES}, pair, 1, mac);
    j->address = hex_text(mem, mac, 16);
    hmac_once((struct secret){key, KEY_BYTES}, pair, 3, mac);
    j->pair = hex_text(mem, mac, 16);
    hmac_once((struct secret){key, KEY_BYTES}, pair + 1, 2, mac);
    j->email_subject = hex_text(mem, mac, 16);
    wipe(key, sizeof(key));
    if (j->address.p == NULL || j->pair.p == NULL || j->email_subject.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room to count");
    return RC_OK;
}

static enum rc candidates(struct tx *tx, void *arg, struct fault *why)
{
    struct sign_in *j = arg;
    return db_members_by_email(tx, j->email, rq_mem(j->rq), &j->candidates, &j->n, why);
}

/* Each candidate's hash is tried, so that the time does not tell which workspace a password belongs to; none:
 * it is hashed all the same. The e-mail in two workspaces with one password: the workspace where the member
 * signed in last. */
static enum rc check_password(struct sign_in *j, str password, struct fault *why)
{
    if (atomic_fetch_add(&j->a->hashing, 1) >= HASHES_MAX) {
        atomic_fetch_sub(&j->a->hashing, 1);
        return fault_set(why, RC_LIMITED, "access.busy", "many people sign in at this moment");
    }
    for (size_t i = 0; i < j->n; i++)
        if (password_ok(j->candidates[i].password_hash, password) && j->found == NULL)
            j->found = &j->candidates[i];
    str nobody;
    enum rc rc = j->n == 0 ? password_hash(password, rq_mem(j->rq), &nobody, why) : RC_OK;
    atomic_fetch_sub(&j->a->hashing, 1);
    if (rc != RC_OK)
        return rc;
    if (j->found == NULL)
        return fault_set(why, RC_DENIED, "access.bad_password", "unknown e-mail or wrong password");
    return RC_OK;
}

static enum rc begin(struct tx *tx, void *arg, struct fault *why)
{
    struct sign_in *j = arg;
    struct member now;
    enum rc rc = db_member(tx, j->found->workspace, j->found->id, tx_mem(tx), &now, why);
    if (rc == RC_MISSING || (rc == RC_OK && !str_eq(now.password_hash, j->found->password_hash)))
        return fault_set(why, RC_DENIED, "access.bad_password", "the member changed meanwhile");
    if (rc == RC_OK)
        rc = db_count_clear(tx, STR("pair"), j->pair, why);
    struct session_new s = {
        .workspace = now.workspace, .member = now.id, .ends = rq_cookie(j->rq, ACCESS_COOKIE)};
    if (rc == RC_OK)
        rc = session_start(j->a, tx, &s, rq_mem(j->rq), &j->token, why);
    if (rc != RC_OK)
        return rc;
    str detail = STR("{\"by\":\"password\"}");
    if (planted("access.token_in_audit"))
        detail = arena_fmt(rq_mem(j->rq), "{\"by\":\"" STR_FMT "\"}", STR_ARG(j->token));
    return session_audit(j->a, tx, j->rq,
                         &(struct audit_entry){.workspace = j->found->workspace,
                                               .actor = j->found->id,
                                               .action = STR("access.signed_in"),
                                               .object = j->found->id,
                                               .detail = detail},
                         why);
}

static enum rc sign_in(struct sign_in *j, struct fault *why)
{
    enum rc rc = subjects(j, why);
    if (rc == RC_OK)
        rc = store_write(j->a->store, STORE_INTERACTIVE, count, j, why);
    if (rc == RC_OK && j->limited && !planted("access.no_limit")) {
        answer_header(j->rq, "Retry-After", STR("900"));
        return fault_set(why, RC_LIMITED, "access.too_many", "too many attempts to sign in");
    }
    if (rc == RC_OK)
        rc = store_read(j->a->store, candidates, j, why);
    if (rc == RC_OK)
        rc = check_password(j, rq_arg(j->rq, "password"), why);
    return rc != RC_OK ? rc : store_write(j->a->store, STORE_INTERACTIVE, begin, j, why);
}

enum rc http_session_post(struct request *rq, void *ctx, struct fault *why)
{
    struct sign_in j = {.a = ctx, .rq = rq, .email = email_fold(rq_arg(rq, "email"), rq_mem(rq))};
    if (j.email.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for an e-mail");
    enum rc rc = sign_in(&j, why);
    const char *outcome = rc == RC_OK        ? "password"
                          : rc == RC_LIMITED ? "limited"
                          : rc == RC_DENIED  ? "wrong"
                                             : "failed";
    metric_add(&access_metrics[ACCESS_M_SIGN_IN], 1, outcome, NULL);
    log_event(j.a->log, LOG_INFO, "access.sign_in", F_PERSON("email", j.email),
              F_STR("outcome", str_of(outcome)), F_RC(rc));
    if (rc != RC_OK)
        return rc;
    access_set_cookie(rq, j.token);
    struct principal who = {.kind = WHO_MEMBER,
                            .workspace = j.found->workspace,
                            .id = j.found->id,
                            .role = j.found->role,
                            .may = access_role_find(j.found->role)->may};
    return view_answer(j.a, rq, &who, why);
}

/* ---- DELETE /v1/session, PUT /v1/session/language, DELETE /v1/session/identities ---- */

struct self_job {
    struct access *a;
    struct request *rq;
    str value;
};

static enum rc end_session(struct tx *tx, void *arg, struct fault *why)
{
    struct self_job *j = arg;
    enum rc rc = db_session_end(tx, j->value, why);
    if (rc != RC_OK)
        return rc;
    struct audit_entry e = audit_of(j->rq, "access.signed_out", rq_who(j->rq)->id, STR_NONE);
    return audit_put(j->a->audit, tx, &e, why);
}

enum rc http_session_delete(struct request *rq, void *ctx, struct fault *why)
{
    str cookie = rq_cookie(rq, ACCESS_COOKIE);
    if (rq_who(rq)->kind != WHO_MEMBER || cookie.n == 0)
        return fault_set(why, RC_DENIED, "access.members_only", "a key has no session");
    struct self_job j = {.a = ctx, .rq = rq, .value = sha256_hex(cookie, rq_mem(rq))};
    if (j.value.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for a session");
    enum rc rc = store_write(j.a->store, STORE_INTERACTIVE, end_session, &j, why);
    if (rc != RC_OK)
        return rc;
    answer_cookie(rq, ACCESS_COOKIE, STR(""), 0);
    answer_json(rq, 200, STR("{\"signed_out\":true}"));
    return RC_OK;
}

static enum rc set_language(struct tx *tx, void *arg, struct fault *why)
{
    struct self_job *j = arg;
    const struct principal *who = rq_who(j->rq);
    return db_member_language(tx, who->workspace, who->id, j->value, why);
}

enum rc http_language_put(struct request *rq, void *ctx, struct fault *why)
{
    struct self_job j = {.a = ctx, .rq = rq, .value = rq_arg(rq, "language")};
    if (rq_who(rq)->kind != WHO_MEMBER)
        return fault_set(why, RC_DENIED, "access.members_only", "a key has no language");
    enum rc rc = store_write(j.a->store, STORE_INTERACTIVE, set_language, &j, why);
    return rc != RC_OK ? rc : view_answer(j.a, rq, rq_who(rq), why);
}

static enum rc unlink_all(struct tx *tx, void *arg, struct fault *why)
{
    struct self_job *j = arg;
    const struct principal *who = rq_who(j->rq);
    enum rc rc = db_identities_remove(tx, who->workspace, who->id, why);
    if (rc != RC_OK)
        return rc;
    struct audit_entry e = audit_of(j->rq, "access.identity_unlinked", who->id, STR_NONE);
    return audit_put(j->a->audit, tx, &e, why);
}

enum rc http_identity_delete(struct request *rq, void *ctx, struct fault *why)
{
    struct self_job j = {.a = ctx, .rq = rq};
    if (rq_who(rq)->kind != WHO_MEMBER)
        return fault_set(why, RC_DENIED, "access.members_only", "a key has no identity");
    enum rc rc = store_write(j.a->store, STORE_INTERACTIVE, unlink_all, &j, why);
    return rc != RC_OK ? rc : view_answer(j.a, rq, rq_who(rq), why);
}
