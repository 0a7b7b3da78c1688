/* state: what is written is read, by any way of writing; what is wrong is refused */
#include "folder.h"
#include "test.h"

#include "state_tables.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <xxhash.h>

static char folder[64], path[128], other[128];
static uint64_t seed;

/* Does the cursor give exactly these rows? */
static bool gives(struct emx_pair_cursor *c, const struct emx_pair_count *rows, size_t n)
{
    struct emx_pair_count row;
    bool more = true;

    for (size_t i = 0; i < n; i++)
        if (emx_pair_cursor_next(c, &row, &more, NULL) != EMX_OK || !more || compare_rows(&row, &rows[i]) != 0 ||
            row.count != rows[i].count)
            return false;
    return emx_pair_cursor_next(c, &row, &more, NULL) == EMX_OK && !more &&
           emx_pair_cursor_next(c, &row, &more, NULL) == EMX_OK && !more;
}

static bool has_rows(struct emx_state *s, size_t domain, const struct table *t)
{
    struct emx_pair_cursor *pairs = NULL, *tails = NULL;
    bool ok = emx_pair_cursor_create(s, domain, &pairs, NULL) == EMX_OK &&
              emx_tail_cursor_create(s, domain, &tails, NULL) == EMX_OK && gives(pairs, t->pairs, t->n_pairs) &&
              gives(tails, t->tails, t->n_tails);

    emx_pair_cursor_destroy(&pairs);
    emx_pair_cursor_destroy(&tails);
    return ok;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Is this the spectrum of these counts?  Sorts them; zeros are no types. */
static bool is_spectrum_of(const struct emx_spectrum *s, uint64_t *counts, size_t n)
{
    size_t kept = 0, i = 0;

    for (size_t k = 0; k < n; k++)
        if (counts[k])
            counts[kept++] = counts[k];
    qsort(counts, kept, sizeof(*counts), compare_numbers);
    for (size_t k = 0; k < s->len; k++) {
        uint64_t types = 0;

        for (; i < kept && counts[i] == s->count[k]; i++)
            types++;
        if (types == 0 || types != s->types[k])
            return false;
    }
    return i == kept;
}

/* Spectra against counts by token and pair, kept in plain arrays. */
static bool has_spectra(const struct emx_domain *d, const struct table *t, uint32_t vocabulary)
{
    uint64_t *firsts = calloc(vocabulary, sizeof(*firsts)), *tokens = calloc(vocabulary, sizeof(*tokens));
    uint64_t *pairs = calloc(t->n_pairs + 1, sizeof(*pairs));
    bool ok;

    for (size_t i = 0; i < t->n_pairs; i++) {
        pairs[i] = t->pairs[i].count;
        firsts[t->pairs[i].first] += t->pairs[i].count;
        tokens[t->pairs[i].first] += t->pairs[i].count;
    }
    for (size_t i = 0; i < t->n_tails; i++)
        tokens[t->tails[i].first] += t->tails[i].count;
    ok = is_spectrum_of(&d->tokens, tokens, vocabulary) && is_spectrum_of(&d->firsts, firsts, vocabulary) &&
         is_spectrum_of(&d->pairs, pairs, t->n_pairs);
    free(firsts);
    free(tokens);
    free(pairs);
    return ok;
}

static bool has_totals(const struct emx_domain *d, const struct table *t)
{
    uint32_t max_token = 0;

    for (size_t i = 0; i < t->n_pairs; i++)
        max_token = t->pairs[i].second > max_token ? t->pairs[i].second : max_token;
    if (t->n_pairs && t->pairs[t->n_pairs - 1].first > max_token)
        max_token = t->pairs[t->n_pairs - 1].first;
    if (t->n_tails && t->tails[t->n_tails - 1].first > max_token)
        max_token = t->tails[t->n_tails - 1].first;
    return d->n_pairs == sum_counts(t->pairs, t->n_pairs) && d->n_tails == sum_counts(t->tails, t->n_tails) &&
           d->n_tokens == d->n_pairs + d->n_tails && d->n_pair_types == t->n_pairs && d->max_token == max_token;
}

static bool verifies(const char *file)
{
    struct emx_error err = {0};
    struct emx_state *s = NULL;
    bool ok = emx_state_open(file, &s, &err) == EMX_OK && emx_state_verify(s, &err) == EMX_OK;

    if (!ok)
        puts(err.message);
    emx_state_close(&s);
    return ok;
}

static void check_round_trip(size_t n_pairs, uint32_t vocabulary)
{
    struct table t = random_table(&seed, n_pairs, vocabulary);
    struct emx_state *s = NULL;

    CHECK(write_tables(path, &t, 1, NULL) == EMX_OK);
    CHECK(verifies(path));
    CHECK(emx_state_open(path, &s, NULL) == EMX_OK);
    if (s) {
        CHECK(emx_state_n_domains(s) == 1);
        CHECK(has_rows(s, 0, &t));
        CHECK(has_totals(emx_state_domain(s, 0), &t));
        CHECK(has_spectra(emx_state_domain(s, 0), &t, vocabulary));
    }
    emx_state_close(&s);
    table_finish(&t);
}

static void random_tables_come_back(void)
{
    static const size_t sizes[] = {0, 1, 2, 3, 1000, 65536, 65537, 70000, 300000};
    static const uint32_t vocabularies[] = {1, 2, 300, 50257, EMX_MAX_VOCABULARY};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        for (size_t k = 0; k < sizeof(vocabularies) / sizeof(*vocabularies); k++)
            check_round_trip(sizes[i], vocabularies[k]);
    check_round_trip((size_t)test_few(1500000, 400000), 50257);
}

/* The block borders: exactly 65,536 and 131,072 distinct pairs, in one row and in as many rows. */
static void full_blocks_come_back(void)
{
    for (size_t n = 65535; n <= 131073; n += n == 65537 ? 65534 : 1) {
        struct table t = {.pairs = calloc(n, sizeof(*t.pairs)), .n_pairs = n};

        for (int across = 0; across < 2; across++) {
            struct emx_state *s = NULL;

            for (uint32_t i = 0; i < n; i++)
                t.pairs[i] = (struct emx_pair_count){across ? 7 : i, across ? i : 7, 1 + i};
            CHECK(write_tables(path, &t, 1, NULL) == EMX_OK);
            CHECK(verifies(path));
            CHECK(emx_state_open(path, &s, NULL) == EMX_OK);
            CHECK(s && has_rows(s, 0, &t));
            emx_state_close(&s);
        }
        table_finish(&t);
    }
}

static void extremes_come_back(void)
{
    const uint32_t top = EMX_MAX_VOCABULARY - 1;
    struct emx_pair_count rows[200] = {{0, 0, 1}, {0, top, 127}, {0, 0, 0}};
    struct table tables[] = {
        {.pairs = (struct emx_pair_count[]){{top, top, INT64_MAX}}, .n_pairs = 1},
        {.pairs = (struct emx_pair_count[]){{0, 0, INT64_MAX}}, .n_pairs = 1},
        {.tails = (struct emx_pair_count[]){{top, EMX_NO_TOKEN, INT64_MAX}}, .n_tails = 1},
        {.pairs = rows, .n_pairs = 2},
        {.n_pairs = 0},
    };
    struct emx_state *s = NULL;

    for (unsigned bit = 0; bit < 62; bit++) /* every class of counts, first and last of it */
        for (unsigned last = 0; last < 2; last++)
            rows[tables[3].n_pairs++] = (struct emx_pair_count){
                top - 100 + bit, last ? top : 0, (UINT64_C(1) << (last ? bit : bit / 2)) - last + (bit == 0)};
    CHECK(write_tables(path, tables, 5, NULL) == EMX_OK);
    CHECK(verifies(path));
    CHECK(emx_state_open(path, &s, NULL) == EMX_OK);
    CHECK(s && emx_state_n_domains(s) == 5);
    for (size_t i = 0; s && i < 5; i++) {
        CHECK(has_rows(s, i, &tables[i]));
        CHECK(has_totals(emx_state_domain(s, i), &tables[i]));
    }
    emx_state_close(&s);
}

static void settings_and_shards_come_back_sorted(void)
{
    struct emx_shard_record shards[] = {
        {"b", "raw", "none", "u16", 1, 9, 0, 3, 1, 2},
        {"a/\xff\x01", "megatron", "zstd", "i32", UINT64_MAX, 8, 7, 5, 2, 0},
        {"b", "mds", "gzip", "text", 0, 2, 0, 0, 0, 0},
    };
    struct emx_domain d = {
        .name = "n\xe4me with spaces",
        .settings = {EMX_PAIRS_WINDOW, 1024, 3, true, 77, 1000000},
        .shards = shards,
        .n_shards = 3,
        .n_documents = 3,
        .n_documents_without_eod = 2,
    };
    struct emx_pair_count pair = {1, 2, 2}, tail = {76, EMX_NO_TOKEN, 6};
    struct emx_state_writer *w = NULL;
    struct emx_state *s = NULL;

    CHECK(emx_state_writer_create(path, &w, NULL) == EMX_OK);
    CHECK(emx_state_writer_begin_domain(w, &d, NULL) == EMX_OK);
    CHECK(emx_state_writer_tails(w, &tail, 1, NULL) == EMX_OK);
    CHECK(emx_state_writer_pairs(w, &pair, 1, NULL) == EMX_OK);
    CHECK(emx_state_writer_end_domain(w, NULL) == EMX_OK);
    CHECK(emx_state_writer_commit(w, NULL) == EMX_OK);
    emx_state_writer_destroy(&w);
    CHECK(verifies(path) && emx_state_open(path, &s, NULL) == EMX_OK);
    if (s) {
        static const size_t order[] = {1, 2, 0};
        const struct emx_domain *got = emx_state_domain(s, 0);

        CHECK_STR(got->name, d.name);
        CHECK(memcmp(&got->settings, &d.settings, sizeof(d.settings)) == 0);
        CHECK(got->n_documents == 3 && got->n_documents_without_eod == 2 && got->n_shards == 3);
        for (size_t i = 0; i < 3; i++) {
            const struct emx_shard_record *a = &got->shards[i], *b = &shards[order[i]];

            CHECK_STR(a->path, b->path);
            CHECK_STR(a->format, b->format);
            CHECK_STR(a->codec, b->codec);
            CHECK_STR(a->dtype, b->dtype);
            CHECK(memcmp(&a->n_bytes, &b->n_bytes, sizeof(*a) - offsetof(struct emx_shard_record, n_bytes)) == 0);
        }
    }
    emx_state_close(&s);
}

/* Rows one by one, in odd portions, or all at once: the same bytes. */
static void portions_do_not_matter(void)
{
    struct table t = random_table(&seed, 200000, 3000);
    struct emx_shard_record shard = table_shard(&t, "a");
    struct emx_domain domain = table_domain(&t, "a", &shard);

    CHECK(write_tables(path, &t, 1, NULL) == EMX_OK);
    for (size_t step = 1; step < 200000; step = step * 37 + 1) {
        struct emx_state_writer *w = NULL;

        CHECK(emx_state_writer_create(other, &w, NULL) == EMX_OK);
        CHECK(emx_state_writer_begin_domain(w, &domain, NULL) == EMX_OK);
        CHECK(emx_state_writer_tails(w, t.tails, t.n_tails, NULL) == EMX_OK);
        for (size_t i = 0; i < t.n_pairs; i += step)
            CHECK(emx_state_writer_pairs(w, t.pairs + i, t.n_pairs - i < step ? t.n_pairs - i : step, NULL) == EMX_OK);
        CHECK(emx_state_writer_end_domain(w, NULL) == EMX_OK);
        CHECK(emx_state_writer_commit(w, NULL) == EMX_OK);
        emx_state_writer_destroy(&w);
        CHECK(same_file(path, other));
    }
    table_finish(&t);
}

/* Several encoders take turns at the blocks of two domains, as threads would. */
static void parallel_writer_gives_the_same_bytes(void)
{
    enum { N = 3 };
    struct table tables[2] = {random_table(&seed, 500000, 40000), random_table(&seed, 1000, 100)};
    struct state_encoder *encoders[N] = {0};
    struct state_block block = {0};
    struct emx_spectrum_builder *pairs;
    struct emx_state_writer *w = NULL;

    CHECK(write_tables(path, tables, 2, NULL) == EMX_OK);
    for (size_t i = 0; i < N; i++)
        CHECK(state_encoder_create(&encoders[i], NULL) == EMX_OK);
    CHECK(emx_state_writer_create(other, &w, NULL) == EMX_OK);
    for (size_t i = 0; i < 2; i++) {
        const struct table *t = &tables[i];
        const char *name = i ? "b" : "a";
        struct emx_shard_record shard = table_shard(t, name);
        struct emx_domain domain = table_domain(t, name, &shard);

        CHECK(emx_state_writer_begin_domain(w, &domain, NULL) == EMX_OK);
        CHECK(emx_state_writer_tails(w, t->tails, t->n_tails, NULL) == EMX_OK);
        for (size_t at = 0; at < t->n_pairs; at += PAIR_BLOCK_ROWS) {
            size_t n = t->n_pairs - at < PAIR_BLOCK_ROWS ? t->n_pairs - at : PAIR_BLOCK_ROWS;

            CHECK(state_encode_block(encoders[test_random(&seed) % N], t->pairs + at, n, &block, NULL) == EMX_OK);
            CHECK(state_writer_append_block(w, &block, NULL) == EMX_OK);
        }
        CHECK(emx_spectrum_builder_create(&pairs) == EMX_OK);
        for (size_t k = 0; k < N; k++)
            CHECK(state_encoder_take_spectrum(encoders[k], pairs) == EMX_OK);
        CHECK(state_writer_end_domain_parallel(w, pairs, NULL) == EMX_OK);
        emx_spectrum_builder_destroy(&pairs);
    }
    CHECK(emx_state_writer_commit(w, NULL) == EMX_OK);
    emx_state_writer_destroy(&w);
    CHECK(same_file(path, other));
    for (size_t i = 0; i < N; i++)
        state_encoder_destroy(&encoders[i]);
    state_block_finish(&block);
    for (size_t i = 0; i < 2; i++)
        table_finish(&tables[i]);
}

static enum emx_status examine(const unsigned char *data, size_t len, struct emx_error *err)
{
    struct emx_state *s = NULL;
    enum emx_status status = emx_state_open_memory(data, len, "x.emx", &s, err);

    if (status == EMX_OK)
        status = emx_state_verify(s, err);
    emx_state_close(&s);
    return status;
}

/* A small state of two domains, and of things left out, in memory. */
static unsigned char *small_state(size_t *ret_len)
{
    static const struct emx_skipped skipped[] = {
        {"b", "y", "no", EMX_SKIPPED_FRAME, 5, 9, 100, 200},
        {"c", "z", "gone", EMX_SKIPPED_SHARD, 0, 0, 0, 0},
    };
    struct table tables[2] = {random_table(&seed, 40, 50), random_table(&seed, 3, 70000)};
    unsigned char *data = NULL;

    CHECK(write_state(path, tables, 2, true, skipped, 2, NULL) == EMX_OK);
    data = read_whole(path, ret_len);
    table_finish(&tables[0]);
    table_finish(&tables[1]);
    CHECK(data && examine(data, *ret_len, NULL) == EMX_OK);
    return data;
}

static bool names_file(const struct emx_error *err)
{
    return strncmp(err->message, "x.emx: ", 7) == 0 && !strchr(err->message, '\n');
}

static void every_flip_is_found(void)
{
    size_t len = 0;
    unsigned char *data = small_state(&len);

    for (size_t i = 0; i < len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct emx_error err = {0};
            enum emx_status status;

            data[i] ^= (unsigned char)(1u << bit);
            status = examine(data, len, &err);
            CHECK(status == EMX_ERR_CORRUPT || (i < 8 && status == EMX_ERR_FORMAT) ||
                  (i >= 8 && i < 16 && status == EMX_ERR_VERSION));
            CHECK(names_file(&err));
            data[i] ^= (unsigned char)(1u << bit);
        }
    }
    free(data);
}

