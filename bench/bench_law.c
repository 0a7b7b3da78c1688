/*
 * bench_law - what the mixing laws make of a table of losses, and in what time
 *
 *     bench_law [TABLE.csv [COLUMN=VALUE [IGNORED]]]
 *
 * Without a table: a generated one of 7 domains, 60 mixtures and 10 steps that follow a law with 0.5 % noise.  Rows
 * whose losses repeat are dropped.  Lines are TSV, so that scripts/scipy_law can repeat all of it with SciPy:
 *
 *     domain   name
 *     row      mixture, step, the proportions, the losses
 *     cost     law, loss, method, domain, cost
 *     judge    split, predictor, law, mean relative error, R^2, R^2 within steps, rank correlation
 *     time     law, draws, threads (0: all processors), seconds (best and median of the rounds)
 */
#include "../tests/law_tables.h"
#include "bench.h"

#include <stdio.h>

#define N_ROUNDS 5

static const char *const method_names[] = {"auto", "trf", "varpro", "multi"};
static const char *const split_names[] = {"last-step", "mixtures", "first-half"};

static struct emx_observations *generate(void)
{
    uint64_t seed = 1;
    struct emx_observations *o = table_create(7, 60, 10, &seed);
    struct emx_law *law = law_plant(o, 10, EMX_LAW_BIMIX, &seed);

    table_fill(o, law, 0.005, &seed);
    emx_law_destroy(&law);
    return o;
}

static struct emx_observations *read_table(int argc, char **argv)
{
    const char *const *where = (const char *const *)argv + 2, *const *ignored = (const char *const *)argv + 3;
    const struct emx_observations_options options = {
        .where = where, .n_where = argc > 2, .ignored = ignored, .n_ignored = argc > 3, .repeated = EMX_REPEATED_DROP};
    struct emx_observations *o = NULL;
    struct emx_error err;

    if (emx_observations_read(argv[1], &options, &o, &err) != EMX_OK)
        die("%s", err.message);
    return o;
}

static void print_table(const struct emx_observations *o)
{
    for (size_t j = 0; j < o->n_domains; j++)
        printf("domain\t%s\n", o->domains[j]);
    for (size_t row = 0; row < o->n_rows; row++) {
        printf("row\t%zu\t%.17g", o->mixture[row], o->step[row]);
        for (size_t j = 0; j < o->n_domains; j++)
            printf("\t%.17g", o->proportion[o->mixture[row] * o->n_domains + j]);
        for (size_t k = 0; k < o->n_scored; k++)
            printf("\t%.17g", o->loss[row * o->n_scored + k]);
        putchar('\n');
    }
}

static struct emx_law *fit(const struct emx_observations *o, const struct emx_law_options *options)
{
    struct emx_law *law = NULL;
    struct emx_error err;

    if (emx_law_fit(o, options, &law, &err) != EMX_OK)
        die("%s", err.message);
    return law;
}

static void print_costs(const struct emx_observations *o, const struct emx_law_options *options)
{
    struct emx_law *law = fit(o, options);

    for (size_t k = 0; k < law->n_scored; k++)
        printf("cost\t%s\t%s\t%s\t%s\t%.17g\n", emx_law_form_name(law->form), emx_law_loss_name(law->loss),
               method_names[options->method], law->domains[law->scored[k]], law->cost[k]);
    emx_law_destroy(&law);
}

static void print_all_costs(const struct emx_observations *o)
{
    for (int loss = EMX_LAW_LOG; loss <= EMX_LAW_HUBER; loss++)
        for (int form = 0; form < EMX_LAW_N_FORMS; form++)
            for (int method = EMX_LAW_AUTO; method <= EMX_LAW_TRF; method++)
                print_costs(o, &(struct emx_law_options){.form = (enum emx_law_form)form,
                                                         .loss = (enum emx_law_loss)loss,
                                                         .method = (enum emx_law_method)method});
}

static void print_judgement(const struct emx_observations *o, enum emx_law_split split)
{
    struct emx_law_judgement *j = NULL;
    struct emx_error err;

    if (emx_law_judge(o, &(struct emx_law_judge_options){.split = split}, &j, &err) != EMX_OK)
        die("%s", err.message);
    for (size_t i = 0; i < j->n_scores; i++) {
        const struct emx_law_score *s = &j->scores[i];

        if (s->defined)
            printf("judge\t%s\t%s\t%s\t%.6f\t%.6f\t%.6f\t%.6f\n", split_names[split],
                   emx_law_predictor_name(s->predictor), emx_law_form_name(s->form), s->mean, s->r2, s->r2_within,
                   s->rank);
    }
    emx_law_judgement_destroy(&j);
}

static void time_fit(const struct emx_observations *o, enum emx_law_form form, size_t n_draws, unsigned n_threads)
{
    double times[N_ROUNDS], middle;

    for (size_t i = 0; i < N_ROUNDS; i++) {
        double begin = clock_seconds();
        struct emx_law *law =
            fit(o, &(struct emx_law_options){.form = form, .n_draws = n_draws, .n_threads = n_threads});

        times[i] = clock_seconds() - begin;
        emx_law_destroy(&law);
    }
    middle = median(times, N_ROUNDS);
    printf("time\t%s\t%zu\t%u\t%.6f\t%.6f\n", emx_law_form_name(form), n_draws, n_threads, times[0], middle);
}

int main(int argc, char **argv)
{
    struct emx_observations *o = argc > 1 ? read_table(argc, argv) : generate();

    print_table(o);
    print_all_costs(o);
    for (int split = EMX_LAW_LAST_STEP; split <= EMX_LAW_FIRST_HALF; split++)
        print_judgement(o, (enum emx_law_split)split);
    time_fit(o, EMX_LAW_BIMIX, 0, 1);
    time_fit(o, EMX_LAW_BIMIX, 200, 1);
    time_fit(o, EMX_LAW_BIMIX, 200, 0);
    time_fit(o, EMX_LAW_BIMIX_TRANSFER, 200, 0);
    emx_observations_destroy(&o);
    return 0;
}
