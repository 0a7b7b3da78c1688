/*
 * failing_memory.h - the n-th allocation of the library fails
 *
 * The linker sends the library's allocations here (--wrap=malloc,... in meson.build); a test wraps what else it
 * needs with WRAP, and sets until_failure.
 */
#ifndef TESTS_FAILING_MEMORY_H
#define TESTS_FAILING_MEMORY_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

static _Atomic unsigned until_failure; /* allocations up to the one that fails; 0: none does */
static _Atomic bool failed;            /* set when it did */

static inline bool fails(void)
{
    if (until_failure == 0 || until_failure-- != 1) /* another thread may have had the last one: it goes on below 0 */
        return false;
    failed = true;
    return true;
}

#define WRAP(type, name, parameters, arguments)                                                                        \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters                                                                                      \
    {                                                                                                                  \
        return fails() ? (errno = ENOMEM, NULL) : __real_##name arguments;                                             \
    }

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(char *, strdup, (const char *s), (s))

#endif
