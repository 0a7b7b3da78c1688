/*
 * header.c - finds columns by their names
 *
 * Columns of a wide table are known by patterns as "weight_{domain}".  Of the usual patterns the first that any column
 * has is taken.  A loss of a domain that has no proportion is refused, since it is more often a name that
 * is spelled in two ways than one that is meant to be left out.
 */
#include "observations/header.h"

#include "observations/real.h"
#include "util/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char placeholder[] = "{domain}";

static const char *const step_names[] = {"step", "steps", "n_steps", "tokens", "n_tokens", NULL};
static const char *const proportion_names[] = {"proportion", "weight", NULL};
static const char *const proportion_patterns[] = {"proportion_{domain}", "weight_{domain}", "train_{domain}", NULL};
static const char *const loss_patterns[] = {"{domain}_loss", "loss_{domain}", NULL};

struct search {
    const char *path;
    const struct emx_observations_options *options;
    struct header *h;
    struct emx_error *err;
};

static enum emx_status no_memory(struct search *s)
{
    return emx_fail(s->err, EMX_ERR_MEMORY, "%s: out of memory", s->path);
}

static bool is_ignored(const struct search *s, const char *name)
{
    for (size_t i = 0; i < s->options->n_ignored; i++) {
        if (strcmp(s->options->ignored[i], name) == 0)
            return true;
    }
    return false;
}

static size_t find_exact(const struct search *s, const char *name, size_t len)
{
    for (size_t i = 0; i < s->h->n; i++) {
        if (strlen(s->h->names[i]) == len && memcmp(s->h->names[i], name, len) == 0)
            return i;
    }
    return NO_COLUMN;
}

static size_t find(const struct search *s, const char *name)
{
    return is_ignored(s, name) ? NO_COLUMN : find_exact(s, name, strlen(name));
}

static size_t find_first(const struct search *s, const char *const *names)
{
    size_t column = NO_COLUMN;

    for (size_t i = 0; names[i] && column == NO_COLUMN; i++)
        column = find(s, names[i]);
    return column;
}

/* A column that an option names. */
static enum emx_status find_named(struct search *s, const char *option, const char *name, size_t len, size_t *ret)
{
    *ret = find_exact(s, name, len);
    if (*ret == NO_COLUMN)
        return emx_fail(s->err, EMX_ERR_ARG, "%s: row 1: there is no column '%.*s', which %s names", s->path, (int)len,
                        name, option);
    return EMX_OK;
}

/* The part of a column's name that stands for {domain}; false if the name is not of the pattern. */
static bool match(const char *pattern, const char *name, const char **ret, size_t *ret_len)
{
    const char *hole = strstr(pattern, placeholder), *end = hole + sizeof(placeholder) - 1;
    size_t before = (size_t)(hole - pattern), after = strlen(end), len = strlen(name);

    if (len <= before + after || memcmp(name, pattern, before) != 0 || strcmp(name + len - after, end) != 0)
        return false;
    *ret = name + before;
    *ret_len = len - before - after;
    return true;
}

static size_t next_match(const struct search *s, const char *pattern, size_t from, const char **ret, size_t *ret_len)
{
    while (from < s->h->n && (is_ignored(s, s->h->names[from]) || !match(pattern, s->h->names[from], ret, ret_len)))
        from++;
    return from;
}

static enum emx_status choose_pattern(struct search *s, const char *option, const char *given, const char *const *usual,
                                      const char **ret)
{
    const char *const *known = usual;
    const char *name;
    size_t len;

    if (given && !strstr(given, placeholder))
        return emx_fail(s->err, EMX_ERR_ARG, "%s: '%s' has no {domain} in it", option, given);
    if (given) {
        *ret = given;
        return EMX_OK;
    }
    for (; *usual; usual++) {
        *ret = *usual;
        if (next_match(s, *usual, 0, &name, &len) < s->h->n)
            return EMX_OK;
    }
    return emx_fail(
        s->err, EMX_ERR_FORMAT,
        "%s: row 1: no column is named like %s or %s (%s names others), and there is no column 'domain' of a "
        "long table",
        s->path, known[0], known[1], option);
}

