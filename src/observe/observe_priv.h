/* Shared by observe's own files and tests. */
#ifndef MZ_OBSERVE_PRIV_H
#define MZ_OBSERVE_PRIV_H
#include "observe/observe.h"

/* ---- mask.c: pure ---- */
enum mask_net {
    MASK_SHAPES,          /* tokens known by prefix or by the name before them */
    MASK_SHAPES_AND_RUNS, /* also any long run of token characters: for free text */
};
/* Appends at most max bytes of text (never a part of a character) with everything that looks like a secret
 * hidden. */
void mask_text(struct buf *b, str text, size_t max, enum mask_net net);
bool mask_token_char(char c); /* may stand inside a token of any kind */
/* "สมชาย" becomes "ส***"; digits keep their last two. */
void mask_person(struct buf *b, str value);

/* Lines that could not be written. */

#endif
