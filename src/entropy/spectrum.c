#include "entropy/spectrum_builder.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Add `types` types of `count` each; false if a total leaves 64 bits. */
static bool add_totals(struct emx_spectrum *s, uint64_t count, uint64_t types)
{
    uint64_t total;

    return !__builtin_mul_overflow(count, types, &total) && !__builtin_add_overflow(s->n_total, total, &s->n_total) &&
           !__builtin_add_overflow(s->n_types, types, &s->n_types);
}

enum emx_status emx_spectrum_view(const uint64_t *count, const uint64_t *types, size_t len, struct emx_spectrum *ret)
{
    struct emx_spectrum s = {.count = count, .types = types, .len = len};
    uint64_t previous = 0;

    for (size_t i = 0; i < len; i++) {
        if (count[i] <= previous || types[i] == 0)
            return EMX_ERR_ARG;
        if (!add_totals(&s, count[i], types[i]))
            return EMX_ERR_RANGE;
        previous = count[i];
    }
    *ret = s;
    return EMX_OK;
}

enum emx_status emx_spectrum_builder_create(struct emx_spectrum_builder **ret)
{
    struct emx_spectrum_builder *b = calloc(1, sizeof(*b));

    if (!b)
        return EMX_ERR_MEMORY;
    *ret = b;
    return EMX_OK;
}

void emx_spectrum_builder_destroy(struct emx_spectrum_builder **b)
{
    if (!*b)
        return;
    free((*b)->large);
    free((*b)->count);
    free((*b)->types);
    free(*b);
    *b = NULL;
}

void emx_spectrum_builder_reset(struct emx_spectrum_builder *b)
{
    memset(b->small, 0, sizeof(b->small));
    b->n_large = 0;
}

/* Room for n more large counts. */
static enum emx_status reserve_large(struct emx_spectrum_builder *b, size_t n)
{
    size_t cap = b->cap_large ? b->cap_large : 256;
    uint64_t *large;

    if (n <= b->cap_large - b->n_large)
        return EMX_OK;
    while (cap - b->n_large < n) {
        if (cap > SIZE_MAX / 2 / sizeof(*large))
            return EMX_ERR_MEMORY;
        cap *= 2;
    }
    large = realloc(b->large, cap * sizeof(*large));
    if (!large)
        return EMX_ERR_MEMORY;
    b->large = large;
    b->cap_large = cap;
    return EMX_OK;
}

enum emx_status spectrum_builder_add_large(struct emx_spectrum_builder *b, uint64_t count)
{
    enum emx_status status = reserve_large(b, 1);

    if (status == EMX_OK)
        b->large[b->n_large++] = count;
    return status;
}

enum emx_status emx_spectrum_builder_add(struct emx_spectrum_builder *b, uint64_t count)
{
    return spectrum_builder_add(b, count);
}

enum emx_status emx_spectrum_builder_merge(struct emx_spectrum_builder *b, const struct emx_spectrum_builder *other)
{
    enum emx_status status = reserve_large(b, other->n_large);

    assert(b != other);
    if (status != EMX_OK)
        return status;
    for (size_t c = 0; c < SPECTRUM_SMALL; c++)
        b->small[c] += other->small[c];
    if (other->n_large)
        memcpy(b->large + b->n_large, other->large, other->n_large * sizeof(*b->large));
    b->n_large += other->n_large;
    return EMX_OK;
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static size_t count_rows(const struct emx_spectrum_builder *b)
{
    size_t n = 0;

    for (size_t c = 1; c < SPECTRUM_SMALL; c++)
        n += b->small[c] != 0;
    for (size_t i = 0; i < b->n_large; i++)
        n += i == 0 || b->large[i] != b->large[i - 1];
    return n;
}

static void fill_rows(struct emx_spectrum_builder *b)
{
    size_t k = 0;

    for (size_t c = 1; c < SPECTRUM_SMALL; c++) {
        if (b->small[c] == 0)
            continue;
        b->count[k] = c;
        b->types[k++] = b->small[c];
    }
    for (size_t i = 0; i < b->n_large; i++) {
        if (i > 0 && b->large[i] == b->large[i - 1]) {
            b->types[k - 1]++;
            continue;
        }
        b->count[k] = b->large[i];
        b->types[k++] = 1;
    }
}

static enum emx_status reserve_view(struct emx_spectrum_builder *b, size_t n)
{
    if (n <= b->cap_view)
        return EMX_OK;
    free(b->count);
    free(b->types);
    b->count = calloc(n, sizeof(*b->count));
    b->types = calloc(n, sizeof(*b->types));
    b->cap_view = b->count && b->types ? n : 0;
    return b->cap_view == n ? EMX_OK : EMX_ERR_MEMORY;
}

enum emx_status emx_spectrum_builder_view(struct emx_spectrum_builder *b, struct emx_spectrum *ret)
{
    enum emx_status status;
    size_t n;

    if (b->n_large)
        qsort(b->large, b->n_large, sizeof(*b->large), ascending);
    n = count_rows(b);
    status = reserve_view(b, n);
    if (status != EMX_OK)
        return status;
    fill_rows(b);
    return emx_spectrum_view(b->count, b->types, n, ret);
}
