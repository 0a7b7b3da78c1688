/*
 * blend.h - a mixture as one kind of trainer sees it: named data and printed weights
 *
 * What trainers share is done here (which paths stand for a domain, how its weight is split between them, shares of
 * tokens or of documents, decimals that sum to 1), so that a consumer only has to know its own syntax.
 */
#ifndef REPORT_BLEND_H
#define REPORT_BLEND_H

#include <emx/mixture.h>

#include "report/text.h"

/* What of a scanned shard's path the consumer wants to be told. */
enum path_unit {
    PATH_NAME = 0,  /* nothing: domains go by name */
    PATH_ELSEWHERE, /* nothing: it reads files of a format that is not scanned */
    PATH_FILES,     /* the files; one entry a domain */
    PATH_FOLDER,    /* each folder of files; an entry a folder */
    PATH_PREFIX,    /* each file without ".bin"; an entry a file */
};

struct blend_entry {
    const struct emx_mixture_domain *domain;
    char *label;  /* the domain's name, with "-1", "-2", ... if it has several entries */
    char **paths; /* [n_paths], at least one */
    size_t n_paths;
    bool scanned; /* the paths are those of shards, not made from the name */
    double share; /* of tokens, or the probability of a document */
    char *number; /* share in decimals; all of a blend sum to exactly 1 */
};

struct blend {
    const struct emx_mixture *mixture;
    const struct emx_mixture_format *format;
    struct blend_entry *entries; /* [n] in order of domains, then of paths */
    size_t n;
};

/* A consumer: what it wants, and how it is written.  Each is a row of the table in mixture.c. */
struct emx_mixture_consumer {
    enum path_unit unit;
    const char *shards;      /* format of shards that the consumer reads itself; NULL if none */
    const char *name_suffix; /* appended where a path is only the domain's name; may be NULL */
    bool reads_compressed;   /* shards as they are, .zst and .gz too */
    bool drops_zeros;        /* refuses or mistreats a weight of 0 */
    /* Can the syntax express the blend?  NULL: always. */
    enum emx_status (*check)(const struct blend *b, struct emx_error *err);
    void (*write)(struct text *t, const struct blend *b);
    /* A sentence that the user should read, or nothing.  May be NULL. */
    void (*note)(struct text *t, const struct blend *b);
};

EMX_CHECKED enum emx_status blend_create(const struct emx_mixture *m, const struct emx_mixture_format *f,
                                         struct blend **ret, struct emx_error *err);
void blend_destroy(struct blend **b);

/*
 * The probability of drawing a document of each of the n domains, in decimals, whatever the blend's own numbers
 * are; entries are domains (PATH_NAME).  NULL where a domain's documents were not counted, and,
 * with *ret_failed set, if memory runs out.
 */
char **document_decimals(const struct blend *b, bool *ret_failed);
void document_decimals_free(char **decimals, size_t n);

/* Comma-separated, for lists in brackets: the numbers, the quoted first paths. */
void blend_add_numbers(struct text *t, const struct blend *b);
void blend_add_paths(struct text *t, const struct blend *b);

/* "# ..." and a line end: what the numbers are and where they come from, for syntaxes with such comments. */
void blend_add_comment(struct text *t, const struct blend *b);

/* YAML readers look for the colon of a key within 1024 characters: a check() that refuses longer labels or paths. */
EMX_CHECKED enum emx_status blend_check_yaml_keys(const struct blend *b, struct emx_error *err);

#endif
