/* utf8.h - whether bytes are UTF-8, and which code points they are */
#ifndef UTIL_UTF8_H
#define UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The code point at s, and its bytes in *ret_len; UINT32_MAX and 1 where s is not UTF-8. */
uint32_t utf8_decode(const char *s, size_t *ret_len);
bool utf8_is_valid(const char *s);

#endif
