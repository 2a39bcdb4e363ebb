/* What the OAuth endpoints share with the QR and business ones. */
#ifndef SIM_OAUTH_H
#define SIM_OAUTH_H
#include "sim.h"

/* Content type, form, no field twice; false: answered. */
bool oauth_begin(struct sim *s, const struct ask *q, struct reply *a, struct form **out);
/* NULL: answered */
struct app *oauth_client(struct sim *s, struct reply *a, const struct form *f, bool with_secret);
struct token *token_rotate(struct sim *s, struct token *old); /* the newest of its chain */
/* A pair was used: a predecessor that was still honoured dies (rotation rotate_with_grace). */
void token_used(struct sim *s, const struct token *t);
/* A dead refresh token was presented: by switch the whole chain dies. */
void token_reused(struct sim *s, const struct token *t);
int64_t seconds_left(int64_t end_ms, int64_t now_ms); /* to the nearest second */
int64_t access_life_s(const struct sim *s, enum portal portal);
int64_t refresh_life_s(const struct sim *s, enum portal portal);
#endif
