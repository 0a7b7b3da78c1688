/*
 * output.c - text that a command makes, written when it is whole
 */
#include "output.h"

#include "say.h"

#include <emx/file.h>

#include <string.h>
#include <unistd.h>

bool output_begin(struct output *o)
{
    if (!memory_text_open(&o->memory))
        say("out of memory");
    o->text = o->memory.stream;
    return o->text != NULL;
}

void output_drop(struct output *o)
{
    memory_text_finish(&o->memory);
}

int output_finish(struct output *o, bool whole, const char *path)
{
    struct emx_error err;
    enum emx_status status;

    if (!memory_text_close(&o->memory) || !whole)
        status = emx_fail(&err, EMX_ERR_MEMORY, "out of memory");
    else
        status = emx_write_file(path, o->memory.bytes, o->memory.len, &err);
    memory_text_finish(&o->memory);
    return status == EMX_OK ? EXIT_OK : say_failed(&err);
}

int output_refuse_terminal(const char *path)
{
    if (strcmp(path, "-") != 0 || !isatty(STDOUT_FILENO))
        return EXIT_OK;
    return say_usage("a state file is not for a terminal; name a file with -o or redirect standard output");
}
