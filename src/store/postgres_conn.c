/* One PostgreSQL connection: connecting with timeouts, prepared statements, sending and waiting with a
 * deadline of our own (a silent peer must not hold a thread), results into the arena, SQLSTATEs into faults.
 * All parameters go in binary form: no copying, no quoting. Integers are always bigint, so that `$1 - 60000`
 * means the same as on SQLite. */
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include "store/postgres_priv.h"

enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_NUMERIC = 1700
};

void put_be32(char out[4], uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(out, &v, sizeof(v));
}

void put_be64(char out[8], uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(out, &v, sizeof(v));
}

/* ---- errors ---- */

struct state_row {
    const char *prefix; /* of the SQLSTATE */
    enum rc rc;
    const char *word;
    bool again; /* run fn once more */
    bool words; /* the server's sentence names no value, so operators may read it */
};
static const struct state_row states[] = {
    {"40001", RC_RETRY, "store.contention", true, true},
    {"40P01", RC_RETRY, "store.contention", true, true},
    {"55P03", RC_RETRY, "store.contention", true, true},
    {"0A000", RC_RETRY, "store.unavailable", true, true}, /* a cached plan whose table has changed */
    {"23", RC_CONFLICT, "store.constraint", false, false},
    {"22021", RC_INVALID, "store.text", false, false},
    {"22", RC_INVALID, "store.value", false, false},
    {"53100", RC_FULL, "store.full", false, true},
    {"57014", RC_RETRY, "store.timeout", false, true},
    {"25006", RC_BUG, "store.read_only", false, true},
    {"25", RC_BUG, "store.sql", false, true},
    {"26", RC_RETRY, "store.unavailable", true, true}, /* a pooler between us dropped the statement */
    {"42", RC_BUG, "store.sql", false, true},
    {"", RC_RETRY, "store.unavailable", false, true},
};

enum rc pg_fault(struct pg_conn *c, const PGresult *r, const char *name, bool *again, struct fault *why)
{
    if (r == NULL) {
        *again = true;
        return fault_set(why, RC_RETRY, "store.unavailable", "%s: connection lost", name);
    }
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const struct state_row *row = states;
    state = state != NULL ? state : "";
    while (strncmp(state, row->prefix, strlen(row->prefix)) != 0)
        row++;
    *again = row->again;
    if (state[0] == '0' || state[0] == '2')
        c->worn = c->worn || strcmp(state, "0A000") == 0 || strncmp(state, "26", 2) == 0;
    const char *text = row->words ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY)
                                  : PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME);
    return fault_set(why, row->rc, row->word, "%s: %s (%s)", name, text != NULL ? text : "", state);
}

/* ---- sending and waiting ---- */

static bool wait_readable(struct pg_conn *c, int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_mono_ms();
    struct pollfd p = {.fd = PQsocket(c->pg), .events = POLLIN};
    if (left <= 0 || p.fd < 0)
        return false;
    int n = poll(&p, 1, left > 60000 ? 60000 : (int)left);
    if (n == 0)
        return true; /* the loop looks at the deadline again */
    return PQconsumeInput(c->pg) == 1;
}

static bool is_error(const PGresult *r)
{
    ExecStatusType t = PQresultStatus(r);
    return t != PGRES_COMMAND_OK && t != PGRES_TUPLES_OK;
}

/* All results of what was sent; the first error wins, else the last result. */
static PGresult *collect(struct pg_conn *c, int64_t deadline_ms)
{
    PGresult *kept = NULL;
    for (;;) {
        while (PQisBusy(c->pg)) {
            if (!wait_readable(c, deadline_ms)) {
                PQclear(kept);
                c->lost = true;
                return NULL;
            }
        }
        PGresult *r = PQgetResult(c->pg);
        if (r == NULL)
            break;
        if (kept != NULL && is_error(kept)) {
            PQclear(r);
        } else {
            PQclear(kept);
            kept = r;
        }
    }
    if (kept == NULL || PQstatus(c->pg) != CONNECTION_OK) {
        PQclear(kept);
        c->lost = true;
        return NULL;
    }
    return kept;
}

#ifdef MZ_TEST
/* Makes the server itself fail: the tripped statement is replaced by one that raises the error. */
static const char *const raises[] = {
    [TRIP_FULL] = "DO $$ BEGIN RAISE EXCEPTION 'tripped' USING ERRCODE = '53100'; END $$",
    [TRIP_IO] = "DO $$ BEGIN RAISE EXCEPTION 'tripped' USING ERRCODE = '58030'; END $$",
    [TRIP_CONSTRAINT] = "DO $$ BEGIN RAISE EXCEPTION 'tripped' USING ERRCODE = '23503'; END $$",
    [TRIP_NOMEM] = "DO $$ BEGIN RAISE EXCEPTION 'tripped' USING ERRCODE = '53200'; END $$",
    [TRIP_DEADLOCK] = "DO $$ BEGIN RAISE EXCEPTION 'tripped' USING ERRCODE = '40P01'; END $$",
};
#endif

