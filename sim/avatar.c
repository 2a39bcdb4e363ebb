/* Pictures of the simulated CDN: signed links with x-expires and, as on the real one, a harmless parameter
 * that is called refresh_token (login-kit 4); 403 after expiry. The drawings are our own: a head and
 * shoulders in colours that come from the person's id, smoothed by sampling every pixel nine times; covers
 * are three bands.
 */
#include "sim.h"
#include "crypto/crypto.h"

enum { PICTURE_BYTES_MAX = 1 << 20 };

/* The signature covers path and expiry; its key is fixed, because nothing real is protected by it. */
static void picture_sign(str path, int64_t expires_s, struct buf *b)
{
    char text[24];
    unsigned char mac[SHA256_BYTES];
    int n = snprintf(text, sizeof text, "%lld", (long long)expires_s);
    const str parts[3] = {path, STR("|"), {text, (size_t)n}};
    static const unsigned char key[] = "simulated cdn";
    hmac_once((struct secret){key, sizeof key - 1}, parts, 3, mac);
    buf_put_base64(b, mac, 18);
}

static void picture_url(struct sim *s, str path, int64_t life_s, struct buf *b)
{
    struct buf sign;
    unsigned char hash[SHA256_BYTES];
    /* Whole hours, so that the same link comes back for a while, as from a cache. */
    int64_t expires_s = (sim_now(s) / 1000 + life_s + switch_int(&s->sw, SW_DATE_SKEW_S)) / 60 * 60;
    sha256(path, hash);
    buf_init(&sign, NULL, 64);
    picture_sign(path, expires_s, &sign);
    buf_put(b, str_of(s->url));
    buf_put(b, path);
    buf_fmt(b, "?dr=14579&refresh_token=%02x%02x%02x%02x&x-expires=%lld", hash[0], hash[1], hash[2], hash[3],
            (long long)expires_s);
    put_param(b, false, "x-signature", buf_str(&sign));
    buf_put(b, STR("&ps=13740610&shp=a5d48078&shcp=8aecc5ac&idc=sim"));
    buf_release(&sign);
}

void avatar_url(struct sim *s, const struct user *u, unsigned side, struct buf *b)
{
    char path[192];
    int n =
        snprintf(path, sizeof path, "/sim-cdn/avatar/%s~tplv-sim-cropcenter-%u-%u.png", u->id, side, side);
    must(n > 0 && (size_t)n < sizeof path);
    picture_url(s, (str){path, (size_t)n}, switch_int(&s->sw, SW_AVATAR_TTL_S), b);
}

void cover_url(struct sim *s, const struct user *u, int64_t video, struct buf *b)
{
    char path[192];
    int n = snprintf(path, sizeof path, "/sim-cdn/cover/%s-%lld~tplv-sim-cropcenter-360-360.png", u->id,
                     (long long)video);
    must(n > 0 && (size_t)n < sizeof path);
    picture_url(s, (str){path, (size_t)n}, 21600, b);
}

void cdn_picture_url(struct sim *s, bool lasting, str name, int64_t life_s, struct buf *b)
{
    char path[192];
    int n = snprintf(path, sizeof path, "/sim-cdn/%s/%.*s~tplv-sim-cropcenter-168-168.png",
                     lasting ? "emoji" : "sticker", STR_ARG(name));
    must(n > 0 && (size_t)n < sizeof path);
    if (!lasting) {
        picture_url(s, (str){path, (size_t)n}, life_s, b);
        return;
    }
    buf_put(b, str_of(s->url));
    buf_put(b, (str){path, (size_t)n});
}

/* ---- drawing ---- */

/* Which layer covers the point (thousandths of the side): 0 ground, 1 shoulders, 2 face. */
static unsigned face_layer(long x, long y)
{
    long fx = x - 500, fy = y - 400, bx = x - 500, by = y - 1010;
    if (fx * fx + fy * fy < 190L * 190)
        return 2;
    return bx * bx + by * by < 380L * 380 ? 1 : 0;
}

static unsigned band_layer(long x, long y)
{
    long at = y + x / 3;
    return at < 450 ? 0 : at < 800 ? 1 : 2;
}

