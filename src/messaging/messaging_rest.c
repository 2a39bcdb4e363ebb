/* Conversations and messages over REST, newest first. A cursor is "<time>.<tie>": the tie is the
 * conversation's id, or TikTok's message id in base64url. The column numbers are those of the SELECT lists in
 * messaging_db.c.
 */
#include "messaging/messaging_priv.h"

static bool flag_of(const struct rows *r, int col)
{
    return row_int(r, col) != 0;
}

/* sent: TikTok has it; read: the customer has read up to it. TikTok never says "delivered". */
static const char *state_of(const struct rows *r)
{
    if (str_eq(row_text(r, 4), STR("in")))
        return "received";
    return row_int(r, 9) <= row_int(r, 15) ? "read" : "sent";
}

static void write_reactions(str external, const struct reactions *all, struct jw *w)
{
    jw_arr(w, "reactions");
    for (size_t i = 0; i < all->n; i++) {
        if (!str_eq(all->at[i].message, external))
            continue;
        jw_obj(w, NULL);
        jw_str(w, "kind", all->at[i].kind);
        jw_str(w, "mark", all->at[i].mark);
        jw_time(w, "at", all->at[i].at_ms);
        jw_end(w);
    }
    jw_end(w);
}

void message_write(const struct rows *r, const struct reactions *reactions, struct jw *w)
{
    jw_str(w, "id", row_text(r, 0));
    jw_str(w, "conversation_id", row_text(r, 1));
    jw_str(w, "account_id", row_text(r, 2));
    jw_str(w, "external_id", row_text(r, 3));
    jw_str(w, "direction", row_text(r, 4));
    jw_str(w, "type", row_text(r, 5));
    jw_bool(w, "shown", flag_of(r, 6));
    jw_str(w, "text", row_text(r, 7));
    jw_str(w, "quoted_external_id", row_text(r, 8));
    jw_str(w, "source", row_text(r, 12));
    jw_str(w, "automatic", row_text(r, 13));
    jw_raw(w, "content", row_null(r, 14) ? STR("null") : row_text(r, 14));
    jw_cstr(w, "state", state_of(r));
    write_reactions(row_text(r, 3), reactions, w);
    jw_time(w, "sent_at", row_int(r, 9));
    jw_time(w, "received_at", row_int(r, 10));
}

static void write_last(const struct rows *r, struct jw *w)
{
    if (row_null(r, 8)) {
        jw_null(w, "last_message");
        return;
    }
    jw_obj(w, "last_message");
    jw_str(w, "id", row_text(r, 8));
    jw_str(w, "type", row_text(r, 9));
    jw_str(w, "direction", row_text(r, 10));
    jw_str(w, "text", row_text(r, 11));
    jw_time(w, "at", row_int(r, 12));
    jw_bool(w, "shown", flag_of(r, 13));
    jw_end(w);
}

static enum rc write_referral(const struct writing *in, const struct rows *r, struct jw *w, struct fault *why)
{
    const struct thread t = {in->workspace, row_text(r, 1), row_text(r, 2)};
    struct rows *from;
    enum rc rc = messaging_db_referral_last(in->tx, &t, in->mem, &from, why);
    if (rc == RC_MISSING) {
        jw_null(w, "referral");
        return RC_OK;
    }
    if (rc != RC_OK)
        return rc;
    jw_obj(w, "referral");
    jw_str(w, "source", row_text(from, 0));
    jw_str(w, "advertiser_id", row_text(from, 1));
    jw_str(w, "ad_id", row_text(from, 2));
    jw_str(w, "ad_name", row_text(from, 3));
    jw_str(w, "ref", row_text(from, 4));
    jw_str(w, "prefilled_message", row_text(from, 5));
    jw_time(w, "at", row_int(from, 6));
    jw_end(w);
    return RC_OK;
}

static enum window_policy policy_of(const struct messaging *room)
{
    return config_is(room->config, "messaging.window_policy", "strict") ? WINDOW_STRICT : WINDOW_DOCUMENTED;
}

