/*
 * skips.h - what a scan leaves out, and how much it may
 *
 * Thread-safety: skips_add() by any thread; the list is at rest when no thread counts.
 */
#ifndef SCAN_SKIPS_H
#define SCAN_SKIPS_H

#include "scan/share.h"

#include <pthread.h>

struct skips {
    const struct emx_scan_options *options; /* borrowed */
    struct share *share;                    /* borrowed */
    pthread_mutex_t mutex;
    struct emx_skipped *items; /* [n] in no order; reasons are ours, other strings the caller's */
    size_t n, cap;
};

void skips_init(struct skips *s, const struct emx_scan_options *options, struct share *share);
void skips_finish(struct skips *s);

/*
 * Add to the list of this rank and, on rank 0, tell the caller of the scan; the reason is copied, other strings live as
 * long as the list. The reason itself as the error if all ranks have more than may be; EMX_ERR_MEMORY.
 */
EMX_CHECKED enum emx_status skips_add(struct skips *s, const struct emx_skipped *what, struct emx_error *err);

/* The same for rank 0 with what another rank has in its list. */
EMX_CHECKED enum emx_status skips_adopt(struct skips *s, const struct emx_skipped *what, struct emx_error *err);

#endif
