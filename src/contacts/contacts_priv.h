/* Inside contacts: its statements as functions. */
#ifndef MZ_CONTACTS_PRIV_H
#define MZ_CONTACTS_PRIV_H
#include "contacts/contacts.h"

struct identity_row {
    str id, contact_id, username, display_name, avatar_url;
    int64_t seen_ms;
};
MUSTCHECK enum rc contacts_db_identity_find(struct tx *tx, const struct contact_seen *s, struct arena *mem,
                                            struct identity_row *out, struct fault *why);
MUSTCHECK enum rc contacts_db_identity_make(struct tx *tx, const struct contact_seen *s, str identity_id,
                                            str contact_id, struct fault *why);
MUSTCHECK enum rc contacts_db_identity_save(struct tx *tx, str workspace, const struct identity_row *row,
                                            struct fault *why);
MUSTCHECK enum rc contacts_db_identity_seen(struct tx *tx, str workspace, str id, int64_t seen_ms,
                                            struct fault *why);
MUSTCHECK enum rc contacts_db_contact_save(struct tx *tx, str workspace, const struct contact *c,
                                           struct fault *why);
MUSTCHECK enum rc contacts_db_contact_of(struct tx *tx, str workspace, str identity_id, struct arena *mem,
                                         struct contact *out, struct fault *why);
MUSTCHECK enum rc contacts_db_contact_load(struct tx *tx, str workspace, str id, struct arena *mem,
                                           struct rows **out, struct fault *why);
MUSTCHECK enum rc contacts_db_contact_identities(struct tx *tx, str workspace, str id, struct arena *mem,
                                                 struct rows **out, struct fault *why);
MUSTCHECK enum rc contacts_db_contact_list(struct tx *tx, str workspace, str before, int64_t limit,
                                           struct arena *mem, struct rows **out, struct fault *why);
#endif
