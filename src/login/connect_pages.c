/* connect_pages: what a shop owner sees: before TikTok (who asks, what is read and why, what to check), after
 * it, and the page of each end. Every sentence exists in English and formal Thai. Text of others is escaped;
 * nothing of TikTok's error text is shown. No inline script or style.
 */
#include "login/connect_priv.h"

enum { PAGE_BYTES = 128 * 1024 };

static const struct {
    const char *scope;
    struct login_words words;
} reads[] = {
    {"user.info.basic",
     {"The account's name and picture: to show which account is connected.",
      "ชื่อและรูปของบัญชี เพื่อแสดงว่าเชื่อมต่อบัญชีใด"}},
    {"user.info.username", {"Its username: to link to its page.", "ชื่อผู้ใช้ของบัญชี เพื่อทำลิงก์ไปยังหน้าบัญชี"}},
    {"user.info.profile",
     {"Profile text, link and verified mark: to complete the account's card.",
      "ข้อความโปรไฟล์ ลิงก์ และเครื่องหมายยืนยัน เพื่อให้ข้อมูลบัญชีครบถ้วน"}},
    {"user.info.stats",
     {"Numbers of followers, likes and posts: to show the reach.",
      "จำนวนผู้ติดตาม การกดถูกใจ และโพสต์ เพื่อแสดงการเข้าถึง"}},
    {"user.account.type",
     {"Whether it is a business account: messages need one.", "ประเภทของบัญชี เพราะการใช้ข้อความต้องเป็นบัญชีธุรกิจ"}},
    {"user.insights",
     {"Figures about visitors and followers: for reports.", "ตัวเลขผู้เข้าชมและผู้ติดตาม เพื่อจัดทำรายงาน"}},
    {"message.list.read",
     {"Messages that customers send you: so that your team can read them in one place.",
      "ข้อความที่ลูกค้าส่งถึงท่าน เพื่อให้ทีมงานอ่านได้ในที่เดียว"}},
    {"message.list.send",
     {"Send answers in your name: only what your team writes or sets up.",
      "ส่งคำตอบในนามของท่าน เฉพาะสิ่งที่ทีมงานเขียนหรือตั้งค่าไว้"}},
    {"message.list.manage",
     {"Settings of the inbox, such as automatic greetings.", "การตั้งค่ากล่องข้อความ เช่น ข้อความต้อนรับอัตโนมัติ"}},
    {"comment.list",
     {"Comments below your posts: so that none is overlooked.", "ความคิดเห็นใต้โพสต์ของท่าน เพื่อไม่ให้ตกหล่น"}},
    {"comment.list.manage",
     {"Answer, hide and like comments in your name.", "ตอบ ซ่อน และถูกใจความคิดเห็นในนามของท่าน"}},
    {"video.list",
     {"Your posts: to show what a comment or message is about.",
      "โพสต์ของท่าน เพื่อแสดงว่าความคิดเห็นหรือข้อความเกี่ยวกับเรื่องใด"}},
    {"video.insights", {"Results of your posts: for reports.", "ผลลัพธ์ของโพสต์ เพื่อจัดทำรายงาน"}},
};
static const struct login_words ads_reads[] = {
    {"Your ad accounts, campaigns and ads: to show them beside conversations and sales.",
     "บัญชีโฆษณา แคมเปญ และโฆษณาของท่าน เพื่อแสดงคู่กับบทสนทนาและยอดขาย"},
    {"Reports: what was spent and what came of it.", "รายงาน ค่าใช้จ่ายและผลลัพธ์"},
    {"Leads of your forms: so that somebody answers at once. Only if you are Admin of the ad account.",
     "ข้อมูลผู้สนใจจากแบบฟอร์ม เพื่อให้มีผู้ตอบทันที เฉพาะเมื่อท่านเป็นแอดมินของบัญชีโฆษณา"},
};
static const struct login_words promises = {
    "We never see your password. You can take the permission away at any time, here or in TikTok's settings. "
    "TikTok's page asks you once more.",
    "เราไม่เห็นรหัสผ่านของท่าน ท่านยกเลิกสิทธิ์ได้ทุกเมื่อ ทั้งที่นี่และในการตั้งค่าของ TikTok และ TikTok จะถามยืนยันอีกครั้ง"};
