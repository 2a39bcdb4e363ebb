/* Members and invitations. Who may give which role: nobody gives more than he has, and only owners make or
 * touch owners; a workspace keeps at least one owner. A change of role ends the member's sessions. */
#include "access/access_priv.h"

/* ---- GET /v1/members ---- */

struct list_job {
    str workspace, after;
    int64_t limit;
    struct arena *mem;
    struct member *m;
    size_t n;
};

static enum rc list_read(struct tx *tx, void *arg, struct fault *why)
{
    struct list_job *j = arg;
    return db_members(tx, j->workspace, j->after, j->limit, j->mem, &j->m, &j->n, why);
}

enum rc http_members_get(struct request *rq, void *ctx, struct fault *why)
{
    struct access *a = ctx;
    struct list_job j = {.workspace = rq_who(rq)->workspace,
                         .after = rq_arg(rq, "cursor"),
                         .limit = rq_int(rq, "limit", 50),
                         .mem = rq_mem(rq)};
    enum rc rc = store_read(a->store, list_read, &j, why);
    if (rc != RC_OK)
        return rc;
    struct buf b;
    struct jw w;
    buf_init(&b, j.mem, 262144);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_arr(&w, "items");
    for (size_t i = 0; i < j.n; i++) {
        jw_obj(&w, NULL);
        jw_str(&w, "id", j.m[i].id);
        jw_str(&w, "name", j.m[i].name);
        jw_str(&w, "email", j.m[i].email);
        jw_str(&w, "role", j.m[i].role);
        jw_str(&w, "language", j.m[i].language);
        jw_str(&w, "origin", j.m[i].origin);
        jw_time(&w, "created_at", j.m[i].created_ms);
        jw_time(&w, "signed_in_at", j.m[i].signed_in_ms);
        jw_end(&w);
    }
    jw_end(&w);
    jw_str(&w, "next_cursor", j.n == (size_t)j.limit ? j.m[j.n - 1].id : STR_NONE);
    jw_end(&w);
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "access.full", "answer too large");
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

/* ---- PUT /v1/members/{id}/role, DELETE /v1/members/{id} ---- */

struct change_job {
    struct access *a;
    struct request *rq;
    str member;
    const struct access_role *role; /* NULL: the member is removed */
};

static bool is_owner(str role)
{
    return str_eq(role, STR("owner"));
}

/* Under the lock on the workspace's members: two owners who remove each other at the same time would leave
 * none. */
static enum rc change_check(struct tx *tx, struct change_job *j, struct member *m, struct fault *why)
{
    const struct principal *who = rq_who(j->rq);
    str first;
    int64_t owners = 0;
    enum rc rc = store_lock(tx, who->workspace, "access.members", who->workspace, why);
    if (rc == RC_OK)
        rc = db_member(tx, who->workspace, j->member, tx_mem(tx), m, why);
    if (rc == RC_OK && is_owner(m->role))
        rc = db_owners(tx, who->workspace, tx_mem(tx), &first, &owners, why);
    if (rc != RC_OK)
        return rc;
    bool reaches = j->role == NULL || role_within(who, j->role);
    if (!reaches || (is_owner(m->role) && !is_owner(who->role)))
        return fault_set(why, RC_DENIED, "access.role_too_high", "only owners make, change or remove owners");
    if (is_owner(m->role) && owners == 1 && (j->role == NULL || strcmp(j->role->name, "owner") != 0))
        return fault_set(why, RC_CONFLICT, "access.last_owner", "a workspace keeps at least one owner");
    return RC_OK;
}

