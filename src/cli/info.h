/*
 * info.h - state files described for people and for programs
 *
 *     begin() -> state() for each file -> end(), which also frees what begin() made
 *
 * A format is one file, info_NAME.c, and one line in the table of cmd_info.c.
 */
#ifndef CLI_INFO_H
#define CLI_INFO_H

#include <emx/state.h>
#include <stdbool.h>
#include <stdio.h>

struct info {
    FILE *out;
    bool shards;     /* each shard, too */
    bool skipped;    /* what scans left out, where a format cannot show it beside the domains */
    bool failed;     /* memory ran out */
    size_t n_states; /* printed so far */
    void *document;  /* what a format builds */
};

struct info_format {
    const char *name;
    void (*begin)(struct info *i);
    void (*state)(struct info *i, const char *name, const struct emx_state *s);
    void (*end)(struct info *i);
};

extern const struct info_format info_table, info_json, info_csv;

/* "within-document", "stream" or "window". */
const char *info_pairs_name(enum emx_pairs_mode mode);
/* "shard" or "frame". */
const char *info_skipped_name(enum emx_skipped_what what);

#endif
