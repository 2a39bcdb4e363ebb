/* Fuzz: what an event of a conversation says. Properties: a message has its ids and a time, its kept content
 * is JSON that reads back, and no text is longer than its bound. The first byte chooses the event. */
#include "messaging/messaging.h"

static void look_at_message(const struct webhook_event *ev, struct arena *mem)
{
    struct inbound in = {0};
    struct reaction r;
    struct fault why;
    const struct json *back;
    if (inbound_parse(ev, mem, &in, &why) != RC_OK)
        return;
    must(in.conversation.n > 0 && in.person.n > 0 && in.at_ms > 0 && in.text.n <= (64u << 10));
    must(in.message.n > 0 || in.form == FORM_REACTION);
    must(in.content.n == 0 || json_parse(in.content, NULL, mem, &back, &why) == RC_OK);
    const struct json *one = in.reactions != NULL ? in.reactions->child : NULL;
    for (; one != NULL; one = one->next)
        if (reaction_parse(one, &in, &r, &why) == RC_OK)
            must(r.message.n > 0 && r.mark.n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *mem;
    struct fault why;
    struct read_mark mark;
    struct referral from;
    int64_t at_ms = 0;
    if (size == 0)
        return 0;
    if (mem == NULL)
        mem = arena_open(16u << 20);
    arena_reset(mem);
    struct webhook_event ev = {.name = data[0] % 2 == 0 ? STR("im_receive_msg") : STR("im_send_msg")};
    str text = {(const char *)data + 1, size - 1};
    if (json_parse(text, NULL, mem, &ev.content, &why) != RC_OK)
        return 0;
    look_at_message(&ev, mem);
    if (read_mark_parse(&ev, &mark, &why) == RC_OK)
        must(mark.until_ms > 0 && mark.conversation.n > 0);
    if (referral_parse(&ev, &from, &why) == RC_OK)
        must(from.source.n > 0 && from.at_ms > 0);
    if (eu_parse(&ev, &at_ms, &why) == RC_OK)
        must(at_ms > 0);
    return 0;
}