static struct header_domain *find_domain(const struct header *h, const char *name, size_t len)
{
    for (size_t i = 0; i < h->n_domains; i++) {
        if (strlen(h->domains[i].name) == len && memcmp(h->domains[i].name, name, len) == 0)
            return &h->domains[i];
    }
    return NULL;
}

const char *header_name_fault(const char *name)
{
    if (*name == '\0')
        return "is empty";
    if (strlen(name) > DOMAIN_NAME_MAX)
        return "is longer than 255 bytes";
    for (const char *p = name; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            return "has a control character";
    }
    return utf8_is_valid(name) ? NULL : "is not UTF-8";
}

static enum emx_status check_domain(struct search *s, const char *name)
{
    const char *fault = header_name_fault(name);

    if (fault)
        return emx_fail(s->err, EMX_ERR_FORMAT, "%s: row 1: the name of a domain %s", s->path, fault);
    if (find_domain(s->h, name, strlen(name)))
        return emx_fail(s->err, EMX_ERR_ARG, "%s: row 1: domain '%s' is named twice", s->path, name);
    if (s->h->n_domains == CSV_FIELDS_MAX)
        return emx_fail(s->err, EMX_ERR_ARG, "%s: row 1: more than 4096 domains are named", s->path);
    return EMX_OK;
}

static enum emx_status add_domain(struct search *s, const char *name, size_t len, size_t proportion, size_t loss)
{
    char *copy = strndup(name, len);
    enum emx_status status = copy ? check_domain(s, copy) : no_memory(s);

    if (status == EMX_OK)
        s->h->domains[s->h->n_domains++] = (struct header_domain){copy, proportion, loss};
    else
        free(copy);
    return status;
}

/* The column of a domain by a pattern, or NO_COLUMN. */
static size_t find_by_pattern(const struct search *s, const char *pattern, const char *domain)
{
    const char *name;
    size_t len, i = next_match(s, pattern, 0, &name, &len);

    while (i < s->h->n && (strlen(domain) != len || memcmp(domain, name, len) != 0))
        i = next_match(s, pattern, i + 1, &name, &len);
    return i < s->h->n ? i : NO_COLUMN;
}

/* The domains that the caller named. */
static enum emx_status take_named(struct search *s, const char *pattern)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < s->options->n_domains && status == EMX_OK; i++) {
        const char *name = s->options->domains[i];
        size_t column = find_by_pattern(s, pattern, name);

        if (column == NO_COLUMN)
            return emx_fail(s->err, EMX_ERR_ARG, "%s: row 1: domain '%s' has no column named like %s", s->path, name,
                            pattern);
        status = add_domain(s, name, strlen(name), column, NO_COLUMN);
    }
    return status;
}

static enum emx_status take_all(struct search *s, const char *pattern)
{
    enum emx_status status = EMX_OK;
    const char *name;
    size_t len;

    for (size_t i = next_match(s, pattern, 0, &name, &len); i < s->h->n && status == EMX_OK;
         i = next_match(s, pattern, i + 1, &name, &len))
        status = add_domain(s, name, len, i, NO_COLUMN);
    if (status == EMX_OK && s->h->n_domains == 0)
        return emx_fail(s->err, EMX_ERR_FORMAT, "%s: row 1: no column is named like %s", s->path, pattern);
    return status;
}

static enum emx_status take_losses(struct search *s, const char *pattern)
{
    const char *name;
    size_t len;

    for (size_t i = next_match(s, pattern, 0, &name, &len); i < s->h->n;
         i = next_match(s, pattern, i + 1, &name, &len)) {
        struct header_domain *d = find_domain(s->h, name, len);

        if (d)
            d->loss = i;
        else if (s->options->n_domains == 0)
            return emx_fail(s->err, EMX_ERR_FORMAT,
                            "%s: row 1, column '%s': a loss of '%.*s', which has no proportion; --ignore '%s' leaves "
                            "it out",
                            s->path, s->h->names[i], (int)len, name, s->h->names[i]);
    }
    return EMX_OK;
}

