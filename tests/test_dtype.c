/* Conversion of stored integers to tokens, against one made byte by byte. */
#include "test.h"
#include "token/dtype.h"

static const char *const names[] = {"u8",  "i8",    "u16",   "i16",   "u32",   "i32",   "u64",
                                    "i64", "u16be", "i16be", "u32be", "i32be", "u64be", "i64be"};
enum { N_NAMES = sizeof(names) / sizeof(*names) };

static uint64_t seed;

/* The plain twin. */
static uint32_t decode_one(const unsigned char *bytes, struct token_type type)
{
    size_t size = dtype_size(type.dtype);
    bool is_signed =
        type.dtype == DTYPE_I8 || type.dtype == DTYPE_I16 || type.dtype == DTYPE_I32 || type.dtype == DTYPE_I64;
    uint64_t x = 0;

    for (size_t i = 0; i < size; i++)
        x |= (uint64_t)bytes[type.big_endian ? size - 1 - i : i] << 8 * i;
    if (is_signed && x >> (8 * size - 1))
        return UINT32_MAX;
    return x < UINT32_MAX ? (uint32_t)x : UINT32_MAX;
}

static void every_type_decodes_at_every_alignment(void)
{
    enum { N = 100 };
    unsigned char bytes[8 * N + 8];
    uint32_t tokens[N];
    uint64_t random = seed;

    for (int k = 0; k < N_NAMES; k++) {
        struct token_type type;
        size_t wrong = 0;

        CHECK(token_type_parse(names[k], &type));
        for (size_t shift = 0; shift < 8; shift++) {
            for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = test_random(&random) % 3 ? 0 : (unsigned char)test_random(&random);
            tokens_decode(bytes + shift, type, N, tokens);
            for (size_t i = 0; i < N; i++)
                wrong += tokens[i] != decode_one(bytes + shift + i * dtype_size(type.dtype), type);
        }
        CHECK(wrong == 0);
    }
}

static void names_round_trip(void)
{
    struct token_type type;

    for (int k = 0; k < N_NAMES; k++) {
        CHECK(token_type_parse(names[k], &type));
        CHECK_STR(token_type_name(type), names[k]);
    }
    CHECK(!token_type_parse("", &type) && !token_type_parse("u15", &type) && !token_type_parse("u8be", &type));
    CHECK(!token_type_parse("none", &type) && !token_type_parse("u16 ", &type));
}

int main(void)
{
    seed = test_seed();
    RUN(every_type_decodes_at_every_alignment);
    RUN(names_round_trip);
    return test_summary();
}
