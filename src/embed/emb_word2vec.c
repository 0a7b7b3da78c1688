/*
 * emb_word2vec.c - word2vec's binary files
 *
 *     "N D\n", then N times: the word, one blank, D x f32 little-endian, and of the original program, not of gensim,
 * '\n'
 */
#include "embed/words.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_FIRST_LINE = 64, MOST_WORD = 1 << 16 };

/* A number in digits up to `end`; *at moves behind that. */
static bool take_count(const struct embedding_source *s, size_t *at, char end, uint64_t *ret)
{
    uint64_t n = 0;
    size_t begin = *at;

    for (; *at < s->len && *at < MOST_FIRST_LINE && s->bytes[*at] >= '0' && s->bytes[*at] <= '9'; ++*at) {
        if (n > UINT64_C(1) << 40)
            return false;
        n = n * 10 + (uint64_t)(s->bytes[*at] - '0');
    }
    if (*at == begin || *at >= s->len || s->bytes[*at] != end)
        return false;
    ++*at;
    *ret = n;
    return true;
}

static bool take_first_line(const struct embedding_source *s, size_t *at, uint64_t *ret_n, uint64_t *ret_dimension)
{
    *at = 0;
    return take_count(s, at, ' ', ret_n) && take_count(s, at, '\n', ret_dimension) && *ret_dimension > 0;
}

static bool word2vec_probe(const struct embedding_source *s)
{
    size_t at;
    uint64_t n, dimension;

    return take_first_line(s, &at, &n, &dimension);
}

/* One word and its vector; *at moves behind them. */
static enum emx_status read_word(const struct embedding_source *s, size_t *at, uint64_t number, float *vector,
                                 struct words *w, struct emx_error *err)
{
    const struct number_type f32 = {NUMBER_F32, false};
    size_t size = w->dimension * 4, most, len;
    const unsigned char *blank;

    while (*at < s->len && s->bytes[*at] == '\n')
        ++*at;
    most = s->len - *at < MOST_WORD ? s->len - *at : MOST_WORD;
    blank = memchr(s->bytes + *at, ' ', most);
    if (!blank && most == MOST_WORD)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: no word ends within %d bytes from byte %zu on", s->path, MOST_WORD,
                        *at);
    len = blank ? (size_t)(blank - (s->bytes + *at)) : most;
    if (!blank || s->len - *at - len - 1 < size)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: is cut off at word %llu, byte %zu", s->path,
                        (unsigned long long)number, *at);
    numbers_decode(blank + 1, f32, w->dimension, vector);
    *at += len + 1 + size;
    return words_offer(w, (const char *)blank - len, len, vector, err);
}

static enum emx_status word2vec_open(const struct embedding_source *s, struct emx_embeddings *e, struct emx_error *err)
{
    size_t at;
    uint64_t n, dimension;
    struct words words;
    float *vector;
    enum emx_status status;

    if (!take_first_line(s, &at, &n, &dimension))
        return emx_fail(err, EMX_ERR_FORMAT, "%s: the first line does not say how many words and dimensions there are",
                        s->path);
    status = words_init(&words, s, (size_t)dimension, err);
    if (status)
        return status;
    vector = malloc(words.dimension * sizeof(*vector));
    if (!vector)
        status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->path);
    for (uint64_t i = 0; i < n && !status; i++)
        status = read_word(s, &at, i, vector, &words, err);
    free(vector);
    if (!status)
        return words_finish_into(&words, e, err);
    words_finish(&words);
    return status;
}

const struct embedding_ops embedding_word2vec = {
    .name = "word2vec",
    .probe = word2vec_probe,
    .open = word2vec_open,
};
