/*
 * help.c - the help of the program and of each command, from their tables
 */
#include "help.h"

#include <string.h>

enum { WIDTH = 79, HELP_COLUMN = 26 };

static const char exit_codes[] = "Exit codes: 0 done, 1 failed (input, output or system), 2 wrong usage,\n"
                                 "3 done without broken shards (scan --on-error), 75 stopped with a checkpoint\n"
                                 "(scan --checkpoint), 130 or 143 stopped by SIGINT or SIGTERM.\n";

/* Words of text from column `indent` on, on as many lines as they need; the cursor is at `indent`. */
static void print_wrapped(const char *text, int indent, FILE *out)
{
    int column = indent;

    while (*text) {
        int len = (int)strcspn(text, " ");

        if (column > indent && column + 1 + len > WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, (size_t)len, out);
        column += len;
        text += len;
        text += *text == ' ';
    }
    fputc('\n', out);
}

/* A term and what it means, side by side where the term is short enough. */
static void print_entry(const char *term, const char *meaning, int column, FILE *out)
{
    int width = (int)strlen(term);

    if (width + 2 > column)
        fprintf(out, "%s\n%*s", term, column, "");
    else
        fprintf(out, "%-*s", column, term);
    print_wrapped(meaning, column, out);
}

static void print_option(const struct opt *o, FILE *out)
{
    char term[80];
    int len;

    if (o->letter)
        len = snprintf(term, sizeof(term), "  -%c, --%s", o->letter, o->name);
    else
        len = snprintf(term, sizeof(term), "      --%s", o->name);
    if (o->argument)
        snprintf(term + len, sizeof(term) - (size_t)len, " %s", o->argument);
    print_entry(term, o->help, HELP_COLUMN, out);
}

/* Where summaries of choices begin: behind the longest name. */
static int choice_column(const struct opt *o)
{
    struct opt_choice c;
    size_t longest = 0;

    for (size_t i = 0; o->choice(i, &c); i++) {
        if (strlen(c.name) > longest)
            longest = strlen(c.name);
    }
    return (int)longest + 4;
}

/* The values of an option, where they need more than its own help. */
static void print_choices(const struct opt *o, FILE *out)
{
    struct opt_choice c;
    char term[80];

    if (!o->choice || !o->choice(0, &c) || !c.summary)
        return;
    fprintf(out, "\n%s of --%s:\n", o->argument, o->name);
    for (size_t i = 0; o->choice(i, &c); i++) {
        snprintf(term, sizeof(term), "  %s", c.name);
        print_entry(term, c.summary, choice_column(o), out);
    }
}

static void print_usage(const struct command *c, FILE *out)
{
    for (size_t i = 0; c->usage[i]; i++)
        fprintf(out, "%s entromix %s %s\n", i == 0 ? "Usage:" : "      ", c->name, c->usage[i]);
}

void help_command(const struct command *c, FILE *out)
{
    print_usage(c, out);
    fprintf(out, "\n%s", c->text);
    for (const struct opt_group *g = c->groups; g->rows; g++) {
        fprintf(out, "\n%s:\n", g->title);
        for (const struct opt *o = g->rows; o->name; o++)
            print_option(o, out);
    }
    for (const struct opt_group *g = c->groups; g->rows; g++) {
        for (const struct opt *o = g->rows; o->name; o++)
            print_choices(o, out);
    }
    if (c->after)
        fprintf(out, "\n%s", c->after);
    fprintf(out, "\n%s", exit_codes);
}

void help_program(const struct command *const *commands, FILE *out)
{
    fputs("Usage: entromix COMMAND [OPTION]... [OPERAND]...\n"
          "\n"
          "Exact token statistics of pretraining corpora, and mixture weights from them.\n"
          "\n"
          "Commands:\n",
          out);
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n"
          "Example:\n"
          "  entromix scan -o corpus.emx --eod 50256 web='web/*.bin.zst' code=code/\n"
          "  entromix entropy corpus.emx\n"
          "  entromix weights corpus.emx --to megatron -o mix.txt\n"
          "\n"
          "entromix COMMAND --help describes a command, entromix --version tells the\n"
          "version.\n"
          "\n",
          out);
    fputs(exit_codes, out);
}
