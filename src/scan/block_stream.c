#include "scan/block_stream.h"

#include "state/layout.h"

#include <stdlib.h>
#include <string.h>

enum {
    BATCH_BYTES = 8 << 20,
    RECORD_BYTES = 56, /* u64 bytes, runs, rows, first and last key, sum, largest token; then runs, then bytes */
};

/* So that the runs of the next one are aligned. */
static size_t record_length(const struct state_block *b)
{
    return (RECORD_BYTES + b->n_runs * sizeof(*b->runs) + b->n_stored + 7) / 8 * 8;
}

static void put_block(unsigned char *to, const struct state_block *b)
{
    const uint64_t numbers[] = {b->n_stored, b->n_runs, b->n_rows, b->first_key, b->last_key, b->sum, b->max_token};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        put_u64(to + 8 * i, numbers[i]);
    memcpy(to + RECORD_BYTES, b->runs, b->n_runs * sizeof(*b->runs));
    to += RECORD_BYTES + b->n_runs * sizeof(*b->runs);
    memcpy(to, b->stored, b->n_stored);
    memset(to + b->n_stored, 0, -(RECORD_BYTES + b->n_runs * sizeof(*b->runs) + b->n_stored) % 8);
}

/* A block whose runs and bytes are in the message; *ret_len 0: it is none. */
static struct state_block view_block(const unsigned char *p, size_t n, size_t *ret_len)
{
    struct state_block b = {0};

    *ret_len = 0;
    if (n < RECORD_BYTES)
        return b;
    b = (struct state_block){.n_stored = get_u64(p),
                             .n_runs = get_u64(p + 8),
                             .n_rows = get_u64(p + 16),
                             .first_key = get_u64(p + 24),
                             .last_key = get_u64(p + 32),
                             .sum = get_u64(p + 40),
                             .max_token = (uint32_t)get_u64(p + 48)};
    if (b.n_runs > PAIR_BLOCK_ROWS || b.n_stored > BATCH_BYTES || record_length(&b) > n)
        return b;
    b.runs = (struct state_run *)(p + RECORD_BYTES);
    b.stored = (unsigned char *)(p + RECORD_BYTES + b.n_runs * sizeof(*b.runs));
    *ret_len = record_length(&b);
    return b;
}

/* --- sending -------------------------------------------------------------------------------------------- */

static void send_batch(struct scan *s, const unsigned char *batch, size_t n)
{
    uint64_t size = n;

    cluster_send(s->cluster, &size, sizeof(size));
    cluster_send(s->cluster, batch, n);
}

static enum emx_status send_blocks(struct scan *s, struct sealed *sealed, unsigned char *batch, struct emx_error *err)
{
    size_t n = 0;
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < sealed->n_blocks && !status; i++) {
        struct state_block *b = &sealed->blocks[i];

        if (n && n + record_length(b) > BATCH_BYTES) {
            send_batch(s, batch, n);
            n = 0;
            if (share_is_stopped(&s->share)) /* rank 0 cannot write, or the user has had enough */
                break;
        }
        status = sealed_fetch(sealed, &s->spill, i, err);
        if (!status) {
            put_block(batch + n, b);
            n += record_length(b);
        }
        state_block_finish(b);
    }
    if (n)
        send_batch(s, batch, n);
    send_batch(s, NULL, 0);
    return status;
}

/* --- receiving ------------------------------------------------------------------------------------------ */

static enum emx_status append_batch(struct emx_state_writer *w, const unsigned char *batch, size_t n,
                                    struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    while (n && !status) {
        size_t len;
        struct state_block b = view_block(batch, n, &len);

        if (!len)
            return emx_fail(err, EMX_ERR_CORRUPT, "what a rank sent is no sequence of blocks");
        status = state_writer_append_block(w, &b, err);
        batch += len;
        n -= len;
    }
    return status;
}

static enum emx_status receive_blocks(struct scan *s, unsigned from, struct emx_state_writer *w, unsigned char *batch,
                                      enum emx_status status, struct emx_error *err)
{
    for (;;) {
        uint64_t n;

        cluster_receive(s->cluster, from, &n, sizeof(n));
        if (!n)
            return status;
        cluster_receive(s->cluster, from, batch, (size_t)n);
        if (!status)
            status = append_batch(w, batch, (size_t)n, err);
        if (!status && !scan_report(s))
            status = emx_fail(err, EMX_ERR_STOPPED, "stopped");
        if (status)
            share_stop(&s->share); /* so that they send no more of it than they must */
    }
}

static enum emx_status write_blocks(struct scan *s, struct sealed *sealed, struct emx_state_writer *w,
                                    unsigned char *batch, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < sealed->n_blocks && !status; i++) {
        status = sealed_fetch(sealed, &s->spill, i, err);
        if (!status)
            status = state_writer_append_block(w, &sealed->blocks[i], err);
        state_block_finish(&sealed->blocks[i]);
    }
    for (unsigned k = 1; k < s->cluster->size; k++)
        status = receive_blocks(s, k, w, batch, status, err);
    return status;
}

enum emx_status stream_blocks(struct scan *s, struct sealed *sealed, struct emx_state_writer *w, struct emx_error *err)
{
    unsigned char *batch = s->cluster->size > 1 ? malloc(BATCH_BYTES) : NULL;
    enum emx_status status = EMX_OK;

    if (!batch && s->cluster->size > 1)
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory for the blocks of other ranks");
    status = emx_cluster_agree(s->cluster, status, err);
    if (!status) {
        status = s->cluster->rank == 0 ? write_blocks(s, sealed, w, batch, err) : send_blocks(s, sealed, batch, err);
        status = emx_cluster_agree(s->cluster, status, err);
    }
    free(batch);
    return status;
}
