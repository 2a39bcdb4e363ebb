/* Emitting: the event's row and its delivery job in the caller's transaction.
 *
 * Like a job's put, an emit carries a transaction but no handle; the one open room of this process (in tests
 * several with equal tables) is remembered here, to know which types exist.
 */
#include "mozflow/mozflow_priv.h"
#include <pthread.h>

#define OPEN_MAX 16
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mozflow *opened[OPEN_MAX];

bool mozflow_type_of(const struct mozflow *m, str type, struct mozflow_type *out)
{
    for (size_t t = 0; t < m->n_tables; t++)
        for (size_t i = 0; i < m->tables[t].n; i++)
            if (str_eq(str_of(m->tables[t].rows[i].type), type)) {
                *out = (struct mozflow_type){&m->tables[t].rows[i], m->tables[t].ctx};
                return true;
            }
    return false;
}

static bool known_anywhere(const char *type)
{
    struct mozflow_type t;
    bool found = false;
    pthread_mutex_lock(&open_lock);
    for (size_t i = 0; i < OPEN_MAX && !found; i++)
        found = opened[i] && mozflow_type_of(opened[i], str_of(type), &t);
    pthread_mutex_unlock(&open_lock);
    return found;
}

enum rc mozflow_put_delivery(struct tx *tx, str workspace, str id, struct fault *why)
{
    str args = arena_fmt(tx_mem(tx), "{\"event\":\"" STR_FMT "\"}", STR_ARG(id));
    const struct job_new n = {.kind = "mozflow.deliver", .workspace = workspace, .args = args, .unique = id};
    if (!args.p)
        return fault_set(why, RC_FULL, "mozflow.memory", "no room for a delivery");
    return jobs_put(tx, &n, why);
}

static bool is_object(struct tx *tx, str ids)
{
    const struct json *j;
    struct fault why;
    return json_parse(ids, NULL, tx_mem(tx), &j, &why) == RC_OK && j->type == JSON_OBJ;
}

enum rc mozflow_emit(struct tx *tx, const struct mozflow_new *e, str *id, struct fault *why)
{
    struct outbox_row r = {.workspace = e->workspace,
                           .type = str_of(e->type),
                           .subject = e->subject.p ? e->subject : STR(""),
                           .ids = e->ids.n ? e->ids : STR("{}")};
    if (!known_anywhere(e->type))
        return fault_set(why, RC_BUG, "mozflow.unknown_type", "no row for event type %s", e->type);
    if (e->workspace.n == 0 || e->subject.n > 128 || r.ids.n > MOZFLOW_IDS_MAX || !is_object(tx, r.ids))
        return fault_set(why, RC_BUG, "mozflow.bad_emit", "workspace, subject or ids of %s", e->type);
    r.id = id_new(tx_mem(tx), "evt");
    if (!r.id.p)
        return fault_set(why, RC_FULL, "mozflow.memory", "no room for an event id");
    enum rc rc = mozflow_db_insert(tx, &r, why);
    if (rc == RC_OK)
        rc = mozflow_put_delivery(tx, r.workspace, r.id, why);
    if (rc != RC_OK)
        return rc;
    metric_add(&mozflow_metrics[METRIC_EMITTED], 1, e->type, NULL);
    if (id)
        *id = r.id;
    return RC_OK;
}

enum rc mozflow_list(struct tx *tx, str workspace, str subject, struct arena *mem, struct mozflow_sent **out,
                     size_t *n, struct fault *why)
{
    struct outbox_row *rows;
    size_t count;
    const struct outbox_query q = {.workspace = workspace, .subject = subject, .limit = 100};
    must(subject.n > 0);
    enum rc rc = mozflow_db_list(tx, &q, mem, &rows, &count, why);
    if (rc != RC_OK)
        return rc;
    struct mozflow_sent *at = arena_array(mem, struct mozflow_sent, count + 1);
    if (!at)
        return fault_set(why, RC_FULL, "mozflow.memory", "no room for the list");
    for (size_t i = 0; i < count; i++)
        at[i] = (struct mozflow_sent){.id = rows[i].id,
                                      .type = rows[i].type,
                                      .subject = rows[i].subject,
                                      .state = rows[i].state,
                                      .created_ms = rows[i].created_ms,
                                      .last_ms = rows[i].last_ms,
                                      .delivered_ms = rows[i].delivered_ms,
                                      .attempts = (int)rows[i].attempts,
                                      .last_status = (int)rows[i].last_status,
                                      .last_code = rows[i].last_code};
    *out = at;
    *n = count;
    return RC_OK;
}

/* ---- the room ---- */
static enum rc render_test(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    (void)r;
    (void)why;
    jw_cstr(data, "message", "This is a test event. Nothing happened.");
    return RC_OK;
}

const struct mozflow_event mozflow_own_events[] = {
    {.type = "endpoint.test",
     .doc = "Someone pressed \"send a test event\" for this workspace's endpoint.",
     .schema = "{\"type\":\"object\",\"properties\":{\"message\":{\"type\":\"string\"}},\"required\":["
               "\"message\"]}",
     .render = render_test},
};
const size_t mozflow_own_events_n = COUNT_OF(mozflow_own_events);

static enum rc check_types(const struct mozflow *m, struct fault *why)
{
    for (size_t t = 0; t < m->n_tables; t++)
        for (size_t i = 0; i < m->tables[t].n; i++) {
            const struct mozflow_event *e = &m->tables[t].rows[i];
            struct mozflow_type first;
            must(e->render && e->schema && e->doc);
            must(mozflow_type_of(m, str_of(e->type), &first));
            if (first.event != e)
                return fault_set(why, RC_BUG, "mozflow.duplicate_type", "two rows for event type %s",
                                 e->type);
        }
    return RC_OK;
}

enum rc mozflow_open(const struct mozflow_options *o, struct mozflow **out, struct fault *why)
{
    struct arena *mem = arena_open((size_t)1 << 20);
    struct mozflow *m = arena_new(mem, struct mozflow);
    must(m);
    m->mem = mem;
    m->o = *o;
    m->o.base_url = arena_str(mem, o->base_url);
    m->n_tables = o->n_tables + 1;
    m->tables = arena_array(mem, struct mozflow_event_table, m->n_tables);
    must(m->tables);
    m->tables[0] = (struct mozflow_event_table){mozflow_own_events, mozflow_own_events_n, NULL};
    for (size_t i = 0; i < o->n_tables; i++)
        m->tables[i + 1] = o->tables[i];
    enum rc rc = check_types(m, why);
    if (rc != RC_OK) {
        arena_close(&mem);
        return rc;
    }
    pthread_mutex_lock(&open_lock);
    size_t i = 0;
    while (i < OPEN_MAX && opened[i])
        i++;
    must(i < OPEN_MAX);
    opened[i] = m;
    pthread_mutex_unlock(&open_lock);
    *out = m;
    return RC_OK;
}

void mozflow_close(struct mozflow **mp)
{
    if (!*mp)
        return;
    pthread_mutex_lock(&open_lock);
    for (size_t i = 0; i < OPEN_MAX; i++)
        if (opened[i] == *mp)
            opened[i] = NULL;
    pthread_mutex_unlock(&open_lock);
    struct arena *mem = (*mp)->mem;
    *mp = NULL;
    arena_close(&mem);
}
