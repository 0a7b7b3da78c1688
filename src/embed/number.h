/*
 * number.h - the floating-point numbers that matrices are stored in
 */
#ifndef EMBED_NUMBER_H
#define EMBED_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

enum number_kind { NUMBER_F16, NUMBER_BF16, NUMBER_F32, NUMBER_F64 };

struct number_type {
    enum number_kind kind;
    bool big_endian;
};

/* Bytes of one: 2, 4 or 8. */
size_t number_size(struct number_type type);

/* n of them, at any address, as float; an f64 beyond all floats becomes infinite. */
void numbers_decode(const void *bytes, struct number_type type, size_t n, float *ret);

#endif
