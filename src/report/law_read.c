/*
 * law_read.c - a law out of JSON, of which nothing is believed
 *
 * First the lengths of arrays are compared with those that the form of the law asks for; so memory is only taken for
 * what the text itself has room for.  Then numbers are copied, and at last emx_law_check() looks at their values.
 */
#include "report/law_read.h"

#include "io/file.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)256 << 20)

struct reader {
    const char *path;
    struct emx_error *err;
    json_t *root;
    const json_t *domains, *steps, *mixtures, *rows, *scored, *draws;
    struct emx_law_shape shape;
    size_t p; /* coefficients of a scored domain */
};

static enum emx_status fail(struct reader *r, const char *what, const char *fault)
{
    return emx_fail(r->err, EMX_ERR_FORMAT, "%s: '%s' %s", r->path, what, fault);
}

/* The n-th `what`, from 0. */
static enum emx_status fail_at(struct reader *r, const char *what, size_t n, const char *fault)
{
    return emx_fail(r->err, EMX_ERR_FORMAT, "%s: %s %zu %s", r->path, what, n + 1, fault);
}

static enum emx_status parse_text(struct reader *r, const char *text, size_t len)
{
    json_error_t error = {0};

    r->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (r->root)
        return EMX_OK;
    if (json_error_code(&error) == json_error_out_of_memory)
        return emx_fail(r->err, EMX_ERR_MEMORY, "%s: out of memory", r->path);
    return emx_fail(r->err, EMX_ERR_FORMAT, "%s: line %d: is no JSON: %s", r->path, error.line, error.text);
}

static const char *string_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s ? s : "";
}

static enum emx_status check_kind(struct reader *r)
{
    const json_t *version = json_object_get(r->root, "version");

    if (strcmp(string_of(r->root, "format"), LAW_JSON_FORMAT) != 0)
        return emx_fail(r->err, EMX_ERR_FORMAT, "%s: is no law: its 'format' is not \"%s\"", r->path, LAW_JSON_FORMAT);
    if (!json_is_integer(version))
        return fail(r, "version", "is no whole number");
    if (json_integer_value(version) != LAW_JSON_VERSION)
        return emx_fail(r->err, EMX_ERR_VERSION, "%s: is a law of version %lld, this program reads %d", r->path,
                        (long long)json_integer_value(version), LAW_JSON_VERSION);
    return EMX_OK;
}

static enum emx_status array(struct reader *r, const char *key, const json_t **ret, size_t *ret_n)
{
    *ret = json_object_get(r->root, key);
    if (!json_is_array(*ret))
        return fail(r, key, "is no array");
    *ret_n = json_array_size(*ret);
    return EMX_OK;
}

static enum emx_status find_arrays(struct reader *r)
{
    struct emx_law_shape *s = &r->shape;
    enum emx_status status = array(r, "domains", &r->domains, &s->n_domains);

    if (status == EMX_OK)
        status = array(r, "steps", &r->steps, &s->n_steps);
    if (status == EMX_OK)
        status = array(r, "mixtures", &r->mixtures, &s->n_mixtures);
    if (status == EMX_OK)
        status = array(r, "rows", &r->rows, &s->n_rows);
    if (status == EMX_OK)
        status = array(r, "scored", &r->scored, &s->n_scored);
    if (status == EMX_OK)
        status = array(r, "draws", &r->draws, &s->n_draws);
    return status;
}

/* Is it an array of n_rows arrays of n_columns? */
static bool is_matrix(const json_t *j, size_t n_rows, size_t n_columns)
{
    if (!json_is_array(j) || json_array_size(j) != n_rows)
        return false;
    for (size_t i = 0; i < n_rows; i++) {
        if (json_array_size(json_array_get(j, i)) != n_columns)
            return false;
    }
    return true;
}

static bool has_prior(const struct reader *r)
{
    return json_object_get(r->root, "prior_strength") != NULL;
}

static enum emx_status check_lengths(struct reader *r)
{
    /* at most 2^27 domains and steps are in a text: the product does not overflow */
    r->p = emx_law_n_coefficients(r->shape.form, r->shape.n_domains, r->shape.n_steps);
    if (!is_matrix(r->mixtures, r->shape.n_mixtures, r->shape.n_domains))
        return fail(r, "mixtures", "has a mixture with another number of proportions than there are domains");
    if (!is_matrix(r->rows, r->shape.n_rows, 2))
        return fail(r, "rows", "has a row that is not a mixture and a step");
    for (size_t k = 0; k < r->shape.n_scored; k++) {
        const json_t *s = json_array_get(r->scored, k);

        if (json_array_size(json_object_get(s, "coefficients")) != r->p)
            return fail_at(r, "scored domain", k, "has not the coefficients that the law needs");
        if (!is_matrix(json_object_get(s, "covariance"), r->p, r->p))
            return fail_at(r, "scored domain", k, "has no covariance of all coefficients");
        if (has_prior(r) && json_array_size(json_object_get(s, "prior")) != r->shape.n_domains)
            return fail_at(r, "scored domain", k, "has no prior of all domains");
    }
    for (size_t i = 0; i < r->shape.n_draws; i++) {
        if (!is_matrix(json_array_get(r->draws, i), r->shape.n_scored, r->p))
            return fail_at(r, "draw", i, "has not the coefficients that the law needs");
    }
    return EMX_OK;
}

