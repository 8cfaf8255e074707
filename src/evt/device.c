/* device.c -- what kind of device a user agent belongs to.
 *
 * This is no YAUAA. That library takes a user agent apart by its grammar and knows thousands of devices by name; this looks
 * for the words of one table (device_words.c) and draws the few conclusions below. It says no brand, no model and no version.
 * It uses YAUAA's values, and for what browsers send today it agrees with it nearly always: tests/unit/user_agents.tsv
 * measures how often, class by class. Where pipelines run the real one, its entity comes along and counts instead.
 *
 * An iPad that asks for desktop sites writes what a Mac writes; it is a Desktop here, as it is for YAUAA.
 *
 * One pass over at most DEVICE_UA_MAX bytes. At each only the words are compared that begin with the two bytes there, most of
 * them only where a word starts: so bytes that somebody has chosen to be slow are not much slower than others.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/device.h"

#include "evt/device_words.h"

enum { NO_WORD = DEVICE_WORDS, PAIRS = 256 };

static const char *const class_names[] = {
#define X(id, name) [CLASS_##id] = name,
    DEVICE_CLASS_TABLE(X)
#undef X
};
struct value {
    const char *name, *class;
};
static const struct value systems[] = {
#define X(id, name, class) [SYSTEM_##id] = {name, class},
    DEVICE_SYSTEM_TABLE(X)
#undef X
};
static const struct value agents[] = {
#define X(id, name, class) [AGENT_##id] = {name, class},
    DEVICE_AGENT_TABLE(X)
#undef X
};

/* The table by the first two bytes, what must start a word apart: chains of indices, ending in NO_WORD. */
struct chains {
    uint16_t starts[PAIRS], anywhere[PAIRS], next[DEVICE_WORDS];
};
struct found {
    unsigned class, system, agent; /* the words that count; NO_WORD: none */
    unsigned hints;
};

static const char *word_text(const struct device_word *w)
{
    return w->text + (*w->text == '^');
}

static unsigned pair_at(const char *text) /* different pairs may share a chain */
{
    return ((uint8_t)text[0] * 31u + (uint8_t)text[1]) % PAIRS;
}

static void link_words(struct chains *c)
{
    for (size_t i = 0; i < PAIRS; i++)
        c->starts[i] = c->anywhere[i] = NO_WORD;
    for (size_t i = DEVICE_WORDS; i-- > 0;) {
        const struct device_word *w = &device_words[i];
        uint16_t *heads = *w->text == '^' ? c->starts : c->anywhere;
        uint16_t *head = &heads[pair_at(word_text(w))];
        c->next[i] = *head;
        *head = (uint16_t)i;
    }
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* at is terminated, so a word never runs past its end. */
static bool stands(const char *word, const char *at)
{
    while (*word && *word == *at)
        word++, at++;
    return *word == 0 || (word[0] == '$' && word[1] == 0 && !is_alnum(*at));
}

static void try_words(const struct chains *c, unsigned k, const char *at, struct found *f)
{
    for (; k != NO_WORD; k = c->next[k]) {
        const struct device_word *w = &device_words[k];
        if (!stands(word_text(w), at))
            continue;
        f->class = w->class ? MIN_OF(f->class, k) : f->class;
        f->system = w->system ? MIN_OF(f->system, k) : f->system;
        f->agent = w->agent ? MIN_OF(f->agent, k) : f->agent;
        f->hints |= w->hints;
    }
}

static void look_up(const struct chains *c, const char *text, size_t n, struct found *f)
{
    *f = (struct found){NO_WORD, NO_WORD, NO_WORD, 0};
    bool start = true;
    for (size_t i = 0; i < n; start = !is_alnum(text[i++])) {
        unsigned pair = pair_at(text + i);
        try_words(c, c->anywhere[pair], text + i, f);
        if (start)
            try_words(c, c->starts[pair], text + i, f);
    }
}

/* Without any word we know: a name with a version or a comment is some program. What has neither form is, for YAUAA, somebody
 * who makes user agents up. */
static enum device_class class_of_form(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] == '/' || text[i] == '(' ||
            (text[i] == '.' && i && text[i - 1] >= '0' && text[i - 1] <= '9'))
            return CLASS_UNKNOWN;
    return CLASS_HACKER;
}

