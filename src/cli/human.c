/*
 * human.c - strings as people read them: what is safe to print, how wide it is, numbers with units
 */
#include "human.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_continuation(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* Length of the UTF-8 sequence that the first byte announces; 0 if no sequence begins so. */
static size_t announced_length(unsigned char c)
{
    if (c < 0x80)
        return 1;
    if (c >= 0xC2 && c < 0xE0)
        return 2;
    if (c >= 0xE0 && c < 0xF0)
        return 3;
    return c >= 0xF0 && c < 0xF5 ? 4 : 0;
}

/* The second byte decides whether a sequence is overlong, a surrogate, or above U+10FFFF. */
static bool second_byte_fits(const unsigned char *s)
{
    switch (s[0]) {
    case 0xE0:
        return s[1] >= 0xA0;
    case 0xED:
        return s[1] < 0xA0;
    case 0xF0:
        return s[1] >= 0x90;
    case 0xF4:
        return s[1] < 0x90;
    default:
        return true;
    }
}

/* Length of the valid UTF-8 sequence at s; 0 if there is none. */
static size_t sequence_length(const unsigned char *s)
{
    size_t n = announced_length(s[0]);

    for (size_t i = 1; i < n; i++) {
        if (!is_continuation(s[i]))
            return 0;
    }
    return n > 1 && !second_byte_fits(s) ? 0 : n;
}

static bool is_control(const unsigned char *s, size_t len)
{
    return s[0] < 0x20 || s[0] == 0x7F || (len == 2 && s[0] == 0xC2 && s[1] < 0xA0);
}

bool human_is_utf8(const char *s)
{
    while (*s) {
        size_t n = sequence_length((const unsigned char *)s);

        if (n == 0)
            return false;
        s += n;
    }
    return true;
}

char *human_printable(const char *s)
{
    char *copy = malloc(4 * strlen(s) + 1);
    char *out = copy;

    while (copy && *s) {
        const unsigned char *bytes = (const unsigned char *)s;
        size_t n = sequence_length(bytes);

        if (n == 0 || is_control(bytes, n)) {
            out += sprintf(out, "\\x%02x", bytes[0]);
            s++;
        } else {
            out = mempcpy(out, s, n);
            s += n;
        }
    }
    if (copy)
        *out = '\0';
    return copy;
}

size_t human_width(const char *s)
{
    size_t width = 0;

    for (; *s; s++)
        width += !is_continuation((unsigned char)*s);
    return width;
}

size_t human_prefix(const char *s, size_t width)
{
    size_t i = 0;

    while (s[i] && (width > 0 || is_continuation((unsigned char)s[i]))) {
        width -= !is_continuation((unsigned char)s[i]);
        i++;
    }
    return i;
}

const char *human_grouped(struct human_number *b, uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
    char *out = b->s;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return b->s;
}

/* Three digits and the prefix of a power of 1000; the prefix " " is left out. */
static void scale(double *n, char *ret_prefix)
{
    static const char prefixes[] = " kMGTPE";
    size_t i = 0;

    for (; *n >= 999.5 && prefixes[i + 1]; i++)
        *n /= 1000;
    *ret_prefix = prefixes[i];
}

static int digits_after_point(double n, char prefix)
{
    if (prefix == ' ')
        return 0;
    if (n < 9.995)
        return 2;
    return n < 99.95 ? 1 : 0;
}

const char *human_short(struct human_number *b, double n)
{
    char prefix;

    scale(&n, &prefix);
    snprintf(b->s, sizeof(b->s), "%.*f%.*s", digits_after_point(n, prefix), n, prefix != ' ', &prefix);
    return b->s;
}

const char *human_bytes(struct human_number *b, double n)
{
    char prefix;

    scale(&n, &prefix);
    snprintf(b->s, sizeof(b->s), "%.*f %.*sB", digits_after_point(n, prefix), n, prefix != ' ', &prefix);
    return b->s;
}

const char *human_duration(struct human_number *b, double seconds)
{
    uint64_t s = seconds < 1e15 ? (uint64_t)(seconds + 0.5) : 0;

    if (s >= 3600)
        snprintf(b->s, sizeof(b->s), "%" PRIu64 ":%02u:%02u", s / 3600, (unsigned)(s / 60 % 60), (unsigned)(s % 60));
    else
        snprintf(b->s, sizeof(b->s), "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
    return b->s;
}
