/* The frame of every page and its words in English and Thai (pages.h). Markup only: looks are in
 * assets/sim.css, the one script in assets/phone.js. The picture in the frame is our own: two crossed dashes
 * in a box, no TikTok mark.
 */
#include "pages.h"
#include "assets.h"

static const struct {
    const char *en, *th;
} words[W_COUNT] = {
    [W_SIMULATED] = {"Simulated TikTok", "TikTok จำลอง"},
    [W_NOTE] =
        {"This is a test program on your own computer. It is not TikTok and is not connected to TikTok.",
         "นี่คือโปรแกรมทดสอบในเครื่องคอมพิวเตอร์ของท่าน ไม่ใช่ TikTok และไม่ได้เชื่อมต่อกับ TikTok"},
    [W_HOME] = {"Start", "หน้าแรก"},
    [W_PEOPLE] = {"People", "บุคคล"},
    [W_PHONE] = {"Customer's phone", "โทรศัพท์ของลูกค้า"},
    [W_SCANNER] = {"QR scanner", "สแกน QR"},
    [W_LANGUAGE] = {"ภาษาไทย", "English"},
    [W_HOME_TITLE] = {"A whole TikTok for tests", "TikTok ทั้งระบบสำหรับการทดสอบ"},
    [W_HOME_TEXT] = {"Choose what you would like to do. The control interface for tests is under /control/.",
                     "โปรดเลือกสิ่งที่ท่านต้องการทำ ส่วนควบคุมสำหรับการทดสอบอยู่ที่ /control/"},
    [W_WHO] = {"Who are you on TikTok?", "ท่านคือใครใน TikTok"},
    [W_WHO_TEXT] = {"Choose one of the simulated people. The choice stays in this browser.",
                    "โปรดเลือกบุคคลจำลองหนึ่งคน ระบบจะจำตัวเลือกนี้ไว้ในเบราว์เซอร์"},
    [W_CONTINUE_AS] = {"Continue as", "ดำเนินการต่อในชื่อ"},
    [W_CANNOT] = {"This account cannot sign in.", "บัญชีนี้ไม่สามารถเข้าสู่ระบบได้"},
    [W_NOBODY] = {"The scenario has no people yet.", "สถานการณ์จำลองยังไม่มีบุคคล"},
    [W_WANTS] = {"would like to connect with your account", "ต้องการเชื่อมต่อกับบัญชีของท่าน"},
    [W_WILL] = {"This app will be able to:", "แอปนี้จะสามารถ"},
    [W_REQUIRED] = {"required", "จำเป็น"},
    [W_ALLOW] = {"Continue", "ดำเนินการต่อ"},
    [W_DENY] = {"Cancel", "ยกเลิก"},
    [W_NOT_YOU] = {"Not you? Switch account", "ไม่ใช่ท่านใช่หรือไม่ เปลี่ยนบัญชี"},
    [W_YOU_ARE] = {"Signed in as", "เข้าสู่ระบบในชื่อ"},
    [W_WRONG] = {"Something went wrong", "เกิดข้อผิดพลาด"},
    [W_WRONG_TEXT] =
        {"We could not sign you in. If you are the developer, correct the following and try again:",
         "ไม่สามารถเข้าสู่ระบบได้ หากท่านเป็นผู้พัฒนา โปรดแก้ไขรายการต่อไปนี้แล้วลองอีกครั้ง"},
    [W_LOG_ID] = {"Log ID", "รหัสบันทึก"},
    [W_PHONE_TITLE] = {"The customer's phone", "โทรศัพท์ของลูกค้า"},
    [W_PHONE_TEXT] = {"Write to a shop as a TikTok customer.", "เขียนข้อความถึงร้านค้าในฐานะลูกค้าบน TikTok"},
    [W_CUSTOMER] = {"Customer", "ลูกค้า"},
    [W_SHOP] = {"Shop", "ร้านค้า"},
    [W_MESSAGE] = {"Message", "ข้อความ"},
    [W_SEND] = {"Send", "ส่ง"},
    [W_OPEN] = {"Show", "แสดง"},
    [W_NO_MESSAGES] = {"No message yet. Write the first one below.", "ยังไม่มีข้อความ โปรดเขียนข้อความแรกด้านล่าง"},
    [W_NO_SHOPS] = {"The scenario has no shop or no customer yet.", "สถานการณ์จำลองยังไม่มีร้านค้าหรือลูกค้า"},
    [W_ST_WAITING] = {"on its way", "กำลังส่ง"},
    [W_ST_DELIVERED] = {"delivered to the shop's system", "ถึงระบบของร้านค้าแล้ว"},
    [W_ST_RETRYING] = {"not accepted, will be tried again", "ระบบยังไม่รับ จะลองส่งอีกครั้ง"},
    [W_ST_LOST] = {"lost on purpose", "ถูกทำให้สูญหายโดยเจตนา"},
    [W_ST_DROPPED] = {"given up", "เลิกส่งแล้ว"},
    [W_SCAN_TITLE] = {"QR scanner", "สแกน QR"},
    [W_SCAN_TEXT] = {"Paste the text of the QR code, as if your phone had scanned it.",
                     "วางข้อความของ QR เสมือนว่าท่านสแกนด้วยโทรศัพท์"},
    [W_SCAN_URL] = {"Text of the QR code", "ข้อความของ QR"},
    [W_SCAN] = {"Scan", "สแกน"},
    [W_CONFIRM] = {"Confirm sign-in", "ยืนยันการเข้าสู่ระบบ"},
    [W_CANCEL] = {"Cancel", "ยกเลิก"},
    [W_SCAN_DONE] = {"Done. You may return to the other screen.", "เรียบร้อยแล้ว ท่านกลับไปยังหน้าจอเดิมได้"},
    [W_SCAN_BAD] = {"This QR code is unknown, used or expired.", "ไม่รู้จัก QR นี้ หรือใช้ไปแล้ว หรือหมดอายุ"},
    [W_TICKETS] = {"Waiting QR codes", "QR ที่รออยู่"},
    [W_BACK] = {"Back", "กลับ"},
    [W_SANDBOX] = {"sandbox", "แซนด์บ็อกซ์"},
    [W_AD_ACCOUNTS] = {"For these ad accounts:", "สำหรับบัญชีโฆษณาต่อไปนี้"},
    [W_NO_AD_ACCOUNTS] = {"This person has no ad account.", "บุคคลนี้ไม่มีบัญชีโฆษณา"},
    [W_MORE] = {"More", "เพิ่มเติม"},
    [W_STICKER] = {"Sticker", "สติกเกอร์"},
    [W_EMOJI] = {"Emoji", "อีโมจิ"},
    [W_IMAGE] = {"Image", "รูปภาพ"},
    [W_VIDEO] = {"Video", "วิดีโอ"},
    [W_POST] = {"Shared post", "โพสต์ที่แชร์"},
    [W_FILE] = {"A picture of your own (optional)", "รูปภาพของท่านเอง (ไม่บังคับ)"},
    [W_QUOTE] = {"Quote", "อ้างถึง"},
    [W_QUOTING] = {"Your next message quotes the chosen one.", "ข้อความถัดไปจะอ้างถึงข้อความที่เลือก"},
    [W_QUOTED_OTHER] = {"Another message", "อีกข้อความหนึ่ง"},
    [W_REACT] = {"React with a thumb", "แสดงความรู้สึกด้วยนิ้วโป้ง"},
    [W_TYPING] = {"The shop is typing.", "ร้านค้ากำลังพิมพ์"},
    [W_AUTOMATIC] = {"automatic message", "ข้อความอัตโนมัติ"},
    [W_COMMENTS] = {"Comments on the shop's newest video", "ความคิดเห็นใต้วิดีโอล่าสุดของร้านค้า"},
    [W_COMMENT] = {"Comment", "ความคิดเห็น"},
    [W_INTENT] = {"The comment asks to buy", "ความคิดเห็นนี้สอบถามเพื่อซื้อ"},
    [W_TOO_LONG] = {"A message has 1 to 2,000 bytes.", "ข้อความต้องมีขนาด 1 ถึง 2,000 ไบต์"},
};