static void every_cut_and_addition_is_found(void)
{
    size_t len = 0;
    unsigned char *data = small_state(&len), *more = calloc(1, len + 100);
    struct emx_error err = {0};

    for (size_t n = 0; n < len; n++) {
        CHECK(examine(data, n, &err) == (n < 16 ? EMX_ERR_FORMAT : EMX_ERR_CORRUPT));
        CHECK(names_file(&err));
    }
    memcpy(more, data, len);
    for (size_t n = 1; n <= 100; n++)
        CHECK(examine(more, len + n, &err) == EMX_ERR_CORRUPT && names_file(&err));
    free(data);
    free(more);
}

static void other_files_are_refused(void)
{
    struct emx_error err = {0};
    struct emx_state *s = NULL;
    unsigned char version_9[56] = STATE_MAGIC "\x09";

    CHECK(examine((const unsigned char *)"", 0, &err) == EMX_ERR_FORMAT);
    CHECK_STR(err.message, "x.emx: is not an entromix state file (0 bytes)");
    CHECK(examine((const unsigned char *)"{\"weights\": [1, 2, 3]}", 22, &err) == EMX_ERR_FORMAT);
    CHECK_STR(err.message, "x.emx: is not an entromix state file (no magic at byte 0)");
    CHECK(examine(version_9, sizeof(version_9), &err) == EMX_ERR_VERSION);
    CHECK_STR(err.message, "x.emx: is a state file of version 9, this program reads version 1");
    CHECK(emx_state_open(folder, &s, &err) == EMX_ERR_IO && strstr(err.message, folder));
    CHECK(emx_state_open("/nonexistent/a.emx", &s, &err) == EMX_ERR_IO);
    CHECK_STR(err.message, "/nonexistent/a.emx: cannot be opened: No such file or directory");
}

