/* merge: any states of parts, in any order, give the bytes of the state of the whole */
#include "folder.h"
#include "test.h"

#include "state_tables.h"

#include <limits.h>

#define MAX_PARTS 100
#define MAX_DOMAINS_HERE 4

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

static char folder[64], whole[100], merged[100];
static uint64_t seed;

static const char *part_path(size_t i)
{
    static char paths[MAX_PARTS][100];

    snprintf(paths[i], sizeof(paths[i]), "%s/part%zu.emx", folder, i);
    return paths[i];
}

static void remove_all(size_t n_parts)
{
    for (size_t i = 0; i < n_parts; i++)
        unlink(part_path(i));
    unlink(whole);
    unlink(merged);
    CHECK(files_in(folder) == 0);
}

/* Deal the counts of rows to n parts: of each row to one, or some to all. */
static void deal_rows(const struct emx_pair_count *rows, size_t n_rows, struct emx_pair_count **to, size_t *n_to,
                      size_t n)
{
    for (size_t i = 0; i < n_rows; i++) {
        uint64_t left = rows[i].count;

        for (size_t k = test_random(&seed) % n; left; k = (k + 1) % n) {
            uint64_t part = test_random(&seed) % 3 ? left : 1 + left / 3;

            if (n_to[k] && compare_rows(&to[k][n_to[k] - 1], &rows[i]) == 0)
                to[k][n_to[k] - 1].count += part;
            else
                to[k][n_to[k]++] = (struct emx_pair_count){rows[i].first, rows[i].second, part};
            left -= part;
        }
    }
}

static void deal_table(const struct table *t, struct table *parts, size_t n)
{
    struct emx_pair_count *pairs[MAX_PARTS], *tails[MAX_PARTS];
    size_t n_pairs[MAX_PARTS] = {0}, n_tails[MAX_PARTS] = {0};

    for (size_t i = 0; i < n; i++) {
        pairs[i] = calloc(t->n_pairs + 1, sizeof(**pairs));
        tails[i] = calloc(t->n_tails + 1, sizeof(**tails));
    }
    deal_rows(t->pairs, t->n_pairs, pairs, n_pairs, n);
    deal_rows(t->tails, t->n_tails, tails, n_tails, n);
    for (size_t i = 0; i < n; i++)
        parts[i] = (struct table){pairs[i], tails[i], n_pairs[i], n_tails[i]};
}

/* Write a domain that was counted from these shards. */
static void write_counted(struct emx_state_writer *w, const char *name, const struct table *t,
                          const struct emx_shard_record *shards, size_t n_shards)
{
    struct emx_domain d = {.name = name, .settings.eod = 0, .shards = shards, .n_shards = n_shards};

    for (size_t i = 0; i < n_shards; i++) {
        d.n_documents += shards[i].n_documents;
        d.n_documents_without_eod += shards[i].n_documents / 2;
    }
    CHECK(emx_state_writer_begin_domain(w, &d, NULL) == EMX_OK);
    CHECK(emx_state_writer_tails(w, t->tails, t->n_tails, NULL) == EMX_OK);
    CHECK(emx_state_writer_pairs(w, t->pairs, t->n_pairs, NULL) == EMX_OK);
    CHECK(emx_state_writer_end_domain(w, NULL) == EMX_OK);
}

/* The plain way to add covariances up. */
static void add_made(struct made_covariance *to, const struct made_covariance *c)
{
    for (size_t i = 0; i < MADE_SUMS; i++)
        to->sums[i] += c->sums[i];
    to->head.n_documents += c->head.n_documents;
    to->head.n_left_out += c->head.n_left_out;
    to->head.n_tokens += c->head.n_tokens;
    to->head.n_tokens_without_vector += c->head.n_tokens_without_vector;
}

static struct made_covariance covariance_of(const struct table *t, bool precise)
{
    return random_covariance(&seed, precise, t->n_tails,
                             sum_counts(t->pairs, t->n_pairs) + sum_counts(t->tails, t->n_tails));
}

