/*
 * manifest.c - the domains of a scan from a YAML file
 *
 * Follows libyaml's events with one function for each kind of node, so that nesting is what the manifest's
 * grammar allows and every error knows its place:
 *
 *     read_root -> read_defaults -> read_settings
 *               -> read_domains -> read_domain -> read_word | read_words | read_domain_keys
 */
#include "manifest.h"

#include "nearest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_BYTES = 64 << 20 };

struct manifest {
    const char *name; /* for messages */
    size_t folder;    /* bytes of name up to its last slash: what relative paths begin with */
    struct corpus *corpus;
    struct shard_args defaults;
    struct emx_error *err;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; of type YAML_NO_EVENT at first */
};

static enum emx_status fail_at(struct manifest *m, yaml_mark_t mark, const char *fmt, ...) EMX_PRINTF(3, 4);

static enum emx_status fail_at(struct manifest *m, yaml_mark_t mark, const char *fmt, ...)
{
    char cause[900];
    va_list args;

    va_start(args, fmt);
    vsnprintf(cause, sizeof(cause), fmt, args);
    va_end(args);
    return emx_fail(m->err, EMX_ERR_FORMAT, "%s:%zu:%zu: %s", m->name, mark.line + 1, mark.column + 1, cause);
}

/* An error of another function (a value, a shard) at a place in the manifest. */
static enum emx_status locate(struct manifest *m, enum emx_status status, yaml_mark_t mark, const char *cause)
{
    if (status != EMX_OK) {
        fail_at(m, mark, "%s", cause);
        m->err->status = status;
    }
    return status;
}

static enum emx_status bad_yaml(struct manifest *m)
{
    const yaml_parser_t *p = &m->parser;

    if (p->error == YAML_MEMORY_ERROR)
        return emx_fail(m->err, EMX_ERR_MEMORY, "%s: out of memory", m->name);
    if (p->error == YAML_READER_ERROR)
        return emx_fail(m->err, EMX_ERR_FORMAT, "%s: not YAML: %s at byte %zu", m->name, p->problem, p->problem_offset);
    return fail_at(m, p->problem_mark, "not YAML: %s", p->problem);
}

/* What the event carries that a manifest has no use for. */
static const char *find_ornament(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return "an alias";
    case YAML_SCALAR_EVENT:
        return e->data.scalar.anchor ? "an anchor" : e->data.scalar.tag ? "a tag" : NULL;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.anchor ? "an anchor" : e->data.sequence_start.tag ? "a tag" : NULL;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.anchor ? "an anchor" : e->data.mapping_start.tag ? "a tag" : NULL;
    default:
        return NULL;
    }
}

static enum emx_status next(struct manifest *m)
{
    const char *ornament;

    yaml_event_delete(&m->event);
    if (!yaml_parser_parse(&m->parser, &m->event))
        return bad_yaml(m);
    ornament = find_ornament(&m->event);
    if (ornament)
        return fail_at(m, m->event.start_mark, "%s, which a manifest cannot have", ornament);
    if (m->event.type == YAML_SCALAR_EVENT && strlen((char *)m->event.data.scalar.value) != m->event.data.scalar.length)
        return fail_at(m, m->event.start_mark, "a text with a NUL character");
    return EMX_OK;
}

static const char *scalar(const struct manifest *m)
{
    return (const char *)m->event.data.scalar.value;
}

