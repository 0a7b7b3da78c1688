#include "scan/part.h"

#include "io/file.h"

#include <stdlib.h>
#include <string.h>

struct item {
    const char *path;
    size_t domain;
    const char *domain_name;
    uint64_t size;
    uint32_t part;
};

/* --- what there is ------------------------------------------------------------------------------------- */

static enum emx_status check_domain(const struct emx_scan_domain *d, struct emx_error *err)
{
    if (!d->name || d->n_shards == 0)
        return emx_fail(err, EMX_ERR_ARG, "a domain has no name or no shard");
    if (d->settings.sample_tokens)
        return emx_fail(err, EMX_ERR_ARG,
                        "domain '%s' is sampled: a part of a sample could not be merged with the others", d->name);
    return EMX_OK;
}

static enum emx_status measure(struct item *item, bool allow_missing, struct emx_error *err)
{
    enum emx_status status = file_measure(item->path, &item->size, err);

    if (status && allow_missing) {
        item->size = 0;
        return EMX_OK;
    }
    if (!status && item->size == UINT64_MAX)
        return emx_fail(err, EMX_ERR_ARG, "%s: is no file, so it cannot be in one of several parts", item->path);
    return status;
}

/* items[] has room for all shards. */
static enum emx_status collect(const struct emx_scan_domain *domains, size_t n_domains, bool allow_missing,
                               struct item *items, struct emx_error *err)
{
    for (size_t d = 0; d < n_domains; d++) {
        for (size_t k = 0; k < domains[d].n_shards; k++, items++) {
            enum emx_status status;

            *items = (struct item){.path = domains[d].shards[k], .domain = d, .domain_name = domains[d].name};
            status = measure(items, allow_missing, err);
            if (status)
                return status;
        }
    }
    return EMX_OK;
}

/* --- dealing ------------------------------------------------------------------------------------------- */

static int by_size_and_name(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return order ? order : strcmp(x->domain_name, y->domain_name);
}

/* A heap, the part with the fewest bytes first. */
struct load {
    uint64_t n_bytes;
    uint32_t part;
};

static bool is_less(const struct load *a, const struct load *b)
{
    return a->n_bytes != b->n_bytes ? a->n_bytes < b->n_bytes : a->part < b->part;
}

/* The first has become larger: let it sink. */
static void sink(struct load *heap, size_t n)
{
    for (size_t at = 0, child; (child = 2 * at + 1) < n; at = child) {
        struct load moved = heap[at];

        if (child + 1 < n && is_less(&heap[child + 1], &heap[child]))
            child++;
        if (!is_less(&heap[child], &moved))
            return;
        heap[at] = heap[child];
        heap[child] = moved;
    }
}

static enum emx_status deal(struct item *items, size_t n, uint32_t n_parts, struct emx_error *err)
{
    struct load *heap = calloc(n_parts, sizeof(*heap));

    if (!heap)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %u parts", n_parts);
    for (uint32_t i = 0; i < n_parts; i++)
        heap[i].part = i;
    qsort(items, n, sizeof(*items), by_size_and_name);
    for (size_t i = 0; i < n; i++) {
        items[i].part = heap->part;
        heap->n_bytes += items[i].size + 1; /* empty shards are work, too */
        sink(heap, n_parts);
    }
    free(heap);
    return EMX_OK;
}

/* --- the part ------------------------------------------------------------------------------------------ */

static int by_domain_and_path(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->domain != y->domain)
        return x->domain < y->domain ? -1 : 1;
    return strcmp(x->path, y->path);
}

static void fill(struct part *p, const struct emx_scan_domain *given, struct item *items, size_t n, uint32_t index)
{
    size_t n_shards = 0, last = SIZE_MAX;

    qsort(items, n, sizeof(*items), by_domain_and_path);
    for (size_t i = 0; i < n; i++) {
        if (items[i].part != index)
            continue;
        if (items[i].domain != last) {
            last = items[i].domain;
            p->domains[p->n_domains] = given[last];
            p->domains[p->n_domains].shards = p->shards + n_shards;
            p->domains[p->n_domains++].n_shards = 0;
        }
        p->shards[n_shards++] = items[i].path;
        p->domains[p->n_domains - 1].n_shards++;
    }
}

static enum emx_status take(const struct emx_scan_domain *domains, size_t n_domains, uint32_t index, uint32_t count,
                            bool allow_missing, struct item *items, size_t n, struct part *p, struct emx_error *err)
{
    enum emx_status status = collect(domains, n_domains, allow_missing, items, err);

    if (!status)
        status = deal(items, n, count, err);
    if (!status)
        fill(p, domains, items, n, index);
    return status;
}

enum emx_status part_take(const struct emx_scan_domain *domains, size_t n_domains, uint32_t index, uint32_t count,
                          bool allow_missing, struct part *ret, struct emx_error *err)
{
    struct item *items;
    size_t n = 0;
    enum emx_status status = EMX_OK;

    *ret = (struct part){0};
    if (index >= count)
        return emx_fail(err, EMX_ERR_ARG, "there is no part %u of %u: they are numbered from 0", index, count);
    for (size_t i = 0; i < n_domains && !status; i++) {
        status = check_domain(&domains[i], err);
        n += domains[i].n_shards;
    }
    if (status)
        return status;
    items = calloc(n + 1, sizeof(*items));
    ret->domains = calloc(n_domains + 1, sizeof(*ret->domains));
    ret->shards = calloc(n + 1, sizeof(char *));
    if (!items || !ret->domains || !ret->shards)
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu shards", n);
    else
        status = take(domains, n_domains, index, count, allow_missing, items, n, ret, err);
    free(items);
    if (status)
        part_finish(ret);
    return status;
}

void part_finish(struct part *p)
{
    free(p->domains);
    free(p->shards);
    *p = (struct part){0};
}
