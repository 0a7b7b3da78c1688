/*
 * dump_state - state files for read_emx.py, and what the library reads in them
 *
 *     dump_state write SEED PATH    random domains
 *     dump_state example PATH       the one that docs/emx-format.md shows byte by byte
 *     dump_state read PATH          everything, in the lines of read_emx.py
 */
#include "state_tables.h"

static int write_random(uint64_t seed, const char *path)
{
    static const uint32_t vocabularies[] = {EMX_MAX_VOCABULARY, 50257, 300};
    static const size_t sizes[] = {1000, 70000, 0};
    static const struct emx_skipped skipped[] = {
        {"gone", "z.bin", "z.bin: cannot open: No such file or directory", EMX_SKIPPED_SHARD, 0, 0, 0, 0},
        {"a", "y.zst", "y.zst: frame", EMX_SKIPPED_FRAME, 5000, 9000, 1 << 20, 1 << 21},
        {"a", "y.zst", "y.zst: frame", EMX_SKIPPED_FRAME, 10, 20, 0, 7},
    };
    struct table tables[3];
    struct emx_error err = {0};
    enum emx_status status;

    for (size_t i = 0; i < 3; i++)
        tables[i] = random_table(&seed, sizes[i], vocabularies[i]);
    status = write_state(path, tables, 3, true, skipped, seed % 2 ? 3 : 0, &err);
    for (size_t i = 0; i < 3; i++)
        table_finish(&tables[i]);
    if (status != EMX_OK)
        fprintf(stderr, "%s\n", err.message);
    return status != EMX_OK;
}

/* Documents "5 6 5 6" and "5 200", each ended by the token 0. */
static int write_example(const char *path)
{
    static const struct emx_pair_count pairs[] = {{5, 6, 2}, {5, 200, 1}, {6, 0, 1}, {6, 5, 1}, {200, 0, 1}};
    static const struct emx_pair_count tails[] = {{0, EMX_NO_TOKEN, 2}};
    static const struct emx_shard_record shard = {
        "s.bin", "raw", "none", "u16", 16, 0x1122334455667788, 0, 8, 2, 6,
    };
    const struct emx_domain domain = {
        .name = "ex", .settings = {.eod = 0, .vocabulary = 256}, .shards = &shard, .n_shards = 1, .n_documents = 2};
    struct emx_state_writer *w = NULL;
    struct emx_error err = {0};
    bool ok = emx_state_writer_create(path, &w, &err) == EMX_OK &&
              emx_state_writer_begin_domain(w, &domain, &err) == EMX_OK &&
              emx_state_writer_tails(w, tails, 1, &err) == EMX_OK &&
              emx_state_writer_pairs(w, pairs, 5, &err) == EMX_OK && emx_state_writer_end_domain(w, &err) == EMX_OK &&
              emx_state_writer_commit(w, &err) == EMX_OK;

    emx_state_writer_destroy(&w);
    if (!ok)
        fprintf(stderr, "%s\n", err.message);
    return !ok;
}

static void print_domain(const struct emx_domain *d)
{
    printf("domain %s %d %u %u %d %u %u %" PRIu64 "\n", d->name, (int)d->settings.pairs, d->settings.window,
           d->settings.eod, d->settings.eod_first, d->settings.vocabulary, d->max_token, d->settings.sample_tokens);
    printf("totals %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", d->n_tokens,
           d->n_documents, d->n_documents_without_eod, d->n_pairs, d->n_pair_types, d->n_tails);
    for (size_t i = 0; i < d->n_shards; i++) {
        const struct emx_shard_record *s = &d->shards[i];

        printf("shard %s %s %s %s %" PRIu64 " %016" PRIx64 " %016" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
               s->path, s->format, s->codec, s->dtype, s->n_bytes, s->xxh3, s->index_xxh3, s->n_tokens, s->n_documents,
               s->n_pairs);
    }
}

static void print_spectrum(const char *name, const struct emx_spectrum *s)
{
    for (size_t i = 0; i < s->len; i++)
        printf("%s %" PRIu64 " %" PRIu64 "\n", name, s->count[i], s->types[i]);
}

static bool print_rows(struct emx_pair_cursor *c, bool tails)
{
    struct emx_pair_count row;
    bool more = true;

    while (emx_pair_cursor_next(c, &row, &more, NULL) == EMX_OK && more) {
        if (tails)
            printf("tail %u %" PRIu64 "\n", row.first, row.count);
        else
            printf("pair %u %u %" PRIu64 "\n", row.first, row.second, row.count);
    }
    emx_pair_cursor_destroy(&c);
    return !more;
}

static void print_decimal(wide x)
{
    char digits[40];
    size_t at = sizeof(digits);
    unsigned_wide left = x < 0 ? -(unsigned_wide)x : (unsigned_wide)x;

    do
        digits[--at] = (char)('0' + (int)(left % 10));
    while (left /= 10);
    printf("sum %s%.*s\n", x < 0 ? "-" : "", (int)(sizeof(digits) - at), digits + at);
}

static bool print_covariance(struct emx_state *s, size_t domain)
{
    const struct emx_covariance *c = emx_state_domain(s, domain)->covariance;
    wide *sums = NULL;

    if (!c)
        return true;
    if (covariance_load(s, domain, &sums, NULL) != EMX_OK)
        return false;
    printf("covariance %u %d %016" PRIx64 " %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
           " %s\n",
           c->dimension, c->precise, c->vectors, c->weighting, c->n_requested, c->seed, c->n_documents, c->n_left_out,
           c->n_tokens, c->n_tokens_without_vector, c->source);
    for (size_t i = 0; i < covariance_n_sums(c->dimension); i++)
        print_decimal(sums[i]);
    free(sums);
    return true;
}

static int read_state(const char *path)
{
    struct emx_state *s = NULL;
    bool ok = emx_state_open(path, &s, NULL) == EMX_OK && emx_state_verify(s, NULL) == EMX_OK;

    for (size_t i = 0; ok && i < emx_state_n_domains(s); i++) {
        const struct emx_domain *d = emx_state_domain(s, i);
        struct emx_pair_cursor *c = NULL;

        print_domain(d);
        ok = emx_tail_cursor_create(s, i, &c, NULL) == EMX_OK && print_rows(c, true) &&
             emx_pair_cursor_create(s, i, &c, NULL) == EMX_OK && print_rows(c, false);
        print_spectrum("tokens", &d->tokens);
        print_spectrum("pairs", &d->pairs);
        print_spectrum("firsts", &d->firsts);
        ok = ok && print_covariance(s, i);
    }
    for (size_t i = 0; ok && i < emx_state_n_skipped(s); i++) {
        const struct emx_skipped *k = emx_state_skipped(s, i);

        printf("skipped %s %s %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", k->domain, k->path,
               (int)k->what, k->byte_begin, k->byte_end, k->token_begin, k->token_end, k->reason);
    }
    emx_state_close(&s);
    return !ok;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "write") == 0)
        return write_random(strtoull(argv[2], NULL, 0), argv[3]);
    if (argc == 3 && strcmp(argv[1], "example") == 0)
        return write_example(argv[2]);
    return argc == 3 && strcmp(argv[1], "read") == 0 ? read_state(argv[2]) : 2;
}
