/* The advertisers' portal: its page (ads_page.c) and its token endpoints (ads.c). Marketing notes 1. */
#ifndef SIM_ADS_H
#define SIM_ADS_H
#include "sim.h"

/* {"access_token":...,"advertiser_ids":[...],"scope":[4,15]}: members of the token answer's data. */
void ads_token_data(struct sim *s, const struct token *t, bool with_advertisers, struct buf *b);
void ads_put_granted(struct sim *s, const struct grant *g, const char *key,
                     struct out *o); /* ids as a list */
bool ads_owns(const struct user *u, const struct advertiser *x);
bool ads_ticked(const struct grant *g, size_t advertiser);
void ads_tick_all(struct sim *s, struct grant *g); /* every ad account of the person */
#endif
