/* API keys, and the one-time console links that Mozflow's server mints for its own users. A key's text and a
 * link are shown once: what is kept for a repeat of the same request has null in their place. */
#include "access/access_priv.h"

/* ---- GET /v1/keys ---- */

struct list_job {
    str workspace, after;
    int64_t limit;
    struct arena *mem;
    struct api_key *k;
    size_t n;
};

static enum rc list_read(struct tx *tx, void *arg, struct fault *why)
{
    struct list_job *j = arg;
    return db_keys(tx, j->workspace, j->after, j->limit, j->mem, &j->k, &j->n, why);
}

static void scopes_write(struct jw *w, str scopes)
{
    str name;
    jw_arr(w, "scopes");
    while (str_cut(&scopes, ' ', &name))
        if (name.n > 0)
            jw_str(w, NULL, name);
    jw_end(w);
}

/* key: STR_NONE writes null. */
static void key_write(struct jw *w, const struct api_key *k, const str *key)
{
    jw_obj(w, NULL);
    jw_str(w, "id", k->id);
    jw_str(w, "name", k->name);
    scopes_write(w, k->scopes);
    jw_str(w, "created_by", k->created_by);
    jw_time(w, "created_at", k->created_ms);
    jw_time(w, "expires_at", k->expires_ms);
    jw_time(w, "revoked_at", k->revoked_ms);
    jw_time(w, "used_at", k->used_ms);
    if (key != NULL)
        jw_str(w, "key", *key);
    jw_end(w);
}

enum rc http_keys_get(struct request *rq, void *ctx, struct fault *why)
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
    for (size_t i = 0; i < j.n; i++)
        key_write(&w, &j.k[i], NULL);
    jw_end(&w);
    jw_str(&w, "next_cursor", j.n == (size_t)j.limit ? j.k[j.n - 1].id : STR_NONE);
    jw_end(&w);
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "access.full", "answer too large");
    answer_json(rq, 200, buf_str(&b));
    return RC_OK;
}

/* ---- POST /v1/keys ---- */

struct key_job {
    struct access *a;
    struct request *rq;
    struct api_key k;
    int64_t days;
};

static str key_json(struct key_job *j, str text)
{
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(j->rq), 8192);
    jw_init(&w, &b);
    key_write(&w, &j->k, &text);
    return buf_str(&b);
}

static enum rc key_make(struct tx *tx, void *arg, struct fault *why)
{
    struct key_job *j = arg;
    j->k.created_ms = tx_now_ms(tx);
    j->k.expires_ms = j->days == 0 ? 0 : tx_now_ms(tx) + j->days * 86400000;
    enum rc rc = db_key_insert(tx, &j->k, why);
    str saved = key_json(j, STR_NONE);
    if (rc == RC_OK && saved.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "answer too large");
    if (rc == RC_OK)
        rc = access_once_save(tx, rq_once(j->rq), 201, saved, why);
    if (rc != RC_OK)
        return rc;
    struct audit_entry e = audit_of(j->rq, "access.key_created", j->k.id, STR_NONE);
    return audit_put(j->a->audit, tx, &e, why);
}

/* Only what the maker has himself, and at least one. */
static enum rc scopes_asked(struct request *rq, uint64_t *may, struct fault *why)
{
    const struct json *list = json_get(rq_json(rq), "scopes");
    uint64_t asked = 0;
    for (const struct json *s = list == NULL ? NULL : list->child; s != NULL; s = s->next) {
        enum permission p;
        if (s->type != JSON_STR || !scope_find(s->s, &p) || ((UINT64_C(1) << p) & KEY_MAY) == 0)
            return fault_set(why, RC_INVALID, "access.scope", "no such scope for a key");
        if (!principal_may(rq_who(rq), p))
            return fault_set(why, RC_DENIED, "access.scope_too_high", "a key gets only what its maker has");
        asked |= UINT64_C(1) << p;
    }
    if (asked == 0)
        return fault_set(why, RC_INVALID, "access.scope", "a key needs at least one scope");
    *may = asked;
    return RC_OK;
}

