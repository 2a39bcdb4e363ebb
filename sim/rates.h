/* Limits of the API for Business (messaging 5.3): per app and second, minute and day by level, 40 a minute
 * per account and endpoint. After a minute's breach the bucket refuses for five minutes. No headers tell of
 * it.
 */
#ifndef SIM_RATES_H
#define SIM_RATES_H
#include "sim.h"
#include <limits.h>

struct rates;
struct rates *rates_open(void);
void rates_close(struct rates **r);
void rates_clear(struct sim *s);
/* Counts a call. False: refused, a->body holds the answer. grant UINT_MAX: a call of the app alone. */
bool rates_take(struct sim *s, struct reply *a, unsigned app, unsigned grant, unsigned endpoint);
#endif
