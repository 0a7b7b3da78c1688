/*
 * observations.h - the losses of runs that were trained: what a mixing law is fitted on
 *
 * A run trains one mixture of m domains and is evaluated at some steps.  All arrays are row-major; m = n_domains,
 * k = n_scored.  Losses are of domains that are in the mixture, too; a mixture may have more domains than are scored.
 */
#ifndef EMX_OBSERVATIONS_H
#define EMX_OBSERVATIONS_H

#include <emx/status.h>
#include <stddef.h>

struct emx_observations {
    size_t n_domains, n_scored, n_mixtures, n_rows;
    char **domains;     /* [m] names, in the order of the table */
    char **mixtures;    /* [n_mixtures] names of the runs; "1", "2", ... where the table has none */
    double *proportion; /* [n_mixtures][m] each > 0 (>= 0 where zeros were allowed), rows sum to 1 within 1e-6 */
    size_t *scored;     /* [k] which domain each loss is of, ascending */
    size_t *mixture;    /* [n_rows] which mixture a row is of: ascending, so that rows of one stand together */
    double *step;       /* [n_rows] > 0, in the table's unit (steps or tokens), ascending within a mixture */
    double *loss;       /* [n_rows][k] > 0, finite, nats a token */
    char *source;       /* the file, as it was named */
    char *step_name;    /* the column that the steps are from, which says what they count */
    size_t n_filtered, n_repeated, n_missing; /* evaluations of the table that are left out: by `where`, as repeated,
                                                 for a missing or non-finite loss */
};

/* What to do with an evaluation whose losses all repeat those of the step before. */
enum emx_repeated { EMX_REPEATED_REFUSE, EMX_REPEATED_DROP, EMX_REPEATED_KEEP };

/* How a table is to be read; zeroed members mean what is said. */
struct emx_observations_options {
    const char *const *domains; /* [n_domains] only these, in this order; NULL: all that the table has */
    size_t n_domains;
    /*
     * Wide tables have a row an evaluation; "{domain}" in a pattern stands for the domain's name, as in
     * "weight_{domain}".
     */
    const char *proportion_pattern; /* NULL: "proportion_{domain}", "weight_{domain}" or "train_{domain}",
                                       whichever there is */
    const char *loss_pattern;       /* NULL: "{domain}_loss" or "loss_{domain}" */
    const char *const *columns;     /* [n_columns] "DOMAIN=PROPORTION:LOSS", or without ":LOSS" if it is not scored:
                                       names of a wide table's columns instead of patterns */
    size_t n_columns;
    const char *step_column; /* NULL: "step", "steps", "n_steps", "tokens" or "n_tokens" */
    const char *run_column;  /* NULL: "run" if there is one; else rows of equal proportions are one run */
    /*
     * A second table, with the proportions of the runs, where that at hand has only losses, as RegMix publishes them:
     * rows go together that have the same in the one column that both tables have, which also tells runs apart.
     */
    const char *mixture_table;
    const char *step;         /* a number: step of all rows, where the table has no such column */
    const char *const *where; /* [n_where] "COLUMN=VALUE": only rows that have it (numbers compare as numbers) */
    size_t n_where;
    const char *const *ignored; /* [n_ignored] columns to be read as if they were not there */
    size_t n_ignored;
    enum emx_repeated repeated;
    int renormalise;  /* mixtures that do not sum to 1 within 1e-6 are scaled, not refused */
    int drop_missing; /* leave out evaluations with a missing or non-finite loss instead of refusing them */
    int allow_zero;   /* keep proportions of 0: for laws that have a value there */
    double zero_as;   /* > 0: proportions of 0 become this, and mixtures are scaled to sum 1 */
};

/*
 * Read a table of losses: CSV (RFC 4180, UTF-8, with or without a byte order mark; plain, zstd or gzip) with a header.
 * A table that has a column "domain" is long: a row is one domain of one evaluation, in the columns run, domain,
 * proportion (or weight), step and loss, which is empty for domains that are not scored.  Any other is wide.
 * Proportions of a run that differ by at most 1e-9 are the same.
 *
 * Errors name file, row (the header is row 1) and column: EMX_ERR_IO; EMX_ERR_FORMAT for what is not such a table, a
 * number that is none, a missing or non-finite loss, domains of proportions and losses that do not match, a run
 * whose proportions change, a step that occurs twice, losses that repeat; EMX_ERR_RANGE for a proportion of 0 or a
 * mixture that does not sum to 1, where the options do not allow them, and for more than 256 MiB, 4096 columns, a
 * million rows or 10,000 mixtures; EMX_ERR_EMPTY where no row is left; EMX_ERR_ARG for options that name what the
 * table does not have.
 *
 * On success *ret is to be freed with emx_observations_destroy(), which accepts NULL.
 */
EMX_API EMX_CHECKED enum emx_status emx_observations_read(const char *path,
                                                          const struct emx_observations_options *options,
                                                          struct emx_observations **ret, struct emx_error *err);
EMX_API void emx_observations_destroy(struct emx_observations **o);

#endif
