/* Conditional entropies and mixture proportions of the domains in a state file. */
#include <emx/emx.h>
#include <stdio.h>
#include <stdlib.h>

static enum emx_status print_mixture(const char *path, struct emx_error *err)
{
    struct emx_state *state;
    enum emx_status status = emx_state_open(path, &state, err);
    if (status != EMX_OK)
        return status;

    size_t n = emx_state_n_domains(state);
    double *entropy = calloc(n + 1, sizeof *entropy);
    double *proportion = calloc(n + 1, sizeof *proportion);
    if (!entropy || !proportion)
        status = emx_fail(err, EMX_ERR_MEMORY, "no memory for %zu domains", n);

    for (size_t i = 0; status == EMX_OK && i < n; i++) {
        const struct emx_domain *d = emx_state_domain(state, i);
        entropy[i] = emx_entropy_conditional(&d->pairs, &d->firsts);
    }
    if (status == EMX_OK)
        status = emx_weights_from_entropies(entropy, n, &EMX_WEIGHTS_DEFAULTS, proportion, err);
    for (size_t i = 0; status == EMX_OK && i < n; i++)
        printf("%s %.6f nats %.6f\n", emx_state_domain(state, i)->name, entropy[i], proportion[i]);

    free(entropy);
    free(proportion);
    emx_state_close(&state);
    return status;
}

int main(int argc, char **argv)
{
    struct emx_error err;

    if (argc != 2) {
        fprintf(stderr, "usage: %s STATE.emx\n", argv[0]);
        return 2;
    }
    if (print_mixture(argv[1], &err) != EMX_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    return 0;
}
