/* fit.h - fit a law to part of a table */
#ifndef LAW_FIT_H
#define LAW_FIT_H

#include <emx/law.h>
#include <stdbool.h>

/* As emx_law_fit(), to the rows of `use` ([n_rows], NULL: all). */
EMX_CHECKED enum emx_status law_fit_rows(const struct emx_observations *o, const bool *use,
                                         const struct emx_law_options *options, struct emx_law **ret,
                                         struct emx_error *err);

#endif