static bool is_plain(const struct manifest *m)
{
    return m->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* The next key of a mapping becomes the current event; *ret_more false at the mapping's end. */
static enum emx_status next_key(struct manifest *m, bool *ret_more)
{
    enum emx_status status = next(m);

    if (status != EMX_OK)
        return status;
    if (m->event.type != YAML_SCALAR_EVENT && m->event.type != YAML_MAPPING_END_EVENT)
        return fail_at(m, m->event.start_mark, "a key is a name, not a list or a mapping");
    *ret_more = m->event.type == YAML_SCALAR_EVENT;
    return EMX_OK;
}

/* `known` is a list for the message. */
static enum emx_status unknown_key(struct manifest *m, const char *nearest, const char *known)
{
    if (nearest)
        return fail_at(m, m->event.start_mark, "unknown key '%s'; did you mean %s? Known are %s", scalar(m), nearest,
                       known);
    return fail_at(m, m->event.start_mark, "unknown key '%s'; known are %s", scalar(m), known);
}

/* The names of all settings, behind `first` (if not NULL). */
static enum emx_status unknown_setting(struct manifest *m, const char *first)
{
    struct nearest nearest;
    char known[200] = "";
    size_t len = first ? (size_t)snprintf(known, sizeof(known), "%s, ", first) : 0;

    nearest_init(&nearest, scalar(m), strlen(scalar(m)));
    if (first)
        nearest_offer(&nearest, first);
    for (const struct opt *o = shard_rows; o->name && len < sizeof(known); o++) {
        nearest_offer(&nearest, o->name);
        len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", o->name, o[1].name ? ", " : "");
    }
    return unknown_key(m, nearest.best, known);
}

/* One key that is also an option; the current event is the key. `seen`: a bit for each row. */
static enum emx_status read_setting(struct manifest *m, const struct opt *o, unsigned *seen, struct shard_args *args)
{
    unsigned bit = 1u << (o - shard_rows);
    struct emx_error cause;
    const char *kept;
    enum emx_status status;

    if (*seen & bit)
        return fail_at(m, m->event.start_mark, "key '%s' comes a second time", o->name);
    *seen |= bit;
    status = next(m);
    if (status != EMX_OK)
        return status;
    if (m->event.type != YAML_SCALAR_EVENT)
        return fail_at(m, m->event.start_mark, "%s: one value, not a list or a mapping", o->name);
    if (!is_plain(m) && (o->max > 0 || !o->argument))
        return fail_at(m, m->event.start_mark, "%s: '%s' is in quotes, where a %s stands without", o->name, scalar(m),
                       o->argument ? "number" : "true or false");
    kept = corpus_keep(m->corpus, scalar(m));
    if (!kept)
        return emx_fail(m->err, EMX_ERR_MEMORY, "out of memory");
    status = o->parse(o, kept, (char *)args + o->to, &cause);
    return status == EMX_OK ? EMX_OK : fail_at(m, m->event.start_mark, "%s: %s", o->name, cause.message);
}

static enum emx_status read_defaults(struct manifest *m)
{
    unsigned seen = 0;
    bool more;
    enum emx_status status = next(m);

    if (status == EMX_OK && m->event.type != YAML_MAPPING_START_EVENT)
        return fail_at(m, m->event.start_mark, "defaults are keys with values, as in defaults: {dtype: u16}");
    while (status == EMX_OK && (status = next_key(m, &more)) == EMX_OK && more) {
        const struct opt *o = opt_find(shard_rows, scalar(m));

        status = o ? read_setting(m, o, &seen, &m->defaults) : unknown_setting(m, NULL);
    }
    return status;
}

/* A word as it is in the manifest -> as seen from the working folder. */
static char *resolve(const struct manifest *m, const char *word)
{
    char *path;
    bool as_is = word[0] == '/' || strcmp(word, "-") == 0;

    return asprintf(&path, "%.*s%s", as_is ? 0 : (int)m->folder, m->name, word) < 0 ? NULL : path;
}

/* The current event is a scalar: shards of the domain. */
static enum emx_status read_word(struct manifest *m, struct corpus_domain *domain)
{
    struct emx_error cause;
    enum emx_status status;
    char *word;

    if (scalar(m)[0] == '\0' || (is_plain(m) && (strcmp(scalar(m), "~") == 0 || strcmp(scalar(m), "null") == 0)))
        return fail_at(m, m->event.start_mark, "domain '%s' has no shards", domain->name);
    word = resolve(m, scalar(m));
    if (!word)
        return emx_fail(m->err, EMX_ERR_MEMORY, "out of memory");
    status = corpus_find_shards(m->corpus, word, &domain->shards, &cause);
    free(word);
    return locate(m, status, m->event.start_mark, cause.message);
}

/* The current event opens a list. */
static enum emx_status read_words(struct manifest *m, struct corpus_domain *domain)
{
    enum emx_status status = next(m);

    while (status == EMX_OK && m->event.type == YAML_SCALAR_EVENT) {
        status = read_word(m, domain);
        if (status == EMX_OK)
            status = next(m);
    }
    if (status != EMX_OK)
        return status;
    if (m->event.type != YAML_SEQUENCE_END_EVENT)
        return fail_at(m, m->event.start_mark, "the shards of '%s' are words, not lists or mappings", domain->name);
    return domain->shards.n > 0 ? EMX_OK : fail_at(m, m->event.start_mark, "domain '%s' has no shards", domain->name);
}

/* The current event is the value of `shards`, or of a domain that has nothing but shards. */
static enum emx_status read_shards(struct manifest *m, struct corpus_domain *domain)
{
    if (m->event.type == YAML_SCALAR_EVENT)
        return read_word(m, domain);
    if (m->event.type == YAML_SEQUENCE_START_EVENT)
        return read_words(m, domain);
    return fail_at(m, m->event.start_mark, "shards: a word or a list of words, not a mapping");
}

static enum emx_status read_domain_key(struct manifest *m, struct corpus_domain *domain, unsigned *seen)
{
    const struct opt *o = opt_find(shard_rows, scalar(m));
    enum emx_status status;

    if (o)
        return read_setting(m, o, seen, &domain->args);
    if (strcmp(scalar(m), "shards") != 0)
        return unknown_setting(m, "shards");
    if (domain->shards.n > 0)
        return fail_at(m, m->event.start_mark, "key 'shards' comes a second time");
    status = next(m);
    return status == EMX_OK ? read_shards(m, domain) : status;
}

/* The current event opens the domain's mapping. */
static enum emx_status read_domain_keys(struct manifest *m, struct corpus_domain *domain)
{
    yaml_mark_t start = m->event.start_mark;
    unsigned seen = 0;
    enum emx_status status = EMX_OK;
    bool more;

    while (status == EMX_OK && (status = next_key(m, &more)) == EMX_OK && more)
        status = read_domain_key(m, domain, &seen);
    if (status == EMX_OK && domain->shards.n == 0)
        return fail_at(m, start, "domain '%s' has no key 'shards'", domain->name);
    return status;
}

/* The current event is the domain's name. */
static enum emx_status read_domain(struct manifest *m)
{
    struct corpus_domain *domain;
    struct emx_error cause;
    enum emx_status status;

    if (corpus_find(m->corpus, scalar(m), strlen(scalar(m))))
        return fail_at(m, m->event.start_mark, "two domains have the name '%s'", scalar(m));
    status = corpus_add(m->corpus, scalar(m), strlen(scalar(m)), &m->defaults, &domain, &cause);
    if (status != EMX_OK)
        return fail_at(m, m->event.start_mark, "%s", cause.message);
    domain->from_manifest = true;
    status = next(m);
    if (status != EMX_OK)
        return status;
    return m->event.type == YAML_MAPPING_START_EVENT ? read_domain_keys(m, domain) : read_shards(m, domain);
}

static enum emx_status read_domains(struct manifest *m)
{
    bool more;
    enum emx_status status = next(m);

    if (status == EMX_OK && m->event.type != YAML_MAPPING_START_EVENT)
        return fail_at(m, m->event.start_mark, "domains are names with shards, as in domains: {web: web/}");
    while (status == EMX_OK && (status = next_key(m, &more)) == EMX_OK && more)
        status = read_domain(m);
    if (status == EMX_OK && m->corpus->n == 0)
        return fail_at(m, m->event.start_mark, "the manifest names no domain");
    return status;
}

/* The current event is a key of the whole manifest. */
static enum emx_status read_section(struct manifest *m, bool *had_defaults, bool *had_domains)
{
    bool is_defaults = strcmp(scalar(m), "defaults") == 0;
    bool *had = is_defaults ? had_defaults : had_domains;
    struct nearest nearest;

    nearest_init(&nearest, scalar(m), strlen(scalar(m)));
    nearest_offer(&nearest, "defaults");
    nearest_offer(&nearest, "domains");
    if (!is_defaults && strcmp(scalar(m), "domains") != 0)
        return unknown_key(m, nearest.best, "defaults and domains");
    if (*had)
        return fail_at(m, m->event.start_mark, "key '%s' comes a second time", scalar(m));
    if (is_defaults && *had_domains)
        return fail_at(m, m->event.start_mark, "defaults come before domains");
    *had = true;
    return is_defaults ? read_defaults(m) : read_domains(m);
}

/* The current event opens the manifest's mapping. */
static enum emx_status read_root(struct manifest *m)
{
    bool had_defaults = false, had_domains = false, more;
    enum emx_status status = EMX_OK;

    if (m->event.type != YAML_MAPPING_START_EVENT)
        return fail_at(m, m->event.start_mark, "a manifest has the keys defaults and domains, and this is none");
    while (status == EMX_OK && (status = next_key(m, &more)) == EMX_OK && more)
        status = read_section(m, &had_defaults, &had_domains);
    if (status == EMX_OK && !had_domains)
        return emx_fail(m->err, EMX_ERR_FORMAT, "%s: the manifest has no key 'domains'", m->name);
    return status;
}

static enum emx_status read_document(struct manifest *m)
{
    enum emx_status status = next(m); /* the stream's start */

    if (status == EMX_OK)
        status = next(m);
    if (status == EMX_OK && m->event.type == YAML_STREAM_END_EVENT)
        return emx_fail(m->err, EMX_ERR_EMPTY, "%s: the manifest is empty", m->name);
    if (status == EMX_OK)
        status = next(m);
    if (status == EMX_OK)
        status = read_root(m);
    if (status == EMX_OK)
        status = next(m); /* the document's end */
    if (status == EMX_OK)
        status = next(m);
    if (status == EMX_OK && m->event.type != YAML_STREAM_END_EVENT)
        return fail_at(m, m->event.start_mark, "a second document; a manifest is one");
    return status;
}

static enum emx_status read_stream(const char *name, FILE *in, char **ret, size_t *ret_len, struct emx_error *err)
{
    char *bytes = malloc(MAX_BYTES + 1);
    size_t len;

    if (!bytes)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", name);
    len = fread(bytes, 1, MAX_BYTES + 1, in);
    if (ferror(in) || len > MAX_BYTES) {
        int errnum = errno;

        free(bytes);
        if (len > MAX_BYTES)
            return emx_fail(err, EMX_ERR_RANGE, "%s: a manifest has at most %d bytes", name, MAX_BYTES);
        return emx_fail_errno(err, EMX_ERR_IO, errnum, "cannot read %s", name);
    }
    *ret = bytes;
    *ret_len = len;
    return EMX_OK;
}

static enum emx_status read_file(const char *path, const char *name, char **ret, size_t *ret_len, struct emx_error *err)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    enum emx_status status;

    if (!in)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "cannot open %s", path);
    status = read_stream(name, in, ret, ret_len, err);
    if (in != stdin)
        fclose(in);
    return status;
}

