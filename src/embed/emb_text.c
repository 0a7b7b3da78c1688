/*
 * emb_text.c - lines "word v1 ... vD": GloVe; and with a first line "N D": word2vec, fastText's .vec
 *
 * Words may contain blanks: the vector is the last D fields of a line.  Where no first line says D, it is the number of
 * fields of the first line but one.
 */
#include "embed/words.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LINE = 1 << 20, MOST_NUMBER = 63 };

/* A line, without its end and blanks before it. */
struct line {
    const char *p;
    size_t len;
    bool is_long; /* longer than MOST_LINE, where it is cut */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The line at *at, which moves behind it; false at the end. */
static bool next_line(const struct embedding_source *s, size_t *at, struct line *ret)
{
    const char *begin = (const char *)s->bytes + *at, *stop;
    size_t most;

    if (*at >= s->len)
        return false;
    most = s->len - *at > MOST_LINE ? MOST_LINE + 1 : s->len - *at;
    stop = memchr(begin, '\n', most);
    ret->p = begin;
    ret->len = stop ? (size_t)(stop - begin) : most;
    ret->is_long = ret->len > MOST_LINE;
    *at += ret->len + 1;
    while (ret->len && is_blank(ret->p[ret->len - 1]))
        ret->len--;
    return true;
}

/* Take the last field off the line; false if there is none, or it is too long to be a number. */
static bool take_last(struct line *line, char ret[MOST_NUMBER + 1])
{
    size_t begin = line->len;

    while (begin && !is_blank(line->p[begin - 1]))
        begin--;
    if (line->len == begin || line->len - begin > MOST_NUMBER)
        return false;
    memcpy(ret, line->p + begin, line->len - begin);
    ret[line->len - begin] = 0;
    line->len = begin;
    while (line->len && is_blank(line->p[line->len - 1]))
        line->len--;
    return true;
}

static bool parse_number(const char *text, locale_t plain, float *ret)
{
    char *end;

    *ret = strtof_l(text, &end, plain);
    return end != text && !*end && !strpbrk(text, "xXpP");
}

static size_t count_fields(const struct line *line)
{
    size_t n = 0;

    for (size_t i = 0; i < line->len; i++)
        n += !is_blank(line->p[i]) && (i == 0 || is_blank(line->p[i - 1]));
    return n;
}

static bool parse_count(const char *text, uint64_t *ret)
{
    size_t n = strspn(text, "0123456789");

    *ret = n && n < 19 ? strtoull(text, NULL, 10) : 0;
    return n && n < 19 && !text[n];
}

/* "N D" */
static bool parse_counts(struct line line, uint64_t *ret_n, uint64_t *ret_dimension)
{
    char text[MOST_NUMBER + 1];

    return count_fields(&line) == 2 && take_last(&line, text) && parse_count(text, ret_dimension) &&
           take_last(&line, text) && parse_count(text, ret_n) && *ret_dimension > 0;
}

/* What the first lines say: how many words (0: not said), dimensions, and where they begin. */
struct layout {
    uint64_t n_words, dimension;
    size_t begin;
};

static bool find_layout(const struct embedding_source *s, struct layout *ret)
{
    struct line line;
    size_t at = 0, n;

    *ret = (struct layout){0};
    if (!next_line(s, &at, &line) || line.is_long)
        return false;
    if (parse_counts(line, &ret->n_words, &ret->dimension)) {
        ret->begin = at;
        return true;
    }
    n = count_fields(&line);
    ret->dimension = n ? n - 1 : 0;
    return n > 1;
}

/* The vector at the end of a line, which is cut down to its word. */
static bool take_vector(struct line *line, size_t dimension, locale_t plain, float *ret)
{
    char text[MOST_NUMBER + 1];

    for (size_t i = dimension; i-- > 0;) {
        if (!take_last(line, text) || !parse_number(text, plain, &ret[i]))
            return false;
    }
    return line->len > 0;
}

/* Is the first line with a vector what it should be?  Binary files fail here. */
static bool text_probe(const struct embedding_source *s)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    struct layout layout;
    struct line line;
    float *vector;
    bool is_text = false;

    if (plain && find_layout(s, &layout) && layout.dimension <= EMX_MAX_DIMENSION) {
        vector = malloc((size_t)layout.dimension * sizeof(*vector));
        is_text =
            vector && next_line(s, &layout.begin, &line) && take_vector(&line, (size_t)layout.dimension, plain, vector);
        free(vector);
    }
    if (plain)
        freelocale(plain);
    return is_text;
}

static enum emx_status read_lines(const struct embedding_source *s, struct layout layout, locale_t plain, float *vector,
                                  struct words *w, struct emx_error *err)
{
    size_t at = layout.begin, number = layout.begin ? 1 : 0;
    uint64_t n = 0;
    struct line line;
    enum emx_status status = EMX_OK;

    while (!status && next_line(s, &at, &line)) {
        number++;
        if (line.len == 0)
            continue;
        n++;
        if (line.is_long || !take_vector(&line, w->dimension, plain, vector))
            status = emx_fail(err, EMX_ERR_FORMAT, "%s: line %zu is not a word and %zu numbers", s->path, number,
                              w->dimension);
        else
            status = words_offer(w, line.p, line.len, vector, err);
    }
    if (!status && layout.begin && n != layout.n_words)
        status = emx_fail(err, n < layout.n_words ? EMX_ERR_CORRUPT : EMX_ERR_FORMAT,
                          "%s: the first line says %llu words, but %llu follow", s->path,
                          (unsigned long long)layout.n_words, (unsigned long long)n);
    return status;
}

static enum emx_status text_open(const struct embedding_source *s, struct emx_embeddings *e, struct emx_error *err)
{
    locale_t plain;
    float *vector;
    struct layout layout;
    struct words words;
    enum emx_status status;

    if (!find_layout(s, &layout))
        return emx_fail(err, EMX_ERR_FORMAT, "%s: the first line is not a word and its vector", s->path);
    status = words_init(&words, s, (size_t)layout.dimension, err);
    if (status)
        return status;
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    vector = malloc(words.dimension * sizeof(*vector));
    if (plain && vector)
        status = read_lines(s, layout, plain, vector, &words, err);
    else
        status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->path);
    free(vector);
    if (plain)
        freelocale(plain);
    if (!status)
        return words_finish_into(&words, e, err);
    words_finish(&words);
    return status;
}

const struct embedding_ops embedding_text = {
    .name = "text",
    .probe = text_probe,
    .open = text_open,
};
