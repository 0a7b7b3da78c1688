/* law_write.c - a law as JSON, described in docs/law-json.md */
#include "report/decimal.h"
#include "report/law_read.h"
#include "report/text.h"

#include <emx/emx.h>
#include <emx/law_file.h>

#include <inttypes.h>
#include <stdlib.h>

static void add_string(struct text *t, const char *key, const char *value)
{
    text_addf(t, "\"%s\": ", key);
    if (value)
        text_add_quoted(t, value);
    else
        text_add(t, "null");
}

static void add_numbers(struct text *t, const double *x, size_t n)
{
    text_add(t, "[");
    for (size_t i = 0; i < n; i++) {
        text_add(t, i > 0 ? ", " : "");
        text_add_decimal(t, x[i]);
    }
    text_add(t, "]");
}

/* Rows of numbers, one a line. */
static void add_matrix(struct text *t, const double *x, size_t n_rows, size_t n_columns, const char *indent)
{
    text_add(t, "[");
    for (size_t i = 0; i < n_rows; i++) {
        text_addf(t, "%s\n%s", i > 0 ? "," : "", indent);
        add_numbers(t, x + i * n_columns, n_columns);
    }
    text_add(t, "]");
}

static void add_head(struct text *t, const struct emx_law *law, const char *source)
{
    text_addf(t, "{\n  \"format\": \"%s\",\n  \"version\": %d,\n", LAW_JSON_FORMAT, LAW_JSON_VERSION);
    text_addf(t, "  \"tool\": \"entromix %s\",\n  ", emx_version());
    add_string(t, "source", source);
    text_add(t, ",\n  ");
    add_string(t, "law", emx_law_form_name(law->form));
    text_add(t, ",\n  ");
    add_string(t, "loss", emx_law_loss_name(law->loss));
    text_add(t, ",\n  \"huber_scale\": ");
    text_add_decimal(t, law->huber_scale);
    text_addf(t, ",\n  \"seed\": \"%" PRIu64 "\",\n", law->seed);
    if (law->prior_strength > 0) {
        text_add(t, "  \"prior_strength\": ");
        text_add_decimal(t, law->prior_strength);
        text_add(t, ",\n  \"prior_factor\": ");
        text_add_decimal(t, law->prior_factor);
        text_add(t, ",\n");
    }
}

static void add_observed(struct text *t, const struct emx_law *law, const char *step_name)
{
    text_add(t, "  \"domains\": [");
    for (size_t i = 0; i < law->n_domains; i++) {
        text_add(t, i > 0 ? ", " : "");
        text_add_quoted(t, law->domains[i]);
    }
    text_add(t, "],\n  ");
    add_string(t, "step_name", step_name);
    text_add(t, ",\n  \"step_unit\": ");
    text_add_decimal(t, law->step_unit);
    text_add(t, ",\n  \"steps\": ");
    add_numbers(t, law->steps, law->n_steps);
    text_add(t, ",\n  \"mixtures\": ");
    add_matrix(t, law->proportion, law->n_mixtures, law->n_domains, "    ");
    text_add(t, ",\n  \"rows\": [");
    for (size_t i = 0; i < law->n_rows; i++)
        text_addf(t, "%s[%zu, %zu]", i == 0 ? "" : i % 8 == 0 ? ",\n    " : ", ", law->mixture[i], law->step[i]);
    text_add(t, "],\n");
}

static void add_coefficients(struct text *t, const struct emx_law *law, size_t k)
{
    const size_t p = law->n_coefficients;
    char name[600];

    text_add(t, "      \"coefficients\": [");
    for (size_t i = 0; i < p; i++) {
        emx_law_coefficient_name(law, i, name, sizeof(name));
        text_addf(t, "%s\n        {", i > 0 ? "," : "");
        add_string(t, "name", name);
        text_add(t, ", \"value\": ");
        text_add_decimal(t, law->coefficient[k * p + i]);
        text_addf(t, ", \"known\": \"%s\"}", emx_law_known_name((enum emx_law_known)law->known[k * p + i]));
    }
    text_add(t, "],\n");
}

static void add_scored(struct text *t, const struct emx_law *law, size_t k)
{
    const size_t p = law->n_coefficients;

    text_add(t, "    {\n      ");
    add_string(t, "domain", law->domains[law->scored[k]]);
    text_add(t, ",\n      \"cost\": ");
    text_add_decimal(t, law->cost[k]);
    text_add(t, ",\n      \"residual_variance\": ");
    text_add_decimal(t, law->residual_variance[k]);
    text_add(t, ",\n");
    if (law->prior_strength > 0) {
        text_add(t, "      \"prior\": ");
        add_numbers(t, law->prior + k * law->n_domains, law->n_domains);
        text_add(t, ",\n");
    }
    add_coefficients(t, law, k);
    text_add(t, "      \"covariance\": ");
    add_matrix(t, law->covariance + k * p * p, p, p, "        ");
    text_add(t, "\n    }");
}

static void add_draws(struct text *t, const struct emx_law *law)
{
    const size_t n = law->n_scored * law->n_coefficients;

    text_add(t, "  \"draws\": [");
    for (size_t i = 0; i < law->n_draws; i++) {
        text_add(t, i > 0 ? ",\n    " : "\n    ");
        add_matrix(t, law->draw + i * n, law->n_scored, law->n_coefficients, "      ");
    }
    text_add(t, "]\n}\n");
}

enum emx_status emx_law_format_json(const struct emx_law *law, const char *source, const char *step_name,
                                    char **ret_text, struct emx_error *err)
{
    struct text t = {0};
    enum emx_status status = emx_law_check(law, err);
    char *text;

    if (status != EMX_OK)
        return status;
    add_head(&t, law, source);
    add_observed(&t, law, step_name);
    text_add(&t, "  \"scored\": [");
    for (size_t k = 0; k < law->n_scored; k++) {
        text_add(&t, k > 0 ? ",\n" : "\n");
        add_scored(&t, law, k);
    }
    text_add(&t, "\n  ],\n");
    add_draws(&t, law);
    text = text_take(&t);
    if (!text)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    *ret_text = text;
    return EMX_OK;
}
