/* shape: third part of http's manual. What a good answer looks like: one const row per answer type, which the
 * route rows point to. The served OpenAPI makes its schemas from them, and the journeys check every real
 * answer of every route against what is published: an unnamed member, a missing one or one of another type
 * fails.
 *
 *     const struct shape shape_conversation = {
 *         .name = "Conversation",
 *         .doc = "A conversation with one customer.",
 *         .fields = {{"id", A_TEXT, .doc = "cnv_..."},
 *                    {"contact", A_ONE, .of = &shape_contact, .doc = "Who writes."},
 *                    {"last_message_at", A_TIME, MAY_BE_NULL, .doc = "Of the newest message."}}};
 *
 *     {.method = "GET", .path = "/v1/conversations", ..., .gives = &shape_conversation, .many = true}
 *
 * `.many` is a page of a list: {"items": [...], "next_cursor": text or null}. A row without `gives` answers
 * with an empty body; a `browser` row answers with a page or a redirect and needs none.
 */
#ifndef MZ_HTTP_SHAPE_H
#define MZ_HTTP_SHAPE_H
#include "base/base.h"

enum shape_kind {
    A_TEXT,  /* a string */
    A_INT,   /* an integer within 64 bits */
    A_FLAG,  /* true or false */
    A_TIME,  /* RFC 3339, UTC, as jw_time writes it */
    A_URL,   /* an absolute address */
    A_ENUM,  /* one of `choices` */
    A_TEXTS, /* a list of strings; of `choices` when given */
    A_FLAGS, /* an object with names of its own, each true or false */
    A_ONE,   /* an object of shape `of`; without `of` one whose members are not described */
    A_MANY,  /* a list of objects of shape `of` */
};
enum { MAY_BE_NULL = 1, MAY_BE_ABSENT = 2 };
struct shape_field {
    const char *name;
    enum shape_kind kind;
    unsigned may;           /* 0: always there and never null */
    const char *choices;    /* "open|closed" */
    const struct shape *of; /* A_ONE, A_MANY */
    const char *doc;
};
enum { SHAPE_FIELDS = 24 };
struct shape {
    const char *name;  /* unique in the process; the schema's name */
    const char *media; /* NULL: application/json with the fields below; else a media type, and no fields */
    const char *doc;
    struct shape_field fields[SHAPE_FIELDS]; /* ends at the first without a name */
};

/* Answers without fields that several rooms give. */
extern const struct shape shape_plain_text, shape_style, shape_script, shape_json;
#endif
