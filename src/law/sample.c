/* sample.c - check and take over the rows of a table */
#include "law/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum emx_status check_row(const struct emx_observations *o, size_t row, struct emx_error *err)
{
    if (o->mixture[row] >= o->n_mixtures)
        return emx_fail(err, EMX_ERR_RANGE, "row %zu is of mixture %zu of %zu", row + 1, o->mixture[row] + 1,
                        o->n_mixtures);
    if (!(o->step[row] > 0 && isfinite(o->step[row])))
        return emx_fail(err, EMX_ERR_RANGE, "step of row %zu cannot be %g", row + 1, o->step[row]);
    for (size_t k = 0; k < o->n_scored; k++)
        if (!(o->loss[row * o->n_scored + k] > 0 && isfinite(o->loss[row * o->n_scored + k])))
            return emx_fail(err, EMX_ERR_RANGE, "loss of domain %s in row %zu cannot be %g", o->domains[o->scored[k]],
                            row + 1, o->loss[row * o->n_scored + k]);
    return EMX_OK;
}

static enum emx_status check_mixtures(const struct emx_observations *o, struct emx_error *err)
{
    for (size_t i = 0; i < o->n_mixtures; i++) {
        double sum = 0;

        for (size_t j = 0; j < o->n_domains; j++) {
            double r = o->proportion[i * o->n_domains + j];

            if (!(r >= 0 && r <= 1))
                return emx_fail(err, EMX_ERR_RANGE, "proportion of domain %s in mixture %s cannot be %g", o->domains[j],
                                o->mixtures[i], r);
            sum += r;
        }
        if (fabs(sum - 1) > 2e-6)
            return emx_fail(err, EMX_ERR_RANGE, "mixture %s sums to %.9g, not to 1", o->mixtures[i], sum);
    }
    return EMX_OK;
}

static enum emx_status check_table(const struct emx_observations *o, struct emx_error *err)
{
    enum emx_status status = check_mixtures(o, err);

    for (size_t k = 0; k < o->n_scored && !status; k++)
        if (o->scored[k] >= o->n_domains || (k && o->scored[k] <= o->scored[k - 1]))
            status = emx_fail(err, EMX_ERR_RANGE, "scored domains do not ascend at number %zu", k + 1);
    for (size_t row = 0; row < o->n_rows && !status; row++)
        status = check_row(o, row, err);
    return status;
}

static bool allocate(struct sample *s)
{
    size_t rows = s->n_rows;

    s->row = calloc(rows, sizeof *s->row);
    s->mixture = calloc(rows, sizeof *s->mixture);
    s->step = calloc(rows, sizeof *s->step);
    s->steps = calloc(rows, sizeof *s->steps);
    s->log_s = calloc(rows, sizeof *s->log_s);
    s->log_proportion = calloc(s->n_domains * s->n_mixtures, sizeof *s->log_proportion);
    s->loss = calloc(s->n_scored * rows, sizeof *s->loss);
    s->log_loss = calloc(s->n_scored * rows, sizeof *s->log_loss);
    return s->row && s->mixture && s->step && s->steps && s->log_s && s->log_proportion && s->loss && s->log_loss;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void find_steps(struct sample *s)
{
    const double *step = s->table->step;

    for (size_t r = 0; r < s->n_rows; r++)
        s->steps[r] = step[s->row[r]];
    qsort(s->steps, s->n_rows, sizeof *s->steps, by_value);
    for (size_t r = 0; r < s->n_rows; r++)
        if (!s->n_steps || s->steps[r] - s->steps[s->n_steps - 1] > SAMPLE_SAME_STEP * s->steps[r])
            s->steps[s->n_steps++] = s->steps[r];
    s->step_unit = s->steps[s->n_steps - 1];
    for (size_t i = 0; i < s->n_steps; i++)
        s->log_s[i] = log(s->steps[i] / s->step_unit);
    for (size_t r = 0; r < s->n_rows; r++) {
        size_t low = 0, high = s->n_steps; /* the last of steps that is not past it */

        while (high - low > 1) {
            size_t middle = low + (high - low) / 2;

            if (s->steps[middle] <= step[s->row[r]])
                low = middle;
            else
                high = middle;
        }
        s->step[r] = low;
    }
}

static void take_rows(struct sample *s, const bool *use)
{
    const struct emx_observations *o = s->table;
    size_t n = 0;

    for (size_t row = 0; row < o->n_rows; row++)
        if (!use || use[row])
            s->row[n++] = row;
    for (size_t r = 0; r < n; r++) {
        s->mixture[r] = o->mixture[s->row[r]];
        for (size_t k = 0; k < s->n_scored; k++) {
            s->loss[k * n + r] = o->loss[s->row[r] * s->n_scored + k];
            s->log_loss[k * n + r] = log(s->loss[k * n + r]);
        }
    }
    for (size_t i = 0; i < s->n_mixtures; i++)
        for (size_t j = 0; j < s->n_domains; j++)
            s->log_proportion[j * s->n_mixtures + i] = log(o->proportion[i * s->n_domains + j]);
}

enum emx_status sample_init(struct sample *s, const struct emx_observations *table, const bool *use,
                            struct emx_error *err)
{
    memset(s, 0, sizeof *s);
    for (size_t row = 0; row < table->n_rows; row++)
        s->n_rows += !use || use[row];
    if (!s->n_rows || !table->n_scored)
        return emx_fail(err, EMX_ERR_EMPTY, "there are no losses to fit a law to");

    enum emx_status status = check_table(table, err);

    if (status)
        return status;
    s->table = table;
    s->n_domains = table->n_domains;
    s->n_scored = table->n_scored;
    s->n_mixtures = table->n_mixtures;
    if (!allocate(s)) {
        sample_finish(s);
        return emx_fail(err, EMX_ERR_MEMORY, "no memory for %zu rows of losses", s->n_rows);
    }
    take_rows(s, use);
    find_steps(s);
    return EMX_OK;
}

void sample_finish(struct sample *s)
{
    free(s->row);
    free(s->mixture);
    free(s->step);
    free(s->steps);
    free(s->log_s);
    free(s->log_proportion);
    free(s->loss);
    free(s->log_loss);
    memset(s, 0, sizeof *s);
}
