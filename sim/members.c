/* Reads and writes struct members by table (members.h). Pure. */
#include "members.h"
#include "model.h"

static bool read_one(const struct member *row, const struct json *m, unsigned char *at)
{
    switch (row->kind) {
    case MEMBER_IS_TEXT: {
        char text[2048];
        if (m->type != JSON_STR || row->size > sizeof text || !text_set(text, row->size, m->s))
            return false;
        memcpy(at, text, row->size < m->s.n + 1 ? row->size : m->s.n + 1);
        return true;
    }
    case MEMBER_IS_INT:
        if (m->type != JSON_INT)
            return false;
        memcpy(at, &m->i, sizeof m->i);
        return true;
    case MEMBER_IS_BOOL:
        if (m->type != JSON_BOOL)
            return false;
        memcpy(at, &m->b, sizeof m->b);
        return true;
    }
    return false;
}

bool member_read(const struct member *rows, size_t n, const struct json *m, void *to)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(str_of(rows[i].name), m->key))
            return read_one(&rows[i], m, (unsigned char *)to + rows[i].offset);
    return false;
}

void members_write(const struct member *rows, size_t n, const void *from, struct out *o)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned char *at = (const unsigned char *)from + rows[i].offset;
        int64_t number;
        bool yes;
        switch (rows[i].kind) {
        case MEMBER_IS_TEXT:
            out_cstr(o, rows[i].name, (const char *)at);
            break;
        case MEMBER_IS_INT:
            memcpy(&number, at, sizeof number);
            out_int(o, rows[i].name, number);
            break;
        case MEMBER_IS_BOOL:
            memcpy(&yes, at, sizeof yes);
            out_bool(o, rows[i].name, yes);
        }
    }
}
