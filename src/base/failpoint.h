/* Failpoints: places where a test kills the process or makes an outcome fail, named by rows of the room that
 * holds them. They exist in builds with -Dplant=true; elsewhere failpoint() is constant RC_OK.
 *
 * MZ_FAIL names what acts: "point=act:first[:every];...". The pass number `first` of that point in this
 * process acts, then each `every`-th after it (absent or 0: once). Acts: kill (SIGKILL to the own process),
 * error (RC_RETRY "base.failpoint"), unsure (RC_UNSURE "base.failpoint"), stall (two seconds). MZ_FAIL_LOG
 * names a file to which every pass appends one line: "point act object mono_ms pid", act "pass" when none
 * acted. The line is written before the act, so the file tells what a killed process had reached.
 */
#ifndef MZ_BASE_FAILPOINT_H
#define MZ_BASE_FAILPOINT_H
#include "base/base.h"

struct failpoint {
    const char *name, *doc; /* "refresh.answered", and what stands between it and its neighbours */
};
#ifdef MZ_PLANT
MUSTCHECK enum rc failpoint(const struct failpoint *p, str object, struct fault *why);
#else
#define failpoint(p, object, why) ((void)(p), (void)(object), (void)(why), (enum rc)RC_OK)
#endif
#endif
