/* One SQLite connection: opening with its settings, the prepared statements, binding, running, errors into
 * faults. A connection is used by one thread at a time. After an I/O error or a corrupt page it is `suspect`:
 * its owner closes it and opens a new one, which recovers from the log. */
#include <fcntl.h>
#include <unistd.h>
#include "store/sqlite_priv.h"

enum { BUSY_MS = 5000, READER_BUSY_MS = 1000, CHECKPOINT_WAIT_MS = 250 };

/* ---- errors ---- */

struct code_row {
    int code;
    enum rc rc;
    const char *word;
    bool suspect;
};
static const struct code_row codes[] = {
    {SQLITE_CONSTRAINT_DATATYPE, RC_BUG, "store.sql", false}, /* STRICT: the wrong type was bound */
    {SQLITE_CONSTRAINT, RC_CONFLICT, "store.constraint", false},
    {SQLITE_FULL, RC_FULL, "store.full", false},
    {SQLITE_TOOBIG, RC_INVALID, "store.value", false},
    {SQLITE_BUSY, RC_RETRY, "store.unavailable", false},
    {SQLITE_LOCKED, RC_RETRY, "store.unavailable", false},
    {SQLITE_NOMEM, RC_RETRY, "store.unavailable", false},
    {SQLITE_INTERRUPT, RC_RETRY, "store.timeout", false},
    {SQLITE_IOERR, RC_RETRY, "store.unavailable", true},
    {SQLITE_CORRUPT, RC_RETRY, "store.unavailable", true},
    {SQLITE_NOTADB, RC_RETRY, "store.unavailable", true},
    {SQLITE_CANTOPEN, RC_RETRY, "store.unavailable", true},
    {SQLITE_PROTOCOL, RC_RETRY, "store.unavailable", true},
    {SQLITE_READONLY, RC_BUG, "store.read_only", false},
    {SQLITE_RANGE, RC_BUG, "store.sql", false},
    {SQLITE_ERROR, RC_BUG, "store.sql", false},
};

enum rc sl_fault(struct sl_conn *c, int code, const char *name, struct fault *why)
{
    const struct code_row *row = &codes[COUNT_OF(codes) - 1];
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if (codes[i].code == code || codes[i].code == (code & 0xff)) {
            row = &codes[i];
            break;
        }
    }
    if (c != NULL && row->suspect)
        c->suspect = true;
    /* SQLite's messages name tables and columns, never values. */
    const char *text = c != NULL && c->db != NULL ? sqlite3_errmsg(c->db) : sqlite3_errstr(code);
    return fault_set(why, row->rc, row->word, "%s: %s (%d)", name, text, code);
}

/* ---- wrappers that tests can make fail ---- */

static const int trip_codes[] = {
    [TRIP_FULL] = SQLITE_FULL,
    [TRIP_IO] = SQLITE_IOERR_WRITE,
    [TRIP_CONSTRAINT] = SQLITE_CONSTRAINT_FOREIGNKEY,
    [TRIP_NOMEM] = SQLITE_NOMEM,
    [TRIP_DEADLOCK] = SQLITE_BUSY,
    [TRIP_CUT_BEFORE] = SQLITE_IOERR_FSYNC,
    [TRIP_CUT_AFTER] = SQLITE_IOERR_FSYNC,
};

int sl_step(struct sl_conn *c, sqlite3_stmt *st, enum trip_at at, const char *name)
{
    enum trip_act act = trip(at, name);
    if (act == TRIP_NONE)
        return sqlite3_step(st);
    if (act == TRIP_CUT_AFTER)
        while (sqlite3_step(st) == SQLITE_ROW)
            continue;
    /* As SQLite does it: these errors inside a statement end the whole transaction. */
    if (at == AT_STATEMENT && act != TRIP_CONSTRAINT && act != TRIP_DEADLOCK)
        (void)sqlite3_exec(c->db, db_rollback.text, NULL, NULL, NULL);
    return trip_codes[act];
}

int sl_checkpoint(struct sl_conn *c, int mode)
{
    enum trip_act act = trip(AT_CHECKPOINT, "checkpoint");
    /* RESTART waits for readers; everybody who writes waits with it, so not for long. */
    (void)sqlite3_busy_timeout(c->db, CHECKPOINT_WAIT_MS);
    int code = act != TRIP_NONE ? trip_codes[act] : sqlite3_wal_checkpoint_v2(c->db, NULL, mode, NULL, NULL);
    (void)sqlite3_busy_timeout(c->db, BUSY_MS);
    struct fault why;
    if (code != SQLITE_OK && code != SQLITE_BUSY)
        (void)sl_fault(c, code, "checkpoint", &why);
    return code;
}

bool sl_in_transaction(const struct sl_conn *c)
{
    return sqlite3_get_autocommit(c->db) == 0;
}

/* ---- statements ---- */

static size_t slot_of(const char *text)
{
    uint64_t h = (uint64_t)(uintptr_t)text * 11400714819323198485U;
    return (size_t)(h >> 32) & (STATEMENTS_MAX - 1);
}

