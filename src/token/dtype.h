/*
 * dtype.h - integer types that tokens are stored in, and their conversion to uint32_t
 */
#ifndef TOKEN_DTYPE_H
#define TOKEN_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype { DTYPE_NONE, DTYPE_U8, DTYPE_I8, DTYPE_U16, DTYPE_I16, DTYPE_U32, DTYPE_I32, DTYPE_U64, DTYPE_I64 };

struct token_type {
    enum dtype dtype;
    bool big_endian;
};

/* "u16" ... "i64", with a suffix "be" for big-endian ("u16be"). */
const char *token_type_name(struct token_type t);
bool token_type_parse(const char *name, struct token_type *ret);

/* Bytes of one token: 1, 2, 4 or 8; 0 for DTYPE_NONE. */
size_t dtype_size(enum dtype d);

/*
 * Convert n tokens; bytes need no alignment.  A negative or too large value becomes UINT32_MAX (above
 * every vocabulary), so that one comparison later finds it with its offset.
 */
void tokens_decode(const void *bytes, struct token_type type, size_t n, uint32_t *ret);

#endif