static enum rc change(struct tx *tx, void *arg, struct fault *why)
{
    struct change_job *j = arg;
    const struct principal *who = rq_who(j->rq);
    struct member m;
    enum rc rc = change_check(tx, j, &m, why);
    if (rc == RC_OK && j->role != NULL)
        rc = db_member_role(tx, who->workspace, j->member, str_of(j->role->name), why);
    if (rc == RC_OK && j->role == NULL)
        rc = db_member_remove(tx, who->workspace, j->member, why);
    if (rc == RC_OK && j->role == NULL)
        rc = db_identities_remove(tx, who->workspace, j->member, why);
    if (rc == RC_OK)
        rc = db_sessions_end(tx, who->workspace, j->member, why);
    if (rc != RC_OK)
        return rc;
    str detail = j->role == NULL ? STR_NONE
                                 : arena_fmt(tx_mem(tx), "{\"from\":\"" STR_FMT "\",\"to\":\"%s\"}",
                                             STR_ARG(m.role), j->role->name);
    struct audit_entry e =
        audit_of(j->rq, j->role == NULL ? "access.member_removed" : "access.role_changed", j->member, detail);
    return audit_put(j->a->audit, tx, &e, why);
}

enum rc http_role_put(struct request *rq, void *ctx, struct fault *why)
{
    struct change_job j = {
        .a = ctx, .rq = rq, .member = rq_arg(rq, "id"), .role = access_role_find(rq_arg(rq, "role"))};
    must(j.role != NULL); /* the row's choices */
    enum rc rc = store_write(j.a->store, STORE_INTERACTIVE, change, &j, why);
    if (rc != RC_OK)
        return rc;
    answer_json(
        rq, 200,
        arena_fmt(rq_mem(rq), "{\"id\":\"" STR_FMT "\",\"role\":\"%s\"}", STR_ARG(j.member), j.role->name));
    return RC_OK;
}

enum rc http_member_delete(struct request *rq, void *ctx, struct fault *why)
{
    struct change_job j = {.a = ctx, .rq = rq, .member = rq_arg(rq, "id")};
    enum rc rc = store_write(j.a->store, STORE_INTERACTIVE, change, &j, why);
    if (rc != RC_OK)
        return rc;
    answer_json(rq, 200,
                arena_fmt(rq_mem(rq), "{\"id\":\"" STR_FMT "\",\"removed\":true}", STR_ARG(j.member)));
    return RC_OK;
}

/* ---- POST /v1/invitations ---- */

struct invite_job {
    struct access *a;
    struct request *rq;
    struct invitation i;
    str link;
    str saved;
};

static str invite_json(struct invite_job *j, str link)
{
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(j->rq), 8192);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "id", j->i.id);
    jw_str(&w, "email", j->i.email);
    jw_str(&w, "role", j->i.role);
    jw_str(&w, "link", link); /* shown once: null in what is kept for a repeat */
    jw_time(&w, "expires_at", j->i.expires_ms);
    jw_end(&w);
    return buf_str(&b);
}

static enum rc invite(struct tx *tx, void *arg, struct fault *why)
{
    struct invite_job *j = arg;
    j->i.expires_ms = tx_now_ms(tx) + j->a->invite_ms;
    enum rc rc = db_invitation_insert(tx, &j->i, why);
    str saved = invite_json(j, STR_NONE);
    if (rc == RC_OK && saved.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "answer too large");
    if (rc == RC_OK)
        rc = access_once_save(tx, rq_once(j->rq), 201, saved, why);
    if (rc != RC_OK)
        return rc;
    str detail = arena_fmt(tx_mem(tx), "{\"role\":\"" STR_FMT "\"}", STR_ARG(j->i.role));
    struct audit_entry e = audit_of(j->rq, "access.member_invited", j->i.id, detail);
    return audit_put(j->a->audit, tx, &e, why);
}

