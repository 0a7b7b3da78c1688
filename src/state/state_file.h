/*
 * state_file.h - an open state file, as the modules of state see it
 */
#ifndef STATE_STATE_FILE_H
#define STATE_STATE_FILE_H

#include "io/file.h"
#include "state/domain_codec.h"
#include "state/layout.h"

struct emx_state {
    struct file *file;
    void *owned;              /* bytes of a pipe, which `file` then reads from memory */
    struct section *sections; /* [n_sections] one after the other from HEADER_BYTES to the directory */
    size_t n_sections;
    struct stored_domain *domains; /* [n_domains] */
    struct domain_tables {
        struct section tails, pairs, covariance; /* the last of length 0: none */
    } * tables;                                  /* [n_domains] */
    size_t n_domains;
    char *skipped_bytes; /* the SKIP section, which skipped[n_skipped] points into; NULL: there is none */
    struct emx_skipped *skipped;
    size_t n_skipped;
};

/* Name of the file for messages. */
const char *state_name(const struct emx_state *s);

#endif