static void forget_statements(struct sl_conn *c)
{
    for (size_t i = 0; i < STATEMENTS_MAX; i++)
        if (c->cache[i].text != NULL)
            (void)sqlite3_finalize(c->cache[i].st);
    memset(c->cache, 0, sizeof(c->cache));
    c->cached = 0;
}

static int prepare(struct sl_conn *c, const struct sql *q, struct sl_stmt *to)
{
    enum trip_act act = trip(AT_PREPARE, q->name);
    if (act != TRIP_NONE)
        return trip_codes[act];
    sqlite3_stmt *st = NULL;
    const char *tail = NULL;
    int code = sqlite3_prepare_v3(c->db, q->text, -1, SQLITE_PREPARE_PERSISTENT, &st, &tail);
    if (code != SQLITE_OK)
        return code;
    must(st != NULL && tail != NULL && *tail == 0); /* one statement per sql */
    struct sl_stmt made = {.text = q->text, .st = st, .params = sqlite3_bind_parameter_count(st)};
    for (int i = 0; i < made.params && i < PARAMS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "$%d", i + 1);
        made.at[i] = (unsigned char)sqlite3_bind_parameter_index(st, name);
        if (made.at[i] == 0) { /* $1..$n without a gap */
            (void)sqlite3_finalize(st);
            return SQLITE_RANGE;
        }
    }
    *to = made;
    return SQLITE_OK;
}

struct sl_stmt *sl_stmt_get(struct sl_conn *c, const struct sql *q, int *code)
{
    size_t i = slot_of(q->text);
    while (c->cache[i].text != NULL) {
        struct sl_stmt *s = &c->cache[i];
        if (s->text == q->text && strcmp(sqlite3_sql(s->st), q->text) == 0)
            return s;
        i = (i + 1) & (STATEMENTS_MAX - 1);
    }
    if (c->cached >= STATEMENTS_MAX / 2) {
        forget_statements(c);
        i = slot_of(q->text);
    }
    *code = prepare(c, q, &c->cache[i]);
    if (*code != SQLITE_OK)
        return NULL;
    c->cached++;
    return &c->cache[i];
}

int sl_control(struct sl_conn *c, enum trip_at at, const struct sql *q)
{
    int code = SQLITE_OK;
    struct sl_stmt *s = sl_stmt_get(c, q, &code);
    if (s == NULL)
        return code;
    code = sl_step(c, s->st, at, q->name);
    int end = sqlite3_reset(s->st);
    if (code == SQLITE_DONE)
        return SQLITE_OK;
    return code == SQLITE_OK || code == SQLITE_ROW ? end : code;
}

