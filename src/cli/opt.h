/*
 * opt.h - options as tables: parsing, help and manifest keys all come from them
 *
 * A row says under which names an option goes, what it is for, and how its value gets into the arguments of a
 * command: `parse` reads it and stores it `to` bytes after the base of the row's group.  A group of rows can so
 * serve any struct that holds the group's own struct, at any place.
 */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include <emx/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One value that an option can have, where these are few. */
struct opt_choice {
    const char *name;
    const char *summary; /* one line for the help; NULL: the option's own help says it */
};

struct opt {
    const char *name;     /* without dashes; NULL ends the rows */
    char letter;          /* short name, 0 if none */
    const char *argument; /* what its value is called in the help; NULL: none, it is a flag */
    const char *help;
    size_t to;
    /* Reads a value; *err says what is wrong with it, without the option's name.  NULL text: a flag that was given. */
    enum emx_status (*parse)(const struct opt *o, const char *text, void *to, struct emx_error *err);
    /* What `parse` needs to know; unused ones 0. */
    uint64_t min, max;
    bool (*choice)(size_t i, struct opt_choice *ret); /* the i-th value, false after the last */
};

struct opt_group {
    const char *title; /* of its part of the help */
    const struct opt *rows;
    size_t base; /* where the rows' struct is within the arguments */
};

struct command {
    const char *name;
    const char *const *usage;       /* lines: what follows the command's name; NULL-terminated */
    const char *summary;            /* one line */
    const char *text;               /* the rest of the help, after the summary */
    const char *after;              /* and after the options; NULL if nothing */
    const struct opt_group *groups; /* a group without rows ends them */
    const void *defaults;           /* arguments of which nothing was said; begin with struct common_args */
    size_t args_size;
    int (*run)(void *args, char **operands, size_t n_operands);
};

/* The values of an option that may be given several times. */
enum { OPT_LIST_MAX = 256 };
struct opt_list {
    const char *words[OPT_LIST_MAX]; /* [n] borrowed */
    size_t n;
};

/* Every command has these, in the group common_rows. */
struct common_args {
    bool help, quiet, verbose;
};
extern const struct opt common_rows[];

/*
 * Read the words of a command line into args; operands move to the front of argv, and *ret_n says how many there
 * are.  Options may stand anywhere before "--", values as --name=value, --name value, -xvalue or -x value.
 * EMX_ERR_ARG names the word that is wrong, and the known one that is nearest to it.
 */
EMX_CHECKED enum emx_status opt_parse(const struct command *c, char **argv, size_t argc, void *args, size_t *ret_n,
                                      struct emx_error *err);

/* The row of that long name, or NULL. */
const struct opt *opt_find(const struct opt *rows, const char *name);

/* Values; `to` is of the type given. */
typedef enum emx_status opt_parser(const struct opt *o, const char *text, void *to, struct emx_error *err);
opt_parser opt_flag;     /* bool: true, or in a manifest "true" and "false" */
opt_parser opt_text;     /* const char *, borrowed: not empty */
opt_parser opt_choose;   /* const char *: the name of a choice */
opt_parser opt_u32;      /* uint32_t, min..max */
opt_parser opt_tokens;   /* uint64_t, min..max: a number, or with K, M, B or T powers of 1000 */
opt_parser opt_memory;   /* uint64_t, min..max: bytes, with K, KiB, KB, ... */
opt_parser opt_real;     /* double, finite */
opt_parser opt_share;    /* double from 0 to 1 */
opt_parser opt_inner;    /* double between 0 and 1, neither of them */
opt_parser opt_positive; /* double above 0 */
opt_parser opt_append;   /* struct opt_list: one more word, not empty */
opt_parser opt_duration; /* double, seconds above 0: a number with s, m or h */
opt_parser opt_seed;     /* uint64_t: a whole number */
opt_parser opt_amount;   /* double above 0: a number, or a whole one with K, M, B or T */

/* A whole number in digits; fails beyond 64 bits. */
EMX_CHECKED enum emx_status opt_number(const char *text, uint64_t *ret, struct emx_error *err);

#endif
