/*
 * scanning.c - options and work of a scan
 */
#include "scanning.h"

#include "human.h"
#include "manifest.h"
#include "progress.h"
#include "say.h"

#include <emx/vne_set.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool progress_choice(size_t i, struct opt_choice *ret)
{
    static const char *const names[] = {"auto", "always", "never"};

    if (i >= sizeof(names) / sizeof(names[0]))
        return false;
    *ret = (struct opt_choice){names[i], NULL};
    return true;
}

static bool on_error_choice(size_t i, struct opt_choice *ret)
{
    static const struct opt_choice choices[] = {
        {"fail", "stop, and leave no state file (default)"},
        {"skip-shard", "count nothing of the shard, list it in the state file, go on"},
        {"skip-frame", "the same, but of a shard of many zstd frames leave out only those that are broken"},
    };

    if (i >= sizeof(choices) / sizeof(choices[0]))
        return false;
    *ret = choices[i];
    return true;
}

static enum emx_on_error on_error_named(const char *name)
{
    if (strcmp(name, "skip-frame") == 0)
        return EMX_ON_ERROR_SKIP_FRAME;
    return strcmp(name, "skip-shard") == 0 ? EMX_ON_ERROR_SKIP_SHARD : EMX_ON_ERROR_FAIL;
}

#define TO(member) offsetof(struct scanning_args, member)

