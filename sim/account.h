/* What a TikTok account is and may do: type, region, permissions of messaging (messaging 2.10, 4). */
#ifndef SIM_ACCOUNT_H
#define SIM_ACCOUNT_H
#include "sim.h"

bool account_is_business(const struct sim *s, const struct user *u);
/* The code that a messaging endpoint answers for this account, NULL: messaging works; *text says why. */
const char *messaging_refusal(const struct sim *s, const struct app *a, const struct user *u,
                              const char **text);
/* The account takes messages of everybody, so that events of them are sent. */
bool messages_open(const struct sim *s, const struct app *a, const struct user *u);
bool region_known(str region); /* two capital letters */
#endif