static enum emx_status read_number(struct reader *r, const json_t *j, const char *what, double *ret)
{
    if (!json_is_number(j))
        return fail(r, what, "is, or has in it, what is no number");
    *ret = json_number_value(j);
    return EMX_OK;
}

static enum emx_status read_numbers(struct reader *r, const json_t *j, size_t n, const char *what, double *ret)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < n && status == EMX_OK; i++)
        status = read_number(r, json_array_get(j, i), what, &ret[i]);
    return status;
}

static enum emx_status read_matrix(struct reader *r, const json_t *j, size_t n_rows, size_t n_columns, const char *what,
                                   double *ret)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < n_rows && status == EMX_OK; i++)
        status = read_numbers(r, json_array_get(j, i), n_columns, what, ret + i * n_columns);
    return status;
}

static enum emx_status read_index(struct reader *r, const json_t *j, const char *what, size_t *ret)
{
    if (!json_is_integer(j) || json_integer_value(j) < 0)
        return fail(r, what, "is, or has in it, what is no number from 0");
    *ret = (size_t)json_integer_value(j);
    return EMX_OK;
}

static enum emx_status read_seed(struct reader *r, struct emx_law *law)
{
    const char *text = string_of(r->root, "seed");

    errno = 0;
    law->seed = strtoull(text, NULL, 10);
    if (*text == '\0' || strspn(text, "0123456789") != strlen(text) || errno != 0)
        return fail(r, "seed", "is no whole number of 64 bits in a string");
    return EMX_OK;
}

static enum emx_status read_rows(struct reader *r, struct emx_law *law)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < law->n_rows && status == EMX_OK; i++) {
        const json_t *row = json_array_get(r->rows, i);

        status = read_index(r, json_array_get(row, 0), "rows", &law->mixture[i]);
        if (status == EMX_OK)
            status = read_index(r, json_array_get(row, 1), "rows", &law->step[i]);
    }
    return status;
}

/* Names are different, and as short as those of a mixture file. */
static enum emx_status read_domains(struct reader *r, struct emx_law *law)
{
    for (size_t i = 0; i < law->n_domains; i++) {
        const json_t *j = json_array_get(r->domains, i);

        if (!json_is_string(j) || json_string_length(j) == 0 || json_string_length(j) > 255)
            return fail_at(r, "domain", i, "has no name of 1 to 255 bytes");
        law->domains[i] = strdup(json_string_value(j));
        if (!law->domains[i])
            return emx_fail(r->err, EMX_ERR_MEMORY, "%s: out of memory", r->path);
    }
    return EMX_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum emx_status check_names(struct reader *r, const struct emx_law *law)
{
    char **sorted = calloc(law->n_domains, sizeof(*sorted));
    enum emx_status status = EMX_OK;

    if (!sorted)
        return emx_fail(r->err, EMX_ERR_MEMORY, "%s: out of memory", r->path);
    memcpy(sorted, law->domains, law->n_domains * sizeof(*sorted));
    qsort(sorted, law->n_domains, sizeof(*sorted), compare_names);
    for (size_t i = 1; i < law->n_domains && status == EMX_OK; i++) {
        if (strcmp(sorted[i], sorted[i - 1]) == 0)
            status = emx_fail(r->err, EMX_ERR_FORMAT, "%s: two domains are named '%s'", r->path, sorted[i]);
    }
    free(sorted);
    return status;
}

static enum emx_status read_coefficient(struct reader *r, const json_t *j, double *ret_value, unsigned char *ret_known)
{
    const char *known = string_of(j, "known");

    for (unsigned char i = EMX_LAW_FREE; i <= EMX_LAW_UNDETERMINED; i++) {
        if (strcmp(known, emx_law_known_name((enum emx_law_known)i)) == 0) {
            *ret_known = i;
            return read_number(r, json_object_get(j, "value"), "value", ret_value);
        }
    }
    return fail(r, "known", "of a coefficient is of no known kind");
}

/* Scored domains stand in the order of domains: a search goes on where the last one ended. */
static enum emx_status read_scored(struct reader *r, struct emx_law *law, size_t k)
{
    const json_t *s = json_array_get(r->scored, k), *coefficients = json_object_get(s, "coefficients");
    const char *name = string_of(s, "domain");
    const size_t p = law->n_coefficients;
    size_t domain = k > 0 ? law->scored[k - 1] + 1 : 0;
    enum emx_status status = EMX_OK;

