#include "scan/exchange.h"

#include "state/block_encode.h"
#include "state/layout.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    N_SAMPLES = 256,        /* of each rank */
    ROUND_BYTES = 16 << 20, /* to all ranks, if parts are not below the least */
    LEAST_PART = 128 << 10, /* more than a block of a run can take */
    RECORD_BYTES = 32,      /* before a block: u64 first and last key; u32 bytes, rows, largest token, 0 */
    MOST_BLOCK_BYTES = LEAST_PART - RECORD_BYTES,
};

/* A key, and how many rows it stands for. */
struct range_sample {
    uint64_t key, n_rows;
};

enum emx_status exchange_init(struct exchange *x, struct emx_cluster *c, struct temp_file *f, struct emx_error *err)
{
    size_t n = c->size;

    *x = (struct exchange){.cluster = c, .file = f, .n_part = ROUND_BYTES / n};
    if (x->n_part < LEAST_PART)
        x->n_part = LEAST_PART;
    x->send = malloc(n * x->n_part);
    x->received = malloc(n * x->n_part);
    x->samples = calloc(n + 1, N_SAMPLES * sizeof(*x->samples));
    x->bounds = calloc(n + 1, sizeof(*x->bounds));
    x->next = calloc(n, sizeof(*x->next));
    x->n_send = calloc(n, sizeof(*x->n_send));
    x->n_received = calloc(n, sizeof(*x->n_received));
    x->sizes = calloc(n, sizeof(*x->sizes));
    if (!x->sizes || !x->send || !x->received || !x->samples || !x->bounds || !x->next || !x->n_send || !x->n_received)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory to exchange pairs with %zu ranks", n);
    for (size_t k = 0; k < n; k++)
        x->sizes[k] = sizeof(*x->n_send);
    return state_encoder_create(&x->encoder, err);
}

void exchange_finish(struct exchange *x)
{
    run_reader_finish(&x->reader);
    state_encoder_destroy(&x->encoder);
    state_block_finish(&x->staging);
    free(x->send);
    free(x->received);
    free(x->samples);
    free(x->bounds);
    free(x->next);
    free(x->n_send);
    free(x->n_received);
    free(x->sizes);
    *x = (struct exchange){0};
}

/* --- ranges -------------------------------------------------------------------------------------------- */

/* The first keys of blocks in even distances; samples that are not needed have no rows. */
static void take_samples(const struct run *r, struct range_sample *ret)
{
    memset(ret, 0, N_SAMPLES * sizeof(*ret));
    for (size_t b = 0; b < r->n_blocks; b++) {
        struct range_sample *s = &ret[b * N_SAMPLES / r->n_blocks];

        if (!s->n_rows)
            s->key = r->blocks[b].first_key;
        s->n_rows += r->blocks[b].n_rows;
    }
}

