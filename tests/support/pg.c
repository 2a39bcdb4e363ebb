/* Runs tests/support/pg.sh. A child that holds the other end of a pipe notices the death of this process and
 * stops the server, so that a crashed or killed test leaves nothing behind. */
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "pg.h"

static char dir[64], url[160], fresh[200];
static pid_t owner, watcher;
static int alive_fd = -1;
static unsigned made;

static void fail(const char *what)
{
    (void)fprintf(stderr, "tests/support/pg.c: %s (errno %d)\n", what, errno);
    exit(1);
}

/* pg.sh <what> dir; its standard output in out (may be NULL). */
static int script(const char *what, char *out, size_t n)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        fail("pipe");
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execl(MZ_PG_SCRIPT, "pg.sh", what, dir, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    size_t have = 0;
    ssize_t got = 0;
    char sink[256];
    while ((got = read(ends[0], out != NULL && have + 1 < n ? out + have : sink,
                       out != NULL && have + 1 < n ? n - 1 - have : sizeof(sink))) > 0)
        have += out != NULL ? (size_t)got : 0;
    (void)close(ends[0]);
    if (out != NULL) {
        out[have < n ? have : n - 1] = 0;
        out[strcspn(out, "\n")] = 0;
    }
    int status = 0;
    (void)waitpid(pid, &status, 0);
    return status;
}

static void watch(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        fail("pipe");
    watcher = fork();
    if (watcher < 0)
        fail("fork");
    if (watcher == 0) {
        char c;
        (void)setsid();
        (void)close(ends[1]);
        /* Its copies of our output would keep a test runner waiting. */
        for (int fd = 0; fd < 3; fd++) {
            (void)close(fd);
            (void)open("/dev/null", O_RDWR);
        }
        while (read(ends[0], &c, 1) < 0 && errno == EINTR)
            continue;
        (void)script("stop", NULL, 0);
        _exit(0);
    }
    (void)close(ends[0]);
    alive_fd = ends[1];
}

const char *pg_start(void)
{
    if (url[0] != 0)
        return url;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(dir, sizeof(dir), "%.40s/mzpgt.XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(dir) == NULL)
        fail("mkdtemp");
    owner = getpid();
    watch();
    if (script("start", url, sizeof(url)) != 0 || strncmp(url, "postgresql://", 13) != 0)
        fail("pg.sh start");
    if (atexit(pg_stop) != 0)
        fail("atexit");
    return url;
}

void pg_stop(void)
{
    if (url[0] == 0 || getpid() != owner)
        return; /* a forked child that exits must not stop it */
    url[0] = 0;
    (void)close(alive_fd);
    int status = 0;
    (void)waitpid(watcher, &status, 0);
}

const char *pg_database(void)
{
    const char *base = pg_start();
    PGconn *c = PQconnectdb(base);
    char text[64];
    (void)snprintf(text, sizeof(text), "CREATE DATABASE t%u_%d", ++made, (int)getpid());
    PGresult *r = PQexec(c, text);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) {
        (void)fprintf(stderr, "%s\n", PQerrorMessage(c));
        fail("create database");
    }
    PQclear(r);
    PQfinish(c);
    const char *slash = strrchr(base, '/');
    (void)snprintf(fresh, sizeof(fresh), "%.*s/t%u_%d", (int)(slash - base), base, made, (int)getpid());
    return fresh;
}