/* Recompute the checksums of sections, directory and trailer after `data` was changed. */
static void reseal(unsigned char *data, size_t len)
{
    unsigned char *trailer = data + len - TRAILER_BYTES, *directory = data + get_u64(trailer);
    size_t n = get_u64(trailer + 8);
    unsigned char head[HEADER_BYTES + 24];

    for (unsigned char *entry = directory; entry < directory + n; entry += ENTRY_BYTES)
        put_u64(entry + 32, XXH3_64bits(data + get_u64(entry + 16), get_u64(entry + 24)));
    put_u64(trailer + 16, XXH3_64bits(directory, n));
    memcpy(head, data, HEADER_BYTES);
    memcpy(head + HEADER_BYTES, trailer, 24);
    put_u64(trailer + 24, XXH3_64bits(head, sizeof(head)));
}

static unsigned char *find_entry(unsigned char *data, size_t len, uint32_t type)
{
    unsigned char *entry = data + get_u64(data + len - TRAILER_BYTES);

    while (get_u32(entry) != type)
        entry += ENTRY_BYTES;
    return entry;
}

/* What a liar with right checksums says is compared with the rows. */
static void lies_are_found(void)
{
    static const struct {
        uint32_t type;
        size_t offset;
        unsigned char change;
    } lies[] = {
        {SECTION_DOMAIN, 20, 1},                   /* largest token */
        {SECTION_DOMAIN, 32, 1},                   /* tokens */
        {SECTION_DOMAIN, 40, 1},                   /* documents, against the shards */
        {SECTION_DOMAIN, 56, 1},                   /* pairs */
        {SECTION_DOMAIN, 64, 1},                   /* distinct pairs */
        {SECTION_DOMAIN, 72, 1},                   /* tails */
        {SECTION_DOMAIN, 80, 1},                   /* shards */
        {SECTION_DOMAIN, 0, 2},                    /* pairing without its window */
        {SECTION_SHARDS, 24, 1},                   /* tokens of a shard */
        {SECTION_SPECTRA, 2, 1},                   /* types of the first count of tokens */
        {SECTION_TAILS, BLOCK_HEADER_BYTES, 0x10}, /* bits of a block, which has its own checksum */
        {SECTION_PAIRS, BLOCK_HEADER_BYTES, 0x10},
        {SECTION_COVARIANCE, 12, 1},    /* dimension, in a head that has its own checksum */
        {SECTION_COVARIANCE, 96, 0x80}, /* the first of seven-byte sums: below 0 */
    };
    size_t len = 0;
    unsigned char *data = small_state(&len), *lie = malloc(len);

    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        struct emx_error err = {0};

        memcpy(lie, data, len);
        lie[get_u64(find_entry(lie, len, lies[i].type) + 16) + lies[i].offset] ^= lies[i].change;
        reseal(lie, len);
        CHECK(examine(lie, len, &err) == EMX_ERR_CORRUPT);
        CHECK(names_file(&err));
    }
    free(data);
    free(lie);
}

