/* base: the ground every room stands on. Strings, arenas, buffers, outcomes, clocks, ids.
 * Owns no table, no thread, no global but the clock's virtual offset. No I/O beyond reading the clock and
 * the kernel's random source. Everything that can run out has a maximum; reaching it is RC_FULL, never a
 * crash. Memory refused by the operating system aborts: the supervisor restarts and nothing acknowledged is
 * lost.
 */
#ifndef MZ_BASE_H
#define MZ_BASE_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/banned.h"

#define MUSTCHECK __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* A broken invariant: log to stderr and abort. Kept in release builds. */
#define must(cond) ((cond) ? (void)0 : must_failed(#cond, __FILE__, __LINE__))
_Noreturn void must_failed(const char *cond, const char *file, int line);

/* ---- outcomes: what to do next (ARCHITECTURE 6) ---- */
enum rc {
    RC_OK = 0,
    RC_MISSING,  /* no such thing, or not yours */
    RC_INVALID,  /* the input is wrong; nothing was done */
    RC_CONFLICT, /* 409, 412, 422: the state forbids it */
    RC_DENIED,   /* not authenticated or not permitted */
    RC_OFF,      /* flag, kill switch or availability */
    RC_REFUSED,  /* TikTok's rule says no; never retried */
    RC_SCOPE,    /* a TikTok scope is missing */
    RC_REAUTH,   /* the grant is dead: the person must connect again */
    RC_LIMITED,  /* rate limit: later */
    RC_RETRY,    /* failed for now, safe to repeat */
    RC_UNSURE,   /* may have happened: reconcile, never blindly retry */
    RC_FULL,     /* a bound of ours was reached */
    RC_BUG,      /* our own mistake */
    RC_COUNT
};
const char *rc_name(enum rc rc); /* "ok", "missing", ... for logs and metrics */

/* `code` is a stable dotted word ("login.state_unknown"), the key of the problem table that holds status,
 * English and Thai sentences. `detail` is for operators: never a secret, never a body. */
struct fault {
    enum rc rc;
    char code[64];
    char detail[256];
    int64_t outer_code; /* TikTok's own code and log id; 0 and "" when the fault is ours */
    char outer_ref[64];
};
/* Fills *why (when not NULL) and returns rc, so that `return fault_set(...)` ends a function. */
enum rc fault_set(struct fault *why, enum rc rc, const char *code, const char *fmt, ...) PRINTF(4, 5);
const char *os_error(int err, char out[128]); /* the text of an errno value; thread-safe */

/* ---- strings: pointer and length, not owned, not NUL-terminated ---- */
typedef struct {
    const char *p;
    size_t n;
} str;
#define STR(lit) ((str){(lit), sizeof(lit) - 1})
#define STR_NONE ((str){NULL, 0})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p
void fault_outer(struct fault *why, int64_t code, str ref); /* after fault_set, which clears both */
str str_of(const char *c);                                  /* NULL gives STR_NONE */
bool str_eq(str a, str b);
bool str_eq_nocase(str a, str b); /* ASCII only */
bool str_starts(str s, str prefix);
bool str_ends(str s, str suffix);
str str_trim(str s);                          /* blanks and tabs at both ends */
str str_sub(str s, size_t from, size_t n);    /* clipped to s */
bool str_cut(str *rest, char sep, str *head); /* next part before sep; false when *rest is used up (p NULL) */
bool str_find(str hay, str needle, size_t *at);
/* Decimal, whole string, no sign for u64, range-checked. */
MUSTCHECK bool str_to_i64(str s, int64_t *out);
MUSTCHECK bool str_to_u64(str s, uint64_t *out);
bool utf8_valid(str s);
size_t utf8_count(str s); /* code points of valid UTF-8 */
size_t utf8_len(str s);   /* bytes of the first character of s; 0 when it is broken or s is empty */

/* ---- arena: all memory of one request or job, freed at once ---- */
struct arena;
/* max_bytes bounds the sum of all allocations. Small first block, grows by doubling. */
struct arena *arena_open(size_t max_bytes);
struct arena *arena_open_secret(size_t max_bytes); /* wiped when closed or reset */
void arena_close(struct arena **a);                /* NULL-safe; nulls the pointer */
void arena_reset(struct arena *a);                 /* everything taken from it is gone */
/* NULL when the maximum is reached: the caller returns RC_FULL. Zeroed, 16-byte aligned. */
void *arena_take(struct arena *a, size_t n);
#define arena_new(a, type) ((type *)arena_take((a), sizeof(type)))
#define arena_array(a, type, count) ((type *)arena_take_array((a), sizeof(type), (count)))
void *arena_take_array(struct arena *a, size_t size, size_t count); /* overflow-checked */
str arena_str(struct arena *a, str s); /* a copy with a NUL behind it; STR_NONE when full */
str arena_fmt(struct arena *a, const char *fmt, ...) PRINTF(2, 3); /* STR_NONE when full */
const char *arena_cstr(struct arena *a, str s); /* NUL-terminated; NULL when full or s holds a NUL */
size_t arena_used(const struct arena *a);
/* Test hook: the n-th take from now fails (0: off). Gives what was left of the count before; 0: it came. */
unsigned arena_fail_at(struct arena *a, unsigned n);

/* ---- long-lived memory outside arenas: zeroed; the operating system's refusal aborts ---- */
void *mem_new(size_t n);
void *mem_grow(void *p, size_t n); /* the added part is not zeroed */
void mem_free(void *p);            /* NULL-safe */

/* ---- buf: append-only bytes with a maximum; overflow is sticky and seen once, at the end ---- */
struct buf {
    char *p;
    size_t n, cap, max;
    bool failed;
    struct arena *mem; /* NULL: own heap memory, release with buf_release */
};
void buf_init(struct buf *b, struct arena *mem_or_null, size_t max_bytes);
void buf_release(struct buf *b); /* heap buffers only; safe on arena buffers */
void buf_clear(struct buf *b);
void buf_put(struct buf *b, str s);
void buf_put_c(struct buf *b, char c);
void buf_put_i64(struct buf *b, int64_t v);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
bool buf_ok(const struct buf *b);
str buf_str(const struct buf *b); /* what was written; STR_NONE if it failed */

struct secret { /* secrets travel as this, never as char *; log and JSON writers refuse it */
    const unsigned char *p;
    size_t n;
};
struct permit { /* of room budget: without one no tiktok function can be called */
    int64_t slot_ms;
    uint32_t bucket;
};

/* ---- ids: time-ordered, 26 chars of Crockford base32 (48 bit ms, 80 bit random), lower case ---- */
str id_new(struct arena *mem, const char *prefix); /* "msg_01k..."; STR_NONE when full */
bool id_valid(str id, const char *prefix);         /* shape only */
void random_bytes(void *out, size_t n);            /* getrandom; aborts when the kernel refuses */

/* ---- planted defects: only in builds with -Dplant=true, named by the environment variable MZ_PLANT ---- */
#ifdef MZ_PLANT
bool planted(const char *name);
#else
#define planted(name) false
#endif

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/encode.h"
#endif
