/*
 * cmd_compare.c - entromix compare: how much the domains of a state file are alike
 */
#include "commands.h"
#include "fields.h"
#include "human.h"
#include "output.h"
#include "report.h"
#include "say.h"

#include <emx/compare.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct compare_args {
    struct common_args common;
    const char *format, *unit, *smoothing;
    double amount; /* 0: none was given */
    uint32_t n_threads;
};

static const struct opt_choice smoothings[] = {
    [EMX_SMOOTHING_NONE] = {"none", "(default) infinite where the model lacks what it codes"},
    [EMX_SMOOTHING_ADDITIVE] = {"additive", "AMOUNT (0.5) added to every count"},
    [EMX_SMOOTHING_UNION] = {"union", "Jelinek-Mercer: AMOUNT (0.1) of both domains' shares mixed in"},
};

enum { N_SMOOTHINGS = sizeof(smoothings) / sizeof(smoothings[0]) };

static const double default_amounts[N_SMOOTHINGS] = {
    [EMX_SMOOTHING_ADDITIVE] = 0.5,
    [EMX_SMOOTHING_UNION] = 0.1,
};

static bool smoothing_choice(size_t i, struct opt_choice *ret)
{
    if (i >= N_SMOOTHINGS)
        return false;
    *ret = smoothings[i];
    return true;
}

static enum emx_status parse_amount(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    enum emx_status status = opt_real(o, text, to, err);

    if (status == EMX_OK && !(*(double *)to > 0))
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not above 0", text);
    return status;
}

#define TO(member) offsetof(struct compare_args, member)

