/* parts of a corpus: each shard is in one, bytes are balanced, and the states of all parts merge to that of the whole
 */
#include "own_folder.h"
#include "test.h"

#include "scan/part.h"

#include <emx/emx.h>
#include <unistd.h>

enum { MOST_SHARDS = 60, MOST_PARTS = 70 };

static uint64_t seed;
static char paths[MOST_SHARDS][128];
static uint64_t sizes[MOST_SHARDS];

/* Shards of a few to many tokens, some of one size; those of an even number are of domain "b", the others of "a". */
static void make_shards(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        FILE *f;

        snprintf(paths[i], sizeof(paths[i]), "%s/shard%02zu", folder, i);
        f = fopen(paths[i], "wb");
        sizes[i] = i % 5 ? 2 * (test_random(&seed) % (i % 7 ? 50 : 5000)) : 100;
        for (uint64_t k = 0; f && k < sizes[i]; k++)
            putc((int)(k % 2 ? 0 : test_random(&seed) % 100), f);
        if (f)
            fclose(f);
    }
}

struct corpus {
    struct emx_scan_domain domains[2];
    const char *shards[2][MOST_SHARDS];
};

/* In another order for each `turn`. */
static void describe(struct corpus *c, size_t n, size_t turn)
{
    *c = (struct corpus){.domains = {{.name = "b"}, {.name = "a"}}};
    for (size_t i = 0; i < 2; i++) {
        c->domains[i].shards = c->shards[i];
        c->domains[i].dtype = "u16";
        c->domains[i].settings.eod = 7;
    }
    for (size_t i = 0; i < n; i++) {
        size_t k = (i + turn) % n;
        struct emx_scan_domain *d = &c->domains[k % 2];

        c->shards[k % 2][d->n_shards++] = paths[k];
    }
    if (turn % 2) { /* the domains, too */
        struct emx_scan_domain first = c->domains[0];

        c->domains[0] = c->domains[1];
        c->domains[1] = first;
    }
}

static size_t number_of(const char *path)
{
    return (size_t)strtoul(path + strlen(path) - 2, NULL, 10);
}

/* In which part each shard is; checks that it is in one, and in its own domain. */
static void find_parts(size_t n, uint32_t n_parts, size_t turn, uint32_t *ret)
{
    size_t n_found = 0;

    for (uint32_t i = 0; i < n_parts; i++) {
        struct corpus c;
        struct part p;

        describe(&c, n, turn + i);
        CHECK(part_take(c.domains, 2, i, n_parts, false, &p, NULL) == EMX_OK);
        for (size_t d = 0; d < p.n_domains; d++) {
            CHECK(p.domains[d].n_shards > 0);
            for (size_t k = 0; k < p.domains[d].n_shards; k++) {
                size_t shard = number_of(p.domains[d].shards[k]);

                CHECK_STR(p.domains[d].name, shard % 2 ? "a" : "b");
                ret[shard] = i;
                n_found++;
            }
        }
        part_finish(&p);
    }
    CHECK(n_found == n);
}

static void check_balance(size_t n, uint32_t n_parts, const uint32_t *part)
{
    uint64_t bytes[MOST_PARTS] = {0}, least[MOST_PARTS] = {0};

    for (size_t i = 0; i < n; i++) {
        uint64_t size = sizes[i] + 1;

        bytes[part[i]] += size;
        least[part[i]] = least[part[i]] && least[part[i]] < size ? least[part[i]] : size;
    }
    for (size_t i = 0; i < n_parts; i++) {
        for (size_t k = 0; k < n_parts; k++)
            CHECK(bytes[i] <= bytes[k] + least[i]);
    }
}

static void every_shard_is_in_one_part_whatever_the_order(void)
{
    static const uint32_t counts[] = {1, 2, 3, 7, 16, 59, 70};

    make_shards(MOST_SHARDS);
    for (size_t i = 0; i < 7; i++) {
        uint32_t part[MOST_SHARDS], again[MOST_SHARDS];

        memset(part, 0xff, sizeof(part));
        find_parts(MOST_SHARDS, counts[i], 0, part);
        find_parts(MOST_SHARDS, counts[i], 11, again);
        CHECK(memcmp(part, again, sizeof(part)) == 0);
        check_balance(MOST_SHARDS, counts[i], part);
    }
}

static void check_merge(size_t n, uint32_t n_parts)
{
    const char *states[MOST_PARTS];
    static char names[MOST_PARTS][160];
    struct emx_scan_options options = {.n_threads = 2};
    struct emx_error err = {0};
    struct corpus c;

    describe(&c, n, 0);
    CHECK(emx_scan(c.domains, 2, &options, path_of("whole.emx"), NULL, &err) == EMX_OK);
    options.n_parts = n_parts;
    for (; options.part < n_parts; options.part++) {
        snprintf(names[options.part], sizeof(names[0]), "%s/%u.emx", folder, options.part);
        states[options.part] = names[options.part];
        describe(&c, n, options.part);
        CHECK(emx_scan(c.domains, 2, &options, states[options.part], NULL, &err) == EMX_OK);
    }
    CHECK_STR(err.message, "");
    CHECK(emx_state_merge(states, n_parts, path_of("merged.emx"), NULL, NULL) == EMX_OK);
    CHECK(same_files("whole.emx", "merged.emx"));
    for (uint32_t i = 0; i < n_parts; i++)
        unlink(states[i]);
}

static void merged_parts_are_the_whole(void)
{
    check_merge(9, 3);
    check_merge(9, 1);
    check_merge(3, 5); /* two have no shard at all */
}

static void what_has_no_parts_is_refused(void)
{
    struct corpus c;
    struct part p;
    struct emx_error err;

    describe(&c, 4, 0);
    CHECK(part_take(c.domains, 2, 2, 2, false, &p, &err) == EMX_ERR_ARG && strstr(err.message, "numbered from 0"));
    c.domains[1].settings.sample_tokens = 5;
    CHECK(part_take(c.domains, 2, 0, 2, false, &p, &err) == EMX_ERR_ARG && strstr(err.message, "sample"));
    describe(&c, 4, 0);
    c.shards[0][1] = "-";
    CHECK(part_take(c.domains, 2, 0, 2, false, &p, &err) == EMX_ERR_ARG && strstr(err.message, "is no file"));
    c.shards[0][1] = path_of("none99");
    CHECK(part_take(c.domains, 2, 0, 1, false, &p, &err) == EMX_ERR_IO);
    CHECK(part_take(c.domains, 2, 0, 1, true, &p, &err) == EMX_OK && p.domains[0].n_shards == 2);
    part_finish(&p);
}

int main(void)
{
    seed = test_seed();
    if (!make_folder("part"))
        return 1;
    RUN(every_shard_is_in_one_part_whatever_the_order);
    RUN(merged_parts_are_the_whole);
    RUN(what_has_no_parts_is_refused);
    remove_folder();
    return test_summary();
}
