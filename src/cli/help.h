/*
 * help.h - the help of the program and of each command, from their tables
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "opt.h"

#include <stdio.h>

/* commands: NULL-terminated. */
void help_program(const struct command *const *commands, FILE *out);
void help_command(const struct command *c, FILE *out);

#endif
