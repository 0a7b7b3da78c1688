/*
 * law_args.h - which law is to be fitted and how, as the command line says; cells that fit, evaluate and predict print
 */
#ifndef CLI_LAW_ARGS_H
#define CLI_LAW_ARGS_H

#include "columns.h"
#include "opt.h"

#include <emx/law.h>
#include <emx/observations.h>

struct law_args {
    const char *form, *loss, *method;
    double huber_scale;
    uint32_t n_draws, n_starts, n_threads;
    uint64_t seed;
};

/* The defaults of an initializer. */
#define LAW_ARGS_DEFAULTS                                                                                              \
    {                                                                                                                  \
        .form = "bimix", .loss = "log", .method = "auto"                                                               \
    }

/* --law, --seed */
extern const struct opt law_rows[];
/* what is minimised, and how */
extern const struct opt law_search_rows[];
/* --threads */
extern const struct opt law_thread_rows[];
/* --bootstrap */
extern const struct opt draw_rows[];

struct emx_law_options law_options(const struct law_args *a);
/* Has the law a value where a proportion is 0? */
bool law_takes_zero(const struct law_args *a);

/* A line on the table: mixtures, rows, domains, steps. */
void law_print_table_summary(const struct emx_observations *o, FILE *out);

/* A share as a percentage, "-" if it is not a number. */
void law_percent_cell(struct columns *c, double share);
void law_number_cell(struct columns *c, double x, int decimals);

#endif