static int by_key(const void *a, const void *b)
{
    const struct range_sample *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

static void choose_bounds(struct exchange *x, const struct run *mine)
{
    size_t size = x->cluster->size, n = size * N_SAMPLES, rank = 1;
    struct range_sample *all = x->samples + N_SAMPLES;
    uint64_t n_rows = 0, n_before = 0;

    take_samples(mine, x->samples);
    cluster_all_gather(x->cluster, x->samples, N_SAMPLES * sizeof(*all), all);
    qsort(all, n, sizeof(*all), by_key);
    for (size_t i = 0; i < n; i++)
        n_rows += all[i].n_rows;
    for (size_t i = 0; i < n; i++) {
        for (; rank < size && n_before >= n_rows / size * rank + n_rows % size * rank / size && all[i].n_rows; rank++)
            x->bounds[rank] = all[i].key;
        n_before += all[i].n_rows;
    }
    for (; rank <= size; rank++)
        x->bounds[rank] = UINT64_MAX;
}

/* --- sending -------------------------------------------------------------------------------------------- */

/* Append a block, whose bytes are behind its record already. */
static size_t finish_record(unsigned char *to, const struct run_block *b)
{
    put_u64(to, b->first_key);
    put_u64(to + 8, b->last_key);
    put_u32(to + 16, b->n_stored);
    put_u32(to + 20, b->n_rows);
    put_u32(to + 24, b->max_token);
    put_u32(to + 28, 0);
    return RECORD_BYTES + b->n_stored;
}

/* The rows of a block that are in the range, encoded again; *ret is their record's length, 0 if there are none. */
static enum emx_status send_part(struct exchange *x, const struct run_block *b, uint64_t begin, uint64_t end,
                                 unsigned char *to, size_t *ret, struct emx_error *err)
{
    struct run_block part;
    size_t first, last;
    enum emx_status status = run_read(&x->reader, x->file, b, err);

    *ret = 0;
    if (status)
        return status;
    first = rows_find(x->reader.rows, b->n_rows, begin);
    last = rows_find(x->reader.rows, b->n_rows, end);
    if (first == last)
        return EMX_OK;
    status = encode_block_uncounted(x->encoder, x->reader.rows + first, last - first, &x->staging, err);
    if (status)
        return status;
    assert(x->staging.n_stored <= MOST_BLOCK_BYTES);
    part = (struct run_block){.first_key = x->staging.first_key,
                              .last_key = x->staging.last_key,
                              .n_stored = (uint32_t)x->staging.n_stored,
                              .n_rows = (uint32_t)x->staging.n_rows,
                              .max_token = x->staging.max_token};
    memcpy(to + RECORD_BYTES, x->staging.stored, x->staging.n_stored);
    *ret = finish_record(to, &part);
    return EMX_OK;
}

static bool is_whole(const struct exchange *x, const struct run_block *b, size_t rank)
{
    return b->first_key >= x->bounds[rank] && b->last_key < x->bounds[rank + 1];
}

static enum emx_status send_block(struct exchange *x, const struct run_block *b, size_t rank, unsigned char *to,
                                  size_t *ret, struct emx_error *err)
{
    if (!is_whole(x, b, rank))
        return send_part(x, b, x->bounds[rank], x->bounds[rank + 1], to, ret, err);
    *ret = finish_record(to, b);
    return temp_file_read(x->file, b->at, to + RECORD_BYTES, b->n_stored, err);
}

/* Is there more for this rank? */
static bool has_more(const struct exchange *x, const struct run *mine, size_t rank)
{
    return x->next[rank] < mine->n_blocks && mine->blocks[x->next[rank]].first_key < x->bounds[rank + 1];
}

static bool has_room(const struct exchange *x, const struct run_block *b, size_t rank)
{
    size_t needed = is_whole(x, b, rank) ? RECORD_BYTES + b->n_stored : LEAST_PART;

    return needed <= x->n_part - x->n_send[rank];
}

static enum emx_status fill_part(struct exchange *x, const struct run *mine, size_t rank, unsigned char *to,
                                 struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    x->n_send[rank] = 0;
    while (!status && has_more(x, mine, rank) && has_room(x, &mine->blocks[x->next[rank]], rank)) {
        size_t n;

        status = send_block(x, &mine->blocks[x->next[rank]++], rank, to + x->n_send[rank], &n, err);
        if (!status)
            x->n_send[rank] += n;
    }
    return status;
}

/* As much as goes in this round, for each rank behind that for the rank before. */
static enum emx_status fill_round(struct exchange *x, const struct run *mine, struct emx_error *err)
{
    unsigned char *to = x->send;
    enum emx_status status = EMX_OK;

    for (size_t k = 0; k < x->cluster->size && !status; k++) {
        status = fill_part(x, mine, k, to, err);
        to += x->n_send[k];
        if (k != x->cluster->rank)
            x->n_bytes_sent += x->n_send[k];
    }
    return status;
}

/* --- receiving ------------------------------------------------------------------------------------------ */

static enum emx_status refuse(size_t from, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_CORRUPT, "what rank %zu sent is no sequence of blocks", from);
}

static enum emx_status take_block(struct exchange *x, size_t from, const unsigned char *p, size_t n, struct run *ret,
                                  size_t *ret_used, struct emx_error *err)
{
    struct run_block b;
    enum emx_status status;

    if (n < RECORD_BYTES)
        return refuse(from, err);
    b = (struct run_block){.first_key = get_u64(p),
                           .last_key = get_u64(p + 8),
                           .n_stored = get_u32(p + 16),
                           .n_rows = get_u32(p + 20),
                           .max_token = get_u32(p + 24)};
    if (b.n_stored > n - RECORD_BYTES || b.n_rows > RUN_BLOCK_ROWS)
        return refuse(from, err);
    *ret_used = RECORD_BYTES + b.n_stored;
    status = temp_file_write(x->file, p + RECORD_BYTES, b.n_stored, &b.at, err);
    return status ? status : run_add_block(ret, &b, err);
}

static enum emx_status take_round(struct exchange *x, struct run *ret, struct emx_error *err)
{
    const unsigned char *p = x->received;
    enum emx_status status = EMX_OK;

    for (size_t k = 0; k < x->cluster->size; k++) {
        const unsigned char *end = p + x->n_received[k];

        while (!status && p < end) {
            size_t n_used = 0;

            status = take_block(x, k, p, (size_t)(end - p), &ret[k], &n_used, err);
            p += n_used;
        }
        p = end;
    }
    return status;
}

enum emx_status exchange_run(struct exchange *x, const struct run *mine, struct run *ret, struct emx_error *err)
{
    bool more = true;
    enum emx_status status;

    choose_bounds(x, mine);
    for (size_t k = 0; k < x->cluster->size; k++)
        x->next[k] = run_find_block(mine, x->bounds[k]);
    while (more) {
        status = emx_cluster_agree(x->cluster, fill_round(x, mine, err), err);
        if (status)
            return status;
        cluster_exchange(x->cluster, (const unsigned char *)x->n_send, x->sizes, (unsigned char *)x->n_received,
                         x->sizes);
        cluster_exchange(x->cluster, x->send, x->n_send, x->received, x->n_received);
        status = emx_cluster_agree(x->cluster, take_round(x, ret, err), err);
        if (status)
            return status;
        more = false;
        for (size_t k = 0; k < x->cluster->size; k++)
            more |= has_more(x, mine, k);
        more = cluster_least(x->cluster, !more) == 0;
    }
    return EMX_OK;
}
