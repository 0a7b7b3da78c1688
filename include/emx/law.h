/*
 * law.h - mixing laws: losses as a function of mixture and training step, fitted to observed losses
 *
 *     emx_law_fit() -> emx_law_predict(), emx_law_leverage()          emx_law_judge()
 *     emx_law_linear(), emx_law_along(): what an optimiser needs      emx_law_create(): a law from a file
 *
 * m domains with proportions r_j, k of which are scored; s is the step divided by law->step_unit.  Loss of domain i:
 *
 *     form               L_i(r, s)                                      coefficients of a scored domain, in this order
 *     bimix              (B / s^beta + C) / r_i^alpha                   alpha beta B C
 *     bimix-transfer     (B / s^beta + C) / (sum_j t_j r_j)^alpha       alpha beta B C t_1 .. t_m         (t_i = 1)
 *     exponential        c + k exp(sum_j t_j r_j), for each step apart  c k t_1 .. t_m, and again for the next step
 *     blind              B / s^beta + C                                 beta B C
 *
 * A prior may say what transfer to expect: o_ij >= 0 for domain i's term t_j, say the overlap of the two domains
 * (compare.h), which like t is 1 of a domain and itself.  The transfer law's cost for domain i then gains
 *
 *     1/2 lambda (|d|^2 - 0.99 (u . d)^2),    d = t - f o_i over the domains j != i,   u = o_i / |o_i|
 *
 * that is, the d_j are Gaussian of variance residual_variance / lambda, but for a factor that all of a domain's terms
 * have in common, which may be off ten times as far: overlaps tell which domains help more than how much.  For the same
 * reason f, one for all domains, is 1 or less.
 *
 * All coefficients are at least 0 except the exponential law's t_j.  What no data can determine is fixed: BiMix's
 * factor A_i (only A_i B_i and A_i C_i matter) and the exponential law's k (a constant added to all t_j, since the r_j
 * sum to 1) are 1, and so is t_i in the transfer law.  emx_law_n_free() counts without them, emx_law_n_published() as
 * their papers do (BiMix 5m; exponential m^2 + 2m for one step).
 *
 * Whatever the law, a loss is a convex function of one linear form of the mixture: emx_law_linear() and
 * emx_law_along().
 *
 * Sources: BiMix, arXiv 2405.14908; exponential law, Ye et al. 2024, arXiv 2403.16952; ridge regression and its choice
 * of lambda by cross validation, Hoerl and Kennard (1970), Stone (1974).
 *
 * Numbers do not depend on the number of threads.  Thread-safety: a law that no one changes may be read by any thread.
 */
#ifndef EMX_LAW_H
#define EMX_LAW_H

#include <emx/status.h>
#include <stddef.h>
#include <stdint.h>

struct emx_observations; /* observations.h */

enum emx_law_form { EMX_LAW_BIMIX, EMX_LAW_BIMIX_TRANSFER, EMX_LAW_EXPONENTIAL, EMX_LAW_BLIND };
#define EMX_LAW_N_FORMS 4

/*
 * What is minimised, for each scored domain by itself: cost = 1/2 sum rho(z), z the residual of a row.
 *
 *     log      z = log(fitted) - log(observed),  rho(z) = z^2
 *     linear   z = fitted - observed,            rho(z) = z^2
 *     huber    z as log's,                       rho(z) = z^2 for |z| <= d, else 2 d |z| - d^2;  d = huber_scale
 */
enum emx_law_loss { EMX_LAW_LOG, EMX_LAW_LINEAR, EMX_LAW_HUBER };

/* How the minimum is sought. */
enum emx_law_method {
    EMX_LAW_AUTO,   /* varpro for bimix and blind, multi-start for the others */
    EMX_LAW_TRF,    /* Trust Region Reflective from one standard start, as SciPy's least_squares(method="trf") */
    EMX_LAW_VARPRO, /* bimix, blind: a grid over (alpha, beta), (B, C) solved for; TRF from the best points */
    EMX_LAW_MULTI,  /* TRF from the standard start and n_starts - 1 random ones */
};

/* What is known of a coefficient. */
enum emx_law_known {
    EMX_LAW_FREE,         /* estimated; its variance is stated */
    EMX_LAW_FIXED,        /* by the form: 1 */
    EMX_LAW_AT_BOUND,     /* estimated as 0, its least value: variance 0, the others' as if it were known */
    EMX_LAW_UNDETERMINED, /* other values fit as well: what is stated is one of many, its variance a lower bound */
};

