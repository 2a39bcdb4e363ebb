/* One authorization request, checked: shared by the authorize page (authorize.c) and the consent form
 * (consent.c). */
#ifndef SIM_AUTHORIZE_H
#define SIM_AUTHORIZE_H
#include "sim.h"
#include "pages.h"

enum refused {
    REFUSED_NONE,
    REFUSED_CLIENT_KEY,
    REFUSED_RESPONSE_TYPE,
    REFUSED_REDIRECT_URI,
    REFUSED_SCOPE,
    REFUSED_CODE_CHALLENGE,
    REFUSED_SANDBOX,
    REFUSED_CANCEL,
    REFUSED_COUNT
};
struct refusal {
    const char *error, *type;
    enum sw delivery; /* SW_COUNT: always back to the app */
    const char *text;
};
struct wish {
    struct app *app;
    str query, state, redirect_uri, challenge, method;
    enum uri_kind kind;
    uint32_t scopes;
    bool always_ask;
};
enum refused wish_read(struct sim *s, str query, struct arena *mem, struct wish *w);
void wish_refuse(struct sim *s, const struct ask *q, struct reply *a, const struct wish *w, enum refused why);
void wish_grant(struct sim *s, const struct ask *q, struct reply *a, const struct wish *w, struct user *u);
void back_to_app(struct reply *a, const struct wish *w, struct buf *params); /* 302 with these parameters */
void choose_person(const struct ask *q, struct reply *a); /* 302 to the people page, which leads back */
void put_consent_head(struct sheet *p, const struct wish *w, const struct user *u);
void consent_page(struct sim *s, const struct ask *q, struct reply *a, const struct wish *w,
                  const struct user *u);
bool uri_registered(const struct app *a, str uri, enum uri_kind *kind);
bool uri_allowed(enum uri_kind kind, str uri);
bool sandbox_target(const struct app *a, const struct user *u);
#endif
