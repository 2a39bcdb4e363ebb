/* TikTok's byte style: form and query text, JSON text. Written here and not taken from the daemon's rooms, so
 * that both sides of the wire do not share one mistake. Pure.
 */
#ifndef SIM_ENCODE_H
#define SIM_ENCODE_H
#include "base/base.h"

enum { FORM_MAX = 64 };
struct field_pair {
    str name, value;
};
struct form {
    struct field_pair at[FORM_MAX];
    size_t n;
};
/* name=value pairs decoded once, '+' is a blank. False on a bad %, a NUL, more than FORM_MAX pairs or full
 * memory. */
bool form_read(str text, struct arena *mem, struct form *out);
str form_get(const struct form *f, const char *name); /* first; STR_NONE when absent */
bool form_twice(const struct form *f, const char *name);
bool percent_decode_once(str text, bool plus, struct arena *mem, str *out);
/* Appends '&' or nothing, then name=value with all but A-Za-z0-9-_.~ as %XX. */
void put_param(struct buf *b, bool first, const char *name, str value);
void put_escaped(struct buf *b, str s); /* %XX, blank as %20 */
void put_html(struct buf *b, str s);

/* ---- JSON text. TikTok sends plain UTF-8; `escape` gives the other legal bytes: \uXXXX and \/ ---- */
struct out {
    struct buf *b;
    bool comma, escape;
};
void out_init(struct out *o, struct buf *b, bool escape);
void out_open(struct out *o, const char *key_or_null, char bracket); /* '{' or '[' */
void out_close(struct out *o, char bracket);                         /* '}' or ']' */
void out_str(struct out *o, const char *key_or_null, str s);         /* STR_NONE is "" */
void out_cstr(struct out *o, const char *key_or_null, const char *s);
void out_int(struct out *o, const char *key_or_null, int64_t v);
void out_bool(struct out *o, const char *key_or_null, bool v);
void out_raw(struct out *o, const char *key_or_null, str json); /* already JSON */
void put_json_text(struct buf *b, str s, bool escape);          /* quoted; bad UTF-8 becomes U+FFFD */

/* ---- PNG: four-colour pictures of our own drawing, see png.c ---- */
struct rgb {
    unsigned char r, g, b;
};
/* pixels: side*side bytes, each an index into colours (at most 16). */
void put_png(struct buf *b, unsigned side, const unsigned char *pixels, const struct rgb *colours,
             unsigned n);
#endif
