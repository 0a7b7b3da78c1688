/*
 * emb_fasttext.c - fastText's models, .bin, versions 11 and 12, not quantised
 *
 *     i32 magic, version; i32 dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn, lrUpdateRate;
 *     f64 t; i32 size, nwords, nlabels; i64 ntokens, pruneidx_size; size times: word, NUL, i64 count, i8 type;
 *     pruneidx_size times, if above 0: i32 n-gram, i32 row; u8 quantised; i64 rows, columns; f32 [rows][columns]; ...
 *
 * little-endian.  A word's vector is the mean of its own row, if it is in the dictionary, and of the rows of its
 * n-grams, which follow those of the words.  So words that the model never saw have vectors, too.
 */
#include "embed/embed.h"
#include "embed/vocabulary.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { MAGIC = 793712314, N_ARGS = 12, MOST_WORD = 1024, NO_WORD = -1, SUPERVISED = 3 };
enum arg { DIM = 0, MODEL = 7, BUCKET = 8, MINN = 9, MAXN = 10 };

struct cursor {
    const unsigned char *p;
    size_t left;
    bool failed; /* more was taken than there is */
};

struct word {
    const char *text;
    int32_t next; /* in the chain of its hash, or NO_WORD */
};

struct model {
    int32_t args[N_ARGS];
    int32_t n_words;
    struct word *words; /* [n_words] */
    int32_t *heads;     /* [n_heads] */
    size_t n_heads;     /* a power of two */
    int64_t n_pruned;   /* below 0: n-grams were not pruned */
    const unsigned char *pruned;
    const unsigned char *rows; /* [n_rows][dim] */
    uint64_t n_rows;
};

/* --- reading --------------------------------------------------------------------------------------------------- */

static const unsigned char *take(struct cursor *c, size_t n)
{
    const unsigned char *p = c->p;

    if (n > c->left) {
        c->failed = true;
        return NULL;
    }
    c->p += n;
    c->left -= n;
    return p;
}

static int32_t load_i32(const unsigned char *p)
{
    uint32_t x;

    memcpy(&x, p, sizeof(x));
    return (int32_t)le32toh(x);
}

static int32_t take_i32(struct cursor *c)
{
    const unsigned char *p = take(c, 4);

    return p ? load_i32(p) : 0;
}

static int64_t take_i64(struct cursor *c)
{
    const unsigned char *p = take(c, 8);
    uint64_t x = 0;

    if (p)
        memcpy(&x, p, sizeof(x));
    return (int64_t)le64toh(x);
}

static const char *take_word(struct cursor *c)
{
    const unsigned char *end = memchr(c->p, 0, c->left < MOST_WORD ? c->left : MOST_WORD);

    if (!end) {
        c->failed = true;
        return NULL;
    }
    return (const char *)take(c, (size_t)(end - c->p) + 1);
}

static size_t head_of(const struct model *m, const char *text)
{
    return XXH3_64bits(text, strlen(text)) & (m->n_heads - 1);
}

static bool allocate_words(struct model *m)
{
    m->n_heads = 1;
    while (m->n_heads < (size_t)m->n_words * 2)
        m->n_heads *= 2;
    m->words = calloc((size_t)m->n_words + 1, sizeof(*m->words));
    m->heads = malloc(m->n_heads * sizeof(*m->heads));
    if (m->heads)
        memset(m->heads, 0xFF, m->n_heads * sizeof(*m->heads));
    return m->words && m->heads;
}

/* Words come first, labels after them. */
static void take_words(struct cursor *c, int32_t size, struct model *m)
{
    for (int32_t i = 0; i < size && !c->failed; i++) {
        const char *text = take_word(c);

        take(c, 8 + 1);
        if (!c->failed && i < m->n_words) {
            m->words[i] = (struct word){text, m->heads[head_of(m, text)]};
            m->heads[head_of(m, text)] = i;
        }
    }
}

static enum emx_status refuse_cut(const char *path, size_t len, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: is cut off or damaged: the fastText model does not fit %zu bytes", path,
                    len);
}

static enum emx_status take_dictionary(const struct embedding_source *s, struct cursor *c, struct model *m,
                                       struct emx_error *err)
{
    int32_t size = take_i32(c);

