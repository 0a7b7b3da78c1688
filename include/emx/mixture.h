/*
 * mixture.h - a mixture of domains, written as the file that a trainer reads
 *
 * Each consumer is one entry of a table: emx_mixture_formats().  What one unit of weight
 * counts differs between consumers: most draw training sequences, so the weight is a share
 * of tokens; some draw documents, and for these the proportions are converted with the mean document
 * length (emx_weights_per_document()).
 */
#ifndef EMX_MIXTURE_H
#define EMX_MIXTURE_H

#include <emx/state.h>
#include <emx/weights.h>

/* One domain of a mixture.  Strings are borrowed. */
struct emx_mixture_domain {
    const char *name;
    double proportion;                /* share of tokens, >= 0 */
    double entropy;                   /* nats, the proxy that the proportion came from; NAN if none */
    const struct emx_domain *counted; /* what was scanned; NULL if unknown (no shards to name) */
    double proportion_error;          /* standard errors of both; NAN if not known */
    double entropy_error;
};

struct emx_mixture {
    const struct emx_mixture_domain *domains; /* [n_domains] */
    size_t n_domains;
    const char *proxy;                  /* "shannon", "joint", "conditional", "von-neumann", or NULL */
    struct emx_weights_options options; /* how proportions came from entropies; provenance */
    const char *source;                 /* the state file's name, for provenance; NULL if none */
    /*
     * How consumers that name data by path or prefix should name a domain: "{domain}" is replaced by its
     * name.  NULL: the paths that were scanned where their format is the consumer's own (Megatron prefixes
     * for Megatron, folders for MDS, ...), else the domain's name.
     */
    const char *path_template;
    const char *estimator;        /* of the entropies, as emx_estimator_name(); NULL: the plug-in; provenance */
    uint64_t at_tokens;           /* to which they were rarefied; 0: not; provenance */
    bool first_component_removed; /* from von Neumann entropies; provenance */
};

struct emx_mixture_format {
    const char *name;                            /* as in --to */
    const char *summary;                         /* one line for --help: consumer and syntax */
    bool per_document;                           /* the weights in the file are document probabilities */
    const struct emx_mixture_consumer *consumer; /* the library's own */
};

/* The table of consumers; *ret_n entries, static storage. */
EMX_API const struct emx_mixture_format *emx_mixture_formats(size_t *ret_n);

/*
 * Write the mixture for consumer `format` into a string the caller frees with free().
 *
 * Proportions must be finite, >= 0 and sum to 1 within 1e-9.  The numbers in the text sum to exactly 1 as decimals:
 * each is the shortest decimal that reads back as the same double (17 significant digits at most), except the
 * largest, which is 1 - sum of the others.  All have a '.', none an exponent, whatever the locale.
 * Domains of proportion 0 are left out where the consumer refuses them.  A domain whose shards lie in several
 * places that the consumer names apart (Megatron prefixes, folders) is split between them by their tokens.
 *
 * *ret_note (may be NULL as an argument) is set to sentences the user should read (for example that
 * prefixes are domain names because shards were not Megatron's), or to NULL; free() it.
 *
 * EMX_ERR_ARG  for an unknown format, names that are empty, alike, longer than 255 bytes or not UTF-8, or a mixture
 *              that the consumer cannot express (a path with a space in a Megatron word list, a prefix that reads as
 *              a number, two domains in one folder, a domain without documents for a per-document consumer);
 * EMX_ERR_EMPTY if there is no domain.
 */
EMX_API EMX_CHECKED enum emx_status emx_mixture_format_string(const struct emx_mixture *m, const char *format,
                                                              char **ret_text, char **ret_note, struct emx_error *err);

/*
 * Read a mixture: what emx_mixture_format_string() writes as json or csv, a JSON object of numbers ({"web": 0.75,
 * "code": 0.25}), or CSV with the columns domain and proportion.  Its domains are those given, in any order, and its
 * proportions sum to 1 within 1e-6.  Writes ret_proportion[n_domains] in the order given.
 *
 * EMX_ERR_IO, EMX_ERR_FORMAT, EMX_ERR_RANGE, EMX_ERR_MEMORY; err names the file and the domain or row.
 */
EMX_API EMX_CHECKED enum emx_status emx_mixture_read(const char *path, const char *const *domains, size_t n_domains,
                                                     double *ret_proportion, struct emx_error *err);

#endif
