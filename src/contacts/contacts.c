/* The one way a person enters: contacts_touch. Order of a touch: lock the identity -> find it -> make both
 * rows, or save what is newer -> event when something a reader can see changed. An older sighting (a late
 * webhook) never overwrites a newer name. What can go wrong: an empty or oversized external id (refused).
 */
#include "accounts/accounts.h"
#include "contacts/contacts_priv.h"
#include "contacts/contacts_routes.h"
#include "mozflow/mozflow.h"

enum { EXTERNAL_ID_BYTES = 256, NAME_BYTES = 512 };

static enum rc check(const struct contact_seen *s, struct fault *why)
{
    if (s->external_id.n == 0 || s->external_id.n > EXTERNAL_ID_BYTES)
        return fault_set(why, RC_INVALID, "contacts.external_id", "an id of %zu bytes", s->external_id.n);
    if (s->username.n > NAME_BYTES || s->display_name.n > NAME_BYTES || s->avatar_url.n > 2048)
        return fault_set(why, RC_INVALID, "contacts.name", "a name or picture address is too long");
    must(s->workspace.n > 0 && s->kind.n > 0 && s->app.n > 0);
    return RC_OK;
}

static enum rc emit_updated(struct tx *tx, str workspace, str contact, struct fault *why)
{
    const struct mozflow_new e = {.type = "contact.updated", .workspace = workspace, .subject = contact};
    return mozflow_emit(tx, &e, NULL, why);
}

static enum rc make(struct tx *tx, const struct contact_seen *s, struct arena *mem, struct contact_ref *out,
                    struct fault *why)
{
    struct contact_ref ref = {
        .identity_id = id_new(mem, "idn"), .contact_id = id_new(mem, "con"), .created = true};
    if (ref.identity_id.n == 0 || ref.contact_id.n == 0)
        return fault_set(why, RC_FULL, "contacts.memory", "ids");
    enum rc rc = contacts_db_identity_make(tx, s, ref.identity_id, ref.contact_id, why);
    if (rc == RC_OK)
        rc = emit_updated(tx, s->workspace, ref.contact_id, why);
    if (rc == RC_OK)
        *out = ref;
    return rc;
}

/* True when the newer sighting says something else; an empty value says nothing. */
static bool take_newer(str *have, str seen)
{
    if (seen.n == 0 || str_eq(*have, seen))
        return false;
    *have = seen;
    return true;
}

static enum rc refresh(struct tx *tx, const struct contact_seen *s, struct identity_row *row,
                       struct arena *mem, bool *changed, struct fault *why)
{
    bool any = take_newer(&row->username, s->username);
    any = take_newer(&row->display_name, s->display_name) || any;
    any = take_newer(&row->avatar_url, s->avatar_url) || any;
    *changed = any;
    if (!any)
        return contacts_db_identity_seen(tx, s->workspace, row->id, s->seen_ms, why);
    row->seen_ms = s->seen_ms;
    enum rc rc = contacts_db_identity_save(tx, s->workspace, row, why);
    struct contact c;
    if (rc == RC_OK)
        rc = contacts_db_contact_of(tx, s->workspace, row->id, mem, &c, why);
    if (rc != RC_OK)
        return rc;
    take_newer(&c.name, row->display_name);
    take_newer(&c.username, row->username);
    take_newer(&c.avatar_url, row->avatar_url);
    rc = contacts_db_contact_save(tx, s->workspace, &c, why);
    return rc == RC_OK ? emit_updated(tx, s->workspace, c.id, why) : rc;
}

static str or_none(str s)
{
    return s.n > 0 ? s : STR_NONE;
}

enum rc contacts_touch(struct tx *tx, const struct contact_seen *given, struct arena *mem,
                       struct contact_ref *out, struct fault *why)
{
    struct identity_row row;
    struct contact_seen seen = *given, *s = &seen;
    s->username = or_none(given->username); /* an empty name says nothing */
    s->display_name = or_none(given->display_name);
    s->avatar_url = or_none(given->avatar_url);
    enum rc rc = check(s, why);
    if (rc == RC_OK)
        rc = store_lock(tx, s->workspace, "contact", s->external_id, why);
    if (rc != RC_OK)
        return rc;
    rc = contacts_db_identity_find(tx, s, mem, &row, why);
    if (rc == RC_MISSING)
        return make(tx, s, mem, out, why);
    struct contact_ref ref = {.identity_id = row.id, .contact_id = row.contact_id};
    if (rc == RC_OK && s->seen_ms >= row.seen_ms)
        rc = refresh(tx, s, &row, mem, &ref.changed, why);
    if (rc == RC_OK)
        *out = ref;
    return rc;
}

enum rc contacts_of(struct tx *tx, str workspace, str identity_id, struct arena *mem, struct contact *out,
                    struct fault *why)
{
    enum rc rc = contacts_db_contact_of(tx, workspace, identity_id, mem, out, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "contacts.missing", "no such identity");
    return rc;
}

/* ---- a person signed in: their identity as a contact, from the profile that the sign-in read ---- */
struct signed_in {
    struct job *job;
    str account;
};

static enum rc touch_signed_in(struct tx *tx, void *arg, struct fault *why)
{
    struct signed_in *in = arg;
    struct account a;
    struct contact_ref ref;
    str workspace = job_workspace(in->job);
    enum rc rc = accounts_load(tx, workspace, in->account, tx_mem(tx), &a, why);
    if (rc == RC_MISSING)
        return RC_OK; /* disconnected and erased meanwhile */
    if (rc != RC_OK)
        return rc;
    const struct contact_seen seen = {.workspace = workspace,
                                      .kind = STR(CONTACT_KIND_LOGIN),
                                      .app = a.client_key,
                                      .external_id = a.open_id,
                                      .username = a.username,
                                      .display_name = a.display_name,
                                      .avatar_url = a.avatar_url,
                                      .seen_ms = tx_now_ms(tx)};
    return contacts_touch(tx, &seen, tx_mem(tx), &ref, why);
}

enum rc contacts_from_login(struct job *j, void *ctx, struct fault *why)
{
    struct signed_in in = {.job = j};
    (void)ctx;
    if (!json_str(job_args(j), "account", &in.account))
        return fault_set(why, RC_BUG, "contacts.job", "the job names no account");
    return job_commit(j, touch_signed_in, &in, why);
}

/* ---- the event's body, read when it is delivered ---- */
enum rc contacts_render(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    return contact_write(r->tx, r->workspace, r->subject, r->mem, data, why);
}
