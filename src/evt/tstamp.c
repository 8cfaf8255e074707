/* tstamp.c -- reads points in time, and decides when an event happened.
 *
 * A device's clock may be wrong by years; its differences are right. So the time between creating
 * and sending is taken off the collector's clock, and only an application that sets true_tstamp
 * vouches for a time of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/tstamp.h"

static const int64_t ms_min = -INT64_C(62135596800000), ms_max = INT64_C(253402300799999);

bool tstamp_in_range(int64_t ms)
{
    return ms >= ms_min && ms <= ms_max;
}

/* n digits off the front. */
static bool take_digits(struct str *s, size_t n, int *out)
{
    int v = 0;
    if (s->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned)(s->p[i] - '0');
        if (digit > 9)
            return false;
        v = v * 10 + (int)digit;
    }
    s->p += n;
    s->n -= n;
    *out = v;
    return true;
}

static bool take_char(struct str *s, char c)
{
    if (s->n == 0 || *s->p != c)
        return false;
    s->p++;
    s->n--;
    return true;
}

static int days_in_month(int y, int m)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return days[m - 1] + (m == 2 && leap);
}

/* Days since 1970-01-01, counting years from March so that the leap day is a year's last. */
static int64_t days_from_date(int y, int m, int d)
{
    int64_t year = m <= 2 ? y - 1 : y;
    int64_t day_of_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

static bool take_fraction(struct str *s, int *ms)
{
    *ms = 0;
    if (!take_char(s, '.'))
        return true;
    int n = 0, weight = 100, digit;
    for (; n < 9 && take_digits(s, 1, &digit); n++, weight /= 10)
        *ms += digit * weight;
    return n > 0;
}

static bool take_offset(struct str *s, int *minutes)
{
    int h, m = 0;
    *minutes = 0;
    if (s->n == 0 || take_char(s, 'Z') || take_char(s, 'z'))
        return true;
    bool minus = *s->p == '-';
    if (!take_char(s, '+') && !take_char(s, '-'))
        return false;
    if (!take_digits(s, 2, &h))
        return false;
    if (s->n) {
        take_char(s, ':');
        if (!take_digits(s, 2, &m))
            return false;
    }
    *minutes = (h * 60 + m) * (minus ? -1 : 1);
    return h <= 18 && m <= 59;
}

/* Date, time of day and decimals off the front, as UTC. */
static bool take_moment(struct str *s, int64_t *out)
{
    int y, mo, d, h, mi, sec, ms;
    if (!take_digits(s, 4, &y) || !take_char(s, '-') || !take_digits(s, 2, &mo) ||
        !take_char(s, '-') || !take_digits(s, 2, &d))
        return false;
    if (!take_char(s, ' ') && !take_char(s, 'T') && !take_char(s, 't'))
        return false;
    if (!take_digits(s, 2, &h) || !take_char(s, ':') || !take_digits(s, 2, &mi) ||
        !take_char(s, ':') || !take_digits(s, 2, &sec))
        return false;
    if (!take_fraction(s, &ms))
        return false;
    if (y < 1 || mo < 1 || mo > 12 || d < 1 || d > days_in_month(y, mo) || h > 23 || mi > 59 ||
        sec > 59)
        return false;
    *out = ((days_from_date(y, mo, d) * 24 + h) * 60 + mi) * 60000 + sec * 1000 + ms;
    return true;
}

static bool parse_date(struct str s, int64_t *out)
{
    int offset;
    if (!take_moment(&s, out) || !take_offset(&s, &offset) || s.n)
        return false;
    *out -= offset * INT64_C(60000);
    return true;
}

bool tstamp_parse_enriched(struct str s, int64_t *out_ms)
{
    enum { BLANK_AT = 10 };
    return s.n > BLANK_AT && s.p[BLANK_AT] == ' ' && take_moment(&s, out_ms) && s.n == 0;
}

bool tstamp_parse(struct str s, int64_t *out_ms)
{
    int64_t ms;
    if (!str_i64(s, &ms) && !parse_date(s, &ms))
        return false;
    if (!tstamp_in_range(ms))
        return false;
    *out_ms = ms;
    return true;
}

int64_t tstamp_derive(const struct tstamp_sources *s, int64_t collector_ms)
{
    int64_t ms = collector_ms;
    if (s->derived)
        ms = *s->derived;
    else if (s->true_tstamp)
        ms = *s->true_tstamp;
    else if (s->dvce_created && s->dvce_sent && *s->dvce_created < *s->dvce_sent)
        ms = collector_ms - (*s->dvce_sent - *s->dvce_created);
    return MIN_OF(ms, collector_ms);
}