/* Any byte changed under right checksums, those of blocks too: found or harmless, but never believed blindly. */
static void lies_do_no_harm(void)
{
    size_t len = 0, n_found = 0, n_tried = 0;
    unsigned char *data = small_state(&len), *lie = malloc(len);

    for (size_t i = HEADER_BYTES; i < len; i++) {
        for (int k = 0; k < 2; k++) {
            unsigned char *entry = find_entry(data, len, SECTION_PAIRS);
            uint64_t block = get_u64(entry + 16), n = get_u64(entry + 24);

            memcpy(lie, data, len);
            lie[i] ^= (unsigned char)(1 + test_random(&seed) % 255);
            if (i >= block + 8 && i < block + n)
                put_u64(lie + block, XXH3_64bits(lie + block + 8, n - 8));
            if (i < get_u64(data + len - TRAILER_BYTES))
                reseal(lie, len);
            n_found += examine(lie, len, NULL) != EMX_OK;
            n_tried++;
        }
    }
    CHECK(n_found > n_tried / 2);
    free(data);
    free(lie);
}

/* Put a section of type XTRA at the end of the sections; the directory grows by its entry. */
static unsigned char *add_section(const unsigned char *data, size_t len, uint32_t flags, size_t *ret_len)
{
    const unsigned char *trailer = data + len - TRAILER_BYTES;
    size_t at = get_u64(trailer), n = get_u64(trailer + 8);
    unsigned char *more = calloc(1, len + 5 + ENTRY_BYTES), *entry = more + at + 5 + n;

    memcpy(more, data, at);
    memcpy(more + at, "extra", 5);
    memcpy(more + at + 5, data + at, n);
    put_u32(entry, SECTION_TYPE('X', 'T', 'R', 'A'));
    put_u32(entry + 4, flags);
    put_u64(entry + 16, at);
    put_u64(entry + 24, 5);
    memcpy(entry + ENTRY_BYTES, trailer, TRAILER_BYTES);
    put_u64(entry + ENTRY_BYTES, at + 5);
    put_u64(entry + ENTRY_BYTES + 8, n + ENTRY_BYTES);
    *ret_len = len + 5 + ENTRY_BYTES;
    reseal(more, *ret_len);
    return more;
}

