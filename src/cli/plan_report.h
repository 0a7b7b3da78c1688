/* plan_report.h - a plan and what to expect of it, for people and programs */
#ifndef CLI_PLAN_REPORT_H
#define CLI_PLAN_REPORT_H

#include "plan_runs.h"

#include <stdbool.h>
#include <stdio.h>

struct plan_report {
    const struct plan_runs *runs;
    const struct emx_plan_options *options;
    const char *law; /* the file that the coefficients are from; NULL: assumed */
};

/* False if there is no memory. */
bool plan_print_table(const struct plan_report *r, FILE *out);
bool plan_print_json(const struct plan_report *r, FILE *out);
/* The table of expected errors. */
bool plan_print_csv(const struct plan_report *r, FILE *out);

#endif
