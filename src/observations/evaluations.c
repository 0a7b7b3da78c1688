/*
 * evaluations.c - runs and their evaluations as they are gathered, then in order
 *
 * Proportions are kept as the table has them, so that rows of one run compare equal; zeros are replaced and sums
 * scaled at the end.
 */
#include "observations/table_reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool grow_runs(struct evaluations *e)
{
    size_t cap = 2 * e->runs_cap + 16;
    double *proportion = reallocarray(e->proportion, cap, e->m * sizeof(*proportion));
    size_t *first_row;
    struct run_place *sorted;

    if (!proportion)
        return false;
    e->proportion = proportion;
    first_row = reallocarray(e->first_row, cap, sizeof(*first_row));
    if (!first_row)
        return false;
    e->first_row = first_row;
    sorted = reallocarray(e->sorted, cap, sizeof(*sorted));
    if (!sorted)
        return false;
    e->sorted = sorted;
    e->runs_cap = cap;
    return true;
}

/*
 * One number for a mixture, by which runs are sorted: mixtures that are the same have numbers that differ by at most
 * `slack`, others hardly ever.  The weights, between 0 and 1, are multiples of the golden ratio without their integer
 * parts.
 */
static double project(const double *proportion, size_t m, double *ret_slack)
{
    const double golden = 0.6180339887498949;
    double sum = 0;

    for (size_t i = 0; i < m; i++)
        sum += proportion[i] * fmod((double)(i + 1) * golden, 1);
    *ret_slack = (double)m * (SAME_TOLERANCE + 0x1p-50 * fabs(sum));
    return sum;
}

