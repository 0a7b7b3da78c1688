#include "table_under_model.h"

#include "explore.h"
#include "memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Whatever of these the table calls. */
static __attribute__((unused)) void *model_calloc(size_t n, size_t size)
{
    void *p = memory_take(n * size);

    return p ? memset(p, 0, n * size) : NULL;
}

static __attribute__((unused)) void *model_realloc(void *p, size_t n_bytes)
{
    void *larger = memory_take(n_bytes);

    if (p && larger)
        memcpy(larger, p, memory_size(p) < n_bytes ? memory_size(p) : n_bytes);
    memory_give(p);
    return larger;
}

static __attribute__((unused)) void *model_memcpy(void *to, const void *from, size_t n_bytes)
{
    memory_read(from, n_bytes);
    memory_write(to, n_bytes);
    return memcpy(to, from, n_bytes);
}

static __attribute__((unused)) void *model_memset(void *p, int byte, size_t n_bytes)
{
    memory_write(p, n_bytes);
    return memset(p, byte, n_bytes);
}

#define calloc model_calloc
#define realloc model_realloc
#define free memory_give
#define memcpy model_memcpy
#define memset model_memset
#define pthread_mutex_init(mutex, attributes) ((void)(mutex))
#define pthread_mutex_destroy(mutex) ((void)(mutex))
#define pthread_mutex_lock lock
#define pthread_mutex_unlock unlock
#define pthread_cond_init(condition, attributes) ((void)(condition))
#define pthread_cond_destroy(condition) ((void)(condition))
#define pthread_cond_wait wait_for
#define pthread_cond_broadcast wake_all
#define TABLE_MOVE_LINES 1 /* so that small tables are moved by several threads */
#define TABLE_SMALL_COUNT_BITS table_small_count_bits

unsigned table_small_count_bits;

#include "../../src/count/carries.c"
#include "../../src/count/table.c"
#include "../../src/count/table_add.c"
#include "../../src/count/table_grow.c"
#include "../../src/count/table_read.c"
#include "../../src/count/table_validate.c"

/* What the planted bug does is not an access that counts. */
__attribute__((no_sanitize("thread"))) void table_overlook(struct table *t)
{
    t->n_inside--;
}

__attribute__((no_sanitize("thread"))) void table_remember(struct table *t)
{
    t->n_inside++;
}

uint64_t table_steps_taken(const struct table *t)
{
    return t->growth.n_taken;
}