    m->n_words = take_i32(c);
    take(c, 4 + 8); /* nlabels, ntokens */
    m->n_pruned = take_i64(c);
    if (c->failed || size < 0 || m->n_words < 0 || m->n_words > size || (uint64_t)size > c->left / 10)
        return refuse_cut(s->path, s->len, err);
    if (!allocate_words(m))
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->path);
    take_words(c, size, m);
    if (m->n_pruned > 0 && (uint64_t)m->n_pruned > c->left / 8)
        return refuse_cut(s->path, s->len, err);
    m->pruned = m->n_pruned > 0 ? take(c, (size_t)m->n_pruned * 8) : NULL;
    return c->failed ? refuse_cut(s->path, s->len, err) : EMX_OK;
}

static enum emx_status take_matrix(const struct embedding_source *s, struct cursor *c, struct model *m,
                                   struct emx_error *err)
{
    const unsigned char *quantised = take(c, 1);
    uint64_t n_rows = (uint64_t)take_i64(c), n_columns = (uint64_t)take_i64(c);
    uint64_t dim = (uint64_t)m->args[DIM];

    if (quantised && *quantised)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: is a quantised fastText model; give its vectors as .vec", s->path);
    if (c->failed || n_columns != dim || n_rows > c->left / 4 / dim || n_rows < (uint64_t)m->n_words)
        return refuse_cut(s->path, s->len, err);
    m->n_rows = n_rows;
    m->rows = take(c, (size_t)(n_rows * dim) * 4);
    return EMX_OK;
}

static enum emx_status take_model(const struct embedding_source *s, struct model *m, struct emx_error *err)
{
    struct cursor c = {s->bytes, s->len, false};
    int32_t version;
    enum emx_status status;

    if (take_i32(&c) != MAGIC)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: is no fastText model", s->path);
    version = take_i32(&c);
    if (!c.failed && version != 11 && version != 12)
        return emx_fail(err, EMX_ERR_VERSION, "%s: fastText version %d is not known", s->path, version);
    for (int i = 0; i < N_ARGS; i++)
        m->args[i] = take_i32(&c);
    take(&c, 8); /* t */
    if (c.failed)
        return refuse_cut(s->path, s->len, err);
    if (m->args[DIM] < 1 || m->args[DIM] > EMX_MAX_DIMENSION)
        return emx_fail(err, EMX_ERR_RANGE, "%s: vectors of %d dimensions: there must be 1 to %d", s->path,
                        m->args[DIM], EMX_MAX_DIMENSION);
    if (version == 11 && m->args[MODEL] == SUPERVISED)
        m->args[MAXN] = 0;
    status = take_dictionary(s, &c, m, err);
    return status ? status : take_matrix(s, &c, m, err);
}

/* --- vectors of words -------------------------------------------------------------------------------------------- */

static int32_t find_word(const struct model *m, const char *text)
{
    int32_t i = m->heads[head_of(m, text)];

    while (i != NO_WORD && strcmp(m->words[i].text, text) != 0)
        i = m->words[i].next;
    return i;
}

/* The sum of a word's rows, and how many they are. */
struct mean {
    const struct model *model;
    double *sum;    /* [dim] */
    float *scratch; /* [dim] */
    size_t n;
};

static void add_row(struct mean *mean, uint64_t row)
{
    const struct number_type f32 = {NUMBER_F32, false};
    size_t dim = (size_t)mean->model->args[DIM];

    if (row >= mean->model->n_rows)
        return;
    numbers_decode(mean->model->rows + row * dim * 4, f32, dim, mean->scratch);
    for (size_t i = 0; i < dim; i++)
        mean->sum[i] += (double)mean->scratch[i];
    mean->n++;
}

/* FNV-1a over bytes that are sign-extended, as the program has it by mistake. */
static uint32_t hash(const char *s, size_t n)
{
    uint32_t h = 2166136261;

    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint32_t)(int32_t)(signed char)s[i]) * 16777619;
    return h;
}

