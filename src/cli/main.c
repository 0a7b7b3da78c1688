/*
 * main.c - the program entromix: finds the command, reads its options, runs it
 *
 * main -> opt.c (a command's tables) -> cmd_NAME.c -> the library, through its public headers only
 */
#include "commands.h"
#include "cut_file.h"
#include "help.h"
#include "nearest.h"
#include "output.h"
#include "say.h"

#include <emx/emx.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct command *const commands[] = {
    &scan_command,    &info_command,
    &entropy_command, &compare_command,
    &weights_command, &merge_command,
    &fit_command,     &evaluate_command,
    &predict_command, &optimize_command,
    &plan_command,    &mix_command,
    &vne_command,     NULL,
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; commands[i]; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static int unknown_command(const char *name)
{
    struct nearest nearest;

    nearest_init(&nearest, name, strlen(name));
    for (size_t i = 0; commands[i]; i++)
        nearest_offer(&nearest, commands[i]->name);
    nearest_offer(&nearest, "help");
    if (nearest.best)
        return say_usage("unknown command '%s'; did you mean %s?", name, nearest.best);
    return say_usage("unknown command '%s'; entromix --help lists them", name);
}

static int show_help(const struct command *c)
{
    struct output out;

    if (!output_begin(&out))
        return EXIT_FAILED;
    if (c)
        help_command(c, out.text);
    else
        help_program(commands, out.text);
    return output_finish(&out, true, "-");
}

static int show_version(void)
{
    struct output out;

    if (!output_begin(&out))
        return EXIT_FAILED;
    fprintf(out.text, "entromix %s (state files of version %d)\n", emx_version(), EMX_STATE_VERSION);
    return output_finish(&out, true, "-");
}

static bool is_one_of(const char *word, const char *long_name, const char *short_name)
{
    return strcmp(word, long_name) == 0 || strcmp(word, short_name) == 0;
}

static int run_help(char **argv, size_t argc)
{
    const struct command *c = NULL;

    if (argc > 1)
        return say_usage("help takes one command, but '%s' follows '%s'", argv[1], argv[0]);
    if (argc == 1 && !is_one_of(argv[0], "--help", "-h") && !(c = find_command(argv[0])))
        return unknown_command(argv[0]);
    return show_help(c);
}

static int parse_and_run(const struct command *c, char **argv, size_t argc, void *args)
{
    struct emx_error err;
    size_t n_operands;

    if (opt_parse(c, argv, argc, args, &n_operands, &err) != EMX_OK)
        return say_usage("%s", err.message);
    if (((struct common_args *)args)->help)
        return show_help(c);
    return c->run(args, argv, n_operands);
}

static int run_command(const struct command *c, char **argv, size_t argc)
{
    void *args = malloc(c->args_size);
    int code;

    if (!args) {
        say("out of memory");
        return EXIT_FAILED;
    }
    memcpy(args, c->defaults, c->args_size);
    code = parse_and_run(c, argv, argc, args);
    free(args);
    return code;
}

int main(int argc, char **argv)
{
    const struct command *c;

    signal(SIGXFSZ, SIG_IGN); /* a file beyond the limit of its size is an error to tell, as a full disk is */
    cut_file_watch();
    if (argc < 2)
        return say_usage("no command given; entromix --help lists them");
    if (is_one_of(argv[1], "--help", "-h"))
        return show_help(NULL);
    if (is_one_of(argv[1], "--version", "-V"))
        return show_version();
    if (strcmp(argv[1], "help") == 0)
        return run_help(argv + 2, (size_t)argc - 2);
    if (argv[1][0] == '-')
        return say_usage("option %s stands before the command; write entromix COMMAND %s", argv[1], argv[1]);
    c = find_command(argv[1]);
    return c ? run_command(c, argv + 2, (size_t)argc - 2) : unknown_command(argv[1]);
}
