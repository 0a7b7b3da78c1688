#include "embed/number.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

size_t number_size(struct number_type type)
{
    switch (type.kind) {
    case NUMBER_F32:
        return 4;
    case NUMBER_F64:
        return 8;
    default:
        return 2;
    }
}

static float from_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* IEEE 754 binary16: the exponent's bias is 15 instead of 127; a subnormal number is its fraction times 2^-24. */
static float from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;

    if (exponent == 31)
        return from_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent == 0)
        return (sign ? -0x1p-24F : 0x1p-24F) * (float)fraction;
    return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static uint16_t load16(const unsigned char *p, bool big_endian)
{
    uint16_t x;

    memcpy(&x, p, sizeof(x));
    return big_endian ? be16toh(x) : le16toh(x);
}

static uint32_t load32(const unsigned char *p, bool big_endian)
{
    uint32_t x;

    memcpy(&x, p, sizeof(x));
    return big_endian ? be32toh(x) : le32toh(x);
}

static float load_f64(const unsigned char *p, bool big_endian)
{
    uint64_t bits;
    double x;

    memcpy(&bits, p, sizeof(bits));
    bits = big_endian ? be64toh(bits) : le64toh(bits);
    memcpy(&x, &bits, sizeof(x));
    return (float)x;
}

void numbers_decode(const void *bytes, struct number_type type, size_t n, float *ret)
{
    const unsigned char *p = bytes;

    if (type.kind == NUMBER_F32 && type.big_endian == (__BYTE_ORDER == __BIG_ENDIAN)) {
        memcpy(ret, p, n * sizeof(*ret));
        return;
    }
    switch (type.kind) {
    case NUMBER_F16:
        for (size_t i = 0; i < n; i++)
            ret[i] = from_half(load16(p + 2 * i, type.big_endian));
        break;
    case NUMBER_BF16:
        for (size_t i = 0; i < n; i++)
            ret[i] = from_bits((uint32_t)load16(p + 2 * i, type.big_endian) << 16);
        break;
    case NUMBER_F32:
        for (size_t i = 0; i < n; i++)
            ret[i] = from_bits(load32(p + 4 * i, type.big_endian));
        break;
    case NUMBER_F64:
        for (size_t i = 0; i < n; i++)
            ret[i] = load_f64(p + 8 * i, type.big_endian);
        break;
    }
}
