/*
 * race.h - let an engine count a stream with some threads, timed
 */
#ifndef BENCH_RACE_H
#define BENCH_RACE_H

#include "bench.h"
#include "engine.h"

/* What was counted, independently of the order of rows.  SQL can say the same. */
struct outcome {
    uint64_t n_distinct, n_pairs;
    uint64_t checksum; /* sum of count^2 * ((first * 65599 + second) mod 1000003), modulo 2^64 */
};

struct lap {
    double seconds;      /* from before the threads start until counts are known */
    double cpu_seconds;  /* of all threads in that time: what neighbours on the machine disturb least */
    double read_seconds; /* of reading: for tables of this project, of merging and sorting */
    uint64_t n_bytes;
    struct outcome outcome;
};

struct race;

/* Threads take pieces of PIECE_TOKENS, the size of a block of a scan. */
enum { PIECE_TOKENS = 128 << 10 };

struct race *race_open(const struct engine *e, uint32_t vocabulary, unsigned n_threads);
/* Count the pairs of a stream on top of what was counted. */
void race_count(struct race *r, const struct tokens *t);
/* So far; of an engine that knows how many pairs are distinct. */
struct progress {
    double cpu_seconds;
    uint64_t n_distinct, n_bytes;
};
struct progress race_progress(const struct race *r);
/* Bring counting to its end and read; then only close. */
struct lap race_read(struct race *r);
void race_close(struct race **r);

/* All of it for one stream. */
struct lap race_once(const struct engine *e, const struct tokens *t, unsigned n_threads);

#endif
