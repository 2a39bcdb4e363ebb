/* Inside operate: statements and handlers. */
#ifndef MZ_OPERATE_PRIV_H
#define MZ_OPERATE_PRIV_H
#include "operate/operate.h"

struct alert_new {
    str workspace, id, name, object;
    const char *severity;
    int64_t count;
};
/* *first: no open row was there. *id: the row's. */
MUSTCHECK enum rc operate_db_alert_raise(struct tx *tx, const struct alert_new *a, struct arena *mem, str *id,
                                         bool *first, struct fault *why);
MUSTCHECK enum rc operate_db_alert_list(struct tx *tx, str workspace, str before, int64_t limit,
                                        struct arena *mem, struct rows **out, struct fault *why);
MUSTCHECK enum rc operate_db_alert_load(struct tx *tx, str workspace, str id, struct arena *mem,
                                        struct rows **out, struct fault *why);
/* A list that fn writes into l->json while it reads. */
struct listing {
    struct request *rq;
    const struct operate *o;
    struct json_answer json;
};
enum rc operate_answer(const struct operate *o, struct request *rq, store_fn fn, struct fault *why);

enum rc raise_alert(struct job *j, void *ctx, struct fault *why);
enum rc render_alert(const struct mozflow_render *r, struct jw *data, struct fault *why);
enum rc list_alerts(struct request *rq, void *ctx, struct fault *why);
enum rc get_explain(struct request *rq, void *ctx, struct fault *why);
enum rc list_dead(struct request *rq, void *ctx, struct fault *why);
enum rc replay_dead(struct request *rq, void *ctx, struct fault *why);
#endif
