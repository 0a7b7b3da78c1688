/*
 * domain_codec.h - the small sections of a domain (SHRD, SPEC, DOMN), to bytes and back
 *
 * Encoders write to a stream of stdio in memory.  Decoders believe nothing, and say in one clause what is wrong.
 */
#ifndef STATE_DOMAIN_CODEC_H
#define STATE_DOMAIN_CODEC_H

#include <emx/state.h>
#include <stdbool.h>
#include <stdio.h>

/* Ascending by (path, xxh3), as shards are stored; 0 for what may not be in one domain twice. */
int shard_compare(const struct emx_shard_record *a, const struct emx_shard_record *b);

/* Failures stay in the stream: the caller asks ferror(). */
void shards_encode(const struct emx_shard_record *shards, size_t n, FILE *to);
void spectra_encode(const struct emx_domain *d, FILE *to);
void domain_encode(const struct emx_domain *d, FILE *to);

/*
 * What must hold of a domain whatever its tables are.  Each returns NULL, or what does not hold (a static string).
 * The totals must agree with each other, with the shards' (if there are shards), and with the spectra.
 */
struct shard_sums {
    uint64_t n_tokens, n_documents, n_pairs;
};
const char *settings_check(const struct emx_domain *d);
const char *shards_check(const struct emx_shard_record *shards, size_t n, struct shard_sums *ret);
const char *totals_check(const struct emx_domain *d, const struct shard_sums *sums);

/* A domain as it is read: what `domain` points to is in the buffers. */
struct stored_domain {
    struct emx_domain domain;
    char *shard_bytes; /* [n_shard_bytes] the SHRD section */
    size_t n_shard_bytes;
    char *domain_bytes; /* [n_domain_bytes] the DOMN section */
    size_t n_domain_bytes;
    struct emx_shard_record *shards;
    uint64_t *spectra;      /* all counts and types */
    char *covariance_bytes; /* the head of the COVR section, or NULL */
    struct emx_covariance covariance;
};

void stored_domain_finish(struct stored_domain *d);

/*
 * Decode SHRD and DOMN from the buffers that d holds, and SPEC from `spectra`; then all checks above.  Returns
 * NULL, or what is wrong (a static string); *ret_memory says that it is only memory that lacks.
 */
const char *stored_domain_decode(struct stored_domain *d, const unsigned char *spectra, size_t n_spectra,
                                 bool *ret_memory);

#endif
