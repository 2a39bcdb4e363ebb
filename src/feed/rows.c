/* Const rows of room feed: route, problems, settings, metrics, log events. */
#include "feed/feed_priv.h"

static enum rc get_feed(struct request *rq, void *ctx, struct fault *why)
{
    (void)rq; /* the stream is http's; the hooks take it from here */
    (void)ctx;
    (void)why;
    return RC_OK;
}

static const struct param params[] = {
    {.name = "last-event-id",
     .in = IN_HEADER,
     .kind = P_TEXT,
     .max = 20,
     .doc = "The number to continue after; browsers send it by themselves when they come back."},
};
static const struct shape shape_stream = {
    .name = "Changes", .media = "text/event-stream", .doc = "An event stream that stays open."};

const struct route feed_routes[] = {
    {.method = "GET",
     .path = "/v1/feed",
     .name = "streamChanges",
     .cls = HTTP_STREAM,
     .need = PERM_CONVERSATIONS_READ,
     .params = params,
     .n_params = COUNT_OF(params),
     .handle = get_feed,
     .doc = "Live changes of the workspace as an event stream (text/event-stream).",
     .gives = &shape_stream,
     .answer = "Frames: hello {n}, reset {n}, and without an event name {n, topic, id}."},
};
const size_t feed_routes_n = COUNT_OF(feed_routes);

const struct problem_row feed_problems[] = {
    {"feed.topic", 500, "A change could not be announced",
     "The service tried to announce a change under a wrong name.", "Report this with the request id.",
     "ไม่สามารถแจ้งการเปลี่ยนแปลงได้", "ระบบพยายามแจ้งการเปลี่ยนแปลงด้วยชื่อที่ไม่ถูกต้อง", "โปรดแจ้งผู้ดูแลระบบพร้อมรหัสคำขอ"},
};
const size_t feed_problems_n = COUNT_OF(feed_problems);

const struct setting feed_settings[] = {
    {.key = "feed.keep_hours",
     .kind = SET_INT,
     .min = 1,
     .max = 168,
     .unit = "hours",
     .def = "24",
     .doc = "How long changes are kept for consoles that come back; later ones load everything again."},
    {.key = "feed.streams_max",
     .kind = SET_INT,
     .min = 1,
     .max = 20000,
     .unit = "streams",
     .def = "2000",
     .doc = "How many live streams this node holds at once; further ones are closed at once and try again."},
};
const size_t feed_settings_n = COUNT_OF(feed_settings);

const struct metric feed_metrics[] = {
    [METRIC_STREAMS] = {"mz_feed_streams", METRIC_GAUGE, NULL, "Live streams open on this node."},
    [METRIC_SENT] = {"mz_feed_frames_total", METRIC_COUNTER, "kind", "Frames sent: hello, reset, change."},
    [METRIC_CLOSED] = {"mz_feed_closed_total", METRIC_COUNTER, "reason",
                       "Streams closed by us: not_allowed, full."},
};
const size_t feed_metrics_n = COUNT_OF(feed_metrics);

const struct event_doc feed_event_docs[] = {
    {"feed.closed", "A live stream was closed by us: workspace, reason."},
    {"feed.read", "Changes of a workspace could not be read; tried again in 200 ms."},
    {"feed.tidy", "Old changes could not be deleted; tried again in ten minutes."},
};
const size_t feed_event_docs_n = COUNT_OF(feed_event_docs);