static int send_it(struct pg_conn *c, const struct pg_send *s, enum trip_act act)
{
#ifdef MZ_TEST
    if (act == TRIP_CUT_BEFORE)
        (void)shutdown(PQsocket(c->pg), SHUT_RDWR);
    else if (act != TRIP_NONE && act != TRIP_CUT_AFTER)
        return PQsendQuery(c->pg, raises[act]);
#else
    (void)act;
#endif
    if (s->prepared)
        return PQsendQueryPrepared(c->pg, s->text, s->n, s->values, s->lengths, s->formats,
                                   s->binary_rows ? 1 : 0);
    return PQsendQuery(c->pg, s->text);
}

PGresult *pg_go(struct pg_conn *c, const struct pg_send *s)
{
    if (c->lost)
        return NULL;
    enum trip_act act = trip(s->at, s->name);
    if (send_it(c, s, act) != 1) {
        c->lost = true;
        return NULL;
    }
    PGresult *r = collect(c, clock_mono_ms() + (s->patient ? PG_PATIENT_MS : PG_STATEMENT_MS));
    if (act == TRIP_CUT_AFTER) { /* the server has done it; nobody hears of it */
        PQclear(r);
        c->lost = true;
        return NULL;
    }
    return r;
}

/* Until the server wants the rows: PGRES_COPY_IN is no end, so collect() cannot be used. */
static PGresult *await_copy_in(struct pg_conn *c)
{
    int64_t deadline_ms = clock_mono_ms() + PG_STATEMENT_MS;
    while (PQisBusy(c->pg))
        if (!wait_readable(c, deadline_ms))
            return NULL;
    PGresult *r = PQgetResult(c->pg);
    if (r == NULL || PQresultStatus(r) == PGRES_COPY_IN)
        return r;
    PQclear(collect(c, deadline_ms));
    return r;
}

PGresult *pg_copy(struct pg_conn *c, const struct sql *copy, enum trip_at at, str bytes)
{
    enum trip_act act = trip(at, copy->name);
    if (c->lost || send_it(c, &(struct pg_send){.text = copy->text}, act) != 1) {
        c->lost = true;
        return NULL;
    }
    PGresult *r = await_copy_in(c);
    if (r != NULL && PQresultStatus(r) != PGRES_COPY_IN)
        return r;
    bool sent = r != NULL && bytes.n <= INT_MAX && PQputCopyData(c->pg, bytes.p, (int)bytes.n) == 1 &&
                PQputCopyEnd(c->pg, NULL) == 1;
    PQclear(r);
    r = sent ? collect(c, clock_mono_ms() + PG_STATEMENT_MS) : NULL;
    if (r == NULL || act == TRIP_CUT_AFTER) {
        PQclear(r);
        c->lost = true;
        return NULL;
    }
    return r;
}

bool pg_alive(struct pg_conn *c)
{
    struct pollfd p = {.fd = PQsocket(c->pg), .events = POLLIN};
    if (c->lost || p.fd < 0)
        return false;
    if (poll(&p, 1, 0) > 0)
        return PQconsumeInput(c->pg) == 1 && PQstatus(c->pg) == CONNECTION_OK;
    return true;
}

enum rc pg_control(struct pg_conn *c, enum trip_at at, const struct sql *q, struct fault *why)
{
    bool again;
    PGresult *r = pg_go(c, &(struct pg_send){.text = q->text, .name = q->name, .at = at});
    enum rc rc = r == NULL || is_error(r) ? pg_fault(c, r, q->name, &again, why) : RC_OK;
    PQclear(r);
    return rc;
}

/* ---- statements ---- */

static struct pg_stmt *find_slot(struct pg_conn *c, const char *text, uint64_t types)
{
    uint64_t h = ((uint64_t)(uintptr_t)text ^ types) * 11400714819323198485U;
    size_t i = (size_t)(h >> 32) & (STATEMENTS_MAX - 1);
    while (c->cache[i].text != NULL) {
        struct pg_stmt *st = &c->cache[i];
        if (st->text == text && st->types == types && strcmp(st->copy, text) == 0)
            return st;
        i = (i + 1) & (STATEMENTS_MAX - 1);
    }
    return &c->cache[i];
}

