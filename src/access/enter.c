/* One-time links into the console. GET shows a page that says whose session this would be, and takes nothing:
 * a link preview uses no link up, and a stranger's link cannot put anybody into the stranger's workspace by
 * being opened. The page's one button POSTs; only that takes the link and sets the cookie. http refuses a
 * POST that another site started. */
#include "access/access_priv.h"

enum { PAGE_BYTES = 16384 };

struct enter_job {
    struct access *a;
    struct request *rq;
    struct arena *mem;
    str token_hash, token;
    struct member member;
    struct workspace workspace;
};

static enum rc used(struct fault *why)
{
    return fault_set(why, RC_MISSING, "access.link_used", "unknown, taken or too old");
}

static enum rc job_of(struct request *rq, void *ctx, struct enter_job *out, struct fault *why)
{
    struct arena *mem = rq_mem(rq);
    *out = (struct enter_job){
        .a = ctx, .rq = rq, .mem = mem, .token_hash = sha256_hex(rq_arg(rq, "token"), mem)};
    if (out->token_hash.p == NULL)
        return fault_set(why, RC_FULL, "access.full", "no room for a session");
    return RC_OK;
}

/* ---- GET ---- */

static enum rc look(struct tx *tx, void *arg, struct fault *why)
{
    struct enter_job *j = arg;
    struct console_token t;
    enum rc rc = db_token_find(tx, j->token_hash, j->mem, &t, why);
    if (rc == RC_OK)
        rc = db_member(tx, t.workspace, t.member, j->mem, &j->member, why);
    if (rc == RC_OK)
        rc = access_workspace(tx, t.workspace, j->mem, &j->workspace, why);
    return rc == RC_MISSING ? used(why) : rc;
}

static const struct {
    const char *title, *workspace, *member, *note, *button;
} words[] = {
    {"Sign in to the console", "Workspace", "Member",
     "Continue only if this is you and your workspace. If somebody you do not know sent you this link, close "
     "this page.",
     "Sign in"},
    {"ลงชื่อเข้าใช้คอนโซล", "พื้นที่ทำงาน", "สมาชิก",
     "โปรดดำเนินการต่อเฉพาะเมื่อเป็นชื่อของท่านและพื้นที่ทำงานของท่าน หากผู้ที่ท่านไม่รู้จักส่งลิงก์นี้มา โปรดปิดหน้านี้", "ลงชื่อเข้าใช้"},
};

static void page_write(struct buf *b, const struct enter_job *j, str lang)
{
    size_t th = str_eq(lang, STR("th")) ? 1 : 0;
    page_begin(b, lang, str_of(words[th].title));
    buf_fmt(b, "<h1>%s</h1>\n<dl class=\"facts\">\n<dt>%s</dt><dd>", words[th].title, words[th].workspace);
    buf_put_html(b, j->workspace.name);
    buf_fmt(b, "</dd>\n<dt>%s</dt><dd>", words[th].member);
    buf_put_html(b, j->member.name.n > 0 ? j->member.name : j->member.email);
    buf_put(b, STR(" <span class=\"muted\">"));
    buf_put_html(b, j->member.email);
    buf_fmt(b, "</span></dd>\n</dl>\n<p class=\"note\">%s</p>\n", words[th].note);
    buf_put(b, STR("<form method=\"post\" action=\"/console/enter\">\n<input type=\"hidden\" name=\"token\" "
                   "value=\""));
    buf_put_html(b, rq_arg(j->rq, "token"));
    buf_fmt(
        b,
        "\">\n<p class=\"row\"><button class=\"button\" type=\"submit\" data-enter=\"go\">%s</button></p>\n"
        "</form>\n",
        words[th].button);
    page_end(b, lang);
}

enum rc http_console_look(struct request *rq, void *ctx, struct fault *why)
{
    struct enter_job j;
    struct buf b;
    enum rc rc = job_of(rq, ctx, &j, why);
    if (rc == RC_OK)
        rc = store_read(j.a->store, look, &j, why);
    if (rc != RC_OK)
        return rc;
    buf_init(&b, j.mem, PAGE_BYTES);
    page_write(&b, &j, rq_lang(rq));
    if (!buf_ok(&b))
        return fault_set(why, RC_FULL, "access.full", "page too large");
    answer_page(rq, 200, buf_str(&b));
    return RC_OK;
}

/* ---- POST ---- */

static enum rc enter(struct tx *tx, void *arg, struct fault *why)
{
    struct enter_job *j = arg;
    struct console_token t;
    struct member m;
    enum rc rc = db_token_take(tx, j->token_hash, tx_mem(tx), &t, why);
    if (rc == RC_OK)
        rc = db_member(tx, t.workspace, t.member, tx_mem(tx), &m, why);
    if (rc == RC_MISSING)
        return used(why);
    struct session_new s = {
        .workspace = t.workspace, .member = t.member, .ends = rq_cookie(j->rq, ACCESS_COOKIE)};
    if (rc == RC_OK)
        rc = session_start(j->a, tx, &s, j->mem, &j->token, why);
    if (rc != RC_OK)
        return rc;
    return session_audit(j->a, tx, j->rq,
                         &(struct audit_entry){.workspace = t.workspace,
                                               .actor = t.member,
                                               .action = STR("access.signed_in"),
                                               .object = t.member,
                                               .detail = STR("{\"by\":\"link\"}")},
                         why);
}

enum rc http_console_enter(struct request *rq, void *ctx, struct fault *why)
{
    struct enter_job j;
    str home = arena_fmt(rq_mem(rq), STR_FMT "/console/", STR_ARG(http_base_url(rq_http(rq))));
    enum rc rc = job_of(rq, ctx, &j, why);
    if (rc == RC_OK && home.p == NULL)
        rc = fault_set(why, RC_FULL, "access.full", "no room for an address");
    if (rc == RC_OK)
        rc = store_write(j.a->store, STORE_INTERACTIVE, enter, &j, why);
    if (rc != RC_OK) {
        metric_add(&access_metrics[ACCESS_M_SIGN_IN], 1, "link_refused", NULL);
        return rc;
    }
    metric_add(&access_metrics[ACCESS_M_SIGN_IN], 1, "link", NULL);
    access_set_cookie(rq, j.token);
    answer_redirect(rq, home);
    return RC_OK;
}
