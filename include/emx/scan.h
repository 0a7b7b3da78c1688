/*
 * scan.h - the main job: shards of several domains in, one state file out
 *
 * One streaming pass: read, decompress, convert and count overlap on a fixed number of threads
 * and buffers; see src/scan/scan.c for how a shard travels.
 */
#ifndef EMX_SCAN_H
#define EMX_SCAN_H

#include <emx/cluster.h>
#include <emx/embeddings.h>

/* One domain to scan.  Strings are borrowed for the call. */
struct emx_scan_domain {
    const char *name;
    const char *const *shards; /* [n_shards] paths of files; "-" is standard input */
    size_t n_shards;
    const char *format;                  /* shard format, NULL: recognised by content */
    const char *dtype;                   /* "u16", "u32", "i32", ... for formats that do not say; NULL: none given */
    const char *column;                  /* token column of JSONL and MDS; NULL: the usual names */
    struct emx_domain_settings settings; /* eod_first may be set by the format of the shards (llm.c) */
};

/* What a progress line shows.  Passed to the callback about ten times a second, from one thread. */
struct emx_scan_progress {
    uint64_t n_bytes, n_bytes_total; /* of files; total UINT64_MAX if unknown (a pipe) */
    uint64_t n_tokens;
    double seconds;
    size_t n_shards, n_shards_total;
    size_t n_domains;
    const struct emx_scan_domain_progress {
        const char *name;
        uint64_t n_tokens, n_pair_types;
        size_t n_shards, n_shards_total;
    } * domains; /* [n_domains], valid during the call */
};

/*
 * What becomes of a shard that is broken: that is not there, cannot be read, is not what its format says, does not
 * match a checksum, or has a token at or above the vocabulary, or without a row in the matrix of vectors.
 */
enum emx_on_error {
    EMX_ON_ERROR_FAIL = 0,   /* the scan fails */
    EMX_ON_ERROR_SKIP_SHARD, /* nothing of the shard is counted; the scan goes on */
    /*
     * A zstd frame that cannot be decoded or does not match its checksum is left out, and the rest of its shard is
     * counted, if the shard has many frames and a flat format, and it is sure how much content the frame had
     * (io/stream.h); else as above.  Tokens keep their numbers; a gap is to pairs and documents as the end of a
     * document (in a stream or window, too, no pair crosses it), and a token of which bytes lie in it is left out with
     * it. All frames are decoded twice.  Not together with a checkpoint (EMX_ERR_ARG).
     */
    EMX_ON_ERROR_SKIP_FRAME,
};

#define EMX_SCAN_CHECKPOINT_SECONDS 600.0

/*
 * Sum up documents' vectors while tokens are counted, in the same pass, for von Neumann entropies (vne_set.h): each
 * domain of the state gets a covariance, the one that emx_vne_measure() finds in a second pass, to the bit.  Where a
 * broken frame is left out (EMX_ON_ERROR_SKIP_FRAME) a document ends, and another begins behind it.  Borrowed for the
 * call.
 */
struct emx_scan_vectors {
    const struct emx_embeddings *embeddings;
    const char *source;   /* where they come from, to remember and for messages */
    uint64_t n_documents; /* to take of each domain, not of a part of the shards (EMX_ERR_ARG); 0: all.  Each that is
                             taken takes 8 bytes a dimension until its domain ends; with skip-shard so do up to as many
                             of each shard that is being read */
    uint64_t seed;        /* of the sample */
    bool precise;         /* as emx_vne_options has it */
    /* [n_weights] of tokens as emx_vne_sif_weights() has them, from an earlier state; 1 beyond.  NULL: all 1 */
    const double *weights;
    size_t n_weights;
};

