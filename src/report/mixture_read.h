/* mixture_read.h - proportions out of a mixture file that is in memory */
#ifndef REPORT_MIXTURE_READ_H
#define REPORT_MIXTURE_READ_H

#include <emx/mixture.h>

/* As emx_mixture_read(), from text of len bytes with a NUL behind; `path` is for messages. */
EMX_CHECKED enum emx_status mixture_parse(const char *path, const char *text, size_t len, const char *const *domains,
                                          size_t n, double *ret, struct emx_error *err);

#endif
