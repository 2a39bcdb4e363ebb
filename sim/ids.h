/* The shapes of TikTok's ids, derived from the scenario or random (ids.c). Included by model.h. */
#ifndef SIM_IDS_H
#define SIM_IDS_H
#include "model.h"

void open_id_of(const struct app *a, const struct user *u, char out[ID_SIZE]);
void union_id_of(const struct app *a, const struct user *u, char out[ID_SIZE]);
void unique_identifier_of(str customer, char out[96]); /* 64 characters with '+' and '/' */
void conversation_id_of(str business_id, str customer_identifier, char out[ID_SIZE]);
void core_user_id_of(const struct user *u, char out[ID_SIZE]); /* a number of 19 digits */
void message_id_new(char out[ID_SIZE]);
enum secret_kind {
    MADE_CODE,
    MADE_ACCESS,
    MADE_REFRESH,
    MADE_CLIENT,
    MADE_QR,
    MADE_BUSINESS_CODE,
    MADE_ADS_CODE
};
/* never starts like another; tail as TikTok's */
void secret_new(enum secret_kind kind, char out[TOKEN_SIZE]);
#define LOG_ID_SIZE 40
void log_id_new(int64_t now_ms, char out[LOG_ID_SIZE]); /* YYYYMMDDhhmmss and 20 hex */
#endif
