/*
 * corpus.h - the domains that are to be scanned, as the command line and a manifest describe them
 *
 *     corpus = {0} -> corpus_add_operand(), manifest_load() -> corpus_view() -> emx_scan() -> corpus_finish()
 */
#ifndef CLI_CORPUS_H
#define CLI_CORPUS_H

#include "opt.h"

#include <emx/scan.h>
#include <emx/shards.h>

/* What can be said of shards: on the command line for all, in a manifest also for one domain. */
struct shard_args {
    const char *format, *dtype, *column; /* NULL: nothing was said */
    uint32_t eod;                        /* or EMX_NO_TOKEN */
    bool eod_first;
    uint32_t vocabulary; /* 0: none declared */
    struct pairs_args {
        enum emx_pairs_mode mode;
        uint32_t window;
    } pairs;
    uint64_t sample_tokens; /* 0: all */
};

#define SHARD_ARGS_DEFAULTS                                                                                            \
    {                                                                                                                  \
        .eod = EMX_NO_TOKEN                                                                                            \
    }

/* The same rows are options and manifest keys. */
extern const struct opt shard_rows[];

struct corpus_domain {
    char *name;
    bool from_manifest;
    struct shard_args args;
    struct emx_shard_list shards;
};

struct corpus {
    struct corpus_domain *domains; /* [n] in the order in which they were named */
    size_t n, cap;
    bool keeps_missing; /* a word that names nothing becomes a shard, which the scan will find to be missing */
    char **kept;        /* [n_kept] strings that args point into */
    size_t n_kept;
    struct emx_scan_domain *view;
};

/* Is it the name of a state file, NAME.emx? */
bool corpus_names_state(const char *operand);

void corpus_finish(struct corpus *c);

/* The domain of that name, or NULL.  Valid until the next is added. */
struct corpus_domain *corpus_find(const struct corpus *c, const char *name, size_t len);

/*
 * A new domain without shards.  EMX_ERR_ARG if the name is empty, or has '=', '/' or a control character.
 */
EMX_CHECKED enum emx_status corpus_add(struct corpus *c, const char *name, size_t len, const struct shard_args *args,
                                       struct corpus_domain **ret, struct emx_error *err);

/*
 * An operand DOMAIN=WORD: the shards of WORD join the domain.  EMX_ERR_ARG if it is not of that form, or the domain
 * is the manifest's; and what emx_shards_find() can return.
 */
EMX_CHECKED enum emx_status corpus_add_operand(struct corpus *c, const char *operand, const struct shard_args *args,
                                               struct emx_error *err);

/* Append to the list the shards that the word names; as emx_shards_find(), but see keeps_missing. */
EMX_CHECKED enum emx_status corpus_find_shards(const struct corpus *c, const char *word, struct emx_shard_list *list,
                                               struct emx_error *err);

/* A copy of s that lives as long as the corpus; NULL: no memory. */
const char *corpus_keep(struct corpus *c, const char *s);

/* How often standard input is named as a shard. */
size_t corpus_n_stdin(const struct corpus *c);

/* The domains as the library takes them: [n], valid until the corpus changes; NULL: no memory. */
const struct emx_scan_domain *corpus_view(struct corpus *c);

#endif
