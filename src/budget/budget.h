/* budget: rate budgets towards TikTok. Gives permits, without which no tiktok function can be called.
 *
 * One bucket per (app, endpoint): calls in the last 60 s, counted by slot. The default, 600 a minute per
 * endpoint, is TikTok's published figure for open.tiktokapis.com (login-kit 4.2). A refusal by TikTok (429,
 * 40100) shuts the bucket for the time it named. This node's own memory; sharing by nodes comes with the
 * connected accounts (one row per bucket, a slot reserved by spacing). Thread-safe. Owns no table yet.
 */
#ifndef MZ_BUDGET_H
#define MZ_BUDGET_H
#include "base/base.h"
#include "config/config.h"

struct budget;
MUSTCHECK enum rc budget_open(const struct config *c, struct budget **out, struct fault *why);
void budget_close(struct budget **b);
/* RC_LIMITED "budget.limited" when the bucket is empty or shut; out->slot_ms then says when to come back. */
MUSTCHECK enum rc budget_take(struct budget *b, str client_key, const char *endpoint, struct permit *out,
                              struct fault *why);
/* TikTok said "too many": nobody calls this endpoint for the app before until_ms (clock_now_ms). */
void budget_shut(struct budget *b, str client_key, const char *endpoint, int64_t until_ms);
extern const struct setting budget_settings[];
extern const size_t budget_settings_n;
#endif