static void commit(struct emx_state_writer **w)
{
    CHECK(emx_state_writer_commit(*w, NULL) == EMX_OK);
    emx_state_writer_destroy(w);
}

/* Spectra grow with the number of different counts: with few of these only the tables are large. */
static void make_counts_small(struct table *t)
{
    for (size_t i = 0; i < t->n_pairs; i++)
        t->pairs[i].count = 1 + t->pairs[i].count % 100;
    for (size_t i = 0; i < t->n_tails; i++)
        t->tails[i].count = 1 + t->tails[i].count % 100;
}

/* A state of n_domains random domains, and n_parts states that together are the same. */
static void write_whole_and_parts(size_t n_domains, size_t n_pairs, uint32_t vocabulary, size_t n_parts)
{
    static const char *const names[] = {"a", "b/c", "d e", "z"};
    struct emx_state_writer *all = NULL, *writers[MAX_PARTS] = {0};

    CHECK(emx_state_writer_create(whole, &all, NULL) == EMX_OK);
    for (size_t i = 0; i < n_parts; i++)
        CHECK(emx_state_writer_create(part_path(i), &writers[i], NULL) == EMX_OK);
    for (size_t d = 0; d < n_domains; d++) {
        struct table t = random_table(&seed, n_pairs / (d + 1), vocabulary), parts[MAX_PARTS];
        struct emx_shard_record shards[MAX_PARTS];
        struct made_covariance sum = {.head.n_documents = 0};

        if (n_pairs > 1000)
            make_counts_small(&t);
        deal_table(&t, parts, n_parts);
        for (size_t i = 0; i < n_parts; i++) {
            struct made_covariance c = covariance_of(&parts[i], d % 2);

            shards[i] = table_shard(&parts[i], part_path(i));
            write_counted(writers[i], names[d], &parts[i], &shards[i], 1);
            CHECK(covariance_append(writers[i], &c.head, c.sums, NULL) == EMX_OK);
            if (i == 0)
                sum = c;
            else
                add_made(&sum, &c);
            table_finish(&parts[i]);
        }
        write_counted(all, names[d], &t, shards, n_parts);
        CHECK(covariance_append(all, &sum.head, sum.sums, NULL) == EMX_OK);
        table_finish(&t);
    }
    commit(&all);
    for (size_t i = 0; i < n_parts; i++)
        commit(&writers[i]);
}

/* The parts in a random order. */
static void shuffle_parts(const char **inputs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = test_random(&seed) % (i + 1);

        inputs[i] = inputs[k];
        inputs[k] = part_path(i);
    }
}

static void merge_of_random_splits_is_the_whole(void)
{
    static const size_t n_parts[] = {1, 2, 3, 7, 64, 100};
    const char *inputs[MAX_PARTS];

    for (size_t i = 0; i < sizeof(n_parts) / sizeof(*n_parts); i++) {
        write_whole_and_parts(1 + i % MAX_DOMAINS_HERE, i % 2 ? 300 : 150000, i % 2 ? 20 : 50257, n_parts[i]);
        for (int k = 0; k < 3; k++) {
            struct emx_error err = {0};

            shuffle_parts(inputs, n_parts[i]);
            CHECK(emx_state_merge(inputs, n_parts[i], merged, NULL, &err) == EMX_OK);
            CHECK_STR(err.message, "");
            CHECK(same_file(whole, merged));
        }
        remove_all(n_parts[i]);
    }
}

static void merge_of_merges_is_the_whole(void)
{
    const char *inputs[4];

    write_whole_and_parts(2, 5000, 400, 4);
    shuffle_parts(inputs, 4);
    CHECK(emx_state_merge(inputs, 2, merged, NULL, NULL) == EMX_OK);
    CHECK(emx_state_merge((const char *const[]){merged, inputs[2]}, 2, merged, NULL, NULL) == EMX_OK);
    CHECK(emx_state_merge((const char *const[]){inputs[3], merged}, 2, inputs[3], NULL, NULL) == EMX_OK);
    CHECK(same_file(whole, inputs[3]));
    remove_all(4);
}

