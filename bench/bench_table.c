/*
 * bench_table - pairs a second of this project's tables and of their peers
 *
 *     bench_table [OPTION...] [FILE...]      FILE: headerless u16 tokens, maybe compressed: real text
 *
 * Each stream (real text if files are given, and Zipf tokens) is counted by every engine with every number of threads:
 * first untimed, to check that all agree on pairs, distinct pairs and a checksum; then in interleaved rounds.
 * The naive twin is slow: its check is its only lap (with no rounds, of all engines).  Lines are TSV: best and median
 * nanoseconds a pair (wall time), those of processor time (of all threads; disturbed least by neighbours on the
 * machine), million pairs/s of the median, then what reading costs a distinct pair (for this project's tables: merging
 * and sorting) and how many bytes of memory it has when all is counted.
 */
#include "race.h"

#include <getopt.h>

enum { MAX_LIST = 16, MAX_ROUNDS = 1000, MAX_CASES = 64 };

struct list {
    unsigned long x[MAX_LIST];
    size_t n;
};

struct options {
    const char *streams, *engines, *write;
    size_t n_pairs;
    unsigned rounds;
    struct list threads, vocabularies;
    const char *const *files;
    size_t n_files;
};

static const struct engine *const engines[] = {
    &engine_private, &engine_shared,
#ifdef HAVE_TBB
    &engine_tbb,
#endif
#ifdef HAVE_CUCKOO
    &engine_cuckoo,
#endif
    &engine_naive,
};
#if defined(HAVE_TBB) && defined(HAVE_CUCKOO)
#define PEERS ", tbb, cuckoo"
#elif defined(HAVE_TBB)
#define PEERS ", tbb (libcuckoo was not there)"
#elif defined(HAVE_CUCKOO)
#define PEERS ", cuckoo (oneTBB was not there)"
#else
#define PEERS " (oneTBB and libcuckoo were not there)"
#endif
enum { N_ENGINES = sizeof(engines) / sizeof(engines[0]) };

/* Is the word one of a list with commas? */
static bool names(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = list; (at = strstr(at, word)); at += n) {
        if ((at == list || at[-1] == ',') && (at[n] == ',' || at[n] == '\0'))
            return true;
    }
    return false;
}

/* One engine with a number of threads on a stream. */
struct entry {
    const struct engine *engine;
    unsigned n_threads;
    double seconds[MAX_ROUNDS], cpu_seconds[MAX_ROUNDS], read_seconds[MAX_ROUNDS];
    unsigned n_laps;
    struct lap last;
};

static void run_lap(struct entry *e, const struct tokens *t)
{
    e->last = race_once(e->engine, t, e->n_threads);
    e->seconds[e->n_laps] = e->last.seconds;
    e->cpu_seconds[e->n_laps] = e->last.cpu_seconds;
    e->read_seconds[e->n_laps++] = e->last.read_seconds;
}

static void check(const struct entry *e, const struct entry *with)
{
    const struct outcome *a = &e->last.outcome, *b = &with->last.outcome;

    if (a->n_distinct != b->n_distinct || a->n_pairs != b->n_pairs || a->checksum != b->checksum)
        die("%s with %u threads counts %" PRIu64 " pairs, %" PRIu64 " distinct, checksum %" PRIu64
            "; %s counts %" PRIu64 ", %" PRIu64 ", %" PRIu64,
            e->engine->name, e->n_threads, a->n_pairs, a->n_distinct, a->checksum, with->engine->name, b->n_pairs,
            b->n_distinct, b->checksum);
}

static void print(struct entry *e, const struct tokens *t)
{
    double n = (double)e->last.outcome.n_pairs, n_distinct = (double)e->last.outcome.n_distinct;
    double middle = median(e->seconds, e->n_laps), cpu = median(e->cpu_seconds, e->n_laps);
    double reading = median(e->read_seconds, e->n_laps);

    printf("%s\t%" PRIu32 "\t%.0f\t%.0f\t%s\t%u\t%u\t%.2f\t%.2f\t%.2f\t%.1f\t%.1f\t", t->name, t->vocabulary, n,
           n_distinct, e->engine->name, e->n_threads, e->n_laps, e->seconds[0] * 1e9 / n, middle * 1e9 / n,
           cpu * 1e9 / n, n / middle / 1e6, reading * 1e9 / n_distinct);
    if (e->last.n_bytes)
        printf("%.1f", (double)e->last.n_bytes / n_distinct);
    else
        putchar('-');
    printf("\t%" PRIu64 "\n", e->last.outcome.checksum);
    fflush(stdout);
}

static size_t choose_entries(const struct options *o, struct entry *entries)
{
    size_t n = 0;

    for (size_t e = 0; e < N_ENGINES; e++) {
        for (size_t k = 0; k < o->threads.n && names(o->engines, engines[e]->name); k++) {
            unsigned n_threads = (unsigned)o->threads.x[k];

            if ((engines[e]->max_threads && n_threads > engines[e]->max_threads) || n == MAX_CASES)
                continue;
            entries[n++] = (struct entry){.engine = engines[e], .n_threads = n_threads};
        }
    }
    return n;
}

