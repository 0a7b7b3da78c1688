/*
 * say.h - what the program tells its user, on standard error
 *
 * Each message is one line, "entromix: <sentence>", written at once, so that threads do not mix theirs.
 * Bytes that could move the cursor of a terminal are shown as \xNN.
 */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include <emx/status.h>

enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_SKIPPED = 3,    /* done, but something that was broken is not in the result */
    EXIT_RESUMABLE = 75, /* stopped by a signal, with a checkpoint; what sysexits.h calls a temporary failure */
    EXIT_SIGNAL = 128,   /* plus the signal's number */
};

/* From now on messages begin with the number of this process among those of its job. */
void say_as_rank(unsigned rank);

void say(const char *fmt, ...) EMX_PRINTF(1, 2);

/* Says what went wrong; returns EXIT_FAILED. */
int say_failed(const struct emx_error *err);

/* The same for a command line that cannot be meant so; returns EXIT_USAGE. */
int say_usage(const char *fmt, ...) EMX_PRINTF(1, 2);

#endif
