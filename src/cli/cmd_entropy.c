/*
 * cmd_entropy.c - entromix entropy: the entropies of each domain of a state file
 */
#include "columns.h"
#include "commands.h"
#include "estimate.h"
#include "human.h"
#include "output.h"
#include "report.h"
#include "say.h"
#include "von_neumann.h"

#include <emx/entropy.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct entropy_args {
    struct common_args common;
    struct estimate_args estimate;
    const char *format, *unit;
};

#define TO(member) offsetof(struct entropy_args, member)

static const struct opt rows[] = {
    {"format", 'f', "FORMAT", "table (default), json or csv", TO(format), opt_choose, 0, 0, report_format_choice},
    {"unit", 'u', "UNIT", "of entropies: nats (default) or bits", TO(unit), opt_choose, 0, 0, report_unit_choice},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", rows, 0},
    {"Estimates", estimate_rows, TO(estimate)},
    {"Other", common_rows, TO(common)},
    {NULL, NULL, 0},
};

static const char *const usage[] = {"[OPTION]... STATE", NULL};

static const char text[] = "Show each domain's entropies, and what follows from them:\n"
                           "\n"
                           "  table       JSON and CSV            meaning\n"
                           "  TOKENS      tokens                  tokens\n"
                           "  TYPES       token_types             different tokens\n"
                           "              pairs                   pairs of adjacent tokens\n"
                           "  PAIR TYPES  pair_types              different pairs\n"
                           "  SE          shannon                 Shannon entropy of tokens\n"
                           "  JE          joint                   joint entropy of pairs\n"
                           "  CE          conditional             of a token, given the last: JE - first\n"
                           "              first                   entropy of the first tokens of pairs\n"
                           "  EXP(SE)     perplexity              exp(SE), with SE in nats\n"
                           "  EXP(CE)     conditional_perplexity  exp(CE)\n"
                           "  MI          mutual_information      SE - CE: what a token tells of the next\n"
                           "  COVERAGE    token_coverage          Good-Turing: the share of new tokens that\n"
                           "                                      are of a type already seen\n"
                           "  OF PAIRS    pair_coverage           the same for pairs\n"
                           "  RESIDUAL    chain_residual          |JE - first - CE| / max(JE, 1): rounding\n"
                           "  VNE         von_neumann             von Neumann entropy, if the state has it\n"
                           "  +-          shannon_error, ...      standard error of the entropy on its left\n"
                           "\n"
                           "Standard errors are those of independent draws, of VNE an upper bound.  The\n"
                           "table has them with --estimator (plugin, too) or --at-tokens.  By an estimator,\n"
                           "CE = JE - first is a convention.\n"
                           "\n"
                           "JSON is {\"unit\", \"domains\": [{\"name\", \"tokens\", ...}]}; CSV has a header line\n"
                           "and a line a domain: domain, unit, tokens, ...  Both have all digits.\n";

enum kind { COUNT, ENTROPY, ERROR, VON_NEUMANN, PERPLEXITY, SHARE, RESIDUAL };

/* All that can be shown of a domain. */
struct shown {
    const char *name;
    struct emx_entropies e; /* with estimates in place of plug-in entropies where they were asked for */
    double shannon_error, joint_error, conditional_error, first_error;
    double von_neumann, von_neumann_error;
};

/*
 * Each is narrow enough for 80 columns.  The plain ones are COUNTS and what follows; with errors, ESTIMATES and what
 * follows from these.
 */
enum table { COUNTS = 1, FOLLOWING = 2, ESTIMATES = 4, FOLLOWING_ESTIMATES = 8, BOTH_FOLLOWING = 2 | 8 };

/* What is shown of a domain; all three formats go by this. */
struct field {
    const char *key;    /* of JSON and CSV */
    const char *header; /* of the table; NULL: not there */
    int tables;         /* in which it stands */
    enum kind kind;
    size_t at; /* in struct shown; for PERPLEXITY the entropy it comes from */
};

#define AT(member) offsetof(struct shown, member)

