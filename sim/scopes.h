/* Scopes of the two account portals, permissions of the ads portal, and their text forms. Included by
 * model.h.
 */
#ifndef SIM_SCOPES_H
#define SIM_SCOPES_H
#include "model.h"

struct scope {
    const char *name;
    enum portal portal;  /* where it belongs; basic belongs to both */
    bool fixed;          /* cannot be unticked */
    const char *en, *th; /* the sentence on the consent page */
};
extern const struct scope sim_scopes[];
extern const size_t sim_scopes_n;

/* Comma list and bits. False on an unknown name, an empty part or a blank; *bits has the known ones. */
bool scopes_parse(str list, uint32_t *bits);
void scopes_put(struct buf *b, uint32_t bits);
uint32_t scope_bit(const char *name); /* of a name that exists */

struct ads_right { /* what an ads app asks for; the numbers are ours: TikTok publishes no table */
    int64_t id;
    const char *en, *th;
};
extern const struct ads_right sim_permissions[];
extern const size_t sim_permissions_n;
bool permissions_parse(str list, uint32_t *bits); /* "4,15" */
void permissions_put(struct buf *b, uint32_t bits);
/* As the app's portal writes them. */
bool rights_parse(const struct app *a, str list, uint32_t *bits);
void rights_put(const struct app *a, struct buf *b, uint32_t bits);
#endif