enum rc http_invitation_post(struct request *rq, void *ctx, struct fault *why)
{
    struct arena *mem = rq_mem(rq);
    const struct access_role *role = access_role_find(rq_arg(rq, "role"));
    str email = rq_arg(rq, "email"), token = token_new(mem), language = rq_arg(rq, "language");
    if (!email_valid(email))
        return fault_set(why, RC_INVALID, "access.email", "not an e-mail address");
    must(role != NULL); /* the row's choices */
    if (!role_within(rq_who(rq), role))
        return fault_set(why, RC_DENIED, "access.role_too_high", "nobody gives more than he has");
    struct invite_job j = {.a = ctx, .rq = rq};
    j.i = (struct invitation){.workspace = rq_who(rq)->workspace,
                              .id = id_new(mem, "inv"),
                              .email = email_fold(email, mem),
                              .name = rq_arg(rq, "name"),
                              .role = str_of(role->name),
                              .language = language.n == 0 ? STR("en") : language,
                              .invited_by = rq_who(rq)->id};
    if (token.p == NULL || j.i.id.p == NULL || j.i.email.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for an invitation");
    j.i.token_hash = sha256_hex(token, mem);
    j.link = arena_fmt(mem, STR_FMT "/console/invitation#" STR_FMT, STR_ARG(http_base_url(rq_http(rq))),
                       STR_ARG(token));
    if (j.i.token_hash.p == NULL || j.link.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for an invitation");
    enum rc rc = store_write(j.a->store, STORE_INTERACTIVE, invite, &j, why);
    if (rc != RC_OK)
        return rc;
    str body = invite_json(&j, j.link);
    if (body.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "answer too large");
    answer_json(rq, 201, body);
    return RC_OK;
}

/* ---- POST /v1/invitations/accept ---- */

struct accept_job {
    struct access *a;
    struct request *rq;
    str token_hash, password_hash, member, token;
};

static enum rc accept(struct tx *tx, void *arg, struct fault *why)
{
    struct accept_job *j = arg;
    struct invitation i;
    bool inserted = false;
    enum rc rc = db_invitation_take(tx, j->token_hash, j->member, tx_mem(tx), &i, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "access.invitation_used", "unknown, taken or too old");
    if (rc != RC_OK)
        return rc;
    str name = rq_arg(j->rq, "name"), language = rq_arg(j->rq, "language");
    struct member m = {.workspace = i.workspace,
                       .id = j->member,
                       .email = i.email,
                       .name = name.n > 0 ? name : i.name,
                       .password_hash = j->password_hash,
                       .role = i.role,
                       .language = language.n > 0 ? language : i.language,
                       .origin = STR("own")};
    rc = db_member_insert(tx, &m, &inserted, why);
    if (rc == RC_OK && !inserted)
        return fault_set(why, RC_CONFLICT, "access.email_taken",
                         "a member of this workspace has this e-mail");
    struct session_new s = {
        .workspace = m.workspace, .member = m.id, .ends = rq_cookie(j->rq, ACCESS_COOKIE)};
    if (rc == RC_OK)
        rc = session_start(j->a, tx, &s, rq_mem(j->rq), &j->token, why);
    if (rc != RC_OK)
        return rc;
    return session_audit(j->a, tx, j->rq,
                         &(struct audit_entry){.workspace = m.workspace,
                                               .actor = m.id,
                                               .action = STR("access.invitation_accepted"),
                                               .object = i.id},
                         why);
}

enum rc http_invitation_accept(struct request *rq, void *ctx, struct fault *why)
{
    struct arena *mem = rq_mem(rq);
    struct accept_job j = {.a = ctx, .rq = rq, .token_hash = sha256_hex(rq_arg(rq, "token"), mem)};
    j.member = id_new(mem, "mem");
    if (j.token_hash.p == NULL || j.member.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for a member");
    if (atomic_fetch_add(&j.a->hashing, 1) >= HASHES_MAX) {
        atomic_fetch_sub(&j.a->hashing, 1);
        return fault_set(why, RC_LIMITED, "access.busy", "many people sign in at this moment");
    }
    enum rc rc = password_hash(rq_arg(rq, "password"), mem, &j.password_hash, why);
    atomic_fetch_sub(&j.a->hashing, 1);
    if (rc == RC_OK)
        rc = store_write(j.a->store, STORE_INTERACTIVE, accept, &j, why);
    if (rc != RC_OK)
        return rc;
    access_set_cookie(rq, j.token);
    answer_json(rq, 201, arena_fmt(mem, "{\"id\":\"" STR_FMT "\"}", STR_ARG(j.member)));
    return RC_OK;
}
