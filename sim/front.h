/* Room http around the simulator: one row takes every path. */
#ifndef SIM_FRONT_H
#define SIM_FRONT_H
#include "sim.h"
#include "http/http.h"

struct front_options {
    const char *listen;             /* host:port */
    const char *tls_cert, *tls_key; /* NULL: plain HTTP */
};
struct front;
MUSTCHECK enum rc front_open(struct sim *s, const struct front_options *o, struct front **out,
                             struct fault *why);
int front_port(const struct front *f);
void front_close(struct front **f);
#endif
