/* fuzz_observations.c - any bytes as a table of losses: what is accepted is what observations.h says */
#include "input.h"
#include "observations/read.h"

#include <math.h>
#include <string.h>

static void check_proportions(const struct emx_observations *o, bool zero)
{
    for (size_t i = 0; i < o->n_mixtures; i++) {
        double sum = 0;

        for (size_t d = 0; d < o->n_domains; d++) {
            double p = o->proportion[i * o->n_domains + d];

            require(zero ? p >= 0 : p > 0, "proportions are above 0");
            sum += p;
        }
        require(fabs(sum - 1) <= 2e-6, "mixtures sum to 1");
    }
}

static void check_rows(const struct emx_observations *o)
{
    for (size_t i = 0; i < o->n_rows; i++) {
        require(o->mixture[i] < o->n_mixtures, "a row is of a mixture");
        require(o->step[i] > 0 && isfinite(o->step[i]), "steps are above 0");
        require(i == 0 ? o->mixture[i] == 0
                       : o->mixture[i] == o->mixture[i - 1] + 1 ||
                             (o->mixture[i] == o->mixture[i - 1] && o->step[i] > o->step[i - 1]),
                "rows are in order");
        for (size_t k = 0; k < o->n_scored; k++)
            require(o->loss[i * o->n_scored + k] > 0 && isfinite(o->loss[i * o->n_scored + k]), "losses are above 0");
    }
    require(o->mixture[o->n_rows - 1] + 1 == o->n_mixtures, "each mixture has a row");
}

static void check(const struct emx_observations *o, bool zero)
{
    require(o->n_rows > 0 && o->n_mixtures > 0 && o->n_domains > 0 && o->n_scored > 0, "nothing is empty");
    for (size_t i = 0; i < o->n_scored; i++)
        require(o->scored[i] < o->n_domains && (i == 0 || o->scored[i] > o->scored[i - 1]), "scored domains ascend");
    for (size_t i = 0; i < o->n_domains; i++) {
        require(o->domains[i][0] != '\0', "domains have names");
        for (size_t k = 0; k < i; k++)
            require(strcmp(o->domains[i], o->domains[k]) != 0, "domains are different");
    }
    check_proportions(o, zero);
    check_rows(o);
}

/* Bytes alone are hardly ever a header: half of the inputs are the rows behind one that is given. */
static void parse(const char *header, const struct emx_observations_options *options, const uint8_t *data, size_t size)
{
    size_t len = strlen(header);
    char *text = malloc(len + size + 1);
    struct emx_observations *o = NULL;
    struct emx_error err = {.message = ""};
    enum emx_status status;

    require(text != NULL, "memory");
    memcpy(text, header, len);
    if (size > 0)
        memcpy(text + len, data, size);
    status = observations_parse("t.csv", text, len + size, options, &o, &err);
    require((status == EMX_OK) == (o != NULL), "a result or an error");
    require(status == EMX_OK || (err.status == status && strncmp(err.message, "t.csv: ", 7) == 0),
            "errors have a name");
    if (o)
        check(o, options->allow_zero);
    emx_observations_destroy(&o);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const headers[] = {"", "run,domain,proportion,step,loss\n", "step,weight_a,weight_b,a_loss\n",
                                          "run,step,weight_a,a_loss\n"};
    static const char *const where[] = {"step=1"};
    struct input in = {data, size};
    unsigned choice = next_byte(&in);
    struct emx_observations_options options = {.where = where,
                                               .n_where = choice >> 2 & 1,
                                               .repeated = (enum emx_repeated)(choice % 3),
                                               .renormalise = choice >> 3 & 1,
                                               .drop_missing = choice >> 4 & 1,
                                               .allow_zero = choice >> 5 & 1};

    if (choice >> 2 & 1 && (choice & 3) == 0)
        options.n_where = 0; /* names a column that no header promises */
    parse(headers[choice & 3], &options, in.data, in.left);
    return 0;
}
