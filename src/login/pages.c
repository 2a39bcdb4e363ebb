/* pages: what a person sees on the way: start (what is read and why), partly granted, QR, and the page of
 * each end. Every sentence exists in English and formal Thai. Text of others (names, TikTok's words) is
 * escaped; nothing of TikTok's error text is shown. No inline script or style.
 */
#include <qrencode.h>
#include "login/login_priv.h"

enum { PAGE_BYTES = 96 * 1024 };

bool login_is_lang_th(str lang)
{
    return str_eq(lang, STR("th"));
}

const char *login_say(bool th, const struct login_words *w)
{
    return th ? w->th : w->en;
}

/* ---- what is read and why: shown, and hashed into the consent ledger ---- */
static const struct {
    const char *scope;
    struct login_words words;
} reads[] = {
    {"user.info.basic",
     {"Your TikTok identifier for this app, your display name and your picture: to recognise you and to show "
      "who is "
      "signed in.",
      "รหัส TikTok ของท่านสำหรับแอปนี้ ชื่อที่แสดง และรูปโปรไฟล์ เพื่อจดจำท่านและแสดงว่าใครลงชื่อเข้าใช้"}},
    {"user.info.profile",
     {"Your username, profile text, profile link and verified mark: to keep your contact details complete.",
      "ชื่อผู้ใช้ ข้อความโปรไฟล์ ลิงก์โปรไฟล์ และเครื่องหมายยืนยัน เพื่อให้ข้อมูลติดต่อของท่านครบถ้วน"}},
    {"user.info.stats",
     {"Your numbers of followers, following, likes and videos: to show the reach of your account.",
      "จำนวนผู้ติดตาม กำลังติดตาม ถูกใจ และวิดีโอ เพื่อแสดงการเข้าถึงของบัญชีท่าน"}},
    {"video.list", {"Your public videos: to show their results.", "วิดีโอสาธารณะของท่าน เพื่อแสดงผลลัพธ์ของวิดีโอ"}},
};
static const struct login_words promises = {
    "We never post for you and never see your password. You can leave out what is optional on TikTok's page, "
    "and "
    "take any permission away later in TikTok's settings.",
    "เราไม่โพสต์แทนท่านและไม่เห็นรหัสผ่านของท่าน ท่านเลือกไม่ให้สิทธิ์ที่ไม่จำเป็นได้ในหน้าของ TikTok "
    "และยกเลิกสิทธิ์ใด ๆ ภายหลังได้ในการตั้งค่าของ TikTok"};

static const char *reason_of(str scope, bool th)
{
    for (size_t i = 0; i < COUNT_OF(reads); i++)
        if (str_eq(scope, str_of(reads[i].scope)))
            return login_say(th, &reads[i].words);
    return NULL;
}

str login_consent_text(str lang, str scopes, struct arena *mem)
{
    bool th = login_is_lang_th(lang);
    struct buf b;
    str head;
    buf_init(&b, mem, 16 * 1024);
    while (str_cut(&scopes, ',', &head)) {
        const char *reason = reason_of(str_trim(head), th);
        buf_put(&b, reason != NULL ? str_of(reason) : str_trim(head));
        buf_put_c(&b, '\n');
    }
    buf_put(&b, str_of(login_say(th, &promises)));
    return buf_str(&b);
}

static void put_reads(struct buf *b, str scopes, bool th)
{
    str head;
    buf_put(b, STR("<ul>\n"));
    while (str_cut(&scopes, ',', &head)) {
        const char *reason = reason_of(str_trim(head), th);
        buf_put(b, STR("<li>"));
        buf_put_html(b, reason != NULL ? str_of(reason) : str_trim(head));
        buf_put(b, STR("</li>\n"));
    }
    buf_put(b, STR("</ul>\n"));
}

/* ---- pieces ---- */
static void put_hidden(struct buf *b, const char *name, str value)
{
    if (value.n == 0)
        return;
    buf_fmt(b, "<input type=\"hidden\" name=\"%s\" value=\"", name);
    buf_put_html(b, value);
    buf_put(b, STR("\">\n"));
}

