/*
 * key.h - a pair of tokens as a hash that can be undone
 *
 * A pair of t-bit tokens is the integer first * 2^t + second of n = 2t bits.  mix() is a bijection on n-bit
 * integers: multiplication by an odd constant modulo 2^n carries low bits up, the shifted xor brings them down
 * again, so that both the high bits (which choose a line of the table) and the low bits (which choose a slot)
 * depend on both tokens.  Because it is a bijection, a table need store only those bits of the hash that the
 * position of the slot does not tell (Jellyfish's idea), and 8 bytes hold key and count at any vocabulary to 2^24.
 */
#ifndef COUNT_KEY_H
#define COUNT_KEY_H

#include <stdint.h>

struct pair_key {
    unsigned token_bits; /* t, 16..24 */
    unsigned bits;       /* n = 2t */
    uint64_t mask;       /* 2^n - 1 */
};

/* The golden ratio's odd multiplier and its inverse modulo 2^64, and so modulo every smaller power of two. */
#define KEY_MULTIPLIER UINT64_C(0x9E3779B97F4A7C15)
#define KEY_INVERSE UINT64_C(0xF1DE83E19937733D)

/* Keys of tokens below `vocabulary`, 1..2^24. */
static inline struct pair_key pair_key_for(uint32_t vocabulary)
{
    unsigned t = 16;

    while (t < 24 && vocabulary > UINT32_C(1) << t)
        t++;
    return (struct pair_key){.token_bits = t, .bits = 2 * t, .mask = (UINT64_C(1) << 2 * t) - 1};
}

static inline uint64_t pair_key_pack(struct pair_key k, uint32_t first, uint32_t second)
{
    return (uint64_t)first << k.token_bits | second;
}

static inline uint64_t pair_key_mix(struct pair_key k, uint64_t key)
{
    uint64_t h = key * KEY_MULTIPLIER & k.mask;

    return h ^ h >> k.token_bits; /* a shift of n/2 is its own inverse */
}

static inline uint64_t pair_key_unmix(struct pair_key k, uint64_t hash)
{
    return (hash ^ hash >> k.token_bits) * KEY_INVERSE & k.mask;
}

#endif
