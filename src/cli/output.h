/*
 * output.h - text that a command makes, written when it is whole
 *
 *     output_begin(&o); fprintf(o.text, ...); return output_finish(&o, true, path);
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "../util/memory_text.h"

/* Stays where it is. */
struct output {
    FILE *text;
    struct memory_text memory; /* behind `text` */
};

/* False if there is no memory; it has been said. */
bool output_begin(struct output *o);

/* Write to path ("-": standard output) and free.  `whole` false: memory ran out, nothing is written.  Returns the exit
 * code. */
int output_finish(struct output *o, bool whole, const char *path);

/* Free without writing. */
void output_drop(struct output *o);

/* A state file is not for a terminal: says so and returns EXIT_USAGE if path is "-" and that is one; else EXIT_OK. */
int output_refuse_terminal(const char *path);

#endif
