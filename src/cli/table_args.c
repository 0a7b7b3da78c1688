/*
 * table_args.c - options about tables of losses
 */
#include "table_args.h"

#include "say.h"

#define TO(member) offsetof(struct table_args, member)

const struct opt table_rows[] = {
    {"proportion-columns", 0, "PATTERN",
     "columns of proportions in a wide table, {domain} in place of the name (default: proportion_{domain}, "
     "weight_{domain} or train_{domain})",
     TO(proportions), opt_text, 0, 0, NULL},
    {"loss-columns", 0, "PATTERN", "columns of losses (default: {domain}_loss or loss_{domain})", TO(losses), opt_text,
     0, 0, NULL},
    {"map", 0, "WORD",
     "DOMAIN=PROPORTION:LOSS, names of one domain's columns instead of patterns; again for each other domain",
     TO(columns), opt_append, 0, 0, NULL},
    {"step-column", 0, "NAME", "column of steps (default: step, steps, n_steps, tokens or n_tokens)", TO(step),
     opt_text, 0, 0, NULL},
    {"run-column", 0, "NAME",
     "column that tells runs apart (default: run, if there is one; else rows of equal proportions are one run)",
     TO(run), opt_text, 0, 0, NULL},
    {"mixture-table", 0, "FILE",
     "table with the proportions, where the other has only losses: rows go together that have the same in the one "
     "column "
     "that both tables have",
     TO(mixtures), opt_text, 0, 0, NULL},
    {"at-step", 0, "N", "step of all rows, where the table has no column of steps", TO(at_step), opt_text, 0, 0, NULL},
    {"where", 0, "COLUMN=VALUE", "only rows that have this value; can be given again", TO(where), opt_append, 0, 0,
     NULL},
    {"domain", 0, "NAME", "only this domain, and others for which it is given again, in this order", TO(domains),
     opt_append, 0, 0, NULL},
    {"ignore", 0, "COLUMN", "read the table as if it had no such column; can be given again", TO(ignored), opt_append,
     0, 0, NULL},
    {"drop-repeated", 0, NULL, "leave out rows whose losses all repeat those of the step before", TO(drop_repeated),
     opt_flag, 0, 0, NULL},
    {"keep-repeated", 0, NULL, "keep such rows instead of refusing them", TO(keep_repeated), opt_flag, 0, 0, NULL},
    {"drop-missing", 0, NULL, "leave out rows with a missing or infinite loss", TO(drop_missing), opt_flag, 0, 0, NULL},
    {"renormalise", 0, NULL, "scale mixtures that do not sum to 1", TO(renormalise), opt_flag, 0, 0, NULL},
    {"zero-as", 0, "SHARE", "take proportions of 0 for this, and scale the mixture", TO(zero_as), opt_inner, 0, 0,
     NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static void say_left_out(const struct emx_observations *o)
{
    if (o->n_repeated + o->n_missing > 0)
        say("note: %s: left out are %zu rows that repeat the step before and %zu with a missing loss", o->source,
            o->n_repeated, o->n_missing);
    if (o->n_scored < o->n_domains)
        say("note: %s: %zu of %zu domains have no losses", o->source, o->n_domains - o->n_scored, o->n_domains);
}

int table_read(const char *path, const struct table_args *a, bool allow_zero, bool quiet, struct emx_observations **ret)
{
    const struct emx_observations_options options = {
        .domains = a->domains.words,
        .n_domains = a->domains.n,
        .proportion_pattern = a->proportions,
        .loss_pattern = a->losses,
        .columns = a->columns.words,
        .n_columns = a->columns.n,
        .step_column = a->step,
        .run_column = a->run,
        .mixture_table = a->mixtures,
        .step = a->at_step,
        .where = a->where.words,
        .n_where = a->where.n,
        .ignored = a->ignored.words,
        .n_ignored = a->ignored.n,
        .repeated = a->drop_repeated   ? EMX_REPEATED_DROP
                    : a->keep_repeated ? EMX_REPEATED_KEEP
                                       : EMX_REPEATED_REFUSE,
        .renormalise = a->renormalise,
        .drop_missing = a->drop_missing,
        .allow_zero = allow_zero,
        .zero_as = a->zero_as,
    };
    struct emx_error err;
    enum emx_status status;

    if (a->drop_repeated && a->keep_repeated)
        return say_usage("--drop-repeated and --keep-repeated exclude each other");
    status = emx_observations_read(path, &options, ret, &err);
    if (status == EMX_ERR_ARG)
        return say_usage("%s", err.message);
    if (status != EMX_OK)
        return say_failed(&err);
    if (!quiet)
        say_left_out(*ret);
    return EXIT_OK;
}