static void optional_sections_are_skipped_and_others_refused(void)
{
    size_t len = 0, n = 0;
    unsigned char *data = small_state(&len), *more = add_section(data, len, SECTION_OPTIONAL, &n);
    struct emx_error err = {0};

    CHECK(examine(more, n, &err) == EMX_OK);
    more[get_u64(more + n - TRAILER_BYTES) - 1] ^= 1;
    CHECK(examine(more, n, &err) == EMX_ERR_CORRUPT);
    free(more);
    more = add_section(data, len, 0, &n);
    CHECK(examine(more, n, &err) == EMX_ERR_VERSION);
    CHECK(strstr(err.message, "section XTRA") != NULL);
    free(more);
    free(data);
}

static void pipes_are_read(void)
{
    struct table t = random_table(&seed, 300000, 50257);
    struct emx_state *s = NULL;
    char command[200];
    FILE *f;

    CHECK(write_tables(path, &t, 1, NULL) == EMX_OK);
    snprintf(command, sizeof(command), "cat %s", path);
    f = popen(command, "r");
    snprintf(command, sizeof(command), "/dev/fd/%d", fileno(f));
    CHECK(emx_state_open(command, &s, NULL) == EMX_OK);
    CHECK(s && has_rows(s, 0, &t));
    emx_state_close(&s);
    pclose(f);
    table_finish(&t);
}