static enum emx_status read_patterns(struct search *s)
{
    const char *proportion = NULL, *loss = NULL;
    enum emx_status status =
        choose_pattern(s, "--proportion-columns", s->options->proportion_pattern, proportion_patterns, &proportion);

    if (status == EMX_OK)
        status = choose_pattern(s, "--loss-columns", s->options->loss_pattern, loss_patterns, &loss);
    if (status == EMX_OK)
        status = s->options->n_domains > 0 ? take_named(s, proportion) : take_all(s, proportion);
    return status == EMX_OK ? take_losses(s, loss) : status;
}

/* One "DOMAIN=PROPORTION:LOSS". */
static enum emx_status read_mapping(struct search *s, const char *word)
{
    const char *equal = strchr(word, '='), *colon = equal ? strrchr(equal, ':') : NULL;
    size_t proportion = NO_COLUMN, loss = NO_COLUMN;
    enum emx_status status;

    if (!equal)
        return emx_fail(s->err, EMX_ERR_ARG, "--map: '%s' is not DOMAIN=PROPORTION:LOSS", word);
    status = find_named(s, "--map", equal + 1, colon ? (size_t)(colon - equal - 1) : strlen(equal + 1), &proportion);
    if (status == EMX_OK && colon)
        status = find_named(s, "--map", colon + 1, strlen(colon + 1), &loss);
    return status == EMX_OK ? add_domain(s, word, (size_t)(equal - word), proportion, loss) : status;
}

static enum emx_status check_scored(struct search *s)
{
    for (size_t i = 0; i < s->h->n_domains; i++) {
        if (s->h->domains[i].loss != NO_COLUMN)
            return EMX_OK;
    }
    return emx_fail(s->err, EMX_ERR_FORMAT, "%s: row 1: no domain has a column of losses", s->path);
}

static enum emx_status read_wide(struct search *s)
{
    enum emx_status status = EMX_OK;

    s->h->domains = calloc(CSV_FIELDS_MAX, sizeof(*s->h->domains));
    if (!s->h->domains)
        return no_memory(s);
    if (s->options->n_columns > 0 && s->options->n_domains > 0)
        return emx_fail(s->err, EMX_ERR_ARG, "--domain and --map both say which domains there are");
    if (s->options->n_columns == 0)
        status = read_patterns(s);
    for (size_t i = 0; i < s->options->n_columns && status == EMX_OK; i++)
        status = read_mapping(s, s->options->columns[i]);
    return status == EMX_OK ? check_scored(s) : status;
}

static enum emx_status read_long(struct search *s)
{
    struct header *h = s->h;

    if (s->options->n_columns > 0 || s->options->proportion_pattern || s->options->loss_pattern)
        return emx_fail(s->err, EMX_ERR_ARG,
                        "%s: row 1: is a long table (it has a column 'domain'), but options name columns of a wide "
                        "one",
                        s->path);
    h->proportion = find_first(s, proportion_names);
    h->loss = find(s, "loss");
    if (h->run == NO_COLUMN)
        return emx_fail(s->err, EMX_ERR_FORMAT,
                        "%s: row 1: a long table needs a column 'run' (--run-column names another)", s->path);
    if (h->proportion == NO_COLUMN || h->loss == NO_COLUMN)
        return emx_fail(s->err, EMX_ERR_FORMAT, "%s: row 1: a long table needs the columns 'proportion' and 'loss'",
                        s->path);
    return EMX_OK;
}

static enum emx_status find_step_and_run(struct search *s)
{
    const struct emx_observations_options *o = s->options;
    enum emx_status status = EMX_OK;

