/* Pictures and videos of messages (messaging 2.5, 2.6): upload, download link, and the CDN behind it,
 * which wants `x-user` with a living token of the account. Media live in memory, the oldest are forgotten
 * beyond a number and a sum of bytes. An upload is usable for 30 days, a link for 24 hours.
 */
#include "account.h"
#include "talk.h"
#include "v13.h"
#include "crypto/crypto.h"

enum { IMAGE_BYTES_MAX = 3000000, MEDIA_BYTES_MAX = 200 << 20, BIG_BYTES = 3900000 };
static const int64_t media_life_ms = 30LL * 86400 * 1000, link_life_s = 86400;

const char *picture_type(str b)
{
    if (str_starts(b, STR("\xFF\xD8\xFF")))
        return "image/jpeg";
    return str_starts(b, STR("\x89PNG\r\n\x1a\n")) ? "image/png" : NULL;
}

struct media *media_find(struct sim *s, str id)
{
    size_t used = s->w->n_media < MAX_MEDIA ? s->w->n_media : MAX_MEDIA;
    for (size_t back = 1; id.n > 0 && back <= used; back++) {
        struct media *m = &s->w->media[(s->w->n_media - back) % MAX_MEDIA];
        if (m->bytes != NULL && str_eq(str_of(m->id), id))
            return m;
    }
    return NULL;
}

static void media_forget(struct sim *s, struct media *m)
{
    s->w->media_bytes -= m->bytes != NULL ? m->size : 0;
    mem_free(m->bytes);
    *m = (struct media){.n = 0};
}

struct media *media_add(struct sim *s, const struct media *like, str bytes)
{
    unsigned char raw[16];
    struct buf id;
    struct media *m = &s->w->media[s->w->n_media % MAX_MEDIA];
    media_forget(s, m);
    for (size_t i = 1; s->w->media_bytes + bytes.n > MEDIA_BYTES_MAX && i < MAX_MEDIA; i++)
        media_forget(s, &s->w->media[(s->w->n_media + i) % MAX_MEDIA]);
    *m = *like;
    m->n = ++s->w->n_media;
    m->made_ms = sim_now(s);
    m->size = bytes.n;
    m->bytes = mem_new(bytes.n + 1);
    memcpy(m->bytes, bytes.p, bytes.n);
    s->w->media_bytes += bytes.n;
    random_bytes(raw, sizeof raw);
    buf_init(&id, NULL, 64);
    buf_put(&id, STR("sim_media_"));
    buf_put_base64(&id, raw, sizeof raw);
    must(TEXT_SET(m->id, buf_str(&id)));
    buf_release(&id);
    return m;
}

/* A file that begins as MP4 does; what follows is no film. */
static void put_video(struct buf *b)
{
    static const char head[] = "\0\0\0\x18"
                               "ftypisom\0\0\x02\0isommp42"
                               "\0\0\x10\x08"
                               "free";
    buf_put(b, (str){head, sizeof head - 1});
    for (int i = 0; i < 4096; i++)
        buf_put_c(b, (char)(i * 31));
}

struct media *media_drawn(struct sim *s, unsigned user, bool video, str seed)
{
    struct buf b;
    buf_init(&b, NULL, 1U << 20);
    if (video)
        put_video(&b);
    else
        cdn_draw(seed, &b);
    struct media like = {
        .user = user, .video = video, .inbound = true, .type = video ? "video/mp4" : "image/png"};
    struct media *m = media_add(s, &like, buf_str(&b));
    buf_release(&b);
    return m;
}

bool media_expired(const struct sim *s, const struct media *m)
{
    return sim_now(s) >= m->made_ms + media_life_ms;
}

void media_clear(struct sim *s)
{
    for (size_t i = 0; i < MAX_MEDIA; i++)
        media_forget(s, &s->w->media[i]);
    s->w->n_media = 0;
}

/* ---- business/message/media/upload/ ---- */

void media_upload(struct v13 *c)
{
    str file = c->upload->file;
    const char *type = picture_type(file);
    if (!str_eq(v13_text(c, "media_type"), STR("IMAGE"))) {
        v13_refuse(c, "40002", "media_type: must be IMAGE.");
        return;
    }
    if (!str_eq(c->upload->file_field, STR("file")) || c->upload->file_name.n == 0) {
        v13_refuse(c, "40002", "Missing data for required field: file.");
        return;
    }
    const char *code = file.n == 0                ? "40906"
                       : file.n > IMAGE_BYTES_MAX ? "40907"
                       : type == NULL             ? "40908"
                                                  : NULL;
    if (code != NULL) {
        v13_refuse(c, code,
                   file.n == 0    ? "file: The file is empty."
                   : type == NULL ? "file: The file type is not supported."
                                  : "file: The file is too large.");
        return;
    }
    struct media like = {.user = c->t->user, .type = type};
    const struct media *m = media_add(c->s, &like, file);
    out_cstr(v13_open(c), "media_id", m->id);
    v13_close(c);
}

/* ---- business/message/media/download/ ---- */

