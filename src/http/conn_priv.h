/* What only the event threads of room http know: loops, connections, and the notes other threads leave for
 * them. */
#ifndef MZ_HTTP_CONN_PRIV_H
#define MZ_HTTP_CONN_PRIV_H
#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include "http/http_priv.h"

#define SCRATCH_BYTES 65536U
#define CHUNK 256U  /* connections made at once */
#define CHUNKS 256U /* 65,536 connections per loop at most */
#define STREAM_UNSENT (256U << 10)

enum conn_state {
    C_FREE,
    C_SHAKING, /* TLS handshake */
    C_IDLE,    /* between requests */
    C_HEAD,
    C_BODY,
    C_BUSY, /* a handler or a ticket has it */
    C_STREAM,
    C_SPOIL, /* bytes go out slowly on purpose */
    /* answered, closing: what still comes is thrown away so that the answer is not lost to a reset */
    C_LINGER
};
struct conn {
    struct event rd, wr;
    struct loop *loop;
    SSL *ssl;
    struct peer *peer;
    struct conn *free_next;
    struct buf in, body, out; /* unread bytes; a chunked body; unsent bytes. All empty while idle */
    size_t out_at;
    struct match match;
    struct address from, client; /* who is connected; who is behind trusted proxies */
    struct rate rate;
    struct chunks chunks;
    size_t cap;                             /* of the body */
    int64_t since_ms;                       /* of the state */
    int64_t first_ms, first_us, stalled_ms; /* first byte; last time unsent bytes moved */
    int64_t arrived_ms;                     /* wall clock */
    int64_t spoil_ms;
    int fd;
    uint32_t slot, gen, requests;
    uint8_t state;
    bool rd_on, wr_on, eof, closing, last, limited, head_only, thai, continued;
    struct head head;
};
enum note_kind { NOTE_REPLY, NOTE_DONE, NOTE_CONN, NOTE_SEND, NOTE_CLOSE };
struct note {
    enum note_kind kind;
    enum rc rc;
    uint64_t ticket;
    const struct problem_row *row;
    int64_t retry_s;
    struct request *rq;
    char *bytes; /* NOTE_SEND: owned */
    size_t n;
    int fd;
    struct address from;
};
struct tally { /* requests of one row since the last flush to the metrics */
    uint32_t by_class[6];
};
struct loop {
    struct http *h;
    unsigned no;
    pthread_t thread;
    struct event_base *base;
    struct event accept_ev, wake_ev, tick_ev;
    int wake_fd;
    pthread_mutex_t lock; /* of notes */
    struct buf notes, taken;
    char *scratch;
    struct buf out;    /* answers of the connection at work */
    struct arena *mem; /* of the inline request at work */
    struct request rq;
    char *path; /* TARGET_BYTES */
    struct conn *chunks[CHUNKS];
    unsigned n_chunks;
    struct conn *free;
    struct tally *tallies; /* per row, then one for unknown paths */
    size_t n_rows;
    _Atomic unsigned n_conns;
    bool accepting;
    int64_t now_ms; /* monotonic, read once per wake-up */
    int64_t accept_again_ms;
};

/* sock.c: one interface over plain sockets and TLS. >= 0: bytes; IO_LATER: not now; IO_END: closed or broken.
 * */
enum { IO_LATER = -1, IO_END = -2 };
long sock_read(struct conn *c, char *p, size_t n);
long sock_write(struct conn *c, str s);
MUSTCHECK bool sock_shake(struct conn *c, bool *ready); /* false: failed */
MUSTCHECK enum rc sock_listen(struct http *h, str text, struct fault *why);
MUSTCHECK enum rc sock_tls(struct http *h, struct fault *why);
int sock_accept(struct http *h, struct address *from); /* -1: none; -2: no descriptor left */

/* Test builds move the clock of deadlines forward instead of waiting. */
#ifdef MZ_TEST
extern _Atomic int64_t http_skew_ms;
#define SWEEP_SKEW_MS atomic_load(&http_skew_ms)
#else
#define SWEEP_SKEW_MS 0
#endif

/* loop.c */
void loop_note(struct loop *l, const struct note *n);    /* any thread */
struct conn *loop_conn(struct loop *l, uint64_t ticket); /* NULL: gone */
uint64_t conn_ticket(const struct conn *c);
void loop_prepare(struct loop *l, struct http *h, unsigned no);
void loop_run(struct loop *l); /* starts its thread, once all loops are prepared */
void loop_ring(struct loop *l);
void loops_hold(bool on); /* notes of this thread ring at the end */
void loop_join(struct loop *l);
void loop_release(struct loop *l); /* after all loops have been joined: they leave notes for each other */
void loop_forget(struct loop *l, struct conn *c); /* slot back to the free list */

/* conn.c */
void conn_open(struct loop *l, struct conn *c, int fd, const struct address *from);
void conn_close(struct conn *c);
void conn_sweep(struct conn *c, int64_t now_ms);
void conn_reply(struct conn *c, const struct note *n);
void conn_done(struct conn *c, struct request *rq);
void conn_stream_send(struct conn *c, str bytes);
void conn_readable(evutil_socket_t fd, short what, void *arg);
void conn_writable(evutil_socket_t fd, short what, void *arg);
void conn_want_write(struct conn *c);
void conn_flush(struct conn *c); /* sends loop->out behind what is unsent */
void conn_send(struct conn *c, str bytes);
void conn_finish(struct conn *c); /* after an answer: next request, linger, or close */
/* dispatch.c: the part between a whole request and its answer. */
enum read_state dispatch_head(struct conn *c, const char *p);
void dispatch(struct conn *c, const char *p, str body);
void dispatch_refuse(struct conn *c, const char *p, int status, const char *code);
struct request *dispatch_request(struct conn *c, const char *p_or_null);
void dispatch_answer(struct conn *c, struct request *rq);
void spoil_start(struct conn *c, struct request *rq);
#endif
