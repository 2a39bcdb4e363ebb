/* Functions this project does not use, because each has a safer neighbour in base. Using one is a compile
 * error. */
#ifndef MZ_BANNED_H
#define MZ_BANNED_H
#ifndef __cplusplus
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __clang__
#pragma clang diagnostic ignored "-Wunknown-warning-option"
#endif
/* glibc makes some of them macros, and a macro cannot be poisoned. */
#undef alloca
#undef sprintf
#undef vsprintf
#pragma GCC poison sprintf vsprintf strcpy strcat strtok strtok_r atoi atol atof gets
#pragma GCC poison gmtime localtime ctime asctime alloca rand srand system popen tmpnam strerror
#ifndef MZ_BASE_ROOM
#pragma GCC poison malloc calloc realloc
#endif
#endif
#endif