/* What _pairs() says of these two rows, given at once and one by one. */
static enum emx_status try_rows(const struct emx_pair_count *rows, uint32_t vocabulary, struct emx_error *err)
{
    enum emx_status status[2];

    for (size_t portion = 1; portion <= 2; portion++) {
        struct emx_state_writer *w = NULL;
        struct emx_domain d = {.name = "d", .settings = {.eod = EMX_NO_TOKEN, .vocabulary = vocabulary}};
        enum emx_status *got = &status[portion - 1];

        CHECK(emx_state_writer_create(path, &w, err) == EMX_OK);
        *got = emx_state_writer_begin_domain(w, &d, err);
        for (size_t i = 0; i < 2 && *got == EMX_OK; i += portion)
            *got = emx_state_writer_pairs(w, rows + i, portion, err);
        if (*got == EMX_OK)
            *got = emx_state_writer_end_domain(w, err);
        emx_state_writer_destroy(&w);
    }
    CHECK(status[0] == status[1]);
    return status[0];
}

#define TRY(vocabulary, ...) try_rows((struct emx_pair_count[2]){__VA_ARGS__}, vocabulary, &err)

static void wrong_rows_are_refused(void)
{
    const uint32_t top = EMX_MAX_VOCABULARY;
    struct emx_error err = {0};

    unlink(path);
    CHECK(TRY(0, {1, 2, 3}, {1, 3, 3}) == EMX_OK);
    CHECK(TRY(0, {1, 2, 3}, {1, 2, 3}) == EMX_ERR_ARG);
    CHECK(TRY(0, {1, 2, 3}, {1, 1, 3}) == EMX_ERR_ARG);
    CHECK(TRY(0, {1, 2, 3}, {0, 7, 3}) == EMX_ERR_ARG);
    CHECK(TRY(0, {1, 2, 3}, {2, 1, 0}) == EMX_ERR_ARG);
    CHECK(strstr(err.message, path) && strstr(err.message, "(2, 1)"));
    CHECK(TRY(0, {1, 2, 3}, {top, 1, 1}) == EMX_ERR_RANGE);
    CHECK(TRY(0, {1, 2, 3}, {1, top, 1}) == EMX_ERR_RANGE);
    CHECK(TRY(0, {1, 2, 3}, {1, EMX_NO_TOKEN, 1}) == EMX_ERR_RANGE);
    CHECK(TRY(0, {1, 2, 3}, {1, 3, (uint64_t)INT64_MAX + 1}) == EMX_ERR_RANGE);
    CHECK(TRY(0, {1, 2, 3}, {1, 3, INT64_MAX}) == EMX_ERR_RANGE);
    CHECK(TRY(0, {1, 2, 3}, {2, 3, INT64_MAX - 2}) == EMX_ERR_RANGE);
    CHECK(TRY(0, {1, 2, 3}, {2, 3, INT64_MAX - 3}) == EMX_OK);
    CHECK(TRY(4, {1, 2, 3}, {1, 3, 1}) == EMX_OK);
    CHECK(TRY(3, {1, 2, 3}, {1, 3, 1}) == EMX_ERR_ARG);
    CHECK(files_in(folder) == 0);
}

