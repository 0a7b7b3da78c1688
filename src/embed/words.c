#include "embed/words.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define NO_LINK UINT32_MAX

/* ASCII in lower case. */
static void lower(const char *text, size_t len, char *ret)
{
    for (size_t i = 0; i < len; i++)
        ret[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
}

static void link_text(struct words *w, const char *text, size_t len, uint32_t link)
{
    size_t head = XXH3_64bits(text, len) & (w->n_heads - 1);

    w->next[link] = w->heads[head];
    w->heads[head] = link;
}

static bool link_all(struct words *w)
{
    for (uint32_t i = 0; i < w->vocabulary.n; i++) {
        const char *text = w->vocabulary.texts[i];
        size_t len = text ? strlen(text) : 0;
        char *copy = text ? malloc(len + 1) : NULL;

        if (!text)
            continue;
        if (!copy)
            return false;
        lower(text, len, copy);
        link_text(w, text, len, 2 * i);
        if (memcmp(copy, text, len) != 0)
            link_text(w, copy, len, 2 * i + 1);
        free(copy);
    }
    return true;
}

static bool allocate(struct words *w)
{
    size_t n = w->vocabulary.n;

    w->n_heads = 1;
    while (w->n_heads < 2 * n)
        w->n_heads *= 2;
    w->heads = malloc(w->n_heads * sizeof(*w->heads));
    w->next = malloc(2 * n * sizeof(*w->next));
    w->row_of = malloc(n * sizeof(*w->row_of));
    w->is_exact = calloc(n, sizeof(*w->is_exact));
    if (!w->heads || !w->next || !w->row_of || !w->is_exact)
        return false;
    memset(w->heads, 0xFF, w->n_heads * sizeof(*w->heads));
    memset(w->row_of, 0xFF, n * sizeof(*w->row_of));
    return true;
}

enum emx_status words_init(struct words *w, const struct embedding_source *s, size_t dimension, struct emx_error *err)
{
    enum emx_status status;

    *w = (struct words){.path = s->path, .dimension = dimension};
    if (dimension < 1 || dimension > EMX_MAX_DIMENSION)
        return emx_fail(err, EMX_ERR_RANGE, "%s: vectors of %zu dimensions: there must be 1 to %d", s->path, dimension,
                        EMX_MAX_DIMENSION);
    if (!s->options->vocabulary)
        return emx_fail(err, EMX_ERR_ARG,
                        "%s: has vectors of words, so a vocabulary must say which token is which word", s->path);
    status = vocabulary_load(s->space, s->options->vocabulary, &w->vocabulary, err);
    if (!status && (!allocate(w) || !link_all(w)))
        status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->path);
    if (status)
        words_finish(w);
    return status;
}

/* Does the chain's link stand for this word? */
static bool is_word(const struct words *w, uint32_t link, const char *word, size_t len)
{
    const char *text = w->vocabulary.texts[link / 2];
    char c;

    if (strlen(text) != len)
        return false;
    if (link % 2 == 0)
        return memcmp(text, word, len) == 0;
    for (size_t i = 0; i < len; i++) {
        lower(text + i, 1, &c);
        if (c != word[i])
            return false;
    }
    return true;
}

static bool wants(const struct words *w, uint32_t link)
{
    return link % 2 == 0 ? !w->is_exact[link / 2] : w->row_of[link / 2] == NO_ROW;
}

static bool keep_row(struct words *w, const float *vector)
{
    if (w->n_rows == w->cap_rows) {
        size_t cap = w->cap_rows ? 2 * w->cap_rows : 256;
        float *larger = realloc(w->rows, cap * w->dimension * sizeof(*larger));

        if (!larger)
            return false;
        w->rows = larger;
        w->cap_rows = cap;
    }
    memcpy(w->rows + w->n_rows++ * w->dimension, vector, w->dimension * sizeof(*vector));
    return true;
}

enum emx_status words_offer(struct words *w, const char *word, size_t len, const float *vector, struct emx_error *err)
{
    bool kept = false;

    for (size_t i = 0; i < w->dimension; i++) {
        if (!isfinite(vector[i]))
            return emx_fail(err, EMX_ERR_FORMAT, "%s: number %zu of the vector of '%.*s' is not finite", w->path, i,
                            len < 64 ? (int)len : 64, word);
    }
    for (uint32_t link = w->heads[XXH3_64bits(word, len) & (w->n_heads - 1)]; link != NO_LINK; link = w->next[link]) {
        if (!is_word(w, link, word, len) || !wants(w, link))
            continue;
        if (!kept && !keep_row(w, vector))
            return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", w->path);
        kept = true;
        w->row_of[link / 2] = (uint32_t)w->n_rows - 1;
        w->is_exact[link / 2] = link % 2 == 0;
    }
    return EMX_OK;
}

enum emx_status words_finish_into(struct words *w, struct emx_embeddings *e, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (w->n_rows == 0) {
        status = emx_fail(err, EMX_ERR_FORMAT, "%s: has a vector for none of the vocabulary's %u tokens", w->path,
                          w->vocabulary.n);
    } else {
        e->dimension = w->dimension;
        e->n_tokens = w->vocabulary.n;
        e->n_vectors = (uint32_t)w->n_rows;
        e->type = (struct number_type){NUMBER_F32, __BYTE_ORDER == __BIG_ENDIAN};
        e->own = w->rows;
        e->rows = (const unsigned char *)w->rows;
        e->row_of = w->row_of;
        w->rows = NULL;
        w->row_of = NULL;
    }
    words_finish(w);
    return status;
}

void words_finish(struct words *w)
{
    vocabulary_finish(&w->vocabulary);
    free(w->heads);
    free(w->next);
    free(w->row_of);
    free(w->is_exact);
    free(w->rows);
    *w = (struct words){0};
}
