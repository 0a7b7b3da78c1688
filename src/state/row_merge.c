/*
 * row_merge.c - ascending rows of many cursors as one ascending stream, equal pairs added up
 *
 * A tournament tree of losers (Knuth, volume 3, section 5.4.1): leaf i is source i, each inner node keeps the loser
 * of the match there, node 0 the winner of all.  After the winner has moved on, only the matches on its path to the
 * root are played again: log2(n) comparisons a row.
 */
#include "state/row_merge.h"

#include <stdlib.h>

#define KEY_OVER UINT64_MAX /* above every pair and tail */

struct source {
    struct emx_pair_cursor *cursor;
    const struct emx_pair_count *row, *end; /* not taken yet */
};

/* A source and the key of the row it stands at, KEY_OVER at its end. */
struct player {
    uint64_t key, source;
};

struct row_merge {
    size_t n;
    struct source *sources; /* [n] */
    struct player *tree;    /* [n] */
    struct player *winners; /* [2 * n] scratch to set up the tree */
};

enum emx_status row_merge_create(size_t n, struct row_merge **ret, struct emx_error *err)
{
    struct row_merge *m = calloc(1, sizeof(*m));

    if (m) {
        m->sources = calloc(n, sizeof(*m->sources));
        m->tree = calloc(n, sizeof(*m->tree));
        m->winners = calloc(n, 2 * sizeof(*m->winners));
        if (m->sources && m->tree && m->winners) {
            *ret = m;
            return EMX_OK;
        }
        row_merge_destroy(&m);
    }
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
}

void row_merge_destroy(struct row_merge **m)
{
    if (!*m)
        return;
    free((*m)->sources);
    free((*m)->tree);
    free((*m)->winners);
    free(*m);
    *m = NULL;
}

static inline uint64_t row_key(const struct emx_pair_count *row)
{
    return (uint64_t)row->first << 32 | row->second;
}

/* Get the next rows of source i; *ret_key is that of the first. */
static enum emx_status refill(struct row_merge *m, size_t i, uint64_t *ret_key, struct emx_error *err)
{
    struct source *s = &m->sources[i];
    size_t n;
    enum emx_status status = pair_cursor_rows(s->cursor, &s->row, &n, err);

    if (status != EMX_OK)
        return status;
    s->end = s->row + n;
    *ret_key = n ? row_key(s->row) : KEY_OVER;
    return EMX_OK;
}

/*
 * The smaller key goes on, the larger stays in the node.  Who wins is a coin toss that no processor foresees, so
 * they change places by arithmetic: with a branch, merging 100 states takes twice as long.
 */
static inline struct player play(struct player *node, struct player challenger)
{
    uint64_t change = -(uint64_t)(node->key < challenger.key);
    uint64_t keys = (node->key ^ challenger.key) & change, sources = (node->source ^ challenger.source) & change;

    node->key ^= keys;
    node->source ^= sources;
    return (struct player){.key = challenger.key ^ keys, .source = challenger.source ^ sources};
}

/* The leaves of m->winners are set. */
static void set_up_tree(struct row_merge *m)
{
    for (size_t node = m->n - 1; node > 0; node--) {
        m->tree[node] = m->winners[2 * node + 1];
        m->winners[node] = play(&m->tree[node], m->winners[2 * node]);
    }
    m->tree[0] = m->winners[1];
}

enum emx_status row_merge_begin(struct row_merge *m, struct emx_pair_cursor *const *cursors, size_t n,
                                struct emx_error *err)
{
    m->n = n;
    for (size_t i = 0; i < n; i++) {
        struct player *leaf = &m->winners[n + i];
        enum emx_status status;

        m->sources[i].cursor = cursors[i];
        leaf->source = i;
        status = refill(m, i, &leaf->key, err);
        if (status != EMX_OK)
            return status;
    }
    set_up_tree(m);
    return EMX_OK;
}

/* The winner's row is taken: let it go on. */
static inline enum emx_status advance(struct row_merge *m, struct emx_error *err)
{
    struct player player = m->tree[0];
    struct source *s = &m->sources[player.source];

    if (++s->row < s->end) {
        player.key = row_key(s->row);
    } else {
        enum emx_status status = refill(m, player.source, &player.key, err);

        if (status != EMX_OK)
            return status;
    }
    for (size_t node = (player.source + m->n) / 2; node > 0; node /= 2)
        player = play(&m->tree[node], player);
    m->tree[0] = player;
    return EMX_OK;
}

enum emx_status row_merge_next(struct row_merge *m, struct emx_pair_count *rows, size_t cap, size_t *ret_n,
                               struct emx_error *err)
{
    size_t n = 0;

    for (uint64_t key; n < cap && (key = m->tree[0].key) != KEY_OVER; n++) {
        uint64_t count = 0;

        do {
            enum emx_status status;

            count += m->sources[m->tree[0].source].row->count; /* both below 2^63 */
            if (count > MAX_TOTAL)
                return emx_fail(err, EMX_ERR_RANGE, "a pair's count reaches 2^63");
            status = advance(m, err);
            if (status != EMX_OK)
                return status;
        } while (m->tree[0].key == key);
        rows[n] = (struct emx_pair_count){.first = (uint32_t)(key >> 32), .second = (uint32_t)key, .count = count};
    }
    *ret_n = n;
    return EMX_OK;
}
