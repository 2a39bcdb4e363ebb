/* Inside of room feed. */
#ifndef MZ_FEED_PRIV_H
#define MZ_FEED_PRIV_H
#include "feed/feed.h"
#include <pthread.h>

#define FEED_TICK_MS 200
#define FEED_PING_MS 15000
#define FEED_STILL_MS 5000
#define FEED_TIDY_MS 600000
#define FEED_PAGE 256 /* changes of one workspace read in one look */
#define FEED_TIDY_ROWS 500
enum { METRIC_STREAMS, METRIC_SENT, METRIC_CLOSED }; /* rows of feed_metrics */

struct stream {
    struct stream *next;
    struct arena *mem; /* of this record */
    uint64_t id;
    struct principal who;
    int64_t asked; /* Last-Event-ID; -1: none */
    int64_t seen;  /* last number sent; -1: the first look is still to come */
    int64_t still_mono_ms, ping_mono_ms;
    bool gone; /* closed by the client: freed by the reader */
};
struct feed {
    struct arena *mem;
    struct feed_options o;
    struct http *http;
    pthread_mutex_t lock; /* the list and the flags */
    pthread_cond_t wake;
    pthread_t reader;
    bool started, stopping;
    struct stream *streams;
    size_t n_streams;
    int64_t tidy_mono_ms;
};
void feed_round(struct feed *f); /* one look of the reader: also called by tests */

/* ---- feed_db.c ---- */
MUSTCHECK enum rc feed_db_put(struct tx *tx, str workspace, const struct feed_change *c, struct fault *why);
MUSTCHECK enum rc feed_db_after(struct tx *tx, str workspace, int64_t after, int limit, struct arena *mem,
                                struct rows **out, struct fault *why);
struct feed_ends {
    int64_t first, last; /* numbers kept; 0: none */
};
MUSTCHECK enum rc feed_db_ends(struct tx *tx, str workspace, struct feed_ends *out, struct fault *why);
MUSTCHECK enum rc feed_db_tidy(struct tx *tx, int64_t before_ms, int64_t *gone, struct fault *why);
#endif
