/* Clocks. Test builds (MZ_TEST) add a virtual offset to the wall clock: of the process, or, when MZ_CLOCK
 * names a file, of every process that maps it (8 bytes, little-endian, made when absent). Release builds add
 * nothing.
 */
#ifndef MZ_BASE_CLOCK_H
#define MZ_BASE_CLOCK_H
#include "base/base.h"

int64_t clock_now_ms(void);  /* wall clock, UTC epoch ms; plus the virtual offset in test builds */
int64_t clock_mono_ms(void); /* never jumps, never virtual: deadlines and sockets */
int64_t clock_mono_us(void);
void clock_shift_ms(int64_t delta); /* virtual time, test builds only: elsewhere a broken invariant */
int64_t clock_offset_ms(void);      /* the virtual offset in force; 0 in release builds */
bool clock_shared(void);            /* the offset is a file's: a shift moves others too */
#define TIME_TEXT 25                /* "2026-11-22T17:51:44.123Z" and NUL */
const char *time_iso(int64_t ms, char out[TIME_TEXT]);
#endif
