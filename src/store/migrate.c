/* Migrations: every room's rows in one numbered list, the missing ones applied in order, each in a
 * transaction of its own with its row in schema_migrations. On PostgreSQL a transaction-scoped lock keeps two
 * starting nodes apart: the second one finds the row and goes on. A schema that a newer binary has narrowed
 * is refused by name. */
#include "store/db_priv.h"

enum { LIST_MEM_BYTES = 8 * 1024 * 1024 };

struct step {
    const char *room;
    const struct migration *m;
};
struct plan {
    struct store *s;
    struct arena *mem;
    struct step *steps;
    size_t n;
    struct step *now; /* the one that apply_one looks at */
    struct applied *applied;
    size_t n_applied;
};

/* FNV-1a: tells an edited migration from the one that was applied. */
static int64_t text_hash(const char *text)
{
    uint64_t h = 14695981039346656037U;
    for (const char *p = text; *p != 0; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211U;
    return (int64_t)(h >> 1);
}

/* ---- the words that differ between the two databases ---- */

static bool is_word(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static enum rc expand(const struct driver *d, const char *text, struct buf *out, struct fault *why)
{
    const struct {
        const char *word, *to;
    } words[] = {
        {"TEXT", d->text}, {"INT64", d->int64}, {"FLAG", d->flag}, {"BYTES", d->bytes}, {"TABLE", d->table}};
    for (const char *p = text; *p != 0;) {
        if (*p != '@') {
            buf_put_c(out, *p++);
            continue;
        }
        size_t n = 1, i = 0;
        while (is_word(p[n]))
            n++;
        str word = {p + 1, n - 1};
        while (i < COUNT_OF(words) && !str_eq(word, str_of(words[i].word)))
            i++;
        if (i == COUNT_OF(words))
            return fault_set(why, RC_BUG, "store.migration", "unknown word @" STR_FMT, STR_ARG(word));
        buf_put(out, str_of(words[i].to));
        p += n;
    }
    buf_put_c(out, '\0');
    if (!buf_ok(out))
        return fault_set(why, RC_FULL, "store.memory", "text of a migration");
    return RC_OK;
}

/* Drops the statements of the other database. A marked statement may hold "; " but not ";\n" before its end.
 * */
static void choose(const struct driver *d, str text, struct buf *out)
{
    size_t end;
    for (; text.n > 0; text = str_sub(text, end, text.n)) {
        bool more = str_find(text, STR(";\n"), &end);
        end = more ? end + 2 : text.n;
        str one = str_sub(text, 0, end);
        while (one.n > 0 && (one.p[0] == ' ' || one.p[0] == '\n'))
            one = str_sub(one, 1, one.n);
        bool marked = str_starts(one, STR("@SQLITE ")) || str_starts(one, STR("@POSTGRES "));
        if (!marked)
            buf_put(out, one);
        else if (str_starts(one, str_of(d->mark)))
            buf_put(out, str_sub(one, strlen(d->mark), one.n));
    }
    buf_put_c(out, '\0');
}

static enum rc run_text(struct tx *tx, const char *text, struct fault *why)
{
    struct buf chosen, b;
    buf_init(&chosen, tx->mem, 1024 * 1024);
    buf_init(&b, tx->mem, 1024 * 1024);
    choose(tx->s->drv, str_of(text), &chosen);
    if (!buf_ok(&chosen))
        return fault_set(why, RC_FULL, "store.memory", "text of a migration");
    enum rc rc = expand(tx->s->drv, chosen.p, &b, why);
    return rc == RC_OK ? tx_script(tx, b.p, why) : rc;
}

/* ---- what is there ---- */

static enum rc take_migration_lock(struct tx *tx, struct fault *why)
{
    struct rows *r;
    if (!tx_is_postgres(tx))
        return RC_OK; /* one writer per database, and the state folder's lock */
    enum rc rc = tx_script(tx, db_pg_patient, why);
    return rc == RC_OK ? tx_query(tx, &db_pg_migration_lock, NO_ARGS, tx->mem, &r, why) : rc;
}

static enum rc load_applied(struct tx *tx, void *arg, struct fault *why)
{
    struct plan *p = arg;
    enum rc rc = take_migration_lock(tx, why);
    if (rc == RC_OK)
        rc = run_text(tx, db_migrations_table, why);
    return rc == RC_OK ? db_migrations_load(tx, p->mem, &p->applied, &p->n_applied, why) : rc;
}

static int64_t known_of(const struct plan *p, str room)
{
    int64_t known = 0;
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(str_of(p->steps[i].room), room) && p->steps[i].m->number > known)
            known = p->steps[i].m->number;
    return known;
}

static const struct applied *applied_of(const struct plan *p, int64_t number)
{
    for (size_t i = 0; i < p->n_applied; i++)
        if (p->applied[i].number == number)
            return &p->applied[i];
    return NULL;
}

/* Refused only when a migration says that binaries like this one cannot run on it any more. */
static enum rc check_age(const struct plan *p, struct fault *why)
{
    for (size_t i = 0; i < p->n_applied; i++) {
        const struct applied *a = &p->applied[i];
        int64_t known = known_of(p, a->room);
        if (a->oldest_binary > known)
            return fault_set(why, RC_REFUSED, "store.schema_newer",
                             "the database was migrated by a newer version: " STR_FMT " %lld (" STR_FMT
                             ") needs a binary that knows " STR_FMT
                             " %lld, this one knows %lld; start the newer version",
                             STR_ARG(a->room), (long long)a->number, STR_ARG(a->name), STR_ARG(a->room),
                             (long long)a->oldest_binary, (long long)known);
    }
    return RC_OK;
}

/* ---- applying ---- */

static enum rc apply_one(struct tx *tx, void *arg, struct fault *why)
{
    struct plan *p = arg;
    const struct step *st = p->now;
    struct applied *rows;
    size_t n;
    enum rc rc = take_migration_lock(tx, why);
    if (rc == RC_OK)
        rc = db_migrations_load(tx, tx->mem, &rows, &n, why);
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        if (rows[i].number == st->m->number)
            return RC_OK; /* another node was first */
    if (rc == RC_OK)
        rc = run_text(tx, st->m->text, why);
    if (rc != RC_OK)
        return rc;
    return db_migration_save(tx,
                             &(struct applied){.number = st->m->number,
                                               .room = str_of(st->room),
                                               .name = str_of(st->m->name),
                                               .text_hash = text_hash(st->m->text),
                                               .oldest_binary = st->m->oldest_binary},
                             why);
}

static enum rc apply_missing(struct plan *p, struct fault *why)
{
    for (size_t i = 0; i < p->n; i++) {
        struct step *st = &p->steps[i];
        const struct applied *a = applied_of(p, st->m->number);
        if (a != NULL && a->text_hash != text_hash(st->m->text))
            log_event(p->s->log, LOG_WARN, "store.migration_edited", F_INT("number", st->m->number),
                      F_STR("name", str_of(st->m->name)));
        if (a != NULL)
            continue;
        p->now = st;
        enum rc rc = store_write_patient(p->s, apply_one, p, why);
        if (rc != RC_OK) {
            struct fault inner = *why;
            return fault_set(why, rc, inner.code, "migration %lld (%s): %.180s", (long long)st->m->number,
                             st->m->name, inner.detail);
        }
        log_event(p->s->log, LOG_INFO, "store.migrated", F_INT("number", st->m->number),
                  F_STR("name", str_of(st->m->name)));
    }
    return RC_OK;
}

static void add_table(struct plan *p, const struct migration_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct migration *m = &t->rows[i];
        must(m->number > 0 && m->oldest_binary <= m->number);
        size_t at = p->n++;
        for (; at > 0 && p->steps[at - 1].m->number >= m->number; at--) {
            must(p->steps[at - 1].m->number != m->number); /* unique over all rooms */
            p->steps[at] = p->steps[at - 1];
        }
        p->steps[at] = (struct step){t->room, m};
    }
}

enum rc migrate_all(struct store *s, const struct store_options *o, struct fault *why)
{
    struct plan p = {.s = s, .mem = arena_open(LIST_MEM_BYTES)};
    size_t n = db_own_migrations.n;
    for (size_t i = 0; i < o->n_migrations; i++)
        n += o->migrations[i].n;
    p.steps = arena_array(p.mem, struct step, n);
    must(p.steps != NULL);
    add_table(&p, &db_own_migrations);
    for (size_t i = 0; i < o->n_migrations; i++)
        add_table(&p, &o->migrations[i]);
    enum rc rc = store_write_patient(s, load_applied, &p, why);
    if (rc == RC_OK)
        rc = check_age(&p, why);
    if (rc == RC_OK)
        rc = apply_missing(&p, why);
    arena_close(&p.mem);
    return rc;
}
