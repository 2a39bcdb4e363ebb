/* read: the strict HTTP/1.1 request reader of room http. Pure: bytes in, slices out; no I/O, no clock, no
 * memory.
 *
 * The caller keeps the bytes of the request from its first byte on in one place; the reader remembers how far
 * it came (struct head, struct chunks), so that a request cut anywhere gives the same answer as one that
 * comes whole. What could be read in two ways is refused: the connection then ends, because its framing is
 * not known any more.
 */
#ifndef MZ_HTTP_READ_PRIV_H
#define MZ_HTTP_READ_PRIV_H
#include "base/base.h"

#define HEAD_BYTES 16384 /* request line and all fields with their line ends */
#define HEAD_FIELDS 64
#define TARGET_BYTES 8000
#define PATH_PARTS 12 /* segments of a path that a route can have */

enum read_state { READ_MORE, READ_DONE, READ_BAD };
enum method { M_GET, M_HEAD, M_POST, M_PUT, M_PATCH, M_DELETE, M_OPTIONS, M_OTHER };
enum known { /* fields this room itself looks at; index into head.known */
             K_HOST,
             K_LENGTH,
             K_CODING,
             K_CONNECTION,
             K_EXPECT,
             K_TYPE,
             K_COOKIE,
             K_AUTHORIZATION,
             K_ONCE,
             K_ORIGIN,
             K_FETCH_SITE,
             K_LANGUAGE,
             K_FORWARDED,
             K_REQUEST_ID,
             K_LAST_EVENT,
             K_ENCODING,
             K_COUNT
};
struct slice { /* offsets into the request's bytes: the buffer may move between two reads */
    uint16_t at, n;
};
struct head_field {
    struct slice name, value;
};
struct head {
    uint32_t line_at, seen, bytes; /* start of the unfinished line; scanned so far; length once done */
    uint16_t n_fields;
    bool started, http10, has_length, chunked, close, wants_continue;
    uint8_t method;                        /* enum method */
    uint8_t known[K_COUNT];                /* index of the field plus one; 0: absent */
    struct slice method_text, path, query; /* query without '?' */
    uint64_t length;
    int status;      /* of READ_BAD: 400, 414, 417, 431, 505 */
    const char *why; /* constant English words for operators */
    struct head_field fields[HEAD_FIELDS];
};
void head_reset(struct head *h);
/* p[0..n) is the request from its first byte; n never shrinks between calls. */
enum read_state head_read(struct head *h, const char *p, size_t n);
str head_str(const char *p, struct slice s);
str head_known(const struct head *h, const char *p, enum known k); /* STR_NONE when absent */

/* Decodes a path once. False: bad %, control byte, encoded slash or backslash, dot segment, empty segment, no
 * UTF-8. out has room for raw.n bytes. */
MUSTCHECK bool path_decode(str raw, char *out, size_t *out_n);

/* ---- chunked bodies: no extensions, no trailers, sizes of at most 7 hex digits ---- */
struct chunks {
    uint8_t state, digits;
    uint32_t left;
    uint64_t total;
    int status; /* of READ_BAD: 400 or 413 */
    const char *why;
};
void chunks_reset(struct chunks *k);
/* Appends what it decodes to out, says in *used how many bytes of `in` it has eaten. More than max: 413. */
enum read_state chunks_read(struct chunks *k, str in, size_t max, struct buf *out, size_t *used);
#endif