/* lang= in the query wins, then the cookie, then the browser's first language. */
bool sheet_thai(const struct ask *q)
{
    struct form *f = arena_new(q->mem, struct form);
    if (f != NULL && form_read(q->query, q->mem, f) && form_get(f, "lang").n > 0)
        return str_eq(form_get(f, "lang"), STR("th"));
    str cookie = cookie_get(q, "sim_lang");
    if (cookie.n > 0)
        return str_eq(cookie, STR("th"));
    return str_starts(q->accept_language, STR("th"));
}

void sheet_begin(struct sheet *p, struct sim *s, const struct ask *q, struct reply *a)
{
    *p = (struct sheet){.s = s, .q = q, .a = a, .b = &a->body, .thai = sheet_thai(q)};
    buf_clear(p->b);
    a->status = 200;
    a->type = "text/html; charset=utf-8";
}

const char *word(const struct sheet *p, enum word w)
{
    must(words[w].en != NULL);
    return p->thai ? words[w].th : words[w].en;
}

void put_word(struct sheet *p, enum word w)
{
    put_html(p->b, str_of(word(p, w)));
}

void put_text(struct sheet *p, str s)
{
    put_html(p->b, s);
}

void put_raw(struct sheet *p, const char *html)
{
    buf_put(p->b, str_of(html));
}

