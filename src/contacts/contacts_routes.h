/* Inside contacts: handlers and the one JSON shape of a contact (REST and events share it). */
#ifndef MZ_CONTACTS_ROUTES_H
#define MZ_CONTACTS_ROUTES_H
#include "contacts/contacts.h"
#include "json/json.h"

struct mozflow_render;
/* Writes the members of a contact into the open object. RC_MISSING "contacts.missing". */
MUSTCHECK enum rc contact_write(struct tx *tx, str workspace, str id, struct arena *mem, struct jw *w,
                                struct fault *why);
enum rc contacts_from_login(struct job *j, void *ctx, struct fault *why);
enum rc contacts_render(const struct mozflow_render *r, struct jw *data, struct fault *why);
#endif
