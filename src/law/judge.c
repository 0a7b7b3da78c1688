/*
 * judge.c - fit on part of a table, predict the rest, beside baselines on the same rows
 *
 * A split has one or more folds; in a fold each row is fitted to, predicted, or left aside.
 */
#include "law/fit.h"
#include "law/sample.h"
#include "law/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_FOLDS 10
/* Of competing laws, where the options do not say: they are compared, not used. */
#define COMPETING_STARTS 4
/* Last rows of a mixture that tell how far it lies off the law. */
#define SHIFT_ROWS 3

struct judge {
    const struct emx_observations *o;
    const struct emx_law_judge_options *options;
    struct sample all;
    struct score_work *score;
    size_t n_folds, n_predicted;
    size_t *fold;      /* [n_mixtures] */
    size_t *first_row; /* [n_mixtures + 1] rows of a mixture stand together */
    size_t *row;       /* [n_predicted] */
    bool *held;        /* [n_rows] row is predicted in the fold of its mixture */
    bool *use;         /* [n_rows] of the fold at hand */
    double *predicted; /* [n_predicted][k] */
    struct emx_law_judgement *result;
};

/* ---- splits ---- */

static bool is_given(const struct emx_law_judge_options *o, size_t mixture)
{
    for (size_t i = 0; i < o->n_held_out; i++)
        if (o->held_out[i] == mixture)
            return true;
    return false;
}

/* Mixture i is in fold i mod n; of a list, those on it are fold 0 and the others in none. */
static void assign_folds(struct judge *j)
{
    size_t wanted = j->options->n_folds ? j->options->n_folds : DEFAULT_FOLDS, n = j->o->n_mixtures;

    j->n_folds = 1;
    memset(j->fold, 0, n * sizeof *j->fold);
    if (j->options->split != EMX_LAW_MIXTURES)
        return;
    if (!j->options->held_out)
        j->n_folds = wanted < n ? wanted : n;
    for (size_t i = 0; i < n; i++)
        j->fold[i] = j->options->held_out ? !is_given(j->options, i) : i % j->n_folds;
}

/* Which rows of a mixture are predicted: from number `from` of its n on. */
static size_t first_held(const struct judge *j, size_t mixture, size_t n)
{
    if (j->options->split == EMX_LAW_MIXTURES)
        return j->fold[mixture] < j->n_folds ? 0 : n;
    if (n < 2)
        return n;
    return j->options->split == EMX_LAW_LAST_STEP ? n - 1 : n / 2;
}

static void find_rows_of_mixtures(struct judge *j)
{
    const struct emx_observations *o = j->o;
    size_t row = 0;

    for (size_t i = 0; i < o->n_mixtures; i++) {
        j->first_row[i] = row;
        while (row < o->n_rows && o->mixture[row] == i)
            row++;
    }
    j->first_row[o->n_mixtures] = row;
}

static void hold_out(struct judge *j)
{
    j->n_predicted = 0;
    for (size_t i = 0; i < j->o->n_mixtures; i++) {
        size_t begin = j->first_row[i], end = j->first_row[i + 1];

        for (size_t row = begin + first_held(j, i, end - begin); row < end; row++) {
            j->held[row] = true;
            j->row[j->n_predicted++] = row;
        }
    }
}

/* Rows to fit to in a fold; false: none. */
static bool use_fold(struct judge *j, size_t fold)
{
    bool any = false;

    for (size_t row = 0; row < j->o->n_rows; row++) {
        j->use[row] = !(j->held[row] && j->fold[j->o->mixture[row]] == fold);
        any |= j->use[row];
    }
    return any;
}

static enum emx_status check_options(const struct judge *j, struct emx_error *err)
{
    const struct emx_law_judge_options *o = j->options;

    if ((unsigned)o->split > EMX_LAW_FIRST_HALF)
        return emx_fail(err, EMX_ERR_ARG, "no such split of a table");
    if (o->split == EMX_LAW_MIXTURES && o->n_folds == 1)
        return emx_fail(err, EMX_ERR_ARG, "mixtures must be held out in at least 2 parts");
    for (size_t i = 0; i < o->n_held_out; i++)
        if (o->held_out[i] >= j->o->n_mixtures)
            return emx_fail(err, EMX_ERR_ARG, "there is no mixture %zu to hold out", o->held_out[i] + 1);
    for (size_t i = 0; i < o->n_competing; i++)
        if ((unsigned)o->competing[i] >= EMX_LAW_N_FORMS)
            return emx_fail(err, EMX_ERR_ARG, "no such competing law");
    return EMX_OK;
}

