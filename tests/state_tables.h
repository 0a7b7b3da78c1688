/*
 * state_tables.h - random domains for tests and benchmarks of state files, and their naive twin
 */
#ifndef TESTS_STATE_TABLES_H
#define TESTS_STATE_TABLES_H

#include "folder.h"
#include "made_covariance.h"
#include "random.h"
#include "state/layout.h"
#include "state/writer.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All that is counted of a domain. */
struct table {
    struct emx_pair_count *pairs, *tails; /* sorted */
    size_t n_pairs, n_tails;
};

static inline void table_finish(struct table *t)
{
    free(t->pairs);
    free(t->tails);
    *t = (struct table){0};
}

static inline int compare_rows(const void *a, const void *b)
{
    const struct emx_pair_count *x = a, *y = b;
    uint64_t kx = (uint64_t)x->first << 32 | x->second, ky = (uint64_t)y->first << 32 | y->second;

    return (kx > ky) - (kx < ky);
}

/* Sort rows and add up those of one pair; returns how many are left. */
static inline size_t join_rows(struct emx_pair_count *rows, size_t n)
{
    size_t kept = 0;

    qsort(rows, n, sizeof(*rows), compare_rows);
    for (size_t i = 0; i < n; i++) {
        if (kept && compare_rows(&rows[kept - 1], &rows[i]) == 0)
            rows[kept - 1].count += rows[i].count;
        else
            rows[kept++] = rows[i];
    }
    return kept;
}

/* Mostly small, at times of any size up to `largest`. */
static inline uint64_t random_count(uint64_t *seed, uint64_t largest)
{
    uint64_t r = test_random(seed), count = 1 + (test_random(seed) >> (r % 64)) / 2;

    return r % 8 ? 1 + r / 8 % 3 : count > largest ? largest : count;
}

/* About n_pairs distinct pairs; counts are such that totals stay below 2^63. */
static inline struct table random_table(uint64_t *seed, size_t n_pairs, uint32_t vocabulary)
{
    struct table t = {.n_pairs = n_pairs, .n_tails = n_pairs / 5 + (n_pairs > 0)};
    uint64_t largest = (UINT64_C(1) << 62) / (2 * n_pairs + 4);

    t.pairs = calloc(n_pairs + 1, sizeof(*t.pairs));
    t.tails = calloc(t.n_tails + 1, sizeof(*t.tails));
    for (size_t i = 0; i < n_pairs; i++)
        t.pairs[i] = (struct emx_pair_count){.first = random_token(seed, vocabulary),
                                             .second = random_token(seed, vocabulary),
                                             .count = random_count(seed, largest)};
    for (size_t i = 0; i < t.n_tails; i++)
        t.tails[i] = (struct emx_pair_count){
            .first = random_token(seed, vocabulary), .second = EMX_NO_TOKEN, .count = random_count(seed, largest)};
    t.n_pairs = join_rows(t.pairs, t.n_pairs);
    t.n_tails = join_rows(t.tails, t.n_tails);
    return t;
}

static inline uint64_t sum_counts(const struct emx_pair_count *rows, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += rows[i].count;
    return sum;
}

/* One shard that counts the whole table. */
static inline struct emx_shard_record table_shard(const struct table *t, const char *path)
{
    uint64_t n_pairs = sum_counts(t->pairs, t->n_pairs);

    return (struct emx_shard_record){.path = path,
                                     .format = "raw",
                                     .codec = "zstd",
                                     .dtype = "u16",
                                     .n_bytes = 1234,
                                     .xxh3 = 0x0123456789abcdef ^ n_pairs,
                                     .n_tokens = n_pairs + sum_counts(t->tails, t->n_tails),
                                     .n_documents = t->n_tails,
                                     .n_pairs = n_pairs};
}

/* The domain as a scan would give it to the writer. */
static inline struct emx_domain table_domain(const struct table *t, const char *name,
                                             const struct emx_shard_record *shard)
{
    return (struct emx_domain){
        .name = name, .settings = {.eod = 50256}, .shards = shard, .n_shards = 1, .n_documents = t->n_tails};
}

static inline enum emx_status write_domain(struct emx_state_writer *w, const char *name, const struct table *t,
                                           struct emx_error *err)
{
    struct emx_shard_record shard = table_shard(t, name);
    struct emx_domain domain = table_domain(t, name, &shard);
    enum emx_status status = emx_state_writer_begin_domain(w, &domain, err);

    if (status == EMX_OK)
        status = emx_state_writer_tails(w, t->tails, t->n_tails, err);
    if (status == EMX_OK)
        status = emx_state_writer_pairs(w, t->pairs, t->n_pairs, err);
    return status == EMX_OK ? emx_state_writer_end_domain(w, err) : status;
}

static inline enum emx_status write_covariance(struct emx_state_writer *w, const struct table *t, bool precise,
                                               struct emx_error *err)
{
    uint64_t seed = t->n_pairs, n_tokens = sum_counts(t->pairs, t->n_pairs) + sum_counts(t->tails, t->n_tails);
    struct made_covariance c = random_covariance(&seed, precise, t->n_tails, n_tokens);

    return covariance_append(w, &c.head, c.sums, err);
}

static inline enum emx_status write_state(const char *path, const struct table *tables, size_t n, bool measured,
                                          const struct emx_skipped *skipped, size_t n_skipped, struct emx_error *err)
{
    struct emx_state_writer *w = NULL;
    enum emx_status status = emx_state_writer_create(path, &w, err);

    for (size_t i = 0; i < n && status == EMX_OK; i++) {
        char name[2] = {(char)('a' + i), '\0'};

        status = write_domain(w, name, &tables[i], err);
        if (status == EMX_OK && measured && i % 2 == 0)
            status = write_covariance(w, &tables[i], i % 4 == 2, err);
    }
    if (status == EMX_OK)
        status = emx_state_writer_skipped(w, skipped, n_skipped, err);
    if (status == EMX_OK)
        status = emx_state_writer_commit(w, err);
    emx_state_writer_destroy(&w);
    return status;
}

/* A state of domains "a", "b", ... */
static inline enum emx_status write_tables(const char *path, const struct table *tables, size_t n,
                                           struct emx_error *err)
{
    return write_state(path, tables, n, false, NULL, 0, err);
}

/* The same, where "a", "c", ... have a covariance. */
static inline enum emx_status write_measured(const char *path, const struct table *tables, size_t n,
                                             struct emx_error *err)
{
    return write_state(path, tables, n, true, NULL, 0, err);
}

/* The same, where something was left out. */
static inline enum emx_status write_skipping(const char *path, const struct table *tables, size_t n,
                                             const struct emx_skipped *skipped, size_t n_skipped, struct emx_error *err)
{
    return write_state(path, tables, n, false, skipped, n_skipped, err);
}

#endif