static void put_link(struct buf *b, str url, const char *words, const char *cls)
{
    buf_fmt(b, "<a class=\"%s\" href=\"", cls);
    buf_put_html(b, url);
    buf_fmt(b, "\">%s</a>\n", words);
}

static enum rc send_page(struct request *rq, int status, struct buf *b)
{
    must(buf_ok(b));
    answer_page(rq, status, buf_str(b));
    return RC_OK;
}

/* ---- the page before the redirect ---- */
static const struct login_words start_title = {"Continue with TikTok", "ดำเนินการต่อด้วย TikTok"};
static const struct login_words start_lead = {" asks TikTok for:", " ขอข้อมูลต่อไปนี้จาก TikTok:"};
static const struct login_words start_qr = {"Use a QR code instead", "ใช้คิวอาร์โค้ดแทน"};
static const struct login_words start_note = {
    "By continuing you agree that this is read and kept for these purposes. We note when, in which language "
    "and what "
    "you were shown.",
    "เมื่อดำเนินการต่อ ท่านยินยอมให้อ่านและเก็บข้อมูลตามวัตถุประสงค์ข้างต้น เราบันทึกเวลา ภาษา และข้อความที่ท่านได้เห็น"};

static void put_start_form(struct buf *b, const struct login_page_start *p, bool th)
{
    const struct attempt *a = p->attempt;
    bool qr = str_eq(p->action, STR("/auth/tiktok/qr"));
    buf_put(b, STR("<form method=\"post\" action=\""));
    buf_put_html(b, p->action);
    buf_put(b, STR("\">\n"));
    put_hidden(b, "attempt", a->id);
    put_hidden(b, "workspace", p->public_key);
    put_hidden(b, "client_state", a->id.n > 0 ? STR("") : a->client_state);
    put_hidden(b, "return_url", p->return_url_id);
    put_hidden(b, "lang", a->lang);
    if (a->purpose == LOGIN_CONSOLE)
        put_hidden(b, "console", STR("1"));
    buf_fmt(b,
            "<p class=\"row\"><button class=\"button\" type=\"submit\" data-login=\"continue\">%s</button>\n",
            login_say(th, &start_title));
    if (!qr)
        buf_fmt(b,
                "<button class=\"button quiet\" type=\"submit\" data-login=\"qr\" "
                "formaction=\"/auth/tiktok/qr\">%s</button>",
                login_say(th, &start_qr));
    buf_put(b, STR("</p>\n</form>\n"));
}

/* The same page in the other language: the query as it came, with another lang. */
static void put_other_language(struct buf *b, struct request *rq, str lang)
{
    bool th = login_is_lang_th(lang);
    struct pairs ps = {0};
    struct fault why;
    struct buf q;
    buf_init(&q, rq_mem(rq), 4096);
    if (pairs_parse(rq_query(rq), 16, rq_mem(rq), &ps, &why) != RC_OK)
        return;
    for (size_t i = 0; i < ps.n; i++) {
        const char *name = arena_cstr(rq_mem(rq), ps.at[i].name);
        if (name != NULL && strcmp(name, "lang") != 0)
            buf_put_form(&q, name, ps.at[i].value);
    }
    buf_put_form(&q, "lang", th ? STR("en") : STR("th"));
    buf_fmt(b, "<p class=\"muted\"><a lang=\"%s\" href=\"?", th ? "en" : "th");
    buf_put_html(b, buf_str(&q));
    buf_fmt(b, "\">%s</a></p>\n", th ? "English" : "ภาษาไทย");
}

enum rc login_page_start(struct login *l, struct request *rq, const struct login_page_start *p)
{
    bool th = login_is_lang_th(p->attempt->lang);
    const struct account_app *app = accounts_app_for(l->o.accounts, p->attempt->workspace, APP_LOGIN_KIT);
    struct buf b;
    buf_init(&b, rq_mem(rq), PAGE_BYTES);
    page_begin(&b, p->attempt->lang, str_of(login_say(th, &start_title)));
    buf_fmt(&b, "<h1>%s</h1>\n<p class=\"lead\">", login_say(th, &start_title));
    buf_put_html(&b, p->workspace_name);
    buf_fmt(&b, "%s</p>\n", login_say(th, &start_lead));
    put_reads(&b, app->scopes, th);
    buf_fmt(&b, "<p>%s</p>\n<p class=\"muted\" data-consent=\"" CONSENT_VERSION "\">%s</p>\n",
            login_say(th, &promises), login_say(th, &start_note));
    put_start_form(&b, p, th);
    put_other_language(&b, rq, p->attempt->lang);
    page_end(&b, p->attempt->lang);
    answer_form_action(rq, tiktok_authorize_origin(l->o.tiktok));
    return send_page(rq, 200, &b);
}

