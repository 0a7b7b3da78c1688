/*
 * fields.h - what a report shows of each of its records (a domain, or two of them): one list for table, JSON and CSV
 *
 * A record is a struct of the command; a field says where in it a number is, and how it is shown.
 */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include "columns.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum field_kind {
    FIELD_COUNT,      /* uint64_t; the others are doubles */
    FIELD_ENTROPY,    /* in nats, shown in the unit of the report */
    FIELD_PERPLEXITY, /* shown as exp() of the entropy in nats that is there */
    FIELD_REAL,
    FIELD_TINY, /* a real of which the size matters */
};

struct field {
    const char *key;    /* of JSON and CSV */
    const char *header; /* of the table; NULL: not there */
    int tables;         /* bits: in which tables it stands; 0 where header is NULL */
    enum field_kind kind;
    size_t at;          /* offset in the record */
    unsigned condition; /* a bit of struct fields' `hidden`, or 0 */
};

struct fields {
    const struct field *field; /* [n] */
    size_t n;
    unsigned hidden;      /* conditions of fields that this report has not */
    double nats_per_unit; /* 1, or log 2 for bits */
    int decimals;         /* of tables */
    bool spells_infinity; /* in CSV: inf and nan, where else nothing stands */
};

/* "nats" or "bits". */
double fields_nats_per_unit(const char *unit);

/* Headers of a table, at most f->n: how many. */
size_t fields_headers(const struct fields *f, int table, const char **ret);
/* As many cells; "-" for what is not a number. */
void fields_cells(const struct fields *f, int table, const void *record, struct columns *c);

/* A comma and a key, or a comma and a value, for each field. */
void fields_csv_header(const struct fields *f, FILE *out);
void fields_csv(const struct fields *f, const void *record, FILE *out);

/* Adds them to an object; what is not finite is null.  False: no memory. */
bool fields_json(const struct fields *f, const void *record, json_t *object);

#endif
