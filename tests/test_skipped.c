/* what scans left out: it comes back in order, is joined by a merge, and lies about it are refused */
#include "state/skipped.h"

#include "state_tables.h"
#include "test.h"

static char folder[64], files[4][128];

#define SHARD(domain, path, reason)                                                                                    \
    {                                                                                                                  \
        domain, path, reason, EMX_SKIPPED_SHARD, 0, 0, 0, 0                                                            \
    }
#define FRAME(domain, path, begin, end)                                                                                \
    {                                                                                                                  \
        domain, path, "a frame", EMX_SKIPPED_FRAME, begin, end, 10 * (begin), 10 * (end)                               \
    }

static bool equal(const struct emx_skipped *a, const struct emx_skipped *b)
{
    return strcmp(a->domain, b->domain) == 0 && strcmp(a->path, b->path) == 0 && strcmp(a->reason, b->reason) == 0 &&
           a->what == b->what && a->byte_begin == b->byte_begin && a->byte_end == b->byte_end &&
           a->token_begin == b->token_begin && a->token_end == b->token_end;
}

/* Does the file list exactly these? */
static bool lists(const char *path, const struct emx_skipped *expected, size_t n)
{
    struct emx_state *s = NULL;
    bool ok =
        emx_state_open(path, &s, NULL) == EMX_OK && emx_state_verify(s, NULL) == EMX_OK && emx_state_n_skipped(s) == n;

    for (size_t i = 0; i < n && ok; i++)
        ok = equal(emx_state_skipped(s, i), &expected[i]);
    emx_state_close(&s);
    return ok;
}

static void write_some(const char *path, size_t n_domains, const struct emx_skipped *skipped, size_t n)
{
    uint64_t seed = 1;
    struct table t = random_table(&seed, 20, 50);
    struct table tables[2] = {t, t};

    CHECK(write_skipping(path, tables, n_domains, skipped, n, NULL) == EMX_OK);
    table_finish(&t);
}

static void it_comes_back_in_order(void)
{
    const struct emx_skipped given[] = {FRAME("b", "x", 7, 9), SHARD("b", "w", "no such file"), FRAME("b", "x", 3, 5),
                                        SHARD("a", "x", "z"),  SHARD("a", "x", "another way"),  FRAME("b", "x", 3, 5)};
    const struct emx_skipped sorted[] = {given[4], given[1], given[2], given[0]};

    write_some(files[0], 1, given, 6);
    CHECK(lists(files[0], sorted, 4));
    write_some(files[1], 1, NULL, 0);
    CHECK(lists(files[1], NULL, 0));
    write_some(files[2], 0, given, 1); /* a state without domains */
    CHECK(lists(files[2], given, 1));
}

/* "a" is the shard of domain "a" that every state here has counted. */
static void merges_join_it(void)
{
    const struct emx_skipped first[] = {SHARD("a", "x", "no"), FRAME("b", "a", 1, 2), SHARD("b", "b", "no")};
    const struct emx_skipped second[] = {SHARD("c", "z", "no"), SHARD("a", "x", "because"), SHARD("a", "a", "no")};
    const struct emx_skipped joined[] = {second[1], first[1], first[2], second[0]};
    const char *inputs[] = {files[0], files[1]}, *turned[] = {files[1], files[0]};

    write_some(files[0], 0, first, 3);
    write_some(files[1], 1, second, 3);
    CHECK(emx_state_merge(inputs, 2, files[2], NULL, NULL) == EMX_OK);
    CHECK(lists(files[2], joined, 4)); /* "a" of "a" is counted */
    CHECK(emx_state_merge(turned, 2, files[3], NULL, NULL) == EMX_OK);
    CHECK(same_file(files[2], files[3]));
    write_some(files[0], 2, NULL, 0); /* "b" of "b" is counted here */
    CHECK(emx_state_merge(&turned[1], 1, files[1], NULL, NULL) == EMX_OK);
    CHECK(same_file(files[0], files[1]));
}

static void repaired_shards_are_taken_off_the_list(void)
{
    const struct emx_skipped skipped[] = {FRAME("b", "b", 1, 2), SHARD("b", "b", "no"), SHARD("b", "c", "no")};
    const char *inputs[] = {files[0], files[1]};

    write_some(files[0], 2, NULL, 0);
    write_some(files[1], 0, skipped, 3);
    CHECK(emx_state_merge(inputs, 2, files[2], NULL, NULL) == EMX_OK);
    CHECK(lists(files[2], (struct emx_skipped[]){skipped[0], skipped[2]}, 2));
}

static void what_cannot_be_is_refused(void)
{
    struct emx_skipped bad[] = {SHARD("", "x", "no"),  SHARD("a", "", "no"),  SHARD("a", "x", ""),
                                SHARD("a", "x", "no"), FRAME("a", "x", 5, 5), FRAME("a", "x", 5, 6)};
    struct emx_error err;

    bad[3].byte_end = 1;
    bad[5].token_end = bad[5].token_begin - 1;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct emx_state_writer *w = NULL;

        CHECK(emx_state_writer_create(files[0], &w, NULL) == EMX_OK);
        CHECK(emx_state_writer_skipped(w, &bad[i], 1, &err) == EMX_ERR_ARG);
        emx_state_writer_destroy(&w);
    }
}

/* Every cut of a section, and every byte of it changed: decoded to what holds, or refused. */
static void lies_are_refused(void)
{
    const struct emx_skipped given[] = {SHARD("a", "xy", "no"), FRAME("a", "z", 3, 5), FRAME("a", "z", 7, 9)};
    struct emx_skipped *decoded = NULL;
    char *bytes = NULL;
    size_t len = 0, n = 0, n_refused = 0;
    FILE *f = open_memstream(&bytes, &len);
    bool memory;

    skipped_encode(given, 3, f);
    fclose(f);
    CHECK(!skipped_decode(bytes, len, &decoded, &n, &memory) && n == 3 && equal(&decoded[2], &given[2]));
    free(decoded);
    for (size_t cut = 0; cut < len; cut++) {
        const char *wrong = skipped_decode(bytes, cut, &decoded, &n, &memory);

        CHECK(wrong || n < 3); /* between two records nothing tells: the section's length does */
        if (!wrong)
            free(decoded);
    }
    for (size_t i = 0; i < len; i++) {
        for (unsigned value = 0; value < 256; value++) {
            char before = bytes[i];

            bytes[i] = (char)value;
            if (skipped_decode(bytes, len, &decoded, &n, &memory)) {
                n_refused++;
            } else {
                CHECK(skipped_check(decoded, n) == NULL);
                free(decoded);
            }
            bytes[i] = before;
        }
    }
    CHECK(n_refused > 256 * len / 4);
    free(bytes);
}

int main(void)
{
    snprintf(folder, sizeof(folder), "/tmp/emx_skipped.XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    for (size_t i = 0; i < 4; i++)
        snprintf(files[i], sizeof(files[i]), "%s/%zu.emx", folder, i);
    RUN(it_comes_back_in_order);
    RUN(merges_join_it);
    RUN(repaired_shards_are_taken_off_the_list);
    RUN(what_cannot_be_is_refused);
    RUN(lies_are_refused);
    for (size_t i = 0; i < 4; i++)
        unlink(files[i]);
    rmdir(folder);
    return test_summary();
}
