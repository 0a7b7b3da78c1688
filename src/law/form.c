/* form.c - names and shapes of the laws */
#include "law/form.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const form_names[] = {"bimix", "bimix-transfer", "exponential", "blind"};
static const char *const loss_names[] = {"log", "linear", "huber"};
static const char *const known_names[] = {"free", "fixed", "at bound", "undetermined"};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

const char *emx_law_form_name(enum emx_law_form form)
{
    return form_names[form];
}

const char *emx_law_loss_name(enum emx_law_loss loss)
{
    return loss_names[loss];
}

const char *emx_law_known_name(enum emx_law_known known)
{
    return known_names[known];
}

static size_t find_name(const char *name, const char *const *names, size_t n)
{
    size_t i = 0;

    while (i < n && strcmp(name, names[i]) != 0)
        i++;
    return i;
}

enum emx_status emx_law_form_parse(const char *name, enum emx_law_form *ret, struct emx_error *err)
{
    size_t i = find_name(name, form_names, LENGTH(form_names));

    if (i == LENGTH(form_names))
        return emx_fail(err, EMX_ERR_ARG, "%s is no law: bimix, bimix-transfer, exponential or blind", name);
    *ret = (enum emx_law_form)i;
    return EMX_OK;
}

enum emx_status emx_law_loss_parse(const char *name, enum emx_law_loss *ret, struct emx_error *err)
{
    size_t i = find_name(name, loss_names, LENGTH(loss_names));

    if (i == LENGTH(loss_names))
        return emx_fail(err, EMX_ERR_ARG, "%s is no way to weigh residuals: log, linear or huber", name);
    *ret = (enum emx_law_loss)i;
    return EMX_OK;
}

size_t emx_law_n_coefficients(enum emx_law_form form, size_t n_domains, size_t n_steps)
{
    switch (form) {
    case EMX_LAW_BIMIX:
        return 4;
    case EMX_LAW_BIMIX_TRANSFER:
        return 4 + n_domains;
    case EMX_LAW_EXPONENTIAL:
        return (n_domains + 2) * n_steps;
    default:
        return 3;
    }
}

size_t emx_law_n_free(enum emx_law_form form, size_t n_domains, size_t n_steps)
{
    size_t n = emx_law_n_coefficients(form, n_domains, n_steps);

    if (form == EMX_LAW_EXPONENTIAL)
        return n - n_steps;
    return form == EMX_LAW_BIMIX_TRANSFER ? n - 1 : n;
}

size_t emx_law_n_published(enum emx_law_form form, size_t n_domains, size_t n_scored, size_t n_steps)
{
    if (form == EMX_LAW_EXPONENTIAL)
        return n_scored * emx_law_n_coefficients(form, n_domains, n_steps);
    return n_scored * (emx_law_n_free(form, n_domains, n_steps) + (form_is_power(form) ? 1 : 0));
}

bool form_is_fixed(enum emx_law_form form, size_t n_domains, size_t i, size_t n)
{
    if (form == EMX_LAW_EXPONENTIAL)
        return n % (n_domains + 2) == EXPONENTIAL_K;
    return form == EMX_LAW_BIMIX_TRANSFER && n == BIMIX_T + i;
}

double form_least(enum emx_law_form form, size_t n_domains, size_t n)
{
    return form == EMX_LAW_EXPONENTIAL && n % (n_domains + 2) >= EXPONENTIAL_T ? -INFINITY : 0;
}

void emx_law_coefficient_name(const struct emx_law *law, size_t coefficient, char *ret, size_t cap)
{
    static const char *const power[] = {"alpha", "beta", "B", "C"}, *const exponential[] = {"c", "k"};
    size_t m = law->n_domains;

    if (law->form == EMX_LAW_EXPONENTIAL) {
        double step = law->steps[coefficient / (m + 2)];
        size_t n = coefficient % (m + 2);

        if (n < EXPONENTIAL_T)
            snprintf(ret, cap, "%s at %.15g", exponential[n], step);
        else
            snprintf(ret, cap, "t(%s) at %.15g", law->domains[n - EXPONENTIAL_T], step);
    } else if (coefficient >= BIMIX_T) {
        snprintf(ret, cap, "t(%s)", law->domains[coefficient - BIMIX_T]);
    } else {
        snprintf(ret, cap, "%s", power[coefficient + (law->form == EMX_LAW_BLIND)]);
    }
}