void put_hidden(struct sheet *p, const char *name, str value)
{
    put_raw(p, "<input type=\"hidden\" name=\"");
    put_raw(p, name);
    put_raw(p, "\" value=\"");
    put_text(p, value);
    put_raw(p, "\">");
}

void put_face(struct sheet *p, const struct user *u, unsigned side)
{
    struct buf url;
    buf_init(&url, p->q->mem, 2048);
    avatar_url(p->s, u, 168, &url);
    str whole = buf_str(&url);
    size_t origin = strlen(p->s->url);
    buf_fmt(p->b, "<img class=\"face\" width=\"%u\" height=\"%u\" alt=\"\" src=\"", side, side);
    put_text(p, str_sub(whole, origin, whole.n));
    put_raw(p, "\">");
}

/* The same page in the other language: this address with lang= replaced. POST answers link to the start page.
 * */
static void put_language_link(struct sheet *p)
{
    bool get = str_eq(p->q->method, STR("GET"));
    str rest = get ? p->q->query : STR_NONE, part = STR_NONE;
    put_raw(p, "<a class=\"lang\" data-sim=\"language\" href=\"");
    put_text(p, get ? p->q->path : STR("/"));
    put_raw(p, p->thai ? "?lang=en" : "?lang=th");
    while (str_cut(&rest, '&', &part)) {
        if (part.n == 0 || str_starts(part, STR("lang=")))
            continue;
        put_raw(p, "&amp;");
        put_text(p, part);
    }
    put_raw(p, "\">");
    put_word(p, W_LANGUAGE);
    put_raw(p, "</a>");
}

static void put_nav(struct sheet *p)
{
    static const struct {
        const char *path;
        enum word name;
    } links[] = {{"/", W_HOME}, {"/sim/people", W_PEOPLE}, {"/phone", W_PHONE}, {"/sim/qr", W_SCANNER}};
    put_raw(p, "<header class=\"top\"><a class=\"brand\" href=\"/\"><img src=\"/sim/box.svg\" width=\"28\" "
               "height=\"28\" "
               "alt=\"\"><span>");
    put_word(p, W_SIMULATED);
    put_raw(p, "</span></a><nav>");
    for (size_t i = 1; i < COUNT_OF(links); i++) {
        put_raw(p, "<a href=\"");
        put_raw(p, links[i].path);
        put_raw(p, "\">");
        put_word(p, links[i].name);
        put_raw(p, "</a>");
    }
    put_language_link(p);
    put_raw(p, "</nav></header>");
}