static const struct login_words title_words[2] = {
    {"Connect your TikTok business account", "เชื่อมต่อบัญชีธุรกิจ TikTok"},
    {"Connect your TikTok ad accounts", "เชื่อมต่อบัญชีโฆษณา TikTok"},
};
static const struct login_words lead_words = {" asks TikTok for:", " ขอสิทธิ์ต่อไปนี้จาก TikTok:"};
static const struct login_words step_up_lead = {
    " asks TikTok for one addition. What you allowed before stays as it is:",
    " ขอสิทธิ์เพิ่มเติมจาก TikTok สิทธิ์ที่ให้ไว้แล้วยังคงเดิม:"};
static const struct login_words market_words = {"Where was the account registered?",
                                                "บัญชีนี้ลงทะเบียนในประเทศใด"};
static const struct login_words check_words = {"Check this first", "โปรดตรวจสอบก่อน"};
static const struct login_words excludes = {"These two exclude each other", "สองข้อนี้ใช้พร้อมกันไม่ได้"};
static const struct login_words go_words = {"Continue to TikTok", "ไปต่อที่ TikTok"};
static const struct login_words note = {
    "By continuing you agree to this on behalf of the account. We note when, in which language and to which "
    "text you agreed.",
    "เมื่อดำเนินการต่อ ถือว่าท่านตกลงในนามของบัญชี ระบบจะบันทึกเวลา ภาษา และข้อความที่ท่านตกลง"};

static const char *reason_of(str scope, bool th)
{
    for (size_t i = 0; i < COUNT_OF(reads); i++)
        if (str_eq(scope, str_of(reads[i].scope)))
            return login_say(th, &reads[i].words);
    return NULL;
}

str connect_consent_text(str lang, enum app_kind kind, str scopes, struct arena *mem)
{
    bool th = login_is_lang_th(lang);
    struct buf b;
    str head;
    buf_init(&b, mem, 32 * 1024);
    for (size_t i = 0; kind == APP_ADS && i < COUNT_OF(ads_reads); i++) {
        buf_put(&b, str_of(login_say(th, &ads_reads[i])));
        buf_put_c(&b, '\n');
    }
    while (kind != APP_ADS && str_cut(&scopes, ',', &head)) {
        const char *reason = reason_of(head, th);
        buf_put(&b, reason != NULL ? str_of(reason) : head);
        buf_put_c(&b, '\n');
    }
    buf_put(&b, str_of(login_say(th, &promises)));
    buf_put(&b, str_of(login_say(th, &note)));
    return buf_str(&b);
}

static void put_reads(struct buf *b, enum app_kind kind, str scopes, bool th)
{
    str head;
    buf_put(b, STR("<ul data-connect=\"reads\">\n"));
    for (size_t i = 0; kind == APP_ADS && i < COUNT_OF(ads_reads); i++)
        buf_fmt(b, "<li>%s</li>\n", login_say(th, &ads_reads[i]));
    while (kind != APP_ADS && str_cut(&scopes, ',', &head)) {
        const char *reason = reason_of(head, th);
        buf_put(b, STR("<li>"));
        buf_put_html(b, reason != NULL ? str_of(reason) : head);
        buf_put(b, STR("</li>\n"));
    }
    buf_put(b, STR("</ul>\n"));
}

/* Each step that matters before the click; a conflict is told where it bites. */
static void put_steps(struct buf *b, enum app_kind kind, str market, bool th)
{
    const struct step_row *s = NULL;
    buf_fmt(b, "<h2>%s</h2>\n<ul>\n", login_say(th, &check_words));
    for (size_t i = 0; (s = step_at(i)) != NULL; i++) {
        if (!s->on_page || !step_applies(s, kind, market))
            continue;
        buf_fmt(b, "<li data-step=\"%s\"><strong>%s</strong><br>%s", s->id, login_say(th, &s->name),
                login_say(th, &s->detail));
        if (s->conflict.en != NULL)
            buf_fmt(b, "<p class=\"warn\" data-conflict=\"%s\"><strong>%s.</strong> %s</p>", s->id,
                    login_say(th, &excludes), login_say(th, &s->conflict));
        buf_put(b, STR("</li>\n"));
    }
    buf_put(b, STR("</ul>\n"));
}

