/* One call of the control API and what its handlers share. control.c has the table. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H
#include "sim.h"

struct call {
    struct sim *s;
    const struct ask *q;
    struct reply *a;
    const struct json *j; /* the body, an object or NULL */
    struct out o;         /* the answer, opened by '{' */
    struct fault why;
};
typedef bool (*call_fn)(struct call *c); /* false: c->why says why */

bool control_no(struct call *c, const char *text);        /* false, with this reason */
str control_text(const struct call *c, const char *name); /* a member; STR_NONE */
bool control_only(struct call *c, const char *names);     /* "a|b": other members are refused */
bool control_query_int(const struct call *c, const char *name, int64_t *out);

/* conversations.c */
bool control_conversations(struct call *c);
bool control_comments(struct call *c);
/* control_grants.c */
bool control_grants(struct call *c);
bool control_grants_make(struct call *c);
bool control_refreshes(struct call *c);
bool control_codes(struct call *c);
bool control_tokens(struct call *c);
#endif
