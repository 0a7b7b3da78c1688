/*
 * npy_header.h - what the header of a NumPy .npy file says, versions 1 to 3
 */
#ifndef IO_NPY_HEADER_H
#define IO_NPY_HEADER_H

#include <emx/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct npy_header {
    char descr[16]; /* "<u2" */
    bool fortran_order;
    unsigned n_dims;
    uint64_t dims[2];    /* the first two */
    uint64_t n_elements; /* below 2^59 */
    uint64_t data_offset;
};

enum { NPY_MOST_PREFIX = 10012 /* bytes before the data */ };

bool npy_has_magic(const void *head, size_t len);

/*
 * From the first bytes of a file, NPY_MOST_PREFIX or as many as it has.  EMX_ERR_FORMAT, _VERSION, _RANGE, _CORRUPT.
 * The data is not looked at: that it is there is for the caller to check.
 */
EMX_CHECKED enum emx_status npy_header_read(const char *path, const void *head, size_t len, struct npy_header *ret,
                                            struct emx_error *err);

#endif