static const struct opt rows[] = {
    {"format", 'f', "FORMAT", "table (default), json or csv", TO(format), opt_choose, 0, 0, report_format_choice},
    {"unit", 'u', "UNIT", "of entropies: nats (default) or bits", TO(unit), opt_choose, 0, 0, report_unit_choice},
    {"smoothing", 's', "SMOOTHING", "of the model that a domain is coded with, see below", TO(smoothing), opt_choose, 0,
     0, smoothing_choice},
    {"amount", 'a', "AMOUNT", "how much of it", TO(amount), parse_amount, 0, 0, NULL},
    {"threads", 'j', "N", "threads (default: the processors it may use)", TO(n_threads), opt_u32, 1, 65536, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", rows, 0},
    {"Other", common_rows, TO(common)},
    {NULL, NULL, 0},
};

static const char *const usage[] = {"[OPTION]... STATE", NULL};

static const char text[] = "Show how much the domains of a state file are alike, each with each other:\n"
                           "\n"
                           "  TOKENS     Jensen-Shannon divergence of tokens: 0 for equal distributions,\n"
                           "             log 2 (1 bit) where nothing is shared\n"
                           "  PAIRS      the same of pairs of adjacent tokens\n"
                           "  NEXT       what of it is beyond that of first tokens: of the next token,\n"
                           "             given a token that both domains may have\n"
                           "  SHARED     sum of min(p, q) over pairs: the share of either that the other\n"
                           "             could stand for; near 1 for near-duplicates\n"
                           "  OF FIRST   the share of the first domain's pairs that are of a kind which the\n"
                           "  OF SECOND  second has, too, and the same of the second's\n"
                           "\n"
                           "The nearest domains, by PAIRS, come first.  With --smoothing a second table\n"
                           "has cross-entropies, the cost of a domain coded with the model of another, and\n"
                           "KL, the Kullback-Leibler divergence: what of that is due to the wrong model.\n"
                           "Without smoothing both are mostly infinite.\n"
                           "\n"
                           "JSON and CSV have, for each domain and each other in order of name, p coded\n"
                           "with q: cross, kl and jensen of tokens, pairs and conditional (the next token),\n"
                           "and of tokens and pairs: types in common, their share of all (jaccard), their\n"
                           "mass in p and in q, and the shared mass.  What is infinite or undefined is null\n"
                           "in JSON, inf or nan in CSV.\n";

#define AT(member) offsetof(struct emx_comparison, member)
#define DIVERGENCE(name)                                                                                               \
    {#name "_cross", NULL, 0, FIELD_ENTROPY, AT(name.cross), 0},                                                       \
        {#name "_kl", NULL, 0, FIELD_ENTROPY, AT(name.kl), 0},                                                         \
    {                                                                                                                  \
#name "_jensen", NULL, 0, FIELD_ENTROPY, AT(name.jensen), 0                                                    \
    }
#define OVERLAP(prefix, name)                                                                                          \
    {prefix "_types", NULL, 0, FIELD_COUNT, AT(name.types), 0},                                                        \
        {prefix "_jaccard", NULL, 0, FIELD_REAL, AT(name.jaccard), 0},                                                 \
        {prefix "_mass_p", NULL, 0, FIELD_REAL, AT(name.mass_of_p), 0},                                                \
        {prefix "_mass_q", NULL, 0, FIELD_REAL, AT(name.mass_of_q), 0},                                                \
    {                                                                                                                  \
        prefix "_shared_mass", NULL, 0, FIELD_REAL, AT(name.shared_mass), 0                                            \
    }

/* What is shown of two domains in JSON and CSV. */
static const struct field shown_fields[] = {
    DIVERGENCE(tokens),
    DIVERGENCE(pairs),
    DIVERGENCE(conditional),
    OVERLAP("token", token_overlap),
    OVERLAP("pair", pair_overlap),
};

enum { N_FIELDS = sizeof(shown_fields) / sizeof(shown_fields[0]) };

/* What one run shows. */
struct report {
    const struct compare_args *args;
    const struct emx_state *state;
    struct emx_compare_options options;
    struct emx_comparison *of; /* [n][n] */
    size_t n;
    double nats_per_unit;
    struct fields fields;
};

static const char *name_of(const struct report *r, size_t i)
{
    return emx_state_domain(r->state, i)->name;
}

/* Two domains, the first before the second. */
struct two {
    size_t a, b;
    double distance;
};

static int nearest_first(const void *x, const void *y)
{
    const struct two *s = x, *t = y;

    if (s->distance != t->distance && !isnan(s->distance) && !isnan(t->distance))
        return s->distance < t->distance ? -1 : 1;
    if (isnan(s->distance) != isnan(t->distance))
        return isnan(s->distance) ? 1 : -1;
    if (s->a != t->a)
        return s->a < t->a ? -1 : 1;
    return (s->b > t->b) - (s->b < t->b);
}

static struct two *sort_twos(const struct report *r, size_t *ret_n)
{
    struct two *twos = calloc(r->n * r->n / 2 + 1, sizeof(*twos));
    size_t n = 0;

    for (size_t a = 0; a < r->n && twos; a++) {
        for (size_t b = a + 1; b < r->n; b++)
            twos[n++] = (struct two){a, b, r->of[a * r->n + b].pairs.jensen};
    }
    if (twos)
        qsort(twos, n, sizeof(*twos), nearest_first);
    *ret_n = n;
    return twos;
}

static bool print_likeness(const struct report *r, const struct two *twos, size_t n, FILE *out)
{
    static const char *const headers[] = {"FIRST", "SECOND",  ">TOKENS",   ">PAIRS",
                                          ">NEXT", ">SHARED", ">OF FIRST", ">OF SECOND"};
    struct columns *c = columns_create(headers, sizeof(headers) / sizeof(headers[0]));
    bool done;

    for (size_t i = 0; i < n && c; i++) {
        const struct emx_comparison *of = &r->of[twos[i].a * r->n + twos[i].b];

        columns_cell(c, "%s", name_of(r, twos[i].a));
        columns_cell(c, "%s", name_of(r, twos[i].b));
        columns_cell(c, "%.4f", of->tokens.jensen / r->nats_per_unit);
        columns_cell(c, "%.4f", of->pairs.jensen / r->nats_per_unit);
        columns_cell(c, "%.4f", of->conditional.jensen / r->nats_per_unit);
        columns_cell(c, "%.4f", of->pair_overlap.shared_mass);
        columns_cell(c, "%.4f", of->pair_overlap.mass_of_p);
        columns_cell(c, "%.4f", of->pair_overlap.mass_of_q);
    }
    done = c && columns_print(c, out);
    columns_destroy(c);
    return done;
}

static void add_costs(const struct report *r, struct columns *c, size_t p, size_t q)
{
    const struct emx_comparison *of = &r->of[p * r->n + q];
    const struct emx_divergence *const all[] = {&of->tokens, &of->pairs, &of->conditional};

    columns_cell(c, "%s", name_of(r, p));
    columns_cell(c, "%s", name_of(r, q));
    for (size_t i = 0; i < 3; i++) {
        columns_cell(c, "%.4f", all[i]->cross / r->nats_per_unit);
        columns_cell(c, "%.4f", all[i]->kl / r->nats_per_unit);
    }
}

static bool print_costs(const struct report *r, const struct two *twos, size_t n, FILE *out)
{
    static const char *const headers[] = {"OF", "WITH", ">TOKENS", ">KL", ">PAIRS", ">KL", ">NEXT", ">KL"};
    struct columns *c = columns_create(headers, sizeof(headers) / sizeof(headers[0]));
    bool done;

    for (size_t i = 0; i < n && c; i++) {
        add_costs(r, c, twos[i].a, twos[i].b);
        add_costs(r, c, twos[i].b, twos[i].a);
    }
    done = c && columns_print(c, out);
    columns_destroy(c);
    return done;
}

static bool print_tables(const struct report *r, FILE *out)
{
    size_t n;
    struct two *twos = sort_twos(r, &n);
    bool done = false;

    fprintf(out, "Jensen-Shannon divergences in %s, shares of pairs; the nearest domains first.\n\n", r->args->unit);
    if (twos)
        done = print_likeness(r, twos, n, out);
    if (done && r->options.smoothing != EMX_SMOOTHING_NONE) {
        fprintf(out, "\nCross-entropies and KL in %s, smoothing %s, %g.\n\n", r->args->unit, r->args->smoothing,
                r->options.amount);
        done = print_costs(r, twos, n, out);
    }
    free(twos);
    return done;
}

static json_t *comparison_json(const struct report *r, size_t p, size_t q)
{
    json_t *j = json_object();
    bool failed = json_object_set_new(j, "p", report_json_text(name_of(r, p))) != 0;

    failed |= json_object_set_new(j, "q", report_json_text(name_of(r, q))) != 0;
    failed |= !fields_json(&r->fields, &r->of[p * r->n + q], j);
    if (failed) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static bool print_json(const struct report *r, FILE *out)
{
    bool smoothed = r->options.smoothing != EMX_SMOOTHING_NONE, failed = false;
    json_t *list = json_array();

    for (size_t p = 0; p < r->n; p++) {
        for (size_t q = 0; q < r->n; q++) {
            if (p != q)
                failed |= json_array_append_new(list, comparison_json(r, p, q)) != 0;
        }
    }
    return report_print_json(json_pack("{s:s, s:s, s:o, s:o}", "unit", r->args->unit, "smoothing", r->args->smoothing,
                                       "amount", smoothed ? json_real(r->options.amount) : json_null(), "comparisons",
                                       list),
                             out) &&
           !failed;
}

static void print_csv_line(const struct report *r, size_t p, size_t q, FILE *out)
{
    report_csv_text(name_of(r, p), out);
    fputc(',', out);
    report_csv_text(name_of(r, q), out);
    fprintf(out, ",%s", r->args->unit);
    fields_csv(&r->fields, &r->of[p * r->n + q], out);
    fputc('\n', out);
}

static bool print_csv(const struct report *r, FILE *out)
{
    fputs("p,q,unit", out);
    fields_csv_header(&r->fields, out);
    fputc('\n', out);
    for (size_t p = 0; p < r->n; p++) {
        for (size_t q = 0; q < r->n; q++) {
            if (p != q)
                print_csv_line(r, p, q, out);
        }
    }
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

static struct emx_compare_options options_of(const struct compare_args *a)
{
    struct emx_compare_options o = {.amount = a->amount, .n_threads = a->n_threads};

    for (size_t i = 0; i < N_SMOOTHINGS; i++) {
        if (strcmp(smoothings[i].name, a->smoothing) == 0)
            o.smoothing = (enum emx_smoothing)i;
    }
    if (!(o.amount > 0))
        o.amount = default_amounts[o.smoothing];
    return o;
}

static int compare_and_print(const struct compare_args *a, struct emx_state *s)
{
    struct report r = {.args = a, .state = s, .options = options_of(a), .n = emx_state_n_domains(s)};
    struct emx_error err;
    enum emx_status status;
    int code;

    r.nats_per_unit = fields_nats_per_unit(a->unit);
    r.fields = (struct fields){
        .field = shown_fields, .n = N_FIELDS, .nats_per_unit = r.nats_per_unit, .spells_infinity = true};
    r.of = calloc(r.n, r.n * sizeof(*r.of) + 1);
    status = r.of ? emx_compare(s, &r.options, r.of, &err) : emx_fail(&err, EMX_ERR_MEMORY, "out of memory");
    code = status == EMX_OK ? print(&r) : say_failed(&err);
    free(r.of);
    return code;
}

static int run(void *args, char **operands, size_t n)
{
    const struct compare_args *a = args;
    struct emx_state *s;
    int code;

    if (a->amount > 0 && strcmp(a->smoothing, "none") == 0)
        return say_usage("--amount is of a --smoothing, but none was chosen");
    if (a->amount > 1 && strcmp(a->smoothing, "union") == 0)
        return say_usage("--amount: %g is above 1, but it is the union's share", a->amount);
    code = report_open("compare", operands, n, &s);
    if (code != EXIT_OK)
        return code;
    code = compare_and_print(a, s);
    emx_state_close(&s);
    return code;
}

static const struct compare_args defaults = {.format = "table", .unit = "nats", .smoothing = "none"};

const struct command compare_command = {
    .name = "compare",
    .usage = usage,
    .summary = "compare the domains of a state file with each other",
    .text = text,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