/* --- covariances that do not join ----------------------------------------------------------------------------- */

struct warnings {
    unsigned n;
    char last[1000];
};

static void keep_warning(const char *sentence, void *context)
{
    struct warnings *w = context;

    w->n++;
    snprintf(w->last, sizeof(w->last), "%s", sentence);
}

/* A state of one domain with that covariance; NULL: with none. */
static void write_with(size_t part, const struct table *t, const struct made_covariance *c)
{
    struct emx_shard_record shard = table_shard(t, part_path(part));
    struct emx_state_writer *w = NULL;

    CHECK(emx_state_writer_create(part_path(part), &w, NULL) == EMX_OK);
    write_counted(w, "d", t, &shard, 1);
    CHECK(!c || covariance_append(w, &c->head, c->sums, NULL) == EMX_OK);
    commit(&w);
}

/* What merging says, in either order, and what is left. */
static void check_join(const struct table *t, const struct made_covariance *a, const struct made_covariance *b,
                       const char *why)
{
    write_with(0, t, a);
    write_with(1, t, b);
    for (size_t turned = 0; turned < 2; turned++) {
        const char *inputs[] = {part_path(turned), part_path(1 - turned)};
        struct warnings warnings = {.n = 0};
        struct emx_merge_options o = {keep_warning, &warnings};
        struct emx_state *s = NULL;

        CHECK(emx_state_merge(inputs, 2, merged, &o, NULL) == EMX_OK);
        CHECK(emx_state_open(merged, &s, NULL) == EMX_OK && emx_state_verify(s, NULL) == EMX_OK);
        CHECK((emx_state_domain(s, 0)->covariance == NULL) == (why != NULL));
        CHECK(warnings.n == (why && *why));
        CHECK(!why || strstr(warnings.last, why));
        emx_state_close(&s);
    }
}

static void covariances_of_other_kinds_are_dropped_with_a_warning(void)
{
    struct table t = random_table(&seed, 300, 50);
    struct made_covariance a = covariance_of(&t, false), b = a, c = covariance_of(&t, true);

    check_join(&t, NULL, NULL, "");
    check_join(&t, &a, &b, NULL);
    check_join(&t, &a, NULL, "domain d: its covariance of documents is left out, since ");
    check_join(&t, &a, NULL, " has none");
    check_join(&t, &c, &c, NULL);
    check_join(&t, &a, &c, "another precision");
    b.head.vectors++;
    check_join(&t, &a, &b, "other vectors");
    b = a;
    b.head.weighting = "sif";
    check_join(&t, &a, &b, "weights tokens otherwise");
    b = a;
    b.head.seed++;
    check_join(&t, &a, &b, "takes other documents");
    b = a;
    b.head.source = "a copy of it";
    check_join(&t, &a, &b, NULL);
    a.head.n_requested = b.head.n_requested = 2 * t.n_tails; /* all of both together */
    check_join(&t, &a, &b, NULL);
    a.head.n_requested = b.head.n_requested = 2 * t.n_tails - 1;
    check_join(&t, &a, &b, "samples do not join");
    table_finish(&t);
    remove_all(2);
}

/* Ten scans of one domain each, as in ten jobs. */
static void domains_from_different_states_stand_side_by_side(void)
{
    struct table tables[10];
    const char *inputs[10];

    for (size_t i = 0; i < 10; i++) {
        struct emx_state_writer *w = NULL;
        char name[2] = {(char)('a' + i), '\0'};

        tables[i] = random_table(&seed, 100 * i, 1000);
        inputs[9 - i] = part_path(i);
        CHECK(emx_state_writer_create(part_path(i), &w, NULL) == EMX_OK);
        CHECK(write_domain(w, name, &tables[i], NULL) == EMX_OK);
        commit(&w);
    }
    CHECK(write_tables(whole, tables, 10, NULL) == EMX_OK);
    CHECK(emx_state_merge(inputs, 10, merged, NULL, NULL) == EMX_OK);
    CHECK(same_file(whole, merged));
    for (size_t i = 0; i < 10; i++)
        table_finish(&tables[i]);
    remove_all(10);
}

