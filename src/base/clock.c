/* Clocks. The wall clock carries a virtual offset in test builds, so that a year of token life runs in
 * seconds; the monotonic clock never does, because socket deadlines stand on it. MZ_CLOCK names an 8 byte
 * file that holds the offset: daemons and simulator that map the same file move together. A file that cannot
 * be mapped ends the process. time_iso is plain calendar arithmetic: no time zone, no libc state. */
#include "base/base.h"

#ifdef MZ_TEST
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file of MZ_CLOCK is little-endian");
static _Atomic int64_t own_ms;
static _Atomic int64_t *virtual_ms = &own_ms; /* own_ms, or the mapped file */
static pthread_once_t mapped = PTHREAD_ONCE_INIT;

static void map_file(void)
{
    const char *path = getenv("MZ_CLOCK");
    struct stat st;
    if (path == NULL || path[0] == '\0')
        return;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    must(fd >= 0 && fstat(fd, &st) == 0);
    if (st.st_size < (off_t)sizeof(own_ms))
        must(ftruncate(fd, (off_t)sizeof(own_ms)) == 0);
    void *p = mmap(NULL, sizeof(own_ms), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must(p != MAP_FAILED);
    (void)close(fd);
    virtual_ms = p;
}

static _Atomic int64_t *offset_at(void)
{
    must(pthread_once(&mapped, map_file) == 0);
    return virtual_ms;
}
#endif

static int64_t read_clock(clockid_t id, int64_t per_second)
{
    struct timespec ts;
    must(clock_gettime(id, &ts) == 0);
    return (int64_t)ts.tv_sec * per_second + (int64_t)ts.tv_nsec / (1000000000 / per_second);
}

int64_t clock_offset_ms(void)
{
#ifdef MZ_TEST
    return *offset_at();
#else
    return 0;
#endif
}

int64_t clock_now_ms(void)
{
    return read_clock(CLOCK_REALTIME, 1000) + clock_offset_ms();
}

int64_t clock_mono_ms(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000);
}

int64_t clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000000);
}

void clock_shift_ms(int64_t delta)
{
#ifdef MZ_TEST
    *offset_at() += delta;
#else
    must(delta == 0); /* virtual time exists in test builds only */
#endif
}

bool clock_shared(void)
{
#ifdef MZ_TEST
    return offset_at() != &own_ms;
#else
    return false;
#endif
}

#define DAY_MS 86400000
#define FIRST_MS (-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define LAST_MS 253402300799999    /* 9999-12-31T23:59:59.999Z */

/* Days since 1970-01-01 to a date of the proleptic Gregorian calendar; years begin in March so that the
 * leap day is the last one. */
static void date_of(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468; /* days since 0000-03-01 */
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (unsigned)((int64_t)yoe + era * 400 + (*month <= 2 ? 1 : 0));
}

static void put_digits(char *at, unsigned v, int n)
{
    while (n-- > 0) {
        at[n] = (char)('0' + v % 10);
        v /= 10;
    }
}

const char *time_iso(int64_t ms, char out[TIME_TEXT])
{
    if (ms < FIRST_MS)
        ms = FIRST_MS;
    if (ms > LAST_MS)
        ms = LAST_MS;
    int64_t days = (ms >= 0 ? ms : ms - (DAY_MS - 1)) / DAY_MS;
    unsigned in_day = (unsigned)(ms - days * DAY_MS);
    unsigned year, month, day;
    date_of(days, &year, &month, &day);
    memcpy(out, "0000-00-00T00:00:00.000Z", TIME_TEXT);
    put_digits(out, year, 4);
    put_digits(out + 5, month, 2);
    put_digits(out + 8, day, 2);
    put_digits(out + 11, in_day / 3600000, 2);
    put_digits(out + 14, in_day / 60000 % 60, 2);
    put_digits(out + 17, in_day / 1000 % 60, 2);
    put_digits(out + 20, in_day % 1000, 3);
    return out;
}
