/*
 * header.h - what the columns of a table of losses are: found in its header and the caller's options
 */
#ifndef OBSERVATIONS_HEADER_H
#define OBSERVATIONS_HEADER_H

#include "observations/csv_rows.h"

#include <emx/observations.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>

#define NO_COLUMN SIZE_MAX
#define DOMAIN_NAME_MAX ((size_t)255)

/* A domain of a wide table. */
struct header_domain {
    char *name;
    size_t proportion, loss; /* columns; loss may be NO_COLUMN */
};

struct header_filter {
    size_t column;
    const char *value; /* borrowed from the options */
    bool is_number;
    double number;
};

struct header {
    size_t n; /* columns */
    char **names;
    bool is_long;
    size_t step, run;                /* run may be NO_COLUMN in wide tables */
    size_t domain, proportion, loss; /* of long tables */
    struct header_domain *domains;   /* [n_domains] of wide tables */
    size_t n_domains;
    struct header_filter *filters; /* [n_filters] */
    size_t n_filters;
};

/* `path` is for messages; `plain` is the "C" locale.  *h is zeroed; header_finish() it also after a failure. */
EMX_CHECKED enum emx_status header_read(const char *path, const struct csv_row *row,
                                        const struct emx_observations_options *options, locale_t plain,
                                        struct header *h, struct emx_error *err);
void header_finish(struct header *h);

/* A name of a domain: not empty, at most 255 bytes of UTF-8, no control characters.  NULL, or what is wrong with it. */
const char *header_name_fault(const char *name);

#endif
