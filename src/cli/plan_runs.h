/*
 * plan_runs.h - the runs of a plan: mixtures that follow from the corpus, names, files
 */
#ifndef CLI_PLAN_RUNS_H
#define CLI_PLAN_RUNS_H

#include "estimate.h"

#include <emx/plan.h>
#include <emx/state.h>

enum { PLAN_MIN_GIVEN = 4, PLAN_MAX_GIVEN = 5 }; /* shannon, joint, conditional, maybe von-neumann, baseline */

struct plan_runs {
    const char *path;                     /* of the state file */
    const struct estimate_args *estimate; /* how entropies were estimated */
    struct emx_state *corpus;
    const char **domains; /* [n_domains] borrowed from the state */
    size_t n_domains;
    const char *kinds[PLAN_MAX_GIVEN];      /* [n_given] */
    struct weighed weighed[PLAN_MAX_GIVEN]; /* [n_given] all NULL of the baseline */
    size_t n_given;
    double *given;               /* [n_given][n_domains] */
    struct emx_error no_vne;     /* why von Neumann entropies give no mixture; status EMX_OK: nothing to say */
    const struct emx_plan *plan; /* NULL at first */
};

/* What the mixtures are from, beside the state file at path. */
struct plan_sources {
    const char *path;
    const char *tokens; /* a file as --tokens-available has it; NULL: the counts of the corpus */
    const struct estimate_args *estimate;
    bool with_errors; /* of entropies, and of the mixtures that they give */
};

EMX_CHECKED enum emx_status plan_runs_init(struct plan_runs *r, struct emx_state *corpus,
                                           const struct plan_sources *sources, struct emx_error *err);
void plan_runs_finish(struct plan_runs *r);

/* "shannon", ..., "design" of those that were added. */
const char *plan_run_kind(const struct plan_runs *r, size_t run);
/* "01-shannon"; ret holds PLAN_NAME bytes. */
enum { PLAN_NAME = 40 };
const char *plan_run_name(const struct plan_runs *r, size_t run, char *ret);

/* A file a run and plan.csv into a folder, which is made if it is not there; *ret_note as emx_mixture_format_string().
 */
EMX_CHECKED enum emx_status plan_runs_write(const struct plan_runs *r, const char *folder, const char *format,
                                            const char *path_template, char **ret_note, struct emx_error *err);

#endif
