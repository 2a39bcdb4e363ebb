/* Routes of the admin socket for `mozflow-tiktok keys rotate` and `keys status`.
 */
#include "app/app.h"

static const struct param rotate_params[] = {
    {.name = "workspace",
     .in = IN_BODY,
     .kind = P_TEXT,
     .max = 64,
     .doc = "One workspace, or - for the installation's own values; absent: all."},
};

struct rotating {
    struct app *app;
    str workspace;
};

static enum rc rotate_fn(struct tx *tx, void *arg, struct fault *why)
{
    const struct rotating *r = arg;
    return keys_rotation_put(r->app->keys, tx, r->workspace, STR("cli"), why);
}

static enum rc post_rotate(struct request *rq, void *ctx, struct fault *why)
{
    struct rotating r = {ctx, rq_arg(rq, "workspace")};
    enum rc rc = store_write(r.app->store, STORE_INTERACTIVE, rotate_fn, &r, why);
    if (rc == RC_OK)
        answer_body(rq, 200, "text/plain; charset=utf-8",
                    STR("begun; `mozflow-tiktok keys status` shows how far it is\n"));
    return rc;
}

static enum rc get_keys(struct request *rq, void *ctx, struct fault *why)
{
    const struct app *a = ctx;
    struct buf b;
    buf_init(&b, rq_mem(rq), 64u << 10);
    enum rc rc = keys_print(a->keys, rq_mem(rq), &b, why);
    if (rc == RC_OK)
        answer_body(rq, 200, "text/plain; charset=utf-8", buf_str(&b));
    return rc;
}

const struct route keys_admin_routes[] = {
    {.method = "POST",
     .path = "/admin/keys/rotate",
     .name = "adminKeysRotate",
     .cls = HTTP_WRITE,
     .no_once = true,
     .params = rotate_params,
     .n_params = COUNT_OF(rotate_params),
     .handle = post_rotate,
     .doc = "Makes new data keys and seals every value anew under them, in the background.",
     .gives = &shape_plain_text},
    {.method = "GET",
     .path = "/admin/keys",
     .name = "adminKeys",
     .cls = HTTP_READ,
     .handle = get_keys,
     .doc = "Keys and how far rotations are.",
     .gives = &shape_plain_text},
};
const size_t keys_admin_routes_n = COUNT_OF(keys_admin_routes);