enum rc pg_prepare(struct pg_conn *c, const struct sql *q, const Oid *types, int n, uint64_t sig,
                   char out[16], bool *again, struct fault *why)
{
    struct pg_stmt *st = find_slot(c, q->text, sig);
    if (st->text != NULL) {
        (void)snprintf(out, 16, "s%u", st->number);
        return RC_OK;
    }
    const char *copy = arena_cstr(c->own, str_of(q->text));
    if (copy == NULL || c->cached >= STATEMENTS_MAX - 8) {
        c->worn = true; /* a fresh connection begins with none */
        *again = true;
        return fault_set(why, RC_RETRY, "store.unavailable", "%s: too many statements", q->name);
    }
    (void)snprintf(out, 16, "s%u", c->cached);
    enum trip_act act = trip(AT_PREPARE, q->name);
    PGresult *r = NULL;
    if (act == TRIP_NONE && PQsendPrepare(c->pg, out, q->text, n, types) == 1)
        r = collect(c, clock_mono_ms() + PG_STATEMENT_MS);
    else
        c->lost = true;
    enum rc rc = r == NULL || is_error(r) ? pg_fault(c, r, q->name, again, why) : RC_OK;
    PQclear(r);
    if (rc == RC_OK) {
        *st = (struct pg_stmt){.text = q->text, .copy = copy, .types = sig, .number = c->cached++};
        c->worn = c->worn || c->cached >= STATEMENTS_MAX - 16;
    }
    return rc;
}

struct params {
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
    Oid types[PARAMS_MAX];
    char ints[PARAMS_MAX][8];
    uint64_t sig;
};

static void fill_params(struct params *p, const struct val *v, size_t n)
{
    static const Oid oids[] = {
        [VT_NULL] = 0, [VT_TEXT] = OID_TEXT, [VT_INT] = OID_INT8, [VT_BYTES] = OID_BYTEA};
    p->sig = n;
    for (size_t i = 0; i < n; i++) {
        p->types[i] = oids[v[i].type];
        p->sig = p->sig * 4 + (uint64_t)v[i].type;
        p->formats[i] = 1;
        p->values[i] = NULL;
        p->lengths[i] = 0;
        if (v[i].type == VT_INT) {
            put_be64(p->ints[i], (uint64_t)v[i].i);
            p->values[i] = p->ints[i];
            p->lengths[i] = 8;
        } else if (v[i].type != VT_NULL && v[i].s.p != NULL) {
            must(v[i].s.n <= INT32_MAX);
            p->values[i] = v[i].s.p;
            p->lengths[i] = (int)v[i].s.n;
        }
    }
}

/* ---- rows ---- */

static bool copy_cell(const PGresult *r, int row, int col, struct arena *mem, struct val *to)
{
    to->type = VT_NULL;
    if (PQgetisnull(r, row, col))
        return true;
    str s = {PQgetvalue(r, row, col), (size_t)PQgetlength(r, row, col)};
    Oid type = PQftype(r, col);
    if (type == OID_INT8 || type == OID_INT2 || type == OID_INT4 || type == OID_NUMERIC) {
        to->type = VT_INT;
        if (str_to_i64(s, &to->i))
            return true;
        must(type == OID_NUMERIC); /* a fraction, or above 64 bits: left as text */
    } else if (type == OID_BOOL) {
        *to = (struct val){VT_INT, STR_NONE, s.p[0] == 't'};
        return true;
    } else if (type == OID_BYTEA) {
        must(s.n >= 2 && s.n % 2 == 0); /* "\x0123" */
        char *bytes = arena_take(mem, (s.n - 2) / 2 + 1);
        *to = (struct val){VT_BYTES, {bytes, (s.n - 2) / 2}, 0};
        return bytes != NULL && hex_parse(str_sub(s, 2, s.n), bytes, (s.n - 2) / 2);
    }
    *to = (struct val){VT_TEXT, arena_str(mem, s), 0};
    return to->s.p != NULL;
}

static enum rc copy_rows(const PGresult *r, const struct ask *a, struct rows **out)
{
    int n = PQntuples(r), cols = PQnfields(r);
    if (n > ROWS_MAX)
        return RC_FULL;
    struct rows *rows = rows_new(a->mem, (size_t)cols, (size_t)n);
    if (rows == NULL)
        return RC_FULL;
    for (int i = 0; i < n; i++) {
        struct val *to = rows_add(rows);
        for (int j = 0; j < cols; j++)
            if (to == NULL || !copy_cell(r, i, j, a->mem, &to[j]))
                return RC_FULL;
    }
    *out = rows;
    return RC_OK;
}

static int64_t changed_rows(PGresult *r)
{
    int64_t n = 0;
    return str_to_i64(str_of(PQcmdTuples(r)), &n) ? n : 0;
}

