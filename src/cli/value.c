/*
 * value.c - reads the values of options: whole numbers, sizes, reals, choices
 *
 * Numbers are strict: digits and nothing else, no sign, no wrap.
 */
#include "nearest.h"
#include "opt.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit token_units[] = {
    {"", 1}, {"K", 1000}, {"M", 1000000}, {"G", 1000000000}, {"B", 1000000000}, {"T", 1000000000000}, {NULL, 0},
};

static const struct unit byte_units[] = {
    {"", 1},
    {"B", 1},
    {"K", UINT64_C(1) << 10},
    {"M", UINT64_C(1) << 20},
    {"G", UINT64_C(1) << 30},
    {"T", UINT64_C(1) << 40},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
    {"KB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
    {NULL, 0},
};

enum emx_status opt_flag(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    (void)o;
    if (text && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return emx_fail(err, EMX_ERR_ARG, "'%s' is neither true nor false", text);
    *(bool *)to = !text || strcmp(text, "true") == 0;
    return EMX_OK;
}

enum emx_status opt_text(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    (void)o;
    if (text[0] == '\0')
        return emx_fail(err, EMX_ERR_ARG, "the value is empty");
    *(const char **)to = text;
    return EMX_OK;
}

/* "a, b or c" of a choice's names, as much of it as fits. */
static void list_choices(const struct opt *o, char *list, size_t cap)
{
    struct opt_choice c, next;
    size_t len = 0;

    for (size_t i = 0; o->choice(i, &c) && len < cap; i++) {
        const char *separator = i == 0 ? "" : o->choice(i + 1, &next) ? ", " : " or ";

        len += (size_t)snprintf(list + len, cap - len, "%s%s", separator, c.name);
    }
}

static enum emx_status unknown_choice(const struct opt *o, const char *text, struct emx_error *err)
{
    struct nearest nearest;
    struct opt_choice c;
    char list[600];

    nearest_init(&nearest, text, strlen(text));
    for (size_t i = 0; o->choice(i, &c); i++)
        nearest_offer(&nearest, c.name);
    if (nearest.best)
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not known; did you mean %s?", text, nearest.best);
    list_choices(o, list, sizeof(list));
    return emx_fail(err, EMX_ERR_ARG, "'%s' is not known; it is one of %s", text, list);
}

enum emx_status opt_choose(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    struct opt_choice c;

    for (size_t i = 0; o->choice(i, &c); i++) {
        if (strcmp(text, c.name) == 0) {
            *(const char **)to = c.name;
            return EMX_OK;
        }
    }
    return unknown_choice(o, text, err);
}

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

static enum emx_status read_digits(const char *text, size_t len, uint64_t *ret, struct emx_error *err)
{
    uint64_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(text[i] - '0'), &n))
            return emx_fail(err, EMX_ERR_ARG, "'%s' is more than 64 bits hold", text);
    }
    *ret = n;
    return EMX_OK;
}

enum emx_status opt_number(const char *text, uint64_t *ret, struct emx_error *err)
{
    size_t len = count_digits(text);

    if (len == 0 || text[len] != '\0')
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not a whole number", text);
    return read_digits(text, len, ret, err);
}

static enum emx_status check_range(const struct opt *o, uint64_t n, const char *text, struct emx_error *err)
{
    if (n < o->min)
        return emx_fail(err, EMX_ERR_ARG, "'%s' is below the least, %" PRIu64, text, o->min);
    if (n > o->max)
        return emx_fail(err, EMX_ERR_ARG, "'%s' is above the most, %" PRIu64, text, o->max);
    return EMX_OK;
}

enum emx_status opt_u32(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    uint64_t n = 0;
    enum emx_status status = opt_number(text, &n, err);

    if (status == EMX_OK)
        status = check_range(o, n, text, err);
    if (status == EMX_OK)
        *(uint32_t *)to = (uint32_t)n;
    return status;
}