static void race_all(const struct options *o, const struct tokens *t)
{
    struct entry *entries = must_allocate(MAX_CASES * sizeof(*entries));
    size_t n = choose_entries(o, entries);

    for (size_t i = 0; i < n; i++) {
        run_lap(&entries[i], t);
        check(&entries[i], &entries[0]);
        entries[i].n_laps = entries[i].engine == &engine_naive || !o->rounds ? 1 : 0;
    }
    for (unsigned round = 0; round < o->rounds; round++) {
        for (size_t i = 0; i < n; i++) {
            if (entries[i].engine == &engine_naive)
                continue;
            run_lap(&entries[i], t);
            check(&entries[i], &entries[0]);
        }
    }
    for (size_t i = 0; i < n; i++)
        print(&entries[i], t);
    free(entries);
}

static void write_tokens(const char *path, const struct tokens *t)
{
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(t->x, t->width, t->n, f) != t->n || fclose(f) != 0)
        die("cannot write %s", path);
}

static void run_stream(const struct options *o, struct tokens t)
{
    if (o->write)
        write_tokens(o->write, &t);
    race_all(o, &t);
    tokens_finish(&t);
}

static void run(const struct options *o)
{
    for (size_t i = 0; i < o->vocabularies.n; i++) {
        uint32_t vocabulary = (uint32_t)o->vocabularies.x[i];

        if (names(o->streams, "real") && o->n_files) {
            struct tokens text = tokens_read(o->files, o->n_files, 2, 50257);
            struct tokens repeated = tokens_repeat(&text, o->n_pairs + 1, vocabulary);

            tokens_finish(&text);
            run_stream(o, repeated);
        }
        if (names(o->streams, "zipf"))
            run_stream(o, tokens_zipf(o->n_pairs + 1, vocabulary, 1));
    }
}

static struct list parse_list(const char *text, unsigned long least, unsigned long most)
{
    struct list list = {.n = 0};
    char *end;

    do {
        if (list.n == MAX_LIST)
            die("bench_table: more than %d numbers in a list", MAX_LIST);
        list.x[list.n] = strtoul(text, &end, 10);
        if (end == text || (*end && *end != ',') || list.x[list.n] < least || list.x[list.n] > most)
            die("bench_table: '%s' is not a list of numbers from %lu to %lu", text, least, most);
        list.n++;
        text = end + 1;
    } while (*end);
    return list;
}

static void usage(void)
{
    printf("usage: bench_table [OPTION...] [FILE...]\n"
           "  --streams real,zipf      which streams (real: needs files of u16 tokens)\n"
           "  --engines LIST           of private, shared, naive%s\n"
           "  --threads 1,2            numbers of threads\n"
           "  --vocabularies 50257,... numbers of token types\n"
           "  --pairs 30000000         pairs a stream; real text is repeated, shifted, to that length\n"
           "  --rounds 5               timed laps of each\n"
           "  --write FILE             also write the (last) stream's tokens\n",
           PEERS);
}

static const struct option long_options[] = {
    {"streams", required_argument, NULL, 's'},
    {"engines", required_argument, NULL, 'e'},
    {"threads", required_argument, NULL, 't'},
    {"vocabularies", required_argument, NULL, 'v'},
    {"pairs", required_argument, NULL, 'p'},
    {"rounds", required_argument, NULL, 'r'},
    {"write", required_argument, NULL, 'w'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void set_option(struct options *o, int letter)
{
    switch (letter) {
    case 's':
        o->streams = optarg;
        break;
    case 'e':
        o->engines = optarg;
        break;
    case 't':
        o->threads = parse_list(optarg, 1, MAX_THREADS);
        break;
    case 'v':
        o->vocabularies = parse_list(optarg, 2, 1 << 24);
        break;
    case 'p':
        o->n_pairs = parse_list(optarg, 1, 1UL << 40).x[0];
        break;
    case 'r':
        o->rounds = (unsigned)parse_list(optarg, 0, MAX_ROUNDS).x[0];
        break;
    case 'w':
        o->write = optarg;
        break;
    case 'h':
        usage();
        exit(0);
    default:
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct options o = {
        .streams = "real,zipf",
        .engines = "private,shared,tbb,cuckoo,naive",
        .n_pairs = 30000000,
        .rounds = 5,
        .threads = {{1, 2}, 2},
        .vocabularies = {{50257, 128256, 256000}, 3},
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        set_option(&o, letter);
    o.files = (const char *const *)argv + optind;
    o.n_files = (size_t)(argc - optind);
    puts("stream\tvocabulary\tpairs\tdistinct\tengine\tthreads\tlaps\tbest_ns\tmedian_ns\tcpu_ns\tMpairs/"
         "s\tread_ns\tbytes"
         "\tchecksum");
    run(&o);
    return 0;
}
