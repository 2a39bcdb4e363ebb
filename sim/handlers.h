/* Handlers of the phone's later addresses (phone.c, phone_comments.c). Included by routes.c. */
#ifndef SIM_HANDLERS_H
#define SIM_HANDLERS_H
#include "sim.h"

HANDLER(phone_live);
HANDLER(phone_media);
HANDLER(phone_comment);
HANDLER(control_comment);
#endif
