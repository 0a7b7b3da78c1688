/*
 * mixture_args.h - options of weights and mix: what a mixture comes from, and what becomes of it; and its file
 */
#ifndef CLI_MIXTURE_ARGS_H
#define CLI_MIXTURE_ARGS_H

#include "opt.h"

#include <emx/mixture.h>

struct mixture_args {
    const char *to, *output, *path, *proxy; /* path: NULL if not given */
    struct emx_weights_options weights;
};

/* The defaults of an initializer. */
#define MIXTURE_ARGS_DEFAULTS                                                                                          \
    {                                                                                                                  \
        .to = "json", .output = "-", .proxy = "conditional", .weights = {.temperature = 1, .cap = 1 }                  \
    }

extern const struct opt mixture_rows[];

/* EXIT_OK, or says that the template of --path (NULL: none) names all domains alike. */
int mixture_check_path(const char *path);

/* Does a format of --to show standard errors? */
bool mixture_shows_errors(const char *to);

/* Write to `output` as `to` says, and say what the user should read, unless quiet.  Returns the exit code. */
int mixture_write(const struct emx_mixture *m, const char *to, const char *output, bool quiet);

#endif