static enum emx_status try_domains(const struct emx_domain *domains, size_t n, struct emx_error *err)
{
    struct emx_state_writer *w = NULL;
    enum emx_status status = emx_state_writer_create(path, &w, err);

    for (size_t i = 0; i < n && status == EMX_OK; i++) {
        status = emx_state_writer_begin_domain(w, &domains[i], err);
        if (status == EMX_OK)
            status = emx_state_writer_end_domain(w, err);
    }
    if (status == EMX_OK)
        status = emx_state_writer_commit(w, err);
    emx_state_writer_destroy(&w);
    return status;
}

static void wrong_domains_are_refused(void)
{
    struct emx_shard_record same[] = {{"p", "raw", "none", "u16", .xxh3 = 1}, {"p", "raw", "none", "u16", .xxh3 = 1}};
    struct emx_shard_record one[] = {{"p", "raw", "none", "u16", .n_tokens = 1}};
    struct emx_domain good[] = {{.name = "a", .settings.eod = 1}, {.name = "b", .settings.eod = EMX_NO_TOKEN}};
    struct emx_domain order[] = {{.name = "b", .settings.eod = 1}, {.name = "a", .settings.eod = 1}};
    struct emx_domain twice[] = {{.name = "a", .settings.eod = 1}, {.name = "a", .settings.eod = 1}};
    struct emx_domain empty_name = {.name = "", .settings.eod = 1};
    struct emx_domain window = {.name = "a", .settings = {.pairs = EMX_PAIRS_WINDOW, .eod = 1}};
    struct emx_domain eod = {.name = "a", .settings = {.eod = EMX_MAX_VOCABULARY}};
    struct emx_domain repeated = {.name = "a", .settings.eod = 1, .shards = same, .n_shards = 2};
    struct emx_domain sums = {.name = "a", .settings.eod = 1, .shards = one, .n_shards = 1};
    struct emx_error err = {0};

    CHECK(try_domains(good, 2, &err) == EMX_OK && verifies(path));
    CHECK(try_domains(good, 0, &err) == EMX_OK && verifies(path));
    unlink(path);
    CHECK(try_domains(order, 2, &err) == EMX_ERR_ARG);
    CHECK(try_domains(twice, 2, &err) == EMX_ERR_ARG);
    CHECK(try_domains(&empty_name, 1, &err) == EMX_ERR_ARG);
    CHECK(try_domains(&window, 1, &err) == EMX_ERR_ARG);
    CHECK(try_domains(&eod, 1, &err) == EMX_ERR_ARG);
    CHECK(try_domains(&repeated, 1, &err) == EMX_ERR_ARG && strstr(err.message, "shard p "));
    CHECK(try_domains(&sums, 1, &err) == EMX_ERR_ARG && strstr(err.message, "add up"));
    CHECK(files_in(folder) == 0);
}

