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
    int64_t number; /* code of a wrapped answer; 0: words only */
};
/* Fills the fault with TikTok's words, made printable, and its code and log id. */
enum rc tiktok_said(struct fault *why, enum rc rc, const char *code, const struct tiktok_says *says);
enum rc tiktok_classify_code(const struct tiktok_answer *a, const struct tiktok_says *says,
                             struct fault *why);
bool tiktok_contains(str hay, const char *part); /* ASCII case ignored */
enum rc tiktok_classify(enum tiktok_source source, const struct tiktok_says *says, struct fault *why);
/* A body that must be a JSON object: RC_RETRY "tiktok.down", "tiktok.not_json", RC_LIMITED "tiktok.limited".
 * */
MUSTCHECK enum rc tiktok_object(int status, str body, struct arena *mem, const struct json **out,
                                struct fault *why);
MUSTCHECK enum rc tiktok_qr_start_parse(int status, str body, str ticket, struct arena *mem,
                                        struct tiktok_qr *out, struct fault *why);
MUSTCHECK enum rc tiktok_qr_check_parse(int status, str body, str ticket, struct arena *mem,
                                        struct tiktok_qr_answer *out, struct fault *why);

/* ---- a request's fields, written as form or JSON; and one call ---- */
struct tiktok_field {
    const char *name;
    str value;
};
MUSTCHECK enum rc tiktok_body(bool json, const struct tiktok_field *fields, size_t n, struct arena *mem,
                              str *out, struct fault *why);
struct tiktok_ask {
    const struct tiktok_endpoint *endpoint;
    str query, body;
    struct secret bearer; /* Login Kit: "Bearer ..."; the others: the bare token */
    int64_t total_ms;
    size_t max_bytes; /* 0: 64 KiB */
};
MUSTCHECK enum rc tiktok_ask(struct tiktok *t, const struct tiktok_ask *a, struct arena *mem,
                             struct fetch_answer *out, struct fault *why);
str tiktok_secret_text(struct secret s);

/* ---- shared by the parsers ---- */
bool tiktok_opaque(str s, size_t max); /* printable ASCII without blanks, not empty */
str tiktok_text_of(const struct json *o, const char *key);
struct secret tiktok_secret_of(struct arena *mem, str s);
/* The data of a wrapped answer with code 0, else its class. data may be NULL (absent). */
MUSTCHECK enum rc tiktok_unwrap(const struct tiktok_answer *a, struct arena *mem, const struct json **data,
                                struct fault *why);
#endif