/* "bimix", "bimix-transfer", "exponential", "blind"; "log", "linear", "huber"; "free", "fixed", "at bound",
 * "undetermined".  Never NULL for values of the enum. */
EMX_API const char *emx_law_form_name(enum emx_law_form form);
EMX_API const char *emx_law_loss_name(enum emx_law_loss loss);
EMX_API const char *emx_law_known_name(enum emx_law_known known);
/* EMX_ERR_ARG, and the sentence lists the names, if there is none such. */
EMX_API EMX_CHECKED enum emx_status emx_law_form_parse(const char *name, enum emx_law_form *ret, struct emx_error *err);
EMX_API EMX_CHECKED enum emx_status emx_law_loss_parse(const char *name, enum emx_law_loss *ret, struct emx_error *err);

/* Coefficients of one scored domain as they are stored; n_steps matters to the exponential law only. */
EMX_API size_t emx_law_n_coefficients(enum emx_law_form form, size_t n_domains, size_t n_steps);
/* Of these, how many are free. */
EMX_API size_t emx_law_n_free(enum emx_law_form form, size_t n_domains, size_t n_steps);
/* The number for all scored domains as in the law's paper, redundant ones counted. */
EMX_API size_t emx_law_n_published(enum emx_law_form form, size_t n_domains, size_t n_scored, size_t n_steps);

/* All arrays are row-major and belong to the law.  m = n_domains, k = n_scored, p = n_coefficients. */
struct emx_law {
    enum emx_law_form form;
    enum emx_law_loss loss;
    double huber_scale; /* where loss is huber */
    size_t n_domains, n_scored, n_coefficients;
    size_t n_mixtures, n_rows; /* observed */
    size_t n_steps;            /* distinct steps observed */
    size_t n_draws;
    double step_unit;          /* the last step observed: s = step / step_unit */
    uint64_t seed;             /* of the draws and of random starts */
    double prior_strength;     /* lambda; 0: there is no prior */
    double prior_factor;       /* f, within (0, 1]; 0 without a prior */
    double *prior;             /* [k][m] f o, whose entry of the domain itself does not matter; zeros without a prior */
    char **domains;            /* [m] names */
    size_t *scored;            /* [k] which domain each loss is of, ascending */
    double *steps;             /* [n_steps] distinct steps observed, ascending, in the table's unit */
    double *proportion;        /* [n_mixtures][m] observed mixtures */
    size_t *mixture;           /* [n_rows] observed rows: their mixture */
    size_t *step;              /* [n_rows] and their step, an index into steps */
    double *coefficient;       /* [k][p] */
    double *covariance;        /* [k][p][p] of the coefficients, from the Jacobian and the residual variance */
    unsigned char *known;      /* [k][p] enum emx_law_known */
    double *cost;              /* [k] with the prior's part */
    double *residual_variance; /* [k] of log losses (of losses if loss is linear), about the law: sum of squares /
                                  (n_rows - rank), of Huber's loss as for M-estimators; 0 if there are no rows to
                                  spare.  With a prior, instead of the rank the trace of (J^T J)^-1 J_L^T J_L, J_L the
                                  rows of losses among J */
    double *draw;              /* [n_draws][k][p] coefficients fitted to mixtures drawn with replacement */
};

/* The lengths of its arrays; n_coefficients follows from them. */
struct emx_law_shape {
    enum emx_law_form form;
    size_t n_domains, n_scored, n_mixtures, n_rows, n_steps, n_draws;
};

/*
 * A law with zeroed arrays, for who reads one from a file: fill it (names with strdup), then emx_law_check() it.
 * EMX_ERR_RANGE if a length is 0 (n_draws may be) or past 2^24, or all of it past 2^27 numbers.
 */
EMX_API EMX_CHECKED enum emx_status emx_law_create(const struct emx_law_shape *shape, struct emx_law **ret,
                                                   struct emx_error *err);
/* EMX_ERR_RANGE if a number is one that emx_law_fit() does not give; err names it. */
EMX_API EMX_CHECKED enum emx_status emx_law_check(const struct emx_law *law, struct emx_error *err);
/* Accepts NULL. */
EMX_API void emx_law_destroy(struct emx_law **law);

/* "alpha", "t(wikipedia)", "c at 1000": name of a coefficient; cut where `cap` ends. */
EMX_API void emx_law_coefficient_name(const struct emx_law *law, size_t coefficient, char *ret, size_t cap);

