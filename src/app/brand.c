/* Brand: the icon that browsers ask for on their own, and the mark on the button "Continue with TikTok".
 * TikTok's mark is no part of this project: whoever is licensed to show it names a file of his own in the
 * setting console.tiktok_mark, read once at start. Without it the button bears a neutral drawing of ours. The
 * console paints the mark in one colour through a mask, as the button pack allows black and white only.
 */
#include <errno.h>
#include <stdio.h>
#include "app/app.h"
#include "app/assets.h"

enum { MARK_MAX = 64 * 1024 };

/* A door with an arrow into it: what the button does, not whose it is. */
static const char neutral_mark[] =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 20 20\" width=\"20\" height=\"20\" "
    "fill=\"none\" "
    "stroke=\"#000\" stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\">"
    "<path d=\"M11.5 3.5h3.7a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1h-3.7M8 6.5 11.5 10 8 13.5M11.5 "
    "10H3.5\"/></svg>\n";

static const struct {
    const char *ending, *type;
} mark_types[] = {{".svg", "image/svg+xml"}, {".png", "image/png"}};

static const char *mark_type(str path)
{
    for (size_t i = 0; i < COUNT_OF(mark_types); i++)
        if (str_ends(path, str_of(mark_types[i].ending)))
            return mark_types[i].type;
    return NULL;
}

static enum rc read_mark(struct arena *mem, str path, str *out, struct fault *why)
{
    char name[512], *bytes = arena_take(mem, MARK_MAX + 1);
    (void)snprintf(name, sizeof name, STR_FMT, STR_ARG(path));
    FILE *f = fopen(name, "rbe");
    if (f == NULL)
        return fault_set(why, RC_INVALID, "app.tiktok_mark", "console.tiktok_mark: %s cannot be opened",
                         name);
    size_t n = fread(bytes, 1, MARK_MAX + 1, f);
    bool bad = ferror(f) != 0;
    (void)fclose(f);
    if (bad || n == 0 || n > MARK_MAX)
        return fault_set(why, RC_INVALID, "app.tiktok_mark",
                         "console.tiktok_mark: %s is empty, unreadable or larger than 64 KiB", name);
    *out = (str){bytes, n};
    return RC_OK;
}

enum rc brand_open(struct app *a, struct fault *why)
{
    str path = config_text(a->config, "console.tiktok_mark");
    a->mark = STR(neutral_mark);
    a->mark_type = mark_types[0].type;
    if (path.n == 0)
        return RC_OK;
    const char *type = mark_type(path);
    if (type == NULL)
        return fault_set(why, RC_INVALID, "app.tiktok_mark",
                         "console.tiktok_mark must name a file that ends in .svg or .png");
    enum rc rc = read_mark(a->mem, path, &a->mark, why);
    if (rc == RC_OK)
        a->mark_type = type;
    return rc;
}

static enum rc get_mark(struct request *rq, void *ctx, struct fault *why)
{
    const struct app *a = ctx;
    (void)why;
    answer_header(rq, "Cache-Control", STR("public, max-age=300"));
    answer_body(rq, 200, a->mark_type, a->mark);
    return RC_OK;
}

static enum rc get_icon(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    for (size_t i = 0; i < console_assets_n; i++)
        if (str_eq(str_of(console_assets[i].path), STR("/favicon.ico"))) {
            const struct console_asset *icon = &console_assets[i];
            answer_header(rq, "Cache-Control", STR("public, max-age=86400"));
            answer_body(rq, 200, icon->type, (str){(const char *)icon->bytes, icon->n});
            return RC_OK;
        }
    return fault_set(why, RC_MISSING, "http.not_found", "the console was not built");
}

const struct route brand_routes[] = {
    {.method = "GET",
     .path = "/favicon.ico",
     .name = "favicon",
     .cls = HTTP_INLINE,
     .handle = get_icon,
     .doc = "The icon that browsers ask for on their own.",
     .gives = &shape_file,
     .answer = "An icon of 16, 32 and 48 pixels."},
    {.method = "GET",
     .path = "/static/tiktok-mark",
     .name = "tiktokMark",
     .cls = HTTP_INLINE,
     .handle = get_mark,
     .doc =
         "The mark on the button \"Continue with TikTok\": the file of the setting console.tiktok_mark, or a "
         "neutral drawing.",
     .gives = &shape_file,
     .answer = "SVG or PNG; the console uses only its outline."},
};
const size_t brand_routes_n = COUNT_OF(brand_routes);
