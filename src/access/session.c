/* Sessions and one-time links inside a transaction, sign-in through TikTok, and what the CLI needs to begin:
 * a first workspace with its owner and key. A token is made, its hash stored, the token given back once. */
#include "access/access_priv.h"

enum rc session_start(struct access *a, struct tx *tx, const struct session_new *s, struct arena *mem,
                      str *token, struct fault *why)
{
    str fresh = token_new(mem), hash = fresh.p == NULL ? STR_NONE : sha256_hex(fresh, mem);
    if (hash.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for a session");
    enum rc rc = RC_OK;
    if (s->ends.n > 0) {
        str old = sha256_hex(s->ends, mem);
        if (old.p == NULL)
            return fault_set(why, RC_FULL, "access.full", "no room for a session");
        rc = db_session_end(tx, old, why);
    }
    struct session_row row = {
        .workspace = s->workspace, .member = s->member, .expires_ms = tx_now_ms(tx) + a->life_ms};
    if (rc == RC_OK)
        rc = db_session_insert(tx, hash, &row, why);
    if (rc == RC_OK)
        rc = db_member_signed_in(tx, s->workspace, s->member, why);
    if (rc == RC_OK)
        *token = fresh;
    return rc;
}

enum rc session_audit(struct access *a, struct tx *tx, struct request *rq, const struct audit_entry *e,
                      struct fault *why)
{
    struct audit_entry full = *e;
    if (rq != NULL) {
        full.address = rq_address(rq);
        full.request = rq_id(rq);
    }
    return audit_put(a->audit, tx, &full, why);
}

void access_set_cookie(struct request *rq, str token)
{
    answer_cookie(rq, ACCESS_COOKIE, token, 24 * 3600); /* the server's own limits end it earlier */
}

enum rc token_start(struct tx *tx, str workspace, str member, int64_t life_ms, struct arena *mem, str *token,
                    struct fault *why)
{
    str fresh = token_new(mem), hash = fresh.p == NULL ? STR_NONE : sha256_hex(fresh, mem);
    if (hash.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for a link");
    struct console_token t = {
        .workspace = workspace, .token_hash = hash, .member = member, .expires_ms = tx_now_ms(tx) + life_ms};
    enum rc rc = db_token_insert(tx, &t, why);
    if (rc == RC_OK)
        *token = fresh;
    return rc;
}

/* ---- through TikTok ---- */

enum rc access_session_for_identity(struct access *a, struct tx *tx, const struct access_identity *i,
                                    struct arena *mem, str *token, struct fault *why)
{
    struct session_new s = {.ends = i->ends};
    enum rc rc = db_identity_find(tx, i, mem, &s.workspace, &s.member, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "access.identity_unlinked", "no member linked this identity");
    str fresh;
    if (rc == RC_OK)
        rc = session_start(a, tx, &s, mem, &fresh, why);
    if (rc == RC_OK)
        rc = audit_put(a->audit, tx,
                       &(struct audit_entry){.workspace = s.workspace,
                                             .actor = s.member,
                                             .action = STR("access.signed_in"),
                                             .object = s.member,
                                             .detail = STR("{\"by\":\"tiktok\"}")},
                       why);
    if (rc != RC_OK)
        return rc;
    metric_add(&access_metrics[ACCESS_M_SIGN_IN], 1, "tiktok", NULL);
    *token = fresh;
    return RC_OK;
}

enum rc access_identity_link(struct access *a, struct tx *tx, const struct principal *who,
                             const struct access_identity *i, struct fault *why)
{
    struct access_identity here = *i;
    bool inserted = false;
    str ws, owner;
    if (who->kind != WHO_MEMBER)
        return fault_set(why, RC_DENIED, "access.members_only", "only a signed-in member links an identity");
    enum rc rc = db_identity_insert(tx, i, who->workspace, who->id, &inserted, why);
    if (rc == RC_OK && !inserted) {
        here.workspace = who->workspace;
        rc = db_identity_find(tx, &here, tx_mem(tx), &ws, &owner, why);
        if (rc == RC_MISSING || (rc == RC_OK && !str_eq(owner, who->id)))
            return fault_set(why, RC_CONFLICT, "access.identity_taken", "linked to another member");
    }
    if (rc != RC_OK || !inserted)
        return rc;
    return audit_put(a->audit, tx,
                     &(struct audit_entry){.workspace = who->workspace,
                                           .actor = who->id,
                                           .action = STR("access.identity_linked"),
                                           .object = who->id},
                     why);
}

/* ---- beginning ---- */

struct boot_job {
    struct access *a;
    const struct access_boot_in *in;
    struct arena *mem;
    str password_hash;
    struct access_boot out;
};

static enum rc boot_owner(struct tx *tx, struct boot_job *j, struct fault *why)
{
    const struct access_boot_in *in = j->in;
    bool inserted = false;
    struct workspace w = {.id = j->out.workspace,
                          .name = in->workspace_name,
                          .public_key = j->out.public_key,
                          .language = in->language};
    struct member m = {.workspace = w.id,
                       .id = j->out.owner,
                       .email = email_fold(in->owner_email, j->mem),
                       .name = in->owner_name,
                       .password_hash = j->password_hash,
                       .role = STR("owner"),
                       .language = in->language,
                       .origin = STR("own")};
    enum rc rc = db_workspace_insert(tx, &w, why);
    if (rc == RC_OK)
        rc = db_member_insert(tx, &m, &inserted, why);
    must(rc != RC_OK || inserted); /* a new workspace has no member that could stand in the way */
    return rc;
}

static enum rc boot_key(struct tx *tx, struct boot_job *j, struct fault *why)
{
    const struct access_boot_in *in = j->in;
    str text = {(const char *)j->out.key.p, j->out.key.n};
    struct api_key k = {.workspace = j->out.workspace,
                        .id = j->out.key_id,
                        .name = in->key_name,
                        .secret_hash = sha256_hex(text, j->mem),
                        .scopes = scopes_text(in->key_may == 0 ? KEY_MAY : in->key_may & KEY_MAY, j->mem),
                        .created_by = STR("cli")};
    if (k.secret_hash.p == NULL || k.scopes.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for a key");
    return db_key_insert(tx, &k, why);
}

static enum rc boot(struct tx *tx, void *arg, struct fault *why)
{
    struct boot_job *j = arg;
    str token = STR_NONE;
    enum rc rc = boot_owner(tx, j, why);
    if (rc == RC_OK && j->in->key_name.n > 0)
        rc = boot_key(tx, j, why);
    if (rc == RC_OK)
        rc = token_start(tx, j->out.workspace, j->out.owner, ENTER_MAX_MS, j->mem, &token, why);
    if (rc == RC_OK)
        rc = audit_put(j->a->audit, tx,
                       &(struct audit_entry){.workspace = j->out.workspace,
                                             .actor = STR("cli"),
                                             .action = STR("access.workspace_created"),
                                             .object = j->out.owner},
                       why);
    j->out.enter_token = (struct secret){(const unsigned char *)token.p, token.n};
    return rc;
}

static enum rc boot_check(const struct access_boot_in *in, struct fault *why)
{
    if (in->workspace_name.n == 0 || in->workspace_name.n > 120 || !utf8_valid(in->workspace_name))
        return fault_set(why, RC_INVALID, "access.name", "a workspace's name has 1 to 120 bytes");
    if (!email_valid(in->owner_email))
        return fault_set(why, RC_INVALID, "access.email", "not an e-mail address");
    if (in->owner_password.n > 0 &&
        (in->owner_password.n < PASSWORD_MIN || in->owner_password.n > PASSWORD_MAX))
        return fault_set(why, RC_INVALID, "access.password", "a password has 12 to 128 bytes");
    if (!str_eq(in->language, STR("en")) && !str_eq(in->language, STR("th")))
        return fault_set(why, RC_INVALID, "access.language", "en or th");
    return RC_OK;
}

enum rc access_bootstrap(struct access *a, const struct access_boot_in *in, struct arena *secret_mem,
                         struct access_boot *out, struct fault *why)
{
    struct boot_job j = {.a = a, .in = in, .mem = secret_mem};
    enum rc rc = boot_check(in, why);
    if (rc == RC_OK && in->owner_password.n > 0)
        rc = password_hash(in->owner_password, secret_mem, &j.password_hash, why);
    if (rc == RC_OK && in->key_name.n > 0)
        rc = key_text_new(secret_mem, &j.out.key_id, &j.out.key, why);
    if (rc != RC_OK)
        return rc;
    j.out.workspace = id_new(secret_mem, "ws");
    j.out.public_key = id_new(secret_mem, "wpk");
    j.out.owner = id_new(secret_mem, "mem");
    if (j.out.workspace.p == NULL || j.out.public_key.p == NULL || j.out.owner.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for a workspace");
    rc = store_write(a->store, STORE_INTERACTIVE, boot, &j, why);
    if (rc == RC_OK)
        *out = j.out;
    return rc;
}

struct link_job {
    struct access *a;
    str workspace, member;
    int64_t life_ms;
    struct arena *mem;
    str token;
};

static enum rc link_write(struct tx *tx, void *arg, struct fault *why)
{
    struct link_job *j = arg;
    struct member m;
    enum rc rc = db_member(tx, j->workspace, j->member, tx_mem(tx), &m, why);
    if (rc == RC_OK)
        rc = token_start(tx, j->workspace, j->member, j->life_ms, j->mem, &j->token, why);
    if (rc == RC_OK)
        rc = audit_put(j->a->audit, tx,
                       &(struct audit_entry){.workspace = j->workspace,
                                             .actor = STR("cli"),
                                             .action = STR("access.link_created"),
                                             .object = j->member},
                       why);
    return rc;
}

enum rc access_console_token(struct access *a, str workspace, str member, int64_t life_ms,
                             struct arena *secret_mem, struct secret *token, struct fault *why)
{
    struct link_job j = {.a = a, .workspace = workspace, .member = member, .mem = secret_mem};
    j.life_ms = life_ms > 0 && life_ms < ENTER_MAX_MS ? life_ms : ENTER_MAX_MS;
    enum rc rc = store_write(a->store, STORE_INTERACTIVE, link_write, &j, why);
    if (rc == RC_OK)
        *token = (struct secret){(const unsigned char *)j.token.p, j.token.n};
    return rc;
}

static enum rc owner_read(struct tx *tx, void *arg, struct fault *why)
{
    struct link_job *j = arg;
    int64_t n = 0;
    enum rc rc = db_owners(tx, j->workspace, j->mem, &j->member, &n, why);
    return rc == RC_OK && n == 0 ? not_found(why) : rc;
}

struct listing {
    struct arena *mem;
    str *ids;
    size_t n;
};

static enum rc list_read(struct tx *tx, void *arg, struct fault *why)
{
    struct listing *l = arg;
    return db_workspace_ids(tx, l->mem, &l->ids, &l->n, why);
}

enum rc access_workspaces(struct access *a, struct arena *mem, str **out, size_t *n, struct fault *why)
{
    struct listing l = {.mem = mem};
    enum rc rc = store_read(a->store, list_read, &l, why);
    if (rc == RC_OK) {
        *out = l.ids;
        *n = l.n;
    }
    return rc;
}

enum rc access_owner(struct access *a, str workspace, struct arena *mem, str *member, struct fault *why)
{
    struct link_job j = {.a = a, .workspace = workspace, .mem = mem};
    enum rc rc = store_read(a->store, owner_read, &j, why);
    if (rc == RC_OK)
        *member = j.member;
    return rc;
}