void sheet_open(struct sheet *p, enum word title, bool narrow, const char *script_or_null)
{
    put_raw(p,
            p->thai ? "<!doctype html><html lang=\"th\"><head>" : "<!doctype html><html lang=\"en\"><head>");
    put_raw(p, "<meta charset=\"utf-8\"><meta name=\"viewport\" "
               "content=\"width=device-width,initial-scale=1\"><title>");
    put_word(p, title);
    put_raw(p, " · ");
    put_word(p, W_SIMULATED);
    put_raw(p, "</title><link rel=\"stylesheet\" href=\"/sim/sim.css\">"
               "<link rel=\"icon\" type=\"image/svg+xml\" href=\"/sim/box.svg\">");
    if (script_or_null != NULL)
        buf_fmt(p->b, "<script src=\"%s\" defer></script>", script_or_null);
    put_raw(p, "</head><body>");
    put_nav(p);
    put_raw(p, narrow ? "<main class=\"card\">" : "<main>");
}

void sheet_end(struct sheet *p)
{
    put_raw(p, "</main><footer>");
    put_word(p, W_NOTE);
    put_raw(p, "</footer></body></html>\n");
    str origin = p->a->form_action;
    str csp = arena_fmt(
        p->q->mem,
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; form-action 'self'" STR_FMT STR_FMT,
        STR_ARG(origin.n > 0 ? STR(" ") : STR("")), STR_ARG(origin.n > 0 ? origin : STR("")));
    reply_header(p->a, "Content-Security-Policy", csp);
    reply_header(p->a, "Cache-Control", STR("no-store"));
    if (p->q->query.n > 0 && str_eq(p->q->method, STR("GET")))
        reply_header(p->a, "Set-Cookie",
                     p->thai ? STR("sim_lang=th; Path=/; SameSite=Lax")
                             : STR("sim_lang=en; Path=/; SameSite=Lax"));
}

void home_page(struct sim *s, const struct ask *q, struct reply *a)
{
    static const struct {
        const char *path;
        enum word name, text;
    } cards[] = {{"/sim/people", W_PEOPLE, W_WHO_TEXT},
                 {"/phone", W_PHONE, W_PHONE_TEXT},
                 {"/sim/qr", W_SCANNER, W_SCAN_TEXT}};
    struct sheet p;
    sheet_begin(&p, s, q, a);
    sheet_open(&p, W_HOME_TITLE, false, NULL);
    put_raw(&p, "<h1>");
    put_word(&p, W_HOME_TITLE);
    put_raw(&p, "</h1><p class=\"lead\">");
    put_word(&p, W_HOME_TEXT);
    put_raw(&p, "</p><div class=\"grid\">");
    for (size_t i = 0; i < COUNT_OF(cards); i++) {
        buf_fmt(p.b, "<a class=\"tile\" href=\"%s\"><strong>", cards[i].path);
        put_word(&p, cards[i].name);
        put_raw(&p, "</strong><span>");
        put_word(&p, cards[i].text);
        put_raw(&p, "</span></a>");
    }
    put_raw(&p, "</div>");
    sheet_end(&p);
}

void asset_get(struct sim *s, const struct ask *q, struct reply *a)
{
    (void)s;
    for (size_t i = 0; i < sim_assets_n; i++) {
        if (!str_eq(str_of(sim_assets[i].path), q->path))
            continue;
        a->type = sim_assets[i].type;
        buf_put(&a->body, (str){(const char *)sim_assets[i].bytes, sim_assets[i].n});
        reply_header(a, "Cache-Control", STR("max-age=60"));
        return;
    }
    a->status = 404;
    buf_put(&a->body, STR("404 page not found"));
}