/* ---- an end ---- */
static const struct login_words again_words = {"Try again", "ลองอีกครั้ง"};
static const struct login_words back_words = {"Back to the site", "กลับไปยังเว็บไซต์"};

static const struct problem_row *row_of(const char *code)
{
    for (size_t i = 0; i < login_problems_n; i++)
        if (strcmp(login_problems[i].code, code) == 0)
            return &login_problems[i];
    must_failed("every end has a problem row", __FILE__, __LINE__);
}

static void put_end_links(struct buf *b, struct request *rq, const struct attempt *a,
                          const struct login_end *end)
{
    bool th = login_is_lang_th(a->lang.n > 0 ? a->lang : rq_lang(rq));
    buf_put(b, STR("<p class=\"row\">\n"));
    if (end->try_again && a->id.n > 0) {
        bool console = a->purpose == LOGIN_CONSOLE;
        str url = console ? STR("/auth/tiktok?console=1")
                          : arena_fmt(rq_mem(rq), "/auth/tiktok?attempt=" STR_FMT, STR_ARG(a->id));
        put_link(b, url, login_say(th, &again_words), "button");
    }
    if (a->return_url.n > 0) {
        const char *word = str_eq(str_of(end->code), STR("login.denied")) ? "access_denied" : end->code;
        put_link(b, login_return_to(a, STR(""), word, rq_mem(rq)), login_say(th, &back_words),
                 "button quiet");
    }
    buf_put(b, STR("</p>\n"));
}

enum rc login_page_end(struct login *l, struct request *rq, const struct fault *why, const struct attempt *a)
{
    const struct login_end *end = login_end_of(why);
    const struct problem_row *row = row_of(end->code);
    str lang = a != NULL && a->lang.n > 0 ? a->lang : rq_lang(rq);
    bool th = login_is_lang_th(lang);
    struct buf b;
    (void)l;
    buf_init(&b, rq_mem(rq), PAGE_BYTES);
    page_begin(&b, lang, str_of(th ? row->th_title : row->en_title));
    buf_fmt(&b, "<div data-end=\"%s\">\n", end->code);
    page_problem(&b, row, lang);
    buf_put(&b, STR("</div>\n"));
    if (a != NULL)
        put_end_links(&b, rq, a, end);
    buf_fmt(&b, "<p class=\"muted\">%s: <span class=\"code\">", th ? "รหัสสำหรับผู้ดูแล" : "For the operator");
    buf_put_html(&b, rq_id(rq));
    buf_fmt(&b, "</span> <span class=\"code\">%s</span></p>\n", end->code);
    page_end(&b, lang);
    return send_page(rq, end->status, &b);
}

/* ---- partly granted ---- */
static const struct login_words partly_title = {"Signed in, but not with everything",
                                                "ลงชื่อเข้าใช้แล้ว แต่ยังไม่ครบทุกสิทธิ์"};
static const struct login_words partly_lead = {
    "You did not allow the following. Only what needs it is switched off:",
    "ท่านไม่ได้อนุญาตข้อต่อไปนี้ เฉพาะความสามารถที่ต้องใช้สิทธิ์นี้จะถูกปิด:"};
static const struct login_words partly_how = {
    "To add it later, sign in with TikTok again and leave the switches on.",
    "หากต้องการเพิ่มภายหลัง โปรดลงชื่อเข้าใช้ด้วย TikTok อีกครั้งและเปิดสิทธิ์ไว้"};
static const struct login_words partly_go = {"Continue without it", "ดำเนินการต่อโดยไม่มีสิทธิ์นี้"};

