/* safe_format.c -- string.format as Lua 5.1 has it, with widths below a hundred, and tostring
 * without addresses.
 * SPDX-License-Identifier: Apache-2.0 */
#include <lauxlib.h>
#include <math.h>

#include "script/box.h"
#include "script/safe.h"

const char *safe_to_text(lua_State *L, int index, size_t *n)
{
    safe_check_stack(L);
    if (luaL_callmeta(L, index, "__tostring")) {
        if (!lua_isstring(L, -1))
            luaL_error(L, "'__tostring' must return a string");
        return lua_tolstring(L, -1, n);
    }
    switch (lua_type(L, index)) {
    case LUA_TNUMBER:
    case LUA_TSTRING:
        lua_pushvalue(L, index);
        break;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
        break;
    default:
        lua_pushstring(L, luaL_typename(L, index));
    }
    return lua_tolstring(L, -1, n);
}

int safe_tostring(lua_State *L)
{
    size_t n;
    luaL_checkany(L, 1);
    safe_to_text(L, 1, &n);
    return 1;
}

/* One directive: "%-05.2" as written, without its letter; room is left for a length and the
 * letter. */
struct directive {
    char text[16];
    size_t n;
    bool left;
    int width, precision; /* -1: none */
};

static int read_two_digits(const char **s, const char *end)
{
    int value = 0;
    for (int i = 0; i < 2 && *s < end && **s >= '0' && **s <= '9'; i++)
        value = value * 10 + *(*s)++ - '0';
    return value;
}

/* Reads flags, width and precision at *p. */
static void read_directive(lua_State *L, const char **p, const char *end, struct directive *d)
{
    const char *s = *p;
    *d = (struct directive){.precision = -1};
    while (s < end && *s && strchr("-+ #0", *s))
        d->left |= *s++ == '-';
    if (s - *p > 5)
        luaL_error(L, "invalid format (repeated flags)");
    d->width = read_two_digits(&s, end);
    if (s < end && *s == '.') {
        s++;
        d->precision = read_two_digits(&s, end);
    }
    if (s < end && *s >= '0' && *s <= '9')
        luaL_error(L, "invalid format (width or precision too long)");
    d->text[0] = '%';
    d->n = (size_t)(s - *p) + 1;
    memcpy(d->text + 1, *p, d->n - 1);
    *p = s;
}

static void end_directive(struct directive *d, const char *letters)
{
    snprintf(d->text + d->n, sizeof(d->text) - d->n, "%s", letters);
}

/* A number as an integer: cut towards zero, and held within int64; NaN is 0. */
static long long to_integer(lua_Number x)
{
    if (isnan(x))
        return 0;
    if (x >= 0x1p63)
        return INT64_MAX;
    return x < -0x1p63 ? INT64_MIN : (long long)x;
}

static unsigned long long to_unsigned(lua_Number x)
{
    if (!(x >= 0))
        return (unsigned long long)to_integer(x);
    return x >= 0x1p64 ? UINT64_MAX : (unsigned long long)x;
}

/* A string as Lua would read it back. */
static void add_quoted(luaL_Buffer *b, const char *s, size_t n)
{
    luaL_addchar(b, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        char code[8];
        if (c == '"' || c == '\\' || c == '\n') {
            luaL_addchar(b, '\\');
            luaL_addchar(b, (char)c);
        } else if (c < 32 || c == 127) {
            bool digit = i + 1 < n && s[i + 1] >= '0' && s[i + 1] <= '9';
            snprintf(code, sizeof(code), digit ? "\\%03u" : "\\%u", c);
            luaL_addstring(b, code);
        } else {
            luaL_addchar(b, (char)c);
        }
    }
    luaL_addchar(b, '"');
}

/* %s. The text lies on the stack, above the buffer's own pieces: either the buffer takes it from
 * there as it is, or what is wanted of it, which is short then, is copied before the buffer is
 * touched. */
static void add_text(lua_State *L, luaL_Buffer *b, int arg, const struct directive *d,
                     size_t *total)
{
    size_t n;
    const char *s = safe_to_text(L, arg, &n);
    if (d->precision < 0 && n >= (size_t)d->width) {
        *total += n;
        safe_check_size(L, *total);
        luaL_addvalue(b);
        return;
    }
    char out[100];
    n = d->precision >= 0 ? MIN_OF(n, (size_t)d->precision) : n;
    size_t size = MAX_OF(n, (size_t)d->width);
    memset(out, ' ', size);
    memcpy(d->left ? out : out + size - n, s, n);
    lua_pop(L, 1);
    luaL_addlstring(b, out, size);
}

static void add_number(lua_State *L, luaL_Buffer *b, int arg, struct directive *d, char letter)
{
    char out[512], letters[4] = {letter};
    int size = 0;
    switch (letter) {
    case 'c':
        end_directive(d, letters);
        size = snprintf(out, sizeof(out), d->text,
                        (int)(unsigned char)to_integer(luaL_checknumber(L, arg)));
        break;
    case 'd':
    case 'i':
        end_directive(d, (char[]){'l', 'l', letter, 0});
        size = snprintf(out, sizeof(out), d->text, to_integer(luaL_checknumber(L, arg)));
        break;
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        end_directive(d, (char[]){'l', 'l', letter, 0});
        size = snprintf(out, sizeof(out), d->text, to_unsigned(luaL_checknumber(L, arg)));
        break;
    default: /* of %.99f at most 310 + 1 + 99 bytes */
        end_directive(d, letters);
        size = snprintf(out, sizeof(out), d->text, luaL_checknumber(L, arg));
    }
    luaL_addlstring(b, out, (size_t)size);
}

int safe_format(lua_State *L)
{
    size_t n, total = 0;
    int top = lua_gettop(L), arg = 1;
    const char *p = luaL_checklstring(L, 1, &n), *end = p + n;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    while (p < end) {
        if (*p != '%') {
            luaL_addchar(&b, *p++);
            continue;
        }
        if (++p < end && *p == '%') {
            luaL_addchar(&b, *p++);
            continue;
        }
        struct directive d;
        read_directive(L, &p, end, &d);
        char letter = p < end ? *p++ : 0;
        if (!letter || !strchr("cdiouxXeEfgGqs", letter))
            return luaL_error(L, "invalid option '%%%c' to 'format'", letter ? letter : ' ');
        if (++arg > top)
            luaL_argerror(L, arg, "value expected");
        if (letter == 's') {
            add_text(L, &b, arg, &d, &total);
        } else if (letter == 'q') {
            size_t n_text;
            const char *s = luaL_checklstring(L, arg, &n_text);
            total += n_text;
            safe_check_size(L, total);
            add_quoted(&b, s, n_text);
        } else {
            add_number(L, &b, arg, &d, letter);
        }
    }
    luaL_pushresult(&b);
    return 1;
}
