/* Private to tiktok: the handle and what the files of this room share. */
#ifndef MZ_TIKTOK_PRIV_H
#define MZ_TIKTOK_PRIV_H
#include "tiktok/tiktok.h"
#include "json/json.h"

struct tiktok {
    const struct config *config;
    struct fetch *fetch;
    struct log *log;
    struct arena *mem;
};
enum tiktok_call { CALL_TOKEN, CALL_REVOKE, CALL_USER, CALL_QR_START, CALL_QR_CHECK, CALLS };
extern const struct tiktok_endpoint tiktok_login_endpoints[CALLS];

/* How an answer is classed: first row that matches wins. NULL members match anything. Public for tests and
 * docs. */
enum tiktok_source { FROM_REDIRECT, FROM_OAUTH, FROM_API };
struct tiktok_class {
    enum tiktok_source source;
    const char *word; /* `error` or `error.code` */
    const char *type; /* `error_type` of a redirect */
    const char *says; /* part of the description, ASCII case ignored */
    enum rc rc;
    const char *code; /* fault code, key of the problem tables */
    const char *doc;
};
const struct tiktok_class *tiktok_class(size_t i); /* NULL past the end */

/* What TikTok said about a failure, borrowed from its answer. */
struct tiktok_says {
    str word, type, text, log_id;
    int status;
};
enum rc tiktok_classify(enum tiktok_source source, const struct tiktok_says *says, struct fault *why);
/* A body that must be a JSON object: RC_RETRY "tiktok.down", "tiktok.not_json", RC_LIMITED "tiktok.limited".
 * */
MUSTCHECK enum rc tiktok_object(int status, str body, struct arena *mem, const struct json **out,
                                struct fault *why);
MUSTCHECK enum rc tiktok_qr_start_parse(int status, str body, str ticket, struct arena *mem,
                                        struct tiktok_qr *out, struct fault *why);
MUSTCHECK enum rc tiktok_qr_check_parse(int status, str body, str ticket, struct arena *mem,
                                        struct tiktok_qr_answer *out, struct fault *why);
#endif
