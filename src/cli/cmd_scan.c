/*
 * cmd_scan.c - entromix scan: shards in, a state file out
 */
#include "commands.h"
#include "output.h"
#include "say.h"
#include "scanning.h"

#include <string.h>

struct scan_args {
    struct common_args common;
    const char *output;
    struct scanning_args scanning;
};

enum { MOST_PARTS = 1 << 20 };

/* "I/N" */
static enum emx_status opt_part(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    struct part_args *part = to;
    const char *slash = strchr(text, '/');
    char first[16];
    uint64_t index, count;

    (void)o;
    if (!slash || (size_t)(slash - text) >= sizeof(first))
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not of the form I/N, as in 0/16", text);
    memcpy(first, text, (size_t)(slash - text));
    first[slash - text] = '\0';
    if (opt_number(first, &index, err) != EMX_OK || opt_number(slash + 1, &count, err) != EMX_OK)
        return EMX_ERR_ARG;
    if (count == 0 || count > MOST_PARTS || index >= count)
        return emx_fail(err, EMX_ERR_ARG, "'%s' is none of the parts 0/N, 1/N, ..., with N at most %d", text,
                        MOST_PARTS);
    *part = (struct part_args){(uint32_t)index, (uint32_t)count};
    return EMX_OK;
}

#define TO(member) offsetof(struct scan_args, member)

static const struct opt file_rows[] = {
    {"output", 'o', "FILE", "state file to write, '-' for standard output", TO(output), opt_text, 0, 0, NULL},
    {"manifest", 'm', "FILE", "YAML file that names domains and shards, '-' for standard input", TO(scanning.manifest),
     opt_text, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt machine_rows[] = {
    {"part", 0, "I/N",
     "scan part I of N parts of the shards, balanced by size; I is 0 to N - 1.  entromix merge joins the states of all "
     "parts",
     TO(scanning.part), opt_part, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Files", file_rows, 0},
    {"Shards (of all domains, where the manifest does not say otherwise)", shard_rows, TO(scanning.shards)},
    {"Documents, for von Neumann entropies", vector_rows, TO(scanning.vectors)},
    {"Of these documents", scanning_document_rows, TO(scanning)},
    {"Work", scanning_rows, TO(scanning)},
    {"Several machines", machine_rows, 0},
    {"Checkpoints", checkpoint_rows, TO(scanning)},
    {"Other", common_rows, TO(common)},
    {NULL, NULL, 0},
};

static const char *const usage[] = {
    "-o FILE [OPTION]... DOMAIN=WORD...",
    "-o FILE [OPTION]... --manifest FILE",
    NULL,
};

static const char text[] = "Count every domain's tokens and pairs of adjacent tokens in one pass over its\n"
                           "shards, and write the counts to a state file.\n"
                           "\n"
                           "WORD is a shard, a folder of shards, a glob pattern in quotes, a Megatron\n"
                           "prefix, or - for standard input.  A domain may be given several words:\n"
                           "  entromix scan -o corpus.emx --eod 50256 web='a/*.bin.zst' web=b/ code=code/\n"
                           "\n"
                           "With --embeddings documents are summed up as vectors in the same pass, so that\n"
                           "entropy, weights and plan also tell of von Neumann entropies (entromix vne).\n"
                           "\n"
                           "Results do not depend on the number of threads or the order of the shards.\n"
                           "\n"
                           "Started by mpirun, all processes do one scan together, with the same result:\n"
                           "  mpirun --map-by numa --bind-to numa entromix scan -o corpus.emx web=web/\n";

static const char after[] = "Manifest:\n"
                            "  defaults: {dtype: u16, eod: 50256}      # the options about shards, as keys\n"
                            "  domains:\n"
                            "    web: web/*.bin.zst                    # a word,\n"
                            "    books: [books/a.bin, books/b.bin]     # a list of words, or keys:\n"
                            "    code: {shards: code/, dtype: u32, sample: 10000000}\n"
                            "Its relative paths begin at its own folder.  What a domain's keys do not say,\n"
                            "defaults say, then the command line.\n";

/* With the processes that mpirun started beside this one. */
static int scan(const struct scan_args *a, char **operands, size_t n)
{
    struct emx_cluster *cluster;
    struct emx_error err;
    int code;

    if (emx_cluster_join(&cluster, &err) != EMX_OK)
        return say_failed(&err);
    if (emx_cluster_rank(cluster) > 0)
        say_as_rank(emx_cluster_rank(cluster));
    code = scanning_run(&a->scanning, &a->common, operands, n, a->output, cluster);
    emx_cluster_leave(&cluster);
    return code;
}

static int run(void *args, char **operands, size_t n)
{
    const struct scan_args *a = args;

    if (!a->output)
        return say_usage("scan needs -o FILE, the state file to write");
    if (!a->scanning.manifest && n == 0)
        return say_usage("scan needs shards: DOMAIN=WORD, as in web='web/*.bin.zst', or --manifest FILE");
    if (a->scanning.resume && !a->scanning.checkpoint)
        return say_usage("--resume needs --checkpoint FOLDER, where the checkpoint is");
    if (output_refuse_terminal(a->output) != EXIT_OK)
        return EXIT_USAGE;
    return scan(a, operands, n);
}

static const struct scan_args defaults = {.scanning = SCANNING_ARGS_DEFAULTS};

const struct command scan_command = {
    .name = "scan",
    .usage = usage,
    .summary = "count the tokens and pairs of shards into a state file",
    .text = text,
    .after = after,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
