/*
 * cmd_entropy.c - entromix entropy: the entropies of each domain of a state file
 */
#include "commands.h"
#include "estimate.h"
#include "fields.h"
#include "human.h"
#include "output.h"
#include "report.h"
#include "say.h"
#include "von_neumann.h"

#include <emx/entropy.h>

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

/* What some reports have not. */
enum condition { OF_ERRORS = 1, OF_VON_NEUMANN = 2 };

#define AT(member) offsetof(struct shown, member)

static const struct field shown_fields[] = {
    {"tokens", ">TOKENS", COUNTS, FIELD_COUNT, AT(e.n_tokens), 0},
    {"token_types", ">TYPES", COUNTS, FIELD_COUNT, AT(e.n_token_types), 0},
    {"pairs", NULL, 0, FIELD_COUNT, AT(e.n_pairs), 0},
    {"pair_types", ">PAIR TYPES", COUNTS, FIELD_COUNT, AT(e.n_pair_types), 0},
    {"shannon", ">SE", COUNTS | ESTIMATES, FIELD_ENTROPY, AT(e.shannon), 0},
    {"shannon_error", ">+-", ESTIMATES, FIELD_ENTROPY, AT(shannon_error), OF_ERRORS},
    {"joint", ">JE", COUNTS | ESTIMATES, FIELD_ENTROPY, AT(e.joint), 0},
    {"joint_error", ">+-", ESTIMATES, FIELD_ENTROPY, AT(joint_error), OF_ERRORS},
    {"conditional", ">CE", COUNTS | ESTIMATES, FIELD_ENTROPY, AT(e.conditional), 0},
    {"conditional_error", ">+-", ESTIMATES, FIELD_ENTROPY, AT(conditional_error), OF_ERRORS},
    {"first", NULL, 0, FIELD_ENTROPY, AT(e.first), 0},
    {"first_error", NULL, 0, FIELD_ENTROPY, AT(first_error), OF_ERRORS},
    {"perplexity", ">EXP(SE)", BOTH_FOLLOWING, FIELD_PERPLEXITY, AT(e.shannon), 0},
    {"conditional_perplexity", ">EXP(CE)", BOTH_FOLLOWING, FIELD_PERPLEXITY, AT(e.conditional), 0},
    {"mutual_information", ">MI", BOTH_FOLLOWING, FIELD_ENTROPY, AT(e.mutual_information), 0},
    {"token_coverage", ">COVERAGE", BOTH_FOLLOWING, FIELD_REAL, AT(e.token_coverage), 0},
    {"pair_coverage", ">OF PAIRS", BOTH_FOLLOWING, FIELD_REAL, AT(e.pair_coverage), 0},
    {"chain_residual", ">RESIDUAL", FOLLOWING, FIELD_TINY, AT(e.chain_residual), 0},
    {"von_neumann", ">VNE", BOTH_FOLLOWING, FIELD_ENTROPY, AT(von_neumann), OF_VON_NEUMANN},
    {"von_neumann_error", ">+-", FOLLOWING_ESTIMATES, FIELD_ENTROPY, AT(von_neumann_error), OF_VON_NEUMANN},
};

enum { N_FIELDS = sizeof(shown_fields) / sizeof(shown_fields[0]) };

/* What one run shows. */
struct report {
    const struct entropy_args *args;
    const char *path;
    struct shown *domains; /* [n] */
    size_t n;
    bool estimated; /* by an estimator that was named, or rarefied */
    bool with_errors;
    bool von_neumann; /* a domain has one */
    struct fields fields;
};

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

static bool print_table(const struct report *r, enum table table, FILE *out)
{
    const char *headers[1 + N_FIELDS] = {"DOMAIN"};
    struct columns *c = columns_create(headers, 1 + fields_headers(&r->fields, table, headers + 1));
    bool done;

    if (!c)
        return false;
    for (size_t d = 0; d < r->n; d++) {
        columns_cell(c, "%s", r->domains[d].name);
        fields_cells(&r->fields, table, &r->domains[d], c);
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

    failed |= !fields_json(&r->fields, d, j);
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

static bool print_csv(const struct report *r, FILE *out)
{
    fputs("domain,unit", out);
    fields_csv_header(&r->fields, out);
    fputc('\n', out);
    for (size_t i = 0; i < r->n; i++) {
        report_csv_text(r->domains[i].name, out);
        fprintf(out, ",%s", r->args->unit);
        fields_csv(&r->fields, &r->domains[i], out);
        fputc('\n', out);
    }
    return true;
}

static int print(struct report *r)
{
    struct output out;
    bool done;

    r->fields = (struct fields){
        .field = shown_fields,
        .n = N_FIELDS,
        .hidden = (r->with_errors ? 0 : OF_ERRORS) | (r->von_neumann ? 0 : OF_VON_NEUMANN),
        .nats_per_unit = fields_nats_per_unit(r->args->unit),
        .decimals = 6,
    };
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
