/* Arena: all memory of one request or job, in blocks that double in size, freed at once.
 *
 * The header and the first block are one allocation, so that a small request costs one malloc. The maximum
 * counts what was asked for (rounded to 16), not what the blocks occupy; a block is therefore never larger
 * than twice the maximum. Under AddressSanitizer the unused part of each block is poisoned and each piece is
 * followed by a gap, so that running over a piece is reported as if it came from malloc.
 */
#include "base/base_priv.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define HIDE(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define SHOW(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#define GAP 16U
#else
#define HIDE(p, n) ((void)(p), (void)(n))
#define SHOW(p, n) ((void)(p), (void)(n))
#define GAP 0U
#endif

#define ALIGN 16U
#define FIRST_BYTES 2048U               /* with the header: what most small requests need */
#define BLOCK_MAX_BYTES (1024U * 1024U) /* doubling stops here; larger pieces get a block of their own size */

struct block {
    struct block *next;
    size_t size, used; /* of the bytes behind this header */
    size_t pad;
};
struct arena {
    struct block *cur;
    size_t max, used;
    size_t next_size;
    void *last; /* the newest piece, which may grow in place */
    unsigned fail_at;
    bool secret;
    struct block first;
};
_Static_assert(sizeof(struct block) % ALIGN == 0, "blocks keep their pieces aligned");

static char *block_bytes(struct block *b)
{
    return (char *)(b + 1);
}

static size_t header_bytes(void)
{
    return (sizeof(struct arena) + ALIGN - 1) / ALIGN * ALIGN;
}

/* The first block's bytes lie behind the whole arena header. */
static char *bytes_of(struct arena *a, struct block *b)
{
    return b == &a->first ? (char *)a + header_bytes() : block_bytes(b);
}

static struct arena *open_with(size_t max_bytes, bool secret)
{
    struct arena *a = mem_new(FIRST_BYTES);
    a->max = max_bytes;
    a->secret = secret;
    a->cur = &a->first;
    a->first.size = FIRST_BYTES - header_bytes();
    a->next_size = FIRST_BYTES;
    HIDE(bytes_of(a, &a->first), a->first.size);
    return a;
}

struct arena *arena_open(size_t max_bytes)
{
    return open_with(max_bytes, false);
}

struct arena *arena_open_secret(size_t max_bytes)
{
    return open_with(max_bytes, true);
}

/* Gives back every block but the first; wipes what was used when the arena holds secrets. */
static void empty(struct arena *a)
{
    struct block *b = a->cur;
    while (b != &a->first) {
        struct block *next = b->next;
        SHOW(block_bytes(b), b->size);
        if (a->secret)
            explicit_bzero(block_bytes(b), b->used);
        mem_free(b);
        b = next;
    }
    SHOW(bytes_of(a, &a->first), a->first.size);
    if (a->secret)
        explicit_bzero(bytes_of(a, &a->first), a->first.used);
    a->first.used = 0;
    a->cur = &a->first;
    a->used = 0;
    a->last = NULL;
    a->next_size = FIRST_BYTES;
}

void arena_close(struct arena **a)
{
    if (a == NULL || *a == NULL)
        return;
    empty(*a);
    mem_free(*a);
    *a = NULL;
}

void arena_reset(struct arena *a)
{
    empty(a);
    HIDE(bytes_of(a, &a->first), a->first.size);
}

static bool test_failure(struct arena *a)
{
    return a->fail_at != 0 && --a->fail_at == 0;
}

/* Blocks are chained newest first, so that `cur` is the only one that is filled. */
static struct block *add_block(struct arena *a, size_t need)
{
    if (a->next_size < BLOCK_MAX_BYTES)
        a->next_size *= 2;
    size_t size = a->next_size < need ? need : a->next_size;
    struct block *b = mem_new(sizeof(struct block) + size);
    b->size = size;
    b->next = a->cur;
    a->cur = b;
    HIDE(block_bytes(b), b->size);
    return b;
}

void *arena_take(struct arena *a, size_t n)
{
    if (test_failure(a))
        return NULL;
    if (n > a->max - a->used)
        return NULL;
    size_t want = n == 0 ? ALIGN : (n + ALIGN - 1) / ALIGN * ALIGN;
    if (want < n || want > a->max - a->used)
        return NULL;
    struct block *b = a->cur;
    if (want + GAP > b->size - b->used)
        b = add_block(a, want + GAP);
    char *p = bytes_of(a, b) + b->used;
    b->used += want + GAP;
    a->used += want;
    SHOW(p, n);
    memset(p, 0, n); /* a block is used again after arena_reset */
    a->last = p;
    return p;
}

bool arena_extend(struct arena *a, void *p, size_t old_n, size_t new_n)
{
    if (p == NULL || p != a->last || new_n < old_n)
        return false;
    struct block *b = a->cur;
    size_t old_want = old_n == 0 ? ALIGN : (old_n + ALIGN - 1) / ALIGN * ALIGN;
    size_t new_want = (new_n + ALIGN - 1) / ALIGN * ALIGN;
    if (new_want < new_n || new_want - old_want > a->max - a->used)
        return false;
    if (new_want - old_want > b->size - b->used)
        return false;
    b->used += new_want - old_want;
    a->used += new_want - old_want;
    SHOW(p, new_n);
    memset((char *)p + old_n, 0, new_n - old_n);
    return true;
}

void *arena_take_array(struct arena *a, size_t size, size_t count)
{
    size_t n;
    if (__builtin_mul_overflow(size, count, &n))
        return NULL;
    return arena_take(a, n);
}

str arena_str(struct arena *a, str s)
{
    if (s.n == SIZE_MAX)
        return STR_NONE;
    char *p = arena_take(a, s.n + 1);
    if (p == NULL)
        return STR_NONE;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return (str){p, s.n};
}

str arena_fmt(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    str out = STR_NONE;
    char *p = n < 0 ? NULL : arena_take(a, (size_t)n + 1);
    if (p != NULL) {
        (void)vsnprintf(p, (size_t)n + 1, fmt, again);
        out = (str){p, (size_t)n};
    }
    va_end(again);
    return out;
}

const char *arena_cstr(struct arena *a, str s)
{
    if (s.n > 0 && memchr(s.p, 0, s.n) != NULL)
        return NULL;
    return arena_str(a, s).p;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}

size_t arena_room(const struct arena *a)
{
    return a->max - a->used;
}

unsigned arena_fail_at(struct arena *a, unsigned n)
{
    unsigned left = a->fail_at;
#ifdef MZ_TEST
    a->fail_at = n;
#else
    must(n == 0);
    a->fail_at = 0;
#endif
    return left;
}
