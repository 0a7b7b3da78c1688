/* score.h - how well losses of some rows were predicted */
#ifndef LAW_SCORE_H
#define LAW_SCORE_H

#include "law/sample.h"

#include <emx/law.h>

struct score_work;
/* Rows of `all`, a sample of the whole table, which were predicted: row[n].  Borrows both; NULL: no memory. */
struct score_work *score_work_create(const struct sample *all, const size_t *row, size_t n);
/* Accepts NULL. */
void score_work_destroy(struct score_work **w);

/* Arrays of the score; false: no memory. */
bool score_init(struct emx_law_score *s, size_t n_scored);
void score_finish(struct emx_law_score *s);

/* Fill the score's figures from predicted[n][k]. */
void score_rows(struct score_work *w, const double *predicted, struct emx_law_score *ret);

#endif