static void shards_are_not_counted_twice(void)
{
    const char *inputs[2] = {part_path(0), part_path(0)};
    struct emx_error err = {0};

    write_whole_and_parts(2, 100, 50, 2);
    CHECK(emx_state_merge(inputs, 2, merged, NULL, &err) == EMX_ERR_ARG);
    CHECK(strstr(err.message, part_path(0)) && strstr(err.message, "domain a "));
    inputs[0] = whole;
    inputs[1] = part_path(1);
    CHECK(emx_state_merge(inputs, 2, merged, NULL, &err) == EMX_ERR_ARG);
    CHECK(emx_state_merge(inputs, 0, merged, NULL, &err) == EMX_ERR_ARG);
    CHECK(files_in(folder) == 3);
    remove_all(2);
}

/* States of one domain without rows, with these settings. */
static enum emx_status merge_settings(struct emx_domain_settings a, struct emx_domain_settings b, struct emx_error *err)
{
    const char *const inputs[2] = {part_path(0), part_path(1)};
    enum emx_status status;

    for (size_t i = 0; i < 2; i++) {
        struct emx_domain d = {.name = "web", .settings = i ? b : a};
        struct emx_state_writer *w = NULL;

        CHECK(emx_state_writer_create(inputs[i], &w, NULL) == EMX_OK);
        CHECK(emx_state_writer_begin_domain(w, &d, NULL) == EMX_OK);
        CHECK(emx_state_writer_end_domain(w, NULL) == EMX_OK);
        commit(&w);
    }
    status = emx_state_merge(inputs, 2, merged, NULL, err);
    CHECK(status == EMX_OK || files_in(folder) == 2);
    remove_all(2);
    return status;
}

static void other_settings_do_not_join(void)
{
    const struct emx_domain_settings base = {EMX_PAIRS_WINDOW, 1024, 7, false, 100, 0};
    struct emx_error err = {0};

    CHECK(merge_settings(base, base, &err) == EMX_OK);
    for (int field = 0; field < 7; field++) {
        struct emx_domain_settings other = base, same = base;

        switch (field) {
        case 0:
            other.pairs = EMX_PAIRS_STREAM;
            other.window = 0;
            break;
        case 1:
            other.window = 512;
            break;
        case 2:
            other.eod = EMX_NO_TOKEN;
            break;
        case 3:
            other.eod_first = true;
            break;
        case 4:
            other.vocabulary = 0;
            break;
        case 5:
            other.sample_tokens = 10;
            break;
        default: /* two samples, even of one size */
            other.sample_tokens = same.sample_tokens = 10;
        }
        CHECK(merge_settings(same, other, &err) == EMX_ERR_ARG);
        CHECK(strstr(err.message, part_path(0)) && strstr(err.message, part_path(1)) && strstr(err.message, "web"));
    }
}

static void bad_inputs_leave_the_output_alone(void)
{
    const char *const inputs[3] = {part_path(0), part_path(1), part_path(2)};
    struct emx_error err = {0};
    unsigned char *data;
    size_t len = 0;
    FILE *f;

    write_whole_and_parts(1, 200000, 50257, 2);
    CHECK(emx_state_merge(inputs, 3, merged, NULL, &err) == EMX_ERR_IO);
    CHECK(emx_state_merge(inputs, 2, "/dev/full", NULL, &err) == EMX_ERR_IO && strstr(err.message, "/dev/full"));
    data = read_whole(part_path(0), &len);
    data[len / 2] ^= 1; /* in the pairs, which are read last */
    f = fopen(part_path(0), "w");
    CHECK(fwrite(data, 1, len, f) == len && fclose(f) == 0);
    CHECK(emx_state_merge(inputs, 2, merged, NULL, &err) == EMX_ERR_CORRUPT && strstr(err.message, part_path(0)));
    CHECK(emx_state_merge(inputs, 2, whole, NULL, &err) == EMX_ERR_CORRUPT);
    CHECK(emx_state_merge((const char *const[]){whole}, 1, merged, NULL, &err) == EMX_OK && same_file(whole, merged));
    CHECK(files_in(folder) == 4);
    free(data);
    remove_all(2);
}

