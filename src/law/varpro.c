/* varpro.c - the grid over (alpha, beta) and the two-variable non-negative least squares at each of its points */
#include "law/varpro.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define N_ALPHA 24
#define N_BETA VARPRO_SCRATCH

struct grid {
    size_t n_alpha;
    double alpha[N_ALPHA], beta[N_BETA];
    double cost[N_ALPHA][N_BETA], b[N_ALPHA][N_BETA], c[N_ALPHA][N_BETA];
};

/* Normal equations of B and C, and the sum of squared targets. */
struct normal {
    double bb, bc, cc, b, c, targets;
};

/* Sums over the rows of each step that do not depend on beta. */
struct step_sums {
    double *uu, *ut; /* [n_steps] of w u^2 and w u t, residuals being u K(s) - t */
    double targets;
    double alpha_alone; /* cost of rows that only alpha moves */
};

static void add_rows(const struct model *m, double alpha, struct step_sums *sums)
{
    size_t n_steps = m->sample->n_steps;

    memset(sums->uu, 0, n_steps * sizeof *sums->uu);
    memset(sums->ut, 0, n_steps * sizeof *sums->ut);
    sums->targets = sums->alpha_alone = 0;
    for (size_t r = 0; r < m->n_rows; r++) {
        double exponent = -alpha * m->share[r], t = m->target[r], w = m->weight[r];

        if (m->step[r] == n_steps) {
            sums->alpha_alone += w * (exponent - t) * (exponent - t);
            continue;
        }
        if (m->loss != EMX_LAW_LINEAR) {
            exponent -= t;
            t = 1;
        }

        double u = exp(exponent);

        sums->uu[m->step[r]] += w * u * u;
        sums->ut[m->step[r]] += w * u * t;
        sums->targets += w * t * t;
    }
}

/* powers[n_steps] = s^-beta */
static struct normal normal_equations(const struct step_sums *sums, const double *powers, size_t n_steps)
{
    struct normal n = {.targets = sums->targets};

    for (size_t i = 0; i < n_steps; i++) {
        n.bb += sums->uu[i] * powers[i] * powers[i];
        n.bc += sums->uu[i] * powers[i];
        n.cc += sums->uu[i];
        n.b += sums->ut[i] * powers[i];
        n.c += sums->ut[i];
    }
    return n;
}

/* The least cost with B, C >= 0: the two are positively correlated, so that at most one of them is negative. */
static double solve(const struct normal *n, double *b, double *c)
{
    double determinant = n->bb * n->cc - n->bc * n->bc;

    *b = *c = 0;
    if (determinant > 1e-13 * n->bb * n->cc) {
        *b = (n->b * n->cc - n->c * n->bc) / determinant;
        *c = (n->c * n->bb - n->b * n->bc) / determinant;
    }
    if (*b <= 0 || *c < 0) {
        bool without_b = *b <= 0;

        *b = without_b ? 0 : n->b / n->bb;
        *c = without_b ? n->c / n->cc : 0;
    }
    return n->targets - *b * n->b - *c * n->c;
}

/* powers[n_steps] of each beta: s^-beta */
static void fill_powers(const struct model *m, struct grid *g, double *powers)
{
    size_t n_steps = m->sample->n_steps;

    for (size_t j = 0; j < N_BETA; j++) {
        g->beta[j] = 0.02 * pow(400, (double)j / (N_BETA - 1));
        for (size_t i = 0; i < n_steps; i++)
            powers[j * n_steps + i] = exp(-g->beta[j] * m->sample->log_s[i]);
    }
}

static void fill(const struct model *m, struct grid *g, double *powers)
{
    /* the model's own scratch: rows were taken, residuals come later */
    struct step_sums sums = {.uu = m->by_b, .ut = m->by_c};
    size_t n_steps = m->sample->n_steps;

    g->n_alpha = m->form == EMX_LAW_BLIND ? 1 : N_ALPHA;
    fill_powers(m, g, powers);
    for (size_t i = 0; i < g->n_alpha; i++) {
        g->alpha[i] = i ? 0.01 * pow(400, (double)(i - 1) / (N_ALPHA - 2)) : 0;
        add_rows(m, g->alpha[i], &sums);
        for (size_t j = 0; j < N_BETA; j++) {
            struct normal n = normal_equations(&sums, powers + j * n_steps, n_steps);

            g->cost[i][j] = solve(&n, &g->b[i][j], &g->c[i][j]) + sums.alpha_alone;
        }
    }
}

/* No neighbour is lower. */
static bool is_minimum(const struct grid *g, size_t i, size_t j)
{
    for (size_t a = i ? i - 1 : 0; a <= i + 1 && a < g->n_alpha; a++)
        for (size_t b = j ? j - 1 : 0; b <= j + 1 && b < N_BETA; b++)
            if (g->cost[a][b] < g->cost[i][j])
                return false;
    return true;
}

/* TRF is slow to leave bounds: start a little off. */
static void take_point(const struct model *m, const struct grid *g, size_t i, size_t j, double *x)
{
    double least = 1e-3 * m->mean_loss;

    if (m->form != EMX_LAW_BLIND)
        *x++ = fmax(g->alpha[i], 1e-3);
    x[BLIND_BETA] = g->beta[j];
    x[BLIND_B] = fmax(g->b[i][j], least);
    x[BLIND_C] = fmax(g->c[i][j], least);
}

size_t varpro_starts(const struct model *m, double *scratch, double *ret_x)
{
    struct grid g;
    size_t n = 0;
    double below = -INFINITY;

    fill(m, &g, scratch);
    while (n < VARPRO_STARTS) {
        size_t best_i = 0, best_j = 0;
        double best = INFINITY;

        for (size_t i = 0; i < g.n_alpha; i++)
            for (size_t j = 0; j < N_BETA; j++)
                if (g.cost[i][j] > below && g.cost[i][j] < best && is_minimum(&g, i, j)) {
                    best = g.cost[i][j];
                    best_i = i;
                    best_j = j;
                }
        if (best == INFINITY)
            break;
        take_point(m, &g, best_i, best_j, ret_x + n++ * m->n_free);
        below = best;
    }
    return n;
}
