/* Public routes of the process itself: liveness, the embedded console, and `/`.
 * The console is static: index.html for /console/ and its pages, hashed files under /console/assets/.
 */
#include "app/app.h"
#include "app/assets.h"

static const struct console_asset *asset_find(str path)
{
    for (size_t i = 0; i < console_assets_n; i++)
        if (str_eq(path, str_of(console_assets[i].path)))
            return &console_assets[i];
    return NULL;
}

static enum rc send_asset(struct request *rq, const struct console_asset *a)
{
    if (a->immutable)
        answer_header(rq, "Cache-Control", STR("public, max-age=31536000, immutable"));
    else
        answer_header(rq, "Cache-Control", STR("no-cache"));
    answer_header(rq, "ETag", str_of(a->etag));
    if (str_eq(rq_header(rq, "if-none-match"), str_of(a->etag)))
        answer_body(rq, 304, a->type, STR(""));
    else if (str_starts(str_of(a->type), STR("text/html")))
        answer_page(rq, 200, (str){(const char *)a->bytes, a->n}); /* with the policy for pages */
    else
        answer_body(rq, 200, a->type, (str){(const char *)a->bytes, a->n});
    return RC_OK;
}

static enum rc get_console(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    const struct console_asset *a = asset_find(STR("/index.html"));
    if (a == NULL)
        return fault_set(why, RC_MISSING, "http.not_found", "the console was not built");
    return send_asset(rq, a);
}

static enum rc get_asset(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    str path = arena_fmt(rq_mem(rq), "/assets/" STR_FMT, STR_ARG(rq_arg(rq, "name")));
    const struct console_asset *a = asset_find(path);
    if (a == NULL)
        return fault_set(why, RC_MISSING, "http.not_found", "no such file");
    return send_asset(rq, a);
}

static enum rc get_root(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    answer_redirect(rq, STR("/console/"));
    return RC_OK;
}

static enum rc get_livez(struct request *rq, void *ctx, struct fault *why)
{
    (void)ctx;
    (void)why;
    answer_body(rq, 200, "text/plain; charset=utf-8", STR("ok\n"));
    return RC_OK;
}

static const struct param page_params[] = {
    {.name = "page",
     .in = IN_PATH,
     .kind = P_TEXT,
     .required = true,
     .max = 64,
     .doc = "A page of the console."},
};
static const struct param asset_params[] = {
    {.name = "name",
     .in = IN_PATH,
     .kind = P_TEXT,
     .required = true,
     .max = 128,
     .doc = "File name with its hash."},
};

const struct shape shape_file = {
    .name = "File", .media = "application/octet-stream", .doc = "A file, by its own media type."};

const struct route public_routes[] = {
    {.method = "GET",
     .path = "/",
     .name = "root",
     .cls = HTTP_INLINE,
     .browser = true,
     .handle = get_root,
     .doc = "Leads to the console."},
    {.method = "GET",
     .path = "/livez",
     .name = "livez",
     .cls = HTTP_INLINE,
     .handle = get_livez,
     .doc = "The process answers. Says nothing about the database; see the private /readyz.",
     .gives = &shape_plain_text,
     .answer = "The word ok."},
    {.method = "GET",
     .path = "/console",
     .name = "console",
     .cls = HTTP_READ,
     .slash = true,
     .browser = true,
     .handle = get_console,
     .doc = "The console."},
    {.method = "GET",
     .path = "/console/{page}",
     .name = "consolePage",
     .cls = HTTP_READ,
     .browser = true,
     .params = page_params,
     .n_params = COUNT_OF(page_params),
     .handle = get_console,
     .doc = "A page of the console."},
    {.method = "GET",
     .path = "/console/assets/{name}",
     .name = "consoleAsset",
     .cls = HTTP_READ,
     .params = asset_params,
     .n_params = COUNT_OF(asset_params),
     .handle = get_asset,
     .doc = "A file of the console.",
     .gives = &shape_file},
};
const size_t public_routes_n = COUNT_OF(public_routes);
