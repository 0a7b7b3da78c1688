/*
 * optimum_report.h - an optimum for people and programs: what entromix optimize prints
 */
#ifndef CLI_OPTIMUM_REPORT_H
#define CLI_OPTIMUM_REPORT_H

#include "optimum_inputs.h"

#include <stdio.h>

struct optimum_report {
    const struct emx_law *law;
    const struct optimum_inputs *inputs;
    double step, level, total_tokens; /* total_tokens: 0 if it is not known */
    const struct emx_optimum *o;
    const struct emx_optimum *uncapped; /* without bounds; NULL if there are none */
};

/* False if there is no memory. */
bool optimum_print_table(const struct optimum_report *r, FILE *out);
bool optimum_print_json(const struct optimum_report *r, FILE *out);
bool optimum_print_csv(const struct optimum_report *r, FILE *out);

/* What the user should know of an optimum, on standard error. */
void optimum_warn(const struct optimum_report *r);

#endif
