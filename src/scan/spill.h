/*
 * spill.h - tables that memory has no room for, to runs on disk
 *
 * A table that may not grow fills up; the thread that finds no room for a key then has a table written to disk as a
 * run (scan/run.h), emptied, and counts on: its own, if that is among the large ones, else the largest of the process,
 * which leaves its memory to others.  When its domain is sealed, what is left of its tables becomes runs too,
 * and all of them are merged (scan/merge_runs.h).  So a pair may be in several runs, but each of its occurrences
 * is in one.
 *
 * Encoded domains go to the same file when memory is short.
 */
#ifndef SCAN_SPILL_H
#define SCAN_SPILL_H

#include "scan/domain.h"

/* Of a scan. */
struct spill {
    struct temp_file file;
    struct budget *budget;
    struct domain *domains; /* [n_domains] */
    size_t n_domains;
    pthread_mutex_t mutex;      /* held while a table is spilled */
    _Atomic uint64_t n_spilled; /* tables so far */
    _Atomic bool hurry;         /* somebody waits for all threads: leave the merging of runs for later */
    pthread_cond_t sealed;
    unsigned n_sealing; /* domains that are being sealed, guarded by the mutex: their tables will soon be free */
};

void spill_init(struct spill *s, const char *folder, struct budget *budget);
void spill_finish(struct spill *s);

/* A thread's space to sort, encode and merge; zeroed but for `spill`, and filled when it is first needed. */
struct spiller {
    struct spill *spill;
    struct rows_space space;
    struct state_encoder *encoder;
    struct state_block staging;
};
void spiller_finish(struct spiller *s);

/*
 * Make room, for the keys that spilled from the table `stuck` or for another table (`stuck` is NULL).  The thread is
 * in no table.  `n_spilled` is what spill->n_spilled was before the thread looked for room: if a table was spilled
 * meanwhile there may be room.  EMX_ERR_MEMORY if nothing is left to spill; _IO, _CORRUPT: the temporary file.
 */
EMX_CHECKED enum emx_status spill_make_room(struct spiller *s, struct table *stuck, uint64_t n_spilled,
                                            struct emx_error *err);

/* No thread counts in the domain any more: from now on its tables are left alone.  spill_sealed(): they are free. */
void spill_leave_out(struct spill *s, struct domain *d);
void spill_sealed(struct spill *s);
/* Between the two: what is left in its tables to runs, too, sorted by all threads of the placement. */
EMX_CHECKED enum emx_status spill_rest(struct spiller *s, struct domain *d, const struct placement *placement,
                                       struct emx_error *err);

/*
 * No thread counts in the domain now, and this one alone works on it: all that is in its tables to one run, sorted by
 * all threads of the placement.  The tables are empty then, or gone.
 */
EMX_CHECKED enum emx_status spill_domain(struct spiller *s, struct domain *d, const struct placement *placement,
                                         bool release, struct emx_error *err);
/* Merge runs where there are many, beside other threads that count. */
EMX_CHECKED enum emx_status spill_thin_out(struct spiller *s, struct emx_error *err);

#endif
