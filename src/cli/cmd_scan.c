/*
 * cmd_scan.c - entromix scan: shards in, a state file out
 */
#include "commands.h"
#include "human.h"
#include "manifest.h"
#include "output.h"
#include "progress.h"
#include "say.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct scan_args {
    struct common_args common;
    const char *output, *manifest;
    struct shard_args shards;
    uint32_t n_threads;
    uint64_t memory_bytes;
    bool no_bind;
    const char *progress;
};

static bool progress_choice(size_t i, struct opt_choice *ret)
{
    static const char *const names[] = {"auto", "always", "never"};

    if (i >= sizeof(names) / sizeof(names[0]))
        return false;
    *ret = (struct opt_choice){names[i], NULL};
    return true;
}

#define TO(field) offsetof(struct scan_args, field)

static const struct opt file_rows[] = {
    {"output", 'o', "FILE", "state file to write, '-' for standard output", TO(output), opt_text, 0, 0, NULL},
    {"manifest", 'm', "FILE", "YAML file that names domains and shards, '-' for standard input", TO(manifest), opt_text,
     0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt run_rows[] = {
    {"threads", 'j', "N", "threads that read and count (default: one for each processor)", TO(n_threads), opt_u32, 1,
     4096, NULL},
    {"memory", 0, "SIZE",
     "most memory to use; K, M, G, T may follow for powers of 1024, KB, MB, GB, TB for powers of 1000 (default: half "
     "of "
     "the machine's)",
     TO(memory_bytes), opt_memory, 1, INT64_MAX, NULL},
    {"no-bind", 0, NULL, "leave it to the system on which processors threads run", TO(no_bind), opt_flag, 0, 0, NULL},
    {"progress", 0, "WHEN",
     "auto (default): a line on a terminal, else a log; always: the line, also without a terminal; or never",
     TO(progress), opt_choose, 0, 0, progress_choice},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Files", file_rows, 0},
    {"Shards (of all domains, where the manifest does not say otherwise)", shard_rows, TO(shards)},
    {"Work", run_rows, 0},
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
                           "Results do not depend on the number of threads or the order of the shards.\n";

static const char after[] = "Manifest:\n"
                            "  defaults: {dtype: u16, eod: 50256}      # the options about shards, as keys\n"
                            "  domains:\n"
                            "    web: web/*.bin.zst                    # a word,\n"
                            "    books: [books/a.bin, books/b.bin]     # a list of words, or keys:\n"
                            "    code: {shards: code/, dtype: u32, sample: 10000000}\n"
                            "Its relative paths begin at its own folder.  What a domain's keys do not say,\n"
                            "defaults say, then the command line.\n";

/* The signal that asks to stop; a second one ends the program at once. */
static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static bool on_progress(const struct emx_scan_progress *now, void *context)
{
    progress_update(context, now);
    return stop_signal == 0;
}

static void on_warning(const char *sentence, void *context)
{
    progress_warn(context, sentence);
}

static void on_note(const char *sentence, void *context)
{
    (void)context;
    say("%s", sentence);
}

static void say_times(const struct emx_scan_times *t)
{
    say("times: wall=%.3fs decode=%.3fs count=%.3fs wait=%.3fs seal=%.3fs write=%.3fs (all but wall and write "
        "summed over %u threads)",
        t->wall, t->decode, t->count, t->wait, t->seal, t->write, t->n_threads);
}

static void say_done(const struct progress *p, const struct emx_scan_times *t)
{
    struct human_number tokens, rate;

    say("%s tokens in %zu shard%s of %zu domain%s, %.2f s, %s tokens/s", human_grouped(&tokens, p->n_tokens),
        p->n_shards, p->n_shards == 1 ? "" : "s", p->n_domains, p->n_domains == 1 ? "" : "s", t->wall,
        human_short(&rate, (double)p->n_tokens / (t->wall > 1e-6 ? t->wall : 1e-6)));
}

static int say_stopped(const char *output)
{
    int number = stop_signal;

    say("stopped by %s; %s%s was not written", number == SIGINT ? "SIGINT" : "SIGTERM", output,
        strcmp(output, "-") == 0 ? " (standard output)" : "");
    return EXIT_SIGNAL + number;
}

static int scan(const struct scan_args *a, struct corpus *corpus, struct progress *p)
{
    const struct emx_scan_domain *domains = corpus_view(corpus);
    struct emx_scan_options options = {.n_threads = a->n_threads,
                                       .memory_bytes = a->memory_bytes,
                                       .bind_threads = !a->no_bind,
                                       .progress = on_progress,
                                       .warn = a->common.quiet ? NULL : on_warning,
                                       .note = a->common.verbose && !a->common.quiet ? on_note : NULL,
                                       .context = p};
    struct emx_scan_times times;
    struct emx_error err;
    enum emx_status status;

    if (!domains)
        status = emx_fail(&err, EMX_ERR_MEMORY, "out of memory");
    else
        status = emx_scan(domains, corpus->n, &options, a->output, &times, &err);
    progress_clear(p);
    progress_count_warnings(p);
    if (status == EMX_ERR_STOPPED)
        return say_stopped(a->output);
    if (status != EMX_OK)
        return say_failed(&err);
    if (!a->common.quiet)
        say_done(p, &times);
    if (a->common.verbose && !a->common.quiet)
        say_times(&times);
    return EXIT_OK;
}

/* Standard input can be read once; `n` is how often the corpus wants to. */
static int check_stdin(const struct scan_args *a, size_t n)
{
    if (a->manifest && strcmp(a->manifest, "-") == 0)
        n++;
    return n > 1 ? say_usage("standard input ('-') can be read once, but is named %zu times", n) : EXIT_OK;
}

static int read_corpus(const struct scan_args *a, char **operands, size_t n, struct corpus *corpus)
{
    struct emx_error err;
    enum emx_status status = EMX_OK;

    if (a->manifest && manifest_load(a->manifest, &a->shards, corpus, &err) != EMX_OK)
        return say_failed(&err);
    for (size_t i = 0; i < n && status == EMX_OK; i++)
        status = corpus_add_operand(corpus, operands[i], &a->shards, &err);
    if (status == EMX_ERR_ARG)
        return say_usage("%s", err.message);
    return status == EMX_OK ? check_stdin(a, corpus_n_stdin(corpus)) : say_failed(&err);
}

static int read_and_scan(const struct scan_args *a, char **operands, size_t n)
{
    struct corpus corpus = {0};
    struct progress progress;
    int code = read_corpus(a, operands, n, &corpus);

    if (code == EXIT_OK) {
        progress_init(&progress, a->progress, a->common.quiet, a->common.verbose);
        catch_signals();
        code = scan(a, &corpus, &progress);
        progress_finish(&progress);
    }
    corpus_finish(&corpus);
    return code;
}

static int run(void *args, char **operands, size_t n)
{
    const struct scan_args *a = args;

    if (!a->output)
        return say_usage("scan needs -o FILE, the state file to write");
    if (!a->manifest && n == 0)
        return say_usage("scan needs shards: DOMAIN=WORD, as in web='web/*.bin.zst', or --manifest FILE");
    if (output_refuse_terminal(a->output) != EXIT_OK)
        return EXIT_USAGE;
    return read_and_scan(a, operands, n);
}

static const struct scan_args defaults = {.shards = SHARD_ARGS_DEFAULTS, .progress = "auto"};

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