int sl_bind(struct sl_stmt *s, const struct val *v, size_t n)
{
    if ((int)n != s->params)
        return SQLITE_RANGE;
    for (size_t i = 0; i < n; i++) {
        int code;
        if (v[i].type == VT_INT)
            code = sqlite3_bind_int64(s->st, s->at[i], v[i].i);
        else if (v[i].type == VT_NULL || v[i].s.p == NULL)
            code = sqlite3_bind_null(s->st, s->at[i]);
        else if (v[i].type == VT_TEXT)
            code = sqlite3_bind_text64(s->st, s->at[i], v[i].s.p, v[i].s.n, SQLITE_STATIC, SQLITE_UTF8);
        else
            code = sqlite3_bind_blob64(s->st, s->at[i], v[i].s.p, v[i].s.n, SQLITE_STATIC);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

/* ---- rows ---- */

static bool copy_cell(sqlite3_stmt *st, int col, struct arena *mem, struct val *to)
{
    int type = sqlite3_column_type(st, col);
    if (type == SQLITE_NULL) {
        to->type = VT_NULL;
        return true;
    }
    if (type == SQLITE_INTEGER) {
        *to = (struct val){VT_INT, STR_NONE, sqlite3_column_int64(st, col)};
        return true;
    }
    bool blob = type == SQLITE_BLOB;
    const void *p = blob ? sqlite3_column_blob(st, col) : (const void *)sqlite3_column_text(st, col);
    size_t n = (size_t)sqlite3_column_bytes(st, col);
    to->type = blob ? VT_BYTES : VT_TEXT;
    to->s = arena_str(mem, (str){p, n});
    return to->s.p != NULL;
}

static enum rc copy_rows(struct sl_conn *c, sqlite3_stmt *st, const struct ask *a, struct rows **out,
                         int *code)
{
    int cols = sqlite3_column_count(st);
    struct rows *r = rows_new(a->mem, (size_t)cols, 0);
    if (r == NULL)
        return RC_FULL;
    while (*code == SQLITE_ROW) {
        struct val *to = r->n < ROWS_MAX ? rows_add(r) : NULL;
        if (to == NULL)
            return RC_FULL;
        for (int i = 0; i < cols; i++)
            if (!copy_cell(st, i, a->mem, &to[i]))
                return RC_FULL;
        *code = sl_step(c, st, AT_STATEMENT, a->q->name);
    }
    *out = r;
    return RC_OK;
}

enum rc sl_run(struct tx *tx, const struct ask *a, struct answer *out, struct fault *why)
{
    struct sl_conn *c = tx->conn;
    int code = SQLITE_OK;
    struct sl_stmt *s = sl_stmt_get(c, a->q, &code);
    if (s == NULL)
        return sl_fault(c, code, a->q->name, why);
    code = sl_bind(s, a->v, a->n);
    if (code != SQLITE_OK) {
        (void)sqlite3_clear_bindings(s->st);
        return sl_fault(NULL, code, a->q->name, why);
    }
    enum rc rc = RC_OK;
    code = sl_step(c, s->st, AT_STATEMENT, a->q->name);
    if (a->mem != NULL && (code == SQLITE_ROW || code == SQLITE_DONE))
        rc = copy_rows(c, s->st, a, &out->rows, &code);
    else
        while (code == SQLITE_ROW)
            code = sl_step(c, s->st, AT_STATEMENT, a->q->name);
    if (rc != RC_OK)
        rc = fault_set(why, rc, "store.rows", "%s: more than %d rows, or the arena is full", a->q->name,
                       ROWS_MAX);
    else if (code != SQLITE_DONE)
        rc = sl_fault(c, code, a->q->name, why);
    else
        out->changed = sqlite3_column_count(s->st) == 0 || a->mem == NULL ? sqlite3_changes64(c->db) : 0;
    (void)sqlite3_reset(s->st);
    return rc;
}

enum rc sl_script(struct tx *tx, const char *text, struct fault *why)
{
    struct sl_conn *c = tx->conn;
    int code = sqlite3_exec(c->db, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? RC_OK : sl_fault(c, code, "script", why);
}

/* ---- open and close ---- */

/* Called every few thousand steps of a statement; a read that has used up its time is interrupted. */
static int over_time(void *arg)
{
    const struct sl_conn *c = arg;
    return c->deadline_ms != 0 && clock_mono_ms() > c->deadline_ms;
}

static int remember_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    ((struct sl_conn *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

static int is_wal(void *arg, int cols, char **values, char **names)
{
    (void)names;
    *(bool *)arg = cols == 1 && values[0] != NULL && strcmp(values[0], "wal") == 0;
    return 0;
}

static int harden(struct sl_conn *c)
{
    (void)sqlite3_extended_result_codes(c->db, 1);
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    (void)sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024);
    (void)sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 1);
    (void)sqlite3_busy_timeout(c->db, c->reads_only ? READER_BUSY_MS : BUSY_MS);
    sqlite3_progress_handler(c->db, 4000, over_time, c);
    int code = sqlite3_exec(c->db, c->reads_only ? db_sqlite_reader_setup : db_sqlite_writer_setup, NULL,
                            NULL, NULL);
    bool wal = false;
    if (code == SQLITE_OK)
        code = sqlite3_exec(c->db, db_sqlite_mode, is_wal, &wal, NULL);
    return code == SQLITE_OK && !wal ? SQLITE_CANTOPEN : code; /* a file system without shared memory */
}

/* SQLite would count every allocation under one lock of the process; nobody here asks for the sum. */
static void no_counting(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum rc sl_open(const char *path, bool reads_only, struct sl_conn **out, struct fault *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    must(pthread_once(&once, no_counting) == 0);
    struct sl_conn *c = mem_new(sizeof(struct sl_conn));
    c->reads_only = reads_only;
    c->mem = arena_open(TX_MEM_BYTES);
    int flags = reads_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (!reads_only) {
        /* The file's mode is ours alone from its first moment; -wal and -shm inherit it. Closed before SQLite
         * opens it, because closing any descriptor of an open database would drop SQLite's locks. */
        int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        if (fd >= 0)
            (void)close(fd);
    }
    enum trip_act act = trip(AT_CONNECT, reads_only ? "reader" : "writer");
    sl_writer_vfs();
    int code = act != TRIP_NONE ? trip_codes[act]
                                : sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX,
                                                  reads_only ? NULL : SL_WRITER_VFS);
    if (code == SQLITE_OK)
        code = harden(c);
    if (code != SQLITE_OK) {
        enum rc rc = sl_fault(c, code, "open", why);
        sl_close(&c);
        return rc == RC_BUG ? RC_RETRY : rc;
    }
    if (!reads_only)
        (void)sqlite3_wal_hook(c->db, remember_wal, c);
    *out = c;
    return RC_OK;
}

void sl_close(struct sl_conn **conn)
{
    struct sl_conn *c = *conn;
    if (c == NULL)
        return;
    forget_statements(c);
    if (c->db != NULL)
        must(sqlite3_close(c->db) == SQLITE_OK);
    arena_close(&c->mem);
    mem_free(c);
    *conn = NULL;
}
