/*
 * mixture_args.c - options about a mixture, and its file
 */
#include "mixture_args.h"

#include "estimate.h"
#include "report.h"
#include "say.h"

#include <emx/file.h>

#include <stdlib.h>
#include <string.h>

#define TO(member) offsetof(struct mixture_args, member)

const struct opt mixture_rows[] = {
    {"proxy", 'p', "ENTROPY",
     "what weights come from: shannon, joint, conditional (default), or von-neumann, which the state has from scan "
     "--embeddings or vne -o",
     TO(proxy), opt_choose, 0, 0, estimate_proxy_choice},
    {"to", 't', "FORMAT", "trainer or syntax, see below (default: json)", TO(to), opt_choose, 0, 0,
     report_mixture_choice},
    {"output", 'o', "FILE", "file to write, '-' for standard output (default)", TO(output), opt_text, 0, 0, NULL},
    {"temperature", 0, "T", "weights ~ exp(H / T); 1 (default) is plain, more is flatter", TO(weights.temperature),
     opt_positive, 0, 0, NULL},
    {"floor", 0, "SHARE", "least share of a domain (default: 0)", TO(weights.floor), opt_share, 0, 0, NULL},
    {"cap", 0, "SHARE", "greatest share of a domain (default: 1)", TO(weights.cap), opt_share, 0, 0, NULL},
    {"path", 0, "TEMPLATE",
     "how the file names a domain's data: a path with {domain} in place of its name, as in tok/{domain}_text_document "
     "(default: the scanned paths where they fit, else the name)",
     TO(path), opt_text, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

int mixture_check_path(const char *path)
{
    if (path && !strstr(path, "{domain}"))
        return say_usage("--path: '%s' has no {domain} in it, so all domains would be named alike", path);
    return EXIT_OK;
}

bool mixture_shows_errors(const char *to)
{
    return strcmp(to, "json") == 0 || strcmp(to, "csv") == 0;
}

int mixture_write(const struct emx_mixture *m, const char *to, const char *output, bool quiet)
{
    char *text = NULL, *note = NULL;
    struct emx_error err;
    enum emx_status status = emx_mixture_format_string(m, to, &text, &note, &err);

    if (status == EMX_OK)
        status = emx_write_file(output, text, strlen(text), &err);
    if (status == EMX_OK && note && !quiet)
        say("note: %s", note);
    free(text);
    free(note);
    return status == EMX_OK ? EXIT_OK : say_failed(&err);
}
