/* feed: live changes. One numbered feed per workspace, tailed by each node and fanned out to open event
 * streams.
 *
 * Owns the table feed(workspace_id, n, topic, ref, at_ms). A row says only "this thing changed": topic and
 * id, never content; whoever hears it reads the thing through REST with its own permission. n comes from
 * store_stamp, so number order is commit order and a reader that saw n has seen everything before it.
 * Threads: one reader per node looks every 200 ms, only at workspaces that have a stream open on this node,
 * and writes to the streams; the http hooks only enter and leave a list. The reader also deletes rows older
 * than feed.keep_hours (every ten minutes, <= 500 rows a transaction), so this room needs no arrow to jobs.
 *
 * On the wire (text/event-stream), each frame with `id: <n>` so that a browser resumes by Last-Event-ID:
 *   event: hello   data: {"n":41}                                      first frame: load your lists after it
 *                  data: {"n":42,"topic":"message","id":"msg_01..."}   id is null when the topic says it all
 *   event: reset   data: {"n":90}                        older than what is kept: load everything again
 * and a comment line every 15 s. Who the stream belongs to is asked again every 5 s; no longer allowed:
 * closed.
 */
#ifndef MZ_FEED_H
#define MZ_FEED_H
#include "base/base.h"
#include "config/config.h"
#include "observe/observe.h"
#include "store/store.h"
#include "http/http.h"

/* A topic is a word of the caller's room: "conversation", "message", "contact", "account", "alert".
 * The last statements of a transaction: it takes the workspace's counter, which other writers then wait for.
 * May be called several times in one transaction. ref may be STR_NONE. RC_INVALID "feed.topic" for a topic
 * that is empty, longer than 40 bytes or not of [a-z._-]; ref <= 128 bytes. */
MUSTCHECK enum rc feed_put(struct tx *tx, str workspace, const char *topic, str ref, struct fault *why);

struct feed_change {
    int64_t n, at_ms;
    str topic, ref;
};
/* Up to limit changes after n, in order. *first is the oldest number still kept (0: none kept). */
MUSTCHECK enum rc feed_list(struct tx *tx, str workspace, int64_t after, int limit, struct arena *mem,
                            struct feed_change **out, size_t *count, int64_t *first, struct fault *why);

struct feed;
struct feed_options {
    struct store *store;
    struct log *log;
    const struct config *config; /* feed.keep_hours, feed.streams_max */
    /* May this principal still read the feed? Asked every 5 s per stream, on the reader's thread; by access.
     * NULL: the permission bits that the stream was opened with stay valid (tests only). */
    bool (*still)(void *arg, const struct principal *who);
    void *arg;
};
/* Order at start: feed_open, http_open with feed_stream_hooks(), feed_start; at the end: feed_stop,
 * http_close, feed_close. */
MUSTCHECK enum rc feed_open(const struct feed_options *o, struct feed **out, struct fault *why);
struct stream_hooks feed_stream_hooks(struct feed *f);
MUSTCHECK enum rc feed_start(struct feed *f, struct http *h, struct fault *why); /* the reader's thread */
void feed_stop(struct feed *f); /* ends the reader; streams stay with http */
void feed_close(struct feed **f);
size_t feed_streams(struct feed *f); /* open now on this node */

extern const struct route feed_routes[]; /* GET /v1/feed; the table's ctx is not used */
extern const size_t feed_routes_n;
extern const struct problem_row feed_problems[];
extern const size_t feed_problems_n;
extern const struct migration_table feed_migrations;
extern const struct setting feed_settings[];
extern const size_t feed_settings_n;
extern const struct metric feed_metrics[];
extern const size_t feed_metrics_n;
extern const struct event_doc feed_event_docs[];
extern const size_t feed_event_docs_n;
#endif
