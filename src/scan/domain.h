/*
 * domain.h - a domain while it is being counted: its pair tables and tails
 *
 * A thread counts in a table of its own, with plain additions, as long as the tables fit in half of the
 * budget; beyond that it joins a table that a thread of its memory domain (L3 cache or NUMA node) began, and both use
 * atomic additions from then on.  So at worst there is one shared table a memory domain; in the last quarter
 * of the budget a thread joins any table rather than begin one.
 * Tables that have no room go to disk as runs (scan/spill.h).  Tables or runs are added up when they are sorted, so
 * which thread counted what does not show.
 */
#ifndef SCAN_DOMAIN_H
#define SCAN_DOMAIN_H

#include "count/rows.h"
#include "scan/run.h"

#include <emx/scan.h>

struct domain_table {
    struct table *table;
    unsigned owner; /* the thread that began it */
    bool joined;    /* by another: no longer the owner's alone */
};

struct domain {
    /* constant after creation */
    const struct emx_scan_domain *given;
    struct emx_domain_settings settings; /* but eod_first: guarded by the mutex */
    const struct placement *placement;
    struct regions *regions; /* [placement_n_nodes()] where each node's threads take memory for tables */
    uint32_t vocabulary; /* each token but EOD is below it: as settings say, as there are vectors, as there can be */
    const char *vectors; /* where these come from, if it is their number; or NULL */
    size_t first_shard, n_shards; /* of the scan's shards */

    pthread_mutex_t mutex;
    /* guarded by the mutex */
    struct domain_table *tables;
    size_t n_tables;
    uint64_t n_released;  /* slots that were in use in released and in emptied tables */
    bool is_left_out;     /* being sealed: no table is to be spilled (scan/spill.h) */
    bool is_sealed;       /* its tables are gone (scan/seal.h) */
    bool eod_order_known; /* settings.eod_first was set by a shard */
    size_t n_shards_done;

    struct domain *taken_back; /* what is to be subtracted when it is sealed (take_back.h); NULL: nothing ever is */
    struct run *runs;          /* [n_runs] of the thread that spills a table, then of the one that seals the domain */
    size_t n_runs;
    struct tally tails;
    _Atomic uint64_t n_tokens; /* so far, for progress */
};

/* Placement and regions[placement_n_nodes()] are borrowed. */
void domain_init(struct domain *d, const struct emx_scan_domain *given, const struct placement *placement,
                 struct regions *regions);
void domain_finish(struct domain *d);

static inline bool domain_has_token(const struct domain *d, uint32_t token)
{
    return token < d->vocabulary || (token == d->settings.eod && token != EMX_NO_TOKEN);
}

/* From now on, what was counted can be counted into d->taken_back, too, and is then subtracted. */
EMX_CHECKED enum emx_status domain_allow_taking_back(struct domain *d, struct emx_error *err);

/*
 * The table that `thread` is to count keys of this width in, and whether it is alone in it.  `n_expected`: about how
 * many tokens are coming, which sizes a new table.
 */
EMX_CHECKED enum emx_status domain_table(struct domain *d, unsigned thread, struct pair_key key, uint64_t n_expected,
                                         struct table **ret, bool *ret_alone, struct emx_error *err);

/* A shard's format says whether EOD opens or ends documents; all shards of a domain must agree. */
EMX_CHECKED enum emx_status domain_agree_on_eod(struct domain *d, bool eod_first, const char *path,
                                                struct emx_error *err);

/* Which of the pairs that were counted go when the domain's tables are sorted. */
struct drop_rule domain_drop_rule(struct domain *d);

/* This table's pairs go to disk. */
void domain_count_spilled(struct domain *d, struct table *t);

/* Is there something to subtract?  No thread counts in the domain any more. */
bool domain_was_taken_back(const struct domain *d);

/* Does what is in its tables not tell all: is some of it in runs, or to be subtracted? */
static inline bool domain_is_in_runs(const struct domain *d)
{
    return d->n_runs || domain_was_taken_back(d);
}

/* Slots in use in all tables, released ones too: at least the number of distinct pairs. */
uint64_t domain_n_pair_types(struct domain *d);
void domain_release_tables(struct domain *d);

#endif
