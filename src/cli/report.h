/*
 * report.h - what info, entropy and weights have in common: the state file they read, tables, JSON and CSV
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "opt.h"

#include <emx/state.h>
#include <jansson.h>
#include <stdio.h>

/* Values of --format. */
bool report_format_choice(size_t i, struct opt_choice *ret);
/* Values of --unit. */
bool report_unit_choice(size_t i, struct opt_choice *ret);

/* Values of --to. */
bool report_mixture_choice(size_t i, struct opt_choice *ret);

/* Open the one state file that the operands name; says what is wrong.  Returns the exit code. */
int report_open(const char *command, char **operands, size_t n, struct emx_state **ret);

/* A field of a CSV file (RFC 4180), in quotes where it needs them. */
void report_csv_text(const char *s, FILE *out);
/* A comma, and the number behind it if there is one. */
void report_csv_real(double x, FILE *out);

/* A JSON string; bytes that are not UTF-8 become \xNN.  NULL: no memory. */
json_t *report_json_text(const char *s);
json_t *report_json_count(uint64_t n);
/* null where there is no finite number. */
json_t *report_json_real(double x);

/* Prints and frees; false if it is NULL (no memory when it was made) or has a NULL in it. */
bool report_print_json(json_t *j, FILE *out);

#endif
