/* utf8.c - code points of UTF-8: neither overlong, nor surrogates, nor above U+10FFFF */
#include "util/utf8.h"

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
