/*
 * manifest.h - the domains of a scan from a YAML file
 *
 *     defaults: {dtype: u16, eod: 50256}        # what shards have in common: the names of scan's options
 *     domains:
 *       web: web/                               # a word as on the command line,
 *       books: [books/a.bin, books/b.bin]       # a list of words,
 *       code: {shards: code/, sample: 10000000} # or what there is to say of it, with the word or list in `shards`
 *
 * Relative paths begin at the manifest's folder.  What a domain does not say comes from `defaults`, and what these do
 * not say from the command line.  The file is read strictly: an unknown or repeated key, a value of the wrong kind, an
 * anchor, an alias or a tag is an error.
 */
#ifndef CLI_MANIFEST_H
#define CLI_MANIFEST_H

#include "corpus.h"

/*
 * Add the domains of the file at path ("-": standard input) to the corpus.  `args`: what the command line says.
 * EMX_ERR_FORMAT with path:line:column; EMX_ERR_IO; what emx_shards_find() can return.
 */
EMX_CHECKED enum emx_status manifest_load(const char *path, const struct shard_args *args, struct corpus *corpus,
                                          struct emx_error *err);

/* The same from bytes in memory; `name` is the path for messages, and relative paths begin at its folder. */
EMX_CHECKED enum emx_status manifest_parse(const char *name, const char *bytes, size_t len,
                                           const struct shard_args *args, struct corpus *corpus, struct emx_error *err);

#endif