enum rc login_page_partly(struct login *l, struct request *rq, const struct attempt *a)
{
    bool th = login_is_lang_th(a->lang);
    struct buf b;
    (void)l;
    buf_init(&b, rq_mem(rq), PAGE_BYTES);
    page_begin(&b, a->lang, str_of(login_say(th, &partly_title)));
    buf_fmt(&b, "<div data-end=\"login.partly_granted\">\n<h1>%s</h1>\n<p class=\"lead\">%s</p>\n",
            login_say(th, &partly_title), login_say(th, &partly_lead));
    put_reads(&b, a->missing, th);
    buf_put(&b, STR("<p class=\"code\">"));
    buf_put_html(&b, a->missing);
    buf_fmt(&b, "</p>\n<p>%s</p>\n</div>\n<form method=\"post\" action=\"/auth/tiktok/proceed\">\n",
            login_say(th, &partly_how));
    put_hidden(&b, "attempt", a->id);
    buf_fmt(
        &b,
        "<p class=\"row\"><button class=\"button\" type=\"submit\" data-login=\"proceed\">%s</button></p>\n",
        login_say(th, &partly_go));
    buf_put(&b, STR("</form>\n"));
    page_end(&b, a->lang);
    str origin = a->return_url;
    size_t at = 0, slash = 0;
    if (str_find(origin, STR("://"), &at) && str_find(str_sub(origin, at + 3, origin.n), STR("/"), &slash))
        answer_form_action(rq, str_sub(origin, 0, at + 3 + slash));
    return send_page(rq, 200, &b);
}

/* ---- QR ---- */
static const struct login_words qr_title = {"Scan with the TikTok app", "สแกนด้วยแอป TikTok"};
static const struct login_words qr_lead = {
    "Open TikTok on your phone, scan this code and confirm there. This page goes on by itself.",
    "เปิด TikTok บนโทรศัพท์ สแกนโค้ดนี้และยืนยัน หน้านี้จะดำเนินการต่อโดยอัตโนมัติ"};
static const struct login_words qr_noscript = {"This page needs JavaScript to see that you confirmed.",
                                               "หน้านี้ต้องใช้ JavaScript เพื่อทราบว่าท่านยืนยันแล้ว"};

/* Dark squares as one path of an SVG; quiet zone of four modules. */
static bool put_qr(struct buf *b, const char *text, const char *label)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (code == NULL)
        return false;
    int w = code->width;
    buf_fmt(b,
            "<svg class=\"qr\" role=\"img\" aria-label=\"%s\" viewBox=\"0 0 %d %d\" "
            "shape-rendering=\"crispEdges\">"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/><path fill=\"#000\" d=\"",
            label, w + 8, w + 8);
    for (int y = 0; y < w; y++)
        for (int x = 0; x < w; x++)
            if (code->data[y * w + x] & 1)
                buf_fmt(b, "M%d %dh1v1h-1z", x + 4, y + 4);
    buf_put(b, STR("\"/></svg>\n"));
    QRcode_free(code);
    return true;
}

enum rc login_page_qr(struct login *l, struct request *rq, const struct attempt *a, str url)
{
    bool th = login_is_lang_th(a->lang);
    const char *text = arena_cstr(rq_mem(rq), url);
    struct buf b;
    (void)l;
    buf_init(&b, rq_mem(rq), 512 * 1024);
    page_begin(&b, a->lang, str_of(login_say(th, &qr_title)));
    buf_fmt(&b,
            "<h1>%s</h1>\n<p class=\"lead\">%s</p>\n<div id=\"login-qr\" data-attempt=\"" STR_FMT
            "\" data-url=\"",
            login_say(th, &qr_title), login_say(th, &qr_lead), STR_ARG(a->id));
    buf_put_html(&b, url);
    buf_put(&b, STR("\">\n"));
    bool drawn = text != NULL && put_qr(&b, text, login_say(th, &qr_title));
    must(drawn);
    buf_fmt(
        &b,
        "<p class=\"muted\" id=\"login-qr-state\" role=\"status\"></p>\n<noscript><p class=\"warn\">%s</p>"
        "</noscript>\n</div>\n<script src=\"/embed/login-qr.js\" defer></script>\n",
        login_say(th, &qr_noscript));
    page_end(&b, a->lang);
    return send_page(rq, 200, &b);
}
