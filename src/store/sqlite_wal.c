/* The writer's view of the write-ahead log: SQLite writes a commit's frames in two pieces each, about forty
 * small writes; here pieces that follow one another are gathered and go to the file in one.
 *
 * A VFS over SQLite's own that changes nothing but the log file of the connection that names it. What was
 * gathered is written before the log is synced, read, measured or cut, so a commit is as durable as before:
 * with synchronous=FULL SQLite syncs the log before it tells any reader of the commit. The last bytes of a
 * commit are its commit frame; a write that stops half-way (disk full, power) leaves a log without it, which
 * recovery drops, as it always did. Only one thread uses a connection at a time; no lock. */
#include <pthread.h>
#include "store/sqlite_priv.h"

/* SQLite's unix VFS takes a write's length modulo 128 KiB (it never writes more than a page itself). */
enum { GATHER_BYTES = 120 * 1024 };

struct wal_file {
    sqlite3_file base;
    sqlite3_file *real; /* stands behind this struct */
    char *held;
    int n;            /* bytes held, */
    sqlite3_int64 at; /* which belong here */
};

static struct wal_file *wal_of(sqlite3_file *f)
{
    return (struct wal_file *)(void *)f;
}

static int let_go(struct wal_file *w)
{
    int n = w->n;
    w->n = 0;
    return n == 0 ? SQLITE_OK : w->real->pMethods->xWrite(w->real, w->held, n, w->at);
}

static int wal_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
    struct wal_file *w = wal_of(f);
    if (w->n > 0 && (at != w->at + w->n || n > GATHER_BYTES - w->n)) {
        int code = let_go(w);
        if (code != SQLITE_OK)
            return code;
    }
    must(n <= GATHER_BYTES); /* a page has 64 KiB at most */
    if (w->n == 0)
        w->at = at;
    memcpy(w->held + w->n, bytes, (size_t)n);
    w->n += n;
    return SQLITE_OK;
}

static int wal_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    struct wal_file *w = wal_of(f);
    int code = let_go(w);
    return code == SQLITE_OK ? w->real->pMethods->xRead(w->real, to, n, at) : code;
}

static int wal_sync(sqlite3_file *f, int flags)
{
    struct wal_file *w = wal_of(f);
    int code = let_go(w);
    return code == SQLITE_OK ? w->real->pMethods->xSync(w->real, flags) : code;
}

static int wal_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct wal_file *w = wal_of(f);
    int code = let_go(w);
    return code == SQLITE_OK ? w->real->pMethods->xTruncate(w->real, size) : code;
}

static int wal_size(sqlite3_file *f, sqlite3_int64 *size)
{
    struct wal_file *w = wal_of(f);
    int code = let_go(w);
    return code == SQLITE_OK ? w->real->pMethods->xFileSize(w->real, size) : code;
}

static int wal_close(sqlite3_file *f)
{
    struct wal_file *w = wal_of(f);
    int wrote = let_go(w); /* nothing that was committed: that was synced */
    int closed = w->real->pMethods->xClose(w->real);
    mem_free(w->held);
    w->held = NULL;
    return wrote == SQLITE_OK ? closed : wrote;
}

static int wal_lock(sqlite3_file *f, int level)
{
    return wal_of(f)->real->pMethods->xLock(wal_of(f)->real, level);
}

static int wal_unlock(sqlite3_file *f, int level)
{
    return wal_of(f)->real->pMethods->xUnlock(wal_of(f)->real, level);
}

static int wal_reserved(sqlite3_file *f, int *out)
{
    return wal_of(f)->real->pMethods->xCheckReservedLock(wal_of(f)->real, out);
}

static int wal_control(sqlite3_file *f, int op, void *arg)
{
    return wal_of(f)->real->pMethods->xFileControl(wal_of(f)->real, op, arg);
}

static int wal_sector(sqlite3_file *f)
{
    return wal_of(f)->real->pMethods->xSectorSize(wal_of(f)->real);
}

static int wal_device(sqlite3_file *f)
{
    return wal_of(f)->real->pMethods->xDeviceCharacteristics(wal_of(f)->real);
}

static const sqlite3_io_methods wal_methods = {
    .iVersion = 1,
    .xClose = wal_close,
    .xRead = wal_read,
    .xWrite = wal_write,
    .xTruncate = wal_truncate,
    .xSync = wal_sync,
    .xFileSize = wal_size,
    .xLock = wal_lock,
    .xUnlock = wal_unlock,
    .xCheckReservedLock = wal_reserved,
    .xFileControl = wal_control,
    .xSectorSize = wal_sector,
    .xDeviceCharacteristics = wal_device,
};

static sqlite3_vfs *under; /* SQLite's own */

static int gather_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    (void)vfs;
    if ((flags & SQLITE_OPEN_WAL) == 0)
        return under->xOpen(under, name, f, flags, out_flags);
    struct wal_file *w = wal_of(f);
    *w = (struct wal_file){.real = (sqlite3_file *)(void *)(w + 1)};
    int code = under->xOpen(under, name, w->real, flags, out_flags);
    if (code != SQLITE_OK)
        return code;
    w->held = mem_new(GATHER_BYTES);
    w->base.pMethods = &wal_methods;
    return SQLITE_OK;
}

static sqlite3_vfs gather;

static void gather_register(void)
{
    under = sqlite3_vfs_find(NULL);
    must(under != NULL);
    gather = *under; /* every other function is used as it is, with its own data */
    gather.zName = SL_WRITER_VFS;
    gather.szOsFile = under->szOsFile + (int)sizeof(struct wal_file);
    gather.pNext = NULL;
    gather.xOpen = gather_open;
    must(sqlite3_vfs_register(&gather, 0) == SQLITE_OK);
}

void sl_writer_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    must(pthread_once(&once, gather_register) == 0);
}
