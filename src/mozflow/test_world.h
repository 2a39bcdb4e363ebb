/* What the tests of this room share: the rooms below on a fresh store, a receiver on loopback, acts in one
 * line. */
#ifndef MZ_MOZFLOW_TEST_WORLD_H
#define MZ_MOZFLOW_TEST_WORLD_H
#include "testdb.h"
#include "mozflow/mozflow_priv.h"
#include <pthread.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

struct got {
    char head[4096], body[8192];
};
struct receiver {
    int fd, port;
    pthread_t thread;
    _Atomic bool stop;
    pthread_mutex_t lock;
    struct got got[64];
    _Atomic int n;
    const char *answers[16]; /* status lines and headers of the first answers; after them 204 */
};

struct world {
    struct testdb db;
    struct receiver to;
    char dir[64], kek[128];
    struct config *config;
    struct keys *keys;
    struct audit *audit;
    struct fetch *fetch;
    struct mozflow *m;
    struct jobs *jobs;
    struct job_table kinds;
    struct arena *mem;
    enum rc render_rc;
    char url[128];
};

void world_open(struct world *w, bool postgres, const char *allow_private);
void world_close(struct world *w);
extern const struct mozflow_event test_types[]; /* message.received */
enum rc render_message(const struct mozflow_render *r, struct jw *data, struct fault *why);

struct act {
    struct world *w;
    enum rc end;
    str id, shown;
    struct mozflow_endpoint_set set;
    struct outbox_row row;
    struct endpoint_row endpoint;
};

enum rc emit_fn(struct tx *tx, void *arg, struct fault *why);
str emit(struct world *w); /* one message.received of ws_a, in a transaction of its own */
str endpoint(struct world *w, bool enabled, const char *secret); /* the secret shown, if any */
enum rc rotate_fn(struct tx *tx, void *arg, struct fault *why);
enum rc test_replay(struct tx *tx, void *arg, struct fault *why);
struct act look(struct world *w, str id);
void assert_state(struct world *w, str id, const char *state, int attempts, const char *code_or_null);
str header(struct world *w, const struct got *g, const char *name);
bool verifies(struct world *w, const struct got *g, str secret);
#endif