const struct opt scanning_rows[] = {
    {"threads", 'j', "N", "threads that read and count (default: one for each processor, fewer if memory is little)",
     TO(n_threads), opt_u32, 1, 4096, NULL},
    {"memory", 0, "SIZE",
     "most memory to use; K, M, G, T may follow for powers of 1024, KB, MB, GB, TB for powers of 1000 (default: half "
     "of "
     "the machine's)",
     TO(memory_bytes), opt_memory, 1, INT64_MAX, NULL},
    {"tmpdir", 0, "FOLDER",
     "where pairs that do not fit in memory go, sorted, in a file without a name: about 1.6 bytes for each distinct "
     "pair "
     "of a full table (default: $TMPDIR, or /tmp)",
     TO(tmpdir), opt_text, 0, 0, NULL},
    {"no-bind", 0, NULL, "leave it to the system on which processors threads run", TO(no_bind), opt_flag, 0, 0, NULL},
    {"on-error", 0, "WHAT", "what to do about a shard that is missing, unreadable or broken:", TO(on_error), opt_choose,
     0, 0, on_error_choice},
    {"max-bad", 0, "N", "stop if more than N are skipped (default: no limit)", TO(max_bad), opt_tokens, 1, INT64_MAX,
     NULL},
    {"progress", 0, "WHEN",
     "auto (default): a line on a terminal, else a log; always: the line, also without a terminal; or never",
     TO(progress), opt_choose, 0, 0, progress_choice},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

const struct opt checkpoint_rows[] = {
    {"checkpoint", 0, "FOLDER",
     "write down there what is counted so far, from time to time and on SIGTERM, SIGINT and SIGUSR1, which then end "
     "the "
     "program with exit code 75; the folder is made if it is missing, and left empty at the end",
     TO(checkpoint), opt_text, 0, 0, NULL},
    {"checkpoint-every", 0, "TIME", "how often: a number with s, m or h (default: 10m)", TO(checkpoint_seconds),
     opt_duration, 0, 0, NULL},
    {"resume", 0, NULL, "go on from the checkpoint, if there is one; else begin", TO(resume), opt_flag, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

const struct opt scanning_document_rows[] = {
    {"vne-documents", 0, "N", "to take of each domain; K, M may follow; 'all' (default)", TO(vne_documents),
     vectors_parse_documents, 1, INT64_MAX, NULL},
    {"vne-seed", 0, "N", "another one takes other documents (default: 0)", TO(vne_seed), opt_u32, 0, UINT32_MAX, NULL},
    {"vne-weights", 0, "FILE.emx", "count tokens that are frequent in it less, as vne --weighting sif does",
     TO(vne_weights), opt_text, 0, 0, NULL},
    {"vne-precise", 0, NULL, "entropies to 1e-10 nats instead of 1e-6; takes longer and more memory", TO(vne_precise),
     opt_flag, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

/* The signal that asks to stop; a second one ends the program at once. */
static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

/* SIGUSR1 is how batch systems say that time is nearly over. */
static void catch_signals(bool has_checkpoint)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (has_checkpoint)
        sigaction(SIGUSR1, &action, NULL);
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

static void on_skipped(const struct emx_skipped *what, void *context)
{
    progress_skip(context, what);
}

static void on_note(const char *sentence, void *context)
{
    (void)context;
    say("%s", sentence);
}

static void say_times(const struct emx_scan_times *t)
{
    say("times: wall=%.3fs decode=%.3fs count=%.3fs wait=%.3fs seal=%.3fs write=%.3fs checkpoint=%.3fs checkpoints=%u "
        "documents=%.3fs (decode to seal, and documents, summed over %u threads)",
        t->wall, t->decode, t->count, t->wait, t->seal, t->write, t->checkpoint, t->n_checkpoints, t->documents,
        t->n_threads);
    if (t->n_bytes_exchanged)
        say("ranks exchanged=%llu bytes of pairs", (unsigned long long)t->n_bytes_exchanged);
}

static void say_done(const struct progress *p, const struct emx_scan_times *t)
{
    struct human_number tokens, rate;
    size_t n_shards = p->n_shards - p->n_skipped;

    say("%s tokens in %zu shard%s of %zu domain%s, %.2f s, %s tokens/s", human_grouped(&tokens, p->n_tokens), n_shards,
        n_shards == 1 ? "" : "s", p->n_domains, p->n_domains == 1 ? "" : "s", t->wall,
        human_short(&rate, (double)p->n_tokens / (t->wall > 1e-6 ? t->wall : 1e-6)));
}

/* Said even if nothing else is. */
static int say_skipped(const struct progress *p)
{
    if (p->n_skipped)
        say("warning: %zu broken shard%s skipped", p->n_skipped, p->n_skipped == 1 ? " was" : "s were");
    if (p->n_skipped_frames)
        say("warning: %zu broken frame%s skipped", p->n_skipped_frames, p->n_skipped_frames == 1 ? " was" : "s were");
    return EXIT_SKIPPED;
}

static const char *signal_name(int number)
{
    switch (number) {
    case 0:
        return "another process of the job";
    case SIGINT:
        return "SIGINT";
    case SIGUSR1:
        return "SIGUSR1";
    default:
        return "SIGTERM";
    }
}

/* That it did not succeed.  The same on all processes that heard the signal: mpirun ends with that of any. */
static int exit_code(const struct scanning_args *a, enum emx_status status)
{
    if (status == EMX_ERR_STOPPED && a->checkpoint)
        return EXIT_RESUMABLE;
    return status == EMX_ERR_STOPPED && stop_signal ? EXIT_SIGNAL + stop_signal : EXIT_FAILED;
}

static void say_stopped(const struct scanning_args *a, const char *output, const struct emx_error *err)
{
    int number = stop_signal;

    if (a->checkpoint)
        say("stopped by %s; the same command with --resume goes on from %s", signal_name(number), a->checkpoint);
    else if (!number) /* it was another process of the job */
        say("%s", err->message);
    else
        say("stopped by %s; %s%s was not written", signal_name(number), output,
            strcmp(output, "-") == 0 ? " (standard output)" : "");
}

/* To be freed. */
static enum emx_status read_weights(const char *path, double **ret, size_t *ret_n, struct emx_error *err)
{
    struct emx_state *s = NULL;
    enum emx_status status = emx_state_open(path, &s, err);

    if (status == EMX_OK)
        status = emx_vne_sif_weights(s, ret, ret_n, err);
    emx_state_close(&s);
    return status;
}

/* The vectors of tokens, if there are to be any: *ret_e and *ret_weights are the caller's. */
static enum emx_status open_vectors(const struct scanning_args *a, struct emx_scan_vectors *ret,
                                    struct emx_embeddings **ret_e, double **ret_weights, struct emx_error *err)
{
    enum emx_status status = EMX_OK;
    size_t n_weights = 0;

    if (a->vectors.embeddings)
        status = vectors_open(&a->vectors, 0, ret_e, err);
    if (status == EMX_OK && a->vne_weights)
        status = read_weights(a->vne_weights, ret_weights, &n_weights, err);
    *ret = (struct emx_scan_vectors){.embeddings = *ret_e,
                                     .source = a->vectors.embeddings,
                                     .n_documents = a->vne_documents,
                                     .seed = a->vne_seed,
                                     .precise = a->vne_precise,
                                     .weights = *ret_weights,
                                     .n_weights = n_weights};
    return status;
}

static bool is_first(const struct emx_cluster *cluster)
{
    return !cluster || emx_cluster_rank(cluster) == 0;
}

/* What went wrong is the same on all processes of a cluster. */
static int finish(const struct scanning_args *a, const struct common_args *common, const char *output,
                  const struct progress *p, enum emx_status status, const struct emx_scan_times *times,
                  const struct emx_error *err)
{
    if (status == EMX_ERR_STOPPED)
        say_stopped(a, output, err);
    else if (status != EMX_OK)
        say("%s", err->message);
    if (status != EMX_OK)
        return exit_code(a, status);
    if (!common->quiet)
        say_done(p, times);
    if (common->verbose && !common->quiet)
        say_times(times);
    return p->n_skipped || p->n_skipped_frames ? say_skipped(p) : EXIT_OK;
}

static int scan(const struct scanning_args *a, const struct common_args *common, const char *output,
                struct corpus *corpus, struct emx_cluster *cluster, struct progress *p)
{
    const struct emx_scan_domain *domains = corpus_view(corpus);
    struct emx_scan_options options = {.n_threads = a->n_threads,
                                       .memory_bytes = a->memory_bytes,
                                       .tmpdir = a->tmpdir,
                                       .checkpoint = a->checkpoint,
                                       .checkpoint_seconds = a->checkpoint_seconds,
                                       .resume = a->resume,
                                       .bind_threads = !a->no_bind,
                                       .part = a->part.index,
                                       .n_parts = a->part.count,
                                       .on_error = on_error_named(a->on_error),
                                       .max_bad = a->max_bad,
                                       .skipped = on_skipped,
                                       .cluster = cluster,
                                       .progress = on_progress,
                                       .warn = common->quiet ? NULL : on_warning,
                                       .note = common->verbose && !common->quiet ? on_note : NULL,
                                       .context = p};
    struct emx_scan_times times;
    struct emx_scan_vectors vectors;
    struct emx_embeddings *e = NULL;
    double *weights = NULL;
    struct emx_error err;
    enum emx_status status =
        domains ? open_vectors(a, &vectors, &e, &weights, &err) : emx_fail(&err, EMX_ERR_MEMORY, "out of memory");

    options.vectors = e ? &vectors : NULL;
    if (cluster)
        status = emx_cluster_agree(cluster, status, &err);
    if (status == EMX_OK)
        status = emx_scan(domains, corpus->n, &options, output, &times, &err);
    emx_embeddings_close(&e);
    free(weights);
    progress_clear(p);
    progress_count_warnings(p);
    if (is_first(cluster))
        return finish(a, common, output, p, status, &times, &err);
    return status == EMX_OK ? EXIT_OK : exit_code(a, status);
}

/* Standard input can be read once, and by one process. */
static enum emx_status check_stdin(const struct scanning_args *a, const struct corpus *corpus,
                                   const struct emx_cluster *cluster, struct emx_error *err)
{
    size_t n = corpus_n_stdin(corpus);

    if (a->manifest && strcmp(a->manifest, "-") == 0)
        n++;
    if (n && cluster && emx_cluster_size(cluster) > 1)
        return emx_fail(err, EMX_ERR_ARG, "standard input ('-') goes to one process, not to all that mpirun started");
    if (n > 1)
        return emx_fail(err, EMX_ERR_ARG, "standard input ('-') can be read once, but is named %zu times", n);
    return EMX_OK;
}

static enum emx_status read_corpus(const struct scanning_args *a, char **operands, size_t n,
                                   const struct emx_cluster *cluster, struct corpus *corpus, bool *ret_usage,
                                   struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    *ret_usage = false;
    if (a->manifest)
        status = manifest_load(a->manifest, &a->shards, corpus, err);
    if (status != EMX_OK)
        return status;
    for (size_t i = 0; i < n && status == EMX_OK; i++)
        status = corpus_add_operand(corpus, operands[i], &a->shards, err);
    if (status == EMX_OK)
        status = check_stdin(a, corpus, cluster, err);
    *ret_usage = status == EMX_ERR_ARG;
    return status;
}

static int check_vectors(const struct scanning_args *a)
{
    if (!a->vectors.embeddings && (a->vne_documents || a->vne_seed || a->vne_weights || a->vne_precise))
        return say_usage("--vne-documents, --vne-seed, --vne-weights and --vne-precise are about documents, of which "
                         "--embeddings makes vectors");
    return vectors_check(&a->vectors);
}

int scanning_run(const struct scanning_args *a, const struct common_args *common, char **operands, size_t n,
                 const char *output, struct emx_cluster *cluster)
{
    struct corpus corpus = {.keeps_missing = on_error_named(a->on_error) != EMX_ON_ERROR_FAIL};
    struct progress progress;
    struct emx_error err;
    bool usage;
    enum emx_status status;
    int code = check_vectors(a);

    if (code != EXIT_OK) /* the same on all processes */
        return code;
    status = read_corpus(a, operands, n, cluster, &corpus, &usage, &err);
    code = usage ? EXIT_USAGE : EXIT_FAILED;

    if (cluster)
        status = emx_cluster_agree(cluster, status, &err);
    if (status == EMX_OK) {
        progress_init(&progress, is_first(cluster) ? a->progress : "never", common->quiet, common->verbose);
        catch_signals(a->checkpoint);
        code = scan(a, common, output, &corpus, cluster, &progress);
        progress_finish(&progress);
    } else if (is_first(cluster)) {
        say("%s", err.message);
    }
    corpus_finish(&corpus);
    return code;
}