enum emx_status manifest_parse(const char *name, const char *bytes, size_t len, const struct shard_args *args,
                               struct corpus *corpus, struct emx_error *err)
{
    struct manifest m = {.name = name, .corpus = corpus, .defaults = *args, .err = err};
    const char *slash = strrchr(name, '/');
    enum emx_status status;

    m.folder = slash ? (size_t)(slash + 1 - name) : 0;
    if (!yaml_parser_initialize(&m.parser))
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", name);
    yaml_parser_set_input_string(&m.parser, (const unsigned char *)bytes, len);
    status = read_document(&m);
    yaml_event_delete(&m.event);
    yaml_parser_delete(&m.parser);
    return status;
}

static void add_toml_hint(const char *path, struct emx_error *err)
{
    size_t len = strlen(path), used = strlen(err->message);

    if (err->status == EMX_ERR_FORMAT && len > 5 && strcmp(path + len - 5, ".toml") == 0)
        snprintf(err->message + used, sizeof(err->message) - used, " (a manifest is YAML, not TOML)");
}

enum emx_status manifest_load(const char *path, const struct shard_args *args, struct corpus *corpus,
                              struct emx_error *err)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    char *bytes = NULL;
    size_t len = 0;
    enum emx_status status = read_file(path, name, &bytes, &len, err);

    if (status != EMX_OK)
        return status;
    status = manifest_parse(name, bytes, len, args, corpus, err);
    free(bytes);
    if (status != EMX_OK)
        add_toml_hint(path, err);
    return status;
}
