/*
 * nearest.h - "did you mean ...?": the known word nearest to one that is not known
 *
 *     nearest_init(&n, word, len); for each known word: nearest_offer(&n, known); use n.best, or NULL
 */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include <stddef.h>

struct nearest {
    const char *word;
    size_t len;
    const char *best; /* NULL: none is near */
    size_t distance;  /* of best */
};

void nearest_init(struct nearest *n, const char *word, size_t len);

/* known: borrowed for as long as n.best is used. */
void nearest_offer(struct nearest *n, const char *known);

#endif
