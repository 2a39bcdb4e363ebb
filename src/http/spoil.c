/* spoil: answers that go wrong on purpose, for the simulator: cut off, or one byte at a time. Only servers
 * opened with plain_http_ok get here (answer_spoil insists). */
#include "http/conn_priv.h"

static void abrupt(struct conn *c)
{
    conn_close(c);
}

static void drip(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    (void)fd;
    (void)what;
    c->loop->now_ms = clock_mono_ms();
    c->stalled_ms = c->loop->now_ms;
    long r = c->out_at < c->out.n ? sock_write(c, (str){c->out.p + c->out_at, 1}) : IO_END;
    if (r == IO_END) {
        abrupt(c);
    } else if (r > 0) {
        c->out_at++;
    }
}

static size_t head_end_of(str wire)
{
    size_t at = 0;
    must(str_find(wire, STR("\r\n\r\n"), &at));
    return at + 4;
}

void spoil_start(struct conn *c, struct request *rq)
{
    str wire = buf_str(&rq->wire);
    size_t head = head_end_of(wire), body = wire.n - head;
    size_t kept = rq->spoil_keep < body ? rq->spoil_keep : body;
    if (rq->spoil_keep == 0 || c->out.n > c->out_at) {
        abrupt(c);
        return;
    }
    c->state = C_SPOIL;
    c->stalled_ms = c->loop->now_ms;
    if (rq->spoil_ms <= 0) {
        conn_send(c, str_sub(wire, 0, head + kept));
        if (c->state != C_FREE && c->out.n == c->out_at) {
            abrupt(c);
        }
        return;
    }
    conn_send(c, str_sub(wire, 0, head));
    if (c->state == C_FREE) {
        return;
    }
    buf_put(&c->out, str_sub(wire, head, kept));
    (void)event_del(&c->wr);
    struct timeval pace = {rq->spoil_ms / 1000, rq->spoil_ms % 1000 * 1000};
    must(event_assign(&c->wr, c->loop->base, -1, EV_PERSIST, drip, c) == 0);
    must(event_add(&c->wr, &pace) == 0);
}
