/*
 * section_writer.h - the frame of a state file: header, sections one after the other, directory, trailer
 *
 *     section_writer_open() -> (_begin() -> _write()* -> _end())* -> _commit() -> _close()
 *
 * Nothing written is ever gone back to, so that a state can go down a pipe.
 */
#ifndef STATE_SECTION_WRITER_H
#define STATE_SECTION_WRITER_H

#include "state/layout.h"
#include "util/outfile.h"

#include <stdio.h>
#include <xxhash.h>

struct section_writer {
    struct outfile *out;
    struct section *sections; /* [n] ended */
    size_t n, cap;
    XXH3_state_t *hash; /* of the section in progress */
    uint64_t start;     /* its offset */
};

/* On failure _close() may still be called, as on a zeroed writer. */
EMX_CHECKED enum emx_status section_writer_open(struct section_writer *w, const char *path, struct emx_error *err);

void section_begin(struct section_writer *w);
EMX_CHECKED enum emx_status section_write(struct section_writer *w, const void *data, size_t len,
                                          struct emx_error *err);
EMX_CHECKED enum emx_status section_end(struct section_writer *w, enum section_type type, uint32_t domain,
                                        struct emx_error *err);

EMX_CHECKED enum emx_status section_writer_commit(struct section_writer *w, struct emx_error *err);
void section_writer_close(struct section_writer *w);

#endif
