/* How many messages may still be sent. TikTok answers no such question: this is what its pages say, and its
 * refusal (40064) always wins. Two of its pages differ, hence two policies (business-messaging 2.1). */
#include "messaging/messaging.h"

const char *const window_policy_names[WINDOW_POLICIES] = {
    [WINDOW_DOCUMENTED] = "documented",
    [WINDOW_STRICT] = "strict",
};

enum { FIRST, ACTIVE, SILENT, STATES };
static const char *const names[STATES] = {[FIRST] = "first", [ACTIVE] = "active", [SILENT] = "silent"};
static const int64_t allowed[WINDOW_POLICIES][STATES] = {
    [WINDOW_DOCUMENTED] = {[FIRST] = 10, [ACTIVE] = WINDOW_UNLIMITED, [SILENT] = 3},
    [WINDOW_STRICT] = {[FIRST] = 10, [ACTIVE] = 10, [SILENT] = 0},
};

struct window window_of(enum window_policy policy, const struct window_facts *facts, int64_t now_ms)
{
    if (facts->last_in_ms == 0)
        return (struct window){.state = "none"};
    int64_t ends_ms = facts->last_in_ms + WINDOW_MS;
    int state = now_ms >= ends_ms ? SILENT : facts->replied ? ACTIVE : FIRST;
    int64_t may = allowed[policy][state];
    int64_t sent = state == SILENT ? facts->sent_since_end : facts->sent_since_in;
    return (struct window){
        .state = names[state],
        .left = may == WINDOW_UNLIMITED ? may
                : may > sent            ? may - sent
                                        : 0,
        .ends_ms = state == SILENT ? 0 : ends_ms,
    };
}
