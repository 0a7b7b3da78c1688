#include "scan/domain.h"

#include <stdlib.h>

enum {
    MOST_FIRST_LINES_LOG2 = 15, /* 2 MiB: what a text of some million tokens needs anyway */
    LEAST_LINES_LOG2 = 6,
};

void domain_init(struct domain *d, const struct emx_scan_domain *given, const struct placement *placement,
                 struct regions *regions)
{
    *d = (struct domain){.given = given,
                         .settings = given->settings,
                         .placement = placement,
                         .regions = regions,
                         .vocabulary = given->settings.vocabulary ? given->settings.vocabulary : EMX_MAX_VOCABULARY,
                         .n_shards = given->n_shards};
    pthread_mutex_init(&d->mutex, NULL);
    tally_init(&d->tails);
}

void domain_release_tables(struct domain *d)
{
    struct domain_table *tables;
    size_t n;

    pthread_mutex_lock(&d->mutex); /* progress may be looking at them */
    tables = d->tables;
    n = d->n_tables;
    for (size_t i = 0; i < n; i++)
        d->n_released += table_n_used(tables[i].table);
    d->tables = NULL;
    d->n_tables = 0;
    pthread_mutex_unlock(&d->mutex);
    for (size_t i = 0; i < n; i++)
        table_destroy(&tables[i].table);
    free(tables);
}

enum emx_status domain_allow_taking_back(struct domain *d, struct emx_error *err)
{
    d->taken_back = malloc(sizeof(*d->taken_back));
    if (!d->taken_back)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for domain '%s'", d->given->name);
    domain_init(d->taken_back, d->given, d->placement, d->regions);
    return EMX_OK;
}

void domain_finish(struct domain *d)
{
    domain_release_tables(d);
    if (d->taken_back)
        domain_finish(d->taken_back);
    free(d->taken_back);
    for (size_t i = 0; i < d->n_runs; i++)
        run_finish(&d->runs[i]);
    free(d->runs);
    tally_finish(&d->tails);
    pthread_mutex_destroy(&d->mutex);
}

static struct domain_table *find_own(struct domain *d, unsigned thread, struct pair_key key)
{
    for (size_t i = 0; i < d->n_tables; i++) {
        if (d->tables[i].owner == thread && table_key(d->tables[i].table).bits == key.bits)
            return &d->tables[i];
    }
    return NULL;
}

/* The first table that any thread began, or any of this thread's memory domain. */
static struct domain_table *find_other(struct domain *d, unsigned thread, struct pair_key key, bool near)
{
    unsigned here = placement_domain(d->placement, thread);

    for (size_t i = 0; i < d->n_tables; i++) {
        struct domain_table *t = &d->tables[i];

        if (table_key(t->table).bits == key.bits && (!near || placement_domain(d->placement, t->owner) == here))
            return t;
    }
    return NULL;
}

static enum emx_status begin_table(struct domain *d, unsigned thread, struct pair_key key, uint64_t n_expected,
                                   struct domain_table **ret, struct emx_error *err)
{
    struct domain_table *larger = realloc(d->tables, (d->n_tables + 1) * sizeof(*larger));
    unsigned lines_log2 = LEAST_LINES_LOG2;
    enum emx_status status;

    if (!larger)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a pair table");
    d->tables = larger;
    while (lines_log2 < MOST_FIRST_LINES_LOG2 && (uint64_t)LINE_WORDS << lines_log2 < n_expected)
        lines_log2++;
    larger[d->n_tables] = (struct domain_table){.owner = thread};
    do /* a small one, where there is no room for more */
        status = table_create(key, lines_log2, &d->regions[placement_node(d->placement, thread)],
                              &larger[d->n_tables].table, err);
    while (status == EMX_ERR_MEMORY && lines_log2-- > LEAST_LINES_LOG2);
    if (!status)
        *ret = &larger[d->n_tables++];
    return status;
}

/* Is less than this part of the budget left, also without what is unused? */
static bool is_left_less(struct regions *r, unsigned part)
{
    if (budget_left(r->budget) < r->budget->limit / part)
        regions_trim(r);
    return budget_left(r->budget) < r->budget->limit / part;
}

/* A table that is there already, if this thread should not begin one. */
static struct domain_table *find_table(struct domain *d, unsigned thread, struct pair_key key)
{
    struct domain_table *found = find_own(d, thread, key);

    if (!found && is_left_less(d->regions, 2))
        found = find_other(d, thread, key, true);
    if (!found && is_left_less(d->regions, 4))
        found = find_other(d, thread, key, false);
    if (found && found->owner != thread)
        found->joined = true;
    return found;
}

enum emx_status domain_table(struct domain *d, unsigned thread, struct pair_key key, uint64_t n_expected,
                             struct table **ret, bool *ret_alone, struct emx_error *err)
{
    struct domain_table *found;
    enum emx_status status = EMX_OK;

    pthread_mutex_lock(&d->mutex);
    found = find_table(d, thread, key);
    if (!found)
        status = begin_table(d, thread, key, n_expected, &found, err);
    if (!status) {
        *ret = found->table;
        *ret_alone = !found->joined;
    }
    pthread_mutex_unlock(&d->mutex);
    return status;
}

enum emx_status domain_agree_on_eod(struct domain *d, bool eod_first, const char *path, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (d->settings.eod == EMX_NO_TOKEN || d->given->settings.eod_first)
        return EMX_OK; /* nothing to agree on, or the user has said it for all */
    pthread_mutex_lock(&d->mutex);
    if (d->eod_order_known && d->settings.eod_first != eod_first)
        status = emx_fail(err, EMX_ERR_ARG,
                          "%s: domain '%s' mixes shards whose EOD token opens a document (llm.c) with shards whose EOD "
                          "token ends one: give them to two domains",
                          path, d->given->name);
    if (!d->eod_order_known) /* later calls only read: threads that count look at it without the mutex */
        d->settings.eod_first = eod_first;
    d->eod_order_known = true;
    pthread_mutex_unlock(&d->mutex);
    return status;
}

struct drop_rule domain_drop_rule(struct domain *d)
{
    struct drop_rule rule = {ROWS_DROP_NONE, d->settings.eod, &d->tails};

    if (d->settings.pairs == EMX_PAIRS_WITHIN_DOCUMENT && d->settings.eod != EMX_NO_TOKEN)
        rule.drop = d->settings.eod_first ? ROWS_DROP_BEFORE : ROWS_DROP_AFTER;
    return rule;
}

void domain_count_spilled(struct domain *d, struct table *t)
{
    pthread_mutex_lock(&d->mutex);
    d->n_released += table_n_used(t);
    pthread_mutex_unlock(&d->mutex);
}

uint64_t domain_n_pair_types(struct domain *d)
{
    uint64_t n;

    pthread_mutex_lock(&d->mutex);
    n = d->n_released;
    for (size_t i = 0; i < d->n_tables; i++)
        n += table_n_used(d->tables[i].table);
    pthread_mutex_unlock(&d->mutex);
    return n;
}

bool domain_was_taken_back(const struct domain *d)
{
    const struct domain *minus = d->taken_back;

    return minus && (minus->n_tables || minus->n_runs || minus->tails.n);
}