static void put_market(struct buf *b, str chosen, bool th)
{
    const struct market_row *m = NULL;
    buf_fmt(b, "<h2>%s</h2>\n", login_say(th, &market_words));
    for (size_t i = 0; (m = market_at(i)) != NULL; i++)
        buf_fmt(b,
                "<p><label><input type=\"radio\" name=\"market\" value=\"%s\" required%s> <strong>%s</strong>"
                "<br><span class=\"muted\">%s</span></label></p>\n",
                m->id, str_eq(chosen, str_of(m->id)) ? " checked" : "", login_say(th, &m->name),
                login_say(th, &m->detail));
}

static void put_other_language(struct buf *b, const struct connect_attempt *a)
{
    bool th = login_is_lang_th(a->lang);
    buf_fmt(b,
            "<p class=\"muted\"><a href=\"/auth/tiktok/%s?attempt=" STR_FMT "&amp;lang=%s\" hreflang=\"%s\" "
            "lang=\"%s\">%s</a></p>\n",
            connect_place(a->kind), STR_ARG(a->id), th ? "en" : "th", th ? "en" : "th", th ? "en" : "th",
            th ? "English" : "ภาษาไทย");
}

static enum rc send_page(struct request *rq, int status, struct buf *b)
{
    must(buf_ok(b));
    answer_page(rq, status, buf_str(b));
    return RC_OK;
}

enum rc connect_page_start(struct login *l, struct request *rq, const struct connect_page *p)
{
    const struct connect_attempt *a = p->attempt;
    bool th = login_is_lang_th(a->lang), step_up = a->account.n > 0 && p->fresh.n > 0;
    const struct login_words *title = &title_words[a->kind == APP_ADS ? 1 : 0];
    struct buf b;
    buf_init(&b, rq_mem(rq), PAGE_BYTES);
    page_begin(&b, a->lang, str_of(login_say(th, title)));
    buf_fmt(&b, "<h1>%s</h1>\n<p class=\"lead\">", login_say(th, title));
    buf_put_html(&b, p->workspace_name);
    buf_fmt(&b, "%s</p>\n", login_say(th, step_up ? &step_up_lead : &lead_words));
    put_reads(&b, a->kind, step_up ? p->fresh : p->scopes, th);
    buf_fmt(&b, "<p>%s</p>\n<form method=\"post\" action=\"/auth/tiktok/%s/continue\">\n",
            login_say(th, &promises), connect_place(a->kind));
    buf_fmt(&b, "<input type=\"hidden\" name=\"attempt\" value=\"" STR_FMT "\">\n", STR_ARG(a->id));
    buf_fmt(&b, "<input type=\"hidden\" name=\"lang\" value=\"%s\">\n", th ? "th" : "en");
    if (a->kind == APP_ACCOUNTS && a->account.n == 0)
        put_market(&b, a->market, th);
    else if (a->kind == APP_ACCOUNTS)
        buf_fmt(&b, "<input type=\"hidden\" name=\"market\" value=\"" STR_FMT "\">\n",
                STR_ARG(a->market.n > 0 ? a->market : STR("rest")));
    put_steps(&b, a->kind, a->market, th);
    buf_fmt(&b, "<p class=\"muted\" data-consent=\"" CONNECT_VERSION "\">%s</p>\n", login_say(th, &note));
    buf_fmt(
        &b,
        "<p class=\"row\"><button class=\"button\" type=\"submit\" data-login=\"continue\">%s</button></p>\n"
        "</form>\n",
        login_say(th, &go_words));
    put_other_language(&b, a);
    page_end(&b, a->lang);
    answer_form_action(rq, tiktok_authorize_origin_of(l->o.tiktok, a->kind));
    return send_page(rq, 200, &b);
}