static const struct field fields[] = {
    {"tokens", ">TOKENS", COUNTS, COUNT, AT(e.n_tokens)},
    {"token_types", ">TYPES", COUNTS, COUNT, AT(e.n_token_types)},
    {"pairs", NULL, 0, COUNT, AT(e.n_pairs)},
    {"pair_types", ">PAIR TYPES", COUNTS, COUNT, AT(e.n_pair_types)},
    {"shannon", ">SE", COUNTS | ESTIMATES, ENTROPY, AT(e.shannon)},
    {"shannon_error", ">+-", ESTIMATES, ERROR, AT(shannon_error)},
    {"joint", ">JE", COUNTS | ESTIMATES, ENTROPY, AT(e.joint)},
    {"joint_error", ">+-", ESTIMATES, ERROR, AT(joint_error)},
    {"conditional", ">CE", COUNTS | ESTIMATES, ENTROPY, AT(e.conditional)},
    {"conditional_error", ">+-", ESTIMATES, ERROR, AT(conditional_error)},
    {"first", NULL, 0, ENTROPY, AT(e.first)},
    {"first_error", NULL, 0, ERROR, AT(first_error)},
    {"perplexity", ">EXP(SE)", BOTH_FOLLOWING, PERPLEXITY, AT(e.shannon)},
    {"conditional_perplexity", ">EXP(CE)", BOTH_FOLLOWING, PERPLEXITY, AT(e.conditional)},
    {"mutual_information", ">MI", BOTH_FOLLOWING, ENTROPY, AT(e.mutual_information)},
    {"token_coverage", ">COVERAGE", BOTH_FOLLOWING, SHARE, AT(e.token_coverage)},
    {"pair_coverage", ">OF PAIRS", BOTH_FOLLOWING, SHARE, AT(e.pair_coverage)},
    {"chain_residual", ">RESIDUAL", FOLLOWING, RESIDUAL, AT(e.chain_residual)},
    {"von_neumann", ">VNE", BOTH_FOLLOWING, VON_NEUMANN, AT(von_neumann)},
    {"von_neumann_error", ">+-", FOLLOWING_ESTIMATES, VON_NEUMANN, AT(von_neumann_error)},
};

enum { N_FIELDS = sizeof(fields) / sizeof(fields[0]) };

/* What one run shows. */
struct report {
    const struct entropy_args *args;
    const char *path;
    struct shown *domains; /* [n] */
    size_t n;
    bool estimated;       /* by an estimator that was named, or rarefied */
    bool with_errors;
    bool von_neumann;     /* a domain has one */
    double nats_per_unit; /* 1, or log 2 for bits */
};

static bool is_shown(const struct report *r, const struct field *f)
{
    return (f->kind != ERROR || r->with_errors) && (f->kind != VON_NEUMANN || r->von_neumann);
}

static uint64_t count_of(const struct shown *d, const struct field *f)
{
    return *(const uint64_t *)((const char *)d + f->at);
}

static double real_of(const struct report *r, const struct shown *d, const struct field *f)
{
    double value = *(const double *)((const char *)d + f->at);

    if (f->kind == PERPLEXITY)
        return exp(value);
    if (f->kind == ENTROPY || f->kind == ERROR || f->kind == VON_NEUMANN)
        return value / r->nats_per_unit;
    return value;
}

static void take_errors(struct shown *d, const struct emx_estimates *est)
{
    d->shannon_error = est->shannon.standard_error;
    d->joint_error = est->joint.standard_error;
    d->conditional_error = est->conditional.standard_error;
    d->first_error = est->first.standard_error;
}

/* Put estimates in the place of the plug-in entropies. */
static void take_estimates(struct shown *d, const struct emx_estimates *est)
{
    d->e.shannon = est->shannon.value;
    d->e.joint = est->joint.value;
    d->e.conditional = est->conditional.value;
    d->e.first = est->first.value;
    d->e.mutual_information = d->e.shannon - d->e.conditional;
    d->e.chain_residual = fabs(d->e.joint - d->e.first - d->e.conditional) / fmax(d->e.joint, 1);
}

