#include "count/pile.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 512 /* read from a table at a time, on the stack */ };

/* Put a full block on its bin. */
static void close_block(struct pile *p, struct pile_bin *bin, const uint64_t *words)
{
    memcpy(p->blocks + p->n_blocks * PILE_BLOCK, words, PILE_BLOCK * sizeof(*words));
    p->below[p->n_blocks] = bin->top;
    bin->top = (uint32_t)++p->n_blocks;
    bin->n_open = 0;
    bin->n += PILE_BLOCK;
}

static inline void push(struct pile *p, uint64_t key, uint64_t word)
{
    size_t b = bin_of_key(p->map, key);
    struct pile_bin *bin = &p->bins[b];
    uint64_t *words = p->open + b * PILE_BLOCK;

    words[bin->n_open++] = word;
    if (bin->n_open == PILE_BLOCK)
        close_block(p, bin, words);
}

static bool is_dropped(const struct drop_rule *r, uint32_t first, uint32_t second)
{
    return (r->drop == ROWS_DROP_AFTER && first == r->eod) || (r->drop == ROWS_DROP_BEFORE && second == r->eod);
}

/* Entries whose tokens have token_bits bits; of carried counts the slots hold the key too, so they need no word. */
static enum emx_status push_entries(struct pile *p, const struct table_entry *entries, size_t n, unsigned token_bits,
                                    bool carried, const struct drop_rule *rule, struct emx_error *err)
{
    const uint64_t count_mask = carried ? 0 : (UINT64_C(1) << p->map->count_bits) - 1;
    const uint32_t token_mask = (UINT32_C(1) << token_bits) - 1;
    const unsigned key_shift = p->map->token_bits, count_bits = p->map->count_bits;

    for (size_t i = 0; i < n; i++) {
        uint32_t first = (uint32_t)(entries[i].key >> token_bits), second = (uint32_t)entries[i].key & token_mask;
        uint64_t key = (uint64_t)first << key_shift | second, count = entries[i].count;

        if (is_dropped(rule, first, second)) {
            if (tally_add_many(rule->tails, first, count, err))
                return EMX_ERR_MEMORY;
            continue;
        }
        if (count > count_mask && !large_counts_push(&p->large, key, count & ~count_mask))
            return emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort the pairs");
        if (!carried)
            push(p, key, key << count_bits | (count & count_mask));
    }
    return EMX_OK;
}

static enum emx_status allocate(struct pile *p, struct emx_error *err)
{
    p->below = malloc((p->cap_blocks + 1) * sizeof(*p->below));
    p->bins = calloc(p->map->n_bins, sizeof(*p->bins));
    p->open = aligned_alloc(64, p->map->n_bins * PILE_BLOCK * sizeof(*p->open));
    if (!p->below || !p->bins || !p->open)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort the pairs");
    return EMX_OK;
}

enum emx_status pile_take(struct pile *p, const struct bin_map *map, struct table *t, size_t part, size_t n_parts,
                          const struct drop_rule *rule, struct emx_error *err)
{
    struct table_cursor cursor = table_cursor_begin(t, part, n_parts);
    struct table_entry entries[ENTRIES];
    size_t n;
    enum emx_status status;

    *p = (struct pile){.map = map};
    p->blocks = table_part_slots(t, part, n_parts, &n);
    p->cap_blocks = n / PILE_BLOCK;
    status = allocate(p, err);
    while (!status && n) {
        bool carried = cursor.line == cursor.end;

        n = table_cursor_next(&cursor, entries, ENTRIES);
        status = push_entries(p, entries, n, table_key(t).token_bits, carried, rule, err);
    }
    for (size_t b = 0; !status && b < map->n_bins; b++)
        p->bins[b].n += p->bins[b].n_open;
    return status;
}

void pile_finish(struct pile *p)
{
    free(p->below);
    free(p->bins);
    free(p->open);
    large_counts_finish(&p->large);
    *p = (struct pile){0};
}
