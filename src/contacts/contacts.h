/* contacts: who a message, a sign-in or a lead came from. Minimal in part 1: identities and one contact for
 * each.
 *
 * Tables: contacts, contact_identities. The key of a person is (workspace, kind, external id): the open_id of
 * one app, the unique_identifier of Business Messaging (stable across its APIs; business-messaging 3.5).
 * Names and usernames are attributes that change; they are never keys. Other rooms store the identity id,
 * never the contact id: contacts_of(identity) resolves it, so that a later merge touches only this room's
 * tables. Personal data (names) is written only here. No thread of its own.
 */
#ifndef MZ_CONTACTS_H
#define MZ_CONTACTS_H
#include "base/base.h"
#include "http/http.h"
#include "jobs/jobs.h"
#include "mozflow/mozflow.h"
#include "store/store.h"
#include "observe/observe.h"

#define CONTACT_KIND_MESSAGING "business_messaging" /* unique_identifier, 64 base64-like characters */
#define CONTACT_KIND_LOGIN "login_kit"              /* open_id of one Login Kit app */

struct contact_seen {
    str workspace;
    str kind; /* CONTACT_KIND_... */
    str app;  /* client_key of the app whose id this is; "-" for ids that are stable across apps */
    str external_id;
    str username;     /* STR_NONE: unknown now, an earlier value stays */
    str display_name; /* likewise */
    str avatar_url;
    int64_t seen_ms; /* TikTok's time: an older sighting never overwrites a newer name */
};
struct contact_ref {
    str identity_id;       /* idn_... */
    str contact_id;        /* con_... at this moment: not to be stored by others */
    bool created, changed; /* the contact is new; a name changed */
};
/* Finds or makes the identity and its contact, inside the caller's transaction. Emits `contact.updated` when
 * created or changed. Takes the lock ("contact", kind/external id). RC_INVALID "contacts.external_id" when
 * empty or too long. */
MUSTCHECK enum rc contacts_touch(struct tx *tx, const struct contact_seen *seen, struct arena *mem,
                                 struct contact_ref *out, struct fault *why);

struct contact {
    str id, name, username, avatar_url;
};
/* RC_MISSING "contacts.missing" for unknown and foreign identities alike. */
MUSTCHECK enum rc contacts_of(struct tx *tx, str workspace, str identity_id, struct arena *mem,
                              struct contact *out, struct fault *why);

struct contacts {
    struct store *store;
};
extern const struct migration_table contacts_migrations; /* 4000+ */
extern const struct route contacts_routes[];             /* ctx: struct contacts */
extern const size_t contacts_routes_n;
extern const struct job_kind contacts_jobs[]; /* contacts.from_login {"account"} */
extern const size_t contacts_jobs_n;
extern const struct mozflow_event contacts_events[];
extern const size_t contacts_events_n;
extern const struct problem_row contacts_problems[];
extern const size_t contacts_problems_n;
#endif