static bool write_fails(const char *to, const char *cause)
{
    struct table t = random_table(&seed, 200000, 50257);
    struct emx_error err = {0};
    bool ok = write_tables(to, &t, 1, &err) == EMX_ERR_IO && strstr(err.message, to) && strstr(err.message, cause);

    if (!ok)
        puts(err.message);
    table_finish(&t);
    return ok;
}

/* In a process that may write 100,000 bytes a file. */
static bool fails_where_there_is_no_room(void)
{
    struct rlimit limit = {.rlim_cur = 100000, .rlim_max = 100000};
    int status = 1;
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGXFSZ, SIG_IGN);
        _exit(setrlimit(RLIMIT_FSIZE, &limit) == 0 && write_fails(path, "File too large") ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void failed_writes_leave_nothing(void)
{
    struct table small = random_table(&seed, 100, 50);

    CHECK(write_fails("/dev/full", "No space left on device"));
    CHECK(write_fails("/nonexistent/a.emx", "No such file or directory"));
    CHECK(fails_where_there_is_no_room());
    CHECK(files_in(folder) == 0);
    CHECK(write_tables(path, &small, 1, NULL) == EMX_OK);
    CHECK(fails_where_there_is_no_room());
    CHECK(verifies(path) && files_in(folder) == 1);
    unlink(path);
    table_finish(&small);
}

int main(void)
{
    seed = test_seed();
    strcpy(folder, "/tmp/emx-state-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/a.emx", folder);
    snprintf(other, sizeof(other), "%s/b.emx", folder);
    RUN(wrong_rows_are_refused);
    RUN(wrong_domains_are_refused);
    RUN(failed_writes_leave_nothing);
    RUN(random_tables_come_back);
    RUN(full_blocks_come_back);
    RUN(extremes_come_back);
    RUN(settings_and_shards_come_back_sorted);
    RUN(portions_do_not_matter);
    RUN(parallel_writer_gives_the_same_bytes);
    RUN(every_flip_is_found);
    RUN(every_cut_and_addition_is_found);
    RUN(other_files_are_refused);
    RUN(lies_are_found);
    RUN(lies_do_no_harm);
    RUN(optional_sections_are_skipped_and_others_refused);
    RUN(pipes_are_read);
    unlink(path);
    unlink(other);
    rmdir(folder);
    return test_summary();
}
