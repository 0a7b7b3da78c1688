/*
 * bench_state - nanoseconds and bytes a pair of a state file's tables
 *
 *     bench_state [ROWS]     ROWS: a file of sorted struct emx_pair_count instead of generated ones
 *
 * Generated: the distinct pairs of 40 million pairs of independent Zipf tokens (exponent 1, vocabulary 50,257), with
 * token numbers in order of frequency as in BPE vocabularies.  One thread; the file is in memory (/dev/shm) where
 * there is one.  Lines are TSV: name, pairs, repeats, best and median in ns a pair, bytes a pair.
 */
#include "../tests/state_tables.h"
#include "bench.h"

#define REPEATS 5
#define VOCABULARY 50257
#define N_TOKENS 40000000

static void report(const char *name, size_t n_pairs, double *times, double bytes)
{
    double middle = median(times, REPEATS);

    printf("%s\t%zu\t%d\t%.2f\t%.2f\t%.3f\n", name, n_pairs, REPEATS, times[0] * 1e9 / (double)n_pairs,
           middle * 1e9 / (double)n_pairs, bytes / (double)n_pairs);
    fflush(stdout);
}

/* Sort by 16 bits of the key, from `shift`. */
static void sort_keys_by(const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
    size_t *start = calloc(65537, sizeof(*start));

    for (size_t i = 0; i < n; i++)
        start[(from[i] >> shift & 65535) + 1]++;
    for (size_t i = 0; i < 65536; i++)
        start[i + 1] += start[i];
    for (size_t i = 0; i < n; i++)
        to[start[from[i] >> shift & 65535]++] = from[i];
    free(start);
}

static struct table zipf_table(void)
{
    uint64_t *keys = malloc(N_TOKENS * sizeof(*keys)), *scratch = malloc(N_TOKENS * sizeof(*keys)), seed = 1;
    struct table t = {.pairs = malloc(N_TOKENS * sizeof(*t.pairs))};

    for (size_t i = 0; i < N_TOKENS; i++)
        keys[i] = (uint64_t)random_token(&seed, VOCABULARY) << 32 | random_token(&seed, VOCABULARY);
    sort_keys_by(keys, scratch, N_TOKENS, 0);
    sort_keys_by(scratch, keys, N_TOKENS, 32);
    for (size_t i = 0, n; i < N_TOKENS; i += n) {
        for (n = 1; i + n < N_TOKENS && keys[i + n] == keys[i]; n++)
            ;
        t.pairs[t.n_pairs++] = (struct emx_pair_count){(uint32_t)(keys[i] >> 32), (uint32_t)keys[i], n};
    }
    free(keys);
    free(scratch);
    return t;
}

static struct table read_table(const char *path)
{
    struct table t = {0};
    size_t len = 0;

    t.pairs = (struct emx_pair_count *)read_whole(path, &len);
    t.n_pairs = len / sizeof(*t.pairs);
    return t;
}

static void bench_encode(const struct table *t)
{
    struct state_encoder *e = NULL;
    struct state_block block = {0};
    double times[REPEATS], bytes = 0;

    if (state_encoder_create(&e, NULL) != EMX_OK)
        exit(1);
    for (int k = 0; k < REPEATS; k++) {
        double start = clock_seconds();

        bytes = 0;
        for (size_t i = 0; i < t->n_pairs; i += PAIR_BLOCK_ROWS) {
            size_t n = t->n_pairs - i < PAIR_BLOCK_ROWS ? t->n_pairs - i : PAIR_BLOCK_ROWS;

            if (state_encode_block(e, t->pairs + i, n, &block, NULL) != EMX_OK)
                exit(1);
            bytes += (double)block.n_stored;
        }
        times[k] = clock_seconds() - start;
    }
    report("encode", t->n_pairs, times, bytes);
    state_encoder_destroy(&e);
    state_block_finish(&block);
}

