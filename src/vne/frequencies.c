#include "vne/frequencies.h"

#include <math.h>
#include <stdlib.h>

enum emx_status frequencies_init(struct frequencies *f, size_t n_tokens, struct emx_error *err)
{
    *f = (struct frequencies){.n_tokens = n_tokens};
    f->documents = calloc(n_tokens ? n_tokens : 1, sizeof(*f->documents));
    f->last = calloc(n_tokens ? n_tokens : 1, sizeof(*f->last));
    if (f->documents && f->last)
        return EMX_OK;
    frequencies_finish(f);
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory for frequencies of %zu tokens", n_tokens);
}

void frequencies_finish(struct frequencies *f)
{
    free(f->documents);
    free(f->last);
    *f = (struct frequencies){0};
}

void frequencies_begin(struct frequencies *f)
{
    f->n_documents++;
}

void frequencies_tokens(struct frequencies *f, const uint32_t *tokens, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (tokens[i] >= f->n_tokens)
            continue;
        f->documents[tokens[i]] += f->last[tokens[i]] != f->n_documents;
        f->last[tokens[i]] = f->n_documents;
    }
}

void frequencies_add(struct frequencies *f, const struct frequencies *other)
{
    for (size_t i = 0; i < f->n_tokens; i++)
        f->documents[i] += other->documents[i];
    f->n_documents += other->n_documents;
}

void frequencies_weigh(const struct frequencies *f, double *ret)
{
    for (size_t i = 0; i < f->n_tokens; i++)
        ret[i] = f->documents[i] ? log((double)f->n_documents / (double)f->documents[i]) : 0;
}
