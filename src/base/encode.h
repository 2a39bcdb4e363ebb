/* Text forms of bytes: hex, base64, percent, form fields. Pure. Part of base's manual. */
#ifndef MZ_ENCODE_H
#define MZ_ENCODE_H
#include "base/base.h"

void buf_put_hex(struct buf *b, const void *p, size_t n);       /* lower case */
void buf_put_base64(struct buf *b, const void *p, size_t n);    /* padded */
void buf_put_base64url(struct buf *b, const void *p, size_t n); /* unpadded */
void buf_put_percent(struct buf *b, str s);                     /* RFC 3986: all but unreserved is %XX */
void buf_put_form(struct buf *b, const char *name, str value);  /* "&" when not first, name=value */
void buf_put_html(struct buf *b, str s);                        /* & < > " ' escaped */

str hex_text(struct arena *mem, const void *p, size_t n); /* STR_NONE when full */
/* Both cases accepted; exactly n bytes; false on any other character or length. */
MUSTCHECK bool hex_parse(str hex, void *out, size_t n);
MUSTCHECK bool base64_parse(str text, struct arena *mem, str *out); /* standard alphabet, padding required */
MUSTCHECK bool base64url_parse(str text, struct arena *mem, str *out); /* no padding */
/* Decodes once. plus_is_space for query strings and forms. False on a bad % sequence or a NUL. */
MUSTCHECK bool percent_parse(str text, bool plus_is_space, struct arena *mem, str *out);

/* name=value pairs of a query string or form body, in order, decoded once. */
struct pair {
    str name, value;
};
struct pairs {
    struct pair *at;
    size_t n;
};
/* RC_INVALID ("input.form") on bad encoding or more than max pairs. */
MUSTCHECK enum rc pairs_parse(str text, size_t max, struct arena *mem, struct pairs *out, struct fault *why);
/* First value by name; STR_NONE when absent. *twice (may be NULL) says that the name came more than once. */
str pairs_find(const struct pairs *ps, str name, bool *twice);
#endif