static void counts_do_not_overflow(void)
{
    const char *const inputs[2] = {part_path(0), part_path(1)};
    struct emx_error err = {0};

    for (int tails = 0; tails < 2; tails++) {
        for (size_t i = 0; i < 2; i++) {
            struct emx_pair_count pair = {1, 2, tails ? 1 + i : INT64_MAX - 5 * i};
            struct emx_pair_count tail = {1, EMX_NO_TOKEN, INT64_MAX - 5};
            struct table t = {.pairs = &pair, .tails = &tail, .n_pairs = 1, .n_tails = (size_t)tails};

            CHECK(write_tables(inputs[i], &t, 1, NULL) == EMX_OK);
        }
        CHECK(emx_state_merge(inputs, 2, merged, NULL, &err) == EMX_ERR_RANGE);
        CHECK(err.message[0] && !strchr(err.message, '\n'));
    }
    remove_all(2);
}

#ifndef SANITIZED
/* Peak memory in KiB of a process that merges two parts, by its own word. */
static long merge_peak(const char *a, const char *b)
{
    char program[200] = {0}, command[600];
    long peak = LONG_MAX;
    FILE *f;

    CHECK(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
    snprintf(command, sizeof(command), "'%s' merge '%s' '%s' '%s'", program, a, b, merged);
    f = popen(command, "r");
    CHECK(f && fscanf(f, "%ld", &peak) == 1);
    CHECK(pclose(f) == 0);
    return peak;
}

static int merge_and_tell_peak(const char *const *inputs, const char *output)
{
    enum emx_status status = emx_state_merge(inputs, 2, output, NULL, NULL);
    FILE *f = fopen("/proc/self/status", "r");
    char line[200];
    long peak;

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "VmHWM: %ld", &peak) == 1)
            printf("%ld\n", peak);
    fclose(f);
    return status != EMX_OK;
}

static void memory_does_not_grow_with_the_tables(void)
{
    long small, large;

    write_whole_and_parts(1, 200000, 50257, 2);
    small = merge_peak(part_path(0), part_path(1));
    write_whole_and_parts(1, 3000000, 50257, 2); /* 45 MiB more of rows */
    large = merge_peak(part_path(0), part_path(1));
    CHECK(large < small + 6000);
    CHECK(large < 20000);
    remove_all(2);
}
#endif

int main(int argc, char **argv)
{
#ifndef SANITIZED
    if (argc == 5)
        return merge_and_tell_peak((const char *const *)argv + 2, argv[4]);
#endif
    (void)argc, (void)argv;
    seed = test_seed();
    strcpy(folder, "/tmp/emx-merge-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(whole, sizeof(whole), "%s/whole.emx", folder);
    snprintf(merged, sizeof(merged), "%s/merged.emx", folder);
    RUN(merge_of_random_splits_is_the_whole);
    RUN(merge_of_merges_is_the_whole);
    RUN(covariances_of_other_kinds_are_dropped_with_a_warning);
    RUN(domains_from_different_states_stand_side_by_side);
    RUN(shards_are_not_counted_twice);
    RUN(other_settings_do_not_join);
    RUN(bad_inputs_leave_the_output_alone);
    RUN(counts_do_not_overflow);
#ifndef SANITIZED
    RUN(memory_does_not_grow_with_the_tables);
#endif
    rmdir(folder);
    return test_summary();
}
