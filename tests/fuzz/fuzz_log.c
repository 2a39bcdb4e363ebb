/* Fuzz: log lines. Whatever the fields hold, one line leaves, it is one JSON object, and a token hidden in
 * the middle of the bytes does not leave with it. */
#include <sys/mman.h>
#include <unistd.h>
#include "json/json.h"
#include "observe/observe_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CANARY "act.CaNaRyCaNaRyCaNaRy0123"

static void check_line(int fd, struct arena *mem)
{
    char line[65536];
    ssize_t n = pread(fd, line, sizeof(line), 0);
    size_t at;
    must(n > 1 && line[n - 1] == '\n');
    str text = {line, (size_t)n - 1};
    const struct json *o = NULL;
    must(!str_find(text, STR("\n"), &at));
    must(json_parse(text, NULL, mem, &o, NULL) == RC_OK && o->type == JSON_OBJ);
    must(!str_find(text, STR("CaNaRyCaNaRy"), &at));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct log *log;
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("log", MFD_CLOEXEC);
        must(fd >= 0 && log_open(fd, LOG_DEBUG, &log, NULL) == RC_OK);
    }
    size_t at;
    if (size < 2 || str_find((str){(const char *)data, size}, STR("CaNaRy"), &at))
        return 0; /* the input itself says the word: nothing can be told */
    struct arena *mem = arena_open((size_t)32 << 20);
    str all = {(const char *)data, size};
    size_t cut = data[0] % size;
    str a = str_sub(all, 0, cut), b = str_sub(all, cut, size);
    str mixed = arena_fmt(mem, STR_FMT CANARY STR_FMT, STR_ARG(a), STR_ARG(b));
    struct buf joined;
    buf_init(&joined, mem, (size_t)1 << 20);
    buf_put(&joined, a);
    buf_put(&joined, STR(CANARY));
    buf_put(&joined, b);
    struct fault why;
    (void)fault_set(&why, RC_BUG, "fuzz", STR_FMT, STR_ARG(mixed));
    must(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    log_context(data[0] % 2 == 0 ? "request" : NULL, a);
    log_event(log, LOG_INFO, "fuzz", F_STR("a", buf_str(&joined)), F_ID("b", buf_str(&joined)),
              F_SECRET("c", a), F_PERSON("d", b), F_FAULT(&why), F_STR("e", b), F_INT("f", data[0]));
    check_line(fd, mem);
    arena_close(&mem);
    return 0;
}