static enum rc run_prepared(struct tx *tx, const struct ask *a, struct answer *out, struct fault *why)
{
    struct pg_conn *c = tx->conn;
    struct params p;
    char name[16];
    fill_params(&p, a->v, a->n);
    enum rc rc = pg_prepare(c, a->q, p.types, (int)a->n, p.sig, name, &tx->again, why);
    if (rc != RC_OK)
        return rc;
    PGresult *r = pg_go(c, &(struct pg_send){.text = name,
                                             .prepared = true,
                                             .patient = tx->patient,
                                             .name = a->q->name,
                                             .at = AT_STATEMENT,
                                             .n = (int)a->n,
                                             .values = p.values,
                                             .lengths = p.lengths,
                                             .formats = p.formats});
    if (r == NULL || is_error(r))
        rc = pg_fault(c, r, a->q->name, &tx->again, why);
    else if (a->mem != NULL && copy_rows(r, a, &out->rows) != RC_OK)
        rc = fault_set(why, RC_FULL, "store.rows", "%s: more than %d rows, or the arena is full", a->q->name,
                       ROWS_MAX);
    else
        out->changed = changed_rows(r);
    PQclear(r);
    return rc;
}

enum rc pg_run(struct tx *tx, const struct ask *a, struct answer *out, struct fault *why)
{
    struct pg_conn *c = tx->conn;
    if (c->deadline_ms != 0 && clock_mono_ms() > c->deadline_ms)
        return fault_set(why, RC_RETRY, "store.timeout", "%s: the read has taken 5 s", a->q->name);
    return run_prepared(tx, a, out, why);
}

enum rc pg_script(struct tx *tx, const char *text, struct fault *why)
{
    struct pg_conn *c = tx->conn;
    PGresult *r =
        pg_go(c, &(struct pg_send){.text = text, .patient = true, .name = "script", .at = AT_STATEMENT});
    enum rc rc = r == NULL || is_error(r) ? pg_fault(c, r, "script", &tx->again, why) : RC_OK;
    PQclear(r);
    return rc;
}

/* ---- open and close ---- */

/* Half the round trip is taken off; the offset is against the real clock, so a virtual one keeps its shift.
 * */
void pg_clock_measure(struct store *s, struct pg_conn *c)
{
    int64_t before = real_now_ms(), theirs = 0;
    PGresult *r =
        pg_go(c, &(struct pg_send){.text = db_pg_clock.text, .name = db_pg_clock.name, .at = AT_CONNECT});
    int64_t after = real_now_ms();
    if (r != NULL && !is_error(r) && PQntuples(r) == 1 && str_to_i64(str_of(PQgetvalue(r, 0, 0)), &theirs))
        atomic_store(&s->clock_offset_ms, theirs - (before + (after - before) / 2));
    PQclear(r);
}

/* The server's notices would go to stderr, where only log lines belong. */
static void drop_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

static enum rc set_up(struct store *s, struct pg_conn *c, struct fault *why)
{
    if (PQstatus(c->pg) != CONNECTION_OK) {
        c->lost = true;
        /* libpq's sentence names host and user, never the password. */
        return fault_set(why, RC_RETRY, "store.unavailable", "connect: %.200s", PQerrorMessage(c->pg));
    }
    const char *encoding = PQparameterStatus(c->pg, "server_encoding");
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        return fault_set(why, RC_INVALID, "store.url", "the database's encoding must be UTF8, it is %s",
                         encoding != NULL ? encoding : "unknown");
    enum rc rc = pg_control(c, AT_CONNECT, &(struct sql){"setup", db_pg_setup}, why);
    if (rc == RC_OK)
        pg_clock_measure(s, c);
    return rc;
}

enum rc pg_open(struct store *s, struct pg_conn **out, struct fault *why)
{
    static const char *const names[] = {"connect_timeout",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        "fallback_application_name",
                                        "dbname",
                                        NULL};
    const char *const values[] = {"5", "10", "5", "3", "15000", "mozflow-tiktok", s->url, NULL};
    if (trip(AT_CONNECT, "connect") != TRIP_NONE)
        return fault_set(why, RC_RETRY, "store.unavailable", "connect: tripped");
    struct pg_conn *c = mem_new(sizeof(struct pg_conn));
    c->mem = arena_open(TX_MEM_BYTES);
    c->own = arena_open((size_t)1024 * 1024);
    c->pg = PQconnectdbParams(names, values, 1);
    must(c->pg != NULL);
    (void)PQsetNoticeProcessor(c->pg, drop_notice, NULL);
    enum rc rc = set_up(s, c, why);
    if (rc != RC_OK)
        pg_close(&c);
    else
        *out = c;
    return rc;
}

void pg_close(struct pg_conn **conn)
{
    struct pg_conn *c = *conn;
    if (c == NULL)
        return;
    PQfinish(c->pg);
    arena_close(&c->mem);
    arena_close(&c->own);
    mem_free(c);
    *conn = NULL;
}
