/*
 * cmd_entropy.c - entromix entropy: the entropies of each domain of a state file
 */
#include "columns.h"
#include "commands.h"
#include "human.h"
#include "output.h"
#include "report.h"
#include "say.h"

#include <emx/entropy.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct entropy_args {
    struct common_args common;
    const char *format, *unit;
};

static bool unit_choice(size_t i, struct opt_choice *ret)
{
    static const char *const names[] = {"nats", "bits"};

    if (i >= sizeof(names) / sizeof(names[0]))
        return false;
    *ret = (struct opt_choice){names[i], NULL};
    return true;
}

#define TO(member) offsetof(struct entropy_args, member)

static const struct opt rows[] = {
    {"format", 'f', "FORMAT", "table (default), json or csv", TO(format), opt_choose, 0, 0, report_format_choice},
    {"unit", 'u', "UNIT", "of entropies: nats (default) or bits", TO(unit), opt_choose, 0, 0, unit_choice},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", rows, 0},
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
                           "\n"
                           "JSON is {\"unit\", \"domains\": [{\"name\", \"tokens\", ...}]}; CSV has a header line\n"
                           "and a line a domain: domain, unit, tokens, ...  Both have all digits.\n";

enum kind { COUNT, ENTROPY, PERPLEXITY, SHARE, RESIDUAL };

/* What is shown of a domain; all three formats go by this. */
struct field {
    const char *key;    /* of JSON and CSV */
    const char *header; /* of the table; NULL: not there */
    int table;          /* which of the two tables, both narrow enough for 80 columns */
    enum kind kind;
    size_t at; /* in struct emx_entropies; for PERPLEXITY the entropy it comes from */
};

#define AT(member) offsetof(struct emx_entropies, member)

static const struct field fields[] = {
    {"tokens", ">TOKENS", 0, COUNT, AT(n_tokens)},
    {"token_types", ">TYPES", 0, COUNT, AT(n_token_types)},
    {"pairs", NULL, 0, COUNT, AT(n_pairs)},
    {"pair_types", ">PAIR TYPES", 0, COUNT, AT(n_pair_types)},
    {"shannon", ">SE", 0, ENTROPY, AT(shannon)},
    {"joint", ">JE", 0, ENTROPY, AT(joint)},
    {"conditional", ">CE", 0, ENTROPY, AT(conditional)},
    {"first", NULL, 0, ENTROPY, AT(first)},
    {"perplexity", ">EXP(SE)", 1, PERPLEXITY, AT(shannon)},
    {"conditional_perplexity", ">EXP(CE)", 1, PERPLEXITY, AT(conditional)},
    {"mutual_information", ">MI", 1, ENTROPY, AT(mutual_information)},
    {"token_coverage", ">COVERAGE", 1, SHARE, AT(token_coverage)},
    {"pair_coverage", ">OF PAIRS", 1, SHARE, AT(pair_coverage)},
    {"chain_residual", ">RESIDUAL", 1, RESIDUAL, AT(chain_residual)},
};

enum { N_FIELDS = sizeof(fields) / sizeof(fields[0]) };

static uint64_t count_of(const struct emx_entropies *e, const struct field *f)
{
    return *(const uint64_t *)((const char *)e + f->at);
}

/* nats_per_unit: 1, or log 2 for bits. */
static double real_of(const struct emx_entropies *e, const struct field *f, double nats_per_unit)
{
    double value = *(const double *)((const char *)e + f->at);

    if (f->kind == PERPLEXITY)
        return exp(value);
    return f->kind == ENTROPY ? value / nats_per_unit : value;
}

static struct emx_entropies compute(const struct emx_domain *d)
{
    struct emx_entropies e;

    emx_entropies_compute(&d->tokens, &d->pairs, &d->firsts, &e);
    return e;
}

static void add_field(struct columns *c, const struct emx_entropies *e, const struct field *f, double nats_per_unit)
{
    struct human_number n;

    if (f->kind == COUNT)
        columns_cell(c, "%s", human_grouped(&n, count_of(e, f)));
    else if (f->kind == RESIDUAL)
        columns_cell(c, "%.1e", real_of(e, f, nats_per_unit));
    else
        columns_cell(c, "%.6f", real_of(e, f, nats_per_unit));
}

static bool print_table(const struct emx_state *s, int table, double nats_per_unit, FILE *out)
{
    const char *headers[1 + N_FIELDS] = {"DOMAIN"};
    size_t n = 1;
    struct columns *c;
    bool done;

    for (size_t i = 0; i < N_FIELDS; i++) {
        if (fields[i].header && fields[i].table == table)
            headers[n++] = fields[i].header;
    }
    c = columns_create(headers, n);
    if (!c)
        return false;
    for (size_t d = 0; d < emx_state_n_domains(s); d++) {
        struct emx_entropies e = compute(emx_state_domain(s, d));

        columns_cell(c, "%s", emx_state_domain(s, d)->name);
        for (size_t i = 0; i < N_FIELDS; i++) {
            if (fields[i].header && fields[i].table == table)
                add_field(c, &e, &fields[i], nats_per_unit);
        }
    }
    done = columns_print(c, out);
    columns_destroy(c);
    return done;
}

static bool print_tables(const struct emx_state *s, const char *unit, double nats_per_unit, FILE *out)
{
    bool done;

    fprintf(out, "Entropies in %s.\n\n", unit);
    done = print_table(s, 0, nats_per_unit, out);
    fputc('\n', out);
    return done && print_table(s, 1, nats_per_unit, out);
}

static json_t *domain_json(const struct emx_domain *d, double nats_per_unit)
{
    struct emx_entropies e = compute(d);
    json_t *j = json_object();
    bool failed = json_object_set_new(j, "name", report_json_text(d->name)) != 0;

    for (size_t i = 0; i < N_FIELDS; i++) {
        json_t *value = fields[i].kind == COUNT ? report_json_count(count_of(&e, &fields[i]))
                                                : json_real(real_of(&e, &fields[i], nats_per_unit));

        failed |= json_object_set_new(j, fields[i].key, value) != 0;
    }
    if (failed) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static bool print_json(const struct emx_state *s, const char *unit, double nats_per_unit, FILE *out)
{
    json_t *domains = json_array();
    bool failed = false;

    for (size_t i = 0; i < emx_state_n_domains(s); i++)
        failed |= json_array_append_new(domains, domain_json(emx_state_domain(s, i), nats_per_unit)) != 0;
    return report_print_json(json_pack("{s:s, s:o}", "unit", unit, "domains", domains), out) && !failed;
}

static void print_csv_domain(const struct emx_domain *d, const char *unit, double nats_per_unit, FILE *out)
{
    struct emx_entropies e = compute(d);

    report_csv_text(d->name, out);
    fprintf(out, ",%s", unit);
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (fields[i].kind == COUNT)
            fprintf(out, ",%" PRIu64, count_of(&e, &fields[i]));
        else
            fprintf(out, ",%.17g", real_of(&e, &fields[i], nats_per_unit));
    }
    fputc('\n', out);
}

static bool print_csv(const struct emx_state *s, const char *unit, double nats_per_unit, FILE *out)
{
    fputs("domain,unit", out);
    for (size_t i = 0; i < N_FIELDS; i++)
        fprintf(out, ",%s", fields[i].key);
    fputc('\n', out);
    for (size_t i = 0; i < emx_state_n_domains(s); i++)
        print_csv_domain(emx_state_domain(s, i), unit, nats_per_unit, out);
    return true;
}

static int print(const struct entropy_args *a, const struct emx_state *s)
{
    double nats_per_unit = strcmp(a->unit, "bits") == 0 ? log(2) : 1;
    struct output out;
    bool done;

    if (!output_begin(&out))
        return EXIT_FAILED;
    if (strcmp(a->format, "json") == 0)
        done = print_json(s, a->unit, nats_per_unit, out.text);
    else if (strcmp(a->format, "csv") == 0)
        done = print_csv(s, a->unit, nats_per_unit, out.text);
    else
        done = print_tables(s, a->unit, nats_per_unit, out.text);
    return output_finish(&out, done, "-");
}

static int run(void *args, char **operands, size_t n)
{
    struct emx_state *s;
    int code = report_open("entropy", operands, n, &s);

    if (code != EXIT_OK)
        return code;
    code = print(args, s);
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
