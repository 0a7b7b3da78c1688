/*
 * carries.h - what has overflowed the count fields of a table, by hash
 */
#ifndef COUNT_CARRIES_H
#define COUNT_CARRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct carries {
    struct carry {
        uint64_t hash, count;
    } * entries; /* [cap] open addressing; count 0: free */
    size_t n, cap;
};

/* False without memory. */
bool carries_add(struct carries *c, uint64_t hash, uint64_t count);
bool carries_have(const struct carries *c, uint64_t hash);
void carries_empty(struct carries *c);
void carries_finish(struct carries *c);

#endif
