/* sif.c - weights of tokens by their shares in a state: a / (a + p), as Arora et al. (2017) weigh words of sentences */
#include <emx/vne_set.h>

#include <stdlib.h>

static const double sif_a = 1e-3;

/* The first tokens of its pairs and its tails are all the domain's tokens. */
static enum emx_status add_counts(struct emx_state *s, size_t domain, bool tails, double *counts, struct emx_error *err)
{
    struct emx_pair_cursor *cursor = NULL;
    struct emx_pair_count row;
    bool more = true;
    enum emx_status status =
        tails ? emx_tail_cursor_create(s, domain, &cursor, err) : emx_pair_cursor_create(s, domain, &cursor, err);

    while (!status && more) {
        status = emx_pair_cursor_next(cursor, &row, &more, err);
        if (!status && more)
            counts[row.first] += (double)row.count; /* exact below 2^53 */
    }
    emx_pair_cursor_destroy(&cursor);
    return status;
}

enum emx_status emx_vne_sif_weights(struct emx_state *s, double **ret, size_t *ret_n, struct emx_error *err)
{
    size_t n_domains = emx_state_n_domains(s), n = 0;
    double total = 0, *weights;
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < n_domains; i++) {
        const struct emx_domain *d = emx_state_domain(s, i);

        n = d->max_token >= n ? (size_t)d->max_token + 1 : n;
        total += (double)d->n_tokens;
    }
    weights = calloc(n ? n : 1, sizeof(*weights));
    if (!weights)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu tokens", n);
    for (size_t i = 0; i < 2 * n_domains && !status; i++)
        status = add_counts(s, i / 2, i % 2, weights, err);
    if (status) {
        free(weights);
        return status;
    }
    for (size_t i = 0; i < n && total > 0; i++)
        weights[i] = sif_a / (sif_a + weights[i] / total);
    *ret = weights;
    *ret_n = n;
    return EMX_OK;
}