static enum rc write_window(const struct writing *in, const struct rows *r, struct jw *w, struct fault *why)
{
    struct window_facts f = {.last_in_ms = row_int(r, 15),
                             .replied = row_int(r, 16) != 0 && row_int(r, 15) > row_int(r, 16)};
    str id = row_text(r, 0);
    int64_t end_ms = f.last_in_ms + WINDOW_MS;
    enum rc rc = messaging_db_sent_since(in->tx, in->workspace, id, f.last_in_ms, &f.sent_since_in, why);
    if (rc == RC_OK)
        rc = messaging_db_sent_since(in->tx, in->workspace, id, end_ms, &f.sent_since_end, why);
    if (rc != RC_OK)
        return rc;
    enum window_policy policy = policy_of(in->room);
    struct window window = window_of(policy, &f, tx_now_ms(in->tx));
    jw_obj(w, "window");
    jw_cstr(w, "policy", window_policy_names[policy]);
    jw_cstr(w, "state", window.state);
    if (window.left == WINDOW_UNLIMITED)
        jw_null(w, "messages_left");
    else
        jw_i64(w, "messages_left", window.left);
    jw_time(w, "ends_at", window.ends_ms);
    jw_end(w);
    return RC_OK;
}

enum rc conversation_write(const struct writing *in, const struct rows *r, struct jw *w, struct fault *why)
{
    struct contact c;
    enum rc rc = contacts_of(in->tx, in->workspace, row_text(r, 3), in->mem, &c, why);
    if (rc != RC_OK)
        return rc;
    jw_str(w, "id", row_text(r, 0));
    jw_str(w, "account_id", row_text(r, 1));
    jw_str(w, "external_id", row_text(r, 2));
    jw_obj(w, "contact");
    jw_str(w, "id", c.id);
    jw_str(w, "name", c.name);
    jw_str(w, "username", c.username);
    jw_str(w, "avatar_url", c.avatar_url);
    jw_end(w);
    jw_str(w, "status", row_text(r, 4));
    jw_i64(w, "unread_count", row_int(r, 5));
    jw_time(w, "last_message_at", row_int(r, 6));
    jw_time(w, "created_at", row_int(r, 7));
    jw_time(w, "customer_read_at", row_int(r, 14));
    write_last(r, w);
    rc = write_referral(in, r, w, why);
    return rc == RC_OK ? write_window(in, r, w, why) : rc;
}

/* ---- cursors ---- */
static bool cursor_cut(str cursor, int64_t *at_ms, str *tie)
{
    str rest = cursor, time;
    if (cursor.n == 0)
        return true;
    return str_cut(&rest, '.', &time) && str_to_i64(time, at_ms) && *at_ms > 0 && (*tie = rest, rest.n > 0);
}

static enum rc bad_cursor(struct fault *why)
{
    return fault_set(why, RC_INVALID, "messaging.cursor", "the cursor was not made by this list");
}

static str cursor_of(struct arena *mem, int64_t at_ms, str tie)
{
    struct buf b;
    buf_init(&b, mem, 1024);
    buf_put_i64(&b, at_ms);
    buf_put_c(&b, '.');
    buf_put(&b, tie);
    return buf_str(&b);
}

struct asked {
    const struct messaging *room;
    struct request *rq;
    struct json_answer json; /* begun by the read, which may run twice */
    int64_t at_ms;
    str tie;
};

static enum rc answer(struct asked *a, store_fn read, struct fault *why)
{
    enum rc rc = store_read(a->room->store, read, a, why);
    return rc == RC_OK ? answer_end(&a->json, 200, why) : rc;
}

/* ---- conversations ---- */
static enum rc read_conversations(struct tx *tx, void *arg, struct fault *why)
{
    struct asked *a = arg;
    int64_t limit = rq_int(a->rq, "limit", 50), n = 0, last_at = 0;
    str ws = rq_who(a->rq)->workspace, last = STR_NONE;
    const struct page p = {
        .at_ms = a->at_ms, .tie = a->tie, .limit = limit + 1, .status = rq_arg(a->rq, "status")};
    struct rows *r;
    enum rc rc = messaging_db_conversation_list(tx, ws, &p, rq_mem(a->rq), &r, why);
    answer_begin(&a->json, a->rq, 2u << 20);
    jw_arr(&a->json.w, "items");
    while (rc == RC_OK && n < limit && rows_next(r)) {
        jw_obj(&a->json.w, NULL);
        rc = conversation_write(&(struct writing){tx, ws, rq_mem(a->rq), a->room}, r, &a->json.w, why);
        jw_end(&a->json.w);
        last = row_text(r, 0);
        last_at = row_int(r, 6);
        n++;
    }
    jw_end(&a->json.w);
    if (rc == RC_OK)
        answer_next(&a->json,
                    (int64_t)rows_count(r) > limit ? cursor_of(rq_mem(a->rq), last_at, last) : STR_NONE);
    return rc;
}