static struct rgb mixed(struct rgb a, struct rgb b, unsigned part)
{
    return (struct rgb){(unsigned char)((a.r * (9 - part) + b.r * part) / 9),
                        (unsigned char)((a.g * (9 - part) + b.g * part) / 9),
                        (unsigned char)((a.b * (9 - part) + b.b * part) / 9)};
}

static struct rgb hue(unsigned char h, unsigned char low, unsigned char high)
{
    unsigned six = h * 6U / 256, span = (unsigned)(high - low), f = (h * 6U % 256) * span / 256;
    unsigned char up = (unsigned char)(low + f), down = (unsigned char)(high - f);
    const struct rgb all[6] = {{high, up, low},   {down, high, low}, {low, high, up},
                               {low, down, high}, {up, low, high},   {high, low, down}};
    return all[six];
}

static void draw(str seed, unsigned side, bool face, struct buf *b)
{
    unsigned char hash[SHA256_BYTES];
    sha256(seed, hash);
    struct rgb base[3] = {hue(hash[0], 150, 235), hue((unsigned char)(hash[0] + 96), 60, 160),
                          hue((unsigned char)(hash[0] + 40), 225, 252)};
    /* Palette: 0..7 ground to shoulders in steps, 8..15 towards the face. */
    struct rgb colours[16];
    for (unsigned i = 0; i < 8; i++) {
        colours[i] = mixed(base[0], base[1], i * 9 / 7);
        colours[8 + i] = mixed(base[0], base[2], i * 9 / 7);
    }
    unsigned char *pixels = mem_new((size_t)side * side);
    for (unsigned y = 0; y < side; y++) {
        for (unsigned x = 0; x < side; x++) {
            unsigned count[3] = {0, 0, 0};
            for (unsigned k = 0; k < 9; k++) {
                long px = (long)(((unsigned long)x * 3 + k % 3) * 1000 / (side * 3UL)),
                     py = (long)(((unsigned long)y * 3 + k / 3) * 1000 / (side * 3UL));
                count[face ? face_layer(px, py) : band_layer(px, py)]++;
            }
            pixels[(size_t)y * side + x] =
                (unsigned char)(count[2] > 0 ? 8 + count[2] * 7 / 9 : count[1] * 7 / 9);
        }
    }
    put_png(b, side, pixels, colours, 16);
    mem_free(pixels);
}

void cdn_draw(str seed, struct buf *b)
{
    draw(seed, 360, false, b);
}

static unsigned side_of(str path)
{
    static const struct {
        const char *end;
        unsigned side;
    } sides[] = {
        {"-100-100.png", 100}, {"-168-168.png", 168}, {"-360-360.png", 360}, {"-1080-1080.png", 1080}};
    for (size_t i = 0; i < COUNT_OF(sides); i++)
        if (str_ends(path, str_of(sides[i].end)))
            return sides[i].side;
    return 0;
}

static void refuse(struct reply *a, int status, const char *text)
{
    a->status = status;
    buf_put(&a->body, str_of(text));
}

void cdn_get(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    struct buf want;
    int64_t expires_s = 0;
    unsigned side = side_of(q->path);
    size_t end;
    bool lasting = str_starts(q->path, STR("/sim-cdn/emoji/")); /* no signature, no expiry */
    if (f == NULL || !form_read(q->query, q->mem, f) ||
        (!lasting && !str_to_i64(form_get(f, "x-expires"), &expires_s))) {
        refuse(a, 403, "Access denied");
        return;
    }
    buf_init(&want, q->mem, 64);
    picture_sign(q->path, expires_s, &want);
    if (!lasting && (!str_eq(buf_str(&want), form_get(f, "x-signature")) || sim_now(s) / 1000 >= expires_s)) {
        refuse(a, 403, "Access denied");
        return;
    }
    if (side == 0 || !str_find(q->path, STR("~"), &end)) {
        refuse(a, 404, "404 page not found");
        return;
    }
    a->type = "image/png";
    draw(str_sub(q->path, 0, end), side, str_starts(q->path, STR("/sim-cdn/avatar/")), &a->body);
    reply_header(a, "Cache-Control", STR("max-age=600"));
    reply_header(a, "Cross-Origin-Resource-Policy", STR("cross-origin")); /* a CDN: any page may show it */
}
