/*
 * cmd_merge.c - entromix merge: several state files in, one out
 */
#include "commands.h"
#include "output.h"
#include "say.h"

#include <emx/state.h>

#include <string.h>

struct merge_args {
    struct common_args common;
    const char *output;
};

#define TO(field) offsetof(struct merge_args, field)

static const struct opt file_rows[] = {
    {"output", 'o', "FILE", "state file to write, '-' for standard output", TO(output), opt_text, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", file_rows, 0},
    {"Other", common_rows, TO(common)},
    {NULL, NULL, 0},
};

static const char *const usage[] = {"-o FILE STATE...", NULL};

static const char text[] = "Join state files into one: the same bytes as one scan of all their shards.\n"
                           "\n"
                           "Domains of one name are added up if they were counted with equal settings.  A\n"
                           "shard that is in two of the files would count twice, so that is an error.\n"
                           "Sums over documents (entromix vne) are added up, too, and left out with a\n"
                           "warning where they do not join: other vectors of tokens, a sample, or none.\n"
                           "Tables are streamed: memory does not grow with them.\n";

static void on_warning(const char *sentence, void *context)
{
    (void)context;
    say("warning: %s", sentence);
}

static int merge(const struct merge_args *a, char **inputs, size_t n)
{
    struct emx_merge_options options = {.warn = a->common.quiet ? NULL : on_warning};
    struct emx_error err;

    if (emx_state_merge((const char *const *)inputs, n, a->output, &options, &err) != EMX_OK)
        return say_failed(&err);
    if (a->common.verbose && !a->common.quiet)
        say("merged %zu state file%s", n, n == 1 ? "" : "s");
    return EXIT_OK;
}

static int run(void *args, char **operands, size_t n)
{
    const struct merge_args *a = args;
    size_t n_stdin = 0;

    for (size_t i = 0; i < n; i++)
        n_stdin += strcmp(operands[i], "-") == 0;
    if (!a->output)
        return say_usage("merge needs -o FILE, the state file to write");
    if (n == 0)
        return say_usage("merge needs state files to join");
    if (n_stdin > 1)
        return say_usage("standard input ('-') can be read once, but is named %zu times", n_stdin);
    if (output_refuse_terminal(a->output) != EXIT_OK)
        return EXIT_USAGE;
    return merge(a, operands, n);
}

static const struct merge_args defaults = {.output = NULL};

const struct command merge_command = {
    .name = "merge",
    .usage = usage,
    .summary = "join state files into one",
    .text = text,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
