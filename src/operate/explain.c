/* explain: asks every room's row whose prefix fits, follows what they name, sorts by time. Bounded: 16 ids,
 * 64 steps. */
#include "operate/operate_priv.h"

struct asking {
    const struct operate *o;
    str workspace, id;
    struct explain *out;
    bool known;
};

static enum rc ask_rooms(struct asking *a, struct tx *tx, str id, struct fault *why)
{
    for (size_t t = 0; t < a->o->n_explains; t++)
        for (size_t i = 0; i < a->o->explains[t].n; i++) {
            const struct explain_row *row = &a->o->explains[t].rows[i];
            if (!str_starts(id, str_of(row->prefix)))
                continue;
            enum rc rc = row->run(tx, a->workspace, id, a->out, why);
            if (rc != RC_OK && rc != RC_MISSING)
                return rc;
            a->known = a->known || rc == RC_OK;
        }
    return RC_OK;
}

/* Rooms may name each other's ids in circles. */
static bool asked_before(const struct asking *a, size_t i)
{
    bool same = str_eq(a->out->follow[i], a->id);
    for (size_t k = 0; k < i; k++)
        same = same || str_eq(a->out->follow[k], a->out->follow[i]);
    return same;
}

static enum rc ask_all(struct tx *tx, void *arg, struct fault *why)
{
    struct asking *a = arg;
    a->out->n = a->out->n_follow = 0;
    a->known = false;
    enum rc rc = ask_rooms(a, tx, a->id, why);
    for (size_t i = 0; rc == RC_OK && i < a->out->n_follow; i++)
        if (!asked_before(a, i))
            rc = ask_rooms(a, tx, a->out->follow[i], why);
    return rc;
}

static void sort_steps(struct explain *e)
{
    for (size_t i = 1; i < e->n; i++)
        for (size_t k = i; k > 0 && e->steps[k].at_ms < e->steps[k - 1].at_ms; k--) {
            struct explain_step s = e->steps[k];
            e->steps[k] = e->steps[k - 1];
            e->steps[k - 1] = s;
        }
}

enum rc operate_explain(const struct operate *o, str workspace, str id, struct arena *mem,
                        struct explain *out, struct fault *why)
{
    out->mem = mem;
    struct asking a = {.o = o, .workspace = workspace, .id = id, .out = out};
    enum rc rc = store_read(o->store, ask_all, &a, why);
    if (rc != RC_OK)
        return rc;
    if (!a.known)
        return fault_set(why, RC_MISSING, "operate.unknown_id", "no room knows this id");
    sort_steps(out);
    return RC_OK;
}

void explain_write(const struct explain *e, str id, struct jw *w)
{
    jw_str(w, "id", id);
    jw_cstr(w, "language", e->th ? "th" : "en");
    jw_arr(w, "steps");
    for (size_t i = 0; i < e->n; i++) {
        jw_obj(w, NULL);
        jw_time(w, "at", e->steps[i].at_ms);
        jw_str(w, "text", e->steps[i].text);
        jw_end(w);
    }
    jw_end(w);
}

enum rc get_explain(struct request *rq, void *ctx, struct fault *why)
{
    const struct operate *o = ctx;
    struct explain *e = arena_new(rq_mem(rq), struct explain);
    struct json_answer json;
    if (e == NULL)
        return fault_set(why, RC_FULL, "operate.memory", "explain");
    e->th = str_eq(rq_lang(rq), STR("th"));
    enum rc rc = operate_explain(o, rq_who(rq)->workspace, rq_arg(rq, "id"), rq_mem(rq), e, why);
    if (rc != RC_OK)
        return rc;
    answer_begin(&json, rq, 256u << 10);
    explain_write(e, rq_arg(rq, "id"), &json.w);
    return answer_end(&json, 200, why);
}

enum rc operate_answer(const struct operate *o, struct request *rq, store_fn fn, struct fault *why)
{
    struct listing l = {.rq = rq, .o = o};
    enum rc rc = store_read(o->store, fn, &l, why);
    return rc == RC_OK ? answer_end(&l.json, 200, why) : rc;
}