static enum emx_status check_split(struct judge *j, struct emx_error *err)
{
    if (!j->n_predicted)
        return emx_fail(err, EMX_ERR_EMPTY, "there is nothing to predict: no mixture has more than one step");
    for (size_t fold = 0; fold < j->n_folds; fold++)
        if (!use_fold(j, fold))
            return emx_fail(err, EMX_ERR_EMPTY, "nothing is left to fit a law to");
    return EMX_OK;
}

static enum emx_status open_table(struct judge *j, struct emx_error *err)
{
    enum emx_status status = sample_init(&j->all, j->o, NULL, err);
    size_t rows = j->o->n_rows, n = j->o->n_mixtures;

    if (status)
        return status;
    j->fold = calloc(n, sizeof *j->fold);
    j->first_row = calloc(n + 1, sizeof *j->first_row);
    j->row = calloc(rows, sizeof *j->row);
    j->held = calloc(rows, sizeof *j->held);
    j->use = calloc(rows, sizeof *j->use);
    j->predicted = calloc(rows * j->o->n_scored, sizeof *j->predicted);
    if (!j->fold || !j->first_row || !j->row || !j->held || !j->use || !j->predicted)
        return emx_fail(err, EMX_ERR_MEMORY, "no memory to judge a law by %zu rows", rows);
    find_rows_of_mixtures(j);
    if (j->first_row[n] != rows)
        return emx_fail(err, EMX_ERR_RANGE, "rows are not in the order of their mixtures");
    assign_folds(j);
    hold_out(j);
    status = check_split(j, err);
    if (status)
        return status;
    j->score = score_work_create(&j->all, j->row, j->n_predicted);
    return j->score ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "no memory to judge a law by %zu rows", rows);
}

static void close_table(struct judge *j)
{
    score_work_destroy(&j->score);
    free(j->fold);
    free(j->first_row);
    free(j->row);
    free(j->held);
    free(j->use);
    free(j->predicted);
    sample_finish(&j->all);
}

/* ---- predictors ---- */

/* Mean log residual of a mixture's last rows that were fitted to. */
static double shift_of(const struct judge *j, const struct emx_law *law, size_t scored, size_t before)
{
    const struct emx_observations *o = j->o;
    size_t mixture = o->mixture[before], first = j->first_row[mixture], n = 0;
    double sum = 0;

    for (size_t row = before; row-- > first && n < SHIFT_ROWS;) {
        if (!j->use[row])
            continue;
        sum += j->all.log_loss[scored * j->all.n_rows + row] -
               log(emx_law_value(law, scored, NULL, o->proportion + mixture * o->n_domains, o->step[row], NULL, NULL));
        n++;
    }
    return n ? sum / (double)n : NAN;
}

/* Predict the rows of a fold; false: the law has no value at one of them. */
static bool predict_fold(struct judge *j, const struct emx_law *law, size_t fold, bool shifted)
{
    const struct emx_observations *o = j->o;

    for (size_t i = 0; i < j->n_predicted; i++) {
        size_t row = j->row[i], mixture = o->mixture[row];

        if (j->fold[mixture] != fold)
            continue;
        if (!emx_law_has_step(law, o->step[row]))
            return false;
        for (size_t k = 0; k < o->n_scored; k++) {
            double value =
                emx_law_value(law, k, NULL, o->proportion + mixture * o->n_domains, o->step[row], NULL, NULL);

            value *= shifted ? exp(shift_of(j, law, k, row)) : 1;
            if (!(value > 0 && isfinite(value)))
                return false;
            j->predicted[i * o->n_scored + k] = value;
        }
    }
    return true;
}

static struct emx_law_options options_of(const struct judge *j, enum emx_law_form form, bool with_prior)
{
    struct emx_law_options o = j->options->fit;

    o.n_draws = 0;
    o.prior = with_prior ? o.prior : NULL;
    if (form != o.form) {
        o.form = form;
        o.method = EMX_LAW_AUTO;
        o.n_starts = o.n_starts ? o.n_starts : COMPETING_STARTS;
    }
    return o;
}