/* Domains that were not measured alike have none to show beside each other. */
static enum emx_status take_von_neumann(struct report *r, struct emx_state *s, struct emx_error *err)
{
    struct emx_estimate *values = calloc(r->n + 1, sizeof(*values));
    enum emx_status status = values ? von_neumann_read(s, r->path, r->args->estimate.remove_first, true, values, err)
                                    : emx_fail(err, EMX_ERR_MEMORY, "out of memory");

    r->von_neumann = status == EMX_OK;
    if (status == EMX_ERR_ARG && !r->args->common.quiet)
        say("warning: %s: %s", r->path, err->message);
    if (status == EMX_ERR_ARG)
        status = EMX_OK;
    for (size_t i = 0; i < r->n && r->von_neumann; i++) {
        r->domains[i].von_neumann = values[i].value;
        r->domains[i].von_neumann_error = values[i].standard_error;
    }
    free(values);
    return status;
}

static enum emx_status compute(struct report *r, struct emx_state *s, struct emx_error *err)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct emx_domain *d = emx_state_domain(s, i);
        struct emx_estimates est;

        r->domains[i].name = d->name;
        emx_entropies_compute(&d->tokens, &d->pairs, &d->firsts, &r->domains[i].e);
        if (r->with_errors) {
            enum emx_status status = estimate_domain(&r->args->estimate, s, i, &est, err);

            if (status != EMX_OK)
                return status;
            take_errors(&r->domains[i], &est);
        }
        if (r->estimated)
            take_estimates(&r->domains[i], &est);
    }
    return von_neumann_any(s) ? take_von_neumann(r, s, err) : EMX_OK;
}

static void add_field(struct columns *c, const struct report *r, const struct shown *d, const struct field *f)
{
    struct human_number n;

    if (f->kind == COUNT)
        columns_cell(c, "%s", human_grouped(&n, count_of(d, f)));
    else if (isnan(real_of(r, d, f)))
        columns_cell(c, "-");
    else if (f->kind == RESIDUAL)
        columns_cell(c, "%.1e", real_of(r, d, f));
    else if (f->kind == PERPLEXITY)
        columns_cell(c, "%.2f", real_of(r, d, f));
    else
        columns_cell(c, "%.6f", real_of(r, d, f));
}

static bool print_table(const struct report *r, enum table table, FILE *out)
{
    const char *headers[1 + N_FIELDS] = {"DOMAIN"};
    size_t n = 1;
    struct columns *c;
    bool done;

    for (size_t i = 0; i < N_FIELDS; i++) {
        if ((fields[i].tables & table) && is_shown(r, &fields[i]))
            headers[n++] = fields[i].header;
    }
    c = columns_create(headers, n);
    if (!c)
        return false;
    for (size_t d = 0; d < r->n; d++) {
        columns_cell(c, "%s", r->domains[d].name);
        for (size_t i = 0; i < N_FIELDS; i++) {
            if ((fields[i].tables & table) && is_shown(r, &fields[i]))
                add_field(c, r, &r->domains[d], &fields[i]);
        }
    }
    done = columns_print(c, out);
    columns_destroy(c);
    return done;
}

static bool print_tables(const struct report *r, FILE *out)
{
    const struct estimate_args *a = &r->args->estimate;
    struct human_number n;
    bool done;

    fprintf(out, "Entropies in %s", r->args->unit);
    if (a->at_tokens)
        fprintf(out, ", as expected of %s tokens and pairs of each domain", human_grouped(&n, a->at_tokens));
    else if (r->estimated)
        fprintf(out, ", %s", a->estimator);
    fputs(".\n\n", out);
    done = print_table(r, r->estimated ? ESTIMATES : COUNTS, out);
    fputc('\n', out);
    return done && print_table(r, r->estimated ? FOLLOWING_ESTIMATES : FOLLOWING, out);
}

