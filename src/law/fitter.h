/*
 * fitter.h - one thread's means to fit parts of laws: a model, work for TRF, points
 */
#ifndef LAW_FITTER_H
#define LAW_FITTER_H

#include "law/model.h"

struct fitter {
    struct model *model;
    struct trf_work *trf;
    double *memory, *x, *candidate; /* [n_free] best so far; tried */
    double *starts;                 /* [VARPRO_STARTS][n_free] */
    double *scratch;                /* [VARPRO_SCRATCH][n_steps] */
    double *times;                  /* [n_mixtures] */
};

/* False: no memory; _finish() may be called. */
bool fitter_init(struct fitter *f, const struct sample *s, const struct emx_law_options *o);
void fitter_finish(struct fitter *f);

/* Fit what the model has selected from nothing; the best x is in f->x.  Returns the cost. */
double fitter_search(struct fitter *f, const struct emx_law_options *o);
/* The same from variables x, or coefficients of the whole, that are near: to looser tolerances. */
double fitter_continue(struct fitter *f, const double *x);
double fitter_refine(struct fitter *f, const double *coefficient);

#endif