enum rc http_key_post(struct request *rq, void *ctx, struct fault *why)
{
    struct arena *mem = rq_mem(rq);
    struct key_job j = {.a = ctx, .rq = rq, .days = rq_int(rq, "expires_in_days", 0)};
    struct secret text;
    uint64_t may = 0;
    enum rc rc = scopes_asked(rq, &may, why);
    if (rc == RC_OK)
        rc = key_text_new(mem, &j.k.id, &text, why);
    if (rc != RC_OK)
        return rc;
    j.k.workspace = rq_who(rq)->workspace;
    j.k.name = rq_arg(rq, "name");
    j.k.secret_hash = sha256_hex((str){(const char *)text.p, text.n}, mem);
    j.k.scopes = scopes_text(may, mem);
    j.k.created_by = rq_who(rq)->id;
    if (j.k.secret_hash.p == NULL || j.k.scopes.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for a key");
    rc = store_write(j.a->store, STORE_INTERACTIVE, key_make, &j, why);
    if (rc != RC_OK)
        return rc;
    str body = key_json(&j, (str){(const char *)text.p, text.n});
    if (body.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "answer too large");
    metric_add(&access_metrics[ACCESS_M_KEYS], 1, NULL, NULL);
    answer_json(rq, 201, body);
    return RC_OK;
}

/* ---- DELETE /v1/keys/{id} ---- */

static enum rc key_revoke(struct tx *tx, void *arg, struct fault *why)
{
    struct key_job *j = arg;
    bool changed = false;
    enum rc rc = db_key_revoke(tx, j->k.workspace, j->k.id, &changed, why);
    if (rc == RC_OK && !changed)
        return not_found(why);
    if (rc != RC_OK)
        return rc;
    struct audit_entry e = audit_of(j->rq, "access.key_revoked", j->k.id, STR_NONE);
    return audit_put(j->a->audit, tx, &e, why);
}

enum rc http_key_delete(struct request *rq, void *ctx, struct fault *why)
{
    struct key_job j = {.a = ctx, .rq = rq};
    j.k = (struct api_key){.workspace = rq_who(rq)->workspace, .id = rq_arg(rq, "id")};
    enum rc rc = store_write(j.a->store, STORE_INTERACTIVE, key_revoke, &j, why);
    if (rc != RC_OK)
        return rc;
    answer_json(rq, 200, arena_fmt(rq_mem(rq), "{\"id\":\"" STR_FMT "\",\"revoked\":true}", STR_ARG(j.k.id)));
    return RC_OK;
}

/* ---- POST /v1/console/sessions ---- */

struct mint_job {
    struct access *a;
    struct request *rq;
    struct member m;
    str token;
    int64_t expires_ms;
};

static str mint_json(struct mint_job *j, str url)
{
    struct buf b;
    struct jw w;
    buf_init(&b, rq_mem(j->rq), 4096);
    jw_init(&w, &b);
    jw_obj(&w, NULL);
    jw_str(&w, "member_id", j->m.id);
    jw_str(&w, "url", url);
    jw_time(&w, "expires_at", j->expires_ms);
    jw_end(&w);
    return buf_str(&b);
}

/* The member that stands for Mozflow's user: known by Mozflow's own id, never joined to a member with a
 * password by e-mail. His role is what the mint says, each time. */
static enum rc mint_member(struct tx *tx, struct mint_job *j, struct fault *why)
{
    struct member found;
    bool inserted = false;
    enum rc rc = store_lock(tx, j->m.workspace, "access.members", j->m.workspace, why);
    if (rc == RC_OK)
        rc = db_member_external(tx, j->m.workspace, j->m.external, tx_mem(tx), &found, why);
    if (rc == RC_MISSING) {
        j->m.id = id_new(rq_mem(j->rq), "mem");
        if (j->m.id.p == NULL)
            return fault_set(why, RC_FULL, "access.full", "no room for a member");
        rc = db_member_insert(tx, &j->m, &inserted, why);
        return rc == RC_OK && !inserted ? fault_set(why, RC_BUG, "access.member", "could not be made") : rc;
    }
    if (rc != RC_OK)
        return rc;
    j->m.id = arena_str(rq_mem(j->rq), found.id);
    if (!str_eq(found.role, j->m.role)) /* another role: sessions of the old one end */
        rc = db_sessions_end(tx, j->m.workspace, found.id, why);
    return rc != RC_OK ? rc : db_member_renew(tx, &j->m, why);
}

static enum rc mint(struct tx *tx, void *arg, struct fault *why)
{
    struct mint_job *j = arg;
    j->expires_ms = tx_now_ms(tx) + ENTER_MS;
    enum rc rc = mint_member(tx, j, why);
    if (rc == RC_OK)
        rc = token_start(tx, j->m.workspace, j->m.id, ENTER_MS, rq_mem(j->rq), &j->token, why);
    str saved = rc == RC_OK ? mint_json(j, STR_NONE) : STR_NONE;
    if (rc == RC_OK && saved.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "answer too large");
    if (rc == RC_OK)
        rc = access_once_save(tx, rq_once(j->rq), 201, saved, why);
    if (rc != RC_OK)
        return rc;
    str detail = arena_fmt(tx_mem(tx), "{\"role\":\"" STR_FMT "\"}", STR_ARG(j->m.role));
    struct audit_entry e = audit_of(j->rq, "access.link_created", j->m.id, detail);
    return audit_put(j->a->audit, tx, &e, why);
}

enum rc http_console_post(struct request *rq, void *ctx, struct fault *why)
{
    struct arena *mem = rq_mem(rq);
    const struct access_role *role = access_role_find(rq_arg(rq, "role"));
    str email = rq_arg(rq, "email"), user = rq_arg(rq, "mozflow_user_id"), language = rq_arg(rq, "language");
    must(role != NULL); /* the row's choices */
    if (!email_valid(email))
        return fault_set(why, RC_INVALID, "access.email", "not an e-mail address");
    if (!role_within(rq_who(rq), role))
        return fault_set(why, RC_DENIED, "access.role_too_high", "nobody gives more than he has");
    struct mint_job j = {.a = ctx, .rq = rq};
    j.m = (struct member){.workspace = rq_who(rq)->workspace,
                          .email = email_fold(email, mem),
                          .name = rq_arg(rq, "name"),
                          .role = str_of(role->name),
                          .language = language.n == 0 ? STR("en") : language,
                          .origin = STR("mozflow")};
    j.m.external = user.n > 0 ? user : j.m.email;
    if (j.m.email.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for an e-mail");
    enum rc rc = store_write(j.a->store, STORE_INTERACTIVE, mint, &j, why);
    if (rc != RC_OK)
        return rc;
    str url = arena_fmt(mem, STR_FMT "/console/enter?token=" STR_FMT, STR_ARG(http_base_url(rq_http(rq))),
                        STR_ARG(j.token));
    str body = url.p == NULL ? STR_NONE : mint_json(&j, url);
    if (body.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "answer too large");
    answer_json(rq, 201, body);
    return RC_OK;
}
