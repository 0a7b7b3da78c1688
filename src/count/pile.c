#include "count/pile.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 512 /* read from a table at a time, on the stack */ };

/* Where the next block goes, and its number; NULL without memory.  n_free words of the table are read. */
static uint64_t *next_block(struct pile *p, size_t n_free, size_t *ret_number)
{
    size_t chunk = p->n_extra / PILE_CHUNK, i = p->n_extra % PILE_CHUNK;

    if ((p->n_blocks + 1) * PILE_BLOCK <= n_free) {
        *ret_number = p->n_blocks++;
        return p->blocks + *ret_number * PILE_BLOCK;
    }
    if (i == 0)
        p->chunks[chunk] = malloc(PILE_CHUNK * PILE_BLOCK * sizeof(**p->chunks));
    if (!p->chunks[chunk])
        return NULL;
    *ret_number = p->cap_blocks + p->n_extra++;
    return p->chunks[chunk] + i * PILE_BLOCK;
}

/* Put a full block on its bin. */
static bool close_block(struct pile *p, size_t n_free, struct pile_bin *bin, const uint64_t *words)
{
    size_t number;
    uint64_t *block = next_block(p, n_free, &number);

    if (!block)
        return false;
    memcpy(block, words, PILE_BLOCK * sizeof(*words));
    p->below[number] = bin->top;
    bin->top = (uint32_t)number + 1;
    bin->n_open = 0;
    bin->n += PILE_BLOCK;
    return true;
}

static inline bool push(struct pile *p, size_t n_free, uint64_t key, uint64_t word)
{
    size_t b = bin_of_key(p->map, key);
    struct pile_bin *bin = &p->bins[b];
    uint64_t *words = p->open + b * PILE_BLOCK;

    words[bin->n_open++] = word;
    return bin->n_open < PILE_BLOCK || close_block(p, n_free, bin, words);
}

static bool is_dropped(const struct drop_rule *r, uint32_t first, uint32_t second)
{
    return (r->drop == ROWS_DROP_AFTER && first == r->eod) || (r->drop == ROWS_DROP_BEFORE && second == r->eod);
}

static enum emx_status fail_memory(struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort the pairs");
}

/* Entries that the cursor has read; of carried counts the slots hold the key too, so they need no word. */
static enum emx_status push_entries(struct pile *p, const struct table_cursor *cursor,
                                    const struct table_entry *entries, size_t n, const struct drop_rule *rule,
                                    struct emx_error *err)
{
    const bool carried = table_cursor_is_in_carries(cursor);
    const unsigned token_bits = table_key(cursor->table).token_bits;
    const size_t n_free = table_cursor_n_words(cursor);
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
            return fail_memory(err);
        if (!carried && !push(p, n_free, key, key << count_bits | (count & count_mask)))
            return fail_memory(err);
    }
    return EMX_OK;
}

/* Blocks for word_slots entries of each word, at most, in the table's memory and outside. */
static enum emx_status allocate(struct pile *p, unsigned word_slots, struct emx_error *err)
{
    size_t most = p->cap_blocks * word_slots;

    p->below = malloc((p->cap_blocks + most + 1) * sizeof(*p->below));
    p->chunks = calloc(most / PILE_CHUNK + 1, sizeof(*p->chunks));
    p->bins = calloc(p->map->n_bins, sizeof(*p->bins));
    p->open = aligned_alloc(64, p->map->n_bins * PILE_BLOCK * sizeof(*p->open));
    return p->below && p->chunks && p->bins && p->open ? EMX_OK : fail_memory(err);
}

enum emx_status pile_take(struct pile *p, const struct bin_map *map, struct table *t, size_t part, size_t n_parts,
                          const struct drop_rule *rule, struct emx_error *err)
{
    struct table_cursor cursor = table_cursor_begin(t, part, n_parts);
    struct table_entry entries[ENTRIES];
    size_t n;
    enum emx_status status;

    *p = (struct pile){.map = map};
    p->blocks = table_part_words(t, part, n_parts, &n);
    p->cap_blocks = n / PILE_BLOCK;
    status = allocate(p, table_word_slots(t), err);
    while (!status && n) {
        n = table_cursor_next(&cursor, entries, ENTRIES);
        status = push_entries(p, &cursor, entries, n, rule, err);
    }
    for (size_t b = 0; !status && b < map->n_bins; b++)
        p->bins[b].n += p->bins[b].n_open;
    return status;
}

void pile_finish(struct pile *p)
{
    for (size_t i = 0; i * PILE_CHUNK < p->n_extra; i++)
        free(p->chunks[i]);
    free(p->chunks);
    free(p->below);
    free(p->bins);
    free(p->open);
    large_counts_finish(&p->large);
    *p = (struct pile){0};
}