enum rc list_conversations(struct request *rq, void *ctx, struct fault *why)
{
    struct asked a = {.room = ctx, .rq = rq, .tie = STR_NONE};
    if (!cursor_cut(rq_arg(rq, "cursor"), &a.at_ms, &a.tie))
        return bad_cursor(why);
    return answer(&a, read_conversations, why);
}

static enum rc missing(struct fault *why)
{
    return fault_set(why, RC_MISSING, "messaging.missing", "no such conversation");
}

static enum rc read_one(struct tx *tx, void *arg, struct fault *why)
{
    struct asked *a = arg;
    struct rows *r;
    str ws = rq_who(a->rq)->workspace;
    enum rc rc = messaging_db_conversation_load(tx, ws, rq_arg(a->rq, "id"), rq_mem(a->rq), &r, why);
    if (rc == RC_MISSING)
        return missing(why);
    const struct writing in = {tx, ws, rq_mem(a->rq), a->room};
    answer_begin(&a->json, a->rq, 64u << 10);
    return rc == RC_OK ? conversation_write(&in, r, &a->json.w, why) : rc;
}

enum rc get_conversation(struct request *rq, void *ctx, struct fault *why)
{
    struct asked a = {.room = ctx, .rq = rq, .tie = STR_NONE};
    return answer(&a, read_one, why);
}

static enum rc mark_seen(struct tx *tx, void *arg, struct fault *why)
{
    struct request *rq = arg;
    int64_t changed = 0;
    str ws = rq_who(rq)->workspace, id = rq_arg(rq, "id");
    enum rc rc = messaging_db_conversation_seen(tx, ws, id, &changed, why);
    if (rc == RC_OK && changed == 0)
        return missing(why);
    return rc == RC_OK ? feed_put(tx, ws, "conversation", id, why) : rc;
}

enum rc read_conversation(struct request *rq, void *ctx, struct fault *why)
{
    const struct messaging *m = ctx;
    enum rc rc = store_write(m->store, STORE_INTERACTIVE, mark_seen, rq, why);
    return rc == RC_OK ? get_conversation(rq, ctx, why) : rc;
}

/* ---- messages of one conversation ---- */
static str message_cursor(const struct rows *r, struct arena *mem)
{
    struct buf b;
    buf_init(&b, mem, 1024);
    buf_put_base64url(&b, row_text(r, 3).p, row_text(r, 3).n);
    return cursor_of(mem, row_int(r, 9), buf_str(&b));
}

static enum rc read_messages(struct tx *tx, void *arg, struct fault *why)
{
    struct asked *a = arg;
    int64_t limit = rq_int(a->rq, "limit", 50), n = 0;
    str ws = rq_who(a->rq)->workspace, next = STR_NONE;
    struct rows *r;
    struct reactions reactions;
    enum rc rc = messaging_db_conversation_load(tx, ws, rq_arg(a->rq, "id"), rq_mem(a->rq), &r, why);
    if (rc == RC_MISSING)
        return missing(why);
    if (rc == RC_OK) {
        const struct thread t = {ws, row_text(r, 1), row_text(r, 2)};
        rc = messaging_db_reaction_list(tx, &t, rq_mem(a->rq), &reactions, why);
    }
    const struct message_page p = {
        .conversation = rq_arg(a->rq, "id"), .at_ms = a->at_ms, .tie = a->tie, .limit = limit + 1};
    if (rc == RC_OK)
        rc = messaging_db_message_list(tx, ws, &p, rq_mem(a->rq), &r, why);
    if (rc != RC_OK)
        return rc;
    answer_begin(&a->json, a->rq, 8u << 20);
    jw_arr(&a->json.w, "items");
    while (n < limit && rows_next(r)) {
        jw_obj(&a->json.w, NULL);
        message_write(r, &reactions, &a->json.w);
        jw_end(&a->json.w);
        next = message_cursor(r, rq_mem(a->rq));
        n++;
    }
    jw_end(&a->json.w);
    answer_next(&a->json, (int64_t)rows_count(r) > limit ? next : STR_NONE);
    return RC_OK;
}

enum rc list_messages(struct request *rq, void *ctx, struct fault *why)
{
    struct asked a = {.room = ctx, .rq = rq, .tie = STR_NONE};
    str tie = STR_NONE;
    if (!cursor_cut(rq_arg(rq, "cursor"), &a.at_ms, &tie))
        return bad_cursor(why);
    if (tie.n > 0 && !base64url_parse(tie, rq_mem(rq), &a.tie))
        return bad_cursor(why);
    return answer(&a, read_messages, why);
}
