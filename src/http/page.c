/* page: the frame of every HTML page this service writes itself (sign-in, errors), and its one stylesheet.
 * The look: one quiet card in the middle, system fonts with Thai ones, light and dark by the reader's own
 * setting.
 */
#include "http/http_priv.h"

void page_begin(struct buf *b, str lang, str title)
{
    must(str_eq(lang, STR("en")) || str_eq(lang, STR("th")));
    buf_put(b, STR("<!doctype html>\n<html lang=\""));
    buf_put(b, lang);
    buf_put(b, STR("\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n<title>"));
    buf_put_html(b, title);
    buf_put(b, STR("</title>\n<link rel=\"stylesheet\" href=\"/static/pages.css\">\n</head>\n<body>\n"
                   "<main class=\"card\">\n"));
}

void page_end(struct buf *b, str lang)
{
    (void)lang;
    buf_put(b, STR("</main>\n</body>\n</html>\n"));
}

static const char style[] =
    ":root{color-scheme:light dark;--back:#f3f4f6;--card:#fff;--ink:#16181d;--soft:#5b6270;--line:#d9dce3;"
    "--act:#1f4fd8;--act-ink:#fff;--warn:#8a3b00;--warn-back:#fff3e6;--good:#0b6b3a;--good-back:#e8f6ee}\n"
    "@media (prefers-color-scheme:dark){:root{--back:#111318;--card:#1b1e25;--ink:#eceef2;--soft:#a5acb9;"
    "--line:#343944;--act:#8fb0ff;--act-ink:#10131a;--warn:#ffc58f;--warn-back:#33241a;--good:#8fe0b1;"
    "--good-back:#173024}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;min-height:100vh;display:flex;align-items:flex-start;justify-content:center;padding:6vh "
    "16px;"
    "background:var(--back);color:var(--ink);font:16px/1.6 system-ui,-apple-system,\"Segoe UI\",\"Noto Sans "
    "Thai\","
    "\"Sarabun\",\"Leelawadee UI\",Thonburi,sans-serif}\n"
    ".card{width:100%;max-width:640px;background:var(--card);border:1px solid var(--line);border-radius:12px;"
    "padding:clamp(20px,5vw,40px)}\n"
    "h1{margin:0 0 .5em;font-size:1.5rem;line-height:1.35;text-wrap:balance}\nh2{margin:1.5em 0 "
    ".4em;font-size:1.1rem}\n"
    "p{margin:0 0 1em}\na{color:var(--act)}\n"
    ".lead{font-size:1.1rem}\n.muted{color:var(--soft);font-size:.9rem}\n"
    ".note,.warn,.good{border:1px solid var(--line);border-radius:8px;padding:12px 14px;margin:0 0 1em}\n"
    ".warn{color:var(--warn);background:var(--warn-back);border-color:currentColor}\n"
    ".good{color:var(--good);background:var(--good-back);border-color:currentColor}\n"
    ".code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em;overflow-wrap:"
    "anywhere}\n"
    ".button,button{display:inline-block;min-height:44px;padding:10px 20px;border:1px solid var(--act);"
    "border-radius:8px;background:var(--act);color:var(--act-ink);font:inherit;font-weight:600;line-height:1."
    "4;"
    "text-decoration:none;text-align:center;cursor:pointer}\n"
    ".button.quiet,button.quiet{background:transparent;color:var(--act)}\n"
    ".row{display:flex;flex-wrap:wrap;gap:12px;margin:1.2em 0}\n"
    ":focus-visible{outline:3px solid var(--act);outline-offset:2px}\n"
    "label{display:block;margin:0 0 .3em;font-weight:600}\nlabel .muted{font-weight:400}\n"
    "input,select,textarea{width:100%;min-height:44px;padding:9px 12px;margin:0 0 1em;border:1px solid "
    "var(--soft);"
    "border-radius:8px;background:var(--card);color:inherit;font:inherit}\n"
    "input[type=checkbox],input[type=radio]{width:20px;min-height:20px;height:20px;margin:0 8px 0 0;"
    "vertical-align:-4px}\n"
    "ul,ol{padding-left:1.3em}\nli{margin:.3em 0}\n"
    ".facts{display:grid;grid-template-columns:minmax(8em,auto) 1fr;gap:6px 16px;margin:0 0 1.2em}\n"
    ".facts dt{color:var(--soft)}\n.facts dd{margin:0}\n"
    "@media (max-width:480px){.facts{grid-template-columns:1fr}.facts dd{margin:0 0 8px}.row>*{width:100%}}\n"
    "table{width:100%;border-collapse:collapse}\nth,td{text-align:left;padding:6px 8px;"
    "border-bottom:1px solid var(--line)}\n"
    ".qr{display:block;width:min(260px,80vw);height:auto;margin:0 auto 1em;background:#fff;padding:12px;"
    "border-radius:8px}\n.logo{display:block;height:40px;width:auto;margin:0 0 1em}\n";

enum rc page_style(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    answer_header(rq, "Cache-Control", STR("public, max-age=3600"));
    answer_body(rq, 200, "text/css; charset=utf-8", STR(style));
    return RC_OK;
}
