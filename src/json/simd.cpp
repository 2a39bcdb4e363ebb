/* simdjson behind a C border. The DOM parser is used, because On-Demand does not validate what it skips.
 * Built without exceptions; a refused allocation of the parser's own is reported as an error, not thrown. One
 * parser per thread is kept, so that small texts cost no allocation; after a large text its memory is given
 * back.
 */
#include <simdjson.h>
#include "json/simd.h"

namespace
{
constexpr size_t keep_bytes = 256 * 1024; /* a parser that grew beyond this is not kept */

simdjson::dom::parser *&kept()
{
    struct holder {
        simdjson::dom::parser *p = nullptr;
        ~holder()
        {
            delete p;
        }
    };
    static thread_local holder h;
    return h.p;
}

bool report(const struct simd_events *ev, struct simd_value *v, simdjson::dom::element e, bool *known)
{
    using simdjson::dom::element_type;
    *known = true;
    switch (e.type()) {
    case element_type::NULL_VALUE:
        v->kind = SIMD_NULL;
        break;
    case element_type::BOOL: {
        bool b = false;
        if (e.get_bool().get(b) != simdjson::SUCCESS)
            *known = false;
        v->kind = SIMD_BOOL;
        v->i = b ? 1 : 0;
        break;
    }
    case element_type::INT64:
        v->kind = SIMD_INT;
        if (e.get_int64().get(v->i) != simdjson::SUCCESS)
            *known = false;
        break;
    case element_type::DOUBLE:
        v->kind = SIMD_DOUBLE;
        if (e.get_double().get(v->d) != simdjson::SUCCESS)
            *known = false;
        break;
    case element_type::STRING: {
        std::string_view s;
        if (e.get_string().get(s) != simdjson::SUCCESS)
            *known = false;
        v->kind = SIMD_STR;
        v->s = s.data();
        v->s_n = s.size();
        break;
    }
    case element_type::ARRAY:
        v->kind = SIMD_ARR;
        break;
    case element_type::OBJECT:
        v->kind = SIMD_OBJ;
        break;
    case element_type::UINT64: /* above INT64_MAX */
    default:
        *known = false;
        break;
    }
    return *known && ev->value(ev->arg, v) != 0;
}

/* Recursion is bounded by the events: the C side refuses to open what is deeper than its limit. */
bool walk(const struct simd_events *ev, struct simd_value v, simdjson::dom::element e, bool *known)
{
    if (!report(ev, &v, e, known))
        return false;
    if (v.kind == SIMD_ARR) {
        simdjson::dom::array a;
        if (e.get_array().get(a) != simdjson::SUCCESS)
            return false;
        for (simdjson::dom::element child : a) {
            if (!walk(ev, simd_value{}, child, known))
                return false;
        }
        return ev->end(ev->arg) != 0;
    }
    if (v.kind == SIMD_OBJ) {
        simdjson::dom::object o;
        if (e.get_object().get(o) != simdjson::SUCCESS)
            return false;
        for (simdjson::dom::key_value_pair field : o) {
            struct simd_value child = {};
            child.key = field.key.data();
            child.key_n = field.key.size();
            if (!walk(ev, child, field.value, known))
                return false;
        }
        return ev->end(ev->arg) != 0;
    }
    return true;
}

enum simd_result parse_and_walk(simdjson::dom::parser *p, std::string_view text, const struct simd_events *ev,
                                const char **reason)
{
    simdjson::dom::element root;
    simdjson::error_code err = p->parse(text.data(), text.size(), true).get(root);
    if (err == simdjson::DEPTH_ERROR)
        return SIMD_TOO_DEEP;
    if (err != simdjson::SUCCESS) {
        *reason = simdjson::error_message(err);
        return SIMD_MALFORMED;
    }
    bool known = true;
    if (walk(ev, simd_value{}, root, &known))
        return SIMD_OK;
    *reason = "an integer above 9223372036854775807";
    return known ? SIMD_STOPPED : SIMD_MALFORMED;
}
} // namespace

extern "C" enum simd_result simd_walk(const char *text, size_t n, const struct simd_events *ev,
                                      const char **reason)
{
    simdjson::dom::parser *&p = kept();
    *reason = "";
    if (p == nullptr)
        p = new (std::nothrow) simdjson::dom::parser();
    if (p == nullptr) {
        *reason = "no memory for the parser";
        return SIMD_MALFORMED;
    }
    enum simd_result r = parse_and_walk(p, std::string_view(text, n), ev, reason);
    if (p->capacity() > keep_bytes) {
        delete p;
        p = nullptr;
    }
    return r;
}