static void bench_write(const struct table *t, const char *path)
{
    double times[REPEATS];
    struct stat st;

    for (int k = 0; k < REPEATS; k++) {
        double start = clock_seconds();

        if (write_tables(path, t, 1, NULL) != EMX_OK)
            exit(1);
        times[k] = clock_seconds() - start;
    }
    if (stat(path, &st) != 0)
        exit(1);
    report("write", t->n_pairs, times, (double)st.st_size);
}

static void bench_read(const struct table *t, const char *path)
{
    double times[REPEATS];

    for (int k = 0; k < REPEATS; k++) {
        struct emx_state *s = NULL;
        struct emx_pair_cursor *c = NULL;
        struct emx_pair_count row;
        bool more = true;
        size_t n = 0;
        double start = clock_seconds();

        if (emx_state_open(path, &s, NULL) != EMX_OK || emx_pair_cursor_create(s, 0, &c, NULL) != EMX_OK)
            exit(1);
        while (emx_pair_cursor_next(c, &row, &more, NULL) == EMX_OK && more)
            n += row.first == t->pairs[n].first && row.second == t->pairs[n].second && row.count == t->pairs[n].count;
        if (n != t->n_pairs)
            exit(1);
        times[k] = clock_seconds() - start;
        emx_pair_cursor_destroy(&c);
        emx_state_close(&s);
    }
    report("read", t->n_pairs, times, 0);
}

static void bench_verify(const struct table *t, const char *path)
{
    double times[REPEATS];

    for (int k = 0; k < REPEATS; k++) {
        struct emx_state *s = NULL;
        double start = clock_seconds();

        if (emx_state_open(path, &s, NULL) != EMX_OK || emx_state_verify(s, NULL) != EMX_OK)
            exit(1);
        times[k] = clock_seconds() - start;
        emx_state_close(&s);
    }
    report("verify", t->n_pairs, times, 0);
}

/* Rows dealt at random to n states, merged back; time is for each row read. */
static void bench_merge(const struct table *t, const char *folder, size_t n)
{
    char *inputs[100], merged[100], name[20];
    double times[REPEATS];
    uint64_t seed = n;
    struct table part = {.pairs = malloc(t->n_pairs * sizeof(*part.pairs))};

    for (size_t i = 0; i < n; i++) {
        uint64_t again = seed;

        part.n_pairs = 0;
        for (size_t k = 0; k < t->n_pairs; k++)
            if (test_random(&again) % n == i)
                part.pairs[part.n_pairs++] = t->pairs[k];
        if (asprintf(&inputs[i], "%s/part%zu.emx", folder, i) < 0 || write_tables(inputs[i], &part, 1, NULL) != EMX_OK)
            exit(1);
    }
    snprintf(merged, sizeof(merged), "%s/merged.emx", folder);
    for (int k = 0; k < REPEATS; k++) {
        double start = clock_seconds();

        if (emx_state_merge((const char *const *)inputs, n, merged, NULL, NULL) != EMX_OK)
            exit(1);
        times[k] = clock_seconds() - start;
    }
    snprintf(name, sizeof(name), "merge %zu", n);
    report(name, t->n_pairs, times, 0);
    for (size_t i = 0; i < n; i++) {
        unlink(inputs[i]);
        free(inputs[i]);
    }
    unlink(merged);
    table_finish(&part);
}

int main(int argc, char **argv)
{
    struct table t = argc > 1 ? read_table(argv[1]) : zipf_table();
    char folder[64] = "/tmp/emx-bench-XXXXXX", path[80];

    if (access("/dev/shm", W_OK) == 0)
        strcpy(folder, "/dev/shm/emx-bench-XXXXXX");
    if (!mkdtemp(folder) || t.n_pairs == 0)
        return 1;
    snprintf(path, sizeof(path), "%s/a.emx", folder);
    puts("name\tpairs\trepeats\tbest_ns\tmedian_ns\tbytes");
    bench_encode(&t);
    bench_write(&t, path);
    bench_read(&t, path);
    bench_verify(&t, path);
    bench_merge(&t, folder, 2);
    bench_merge(&t, folder, 10);
    bench_merge(&t, folder, 100);
    unlink(path);
    rmdir(folder);
    table_finish(&t);
    return 0;
}
