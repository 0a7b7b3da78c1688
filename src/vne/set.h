/* set.h - a set of domains while it is made */
#ifndef VNE_SET_H
#define VNE_SET_H

#include "io/file.h"

#include <emx/vne_set.h>

/* All zero but dimension and n_domains; NULL: no memory. */
struct emx_vne_set *set_create(size_t dimension, size_t n_domains);

/* The eigenvalues and what they say, from the domain's matrix. */
EMX_CHECKED enum emx_status set_solve(struct emx_vne_domain *d, struct emx_error *err);

/* emx_vne_set_read() with files in memory; space NULL: on disk. */
EMX_CHECKED enum emx_status set_read(const struct file_space *space, const char *path, struct emx_vne_set **ret,
                                     struct emx_error *err);

#endif
