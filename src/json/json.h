/* json: reading over simdjson (strict UTF-8, exact 64-bit integers, duplicate keys refused, bounded depth and
 * size) into a plain C tree, and an append-only writer that escapes exactly.
 *
 * TikTok sends 19-digit bare numbers: no integer passes through a double. Depth <= 32, text <= 8 MiB by
 * default. The tree lives in the arena passed in. Pure, thread-safe.
 */
#ifndef MZ_JSON_H
#define MZ_JSON_H
#include "base/base.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_INT, JSON_DOUBLE, JSON_STR, JSON_ARR, JSON_OBJ };
struct json {
    enum json_type type;
    str key; /* of a member of an object */
    union {
        bool b;
        int64_t i; /* JSON_INT; values above INT64_MAX are refused */
        double d;
        str s;
    };
    size_t count; /* children */
    const struct json *child, *next;
};
struct json_limits {
    size_t text_bytes; /* 0: 8 MiB */
    unsigned depth;    /* 0: 32 */
    size_t nodes;      /* 0: 1,000,000 */
};
/* RC_INVALID "json.malformed", "json.duplicate_key", "json.too_deep"; RC_FULL when arena or limits are
 * reached. */
MUSTCHECK enum rc json_parse(str text, const struct json_limits *limits_or_null, struct arena *mem,
                             const struct json **out, struct fault *why);

/* Look-ups: NULL-safe (a missing parent gives a missing child), exact type. */
const struct json *json_get(const struct json *obj, const char *key);
bool json_str(const struct json *obj, const char *key, str *out); /* false: absent or another type */
bool json_i64(const struct json *obj, const char *key, int64_t *out);
bool json_bool(const struct json *obj, const char *key, bool *out);
/* An id that TikTok sends as string or as bare number: its decimal text either way. */
bool json_id(const struct json *obj, const char *key, struct arena *mem, str *out);

/* ---- writer: call in document order; it places commas; a mistake in nesting is a broken invariant ---- */
struct jw {
    struct buf *b;
    unsigned depth;
    unsigned char state[64];
};
void jw_init(struct jw *w, struct buf *b);
void jw_obj(struct jw *w, const char *key_or_null); /* opens { */
void jw_arr(struct jw *w, const char *key_or_null); /* opens [ */
void jw_end(struct jw *w);                          /* closes the innermost */
/* invalid UTF-8 becomes U+FFFD; STR_NONE becomes null */
void jw_str(struct jw *w, const char *key_or_null, str s);
void jw_cstr(struct jw *w, const char *key_or_null, const char *s);
void jw_i64(struct jw *w, const char *key_or_null, int64_t v);
void jw_bool(struct jw *w, const char *key_or_null, bool v);
void jw_null(struct jw *w, const char *key_or_null);
void jw_time(struct jw *w, const char *key_or_null, int64_t ms);   /* RFC 3339 UTC with ms; 0 becomes null */
void jw_raw(struct jw *w, const char *key_or_null, str json_text); /* already JSON */
void jw_tree(struct jw *w, const char *key_or_null, const struct json *node);
/* Appends a quoted, escaped JSON string: also for log lines (U+2028/9, C0, C1, bidi controls as \u). */
void json_put_quoted(struct buf *b, str s);
#endif
