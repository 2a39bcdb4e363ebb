/* Shared by base's own files only. */
#ifndef MZ_BASE_PRIV_H
#define MZ_BASE_PRIV_H
#include "base/base.h"

/* Makes the newest allocation larger without moving it; false when p is not the newest or nothing is left. */
bool arena_extend(struct arena *a, void *p, size_t old_n, size_t new_n);
/* What the maximum leaves. */
size_t arena_room(const struct arena *a);
/* Room for n more bytes; false (and b->failed) when the maximum or the arena's is reached. */
bool buf_reserve(struct buf *b, size_t n);
/* Length of the valid UTF-8 sequence at p (1..4), 0 when it is not one. n > 0. */
size_t utf8_len_at(const unsigned char *p, size_t n);
/* Percent-decoding with the two failures told apart: RC_INVALID (text) or RC_FULL (arena). */
MUSTCHECK enum rc percent_decode(str text, bool plus_is_space, struct arena *mem, str *out);

#endif