/* Does every row that a fold predicts have a step that the fold is fitted to?  The exponential law needs that. */
static bool has_steps(struct judge *j, size_t fold)
{
    const struct sample *s = &j->all;
    bool all = true;

    use_fold(j, fold);
    for (size_t i = 0; i < j->n_predicted && all; i++) {
        size_t row = 0;

        if (j->fold[j->o->mixture[j->row[i]]] != fold)
            continue;
        while (row < s->n_rows && !(j->use[row] && s->step[row] == s->step[j->row[i]]))
            row++;
        all = row < s->n_rows;
    }
    return all;
}

/* A law's predictions of all folds. */
static enum emx_status predict_by_law(struct judge *j, struct emx_law_score *score, struct emx_error *err)
{
    struct emx_law_options o = options_of(j, score->form, score->has_prior);
    size_t m = j->o->n_domains, k = j->o->n_scored;
    bool defined = true;

    for (size_t fold = 0; fold < j->n_folds && score->form == EMX_LAW_EXPONENTIAL; fold++)
        defined &= has_steps(j, fold);
    for (size_t fold = 0; fold < j->n_folds && defined; fold++) {
        struct emx_law *law = NULL;
        enum emx_status status;

        use_fold(j, fold);
        status = law_fit_rows(j->o, j->use, &o, &law, err);
        if (status)
            return status;
        defined = predict_fold(j, law, fold, score->predictor == EMX_LAW_BY_SHIFTED);
        score->n_free = k * emx_law_n_free(law->form, m, law->n_steps);
        score->n_published = emx_law_n_published(law->form, m, k, law->n_steps);
        emx_law_destroy(&law);
    }
    if (score->predictor == EMX_LAW_BY_SHIFTED)
        score->n_free += k * j->o->n_mixtures;
    score->defined = defined;
    return EMX_OK;
}

/* The last row of a mixture that was fitted to, before `row`. */
static void predict_by_repeat(struct judge *j, struct emx_law_score *score)
{
    size_t n_scored = j->o->n_scored;

    use_fold(j, 0);
    for (size_t i = 0; i < j->n_predicted; i++) {
        size_t row = j->row[i];

        while (!j->use[row])
            row--;
        memcpy(j->predicted + i * n_scored, j->o->loss + row * n_scored, n_scored * sizeof *j->predicted);
    }
    score->n_free = score->n_published = n_scored * j->o->n_mixtures;
    score->defined = 1;
}

/* Fit a curve to a mixture's rows and predict its others. */
static enum emx_status predict_curve(struct judge *j, size_t mixture, const struct emx_law_options *o, size_t *next,
                                     struct emx_error *err)
{
    size_t n_scored = j->o->n_scored, end = j->first_row[mixture + 1];
    struct emx_law *law = NULL;
    enum emx_status status;

    if (*next == j->n_predicted || j->row[*next] >= end)
        return EMX_OK;
    for (size_t row = 0; row < j->o->n_rows; row++)
        j->use[row] = j->o->mixture[row] == mixture && !j->held[row];
    status = law_fit_rows(j->o, j->use, o, &law, err);
    if (status)
        return status;
    for (; *next < j->n_predicted && j->row[*next] < end; (*next)++)
        for (size_t k = 0; k < n_scored; k++)
            j->predicted[*next * n_scored + k] = emx_law_value(
                law, k, NULL, j->o->proportion + mixture * j->o->n_domains, j->o->step[j->row[*next]], NULL, NULL);
    emx_law_destroy(&law);
    return EMX_OK;
}

static enum emx_status predict_by_curve(struct judge *j, struct emx_law_score *score, struct emx_error *err)
{
    struct emx_law_options o = options_of(j, EMX_LAW_BLIND, false);
    enum emx_status status = EMX_OK;
    size_t next = 0;

    for (size_t i = 0; i < j->o->n_mixtures && !status; i++)
        status = predict_curve(j, i, &o, &next, err);
    score->n_free = score->n_published = j->o->n_scored * j->o->n_mixtures * emx_law_n_free(EMX_LAW_BLIND, 1, 1);
    score->defined = 1;
    return status;
}

static enum emx_status predict(struct judge *j, struct emx_law_score *score, struct emx_error *err)
{
    bool is_asked_for = score->form == j->options->fit.form;
    enum emx_status status;