/* The first place in `sorted` whose projection is at least x. */
static size_t lower_bound(const struct evaluations *e, double x)
{
    size_t lo = 0, hi = e->n_runs;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (e->sorted[mid].projection < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

size_t evaluations_find_run(const struct evaluations *e, const double *proportion)
{
    double slack, projection = project(proportion, e->m, &slack);
    size_t found = e->n_runs;

    for (size_t i = lower_bound(e, projection - slack); i < e->n_runs; i++) {
        size_t run = e->sorted[i].run;

        if (e->sorted[i].projection > projection + slack)
            break;
        if (run < found && evaluations_differ(e, run, proportion) == e->m)
            found = run;
    }
    return found;
}

static void sort_in(struct evaluations *e, const double *proportion)
{
    double slack, projection = project(proportion, e->m, &slack);
    size_t place = lower_bound(e, projection);

    memmove(e->sorted + place + 1, e->sorted + place, (e->n_runs - place) * sizeof(*e->sorted));
    e->sorted[place] = (struct run_place){projection, e->n_runs};
}

static enum emx_status check_sum(struct table_reader *t, const double *proportion, size_t row)
{
    double sum = 0;

    for (size_t i = 0; i < t->evaluations.m; i++)
        sum += proportion[i];
    if (t->options->renormalise ? !(sum > 0 && isfinite(sum)) : !(fabs(sum - 1) <= SUM_TOLERANCE))
        return emx_fail(t->err, EMX_ERR_RANGE, "%s: row %zu: the proportions of %zu domain%s sum to %.9g, not to 1%s",
                        t->path, row, t->evaluations.m, t->evaluations.m == 1 ? "" : "s", sum,
                        t->options->renormalise ? "" : "; --renormalise scales them");
    return EMX_OK;
}

enum emx_status evaluations_add_run(struct table_reader *t, const double *proportion, size_t row, size_t *ret)
{
    struct evaluations *e = &t->evaluations;
    enum emx_status status = check_sum(t, proportion, row);

    if (status != EMX_OK)
        return status;
    if (e->n_runs == RUNS_MAX)
        return emx_fail(t->err, EMX_ERR_RANGE, "%s: row %zu: there are more than %zu mixtures", t->path, row, RUNS_MAX);
    if (e->n_runs == e->runs_cap && !grow_runs(e))
        return reader_no_memory(t);
    memcpy(e->proportion + e->n_runs * e->m, proportion, e->m * sizeof(*proportion));
    e->first_row[e->n_runs] = row;
    sort_in(e, proportion);
    *ret = e->n_runs++;
    return EMX_OK;
}

static bool grow(struct evaluations *e)
{
    size_t cap = 2 * e->cap + 64;
    size_t *run = reallocarray(e->run, cap, sizeof(*run)), *row;
    double *step, *loss;

    if (!run)
        return false;
    e->run = run;
    if (!(row = reallocarray(e->row, cap, sizeof(*row))))
        return false;
    e->row = row;
    if (!(step = reallocarray(e->step, cap, sizeof(*step))))
        return false;
    e->step = step;
    if (!(loss = reallocarray(e->loss, cap, e->k * sizeof(*loss))))
        return false;
    e->loss = loss;
    e->cap = cap;
    return true;
}

enum emx_status evaluations_add(struct table_reader *t, size_t run, size_t row, double step, const double *loss)
{
    struct evaluations *e = &t->evaluations;

    if (e->n == e->cap && !grow(e))
        return reader_no_memory(t);
    e->run[e->n] = run;
    e->row[e->n] = row;
    e->step[e->n] = step;
    memcpy(e->loss + e->n * e->k, loss, e->k * sizeof(*loss));
    e->n++;
    return EMX_OK;
}

size_t evaluations_differ(const struct evaluations *e, size_t run, const double *proportion)
{
    const double *known = e->proportion + run * e->m;
    size_t i = 0;

    while (i < e->m && fabs(known[i] - proportion[i]) <= SAME_TOLERANCE)
        i++;
    return i;
}

/* An evaluation and what it is sorted by. */
struct place {
    size_t run, row, at;
    double step;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static bool same_losses(const struct evaluations *e, const struct place *a, const struct place *b)
{
    for (size_t i = 0; i < e->k; i++) {
        if (e->loss[a->at * e->k + i] != e->loss[b->at * e->k + i])
            return false;
    }
    return true;
}

static enum emx_status step_twice(struct table_reader *t, const struct place *a, const struct place *b)
{
    return emx_fail(t->err, EMX_ERR_FORMAT,
                    "%s: row %zu, column '%s': this mixture has step %.15g in row %zu, too; --where COLUMN=VALUE or "
                    "--run-column tells such rows apart",
                    t->path, b->row, t->header.names[t->header.step], b->step, a->row);
}

static enum emx_status repeats(struct table_reader *t, const struct place *a, const struct place *b)
{
    return emx_fail(t->err, EMX_ERR_FORMAT,
                    "%s: row %zu: all its losses repeat those of the step before, in row %zu; --drop-repeated leaves "
                    "such rows out, --keep-repeated keeps them",
                    t->path, b->row, a->row);
}

/* Sorted places whose rows stay; *n becomes their number. */
static enum emx_status choose(struct table_reader *t, struct place *places, size_t *n, size_t *ret_n_repeated)
{
    size_t kept = 0;

    for (size_t i = 0; i < *n; i++) {
        const struct place *before = kept > 0 && places[kept - 1].run == places[i].run ? &places[kept - 1] : NULL;
        bool again = before && same_losses(&t->evaluations, before, &places[i]);

        if (before && before->step == places[i].step)
            return step_twice(t, before, &places[i]);
        if (again && t->options->repeated == EMX_REPEATED_REFUSE)
            return repeats(t, before, &places[i]);
        if (again && t->options->repeated == EMX_REPEATED_DROP)
            ++*ret_n_repeated;
        else
            places[kept++] = places[i];
    }
    *n = kept;
    return EMX_OK;
}

/* Zeros become what the options say, and where any was or sums may be wrong, the mixture is scaled. */
static void copy_proportions(const struct table_reader *t, size_t run, double *ret)
{
    const struct emx_observations_options *o = t->options;
    const size_t m = t->evaluations.m;
    bool scale = o->renormalise != 0;
    double sum = 0;

    for (size_t i = 0; i < m; i++) {
        ret[i] = t->evaluations.proportion[run * m + i];
        if (ret[i] == 0 && o->zero_as > 0) {
            ret[i] = o->zero_as;
            scale = true;
        }
        sum += ret[i];
    }
    for (size_t i = 0; i < m && scale; i++)
        ret[i] /= sum;
}

static enum emx_status add_mixture(struct table_reader *t, size_t run, struct emx_observations *o)
{
    char number[24];

    snprintf(number, sizeof(number), "%zu", o->n_mixtures + 1);
    o->mixtures[o->n_mixtures] = strdup(t->runs.n > 0 ? t->runs.names[run] : number);
    if (!o->mixtures[o->n_mixtures])
        return reader_no_memory(t);
    copy_proportions(t, run, o->proportion + o->n_mixtures * o->n_domains);
    o->n_mixtures++;
    return EMX_OK;
}

static enum emx_status fill(struct table_reader *t, const struct place *places, size_t n, struct emx_observations *o)
{
    const struct evaluations *e = &t->evaluations;
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < n && status == EMX_OK; i++) {
        if (i == 0 || places[i].run != places[i - 1].run)
            status = add_mixture(t, places[i].run, o);
        o->mixture[i] = o->n_mixtures - 1;
        o->step[i] = places[i].step;
        memcpy(o->loss + i * e->k, e->loss + places[i].at * e->k, e->k * sizeof(*e->loss));
    }
    o->n_rows = n;
    return status;
}

static bool allocate(struct emx_observations *o, const struct evaluations *e, size_t n)
{
    o->mixtures = calloc(e->n_runs, sizeof(*o->mixtures));
    o->proportion = calloc(e->n_runs * e->m, sizeof(*o->proportion));
    o->mixture = calloc(n, sizeof(*o->mixture));
    o->step = calloc(n, sizeof(*o->step));
    o->loss = calloc(n * e->k, sizeof(*o->loss));
    return o->mixtures && o->proportion && o->mixture && o->step && o->loss;
}

enum emx_status evaluations_finish(struct table_reader *t, struct emx_observations *o)
{
    const struct evaluations *e = &t->evaluations;
    struct place *places = calloc(e->n + 1, sizeof(*places));
    size_t n = e->n;
    enum emx_status status;

    if (!places)
        return reader_no_memory(t);
    for (size_t i = 0; i < n; i++)
        places[i] = (struct place){e->run[i], e->row[i], i, e->step[i]};
    qsort(places, n, sizeof(*places), compare_places);
    status = choose(t, places, &n, &o->n_repeated);
    if (status == EMX_OK)
        status = allocate(o, e, n) ? fill(t, places, n, o) : reader_no_memory(t);
    free(places);
    return status;
}

void evaluations_free(struct evaluations *e)
{
    free(e->proportion);
    free(e->first_row);
    free(e->sorted);
    free(e->run);
    free(e->row);
    free(e->step);
    free(e->loss);
}
