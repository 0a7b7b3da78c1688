/* read.h - tables of losses that are in memory */
#ifndef OBSERVATIONS_READ_H
#define OBSERVATIONS_READ_H

#include <emx/observations.h>

/* As emx_observations_read(), from len bytes of text; `path` is for messages. */
EMX_CHECKED enum emx_status observations_parse(const char *path, const char *data, size_t len,
                                               const struct emx_observations_options *options,
                                               struct emx_observations **ret, struct emx_error *err);

#endif
