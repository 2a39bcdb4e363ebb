/* The life of the daemon's process: no core dumps, one daemon per state folder, open, start, wait for a
 * signal, stop. Exit codes: 0 ended on request; 2 configuration; 3 the state folder is held by another
 * daemon; 1 anything else.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/app.h"

enum { LOCK_WAIT_MS = 15000, LOCK_STEP_US = 50000 };
extern char **environ;

enum rc app_config(str state_dir, str config_file, struct config **out, struct fault *why)
{
    const struct setting_table *tables;
    size_t n = wiring_settings(&tables);
    (void)state_dir;
    return config_load(tables, n, config_file, environ, out, why);
}

static void print_problems(const struct config *c, const struct fault *why)
{
    const struct config_problem *p = NULL;
    size_t n = c != NULL ? config_problems(c, &p) : 0;
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "mozflow-tiktok: " STR_FMT ": " STR_FMT "\n", STR_ARG(p[i].key), STR_ARG(p[i].text));
    if (n == 0)
        fprintf(stderr, "mozflow-tiktok: %s (%s)\n", why->detail, why->code);
}

static void protect_process(void)
{
    const struct rlimit none = {0, 0};
    struct rlimit files;
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    umask(0077);
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* A new daemon waits for the old one to end: with socket activation the backlog holds the callers meanwhile.
 * */
static enum rc take_lock(struct app *a, struct fault *why)
{
    char path[512];
    int64_t until = clock_mono_ms() + LOCK_WAIT_MS;
    snprintf(path, sizeof path, STR_FMT, STR_ARG(a->state_dir));
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fault_set(why, RC_INVALID, "app.state_dir", "the state folder %s cannot be made", path);
    snprintf(path, sizeof path, STR_FMT "/daemon.lock", STR_ARG(a->state_dir));
    a->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (a->lock_fd < 0)
        return fault_set(why, RC_INVALID, "app.state_dir", "%s cannot be opened", path);
    while (flock(a->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_mono_ms() > until)
            return fault_set(why, RC_CONFLICT, "app.locked", "another daemon holds %s", path);
        usleep(LOCK_STEP_US);
    }
    return RC_OK;
}

static int wait_for_end(void)
{
    sigset_t set;
    int got = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    while (sigwait(&set, &got) != 0)
        ;
    return got;
}

static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread is made, so that all inherit it */
}

static enum rc run(struct app *a, struct fault *why)
{
    enum rc rc = app_open(a, why);
    if (rc == RC_OK)
        rc = app_start(a, why);
    if (rc != RC_OK)
        return rc;
    log_event(a->log, LOG_INFO, "app.ready", F_INT("port", http_port(a->public_http)),
              F_ID("state", a->state_dir));
    int got = wait_for_end();
    log_event(a->log, LOG_INFO, "app.ending", F_INT("signal", got));
    app_stop(a);
    return RC_OK;
}

int serve(str state_dir, str config_file)
{
    struct app *a = mem_new(sizeof *a);
    struct fault why = {0};
    int code = 1;
    protect_process();
    block_signals();
    crypto_start();
    a->lock_fd = -1;
    a->state_dir = state_dir;
    a->mem = arena_open(1u << 20);
    enum rc rc = app_config(state_dir, config_file, &a->config, &why);
    if (rc != RC_OK) {
        print_problems(a->config, &why);
        code = 2;
    } else if ((rc = take_lock(a, &why)) == RC_OK)
        rc = run(a, &why);
    if (rc == RC_OK)
        code = 0;
    else if (code == 1) {
        code = rc == RC_INVALID ? 2 : rc == RC_CONFLICT ? 3 : 1;
        fprintf(stderr, "mozflow-tiktok: %s (%s)\n", why.detail, why.code);
    }
    app_close(a);
    config_close(&a->config);
    if (a->lock_fd >= 0)
        close(a->lock_fd);
    arena_close(&a->mem);
    mem_free(a);
    return code;
}