struct emx_law_options {
    enum emx_law_form form;
    enum emx_law_loss loss;
    enum emx_law_method method;
    double huber_scale; /* 0: 0.01 */
    size_t n_draws;     /* of the bootstrap; 0: none */
    size_t n_starts;    /* of multi-start; 0: 16 */
    uint64_t seed;
    const double *prior;   /* [m][m] o of the prior, domains in the table's order; its diagonal does not matter; of
                              bimix-transfer only; NULL: none */
    double prior_strength; /* lambda, with f = 1; 0: those of f = 1 and lambda 10, 1, ..., 10^-6 and 0, and of f = 0.1
                              and 0.01 and lambda 10 to 10^-2, that predict best, all domains together, in cross
                              validation with the mixtures in 5 parts (in the order of the table: i mod 5); of a single
                              mixture 1 and 10 */
    unsigned n_threads;    /* 0: one for each processor that may be used */
};

/*
 * Fit a law to all rows.  A step that only some mixtures have is no trouble, nor are rows of one step only (beta and
 * B are then undetermined).
 *
 * Returns EMX_OK, and *ret is to be freed with emx_law_destroy();
 *         EMX_ERR_RANGE  if the form has no value at a proportion of 0 and there is one of a scored domain (bimix,
 *                        bimix-transfer), or a number of the table is not within its limits;
 *         EMX_ERR_EMPTY  if there are no rows;
 *         EMX_ERR_ARG    if an option is wrong, or a method or prior does not fit the form; EMX_ERR_MEMORY.
 */
EMX_API EMX_CHECKED enum emx_status emx_law_fit(const struct emx_observations *o, const struct emx_law_options *options,
                                                struct emx_law **ret, struct emx_error *err);

/* ---- values ---- */

/*
 * The linear form q = sum_j direction_j r_j on which the loss of scored domain `scored` depends, at index into
 * law->scored; `coefficient` is [p], a row of law->coefficient or of law->draw, or NULL for the law's.  `step` matters
 * to the exponential law only.  Writes ret_direction[m].
 */
EMX_API void emx_law_linear(const struct emx_law *law, size_t scored, const double *coefficient, double step,
                            double *ret_direction);

/*
 * Loss as a function of q, which is convex in it, with its first and second derivative: ret[0], ret[1], ret[2].
 *
 *     bimix, transfer   K q^-alpha, K = B / s^beta + C; infinite at q = 0 if alpha > 0
 *     exponential       c + k exp(q)
 *     blind             K, derivatives 0
 */
EMX_API void emx_law_along(const struct emx_law *law, size_t scored, const double *coefficient, double step, double q,
                           double ret[3]);

/* Has the law a value at this step?  The exponential law has one at its own steps only. */
EMX_API int emx_law_has_step(const struct emx_law *law, double step);

/* Loss at a mixture [m] and its gradients: ret_by_proportion[m], ret_by_coefficient[p]; either may be NULL. */
EMX_API double emx_law_value(const struct emx_law *law, size_t scored, const double *coefficient, const double *mixture,
                             double step, double *ret_by_proportion, double *ret_by_coefficient);

/*
 * A predicted loss and how far it is to be believed: of the law's value, not of a single noisy run.
 *
 * The covariance takes the rows for independent.  Where a mixture lies off the law at all its steps, as real ones do,
 * its rows are not, and the draws, which leave out whole mixtures, have the wider and honest interval.
 */
struct emx_law_prediction {
    double loss;
    double error;            /* standard error, from the covariance; INFINITY, and lo 0, hi INFINITY, if there are no
                                more rows than free coefficients */
    double lo, hi;           /* interval of the stated level, from the covariance (Student's t) */
    double noise;            /* standard deviation of a single observation about the law */
    double draw_lo, draw_hi; /* quantiles of the draws; lo and hi where there are none */
};

/*
 * Predict each scored domain's loss at a mixture [m] and a step in the table's unit.  level: 0.95, within (0, 1).
 * Writes ret[k].  EMX_ERR_ARG if level or step is out of range or the mixture does not sum to 1 within 1e-6,
 * EMX_ERR_RANGE if the law has no value there: a proportion of 0, a step that the exponential law was not fitted at.
 */
EMX_API EMX_CHECKED enum emx_status emx_law_predict(const struct emx_law *law, const double *mixture, double step,
                                                    double level, struct emx_law_prediction *ret,
                                                    struct emx_error *err);

enum emx_law_verdict {
    EMX_LAW_INSIDE, /* no observed row tells less about itself: largest observed leverage not exceeded */
    EMX_LAW_BEYOND, /* up to 4 times that: standard errors up to twice those within the data */
    EMX_LAW_FAR,    /* more: errors are those of the form of the law, which no data near it support */
};

