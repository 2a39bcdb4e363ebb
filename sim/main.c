/* tiktok-sim serve: reads the command line, the snapshot and the scenario, opens http and the sender, prints
 * one JSON line when ready, saves the world every second when it changed, ends cleanly on SIGTERM or SIGINT.
 * Nothing else is printed on standard output; errors go to standard error and end with status 1.
 */
#include "files.h"
#include "sim.h"
#include "front.h"
#include "sender.h"
#include "crypto/crypto.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SETS = 64 };
struct options {
    const char *port, *listen, *state, *scenario, *cert, *key, *url;
    char *sets[MAX_SETS + 1];
    size_t n_sets;
    bool fresh;
};

static const char usage[] =
    "usage: tiktok-sim serve [--port N] [--listen 127.0.0.1] --state DIR [--scenario FILE] [--set "
    "NAME=VALUE]...\n"
    "                        [--tls-cert FILE --tls-key FILE] [--public-url URL] [--fresh]\n";

static int say(int fd, const char *text)
{
    size_t n = strlen(text);
    while (n > 0) {
        ssize_t put = write(fd, text, n);
        if (put <= 0)
            break;
        text += put;
        n -= (size_t)put;
    }
    return fd == STDERR_FILENO ? 1 : 0;
}

static bool option_take(struct options *o, char *name, char *value)
{
    const struct {
        const char *name;
        const char **to;
    } rows[] = {{"--port", &o->port},         {"--listen", &o->listen}, {"--state", &o->state},
                {"--scenario", &o->scenario}, {"--tls-cert", &o->cert}, {"--tls-key", &o->key},
                {"--public-url", &o->url}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *rows[i].to = value;
            return true;
        }
    }
    if (strcmp(name, "--set") != 0 || o->n_sets == MAX_SETS || strchr(value, '=') == NULL)
        return false;
    o->sets[o->n_sets++] = value;
    return true;
}

static bool options_read(int argc, char **argv, struct options *o)
{
    *o = (struct options){.port = "0", .listen = "127.0.0.1"};
    if (argc < 2 || strcmp(argv[1], "serve") != 0)
        return false;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--fresh") == 0) {
            o->fresh = true;
            continue;
        }
        if (i + 1 >= argc || !option_take(o, argv[i], argv[i + 1]))
            return false;
        i++;
    }
    bool local = strcmp(o->listen, "127.0.0.1") == 0 || strcmp(o->listen, "localhost") == 0 ||
                 strcmp(o->listen, "[::1]") == 0;
    return o->state != NULL && local && (o->cert == NULL) == (o->key == NULL);
}

static enum rc scenario_load(struct sim *s, const struct options *o, struct fault *why)
{
    str text, filled;
    char path[1024];
    if (o->scenario == NULL)
        return RC_OK;
    struct arena *mem = arena_open(32U << 20);
    enum rc rc = file_read(o->scenario, 4U << 20, mem, &text, why);
    if (rc == RC_OK)
        rc = text_fill(text, o->sets, mem, &filled, why);
    if (rc == RC_OK && !TEXT_SET(path, str_of(o->scenario)))
        rc = fault_set(why, RC_INVALID, "sim.scenario", "the scenario's path is too long");
    if (rc == RC_OK)
        rc = scenario_apply(s, filled, dirname(path), why);
    arena_close(&mem);
    return rc;
}

static enum rc world_load(struct sim *s, const struct options *o, struct fault *why)
{
    bool found = false;
    if (!TEXT_SET(s->state_dir, str_of(o->state)))
        return fault_set(why, RC_INVALID, "sim.state", "--state is too long");
    if (mkdir(o->state, 0700) != 0 && errno != EEXIST)
        return fault_set(why, RC_INVALID, "sim.state", "cannot make the folder %s", o->state);
    enum rc rc = o->fresh ? RC_OK : snapshot_load(s, &found, why);
    return rc == RC_OK ? scenario_load(s, o, why) : rc;
}

/* Until a signal: a snapshot a second, or as often as switched, when something changed. */
static void wait_for_end(struct sim *s, const sigset_t *set)
{
    const struct timespec second = {.tv_sec = 1};
    int64_t waited = 0;
    while (sigtimedwait(set, NULL, &second) < 0) {
        pthread_mutex_lock(&s->lock);
        bool dirty = s->dirty && ++waited >= switch_int(&s->sw, SW_SNAPSHOT_EVERY_S);
        pthread_mutex_unlock(&s->lock);
        waited = dirty ? 0 : waited;
        struct fault why = {.rc = RC_OK};
        if (dirty && snapshot_save(s, &why) != RC_OK)
            say(STDERR_FILENO, "tiktok-sim: the snapshot could not be written\n");
    }
}

static enum rc serve(struct sim *s, const struct options *o, const sigset_t *set, struct fault *why)
{
    char listen[128], line[512];
    struct front *front = NULL;
    struct sender *sender = NULL;
    snprintf(listen, sizeof listen, "%s:%s", o->listen, o->port);
    const struct front_options fo = {.listen = listen, .tls_cert = o->cert, .tls_key = o->key};
    enum rc rc = front_open(s, &fo, &front, why);
    if (rc != RC_OK)
        return rc;
    pthread_mutex_lock(&s->lock);
    if (o->url != NULL)
        must(TEXT_SET(s->url, str_sub(str_of(o->url), 0, sizeof s->url - 1)));
    else
        snprintf(s->url, sizeof s->url, "%s://%s:%d", o->cert != NULL ? "https" : "http", o->listen,
                 front_port(front));
    pthread_mutex_unlock(&s->lock);
    rc = sender_open(s, &sender, why);
    if (rc == RC_OK) {
        snprintf(line, sizeof line, "{\"ready\":true,\"url\":\"%s\",\"port\":%d,\"pid\":%ld}\n", s->url,
                 front_port(front), (long)getpid());
        say(STDOUT_FILENO, line);
        wait_for_end(s, set);
    }
    front_close(&front);
    sender_close(&sender);
    struct fault ignored;
    return rc == RC_OK ? snapshot_save(s, &ignored) : rc;
}

int main(int argc, char **argv)
{
    struct options o;
    struct fault why = {.rc = RC_OK};
    static struct sim sim;
    sigset_t set;
    if (!options_read(argc, argv, &o))
        return say(STDERR_FILENO, usage);
    crypto_start();
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sim_init(&sim);
    enum rc rc = world_load(&sim, &o, &why);
    if (rc == RC_OK)
        rc = serve(&sim, &o, &set, &why);
    sim_release(&sim);
    if (rc == RC_OK)
        return 0;
    say(STDERR_FILENO, "tiktok-sim: ");
    say(STDERR_FILENO, why.detail);
    return say(STDERR_FILENO, "\n");
}
