/* The story of one job: when it was put, whether it waits or has ended for good, and why. Jobs that are done
 * are rows no more, so nobody knows them. What its arguments name is explained next. */
#include "jobs/jobs_priv.h"

static void follow_args(struct explain *out, str args)
{
    const struct json *j;
    struct fault ignored;
    if (json_parse(args, NULL, out->mem, &j, &ignored) != RC_OK || j->type != JSON_OBJ)
        return;
    for (const struct json *m = j->child; m != NULL; m = m->next)
        if (m->type == JSON_STR)
            explain_follow(out, m->s);
}

static void waits(struct explain *out, const struct rows *r)
{
    explain_add(out, row_int(r, 3),
                row_int(r, 4) == 0 ? EXPLAIN(out, "It is due then and was not tried yet (%lld attempts).",
                                             "ถึงกำหนดในเวลานี้ และยังไม่เคยดำเนินการ (%lld ครั้ง)")
                                   : EXPLAIN(out, "It is due again then, after %lld attempt(s).",
                                             "ถึงกำหนดดำเนินการอีกครั้งในเวลานี้ หลังจากดำเนินการแล้ว %lld ครั้ง"),
                (long long)row_int(r, 4));
    if (row_text(r, 6).n > 0)
        explain_add(out, row_int(r, 2),
                    EXPLAIN(out, "The last attempt ended with " STR_FMT ": " STR_FMT ".",
                            "การดำเนินการครั้งล่าสุดจบด้วย " STR_FMT ": " STR_FMT),
                    STR_ARG(row_text(r, 6)), STR_ARG(row_text(r, 7)));
}

static enum rc explain_job(struct tx *tx, str workspace, str id, struct explain *out, struct fault *why)
{
    struct rows *r;
    str owner = workspace.n > 0 ? workspace : STR("-"); /* no workspace: the installation's own */
    enum rc rc = jobs_db_job_load(tx, owner, id, out->mem, &r, why);
    if (rc != RC_OK)
        return rc;
    explain_add(out, row_int(r, 2),
                EXPLAIN(out, "Job " STR_FMT " (" STR_FMT ") was put.", "สร้างงาน " STR_FMT " (" STR_FMT ")"),
                STR_ARG(id), STR_ARG(row_text(r, 0)));
    if (row_int(r, 1) == 0)
        waits(out, r);
    else
        explain_add(out, row_int(r, 5),
                    EXPLAIN(out,
                            "It ended for good after %lld attempt(s) with " STR_FMT ": " STR_FMT
                            ". A person may replay it.",
                            "สิ้นสุดถาวรหลังจากดำเนินการ %lld ครั้งด้วย " STR_FMT ": " STR_FMT
                            " ผู้ดูแลสามารถสั่งให้ดำเนินการใหม่ได้"),
                    (long long)row_int(r, 4), STR_ARG(row_text(r, 6)), STR_ARG(row_text(r, 7)));
    follow_args(out, row_text(r, 8));
    return RC_OK;
}

const struct explain_row jobs_explain[] = {
    {"job_", explain_job, "A job that waits or has ended for good; what its arguments name follows."},
};
const size_t jobs_explain_n = COUNT_OF(jobs_explain);
