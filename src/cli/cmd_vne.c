/*
 * cmd_vne.c - entromix vne: von Neumann entropies of a state file's domains, by a second pass over the shards
 */
#include "commands.h"
#include "fields.h"
#include "output.h"
#include "report.h"
#include "say.h"
#include "vectors.h"

#include <emx/vne_set.h>

#include <string.h>

struct vne_args {
    struct common_args common;
    struct vector_args vectors;
    const char *weighting, *column, *output, *format, *unit;
    uint64_t n_documents;
    uint32_t dimension, seed, n_threads;
    bool precise, show, remove_first;
};

/* --- options ------------------------------------------------------------------------------------------------- */

static bool weighting_choice(size_t i, struct opt_choice *ret)
{
    if (i > EMX_VNE_WEIGHTING_IDF)
        return false;
    *ret = (struct opt_choice){emx_vne_weighting_name((enum emx_vne_weighting)i), NULL};
    return true;
}

#define TO(member) offsetof(struct vne_args, member)

static const struct opt count_rows[] = {
    {"dimension", 0, "N", "of vectors made from the pairs that were counted, where no file is given (default: 128)",
     TO(dimension), opt_u32, 1, EMX_MAX_DIMENSION, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt document_rows[] = {
    {"documents", 'n', "N", "to take of each domain; K, M may follow; 'all'; (default: 10K)", TO(n_documents),
     vectors_parse_documents, 1, INT64_MAX, NULL},
    {"seed", 0, "N", "another one takes other documents (default: 0)", TO(seed), opt_u32, 0, UINT32_MAX, NULL},
    {"weighting", 0, "HOW", "of a document's tokens: none (default); sif or idf, which count frequent tokens less",
     TO(weighting), opt_choose, 0, 0, weighting_choice},
    {"precise", 0, NULL, "entropies to 1e-10 nats instead of 1e-6; takes longer and more memory", TO(precise), opt_flag,
     0, 0, NULL},
    {"column", 0, "NAME", "token column of JSONL and MDS shards (default: the usual names)", TO(column), opt_text, 0, 0,
     NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt output_rows[] = {
    {"output", 'o', "FILE", "write the state with these sums in it, for entropy, weights and plan; may be STATE",
     TO(output), opt_text, 0, 0, NULL},
    {"show", 0, NULL, "what the state has of an earlier vne -o or scan --embeddings; nothing is read again", TO(show),
     opt_flag, 0, 0, NULL},
    {"remove-first-component", 0, NULL, "what is left without the direction that documents share most",
     TO(remove_first), opt_flag, 0, 0, NULL},
    {"format", 'f', "FORMAT", "table (default), json or csv", TO(format), opt_choose, 0, 0, report_format_choice},
    {"unit", 'u', "UNIT", "of entropies: nats (default) or bits", TO(unit), opt_choose, 0, 0, report_unit_choice},
    {"threads", 'j', "N", "threads (default: one for each processor)", TO(n_threads), opt_u32, 1, 4096, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Vectors of tokens", vector_rows, TO(vectors)},
    {"Vectors from counts", count_rows, 0},
    {"Documents", document_rows, 0},
    {"Results", output_rows, 0},
    {"Other", common_rows, TO(common)},
    {NULL, NULL, 0},
};

static const char *const usage[] = {"[OPTION]... STATE", "--show [OPTION]... STATE", NULL};

static const char text[] = "Show how many directions the documents of each domain point in.\n"
                           "\n"
                           "A document is the sum of its tokens' vectors, as a unit vector v.  The entropy\n"
                           "is that of the eigenvalues l of the mean of v v^T: - sum l log l.  The shards\n"
                           "that the state names are read again, from the folder the scan was started in.\n"
                           "\n"
                           "  table           JSON and CSV     meaning\n"
                           "  DOCUMENTS       documents        documents with a direction\n"
                           "  VNE             von_neumann      von Neumann entropy\n"
                           "  EXP(VNE)        vendi            Vendi score: as so many documents at right\n"
                           "                                   angles\n"
                           "  RANK            effective_rank   of the matrix of documents (Roy and Vetterli)\n"
                           "                  von_neumann_error   its standard error, at most\n"
                           "                  participation    1 / sum l^2\n"
                           "  TOP             top_share        the largest l\n"
                           "  TOP 10          top10_share      the ten largest l\n"
                           "  NO VECTOR       tokens, tokens_without_vector   share of tokens\n"
                           "                  documents_left_out   without a direction, not in the matrix\n"
                           "                  eigenvalues      only JSON\n";

/* --- what is shown ----------------------------------------------------------------------------------------- */

/* A domain, and what is not in the set. */
struct shown {
    struct emx_vne_domain domain;
    double error;
};

#define AT(member) offsetof(struct shown, member)

static const struct field shown_fields[] = {
    {"documents", ">DOCUMENTS", 1, FIELD_COUNT, AT(domain.n_documents), 0},
    {"documents_left_out", NULL, 0, FIELD_COUNT, AT(domain.n_left_out), 0},
    {"tokens", NULL, 0, FIELD_COUNT, AT(domain.n_tokens), 0},
    {"tokens_without_vector", NULL, 0, FIELD_COUNT, AT(domain.n_tokens_without_vector), 0},
    {"von_neumann", ">VNE", 1, FIELD_ENTROPY, AT(domain.vne.entropy), 0},
    {"von_neumann_error", NULL, 0, FIELD_ENTROPY, AT(error), 0},
    {"vendi", ">EXP(VNE)", 1, FIELD_REAL, AT(domain.vne.vendi), 0},
    {"effective_rank", ">RANK", 1, FIELD_REAL, AT(domain.vne.effective_rank), 0},
    {"participation", NULL, 0, FIELD_REAL, AT(domain.vne.participation), 0},
    {"top_share", ">TOP", 1, FIELD_REAL, AT(domain.vne.top_share), 0},
    {"top10_share", ">TOP 10", 1, FIELD_REAL, AT(domain.vne.top10_share), 0},
};

enum { N_FIELDS = sizeof(shown_fields) / sizeof(shown_fields[0]) };

static struct fields fields_of(const struct vne_args *a)
{
    return (struct fields){
        .field = shown_fields, .n = N_FIELDS, .nats_per_unit = fields_nats_per_unit(a->unit), .decimals = 4};
}

static struct shown show_domain(const struct emx_vne_domain *d)
{
    return (struct shown){*d, emx_vne_error(&d->vne, d->n_documents)};
}

static void add_row(struct columns *c, const struct fields *f, const struct emx_vne_domain *d)
{
    const struct shown shown = show_domain(d);

    columns_cell(c, "%s", d->name);
    fields_cells(f, 1, &shown, c);
    columns_cell(c, "%.2f%%", d->n_tokens ? 100 * (double)d->n_tokens_without_vector / (double)d->n_tokens : 0);
}

static bool print_table(const struct vne_args *a, const struct emx_vne_set *set, FILE *out)
{
    const struct fields f = fields_of(a);
    const char *headers[2 + N_FIELDS] = {"DOMAIN"};
    size_t n = 1 + fields_headers(&f, 1, headers + 1);
    struct columns *c;
    bool done;

    headers[n++] = ">NO VECTOR";
    c = columns_create(headers, n);
    for (size_t i = 0; c && i < set->n_domains; i++)
        add_row(c, &f, &set->domains[i]);
    fprintf(out, "Entropies in %s; vectors of %zu dimensions from %s, weighting %s%s%s.\n\n", a->unit, set->dimension,
            set->source[0] ? set->source : "a program", set->weighting, set->precise ? ", precise" : "",
            a->remove_first ? ", first component removed" : "");
    done = c && columns_print(c, out);
    columns_destroy(c);
    return done;
}

static bool print_csv(const struct vne_args *a, const struct emx_vne_set *set, FILE *out)
{
    const struct fields f = fields_of(a);

    fputs("domain,unit", out);
    fields_csv_header(&f, out);
    fputc('\n', out);
    for (size_t d = 0; d < set->n_domains; d++) {
        const struct shown shown = show_domain(&set->domains[d]);

        report_csv_text(shown.domain.name, out);
        fprintf(out, ",%s", a->unit);
        fields_csv(&f, &shown, out);
        fputc('\n', out);
    }
    return true;
}

static json_t *spectrum_json(const struct emx_vne_set *set, const struct emx_vne_domain *d)
{
    json_t *j = json_array();
    bool failed = false;

    for (size_t i = 0; i < set->dimension; i++)
        failed |= json_array_append_new(j, json_real(d->eigenvalues[i])) != 0;
    if (!failed)
        return j;
    json_decref(j);
    return NULL;
}

static json_t *domain_json(const struct vne_args *a, const struct emx_vne_set *set, const struct emx_vne_domain *d)
{
    const struct fields f = fields_of(a);
    const struct shown shown = show_domain(d);
    json_t *j = json_object();
    bool failed = json_object_set_new(j, "name", report_json_text(d->name)) != 0;

    failed |= !fields_json(&f, &shown, j);
    failed |= json_object_set_new(j, "eigenvalues", spectrum_json(set, d)) != 0;
    if (!failed)
        return j;
    json_decref(j);
    return NULL;
}

static bool print_json(const struct vne_args *a, const struct emx_vne_set *set, FILE *out)
{
    json_t *domains = json_array();

    for (size_t i = 0; i < set->n_domains; i++)
        json_array_append_new(domains, domain_json(a, set, &set->domains[i]));
    if (json_array_size(domains) < set->n_domains) {
        json_decref(domains);
        return false;
    }
    return report_print_json(json_pack("{s:s, s:b, s:i, s:o, s:s, s:b, s:I, s:I, s:o}", "unit", a->unit,
                                       "first_component_removed", a->remove_first, "dimension", (int)set->dimension,
                                       "source", report_json_text(set->source), "weighting", set->weighting, "precise",
                                       set->precise, "documents_requested", (json_int_t)set->n_requested, "seed",
                                       (json_int_t)set->seed, "domains", domains),
                             out);
}

static int print(const struct vne_args *a, const struct emx_vne_set *set)
{
    struct output out;
    bool whole;

    if (!output_begin(&out))
        return EXIT_FAILED;
    if (strcmp(a->format, "json") == 0)
        whole = print_json(a, set, out.text);
    else
        whole = strcmp(a->format, "csv") == 0 ? print_csv(a, set, out.text) : print_table(a, set, out.text);
    return output_finish(&out, whole, "-");
}

/* --- measuring ------------------------------------------------------------------------------------------------ */

static uint32_t n_tokens_of(const struct emx_state *s)
{
    uint32_t n = 0;

    for (size_t i = 0; i < emx_state_n_domains(s); i++) {
        const struct emx_domain *d = emx_state_domain(s, i);

        if (d->n_tokens && d->max_token >= n)
            n = d->max_token + 1;
    }
    return n;
}

static enum emx_status open_vectors(const struct vne_args *a, struct emx_state *s, struct emx_embeddings **ret,
                                    struct emx_error *err)
{
    if (!a->vectors.embeddings)
        return emx_embeddings_from_counts(s, a->dimension, 0, ret, err);
    return vectors_open(&a->vectors, n_tokens_of(s), ret, err);
}

static enum emx_status measure(const struct vne_args *a, struct emx_state *s, struct emx_vne_set **ret,
                               struct emx_error *err)
{
    struct emx_vne_options o = {.n_documents = a->n_documents,
                                .seed = a->seed,
                                .precise = a->precise,
                                .n_threads = a->n_threads,
                                .column = a->column,
                                .source = a->vectors.embeddings ? a->vectors.embeddings : "counts"};
    struct emx_embeddings *e = NULL;
    enum emx_status status = open_vectors(a, s, &e, err);

    if (strcmp(a->weighting, "sif") == 0)
        o.weighting = EMX_VNE_WEIGHTING_SIF;
    else if (strcmp(a->weighting, "idf") == 0)
        o.weighting = EMX_VNE_WEIGHTING_IDF;
    if (!status)
        status = emx_vne_measure(s, e, &o, ret, err);
    emx_embeddings_close(&e);
    return status;
}

static enum emx_status show(const struct vne_args *a, const char *path, struct emx_state *s, struct emx_vne_set **ret,
                            struct emx_error *err)
{
    enum emx_status status = emx_vne_set_read(s, a->n_threads, ret, err);

    if (status == EMX_OK && (*ret)->n_domains == 0)
        status = emx_fail(err, EMX_ERR_EMPTY,
                          "%s: has no sums over documents, which vne -o or scan --embeddings puts "
                          "there",
                          path);
    return status;
}

static void remove_first_components(struct emx_vne_set *set)
{
    for (size_t i = 0; i < set->n_domains; i++)
        emx_vne_without_first(set->domains[i].eigenvalues, set->dimension, &set->domains[i].vne);
}

static int measure_and_print(const struct vne_args *a, const char *path)
{
    struct emx_state *s = NULL;
    struct emx_vne_set *set = NULL;
    struct emx_error err;
    enum emx_status status = emx_state_open(path, &s, &err);
    int code;

    if (status == EMX_OK)
        status = a->show ? show(a, path, s, &set, &err) : measure(a, s, &set, &err);
    if (status == EMX_OK && a->output)
        status = emx_vne_set_write(set, s, a->output, &err);
    if (status == EMX_OK && a->remove_first)
        remove_first_components(set);
    code = status == EMX_OK ? print(a, set) : say_failed(&err);
    emx_vne_set_destroy(&set);
    emx_state_close(&s);
    return code;
}

static int run(void *args, char **operands, size_t n)
{
    const struct vne_args *a = args;

    if (n != 1)
        return say_usage("vne takes one state file, but %zu files are named", n);
    if (a->output && a->show)
        return say_usage("--show reads what a state has, so there is nothing to write with -o");
    if (a->output && strcmp(a->output, "-") == 0)
        return say_usage("-o: the results go to standard output, so the file needs a name");
    if (a->precise && a->show)
        return say_usage("--show reads what a state has, precise or not: --precise is for measuring");
    if (vectors_check(&a->vectors) != EXIT_OK)
        return EXIT_USAGE;
    return measure_and_print(a, operands[0]);
}

static const struct vne_args defaults = {
    .weighting = "none",
    .format = "table",
    .unit = "nats",
    .n_documents = 10000,
    .dimension = 128,
};

const struct command vne_command = {
    .name = "vne",
    .usage = usage,
    .summary = "measure the spectral diversity of each domain's documents",
    .text = text,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
