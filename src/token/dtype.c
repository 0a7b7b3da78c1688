#include "token/dtype.h"

#include <endian.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [DTYPE_NONE] = {"none", 0}, [DTYPE_U8] = {"u8", 1},   [DTYPE_I8] = {"i8", 1},
    [DTYPE_U16] = {"u16", 2},   [DTYPE_I16] = {"i16", 2}, [DTYPE_U32] = {"u32", 4},
    [DTYPE_I32] = {"i32", 4},   [DTYPE_U64] = {"u64", 8}, [DTYPE_I64] = {"i64", 8},
};

static const char *const big_endian_names[] = {
    [DTYPE_NONE] = "none", [DTYPE_U8] = "u8",     [DTYPE_I8] = "i8",     [DTYPE_U16] = "u16be", [DTYPE_I16] = "i16be",
    [DTYPE_U32] = "u32be", [DTYPE_I32] = "i32be", [DTYPE_U64] = "u64be", [DTYPE_I64] = "i64be",
};

const char *token_type_name(struct token_type t)
{
    return t.big_endian ? big_endian_names[t.dtype] : types[t.dtype].name;
}

bool token_type_parse(const char *name, struct token_type *ret)
{
    for (int d = DTYPE_U8; d <= DTYPE_I64; d++) {
        bool big = strcmp(name, big_endian_names[d]) == 0 && types[d].size > 1;

        if (big || strcmp(name, types[d].name) == 0) {
            *ret = (struct token_type){(enum dtype)d, big};
            return true;
        }
    }
    return false;
}

size_t dtype_size(enum dtype d)
{
    return types[d].size;
}

/* One loop a type, so that each vectorises; memcpy because bytes may lie anywhere. */
#define DECODE(type, swap, is_token)                                                                                   \
    for (size_t i = 0; i < n; i++) {                                                                                   \
        type x;                                                                                                        \
        memcpy(&x, from + i * sizeof(x), sizeof(x));                                                                   \
        x = (type)swap(x);                                                                                             \
        ret[i] = is_token ? (uint32_t)x : UINT32_MAX;                                                                  \
    }                                                                                                                  \
    break
#define AS_IT_IS(x) (x)

static void decode_little(const unsigned char *from, enum dtype dtype, size_t n, uint32_t *ret)
{
    switch (dtype) {
    case DTYPE_NONE:
        break;
    case DTYPE_U8:
        DECODE(uint8_t, AS_IT_IS, true);
    case DTYPE_I8:
        DECODE(int8_t, AS_IT_IS, x >= 0);
    case DTYPE_U16:
        DECODE(uint16_t, le16toh, true);
    case DTYPE_I16:
        DECODE(int16_t, le16toh, x >= 0);
    case DTYPE_U32:
        DECODE(uint32_t, le32toh, true);
    case DTYPE_I32:
        DECODE(int32_t, le32toh, x >= 0);
    case DTYPE_U64:
        DECODE(uint64_t, le64toh, x < UINT32_MAX);
    case DTYPE_I64:
        DECODE(int64_t, le64toh, (x >= 0 && x < UINT32_MAX));
    }
}

static void decode_big(const unsigned char *from, enum dtype dtype, size_t n, uint32_t *ret)
{
    switch (dtype) {
    case DTYPE_U16:
        DECODE(uint16_t, be16toh, true);
    case DTYPE_I16:
        DECODE(int16_t, be16toh, x >= 0);
    case DTYPE_U32:
        DECODE(uint32_t, be32toh, true);
    case DTYPE_I32:
        DECODE(int32_t, be32toh, x >= 0);
    case DTYPE_U64:
        DECODE(uint64_t, be64toh, x < UINT32_MAX);
    case DTYPE_I64:
        DECODE(int64_t, be64toh, (x >= 0 && x < UINT32_MAX));
    default: /* one byte has no order */
        decode_little(from, dtype, n, ret);
    }
}

void tokens_decode(const void *bytes, struct token_type type, size_t n, uint32_t *ret)
{
    if (type.big_endian)
        decode_big(bytes, type.dtype, n, ret);
    else
        decode_little(bytes, type.dtype, n, ret);
}
