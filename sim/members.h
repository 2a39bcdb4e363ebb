/* JSON members of a struct as a table: one row reads and writes one member. Used by scenario, snapshot and
 * control. */
#ifndef SIM_MEMBERS_H
#define SIM_MEMBERS_H
#include "base/base.h"
#include "json/json.h"
#include "encode.h"

enum member_kind { MEMBER_IS_TEXT, MEMBER_IS_INT, MEMBER_IS_BOOL };
struct member {
    const char *name;
    enum member_kind kind;
    size_t offset, size;
};
#define MEMBER_TEXT(type, name, field)                                                                       \
    {                                                                                                        \
        (name), MEMBER_IS_TEXT, offsetof(type, field), sizeof(((type *)0)->field)                            \
    }
#define MEMBER_INT(type, name, field)                                                                        \
    {                                                                                                        \
        (name), MEMBER_IS_INT, offsetof(type, field), sizeof(((type *)0)->field)                             \
    }
#define MEMBER_BOOL(type, name, field)                                                                       \
    {                                                                                                        \
        (name), MEMBER_IS_BOOL, offsetof(type, field), sizeof(((type *)0)->field)                            \
    }
/* False: no row of that name, another type, or a text that is too long. */
bool member_read(const struct member *rows, size_t n, const struct json *m, void *to);
void members_write(const struct member *rows, size_t n, const void *from, struct out *o);
#endif
