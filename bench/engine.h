/*
 * engine.h - what can count the pairs of a stream, behind one interface
 *
 *     open -> count (by each thread, any number of times) -> finish (once) -> read -> close
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <emx/state.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MAX_THREADS = 1024 };
typedef void rows_fn(const struct emx_pair_count *rows, size_t n, void *context);

struct engine {
    const char *name;
    unsigned max_threads; /* 0: any */
    void *(*open)(uint32_t vocabulary, unsigned n_threads);
    /* The n - 1 adjacent pairs of x[n], tokens of `width` bytes (2 or 4), by thread `thread` of n_threads. */
    void (*count)(void *state, unsigned thread, const void *x, size_t n, size_t width);
    void (*finish)(void *state);         /* what is left to do until counts are known; NULL: nothing */
    uint64_t (*n_distinct)(void *state); /* so far, of this project's tables if there is only one; else NULL */
    /* Every distinct pair once, in any order; no thread is counting, nor will one: it may take the tables apart. */
    void (*read)(void *state, rows_fn *visit, void *context);
    uint64_t (*bytes)(void *state); /* of memory, 0: unknown; NULL: what malloc has given out tells */
    void (*close)(void *state);
};

extern const struct engine engine_private, engine_shared, engine_naive, engine_tbb, engine_cuckoo;

#ifdef __cplusplus
}
#endif

#endif
