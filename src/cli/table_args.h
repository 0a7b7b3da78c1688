/*
 * table_args.h - a table of losses, as the command line describes it
 */
#ifndef CLI_TABLE_ARGS_H
#define CLI_TABLE_ARGS_H

#include "opt.h"

#include <emx/observations.h>

struct table_args {
    const char *proportions, *losses, *step, *run, *mixtures, *at_step;
    struct opt_list columns, domains, where, ignored;
    bool drop_repeated, keep_repeated, drop_missing, renormalise;
    double zero_as;
};

extern const struct opt table_rows[];

/*
 * Read the table at path; says what is wrong and, unless quiet, what was left out of it.  Returns the exit code.
 * allow_zero: whether proportions of 0 are kept.
 */
int table_read(const char *path, const struct table_args *a, bool allow_zero, bool quiet,
               struct emx_observations **ret);

#endif
