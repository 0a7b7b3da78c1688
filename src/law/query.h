/* query.h - is a mixture and a step one that a law has values at? */
#ifndef LAW_QUERY_H
#define LAW_QUERY_H

#include <emx/law.h>

EMX_CHECKED enum emx_status query_check(const struct emx_law *law, const double *mixture, double step,
                                        struct emx_error *err);

#endif