    if (score->predictor != EMX_LAW_BY_LAW && j->options->split == EMX_LAW_MIXTURES)
        return EMX_OK; /* nothing of the mixture was seen before */
    switch (score->predictor) {
    case EMX_LAW_BY_REPEAT:
        predict_by_repeat(j, score);
        return EMX_OK;
    case EMX_LAW_BY_CURVE:
        return predict_by_curve(j, score, err);
    default:
        status = predict_by_law(j, score, err);
        if (status == EMX_ERR_RANGE && !is_asked_for) /* proportions of 0, or coefficients past all limits */
            return EMX_OK;
        return status;
    }
}

/* ---- the result ---- */

static bool is_competing(const struct emx_law_judge_options *o, enum emx_law_form form)
{
    bool found = !o->competing;

    for (size_t i = 0; i < o->n_competing; i++)
        found |= o->competing[i] == form;
    return found && form != o->fit.form;
}

static void list_predictors(struct judge *j)
{
    const struct emx_law_options *o = &j->options->fit;
    struct emx_law_score *s = j->result->scores;
    size_t n = 0;

    s[n++] = (struct emx_law_score){.predictor = EMX_LAW_BY_LAW, .form = o->form, .has_prior = o->prior != NULL};
    s[n++] = (struct emx_law_score){.predictor = EMX_LAW_BY_SHIFTED, .form = o->form, .has_prior = o->prior != NULL};
    if (o->prior)
        s[n++] = (struct emx_law_score){.predictor = EMX_LAW_BY_LAW, .form = o->form};
    for (int form = 0; form < EMX_LAW_N_FORMS; form++)
        if (is_competing(j->options, (enum emx_law_form)form))
            s[n++] = (struct emx_law_score){.predictor = EMX_LAW_BY_LAW, .form = (enum emx_law_form)form};
    s[n++] = (struct emx_law_score){.predictor = EMX_LAW_BY_REPEAT};
    s[n++] = (struct emx_law_score){.predictor = EMX_LAW_BY_CURVE};
    j->result->n_scores = n;
}

static enum emx_status fill_scores(struct judge *j, struct emx_error *err)
{
    for (size_t i = 0; i < j->result->n_scores; i++) {
        struct emx_law_score *score = &j->result->scores[i];
        enum emx_status status;

        if (!score_init(score, j->o->n_scored))
            return emx_fail(err, EMX_ERR_MEMORY, "no memory for scores");
        status = predict(j, score, err);
        if (status)
            return status;
        if (score->defined)
            score_rows(j->score, j->predicted, score);
    }
    return EMX_OK;
}

static enum emx_status make_result(struct judge *j, struct emx_error *err)
{
    struct emx_law_judgement *r = j->result = calloc(1, sizeof *r);

    if (r)
        r->scores = calloc(EMX_LAW_N_FORMS + 4, sizeof *r->scores);
    if (!r || !r->scores)
        return emx_fail(err, EMX_ERR_MEMORY, "no memory for scores");
    r->split = j->options->split;
    r->n_domains = j->o->n_domains;
    r->n_scored = j->o->n_scored;
    r->n_predicted = j->n_predicted;
    r->n_fits = j->n_folds;
    list_predictors(j);
    return fill_scores(j, err);
}

enum emx_status emx_law_judge(const struct emx_observations *o, const struct emx_law_judge_options *options,
                              struct emx_law_judgement **ret, struct emx_error *err)
{
    struct judge j = {.o = o, .options = options};
    enum emx_status status = check_options(&j, err);

    if (!status)
        status = open_table(&j, err);
    if (!status)
        status = make_result(&j, err);
    close_table(&j);
    if (status)
        emx_law_judgement_destroy(&j.result);
    else
        *ret = j.result;
    return status;
}

void emx_law_judgement_destroy(struct emx_law_judgement **j)
{
    if (!*j)
        return;
    for (size_t i = 0; (*j)->scores && i < (*j)->n_scores; i++)
        score_finish(&(*j)->scores[i]);
    free((*j)->scores);
    free(*j);
    *j = NULL;
}

const char *emx_law_predictor_name(enum emx_law_predictor predictor)
{
    static const char *const names[] = {"law", "shifted law", "last loss repeated", "a curve a mixture"};

    return names[predictor];
}
