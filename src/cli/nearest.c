/*
 * nearest.c - "did you mean ...?": the known word nearest to one that is not known
 *
 * Nearness is the optimal string alignment distance: letters put in, left out, mistaken or swapped with their
 * neighbour.  A word that the known one begins with is one step away, however much is left out; of several the
 * shortest.
 */
#include "nearest.h"

#include <stdbool.h>
#include <string.h>

enum { LONGEST = 32 };

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t alignment_distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    size_t d[LONGEST + 1][LONGEST + 1];

    for (size_t i = 0; i <= n_a; i++) {
        for (size_t j = 0; j <= n_b; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] = min(min(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[n_a][n_b];
}

void nearest_init(struct nearest *n, const char *word, size_t len)
{
    /* One letter may be wrong in a short word, and one more for every four. */
    *n = (struct nearest){.word = word, .len = len, .distance = 2 + len / 4};
}

void nearest_offer(struct nearest *n, const char *known)
{
    size_t len = strlen(known);
    size_t distance;
    bool begins;

    if (n->len > LONGEST || len > LONGEST || n->len == 0)
        return;
    distance = alignment_distance(n->word, n->len, known, len);
    begins = n->len >= 2 && strncmp(n->word, known, n->len) == 0;
    if (begins)
        distance = 1;
    if (distance < n->distance || (begins && distance == n->distance && len < strlen(n->best))) {
        n->distance = distance;
        n->best = known;
    }
}
