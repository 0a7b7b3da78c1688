/*
 * bench_linear - does ten times the text take ten times the time?
 *
 *     bench_linear [PAIRS [THREADS]]      up to so many pairs (10^9), by so many threads (1)
 *
 * A generated stream, whose distinct pairs grow as those of text do: a token's r-th commonest successor follows it
 * with probability about r^(-11/7), and is a Zipf token, fixed by a hash of token and rank.  10^8 pairs have 3.3
 * million distinct ones, 10^9 about four times as many (Heaps' law).  Batches are generated, untimed, and counted,
 * timed.
 *
 * Time a pair then grows only because tables of more distinct pairs miss the caches more often.  How much memory alone
 * accounts for is measured beside it: the pairs of the last batch each add 1 to a plain array as large as the tables,
 * with neither keys nor growth, prefetched as the table is.  Lines are TSV:
 *
 *     pairs, distinct   so far
 *     new               share of pairs since the line before that were new
 *     bytes             of memory a distinct pair
 *     seconds           so far, of processor time (of all threads), which neighbours on the machine disturb least
 *     ns_all            of it a pair, of all up to here
 *     ns_last           of those since the line before
 *     ns_array          of the plain array
 *     ratio             ns_last / ns_array: constant or falling where nothing but memory slows the table down
 */
#include "count/key.h"
#include "pipeline/threads.h"
#include "race.h"

#include <sys/mman.h>

enum {
    VOCABULARY = 50257,
    BATCH = 10000000, /* pairs */
    ARRAY_LAPS = 3,
    RING = 32,   /* as in the table */
    N_PARTS = 4, /* of a batch: made by so many threads wherever it runs, so that the stream is the same */
};

struct generator {
    struct tokens batch;
    uint64_t seeds[N_PARTS];
};

/* Each thread writes its part of the batch; where parts meet, two tokens are neighbours by chance. */
static void generate_part(unsigned thread, void *context)
{
    struct generator *g = context;
    size_t begin = g->batch.n * thread / N_PARTS, end = g->batch.n * (thread + 1) / N_PARTS;
    uint32_t token = (uint32_t)(test_random(&g->seeds[thread]) % VOCABULARY);

    for (size_t i = begin; i < end; i++) {
        double u = (double)((test_random(&g->seeds[thread]) >> 12) + 1) * 0x1p-52;
        uint64_t successor = (uint64_t)(1 / (u * sqrt(u * sqrt(u)))) << 20 ^ token; /* of rank u^(-7/4) */

        token = random_token(&successor, VOCABULARY);
        tokens_set(&g->batch, i, token);
    }
}

static void generate(struct generator *g)
{
    struct placement *placement = NULL;
    struct threads threads;
    struct emx_error err;

    if (placement_create(NULL, N_PARTS, false, &placement, &err) != EMX_OK ||
        threads_start(&threads, placement, generate_part, g, &err) != EMX_OK)
        die("%s", err.message);
    threads_join(&threads);
    placement_destroy(&placement);
}

static void add_to_array(uint64_t *array, uint64_t n_slots, const struct tokens *t)
{
    struct pair_key key = pair_key_for(VOCABULARY);
    uint64_t *ring[RING] = {0};

    for (size_t i = 0; i + 1 < t->n; i++) {
        uint64_t hash = pair_key_mix(key, pair_key_pack(key, tokens_at(t, i), tokens_at(t, i + 1)));
        uint64_t *slot = ring[i % RING], *next = array + (hash * n_slots >> key.bits);

        __builtin_prefetch(next, 1);
        if (slot)
            ++*slot;
        ring[i % RING] = next;
    }
}

/* Nanoseconds a pair of the batch in an array of n_bytes, by one thread. */
static double time_array(const struct tokens *batch, size_t n_bytes)
{
    uint64_t *array = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    double seconds[ARRAY_LAPS];

    if (array == MAP_FAILED)
        die("out of memory for an array of %zu bytes", n_bytes);
    madvise(array, n_bytes, MADV_HUGEPAGE);
    memset(array, 1, n_bytes);
    for (int lap = 0; lap < ARRAY_LAPS; lap++) {
        double start = cpu_seconds();

        add_to_array(array, n_bytes / sizeof(*array), batch);
        seconds[lap] = cpu_seconds() - start;
    }
    munmap(array, n_bytes);
    return median(seconds, ARRAY_LAPS) * 1e9 / (double)(batch->n - 1);
}

/* What is known at a number of pairs. */
struct point {
    double n_pairs, n_distinct, seconds;
    double ns_last, ns_array;
};

static struct point reach(const struct point *before, uint64_t n_pairs, const struct progress *now, double ns_array)
{
    struct point p = {(double)n_pairs, (double)now->n_distinct, now->cpu_seconds, 0, ns_array};

    p.ns_last = (p.seconds - before->seconds) * 1e9 / (p.n_pairs - before->n_pairs);
    return p;
}

static void print(const struct point *p, const struct point *before, uint64_t n_bytes)
{
    printf("%.0f\t%.0f\t%.4f\t%.1f\t%.3f\t%.2f\t%.2f\t%.2f\t%.2f\n", p->n_pairs, p->n_distinct,
           (p->n_distinct - before->n_distinct) / (p->n_pairs - before->n_pairs), (double)n_bytes / p->n_distinct,
           p->seconds, p->seconds * 1e9 / p->n_pairs, p->ns_last, p->ns_array, p->ns_last / p->ns_array);
    fflush(stdout);
}

/* 1, 3, 10, 30, ... batches. */
static uint64_t next_stop(uint64_t batches)
{
    uint64_t power = 1;

    while (power * 10 <= batches)
        power *= 10;
    return batches < 3 * power ? 3 * power : 10 * power;
}

static void bench(struct generator *g, const struct engine *e, unsigned n_threads, uint64_t n_batches)
{
    struct race *r = race_open(e, VOCABULARY, n_threads);
    struct point before = {0};
    uint64_t stop = 1;

    for (uint64_t i = 1; i <= n_batches; i++) {
        generate(g);
        race_count(r, &g->batch);
        if (i == stop) {
            struct progress now = race_progress(r);
            struct point p = reach(&before, i * BATCH, &now, time_array(&g->batch, now.n_bytes));

            print(&p, &before, now.n_bytes);
            before = p;
            stop = next_stop(i);
        }
    }
    race_close(&r);
}

int main(int argc, char **argv)
{
    double n_pairs = argc > 1 ? strtod(argv[1], NULL) : 1e9;
    unsigned long n_threads = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    struct generator *g = must_allocate(sizeof(*g));

    if (!(n_pairs >= BATCH && n_pairs <= 1e13) || n_threads < 1 || n_threads > MAX_THREADS)
        die("usage: bench_linear [PAIRS [THREADS]]   at least %d pairs", BATCH);
    *g = (struct generator){.batch = tokens_create("text-like", BATCH + 1, VOCABULARY)};
    for (unsigned i = 0; i < N_PARTS; i++)
        g->seeds[i] = i + 1;
    puts("pairs\tdistinct\tnew\tbytes\tseconds\tns_all\tns_last\tns_array\tratio");
    bench(g, n_threads > 1 ? &engine_shared : &engine_private, (unsigned)n_threads, (uint64_t)n_pairs / BATCH);
    tokens_finish(&g->batch);
    free(g);
    return 0;
}
