/* json_dom.cc -- simdjson's document tree for C. The only C++ of this room; nothing it calls
 * throws.
 *
 * A node is an element's two words, copied. simdjson validates the whole text, UTF-8 included,
 * while it builds the tree, so walking one cannot fail.
 * SPDX-License-Identifier: Apache-2.0 */
#include <simdjson.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <type_traits>

extern "C" {
#include "evt/json_dom.h"
}

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

static_assert(JSON_PADDING >= simdjson::SIMDJSON_PADDING,
              "simdjson reads no further than what callers promise");

template <class T> static json_node node_of(const T &t)
{
    static_assert(sizeof(T) == sizeof(json_node) && std::is_trivially_copyable<T>::value,
                  "a handle of two words");
    json_node n;
    memcpy(&n, &t, sizeof(n));
    return n;
}

template <class T> static T handle_of(const json_node &n)
{
    static_assert(sizeof(T) == sizeof(json_node) && std::is_trivially_copyable<T>::value,
                  "a handle of two words");
    alignas(T) unsigned char bytes[sizeof(T)];
    memcpy(bytes, &n, sizeof(n));
    return *std::launder(reinterpret_cast<T *>(bytes));
}

/* Asked for the type that it has, an element cannot refuse. */
template <class T, class R> static T take(R &&result)
{
    T t{};
    if (std::forward<R>(result).get(t))
        abort();
    return t;
}

struct json_parser {
    simdjson::dom::parser parser;
    simdjson::dom::document doc;
};

extern "C" struct json_parser *json_parser_new(void)
{
    json_parser *p = new (std::nothrow) json_parser;
    if (!p)
        abort();
    return p;
}

extern "C" void json_parser_free(struct json_parser *p)
{
    delete p;
}

/* Powers of two, so that a slowly growing text does not move the memory each time. */
static simdjson::error_code make_room(json_parser *p, size_t n)
{
    if (p->parser.capacity() >= n && p->doc.capacity() >= n)
        return simdjson::SUCCESS;
    size_t room = 1024;
    while (room < n)
        room *= 2;
    simdjson::error_code error = p->doc.allocate(room);
    return error ? error : p->parser.allocate(room, JSON_DEPTH_MAX);
}

extern "C" bool json_parse(struct json_parser *p, struct str text, struct json_node *root,
                           struct err *err)
{
    simdjson::error_code error =
        text.n > UINT32_MAX / 2 ? simdjson::CAPACITY : make_room(p, text.n);
    if (error == simdjson::MEMALLOC)
        abort();
    element e;
    if (!error)
        error = p->parser.parse_into_document(p->doc, text.p, text.n, false).get(e);
    if (error == simdjson::DEPTH_ERROR)
        return err_set(err, "bad JSON: nested more than %d deep", JSON_DEPTH_MAX);
    if (error)
        return err_set(err, "bad JSON: %s", simdjson::error_message(error));
    *root = node_of(e);
    return true;
}

static val of_string(element e)
{
    val v = {};
    v.type = VAL_STR;
    v.n = (uint32_t)take<size_t>(e.get_string_length());
    v.s = take<const char *>(e.get_c_str());
    return v;
}

extern "C" struct val json_val(struct json_node n)
{
    element e = handle_of<element>(n);
    val v = {};
    switch (e.type()) {
    case element_type::STRING:
        return of_string(e);
    case element_type::INT64:
        v.type = VAL_INT;
        v.i = take<int64_t>(e.get_int64());
        break;
    case element_type::UINT64: /* simdjson's type for those above INT64_MAX only */
        v.type = VAL_DBL;
        v.d = (double)take<uint64_t>(e.get_uint64());
        break;
    case element_type::DOUBLE:
        v.type = VAL_DBL;
        v.d = take<double>(e.get_double());
        break;
    case element_type::BOOL:
        v.type = VAL_BOOL;
        v.b = take<bool>(e.get_bool());
        break;
    case element_type::ARRAY:
        v.type = VAL_LIST;
        break;
    case element_type::OBJECT:
        v.type = VAL_DICT;
        break;
    case element_type::NULL_VALUE:
        break;
    }
    return v;
}

extern "C" size_t json_list_size(struct json_node list)
{
    array a = take<array>(handle_of<element>(list).get_array());
    size_t n = 0;
    for (auto it = a.begin(), end = a.end(); it != end; ++it) /* its own count stops at 2^24 */
        n++;
    return n;
}

extern "C" struct json_iter json_list_walk(struct json_node list)
{
    array a = take<array>(handle_of<element>(list).get_array());
    return {node_of(a.begin()), node_of(a.end())};
}

extern "C" bool json_list_next(struct json_iter *it, struct json_node *item)
{
    array::iterator at = handle_of<array::iterator>(it->at),
                    end = handle_of<array::iterator>(it->end);
    if (!(at != end))
        return false;
    *item = node_of(*at);
    ++at;
    it->at = node_of(at);
    return true;
}

extern "C" struct json_iter json_dict_walk(struct json_node dict)
{
    object o = take<object>(handle_of<element>(dict).get_object());
    return {node_of(o.begin()), node_of(o.end())};
}

extern "C" bool json_dict_next(struct json_iter *it, struct str *key, struct json_node *value)
{
    object::iterator at = handle_of<object::iterator>(it->at),
                     end = handle_of<object::iterator>(it->end);
    if (!(at != end))
        return false;
    key->p = at.key_c_str();
    key->n = at.key_length();
    *value = node_of(at.value());
    ++at;
    it->at = node_of(at);
    return true;
}
