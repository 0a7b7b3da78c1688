#include "report/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_finish(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

char *text_take(struct text *t)
{
    char *data;

    text_add(t, ""); /* an empty text is a string too */
    data = t->failed ? NULL : t->data;
    if (t->failed)
        free(t->data);
    *t = (struct text){0};
    return data;
}

static bool reserve(struct text *t, size_t len)
{
    size_t cap = t->cap ? t->cap : 256;
    char *data;

    if (t->failed)
        return false;
    if (t->data && len < t->cap - t->len)
        return true;
    while (cap - t->len <= len) {
        if (cap > SIZE_MAX / 2) {
            t->failed = true;
            return false;
        }
        cap *= 2;
    }
    data = realloc(t->data, cap);
    t->failed = !data;
    if (!data)
        return false;
    t->data = data;
    t->cap = cap;
    return true;
}

void text_add_bytes(struct text *t, const char *s, size_t len)
{
    if (!reserve(t, len))
        return;
    memcpy(t->data + t->len, s, len);
    t->len += len;
    t->data[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
    text_add_bytes(t, s, strlen(s));
}

void text_addf(struct text *t, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0 || !reserve(t, (size_t)len))
        return;
    va_start(args, fmt);
    vsnprintf(t->data + t->len, (size_t)len + 1, fmt, args);
    va_end(args);
    t->len += (size_t)len;
}

/* Bytes of the sequence that starts with this byte; 0 if none does. */
static size_t sequence_len(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first < 0xE0)
        return 2;
    if (first >= 0xE0 && first < 0xF0)
        return 3;
    return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

uint32_t utf8_decode(const char *s, size_t *ret_len)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *u = (const unsigned char *)s;
    size_t len = sequence_len(u[0]);
    uint32_t c = len <= 1 ? u[0] : u[0] & (0xFFu >> (len + 1));

    *ret_len = 1;
    if (len == 0)
        return UINT32_MAX;
    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xC0) != 0x80)
            return UINT32_MAX;
        c = c << 6 | (u[i] & 0x3Fu);
    }
    if (c < smallest[len] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return UINT32_MAX;
    *ret_len = len;
    return c;
}

bool utf8_is_valid(const char *s)
{
    size_t len;

    for (; *s; s += len)
        if (utf8_decode(s, &len) == UINT32_MAX)
            return false;
    return true;
}