/* `units` is what the sentence of an error says of them. */
static enum emx_status read_quantity(const struct opt *o, const char *text, const struct unit *units, const char *known,
                                     uint64_t *to, struct emx_error *err)
{
    size_t len = count_digits(text);
    uint64_t n = 0;

    while (units->name && strcasecmp(units->name, text + len) != 0)
        units++;
    if (len == 0 || !units->name)
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not a whole number, alone or with %s", text, known);
    if (read_digits(text, len, &n, err) != EMX_OK)
        return EMX_ERR_ARG;
    if (__builtin_mul_overflow(n, units->factor, &n))
        return emx_fail(err, EMX_ERR_ARG, "'%s' is more than 64 bits hold", text);
    if (check_range(o, n, text, err) != EMX_OK)
        return EMX_ERR_ARG;
    *to = n;
    return EMX_OK;
}

enum emx_status opt_tokens(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    return read_quantity(o, text, token_units, "K, M, B or T", to, err);
}

enum emx_status opt_memory(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    return read_quantity(o, text, byte_units, "K, M, G or T (powers of 1024), KB, MB, GB or TB (powers of 1000)", to,
                         err);
}

enum emx_status opt_real(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    char *end;
    double x = strtod(text, &end);

    (void)o;
    if (end == text || *end != '\0' || strpbrk(text, " \t\n\v\f\rxX") || !isfinite(x))
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not a number", text);
    *(double *)to = x;
    return EMX_OK;
}

enum emx_status opt_share(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    enum emx_status status = opt_real(o, text, to, err);

    if (status == EMX_OK && !(*(double *)to >= 0 && *(double *)to <= 1))
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not between 0 and 1", text);
    return status;
}

enum emx_status opt_inner(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    enum emx_status status = opt_share(o, text, to, err);

    if (status == EMX_OK && (*(double *)to == 0 || *(double *)to == 1))
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not between 0 and 1", text);
    return status;
}

enum emx_status opt_positive(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    enum emx_status status = opt_real(o, text, to, err);

    if (status == EMX_OK && !(*(double *)to > 0))
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not above 0", text);
    return status;
}

enum emx_status opt_duration(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    static const struct {
        char letter;
        double seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    size_t len = strlen(text);
    char number[32];
    double x = 0, unit = 0;

    for (size_t i = 0; len && i < sizeof(units) / sizeof(units[0]); i++) {
        if (text[len - 1] == units[i].letter)
            unit = units[i].seconds;
    }
    if (unit > 0 && len <= sizeof(number)) {
        memcpy(number, text, len - 1);
        number[len - 1] = '\0';
    }
    if (unit <= 0 || len > sizeof(number) || opt_real(o, number, &x, NULL) != EMX_OK || !(x > 0))
        return emx_fail(err, EMX_ERR_ARG, "'%s' is no duration: a number above 0 with s, m or h, as in 90s or 10m",
                        text);
    *(double *)to = x * unit;
    return EMX_OK;
}

enum emx_status opt_append(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    struct opt_list *list = to;
    const char *word = NULL;
    enum emx_status status = opt_text(o, text, &word, err);

    if (status == EMX_OK && list->n == OPT_LIST_MAX)
        status = emx_fail(err, EMX_ERR_ARG, "'%s' is one too many: it can be given %d times", text, OPT_LIST_MAX);
    if (status == EMX_OK)
        list->words[list->n++] = word;
    return status;
}

enum emx_status opt_seed(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    (void)o;
    return opt_number(text, to, err);
}

enum emx_status opt_amount(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    static const struct opt any = {.min = 1, .max = UINT64_MAX};
    uint64_t whole = 0;
    double x = 0;

    (void)o;
    if (opt_tokens(&any, text, &whole, NULL) == EMX_OK)
        x = (double)whole;
    else if (opt_real(&any, text, &x, NULL) != EMX_OK || !(x > 0))
        return emx_fail(err, EMX_ERR_ARG, "'%s' is no number above 0, alone or with K, M, B or T", text);
    *(double *)to = x;
    return EMX_OK;
}