    while (domain < law->n_domains && strcmp(law->domains[domain], name) != 0)
        domain++;
    if (domain == law->n_domains)
        return fail_at(r, "scored domain", k, "is none of the domains, or stands in another order");
    law->scored[k] = domain;
    for (size_t i = 0; i < p && status == EMX_OK; i++)
        status =
            read_coefficient(r, json_array_get(coefficients, i), &law->coefficient[k * p + i], &law->known[k * p + i]);
    if (status == EMX_OK)
        status = read_number(r, json_object_get(s, "cost"), "cost", &law->cost[k]);
    if (status == EMX_OK)
        status =
            read_number(r, json_object_get(s, "residual_variance"), "residual_variance", &law->residual_variance[k]);
    if (status == EMX_OK)
        status = read_matrix(r, json_object_get(s, "covariance"), p, p, "covariance", law->covariance + k * p * p);
    if (status == EMX_OK && has_prior(r))
        status = read_numbers(r, json_object_get(s, "prior"), law->n_domains, "prior", law->prior + k * law->n_domains);
    return status;
}

/* Files without a factor are of a time when it was 1. */
static enum emx_status read_pull(struct reader *r, struct emx_law *law)
{
    const json_t *factor = json_object_get(r->root, "prior_factor");
    enum emx_status status;

    if (!has_prior(r))
        return EMX_OK;
    law->prior_factor = 1;
    status = read_number(r, json_object_get(r->root, "prior_strength"), "prior_strength", &law->prior_strength);
    if (status == EMX_OK && factor)
        status = read_number(r, factor, "prior_factor", &law->prior_factor);
    return status;
}

static enum emx_status read_observed(struct reader *r, struct emx_law *law)
{
    enum emx_status status = read_domains(r, law);

    if (status == EMX_OK)
        status = check_names(r, law);
    if (status == EMX_OK)
        status = read_seed(r, law);
    if (status == EMX_OK)
        status = read_number(r, json_object_get(r->root, "huber_scale"), "huber_scale", &law->huber_scale);
    if (status == EMX_OK)
        status = read_number(r, json_object_get(r->root, "step_unit"), "step_unit", &law->step_unit);
    if (status == EMX_OK)
        status = read_pull(r, law);
    if (status == EMX_OK)
        status = read_numbers(r, r->steps, law->n_steps, "steps", law->steps);
    if (status == EMX_OK)
        status = read_matrix(r, r->mixtures, law->n_mixtures, law->n_domains, "mixtures", law->proportion);
    return status == EMX_OK ? read_rows(r, law) : status;
}

static enum emx_status read_law(struct reader *r, struct emx_law *law)
{
    struct emx_error cause;
    enum emx_status status = read_observed(r, law);

    for (size_t k = 0; k < law->n_scored && status == EMX_OK; k++)
        status = read_scored(r, law, k);
    for (size_t i = 0; i < law->n_draws && status == EMX_OK; i++)
        status = read_matrix(r, json_array_get(r->draws, i), law->n_scored, law->n_coefficients, "draws",
                             law->draw + i * law->n_scored * law->n_coefficients);
    if (status == EMX_OK && (status = emx_law_check(law, &cause)) != EMX_OK)
        status = emx_fail(r->err, status, "%s: %s", r->path, cause.message);
    return status;
}

static enum emx_status create(struct reader *r, enum emx_law_loss loss, struct emx_law **ret)
{
    struct emx_error cause;
    enum emx_status status = emx_law_create(&r->shape, ret, &cause);

    if (status != EMX_OK)
        return emx_fail(r->err, status, "%s: %s", r->path, cause.message);
    (*ret)->loss = loss;
    return EMX_OK;
}

static enum emx_status read_root(struct reader *r, struct emx_law **ret)
{
    struct emx_law *law = NULL;
    enum emx_law_loss loss = EMX_LAW_LOG;
    struct emx_error cause;
    enum emx_status status = check_kind(r);

    if (status != EMX_OK)
        return status;
    if (emx_law_form_parse(string_of(r->root, "law"), &r->shape.form, &cause) != EMX_OK)
        return fail(r, "law", "names no form of a law that is known");
    if (emx_law_loss_parse(string_of(r->root, "loss"), &loss, &cause) != EMX_OK)
        return fail(r, "loss", "is none that is known");
    status = find_arrays(r);
    if (status == EMX_OK)
        status = check_lengths(r);
    if (status == EMX_OK)
        status = create(r, loss, &law);
    if (status == EMX_OK)
        status = read_law(r, law);
    if (status == EMX_OK)
        *ret = law;
    else
        emx_law_destroy(&law);
    return status;
}

enum emx_status law_parse(const char *path, const char *text, size_t len, struct emx_law **ret, struct emx_error *err)
{
    struct reader r = {.path = path, .err = err};
    enum emx_status status = parse_text(&r, text, len);

    if (status == EMX_OK)
        status = read_root(&r, ret);
    json_decref(r.root);
    return status;
}

enum emx_status emx_law_read(const char *path, struct emx_law **ret, struct emx_error *err)
{
    char *text = NULL;
    size_t len;
    uint64_t xxh3;
    enum emx_status status = file_load(NULL, path, FILE_BYTES_MAX, &text, &len, &xxh3, err);

    if (status == EMX_OK)
        status = law_parse(strcmp(path, "-") == 0 ? "standard input" : path, text, len, ret, err);
    free(text);
    return status;
}
