#include "count/bin_map.h"

#include <stdlib.h>

enum {
    STEP_BITS = 16,   /* a step is one first token, or a part of one, at up to 65,536 of them, else a few */
    BIN_ROWS = 8192,  /* their words take 64 KiB, sorted with as many again in a small L2 */
    MOST_BINS = 1024, /* more open blocks than this leave the L2 */
    SAMPLED = 128,    /* keys a bin: sizes are within a tenth of what they should be */
    ENTRIES = 512,    /* read from a table at a time, on the stack */
};

static unsigned widest_token(struct table *const *tables, size_t n)
{
    unsigned bits = 16;

    for (size_t i = 0; i < n; i++)
        bits = table_key(tables[i]).token_bits > bits ? table_key(tables[i]).token_bits : bits;
    return bits;
}

/*
 * Call `use` for the keys of one part of n_parts of each table.  Hashes scatter keys evenly over a table, so that is a
 * fair sample.
 */
static void sample(const struct bin_map *m, struct table *const *tables, size_t n_tables, size_t n_parts,
                   void (*use)(uint64_t key, const struct bin_map *m, void *context), void *context)
{
    for (size_t i = 0; i < n_tables; i++) {
        struct table_cursor cursor = table_cursor_begin(tables[i], 0, n_parts);
        struct table_entry entries[ENTRIES];
        unsigned bits = table_key(tables[i]).token_bits;
        size_t n;

        while ((n = table_cursor_next(&cursor, entries, ENTRIES))) {
            for (size_t k = 0; k < n; k++) {
                uint64_t first = entries[k].key >> bits, second = entries[k].key & ((UINT64_C(1) << bits) - 1);

                use(first << m->token_bits | second, m, context);
            }
        }
    }
}

static void find_largest(uint64_t key, const struct bin_map *m, void *context)
{
    uint64_t *largest = context;

    (void)m;
    *largest = key > *largest ? key : *largest;
}

static void count_step(uint64_t key, const struct bin_map *m, void *context)
{
    uint32_t *seen = context;

    seen[key >> m->shift]++;
}

/* Neighbouring steps go into one bin until it has its share of the sample. */
static void assign_bins(struct bin_map *m, const uint32_t *seen, uint64_t wanted)
{
    uint64_t size = 0;

    for (size_t i = 0; i < m->n_steps; i++) {
        if (size >= wanted && seen[i]) {
            m->begin[m->n_bins++] = (uint64_t)i << m->shift;
            size = 0;
        }
        size += seen[i];
        m->bin_of[i] = (uint16_t)(m->n_bins - 1);
    }
    m->begin[m->n_bins] = UINT64_C(1) << 2 * m->token_bits;
}

/* Steps as small as their number allows: tokens may be far below what they might be. */
static void make_steps(struct bin_map *m, struct table *const *tables, size_t n_tables, size_t n_parts)
{
    uint64_t largest = 0;

    sample(m, tables, n_tables, n_parts, find_largest, &largest);
    while (largest >> m->shift >= (UINT64_C(1) << STEP_BITS))
        m->shift++;
    m->n_steps = (size_t)(largest >> m->shift) + 1;
}

enum emx_status bin_map_init(struct bin_map *m, struct table *const *tables, size_t n_tables, struct emx_error *err)
{
    uint64_t n_rows = 0, n_sampled = 0;
    uint32_t *seen = calloc((size_t)1 << STEP_BITS, sizeof(*seen));
    size_t n_bins, n_parts;

    *m = (struct bin_map){.token_bits = widest_token(tables, n_tables)};
    m->count_bits = 64 - 2 * m->token_bits;
    for (size_t i = 0; i < n_tables; i++)
        n_rows += table_n_used(tables[i]);
    n_bins = n_rows / BIN_ROWS < MOST_BINS ? (size_t)(n_rows / BIN_ROWS) + 1 : MOST_BINS;
    n_parts = (size_t)(n_rows / n_bins / SAMPLED) + 1;
    make_steps(m, tables, n_tables, n_parts);
    m->bin_of = malloc(m->n_steps * sizeof(*m->bin_of));
    m->begin = calloc(n_bins + 2, sizeof(*m->begin)); /* all bins but the last have their share */
    if (seen && m->bin_of && m->begin) {
        sample(m, tables, n_tables, n_parts, count_step, seen);
        for (size_t i = 0; i < m->n_steps; i++)
            n_sampled += seen[i];
        m->n_bins = 1;
        assign_bins(m, seen, n_sampled / n_bins + 1);
    }
    free(seen);
    return m->n_bins ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort the pairs");
}

void bin_map_finish(struct bin_map *m)
{
    free(m->bin_of);
    free(m->begin);
    *m = (struct bin_map){0};
}
