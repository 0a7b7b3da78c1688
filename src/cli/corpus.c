/*
 * corpus.c - the domains that are to be scanned
 */
#include "corpus.h"

#include <stdlib.h>
#include <string.h>

static enum emx_status no_memory(struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
}

bool corpus_names_state(const char *operand)
{
    size_t len = strlen(operand);

    return len > 4 && strcmp(operand + len - 4, ".emx") == 0;
}

void corpus_finish(struct corpus *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->domains[i].name);
        emx_shard_list_finish(&c->domains[i].shards);
    }
    for (size_t i = 0; i < c->n_kept; i++)
        free(c->kept[i]);
    free(c->domains);
    free(c->kept);
    free(c->view);
    *c = (struct corpus){0};
}

struct corpus_domain *corpus_find(const struct corpus *c, const char *name, size_t len)
{
    for (size_t i = 0; i < c->n; i++) {
        if (strncmp(c->domains[i].name, name, len) == 0 && c->domains[i].name[len] == '\0')
            return &c->domains[i];
    }
    return NULL;
}

static bool is_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '=' || name[i] == '/' || (unsigned char)name[i] < 0x20 || name[i] == 0x7F)
            return false;
    }
    return len > 0;
}

static bool reserve_domain(struct corpus *c)
{
    size_t cap = c->cap ? 2 * c->cap : 16;
    struct corpus_domain *grown;

    if (c->n < c->cap)
        return true;
    grown = reallocarray(c->domains, cap, sizeof(*grown));
    if (!grown)
        return false;
    c->domains = grown;
    c->cap = cap;
    return true;
}

enum emx_status corpus_add(struct corpus *c, const char *name, size_t len, const struct shard_args *args,
                           struct corpus_domain **ret, struct emx_error *err)
{
    char *copy;

    if (!is_name(name, len))
        return emx_fail(err, EMX_ERR_ARG, "'%.*s' cannot name a domain: a name is not empty and has no '=' or '/'",
                        (int)len, name);
    if (!reserve_domain(c) || !(copy = strndup(name, len)))
        return no_memory(err);
    *ret = &c->domains[c->n++];
    **ret = (struct corpus_domain){.name = copy, .args = *args};
    return EMX_OK;
}

enum emx_status corpus_find_shards(const struct corpus *c, const char *word, struct emx_shard_list *list,
                                   struct emx_error *err)
{
    enum emx_status status = emx_shards_find(word, list, err);

    if (status == EMX_ERR_IO && c->keeps_missing && !strpbrk(word, "*?["))
        status = emx_shard_list_add(list, word, err);
    return status;
}

enum emx_status corpus_add_operand(struct corpus *c, const char *operand, const struct shard_args *args,
                                   struct emx_error *err)
{
    size_t len = strcspn(operand, "=/");
    struct corpus_domain *domain = corpus_find(c, operand, len);
    enum emx_status status = EMX_OK;

    if (operand[len] != '=')
        return emx_fail(err, EMX_ERR_ARG, "'%s' names no domain; write DOMAIN=WORD, as in web='%s'", operand, operand);
    if (operand[len + 1] == '\0')
        return emx_fail(err, EMX_ERR_ARG, "'%s' names no shards; write DOMAIN=WORD, as in %sdata/", operand, operand);
    if (domain && domain->from_manifest)
        return emx_fail(err, EMX_ERR_ARG, "'%s': the manifest has a domain of that name already", operand);
    if (!domain)
        status = corpus_add(c, operand, len, args, &domain, err);
    return status == EMX_OK ? corpus_find_shards(c, operand + len + 1, &domain->shards, err) : status;
}

const char *corpus_keep(struct corpus *c, const char *s)
{
    char **grown = reallocarray(c->kept, c->n_kept + 1, sizeof(*grown));
    char *copy;

    if (!grown)
        return NULL;
    c->kept = grown;
    copy = strdup(s);
    if (copy)
        grown[c->n_kept++] = copy;
    return copy;
}

size_t corpus_n_stdin(const struct corpus *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++) {
        for (size_t j = 0; j < c->domains[i].shards.n; j++)
            n += strcmp(c->domains[i].shards.paths[j], "-") == 0;
    }
    return n;
}

static struct emx_scan_domain view_domain(const struct corpus_domain *d)
{
    const struct shard_args *a = &d->args;

    return (struct emx_scan_domain){
        .name = d->name,
        .shards = (const char *const *)d->shards.paths,
        .n_shards = d->shards.n,
        .format = a->format,
        .dtype = a->dtype,
        .column = a->column,
        .settings = {.pairs = a->pairs.mode,
                     .window = a->pairs.window,
                     .eod = a->eod,
                     .eod_first = a->eod_first,
                     .vocabulary = a->vocabulary,
                     .sample_tokens = a->sample_tokens},
    };
}

const struct emx_scan_domain *corpus_view(struct corpus *c)
{
    free(c->view);
    c->view = calloc(c->n + 1, sizeof(*c->view));
    for (size_t i = 0; c->view && i < c->n; i++)
        c->view[i] = view_domain(&c->domains[i]);
    return c->view;
}
