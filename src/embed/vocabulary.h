/*
 * vocabulary.h - which token is which text, from a file
 *
 * Texts are as words are written: of byte-level BPE the bytes behind its letters, without the mark of a word's
 * beginning (one blank, or U+2581) and of a word's continuation ("##").
 */
#ifndef EMBED_VOCABULARY_H
#define EMBED_VOCABULARY_H

#include "io/file.h"

struct vocabulary {
    char **texts; /* [n] by token id; NULL: there is no such token, or it is empty */
    uint32_t n;
};

/* vocab.json, tokenizer.json, or a text a line.  EMX_ERR_FORMAT, _RANGE, _EMPTY, _IO, _MEMORY. */
EMX_CHECKED enum emx_status vocabulary_load(const struct file_space *space, const char *path, struct vocabulary *ret,
                                            struct emx_error *err);
void vocabulary_finish(struct vocabulary *v);

#endif
