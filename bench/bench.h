/*
 * bench.h - what benchmarks share: medians, and streams of tokens
 *
 * A stream is real text or independent Zipf tokens: the first repeats most of its pairs and is counted in the
 * caches, the second misses all of them.  Benchmarks end the program with a sentence where anything fails.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "../tests/random.h"
#include "io/stream.h"
#include "util/clock.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 1, 2), noreturn)) static inline void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static inline void *must_allocate(size_t n_bytes)
{
    void *p = malloc(n_bytes ? n_bytes : 1);

    if (!p)
        die("out of memory for %zu bytes", n_bytes);
    return p;
}

/* Of all threads of this process. */
static inline double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Sorts them, so that times[0] is the best. */
static inline double median(double *times, size_t n)
{
    qsort(times, n, sizeof(*times), compare_doubles);
    return n % 2 ? times[n / 2] : (times[n / 2 - 1] + times[n / 2]) / 2;
}

struct tokens {
    const char *name;
    void *x; /* [n] of `width` bytes */
    size_t n;
    size_t width; /* 2 or 4 */
    uint32_t vocabulary;
};

static inline uint32_t tokens_at(const struct tokens *t, size_t i)
{
    return t->width == 2 ? ((const uint16_t *)t->x)[i] : ((const uint32_t *)t->x)[i];
}

static inline void tokens_set(struct tokens *t, size_t i, uint32_t token)
{
    if (t->width == 2)
        ((uint16_t *)t->x)[i] = (uint16_t)token;
    else
        ((uint32_t *)t->x)[i] = token;
}

static inline struct tokens tokens_create(const char *name, size_t n, uint32_t vocabulary)
{
    size_t width = vocabulary <= UINT32_C(1) << 16 ? 2 : 4;

    return (struct tokens){name, must_allocate(n * width), n, width, vocabulary};
}

static inline void tokens_finish(struct tokens *t)
{
    free(t->x);
    *t = (struct tokens){0};
}

/* Token k comes with probability about 1 / (k + 1) / ln(vocabulary): numbers in order of frequency, as BPE has them. */
static inline struct tokens tokens_zipf(size_t n, uint32_t vocabulary, uint64_t seed)
{
    struct tokens t = tokens_create("zipf", n, vocabulary);

    for (size_t i = 0; i < n; i++)
        tokens_set(&t, i, random_token(&seed, vocabulary));
    return t;
}

/* The tokens of a file, appended; zstd and gzip are recognised by content. */
static inline void tokens_read_file(struct tokens *t, size_t *cap, const char *path)
{
    struct stream *s = NULL;
    struct emx_error err;
    size_t n = 1;

    if (stream_open(NULL, path, 31, &s, &err) != EMX_OK)
        die("%s", err.message);
    while (n) {
        if (t->n + 65536 > *cap) {
            *cap = 2 * t->n + 65536;
            t->x = realloc(t->x, *cap * t->width);
            if (!t->x)
                die("out of memory for the tokens of %s", path);
        }
        if (stream_read(s, (char *)t->x + t->n * t->width, 65536 * t->width, &n, &err) != EMX_OK)
            die("%s", err.message);
        t->n += n / t->width;
    }
    stream_close(&s);
}

/* Headerless files, one after the other. */
static inline struct tokens tokens_read(const char *const *paths, size_t n_paths, size_t width, uint32_t vocabulary)
{
    struct tokens t = {"real", NULL, 0, width, vocabulary};
    size_t cap = 0;

    for (size_t i = 0; i < n_paths; i++)
        tokens_read_file(&t, &cap, paths[i]);
    return t;
}

/*
 * Repeat a text to n tokens over a vocabulary.  Of c copies c^0.6 have token numbers shifted differently, modulo
 * the vocabulary without its last token, so that distinct pairs go on growing as those of text do (Heaps' law, with
 * the exponent measured there).  bench/scan_ratio does the same.
 */
static inline struct tokens tokens_repeat(const struct tokens *text, size_t n, uint32_t vocabulary)
{
    struct tokens t = tokens_create("real", n, vocabulary);
    uint64_t shift = 0, modulus = vocabulary - 1;

    for (size_t i = 0; i < n; i++) {
        uint32_t token = tokens_at(text, i % text->n);

        if (i % text->n == 0)
            shift = 7919 * ((uint64_t)pow((double)(i / text->n + 1), 0.6) - 1);
        tokens_set(&t, i, token >= modulus ? token % vocabulary : (uint32_t)((token + shift) % modulus));
    }
    return t;
}

#endif