static void add_ngram(struct mean *mean, uint32_t h)
{
    const struct model *m = mean->model;
    int32_t ngram = (int32_t)(h % (uint32_t)m->args[BUCKET]);

    if (m->n_pruned < 0)
        add_row(mean, (uint64_t)m->n_words + (uint64_t)ngram);
    for (int64_t i = 0; i < m->n_pruned; i++) {
        const unsigned char *pair = m->pruned + 8 * i;

        if (load_i32(pair) == ngram && load_i32(pair + 4) >= 0)
            add_row(mean, (uint64_t)m->n_words + (uint64_t)load_i32(pair + 4));
    }
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* The n-grams of "<text>", minn to maxn characters of UTF-8, but for "<" and ">" alone. */
static void add_ngrams(struct mean *mean, const char *text)
{
    const int32_t *args = mean->model->args;
    char word[MOST_WORD + 3];
    size_t len = strlen(text);

    if (len > MOST_WORD || args[BUCKET] < 1 || strcmp(text, "</s>") == 0)
        return;
    word[0] = '<';
    memcpy(word + 1, text, len);
    word[len + 1] = '>';
    len += 2;
    for (size_t i = 0; i < len; i++) {
        size_t end = i;

        for (int32_t n = 1; end < len && n <= args[MAXN] && !is_continuation(word[i]); n++) {
            end++;
            while (end < len && is_continuation(word[end]))
                end++;
            if (n >= args[MINN] && !(n == 1 && (i == 0 || end == len)))
                add_ngram(mean, hash(word + i, end - i));
        }
    }
}

/* Into ret[dim]; false if nothing is known of the word. */
static bool vector_of(struct mean *mean, const char *text, float *ret)
{
    size_t dim = (size_t)mean->model->args[DIM];
    int32_t word = find_word(mean->model, text);

    memset(mean->sum, 0, dim * sizeof(*mean->sum));
    mean->n = 0;
    if (word != NO_WORD)
        add_row(mean, (uint64_t)word);
    add_ngrams(mean, text);
    for (size_t i = 0; i < dim && mean->n; i++)
        ret[i] = (float)(mean->sum[i] / (double)mean->n);
    return mean->n > 0;
}

/* --- all tokens ----------------------------------------------------------------------------------------------------
 */

static bool allocate_vectors(struct emx_embeddings *e, const struct model *m, uint32_t n, struct mean *mean)
{
    e->dimension = (size_t)m->args[DIM];
    e->n_tokens = n;
    e->row_of = malloc(n * sizeof(*e->row_of));
    e->own = calloc((size_t)n * e->dimension, sizeof(*e->own)); /* below 2^24 * 2^12 */
    *mean = (struct mean){m, calloc(e->dimension, sizeof(double)), calloc(e->dimension, sizeof(float)), 0};
    return e->row_of && e->own && mean->sum && mean->scratch;
}

static enum emx_status make_vectors(const struct embedding_source *s, const struct model *m, const struct vocabulary *v,
                                    struct emx_embeddings *e, struct emx_error *err)
{
    struct mean mean;
    bool done = allocate_vectors(e, m, v->n, &mean);

    for (uint32_t i = 0; i < v->n && done; i++) {
        bool found = v->texts[i] && vector_of(&mean, v->texts[i], e->own + (size_t)e->n_vectors * e->dimension);

        e->row_of[i] = found ? e->n_vectors++ : NO_ROW;
    }
    free(mean.sum);
    free(mean.scratch);
    if (!done)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->path);
    if (e->n_vectors == 0)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: has a vector for none of the vocabulary's %u tokens", s->path, v->n);
    e->type = (struct number_type){NUMBER_F32, __BYTE_ORDER == __BIG_ENDIAN};
    e->rows = (const unsigned char *)e->own;
    return EMX_OK;
}

static bool fasttext_probe(const struct embedding_source *s)
{
    return s->len >= 4 && load_i32(s->bytes) == MAGIC;
}

static enum emx_status fasttext_open(const struct embedding_source *s, struct emx_embeddings *e, struct emx_error *err)
{
    struct vocabulary v = {0};
    struct model m = {0};
    enum emx_status status = EMX_OK;

    if (!s->options->vocabulary)
        status = emx_fail(err, EMX_ERR_ARG,
                          "%s: has vectors of words, so a vocabulary must say which token is which word", s->path);
    if (!status)
        status = vocabulary_load(s->space, s->options->vocabulary, &v, err);
    if (!status)
        status = take_model(s, &m, err);
    if (!status)
        status = make_vectors(s, &m, &v, e, err);
    free(m.words);
    free(m.heads);
    vocabulary_finish(&v);
    return status;
}

const struct embedding_ops embedding_fasttext = {
    .name = "fasttext",
    .probe = fasttext_probe,
    .open = fasttext_open,
};
