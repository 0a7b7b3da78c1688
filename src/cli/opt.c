/*
 * opt.c - the words of a command line, found in the tables of a command
 */
#include "opt.h"

#include "nearest.h"

#include <string.h>

const struct opt common_rows[] = {
    {"quiet", 'q', NULL, "say nothing but errors", offsetof(struct common_args, quiet), opt_flag, 0, 0, NULL},
    {"verbose", 'v', NULL, "say more", offsetof(struct common_args, verbose), opt_flag, 0, 0, NULL},
    {"help", 'h', NULL, "show this help", offsetof(struct common_args, help), opt_flag, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

/* The words still to be read; the operands so far lie before `next`. */
struct words {
    char **argv;
    size_t argc, next, n_operands;
    const struct command *command;
    char *args;
};

/* An option of the command, and where its group's struct begins. */
struct found {
    const struct opt *row; /* NULL if there is none */
    char *base;
};

static bool has_name(const struct opt *o, const char *name, size_t len)
{
    return strncmp(o->name, name, len) == 0 && o->name[len] == '\0';
}

static struct found find(const struct words *w, const char *name, size_t len, char letter)
{
    for (const struct opt_group *g = w->command->groups; g->rows; g++) {
        for (const struct opt *o = g->rows; o->name; o++) {
            if (name ? has_name(o, name, len) : o->letter == letter)
                return (struct found){o, w->args + g->base};
        }
    }
    return (struct found){NULL, NULL};
}

const struct opt *opt_find(const struct opt *rows, const char *name)
{
    for (; rows->name; rows++) {
        if (strcmp(rows->name, name) == 0)
            return rows;
    }
    return NULL;
}

static enum emx_status unknown_option(const struct words *w, const char *name, size_t len, struct emx_error *err)
{
    struct nearest nearest;

    nearest_init(&nearest, name, len);
    for (const struct opt_group *g = w->command->groups; g->rows; g++) {
        for (const struct opt *o = g->rows; o->name; o++)
            nearest_offer(&nearest, o->name);
    }
    if (nearest.best)
        return emx_fail(err, EMX_ERR_ARG, "unknown option --%.*s; did you mean --%s?", (int)len, name, nearest.best);
    return emx_fail(err, EMX_ERR_ARG, "unknown option --%.*s; entromix %s --help lists them", (int)len, name,
                    w->command->name);
}

/* `called` is the option as the user wrote it, "--threads" or "-o". */
static enum emx_status store(struct found f, const char *called, const char *value, struct emx_error *err)
{
    struct emx_error cause;
    enum emx_status status = f.row->parse(f.row, value, f.base + f.row->to, &cause);

    if (status != EMX_OK)
        return emx_fail(err, status, "%s: %s", called, cause.message);
    return EMX_OK;
}

/* The value of an option that has not got it in its own word: the next one. */
static enum emx_status take_value(struct words *w, const struct opt *o, const char *called, const char **ret,
                                  struct emx_error *err)
{
    if (w->next == w->argc)
        return emx_fail(err, EMX_ERR_ARG, "%s needs a value: %s %s", called, called, o->argument);
    *ret = w->argv[w->next++];
    return EMX_OK;
}

/* word: what follows "--". */
static enum emx_status parse_long(struct words *w, const char *word, struct emx_error *err)
{
    size_t len = strcspn(word, "=");
    const char *value = word[len] == '=' ? word + len + 1 : NULL;
    struct found f = find(w, word, len, 0);
    char called[64];
    enum emx_status status = EMX_OK;

    if (!f.row)
        return unknown_option(w, word, len, err);
    strcpy(stpcpy(called, "--"), f.row->name);
    if (value && !f.row->argument)
        return emx_fail(err, EMX_ERR_ARG, "%s takes no value, but was given '%s'", called, value);
    if (!value && f.row->argument)
        status = take_value(w, f.row, called, &value, err);
    return status == EMX_OK ? store(f, called, value, err) : status;
}

/* letters: what follows "-": any number of flags, the last of which may be an option with a value. */
static enum emx_status parse_letters(struct words *w, const char *letters, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (; *letters && status == EMX_OK; letters++) {
        char called[] = {'-', *letters, '\0'};
        struct found f = find(w, NULL, 0, *letters);
        const char *value = NULL;

        if (!f.row)
            return emx_fail(err, EMX_ERR_ARG, "unknown option %s; entromix %s --help lists them", called,
                            w->command->name);
        if (f.row->argument && letters[1])
            value = letters + 1;
        else if (f.row->argument)
            status = take_value(w, f.row, called, &value, err);
        if (status == EMX_OK)
            status = store(f, called, value, err);
        if (f.row->argument)
            break;
    }
    return status;
}

enum emx_status opt_parse(const struct command *c, char **argv, size_t argc, void *args, size_t *ret_n,
                          struct emx_error *err)
{
    struct words w = {.argv = argv, .argc = argc, .command = c, .args = args};
    bool options_over = false;

    while (w.next < w.argc) {
        char *word = argv[w.next++];
        enum emx_status status = EMX_OK;

        if (options_over || word[0] != '-' || word[1] == '\0')
            argv[w.n_operands++] = word;
        else if (strcmp(word, "--") == 0)
            options_over = true;
        else if (word[1] == '-')
            status = parse_long(&w, word + 2, err);
        else
            status = parse_letters(&w, word + 1, err);
        if (status != EMX_OK)
            return status;
    }
    *ret_n = w.n_operands;
    return EMX_OK;
}
