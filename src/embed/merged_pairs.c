#include "embed/merged_pairs.h"

#include <stdlib.h>

static uint64_t key(const struct merged_domain *d)
{
    return (uint64_t)d->pair.first << 32 | d->pair.second;
}

static void sink(struct merged_pairs *m, size_t at)
{
    struct merged_domain x = m->domains[at];

    for (size_t child; (child = 2 * at + 1) < m->n; at = child) {
        if (child + 1 < m->n && key(&m->domains[child + 1]) < key(&m->domains[child]))
            child++;
        if (key(&x) <= key(&m->domains[child]))
            break;
        m->domains[at] = m->domains[child];
    }
    m->domains[at] = x;
}

/* Read the next pair at the top; a domain that has none leaves. */
static enum emx_status advance(struct merged_pairs *m, struct emx_error *err)
{
    bool more = false;
    enum emx_status status = emx_pair_cursor_next(m->domains[0].cursor, &m->domains[0].pair, &more, err);

    if (status)
        return status;
    if (!more) {
        struct merged_domain done = m->domains[0];

        m->domains[0] = m->domains[--m->n];
        m->domains[m->n] = done; /* finish() finds it there */
    }
    if (m->n)
        sink(m, 0);
    return EMX_OK;
}

enum emx_status merged_pairs_init(struct merged_pairs *m, struct emx_state *s, struct emx_error *err)
{
    size_t n = emx_state_n_domains(s);
    enum emx_status status = EMX_OK;

    *m = (struct merged_pairs){.domains = calloc(n ? n : 1, sizeof(*m->domains))};
    if (!m->domains)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu domains", n);
    for (size_t i = 0; i < n && !status; i++) {
        struct merged_domain d = {0};
        bool more = false;

        status = emx_pair_cursor_create(s, i, &d.cursor, err);
        if (status)
            break;
        status = emx_pair_cursor_next(d.cursor, &d.pair, &more, err);
        m->domains[m->n_cursors++] = d;
        if (!status && more) {
            m->domains[m->n_cursors - 1] = m->domains[m->n];
            m->domains[m->n++] = d;
        }
    }
    for (size_t i = m->n / 2; i-- > 0;)
        sink(m, i);
    if (status)
        merged_pairs_finish(m);
    return status;
}

enum emx_status merged_pairs_next(struct merged_pairs *m, struct emx_pair_count *ret, bool *ret_more,
                                  struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    *ret_more = m->n > 0;
    if (!m->n)
        return EMX_OK;
    *ret = m->domains[0].pair;
    ret->count = 0;
    while (!status && m->n && m->domains[0].pair.first == ret->first && m->domains[0].pair.second == ret->second) {
        ret->count += m->domains[0].pair.count;
        status = advance(m, err);
    }
    return status;
}

void merged_pairs_finish(struct merged_pairs *m)
{
    for (size_t i = 0; i < m->n_cursors; i++)
        emx_pair_cursor_destroy(&m->domains[i].cursor);
    free(m->domains);
    *m = (struct merged_pairs){0};
}
