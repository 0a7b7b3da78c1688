/*
 * say.c - what the program tells its user, on standard error
 */
#include "say.h"

#include "human.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char who[32]; /* "rank 3: " */

void say_as_rank(unsigned rank)
{
    snprintf(who, sizeof(who), "rank %u: ", rank);
}

static void say_args(const char *fmt, va_list args)
{
    char message[2048];
    char *clean;

    vsnprintf(message, sizeof(message), fmt, args);
    clean = human_printable(message);
    fprintf(stderr, "entromix: %s%s\n", who, clean ? clean : "out of memory");
    free(clean);
}

void say(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say_args(fmt, args);
    va_end(args);
}

int say_failed(const struct emx_error *err)
{
    say("%s", err->message);
    return EXIT_FAILED;
}

int say_usage(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say_args(fmt, args);
    va_end(args);
    return EXIT_USAGE;
}