static void link_sign(str path, int64_t expires_s, struct buf *b)
{
    char text[24];
    unsigned char mac[SHA256_BYTES];
    int n = snprintf(text, sizeof text, "%lld", (long long)expires_s);
    const str parts[3] = {path, STR("|media|"), {text, (size_t)n}};
    static const unsigned char key[] = "simulated media";
    hmac_once((struct secret){key, sizeof key - 1}, parts, 3, mac);
    for (size_t i = 0; i < 16; i++)
        buf_fmt(b, "%02x", mac[i]);
}

void media_url(struct sim *s, const struct media *m, struct buf *b)
{
    char path[64];
    int64_t expires_s = sim_now(s) / 1000 + link_life_s;
    snprintf(path, sizeof path, "/sim-cdn/media/%llu", (unsigned long long)m->n);
    buf_fmt(b, "%s%s?x-expires=%lld&x-signature=", s->url, path, (long long)expires_s);
    link_sign(str_of(path), expires_s, b);
}

void media_download(struct v13 *c)
{
    struct sim *s = c->s;
    if (!v13_needs(c, "conversation_id|message_id|media_id|media_type"))
        return;
    bool video = str_eq(v13_text(c, "media_type"), STR("VIDEO"));
    if (!video && !str_eq(v13_text(c, "media_type"), STR("IMAGE"))) {
        v13_refuse(c, "40002", "media_type: IMAGE or VIDEO.");
        return;
    }
    struct thread *t = thread_find(s, shop_of_token(s, c->t), v13_text(c, "conversation_id"));
    struct message *m = t == NULL ? NULL : message_find(s, t, v13_text(c, "message_id"));
    struct media *x = media_find(s, v13_text(c, "media_id"));
    if (t == NULL) {
        v13_refuse(c, "40002", "Param conversation_id is invalid.");
    } else if (m == NULL || x == NULL || strcmp(m->media, x->id) != 0 || x->video != video) {
        v13_refuse(c, "40007", "The media does not belong to this message, or is of another type.");
    } else {
        struct buf url;
        buf_init(&url, c->q->mem, 512);
        media_url(s, x, &url);
        out_str(v13_open(c), "download_url", buf_str(&url));
        v13_close(c);
    }
}

/* ---- the CDN ---- */

static void refuse(struct reply *a, int status, const char *text)
{
    a->status = status;
    buf_put(&a->body, str_of(text));
}

/* x-user is a living access token of the account whose message it is. */
static bool user_good(struct sim *s, const struct ask *q, const struct media *m)
{
    const struct token *t = token_by_access(s->w, q->x_user);
    return t != NULL && !t->client_only && t->user == m->user && token_alive(s->w, t, sim_now(s)) &&
           s->w->apps[t->app].portal == PORTAL_BUSINESS;
}

/* Leads once to the same bytes: at this origin, or at another name of this machine. */
static bool redirected(struct sim *s, const struct ask *q, struct reply *a, const struct form *f)
{
    bool away = switch_is(&s->sw, SW_MEDIA_CDN, "redirect_away");
    size_t at;
    str host = str_of(s->url);
    if (form_get(f, "hop").n > 0 || (!away && !switch_is(&s->sw, SW_MEDIA_CDN, "redirect")))
        return false;
    if (away && str_find(host, STR("127.0.0.1"), &at))
        host = arena_fmt(q->mem, STR_FMT "localhost" STR_FMT, STR_ARG(str_sub(host, 0, at)),
                         STR_ARG(str_sub(host, at + 9, host.n)));
    reply_redirect(a, 302,
                   arena_fmt(q->mem, STR_FMT STR_FMT "?" STR_FMT "&hop=1", STR_ARG(host), STR_ARG(q->path),
                             STR_ARG(q->query)));
    return true;
}

void media_get(struct sim *s, const struct ask *q, struct reply *a)
{
    struct form *f = arena_new(q->mem, struct form);
    int64_t expires_s = 0, n = 0;
    struct buf want;
    buf_init(&want, q->mem, 64);
    bool read =
        f != NULL && form_read(q->query, q->mem, f) && str_to_i64(form_get(f, "x-expires"), &expires_s);
    link_sign(q->path, expires_s, &want);
    if (!read || !str_eq(buf_str(&want), form_get(f, "x-signature")) || sim_now(s) / 1000 >= expires_s) {
        refuse(a, 403, "Access denied");
        return;
    }
    const struct media *m = NULL;
    if (str_to_i64(str_sub(q->path, strlen("/sim-cdn/media/"), q->path.n), &n) && n > 0)
        m = &s->w->media[(size_t)(n - 1) % MAX_MEDIA];
    if (m == NULL || m->n != (uint64_t)n) {
        refuse(a, 404, "404 page not found");
        return;
    }
    if (redirected(s, q, a, f))
        return;
    if (!user_good(s, q, m) && !planted("sim.media_open")) {
        refuse(a, 403, "Access denied");
        return;
    }
    a->type = switch_is(&s->sw, SW_MEDIA_CDN, "wrong_type") ? "text/html; charset=utf-8" : m->type;
    buf_put(&a->body, (str){m->bytes, m->size});
    for (size_t i = m->size; switch_is(&s->sw, SW_MEDIA_CDN, "big") && i < BIG_BYTES; i++)
        buf_put_c(&a->body, '\0');
}
