#include "scan/bagged_bytes.h"
#include "scan/collect.h"

/* A rank of which rank 0 takes what it puts, in the same pieces. */
struct peer {
    struct emx_cluster *cluster;
    unsigned rank;
};

static void put(void *context, const void *bytes, size_t n)
{
    cluster_send(((struct peer *)context)->cluster, bytes, n);
}

static bool take(void *context, void *ret, size_t n)
{
    const struct peer *p = context;

    cluster_receive(p->cluster, p->rank, ret, n);
    return true;
}

/* All of it, also after a failure: the others do not stop sending. */
static enum emx_status take_all(struct scan *s, struct bagged *b, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (unsigned k = 1; k < s->cluster->size; k++) {
        struct peer peer = {s->cluster, k};
        struct emx_error later;
        enum emx_status one =
            bagged_take(b, s->bagging.rows->dimension, &(struct bytes_in){take, &peer}, status ? &later : err);

        status = status ? status : one;
    }
    return status;
}

/* The samples of all ranks are one now. */
static enum emx_status end_sample(struct scan *s, struct domain *d, struct emx_error *err)
{
    struct bagger w = {0};
    bool any = true;
    enum emx_status status = bagger_init(&w, &s->bagging, err);

    while (!status && any)
        status = bagger_end_some(&w, d, &any, err);
    if (!status)
        status = bagger_leave(&w, err);
    bagger_finish(&w);
    return status;
}

enum emx_status collect_documents(struct scan *s, struct domain *d, struct emx_error *err)
{
    struct peer here = {s->cluster, 0};
    struct bagged *b;
    enum emx_status status = EMX_OK;

    if (!s->bagging.given || s->cluster->size == 1)
        return EMX_OK;
    b = &s->bagging.of_domain[d - s->domains];
    if (s->cluster->rank != 0)
        bagged_put(b, s->bagging.rows->dimension, &(struct bytes_out){put, &here});
    else
        status = take_all(s, b, err);
    if (!status && s->cluster->rank == 0 && b->sample)
        status = end_sample(s, d, err);
    return emx_cluster_agree(s->cluster, status, err);
}
