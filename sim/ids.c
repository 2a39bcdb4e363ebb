/* The shapes of TikTok's ids. What belongs to a person is derived by SHA-256 from the scenario's ids, so that
 * it is the same in every run; tokens, codes and message ids are random. Sources of the shapes: login-kit
 * notes sections 1.5, 2.1, 4 and the messaging notes 3.5 (open_id of 36 characters beginning "-000", union_id
 * a UUID, "act."/"rft."/"clt.", tails "!6290.va" and "*1!4608.va").
 */
#include "model.h"
#include "crypto/crypto.h"

static const char letters64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char letters62[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* out: n characters of the alphabet from hash bytes of "kind|a|b", extended block by block. */
static void derive(const char *kind, str a, str b, unsigned char *out, size_t n)
{
    for (size_t at = 0, block = 0; at < n; block++) {
        char text[512];
        unsigned char hash[SHA256_BYTES];
        int len = snprintf(text, sizeof text, "%s|%.*s|%.*s|%zu", kind, STR_ARG(a), STR_ARG(b), block);
        must(len > 0 && (size_t)len < sizeof text);
        sha256((str){text, (size_t)len}, hash);
        for (size_t i = 0; i < sizeof hash && at < n; i++)
            out[at++] = hash[i];
    }
}

void open_id_of(const struct app *a, const struct user *u, char out[ID_SIZE])
{
    for (unsigned i = 0; i < u->n_own; i++) {
        if (strcmp(u->own[i].client_key, a->client_key) == 0) {
            must(text_set(out, ID_SIZE, str_of(u->own[i].open_id)));
            return;
        }
    }
    unsigned char raw[32];
    derive("open_id", str_of(a->client_key), str_of(u->id), raw, sizeof raw);
    memcpy(out, "-000", 4);
    for (size_t i = 0; i < sizeof raw; i++)
        out[4 + i] = letters64[raw[i] & 63];
    out[36] = '\0';
}

void union_id_of(const struct app *a, const struct user *u, char out[ID_SIZE])
{
    if (u->union_id[0] != '\0') {
        must(text_set(out, ID_SIZE, str_of(u->union_id)));
        return;
    }
    unsigned char r[16];
    derive("union_id", str_of(a->organization), str_of(u->id), r, sizeof r);
    r[6] = (unsigned char)((r[6] & 0x0F) | 0x50);
    r[8] = (unsigned char)((r[8] & 0x3F) | 0x80);
    snprintf(out, ID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
             r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
}

void unique_identifier_of(str customer, char out[96])
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char raw[64];
    derive("unique_identifier", customer, STR(""), raw, sizeof raw);
    for (size_t i = 0; i < 64; i++)
        out[i] = base64[raw[i] & 63];
    out[0] = '+';
    out[20] = '/';
    out[64] = '\0';
}

static void base64_28(const unsigned char raw[20], const char *head, char out[ID_SIZE])
{
    char mem_text[64];
    struct buf b;
    buf_init(&b, NULL, sizeof mem_text);
    buf_put(&b, str_of(head));
    buf_put_base64(&b, raw, 16);
    must(text_set(out, ID_SIZE, buf_str(&b)));
    buf_release(&b);
}

void conversation_id_of(str business_id, str customer_identifier, char out[ID_SIZE])
{
    unsigned char raw[20];
    derive("conversation", business_id, customer_identifier, raw, sizeof raw);
    base64_28(raw, "u5Mz", out);
}

void core_user_id_of(const struct user *u, char out[ID_SIZE])
{
    unsigned char raw[18];
    derive("core_user_id", str_of(u->id), STR(""), raw, sizeof raw);
    out[0] = '7';
    for (size_t i = 0; i < sizeof raw; i++)
        out[1 + i] = (char)('0' + raw[i] % 10);
    out[19] = '\0';
}

void message_id_new(char out[ID_SIZE])
{
    unsigned char raw[20];
    random_bytes(raw, sizeof raw);
    base64_28(raw, "u5Ms", out);
}

static const struct {
    const char *head, *tail;
    size_t n;
} secret_shapes[] = {
    [MADE_CODE] = {"", "*1!4608.va", 70},
    [MADE_ACCESS] = {"act.", "!6290.va", 62},
    [MADE_REFRESH] = {"rft.", "!6290.va", 62},
    [MADE_CLIENT] = {"clt.", "!6290.va", 62},
    [MADE_QR] = {"", "", 48},
    [MADE_BUSINESS_CODE] = {"", "*3!4964", 70},
    [MADE_ADS_CODE] = {"", "", 40},
};

void secret_new(enum secret_kind kind, char out[TOKEN_SIZE])
{
    unsigned char raw[TOKEN_SIZE];
    size_t n = secret_shapes[kind].n, head = strlen(secret_shapes[kind].head);
    must(head + n + strlen(secret_shapes[kind].tail) < TOKEN_SIZE);
    random_bytes(raw, n);
    memcpy(out, secret_shapes[kind].head, head);
    for (size_t i = 0; i < n; i++)
        out[head + i] = letters62[raw[i] % 62];
    must(text_set(out + head + n, TOKEN_SIZE - head - n, str_of(secret_shapes[kind].tail)));
}

void log_id_new(int64_t now_ms, char out[LOG_ID_SIZE])
{
    char iso[TIME_TEXT];
    unsigned char raw[10];
    time_iso(now_ms < 0 ? 0 : now_ms, iso);
    random_bytes(raw, sizeof raw);
    size_t n = 0;
    for (size_t i = 0; iso[i] != '\0' && iso[i] != '.'; i++)
        if (iso[i] >= '0' && iso[i] <= '9')
            out[n++] = iso[i];
    for (size_t i = 0; i < sizeof raw; i++)
        n += (size_t)snprintf(out + n, LOG_ID_SIZE - n, "%02X", raw[i]);
}
