/*
 * scanning.h - a scan, as scan and mix do it: options, progress, signals
 */
#ifndef CLI_SCANNING_H
#define CLI_SCANNING_H

#include "corpus.h"
#include "vectors.h"

struct scanning_args {
    const char *manifest;
    struct shard_args shards;
    struct vector_args vectors; /* no file: documents are not summed up */
    uint64_t vne_documents;     /* 0: all */
    uint32_t vne_seed;
    const char *vne_weights; /* a state file; NULL: tokens are not weighted */
    bool vne_precise;
    uint32_t n_threads;
    uint64_t memory_bytes;
    const char *tmpdir;
    const char *checkpoint; /* NULL: none */
    double checkpoint_seconds;
    bool resume;
    bool no_bind;
    struct part_args {
        uint32_t index, count; /* count 0: all */
    } part;
    const char *on_error;
    uint64_t max_bad; /* 0: no limit */
    const char *progress;
};

/* The defaults of an initializer. */
#define SCANNING_ARGS_DEFAULTS                                                                                         \
    {                                                                                                                  \
        .shards = SHARD_ARGS_DEFAULTS, .on_error = "fail", .progress = "auto"                                          \
    }

/* Options about work, and about documents; those about shards are shard_rows, of the member `shards`, those about
 * vectors vector_rows, of `vectors`. */
extern const struct opt scanning_rows[], scanning_document_rows[];
extern const struct opt checkpoint_rows[];

/*
 * Scan what manifest and operands (DOMAIN=WORD) name into the state file `output`, with the other processes of the
 * cluster (NULL: alone), of which rank 0 talks to the user.  Returns the exit code; the file is there if it is EXIT_OK
 * or EXIT_SKIPPED.
 */
int scanning_run(const struct scanning_args *a, const struct common_args *common, char **operands, size_t n,
                 const char *output, struct emx_cluster *cluster);

#endif