    s->h->step = find_first(s, step_names);
    s->h->run = find(s, "run");
    if (o->step_column)
        status = find_named(s, "--step-column", o->step_column, strlen(o->step_column), &s->h->step);
    if (status == EMX_OK && o->run_column)
        status = find_named(s, "--run-column", o->run_column, strlen(o->run_column), &s->h->run);
    if (status == EMX_OK && s->h->step == NO_COLUMN)
        status = emx_fail(
            s->err, EMX_ERR_FORMAT,
            "%s: row 1: no column is named step, steps, n_steps, tokens or n_tokens; --step-column names another",
            s->path);
    return status;
}

static enum emx_status read_filters(struct search *s, locale_t plain)
{
    struct header *h = s->h;
    enum emx_status status = EMX_OK;

    h->filters = calloc(s->options->n_where + 1, sizeof(*h->filters));
    if (!h->filters)
        return no_memory(s);
    for (size_t i = 0; i < s->options->n_where && status == EMX_OK; i++) {
        const char *word = s->options->where[i], *equal = strchr(word, '=');
        struct header_filter *f = &h->filters[h->n_filters++];

        if (!equal)
            return emx_fail(s->err, EMX_ERR_ARG, "--where: '%s' is not COLUMN=VALUE", word);
        status = find_named(s, "--where", word, (size_t)(equal - word), &f->column);
        f->value = equal + 1;
        f->is_number = real_parse(f->value, plain, &f->number) == REAL_NUMBER;
    }
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Two columns of one name could each be meant.  Unnamed ones (an index that a program wrote) are never looked for. */
static enum emx_status check_unique(struct search *s)
{
    char **sorted = calloc(s->h->n, sizeof(*sorted));
    enum emx_status status = EMX_OK;

    if (!sorted)
        return no_memory(s);
    memcpy(sorted, s->h->names, s->h->n * sizeof(*sorted));
    qsort(sorted, s->h->n, sizeof(*sorted), compare_names);
    for (size_t i = 1; i < s->h->n && status == EMX_OK; i++) {
        if (sorted[i][0] && strcmp(sorted[i], sorted[i - 1]) == 0 && !is_ignored(s, sorted[i]))
            status = emx_fail(s->err, EMX_ERR_FORMAT, "%s: row 1: two columns are named '%s'", s->path, sorted[i]);
    }
    free(sorted);
    return status;
}

static enum emx_status copy_names(struct search *s, const struct csv_row *row)
{
    s->h->names = calloc(row->n, sizeof(*s->h->names));
    if (!s->h->names)
        return no_memory(s);
    for (; s->h->n < row->n; s->h->n++) {
        s->h->names[s->h->n] = strdup(row->fields[s->h->n]);
        if (!s->h->names[s->h->n])
            return no_memory(s);
    }
    return EMX_OK;
}

static enum emx_status check_ignored(struct search *s)
{
    enum emx_status status = EMX_OK;
    size_t column;

    for (size_t i = 0; i < s->options->n_ignored && status == EMX_OK; i++)
        status = find_named(s, "--ignore", s->options->ignored[i], strlen(s->options->ignored[i]), &column);
    return status;
}

enum emx_status header_read(const char *path, const struct csv_row *row, const struct emx_observations_options *options,
                            locale_t plain, struct header *h, struct emx_error *err)
{
    struct search s = {path, options, h, err};
    enum emx_status status = copy_names(&s, row);

    if (status == EMX_OK)
        status = check_ignored(&s);
    if (status == EMX_OK)
        status = check_unique(&s);
    if (status == EMX_OK)
        status = find_step_and_run(&s);
    if (status == EMX_OK)
        status = read_filters(&s, plain);
    if (status != EMX_OK)
        return status;
    h->domain = find(&s, "domain");
    h->is_long = h->domain != NO_COLUMN;
    return h->is_long ? read_long(&s) : read_wide(&s);
}

void header_finish(struct header *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->names[i]);
    for (size_t i = 0; i < h->n_domains; i++)
        free(h->domains[i].name);
    free(h->names);
    free(h->domains);
    free(h->filters);
}