/*
 * How far a query lies outside the observed mixtures and steps, for one scored domain: h = x^T (J^T J)^-1 x, x the
 * gradient of the (log) loss by the free coefficients there and J the same at all observed rows (and rows of a prior).
 * Observed rows have sum h = number of determined coefficients, less what a prior knows.  Infinite if x leaves what the
 * data determine.
 */
struct emx_law_leverage {
    double h, largest; /* at the query; the largest of the observed rows */
    enum emx_law_verdict verdict;
};

/* Writes ret[k]; errors as of emx_law_predict(). */
EMX_API EMX_CHECKED enum emx_status emx_law_leverage(const struct emx_law *law, const double *mixture, double step,
                                                     struct emx_law_leverage *ret, struct emx_error *err);
/* One sentence: "within the observed mixtures and steps", and so on. */
EMX_API const char *emx_law_verdict_text(enum emx_law_verdict verdict);

/* ---- judging ---- */

enum emx_law_split {
    EMX_LAW_LAST_STEP,  /* fit without the last row of each mixture, predict it */
    EMX_LAW_MIXTURES,   /* each mixture is predicted by laws fitted without it */
    EMX_LAW_FIRST_HALF, /* fit on the first half of each mixture's rows (the smaller one), predict the others */
};

struct emx_law_judge_options {
    struct emx_law_options fit; /* its form stands first in the result; draws are not made */
    enum emx_law_split split;
    size_t n_folds;         /* mixtures: mixture number i is in part i mod n_folds; 0: 10, at most one mixture a part */
    const size_t *held_out; /* [n_held_out] mixtures: instead, only these are left out, all at once; else NULL */
    size_t n_held_out;
    const enum emx_law_form *competing; /* [n_competing] further laws beside, of 4 starts unless fit.n_starts is set;
                                           NULL: all.  Beside a law with a prior always the same without */
    size_t n_competing;
};

/* Who predicted.  Laws first, then baselines. */
enum emx_law_predictor {
    EMX_LAW_BY_LAW,     /* a law as fitted */
    EMX_LAW_BY_SHIFTED, /* the law, each mixture's log losses shifted by the mean of its last three log residuals */
    EMX_LAW_BY_REPEAT,  /* the mixture's last loss again */
    EMX_LAW_BY_CURVE,   /* B / s^beta + C fitted to each mixture by itself */
};

/* Relative error is |predicted - observed| / observed.  Numbers that are not defined are NAN. */
struct emx_law_score {
    enum emx_law_predictor predictor;
    enum emx_law_form form;           /* of by_law and by_shifted */
    int has_prior;                    /* it was fitted with the prior of the options */
    int defined;                      /* 0: this predictor has no value for this split, and nothing below is set */
    size_t n_free, n_published;       /* coefficients of all scored domains */
    double mean, median, worst, best; /* relative error: mean and median over all; worst and best domain's mean */
    double r2;                        /* of all log losses together */
    double *domain_error;             /* [k] mean relative error */
    double *domain_r2;                /* [k] R^2 of log losses */
    double *domain_r2_within;         /* [k] the same about the mean of each step instead of the mean of all */
    double *domain_rank;              /* [k] Spearman's rank correlation of mixtures, mean over steps */
    double r2_within, rank;           /* mean over domains */
};

struct emx_law_judgement {
    enum emx_law_split split;
    size_t n_domains, n_scored, n_predicted, n_fits; /* rows predicted; laws fitted for each predictor */
    size_t n_scores;
    struct emx_law_score *scores; /* [n_scores] the law asked for, shifted, competing laws, baselines */
};

/* "law", "shifted law", "last loss repeated", "a curve a mixture". */
EMX_API const char *emx_law_predictor_name(enum emx_law_predictor predictor);

/*
 * Fit on part of the table, predict the rest, beside baselines on the same rows.  Predictors that have no value for a
 * split (baselines that need earlier rows of a mixture where whole mixtures are left out; the exponential law for a
 * step that was left out; a law that has no value at proportions of 0) are listed as not defined.
 * EMX_ERR_EMPTY if the split leaves nothing to fit on or to predict; else as emx_law_fit().
 */
EMX_API EMX_CHECKED enum emx_status emx_law_judge(const struct emx_observations *o,
                                                  const struct emx_law_judge_options *options,
                                                  struct emx_law_judgement **ret, struct emx_error *err);
EMX_API void emx_law_judgement_destroy(struct emx_law_judgement **j);

#endif
