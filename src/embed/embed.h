/*
 * embed.h - the table of embedding formats: what a new one has to provide
 *
 * A format is one file, src/embed/emb_NAME.c, and one line in the table of embeddings.c.  It is given all bytes of a
 * file and fills in where the vectors are.  There are two kinds: matrices, whose rows stay in the mapped file, and
 * lists of words, whose vectors are read for the words of a vocabulary (words.h).
 */
#ifndef EMBED_EMBED_H
#define EMBED_EMBED_H

#include "embed/number.h"
#include "io/file.h"

#include <emx/embeddings.h>
#include <emx/vne.h>

struct emx_embeddings {
    const char *format; /* its name, static */
    size_t dimension;
    uint32_t n_tokens, n_vectors;
    struct number_type type;
    const unsigned char *rows; /* [n_vectors][dimension] of `type`, in `file` or `own` */
    uint32_t *row_of;          /* [n_tokens] or NO_ROW; NULL: row = token */
    float *own;
    struct file *file;
};

#define NO_ROW UINT32_MAX

/* The bytes of a file of embeddings and what was said of it. */
struct embedding_source {
    const struct file_space *space;
    const char *path;
    const unsigned char *bytes;
    size_t len;
    const struct emx_embeddings_options *options;
};

struct embedding_ops {
    const char *name;
    bool (*probe)(const struct embedding_source *s);
    /* Fills dimension, n_tokens, n_vectors, type, rows; what it allocates is freed with e, also after a failure. */
    enum emx_status (*open)(const struct embedding_source *s, struct emx_embeddings *e, struct emx_error *err);
};

/* A matrix of numbers at `offset` of the source: checks that it is within limits and the file, and sets e. */
EMX_CHECKED enum emx_status embed_matrix(const struct embedding_source *s, uint64_t n_rows, uint64_t n_columns,
                                         struct number_type type, uint64_t offset, struct emx_embeddings *e,
                                         struct emx_error *err);

/* Vectors of rows[n_rows x dimension], which are e's from then on, or freed after a failure. */
EMX_CHECKED enum emx_status embed_adopt(const char *format, float *rows, size_t n_rows, size_t dimension,
                                        struct emx_embeddings **ret, struct emx_error *err);

/* emx_embeddings_open() with files in memory; space NULL: on disk. */
EMX_CHECKED enum emx_status embed_open(const struct file_space *space, const char *path,
                                       const struct emx_embeddings_options *options, struct emx_embeddings **ret,
                                       struct emx_error *err);

#endif
