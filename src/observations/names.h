/* names.h - different names, numbered as they come */
#ifndef OBSERVATIONS_NAMES_H
#define OBSERVATIONS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct names {
    char **names; /* [n] in the order of their numbers */
    size_t *sorted;
    size_t n, cap;
};

/* The number of a name, or SIZE_MAX. */
size_t names_find(const struct names *s, const char *name);
/* The number of a name that may be new; SIZE_MAX: no memory. */
size_t names_add(struct names *s, const char *name);
void names_finish(struct names *s);

#endif
