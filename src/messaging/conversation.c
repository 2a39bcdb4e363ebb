/* The conversation's status moves here and nowhere else. */
#include "messaging/messaging.h"

const char *const conversation_status_names[CONV_STATUSES] = {
    [CONV_OPEN] = "open",
    [CONV_WAITING_US] = "waiting_us",
    [CONV_WAITING_CUSTOMER] = "waiting_customer",
    [CONV_SNOOZED] = "snoozed",
    [CONV_CLOSED] = "closed",
};

static const struct {
    enum conversation_status from;
    enum conversation_event by;
    enum conversation_status to;
} moves[] = {
    {CONV_OPEN, CONV_CUSTOMER_WROTE, CONV_WAITING_US},
    {CONV_WAITING_US, CONV_CUSTOMER_WROTE, CONV_WAITING_US},
    {CONV_WAITING_CUSTOMER, CONV_CUSTOMER_WROTE, CONV_WAITING_US},
    {CONV_SNOOZED, CONV_CUSTOMER_WROTE, CONV_WAITING_US},
    {CONV_CLOSED, CONV_CUSTOMER_WROTE, CONV_WAITING_US},
    {CONV_OPEN, CONV_WE_WROTE, CONV_WAITING_CUSTOMER},
    {CONV_WAITING_US, CONV_WE_WROTE, CONV_WAITING_CUSTOMER},
    {CONV_WAITING_CUSTOMER, CONV_WE_WROTE, CONV_WAITING_CUSTOMER},
    {CONV_SNOOZED, CONV_WE_WROTE, CONV_WAITING_CUSTOMER},
    {CONV_CLOSED, CONV_WE_WROTE, CONV_CLOSED}, /* a farewell opens nothing */
};

enum rc conversation_move(enum conversation_status from, enum conversation_event by,
                          enum conversation_status *to, struct fault *why)
{
    for (size_t i = 0; i < COUNT_OF(moves); i++)
        if (moves[i].from == from && moves[i].by == by) {
            *to = moves[i].to;
            return RC_OK;
        }
    return fault_set(why, RC_BUG, "messaging.move", "no move from status %d by event %d", (int)from, (int)by);
}
