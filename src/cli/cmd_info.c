/*
 * cmd_info.c - entromix info: what state files were counted from
 */
#include "commands.h"
#include "info.h"
#include "output.h"
#include "report.h"
#include "say.h"

#include <string.h>

struct info_args {
    struct common_args common;
    const char *format;
    bool shards, skipped, verify;
};

#define TO(member) offsetof(struct info_args, member)

static const struct opt rows[] = {
    {"format", 'f', "FORMAT", "table (default), json or csv", TO(format), opt_choose, 0, 0, report_format_choice},
    {"shards", 's', NULL, "also each shard with its checksum (-v does the same; JSON always has them)", TO(shards),
     opt_flag, 0, 0, NULL},
    {"skipped", 0, NULL, "CSV: what scans left out instead of domains (tables and JSON always have it)", TO(skipped),
     opt_flag, 0, 0, NULL},
    {"verify", 0, NULL, "read every byte and check it", TO(verify), opt_flag, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", rows, 0},
    {"Other", common_rows, TO(common)},
    {NULL, NULL, 0},
};

static const char *const usage[] = {"[OPTION]... STATE...", NULL};

static const char text[] = "Show what state files were counted from: domains, shards, settings and totals.\n"
                           "A checksum is XXH3-64 of a shard's file as it is stored: xxhsum -H3 prints the\n"
                           "same.\n";

static const char after[] = "JSON, with null for what was not set:\n"
                            "  {\"states\": [{\"state\", \"version\", \"domains\": [\n"
                            "    {\"name\", \"tokens\", \"documents\", \"documents_without_eod\", \"pairs\",\n"
                            "     \"token_types\", \"pair_types\", \"max_token\",\n"
                            "     \"settings\": {\"pairs\", \"window\", \"eod\", \"eod_first\", \"vocabulary\",\n"
                            "                  \"sample_tokens\"},\n"
                            "     \"covariance\": {\"dimension\", \"source\", \"weighting\", \"vectors\",\n"
                            "                    \"documents_requested\", \"seed\", \"documents\",\n"
                            "                    \"documents_left_out\", \"tokens\", \"tokens_without_vector\"},\n"
                            "     \"shards\": [{\"path\", \"format\", \"codec\", \"dtype\", \"bytes\", \"tokens\",\n"
                            "                 \"documents\", \"pairs\", \"xxh3\", \"index_xxh3\"}]}],\n"
                            "   \"skipped\": [{\"domain\", \"path\", \"what\", \"bytes\": [begin, end],\n"
                            "                \"tokens\": [begin, end], \"reason\"}]}]}\n"
                            "What was skipped is a \"shard\", or a zstd \"frame\" with its place in the file\n"
                            "and the numbers of the tokens that are missing (for a shard: null).\n"
                            "CSV has the same, but no covariance, under a header line: state, domain, then a\n"
                            "domain's numbers and settings (pairs_mode is their \"pairs\"), or with --shards a\n"
                            "shard's, or with --skipped what was left out.\n";

const char *info_pairs_name(enum emx_pairs_mode mode)
{
    switch (mode) {
    case EMX_PAIRS_STREAM:
        return "stream";
    case EMX_PAIRS_WINDOW:
        return "window";
    default:
        return "within-document";
    }
}

const char *info_skipped_name(enum emx_skipped_what what)
{
    return what == EMX_SKIPPED_FRAME ? "frame" : "shard";
}

static const struct info_format *const formats[] = {&info_table, &info_json, &info_csv};

static const struct info_format *find_format(const char *name)
{
    size_t i = 0;

    while (strcmp(formats[i]->name, name) != 0)
        i++;
    return formats[i];
}

static enum emx_status open_state(const struct info_args *a, const char *name, struct emx_state **ret,
                                  struct emx_error *err)
{
    enum emx_status status = emx_state_open(name, ret, err);

    if (status == EMX_OK && a->verify) {
        status = emx_state_verify(*ret, err);
        if (status != EMX_OK)
            emx_state_close(ret);
    }
    return status;
}

/* Each state is closed before the next is opened.  Nothing is printed if one is bad. */
static int print_states(const struct info_args *a, char **names, size_t n)
{
    const struct info_format *format = find_format(a->format);
    struct info info = {.shards = a->shards || a->common.verbose, .skipped = a->skipped};
    struct output out;
    struct emx_error err;
    enum emx_status status = EMX_OK;

    if (!output_begin(&out))
        return EXIT_FAILED;
    info.out = out.text;
    format->begin(&info);
    for (; info.n_states < n && status == EMX_OK; info.n_states++) {
        struct emx_state *s;

        status = open_state(a, names[info.n_states], &s, &err);
        if (status == EMX_OK) {
            format->state(&info, names[info.n_states], s);
            emx_state_close(&s);
        }
    }
    format->end(&info);
    if (status != EMX_OK) {
        output_drop(&out);
        return say_failed(&err);
    }
    return output_finish(&out, !info.failed, "-");
}

static int run(void *args, char **operands, size_t n)
{
    const struct info_args *a = args;
    int code;

    if (n == 0)
        return say_usage("info needs a state file");
    code = print_states(a, operands, n);
    if (code == EXIT_OK && a->verify && !a->common.quiet)
        say("verified %zu state file%s", n, n == 1 ? "" : "s");
    return code;
}

static const struct info_args defaults = {.format = "table"};

const struct command info_command = {
    .name = "info",
    .usage = usage,
    .summary = "show what state files were counted from",
    .text = text,
    .after = after,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
