/*
 * mds_columns.h - which part of each MDS sample is the tokens, and how they are written
 *
 * A sample is, for each column without a fixed size, a u32 with its size; then the columns one after the other.
 */
#ifndef IO_MDS_COLUMNS_H
#define IO_MDS_COLUMNS_H

#include "io/format.h"

enum { MDS_MOST_COLUMNS = 1024 };

struct mds_columns {
    size_t n, token;                  /* columns, and which of them is the tokens */
    uint32_t sizes[MDS_MOST_COLUMNS]; /* of each column in every sample; 0: each sample states it */
    /* how an array of tokens is written */
    enum dtype dtype;  /* NONE: in its first byte */
    bool has_shape;    /* then comes its shape, else the values fill the column */
    uint64_t n_values; /* of every array; UINT64_MAX: any number */
};

/*
 * From the configuration that a shard holds, JSON of `len` bytes.  options->column names the token column, else it is
 * the one with a known name; options->type is what the encoding "bytes" holds, else int64.
 */
EMX_CHECKED enum emx_status mds_columns_parse(const char *path, const char *json, size_t len,
                                              const struct format_options *options, struct mds_columns *ret,
                                              struct emx_error *err);

/* The dtype that an array's first byte stands for; NONE for floating point and what is not known. */
enum dtype mds_dtype_of_code(unsigned code);

#endif
