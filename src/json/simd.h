/* The border between the C of this room and its one C++ file. Plain types only: simdjson walks the text
 * and reports what it met in document order; the C side builds the tree. Returning false from an event
 * stops the walk. */
#ifndef MZ_JSON_SIMD_H
#define MZ_JSON_SIMD_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

enum simd_result { SIMD_OK, SIMD_STOPPED, SIMD_MALFORMED, SIMD_TOO_DEEP };
enum simd_kind { SIMD_NULL, SIMD_BOOL, SIMD_INT, SIMD_DOUBLE, SIMD_STR, SIMD_ARR, SIMD_OBJ };

struct simd_value {
    enum simd_kind kind;
    const char *key; /* NULL outside objects */
    size_t key_n;
    const char *s; /* SIMD_STR; valid until the next parse of this thread */
    size_t s_n;
    int64_t i; /* SIMD_INT, SIMD_BOOL */
    double d;
};
struct simd_events {
    void *arg;
    int (*value)(void *arg, const struct simd_value *v); /* an array or object opens here ... */
    int (*end)(void *arg);                               /* ... and closes here */
};

/* *reason (static text) says what simdjson found wrong. text.n must be below 4 GiB. */
enum simd_result simd_walk(const char *text, size_t n, const struct simd_events *ev, const char **reason);

#ifdef __cplusplus
}
#endif
#endif
