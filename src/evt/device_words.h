/* device_words.h -- what words of user agents can tell of a device: its class, its system, its agent.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_DEVICE_WORDS_H
#define EVT_DEVICE_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* The values are YAUAA's. */
#define DEVICE_CLASS_TABLE(X)                                                                      \
    X(UNKNOWN, "Unknown")                                                                          \
    X(HACKER, "Hacker")                                                                            \
    X(ROBOT, "Robot")                                                                              \
    X(ROBOT_MOBILE, "Robot Mobile")                                                                \
    X(ROBOT_IMITATOR, "Robot Imitator")                                                            \
    X(ANONYMIZED, "Anonymized")                                                                    \
    X(DESKTOP, "Desktop")                                                                          \
    X(PHONE, "Phone")                                                                              \
    X(TABLET, "Tablet")                                                                            \
    X(MOBILE, "Mobile")                                                                            \
    X(TV, "TV")                                                                                    \
    X(SET_TOP, "Set-top box")                                                                      \
    X(CONSOLE, "Game Console")                                                                     \
    X(HANDHELD_CONSOLE, "Handheld Game Console")                                                   \
    X(WATCH, "Watch")                                                                              \
    X(CAR, "Car")                                                                                  \
    X(EREADER, "eReader")                                                                          \
    X(VOICE, "Voice")                                                                              \
    X(VR, "Virtual Reality")                                                                       \
    X(AR, "Augmented Reality")

#define DEVICE_SYSTEM_TABLE(X)                                                                     \
    X(WINDOWS, "Windows NT", "Desktop")                                                            \
    X(WINDOWS_9X, "Windows 9x", "Desktop")                                                         \
    X(WINDOWS_CE, "Windows CE", "Mobile")                                                          \
    X(WINDOWS_PHONE, "Windows Phone", "Mobile")                                                    \
    X(MAC, "Mac OS", "Desktop")                                                                    \
    X(IOS, "iOS", "Mobile")                                                                        \
    X(WATCHOS, "watchOS", "Mobile")                                                                \
    X(ANDROID, "Android", "Mobile")                                                                \
    X(FIREOS, "FireOS", "Mobile")                                                                  \
    X(HARMONYOS, "HarmonyOS", "Mobile")                                                            \
    X(KAIOS, "KaiOS", "Mobile")                                                                    \
    X(CHROMEOS, "Chrome OS", "Desktop")                                                            \
    X(LINUX, "Linux", "Desktop")                                                                   \
    X(UBUNTU, "Ubuntu", "Desktop")                                                                 \
    X(KUBUNTU, "Kubuntu", "Desktop")                                                               \
    X(DEBIAN, "Debian", "Desktop")                                                                 \
    X(FEDORA, "Fedora", "Desktop")                                                                 \
    X(SUSE, "SUSE", "Desktop")                                                                     \
    X(FREEBSD, "FreeBSD", "Desktop")                                                               \
    X(OPENBSD, "OpenBSD", "Desktop")                                                               \
    X(TIZEN, "Tizen", "Mobile")                                                                    \
    X(WEBOS, "WebOS", "Embedded")                                                                  \
    X(NETTV, "NETTV", "Embedded")                                                                  \
    X(ROKU, "Roku OS", "Embedded")                                                                 \
    X(NINTENDO, "Nintendo", "Game Console")                                                        \
    X(PS3, "CellOS", "Game Console")                                                               \
    X(PS4, "Orbis OS", "Game Console")                                                             \
    X(PS5, "PS5 OS", "Game Console")

#define DEVICE_AGENT_TABLE(X)                                                                      \
    X(CHROME, "Chrome", "Browser")                                                                 \
    X(CHROMIUM, "Chromium", "Browser")                                                             \
    X(SAFARI, "Safari", "Browser")                                                                 \
    X(FIREFOX, "Firefox", "Browser")                                                               \
    X(EDGE, "Edge", "Browser")                                                                     \
    X(OPERA, "Opera", "Browser")                                                                   \
    X(OPERA_MOBILE, "Opera Mobile", "Browser")                                                     \
    X(OPERA_MINI, "Opera Mini", "Browser")                                                         \
    X(OPERA_TOUCH, "Opera Touch", "Browser")                                                       \
    X(SAMSUNG, "SamsungBrowser", "Browser")                                                        \
    X(EXPLORER, "Internet Explorer", "Browser")                                                    \
    X(IE_MOBILE, "IE Mobile", "Browser")                                                           \
    X(YANDEX, "Yandex Browser", "Browser")                                                         \
    X(UC, "UCBrowser", "Browser")                                                                  \
    X(SILK, "Silk", "Browser")                                                                     \
    X(DUCKDUCKGO, "DuckDuckGo", "Browser")                                                         \
    X(ECOSIA, "Ecosia", "Browser")                                                                 \
    X(HUAWEI, "Huawei Browser", "Browser")                                                         \
    X(VIVALDI, "Vivaldi", "Browser")                                                               \
    X(MI, "Mi Browser", "Browser")                                                                 \
    X(OCULUS, "OculusBrowser", "Browser")                                                          \
    X(LG, "LG Browser", "Browser")                                                                 \
    X(STOCK_ANDROID, "Stock Android Browser", "Browser")                                           \
    X(ANDROID_WEBVIEW, "Chrome Webview", "Browser Webview")                                        \
    X(IOS_WEBVIEW, "UIWebView", "Browser Webview")                                                 \
    X(INSTAGRAM, "Instagram", "Mobile App")                                                        \
    X(TIKTOK, "TikTok", "Mobile App")                                                              \
    X(SNAPCHAT, "Snapchat", "Mobile App")                                                          \
    X(WECHAT, "WeChat", "Mobile App")                                                              \
    X(LINE, "Line", "Mobile App")                                                                  \
    X(TWITTER, "Twitter for iPhone", "Mobile App")                                                 \
    X(ELECTRON, NULL, "Desktop App")                                                               \
    X(HEADLESS, "Chrome", "Robot")

enum device_class {
    CLASS_NONE, /* a word says nothing of it */
#define X(id, ...) CLASS_##id,
    DEVICE_CLASS_TABLE(X)
#undef X
        CLASS_HANDHELD, /* in a browser, Phone if it says mobile and Tablet if not; elsewhere Mobile */
    CLASS_POCKET,       /* in a browser Phone; elsewhere Mobile */
};
enum device_system {
    SYSTEM_NONE,
#define X(id, ...) SYSTEM_##id,
    DEVICE_SYSTEM_TABLE(X)
#undef X
};
enum device_agent {
    AGENT_NONE,
#define X(id, ...) AGENT_##id,
    DEVICE_AGENT_TABLE(X)
#undef X
};
enum device_hint {
    HINT_BROWSER = 1, /* it has the form that browsers share */
    HINT_MOBILE = 2,
    HINT_WEBVIEW = 4,
};

/* In lower case. ^ in front: only where a word starts. $ behind: only where one ends. */
struct device_word {
    const char *text;
    uint8_t class, system, agent, hints;
};
/* Of the words that a user agent has, the first that says something of a thing counts for that thing; hints add up. */
extern const struct device_word device_words[];
enum { DEVICE_WORDS = 254 };

#endif
