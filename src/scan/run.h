/*
 * run.h - a table's rows on disk, sorted
 *
 * A run is a sequence of blocks as in the state file (state/block_encode.c), 1.6 bytes a row, in the scan's temporary
 * file; where they are and which keys they have stays in memory, and goes to the file for a checkpoint.  A row's key
 * here is first << 32 | second.
 */
#ifndef SCAN_RUN_H
#define SCAN_RUN_H

#include "state/block_decode.h"
#include "util/temp_file.h"

enum { RUN_BLOCK_ROWS = 4096 /* few enough to read a block for a part of it */ };

/* Where the list of a run's blocks lies, once it is on disk, too. */
struct run_directory {
    uint64_t at, n_blocks, xxh3;
    uint32_t max_token;
};

struct run {
    struct run_block {
        uint64_t first_key, last_key;
        uint64_t at; /* in the file */
        uint32_t n_stored, n_rows, max_token;
    } * blocks; /* [n_blocks] ascending */
    size_t n_blocks, cap_blocks;
    uint64_t n_rows;
    uint32_t max_token;
    bool is_minus; /* its counts are subtracted where runs are merged */
    bool directory_kept;
    struct run_directory directory; /* valid if it is kept */
};

void run_finish(struct run *r);

/* Add a block, which goes on ascending and is in the file already. */
EMX_CHECKED enum emx_status run_add_block(struct run *r, const struct run_block *b, struct emx_error *err);

/* Write an encoded block to the file: *ret tells where it is and what it has. Any thread. */
EMX_CHECKED enum emx_status run_store_block(struct temp_file *f, const struct state_block *b, struct run_block *ret,
                                            struct emx_error *err);

/* Append rows, which go on ascending; `encoder` and `staging` (zeroed at first) are working space of the thread. */
EMX_CHECKED enum emx_status run_append(struct run *r, struct temp_file *f, struct state_encoder *encoder,
                                       struct state_block *staging, const struct emx_pair_count *rows, size_t n,
                                       struct emx_error *err);

/* The run is complete: its list of blocks goes to the file, if it is not there yet; and back. */
EMX_CHECKED enum emx_status run_keep_directory(struct run *r, struct temp_file *f, struct emx_error *err);
EMX_CHECKED enum emx_status run_load_directory(struct run *r, const struct temp_file *f, const struct run_directory *d,
                                               struct emx_error *err);

/* One thread's space to read blocks; zeroed at first. */
struct run_reader {
    struct block_decoder decoder;
    struct emx_pair_count *rows; /* [RUN_BLOCK_ROWS] the last block that was read */
};
void run_reader_finish(struct run_reader *r);
EMX_CHECKED enum emx_status run_read(struct run_reader *r, const struct temp_file *f, const struct run_block *b,
                                     struct emx_error *err);

/* The first block that has keys from this one on; n_blocks if there is none. */
size_t run_find_block(const struct run *r, uint64_t key);

/* The first of n ascending rows whose key is not below this one. */
size_t rows_find(const struct emx_pair_count *rows, size_t n, uint64_t key);

static inline uint64_t row_key(const struct emx_pair_count *row)
{
    return (uint64_t)row->first << 32 | row->second;
}

#endif