static json_t *domain_json(const struct report *r, const struct shown *d)
{
    json_t *j = json_object();
    bool failed = json_object_set_new(j, "name", report_json_text(d->name)) != 0;

    for (size_t i = 0; i < N_FIELDS; i++) {
        const struct field *f = &fields[i];
        json_t *value;

        if (!is_shown(r, f))
            continue;
        if (f->kind == COUNT)
            value = report_json_count(count_of(d, f));
        else
            value = isnan(real_of(r, d, f)) ? json_null() : json_real(real_of(r, d, f));
        failed |= json_object_set_new(j, f->key, value) != 0;
    }
    if (failed) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static bool print_json(const struct report *r, FILE *out)
{
    const struct estimate_args *a = &r->args->estimate;
    json_t *domains = json_array(), *j = json_pack("{s:s}", "unit", r->args->unit);
    bool failed = false;

    failed |= json_object_set_new(j, "estimator", json_string(a->estimator ? a->estimator : "plugin")) != 0;
    if (a->at_tokens)
        failed |= json_object_set_new(j, "at_tokens", report_json_count(a->at_tokens)) != 0;
    if (r->von_neumann)
        failed |= json_object_set_new(j, "first_component_removed", json_boolean(a->remove_first)) != 0;
    for (size_t i = 0; i < r->n; i++)
        failed |= json_array_append_new(domains, domain_json(r, &r->domains[i])) != 0;
    failed |= json_object_set_new(j, "domains", domains) != 0;
    return report_print_json(j, out) && !failed;
}

static void print_csv_domain(const struct report *r, const struct shown *d, FILE *out)
{
    report_csv_text(d->name, out);
    fprintf(out, ",%s", r->args->unit);
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (!is_shown(r, &fields[i]))
            continue;
        if (fields[i].kind == COUNT)
            fprintf(out, ",%" PRIu64, count_of(d, &fields[i]));
        else if (isnan(real_of(r, d, &fields[i])))
            fputc(',', out);
        else
            fprintf(out, ",%.17g", real_of(r, d, &fields[i]));
    }
    fputc('\n', out);
}

static bool print_csv(const struct report *r, FILE *out)
{
    fputs("domain,unit", out);
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (is_shown(r, &fields[i]))
            fprintf(out, ",%s", fields[i].key);
    }
    fputc('\n', out);
    for (size_t i = 0; i < r->n; i++)
        print_csv_domain(r, &r->domains[i], out);
    return true;
}

static int print(const struct report *r)
{
    struct output out;
    bool done;

    if (!output_begin(&out))
        return EXIT_FAILED;
    if (strcmp(r->args->format, "json") == 0)
        done = print_json(r, out.text);
    else if (strcmp(r->args->format, "csv") == 0)
        done = print_csv(r, out.text);
    else
        done = print_tables(r, out.text);
    return output_finish(&out, done, "-");
}

static int compute_and_print(const struct entropy_args *a, struct emx_state *s, const char *path)
{
    struct report r = {
        .args = a, .path = path, .n = emx_state_n_domains(s), .estimated = estimate_wanted(&a->estimate)};
    struct emx_error err;
    enum emx_status status;
    int code;

    r.with_errors = r.estimated || strcmp(a->format, "table") != 0;
    r.nats_per_unit = strcmp(a->unit, "bits") == 0 ? log(2) : 1;
    r.domains = calloc(r.n + 1, sizeof(*r.domains));
    status = r.domains ? compute(&r, s, &err) : emx_fail(&err, EMX_ERR_MEMORY, "out of memory");
    code = status == EMX_OK ? print(&r) : say_failed(&err);
    free(r.domains);
    return code;
}

static int run(void *args, char **operands, size_t n)
{
    const struct entropy_args *a = args;
    struct emx_state *s;
    int code = estimate_check(&a->estimate, NULL);

    if (code == EXIT_OK)
        code = report_open("entropy", operands, n, &s);
    if (code != EXIT_OK)
        return code;
    code = compute_and_print(a, s, operands[0]);
    emx_state_close(&s);
    return code;
}

static const struct entropy_args defaults = {.format = "table", .unit = "nats"};

const struct command entropy_command = {
    .name = "entropy",
    .usage = usage,
    .summary = "show the entropies of a state file's domains",
    .text = text,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