struct emx_scan_options {
    unsigned n_threads;    /* 0: processors that affinity, cgroup and Slurm leave, fewer if memory is little */
    uint64_t memory_bytes; /* 0: half of the memory that machine, cgroup and Slurm allow */
    const char *tmpdir;    /* folder for what memory has no room for; NULL: $TMPDIR, or /tmp.  Borrowed for the call */
    /*
     * Folder for checkpoints (made if it is missing), which one scan at a time works with; NULL: none.  Every
     * checkpoint_seconds (0: EMX_SCAN_CHECKPOINT_SECONDS), and before it stops for `progress`, the scan writes down
     * what it has counted.  Borrowed for the call.
     */
    const char *checkpoint;
    double checkpoint_seconds;
    bool resume;       /* if there is a checkpoint go on from it, else it is an error that there is one */
    bool bind_threads; /* bind threads and their memory to processors or NUMA nodes */
    const struct emx_scan_vectors *vectors; /* NULL: documents are not summed up */
    /*
     * n_parts 0: all shards.  Else those of part number `part`, from 0: each shard is in one of the parts, which have
     * about equally many bytes, and merging the states of all gives the bytes of one scan.  All parts must be given the
     * same shards, which may not change meanwhile, and no sampled domain, pipe or standard input.  A domain without a
     * shard in the part is not in its state.
     */
    uint32_t part, n_parts;
    enum emx_on_error on_error;
    uint64_t max_bad; /* the scan fails if more than this is skipped; 0: no limit */
    /* Called from one thread at a time with what is skipped.  NULL: it is only listed in the state file. */
    void (*skipped)(const struct emx_skipped *what, void *context);
    struct emx_cluster *cluster; /* processes that do this scan together, each with the same call; NULL: this one alone.
                                    n_threads and memory_bytes are of each; 0: its share of the machine.  Borrowed */
    /* Called with progress; return false to stop (EMX_ERR_STOPPED).  NULL: none. */
    bool (*progress)(const struct emx_scan_progress *p, void *context);
    /* Called from one thread at a time with a sentence worth a warning.  NULL: dropped. */
    void (*warn)(const char *sentence, void *context);
    /* Called before counting begins with each line of the plan: where threads run and memory lies.  NULL: dropped. */
    void (*note)(const char *sentence, void *context);
    void *context;
};

/* Where the time went, in seconds, for benchmarks. */
struct emx_scan_times {
    double wall;
    double decode, count, wait; /* sums over the threads: reading and decoding, counting, waiting for a shard */
    double documents;           /* sum over the threads: adding documents' vectors */
    double seal;                /* sum over the threads: sorting and encoding domains while others are counted */
    double checkpoint;          /* of the wall time: all threads paused while a checkpoint was written */
    unsigned n_checkpoints;
    double write; /* of the wall time: sorting, encoding and writing, after the last block was counted */
    unsigned n_threads;
    uint64_t n_bytes_exchanged; /* of pairs, between the processes of a cluster; on rank 0 */
};

/*
 * Scan and write the state file.  On any error no file appears under `output` ("-": standard output).
 * *ret_times may be NULL.
 *
 * Pairs that do not fit in memory_bytes go to a temporary file in tmpdir, sorted and compressed to about 1.6 bytes a
 * distinct pair, each time that the tables are full; the result is the same to the byte.  The file has no name, so
 * nothing is left of it whatever happens.  memory_bytes must be at least 16 MiB, and 0.5 MiB a thread; vectors take 2
 * bytes a number (precise: 8), and their sums 8 bytes a pair of dimensions for each domain and 24 for each thread, at
 * most half of it.
 *
 * A shard that is skipped leaves no trace but in the list of the state file: all other bytes are those of a scan
 * without it (in a sampled domain: of its parts of the other shards).  If blocks of it were counted before it failed it
 * is read again, so that they can be subtracted; if it then reads otherwise the scan fails.  Standard input and pipes
 * cannot be skipped, since they cannot be read again.  A domain without a shard that is left is not in the state file.
 *
 * With a checkpoint folder, EMX_ERR_STOPPED means that the same call with `resume` set goes on where this one stopped;
 * and so it does when the process was killed or failed, from the last checkpoint on.  The output is the same to the
 * byte.  Threads, memory and output may be others then; domains, settings, vectors and shards may not, and shards that
 * have changed are refused (EMX_ERR_ARG).  Pairs that would go to tmpdir go to the checkpoint folder.  When the output
 * is in place the folder is emptied of the scan's files.  docs/checkpoints.md tells more.
 *
 * Limits: token ids below 2^24; pairs and tokens of a domain below 2^63; up to 2^20 domains and 2^31 shards.
 * EMX_ERR_ARG two domains of one name, no domain, no shard in a domain, a shard twice in a domain;
 * EMX_ERR_RANGE a token at or above the vocabulary, with shard and offset, or without a row in the matrix of vectors,
 * or a vocabulary with more tokens than it has; EMX_ERR_MEMORY; and what shards can do: _IO, _FORMAT, _CORRUPT.
 */
EMX_API EMX_CHECKED enum emx_status emx_scan(const struct emx_scan_domain *domains, size_t n_domains,
                                             const struct emx_scan_options *options, const char *output,
                                             struct emx_scan_times *ret_times, struct emx_error *err);

#endif
