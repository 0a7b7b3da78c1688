/*
 * table_under_model.h - src/count/table*.c themselves, with the model's mutexes and memory
 */
#ifndef MODEL_TABLE_UNDER_MODEL_H
#define MODEL_TABLE_UNDER_MODEL_H

#include "count/table.h"

/* In place of SMALL_COUNT_BITS: slots are small where so many are left for the count. */
extern unsigned table_small_count_bits;

/* A planted bug: growth does not see that this thread is inside; between table_enter() and table_leave(). */
void table_overlook(struct table *t);
void table_remember(struct table *t);

/* Steps of this growth, or the last, that threads have begun. */
uint64_t table_steps_taken(const struct table *t);

#endif
