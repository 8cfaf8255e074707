/* toml.cc -- the shim over toml++, the one C++ file of the command line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "toml.h"

#include <cstdio>
#include <exception>
#include <string>
#include <toml++/toml.h>
#include <vector>

static toml_kind kind_of(const toml::node &node, std::vector<std::string> &texts)
{
    if (auto s = node.as_string())
        return texts.push_back(s->get()), TOML_STRING;
    if (auto i = node.as_integer())
        return texts.push_back(std::to_string(i->get())), TOML_NUMBER;
    if (auto b = node.as_boolean())
        return texts.push_back(b->get() ? "true" : "false"), TOML_BOOL;
    if (auto list = node.as_array()) {
        for (auto &&item : *list) {
            if (!item.is_string())
                return TOML_OTHER;
            texts.push_back(item.as_string()->get());
        }
        return TOML_LIST;
    }
    return TOML_OTHER;
}

static bool visit_table(const toml::table &table, const std::string &prefix, toml_visit *visit,
                        void *ctx, struct err *err)
{
    for (auto &&[key, node] : table) {
        std::string name = prefix + std::string(key.str());
        if (auto inner = node.as_table()) {
            if (!visit_table(*inner, name + ".", visit, ctx, err))
                return false;
            continue;
        }
        std::vector<std::string> texts;
        std::vector<const char *> pointers;
        toml_kind kind = kind_of(node, texts);
        for (auto &text : texts)
            pointers.push_back(text.c_str());
        if (!visit(ctx, name.c_str(), node.source().begin.line, kind, pointers.data(),
                   pointers.size(), err))
            return false;
    }
    return true;
}

extern "C" bool toml_read(const char *path, toml_visit *visit, void *ctx, struct err *err)
{
    try {
        return visit_table(toml::parse_file(path), "", visit, ctx, err);
    } catch (const toml::parse_error &e) {
        if (e.source().begin)
            return err_set(err, "%s:%u: %s", path, (unsigned)e.source().begin.line, e.what());
        return err_set(err, "%s: %s", path, e.what());
    } catch (const std::exception &e) {
        return err_set(err, "%s: %s", path, e.what());
    }
}
