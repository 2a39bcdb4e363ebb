/* What every unit test includes first: cmocka and the headers it wants before itself. */
#ifndef MZ_UNIT_H
#define MZ_UNIT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#endif
