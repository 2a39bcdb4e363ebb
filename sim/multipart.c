/* Cuts a multipart/form-data body at its boundary. A hand-set content type without a boundary, as clients
 * have sent, is refused here and answered with HTTP 400 above.
 */
#include "multipart.h"

/* The value of name=... or name="..." in a header value. */
static str parameter(str header, str name)
{
    size_t at;
    for (str rest = header; str_find(rest, name, &at); rest = str_sub(rest, at + name.n, rest.n)) {
        bool begins = at > 0 && (rest.p[at - 1] == ' ' || rest.p[at - 1] == ';');
        str value = str_sub(rest, at + name.n, rest.n);
        if (!begins || value.n == 0 || value.p[0] != '=')
            continue;
        value = str_sub(value, 1, value.n);
        bool quoted = value.n > 0 && value.p[0] == '"';
        value = quoted ? str_sub(value, 1, value.n) : value;
        size_t end = 0;
        while (end < value.n && value.p[end] != (quoted ? '"' : ';'))
            end++;
        return str_trim(str_sub(value, 0, end));
    }
    return STR_NONE;
}

static str header_of(str head, str name)
{
    while (head.n > 0) {
        size_t end;
        bool more = str_find(head, STR("\r\n"), &end);
        str line = more ? str_sub(head, 0, end) : head;
        head = more ? str_sub(head, end + 2, head.n) : STR_NONE;
        if (line.n > name.n && str_eq_nocase(str_sub(line, 0, name.n), name) && line.p[name.n] == ':')
            return str_trim(str_sub(line, name.n + 1, line.n));
    }
    return STR_NONE;
}

static bool part_read(str part, struct upload *out)
{
    size_t at;
    if (!str_find(part, STR("\r\n\r\n"), &at))
        return false;
    str head = str_sub(part, 0, at), body = str_sub(part, at + 4, part.n);
    str kind = header_of(head, STR("Content-Disposition"));
    str name = parameter(kind, STR("name")), file = parameter(kind, STR("filename"));
    if (!str_starts(kind, STR("form-data")) || name.n == 0)
        return false;
    if (file.p != NULL) {
        out->file_field = name;
        out->file_name = file;
        out->file_type = header_of(head, STR("Content-Type"));
        out->file = body;
        return true;
    }
    if (out->fields.n == FORM_MAX)
        return false;
    out->fields.at[out->fields.n++] = (struct field_pair){name, body};
    return true;
}

bool multipart_read(str content_type, str body, struct arena *mem, struct upload *out)
{
    str boundary = parameter(content_type, STR("boundary"));
    size_t at;
    *out = (struct upload){.file = STR_NONE};
    if (!str_starts(content_type, STR("multipart/form-data")) || boundary.n == 0 || boundary.n > 70)
        return false;
    str mark = arena_fmt(mem, "\r\n--" STR_FMT, STR_ARG(boundary));
    str first = str_sub(mark, 2, mark.n);
    if (mark.n == 0 || !str_starts(body, first))
        return false;
    str rest = str_sub(body, first.n, body.n);
    while (str_starts(rest, STR("\r\n")) && str_find(rest, mark, &at)) {
        if (!part_read(str_sub(rest, 2, at - 2), out))
            return false;
        rest = str_sub(rest, at + mark.n, rest.n);
    }
    return str_starts(rest, STR("--"));
}
