/* The story of one message: when TikTok says it was written, when it was stored here, what happened to its
 * event; and of one conversation: since when, how it stands, its newest message. */
#include "messaging/messaging_priv.h"

static void explain_event(const struct mozflow_sent *e, struct explain *out)
{
    explain_add(
        out, e->created_ms,
        EXPLAIN(out, "The event " STR_FMT " (" STR_FMT ") was written for Mozflow in the same transaction.",
                "เหตุการณ์ " STR_FMT " (" STR_FMT ") ถูกบันทึกเพื่อส่งไปยัง Mozflow ในธุรกรรมเดียวกัน"),
        STR_ARG(e->id), STR_ARG(e->type));
    if (e->attempts > 0)
        explain_add(out, e->delivered_ms != 0 ? e->delivered_ms : e->last_ms,
                    EXPLAIN(out,
                            "After %d attempt(s) the event is " STR_FMT
                            "; the last answer was HTTP %d " STR_FMT ".",
                            "หลังจากส่ง %d ครั้ง เหตุการณ์มีสถานะ " STR_FMT " คำตอบล่าสุดคือ HTTP %d " STR_FMT),
                    e->attempts, STR_ARG(e->state), e->last_status, STR_ARG(e->last_code));
    else
        explain_add(out, e->created_ms, EXPLAIN(out, "The event is " STR_FMT ".", "เหตุการณ์มีสถานะ " STR_FMT),
                    STR_ARG(e->state));
}

enum rc explain_message(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why)
{
    struct rows *r;
    struct mozflow_sent *sent;
    size_t n = 0;
    enum rc rc = messaging_db_message_load(tx, workspace, id, out->mem, &r, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "messaging.missing", "no such message");
    if (rc == RC_OK)
        rc = mozflow_list(tx, workspace, id, out->mem, &sent, &n, why);
    if (rc != RC_OK)
        return rc;
    explain_add(out, row_int(r, 9),
                EXPLAIN(out, "TikTok's time of the message.", "เวลาของข้อความตามที่ TikTok แจ้ง"));
    explain_add(out, row_int(r, 10),
                EXPLAIN(out,
                        "Message " STR_FMT " (type " STR_FMT ") was stored in conversation " STR_FMT
                        ", with its contact and its event, in one transaction.",
                        "ข้อความ " STR_FMT " (ชนิด " STR_FMT ") ถูกจัดเก็บในการสนทนา " STR_FMT
                        " พร้อมผู้ติดต่อและเหตุการณ์ในธุรกรรมเดียว"),
                STR_ARG(id), STR_ARG(row_text(r, 5)), STR_ARG(row_text(r, 1)));
    for (size_t i = 0; i < n; i++)
        explain_event(&sent[i], out);
    explain_follow(out, row_text(r, 11));
    return RC_OK;
}

enum rc explain_conversation(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why)
{
    struct rows *r;
    enum rc rc = messaging_db_conversation_load(tx, workspace, id, out->mem, &r, why);
    if (rc == RC_MISSING)
        return fault_set(why, RC_MISSING, "messaging.missing", "no such conversation");
    if (rc != RC_OK)
        return rc;
    explain_add(out, row_int(r, 7),
                EXPLAIN(out, "Conversation " STR_FMT " of account " STR_FMT " was first stored.",
                        "จัดเก็บการสนทนา " STR_FMT " ของบัญชี " STR_FMT " เป็นครั้งแรก"),
                STR_ARG(id), STR_ARG(row_text(r, 1)));
    explain_add(out, row_int(r, 6) != 0 ? row_int(r, 6) : row_int(r, 7),
                EXPLAIN(out, "It is " STR_FMT " now, with %lld unread message(s).",
                        "ขณะนี้มีสถานะ " STR_FMT " และมีข้อความที่ยังไม่ได้อ่าน %lld ข้อความ"),
                STR_ARG(row_text(r, 4)), (long long)row_int(r, 5));
    explain_follow(out, row_text(r, 8)); /* its newest message */
    return RC_OK;
}
