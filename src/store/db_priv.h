/* store's own SQL, and the control statements of both drivers. Text lives in store_db.c alone. */
#ifndef MZ_STORE_DB_PRIV_H
#define MZ_STORE_DB_PRIV_H
#include "store/store_priv.h"

extern const struct sql db_begin_immediate, db_begin_deferred, db_begin, db_begin_snapshot, db_commit,
    db_rollback;
extern const struct sql db_savepoint, db_release, db_rollback_to, db_pg_clock, db_pg_migration_lock;
extern const char *const db_sqlite_writer_setup, *const db_sqlite_reader_setup, *const db_sqlite_mode,
                                                                                    *const db_pg_setup;
extern const char *const db_pg_patient, *const db_migrations_table;
extern const char *const db_serial_create; /* plant store.serial_cursor */
extern const struct migration_table db_own_migrations;

struct applied { /* a row of schema_migrations */
    int64_t number;
    str room, name;
    int64_t text_hash, oldest_binary;
};
enum rc db_migrations_load(struct tx *tx, struct arena *mem, struct applied **out, size_t *n,
                           struct fault *why);
enum rc db_migration_save(struct tx *tx, const struct applied *a, struct fault *why);
#endif
