/* Callbacks per category of a business app: /business/webhook/update|list|delete/ (messaging 2.9). */
#ifndef SIM_HOOKS_H
#define SIM_HOOKS_H
#include "sim.h"

extern const char *const hook_names[HOOK_KINDS]; /* "DIRECT_MESSAGE" ... */
/* Where an event of this name goes: its category's callback when one stands, else the app's webhook_url
 * unless switched. Empty: nowhere. */
const char *hook_url(const struct sim *s, const struct app *a, const char *event);
bool hooks_read(const struct json *m, struct app *a); /* {"COMMENT":{"url":"...","items":[...]}} */
void hooks_write(const struct app *a, struct out *o);
#endif