static enum device_class decide_class(const struct found *f, const char *text, size_t n)
{
    if (f->class == NO_WORD)
        return f->hints & HINT_BROWSER ? CLASS_UNKNOWN : class_of_form(text, n);
    enum device_class class = device_words[f->class].class;
    bool mobile = f->hints & HINT_MOBILE;
    switch (class) {
    case CLASS_HANDHELD:
        return !(f->hints & HINT_BROWSER) ? CLASS_MOBILE : mobile ? CLASS_PHONE : CLASS_TABLET;
    case CLASS_POCKET:
        return f->hints & HINT_BROWSER ? CLASS_PHONE : CLASS_MOBILE;
    case CLASS_ROBOT:
        return mobile ? CLASS_ROBOT_MOBILE : CLASS_ROBOT;
    default:
        return class;
    }
}

/* Browsers say what they are in several ways. */
static enum device_agent decide_agent(const struct found *f, enum device_system system)
{
    enum device_agent agent = f->agent == NO_WORD ? AGENT_NONE : device_words[f->agent].agent;
    bool android = system == SYSTEM_ANDROID || system == SYSTEM_FIREOS;
    if (agent == AGENT_NONE && system == SYSTEM_IOS && f->hints & HINT_BROWSER)
        return AGENT_IOS_WEBVIEW;
    if ((agent == AGENT_CHROME && f->hints & HINT_WEBVIEW) || (agent == AGENT_INSTAGRAM && android))
        return AGENT_ANDROID_WEBVIEW;
    if (agent == AGENT_OPERA && android)
        return f->hints & HINT_WEBVIEW ? AGENT_OPERA_MINI : AGENT_OPERA_MOBILE;
    if (agent == AGENT_SAFARI && android)
        return AGENT_STOCK_ANDROID;
    return agent;
}

static bool is_robot(enum device_class class)
{
    return class == CLASS_ROBOT || class == CLASS_ROBOT_MOBILE || class == CLASS_ROBOT_IMITATOR;
}

static const char *system_class(enum device_class class, enum device_system system)
{
    if (is_robot(class))
        return "Cloud";
    if (class == CLASS_CONSOLE || class == CLASS_HANDHELD_CONSOLE)
        return "Game Console";
    return class == CLASS_TV ? "Embedded" : systems[system].class;
}

static void fill(struct device *out, enum device_class class, enum device_system system,
                 enum device_agent agent)
{
    out->device_class = class_names[class];
    out->system_class = system_class(class, system);
    out->system_name = systems[system].name;
    out->agent_class = agents[agent].class;
    out->agent_name = agents[agent].name;
    if (is_robot(class)) {
        out->system_name = out->agent_name = NULL; /* what it runs on is not what it says */
        out->agent_class = "Robot";
    }
    if (class == CLASS_HACKER)
        out->system_class = out->system_name = out->agent_class = out->agent_name =
            out->device_class;
}

void device_classify(struct str ua, struct device *out)
{
    char text[DEVICE_UA_MAX + 1];
    size_t n = MIN_OF(ua.n, (size_t)DEVICE_UA_MAX);
    struct chains chains;
    struct found f;
    if (n == 0) {
        *out = (struct device){.device_class = class_names[CLASS_UNKNOWN]};
        return;
    }
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(ua.p[i] >= 'A' && ua.p[i] <= 'Z' ? ua.p[i] | 32 : ua.p[i]);
    text[n] = 0;
    link_words(&chains);
    look_up(&chains, text, n, &f);
    enum device_class class = decide_class(&f, text, n);
    enum device_system system = f.system == NO_WORD ? SYSTEM_NONE : device_words[f.system].system;
    fill(out, class, system, decide_agent(&f, system));
}
