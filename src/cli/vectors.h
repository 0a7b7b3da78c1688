/*
 * vectors.h - the options that name vectors of tokens
 */
#ifndef CLI_VECTORS_H
#define CLI_VECTORS_H

#include "opt.h"

#include <emx/embeddings.h>

struct vector_args {
    const char *embeddings, *format, *tensor, *vocabulary; /* NULL: not given */
};

extern const struct opt vector_rows[];

/* For tokens below n_tokens (0: any).  What emx_embeddings_open() can return. */
EMX_CHECKED enum emx_status vectors_open(const struct vector_args *a, uint32_t n_tokens, struct emx_embeddings **ret,
                                         struct emx_error *err);

/* Nothing is said of a file that is not given; else the exit code of what says so. */
int vectors_check(const struct vector_args *a);

/* A number of documents, or 'all', which is 0. */
EMX_CHECKED enum emx_status vectors_parse_documents(const struct opt *o, const char *text, void *to,
                                                    struct emx_error *err);

#endif