/* ---- after TikTok ---- */
static const struct login_words done_title = {"Connected", "เชื่อมต่อแล้ว"};
static const struct login_words done_lead = {" is now connected to ", " เชื่อมต่อกับ "};
static const struct login_words done_close = {"You can close this page.", "ท่านปิดหน้านี้ได้"};
static const struct login_words done_less = {
    "You did not allow the following. Only what needs it is switched off; it can be added later:",
    "ท่านไม่ได้อนุญาตข้อต่อไปนี้ เฉพาะความสามารถที่ต้องใช้สิทธิ์นี้จะถูกปิด และเพิ่มภายหลังได้:"};
static const struct login_words done_back = {"Back to the console", "กลับไปยังคอนโซล"};

enum rc connect_page_done(struct request *rq, const struct connect_page_done *p)
{
    const struct connect_attempt *a = p->attempt;
    bool th = login_is_lang_th(a->lang);
    struct buf b;
    buf_init(&b, rq_mem(rq), PAGE_BYTES);
    page_begin(&b, a->lang, str_of(login_say(th, &done_title)));
    buf_fmt(&b,
            "<div data-end=\"connect.completed\" data-connected=\"" STR_FMT "\">\n<h1>%s</h1>\n"
            "<p class=\"lead good\">",
            STR_ARG(a->connected), login_say(th, &done_title));
    buf_put_html(&b, p->account_name.n > 0 ? p->account_name : STR("TikTok"));
    buf_put(&b, str_of(login_say(th, &done_lead)));
    buf_put_html(&b, p->workspace_name);
    buf_put(&b, STR("</p>\n"));
    if (a->missing.n > 0) {
        buf_fmt(&b, "<p class=\"warn\">%s</p>\n", login_say(th, &done_less));
        put_reads(&b, a->kind, a->missing, th);
    }
    buf_fmt(&b, "<p>%s</p>\n</div>\n", login_say(th, &done_close));
    const struct principal *who = rq_who(rq); /* an owner who is no member gets no link into the console */
    if (str_starts(a->return_to, STR("/console/")) && who->kind == WHO_MEMBER &&
        str_eq(who->workspace, a->workspace)) {
        buf_put(&b, STR("<p class=\"row\"><a class=\"button quiet\" data-login=\"proceed\" href=\""));
        buf_put_html(&b, a->return_to);
        buf_fmt(&b, "\">%s</a></p>\n", login_say(th, &done_back));
    }
    page_end(&b, a->lang);
    return send_page(rq, 200, &b);
}

/* ---- an end ---- */
static const struct login_words again_words = {"Try again", "ลองอีกครั้ง"};

enum rc connect_page_end(struct request *rq, const struct fault *why, const struct connect_attempt *a)
{
    const struct login_end *end = connect_end_of(why);
    const struct problem_row *row = NULL;
    str lang = a != NULL && a->lang.n > 0 ? a->lang : rq_lang(rq);
    bool th = login_is_lang_th(lang);
    struct buf b;
    for (size_t i = 0; i < connect_problems_n; i++)
        if (strcmp(connect_problems[i].code, end->code) == 0)
            row = &connect_problems[i];
    must(row != NULL);
    buf_init(&b, rq_mem(rq), PAGE_BYTES);
    page_begin(&b, lang, str_of(th ? row->th_title : row->en_title));
    buf_fmt(&b, "<div data-end=\"%s\">\n", end->code);
    page_problem(&b, row, lang);
    buf_put(&b, STR("</div>\n"));
    if (a != NULL && end->try_again && a->id.n > 0)
        buf_fmt(&b,
                "<p class=\"row\"><a class=\"button\" href=\"/auth/tiktok/%s?attempt=" STR_FMT
                "\">%s</a></p>\n",
                connect_place(a->kind), STR_ARG(a->id), login_say(th, &again_words));
    buf_fmt(&b, "<p class=\"muted\">%s: <span class=\"code\">", th ? "รหัสสำหรับผู้ดูแล" : "For the operator");
    buf_put_html(&b, rq_id(rq));
    buf_fmt(&b, "</span> <span class=\"code\">%s</span></p>\n", end->code);
    page_end(&b, lang);
    return send_page(rq, end->status, &b);
}
