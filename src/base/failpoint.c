/* Failpoints of test builds. The plan is read once, from the environment; passes are counted per point and
 * process. A malformed plan is a broken invariant: a test whose point silently does nothing proves nothing.
 */
#include "base/base.h"

#ifdef MZ_PLANT
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { PLANS = 16, LINE = 256 };
enum act { ACT_PASS, ACT_KILL, ACT_ERROR, ACT_UNSURE, ACT_STALL, ACTS };
static const char *const act_names[ACTS] = {"pass", "kill", "error", "unsure", "stall"};

struct plan {
    str point;
    enum act act;
    int64_t first, every;
    _Atomic int64_t passes;
};
static struct plan plans[PLANS];
static size_t n_plans;
static int log_fd = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static enum act act_of(str name)
{
    for (int i = ACT_KILL; i < ACTS; i++)
        if (str_eq(name, str_of(act_names[i])))
            return (enum act)i;
    must_failed("a known act in MZ_FAIL", __FILE__, __LINE__);
}

static void plan_read(str text)
{
    str point = STR_NONE, act = STR_NONE, first = STR_NONE;
    must(n_plans < PLANS);
    struct plan *p = &plans[n_plans++];
    bool good = str_cut(&text, '=', &point) && str_cut(&text, ':', &act) && str_cut(&text, ':', &first);
    must(good && str_to_i64(first, &p->first) && p->first > 0);
    must(text.n == 0 || (str_to_i64(text, &p->every) && p->every >= 0));
    p->point = point;
    p->act = act_of(act);
}

static void read_all(void)
{
    const char *file = getenv("MZ_FAIL_LOG"), *text = getenv("MZ_FAIL");
    str rest = text == NULL ? STR_NONE : str_of(text), one = STR_NONE;
    if (file != NULL && file[0] != '\0') {
        log_fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        must(log_fd >= 0);
    }
    while (str_cut(&rest, ';', &one))
        if (one.n > 0)
            plan_read(one);
}

static enum act act_now(const char *point)
{
    for (size_t i = 0; i < n_plans; i++) {
        struct plan *p = &plans[i];
        if (!str_eq(p->point, str_of(point)))
            continue;
        int64_t n = ++p->passes - p->first;
        if (n == 0 || (n > 0 && p->every > 0 && n % p->every == 0))
            return p->act;
    }
    return ACT_PASS;
}

static void note(const struct failpoint *p, enum act act, str object)
{
    char line[LINE];
    if (log_fd < 0)
        return;
    int n = snprintf(line, sizeof line, "%s %s " STR_FMT " %lld %d\n", p->name, act_names[act],
                     STR_ARG(object), (long long)clock_mono_ms(), (int)getpid());
    must(n > 0 && n < LINE && write(log_fd, line, (size_t)n) == n);
}

enum rc failpoint(const struct failpoint *p, str object, struct fault *why)
{
    must(pthread_once(&once, read_all) == 0);
    if (n_plans == 0 && log_fd < 0)
        return RC_OK;
    enum act act = act_now(p->name);
    note(p, act, object);
    const struct timespec stall = {.tv_sec = 2};
    switch (act) {
    case ACT_KILL:
        kill(getpid(), SIGKILL);
        pause();
        return RC_OK;
    case ACT_ERROR:
        return fault_set(why, RC_RETRY, "base.failpoint", "%s was made to fail", p->name);
    case ACT_UNSURE:
        return fault_set(why, RC_UNSURE, "base.failpoint", "%s was made unsure", p->name);
    case ACT_STALL:
        nanosleep(&stall, NULL);
        return RC_OK;
    case ACT_PASS:
    case ACTS:
        break;
    }
    return RC_OK;
}
#endif
