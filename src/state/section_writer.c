/*
 * section_writer.c - the frame of a state file: header, sections one after the other, directory, trailer
 */
#include "state/section_writer.h"

#include <emx/state.h>
#include <stdlib.h>

static void encode_header(unsigned char *to)
{
    memcpy(to, STATE_MAGIC, MAGIC_BYTES);
    put_u32(to + MAGIC_BYTES, EMX_STATE_VERSION);
    put_u32(to + MAGIC_BYTES + 4, 0);
}

enum emx_status section_writer_open(struct section_writer *w, const char *path, struct emx_error *err)
{
    unsigned char header[HEADER_BYTES];
    enum emx_status status;

    *w = (struct section_writer){.hash = XXH3_createState()};
    if (!w->hash)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    status = outfile_create(path, &w->out, err);
    if (status != EMX_OK)
        return status;
    encode_header(header);
    return outfile_write(w->out, header, sizeof(header), err);
}

void section_writer_close(struct section_writer *w)
{
    outfile_destroy(&w->out);
    XXH3_freeState(w->hash);
    free(w->sections);
    *w = (struct section_writer){0};
}

void section_begin(struct section_writer *w)
{
    w->start = outfile_position(w->out);
    XXH3_64bits_reset(w->hash);
}

enum emx_status section_write(struct section_writer *w, const void *data, size_t len, struct emx_error *err)
{
    if (len)
        XXH3_64bits_update(w->hash, data, len);
    return outfile_write(w->out, data, len, err);
}

static enum emx_status reserve_section(struct section_writer *w, struct emx_error *err)
{
    size_t cap = w->cap ? 2 * w->cap : 64;
    struct section *sections;

    if (w->n < w->cap)
        return EMX_OK;
    sections = realloc(w->sections, cap * sizeof(*sections));
    if (!sections)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    w->sections = sections;
    w->cap = cap;
    return EMX_OK;
}

enum emx_status section_end(struct section_writer *w, enum section_type type, uint32_t domain, struct emx_error *err)
{
    enum emx_status status = reserve_section(w, err);

    if (status != EMX_OK)
        return status;
    w->sections[w->n++] = (struct section){
        .type = type,
        .flags = section_flags(type),
        .domain = domain,
        .offset = w->start,
        .len = outfile_position(w->out) - w->start,
        .xxh3 = XXH3_64bits_digest(w->hash),
    };
    return EMX_OK;
}

static void encode_entry(const struct section *s, unsigned char *to)
{
    put_u32(to, s->type);
    put_u32(to + 4, s->flags);
    put_u32(to + 8, s->domain);
    put_u32(to + 12, 0);
    put_u64(to + 16, s->offset);
    put_u64(to + 24, s->len);
    put_u64(to + 32, s->xxh3);
}

static enum emx_status write_directory(struct section_writer *w, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    section_begin(w);
    for (size_t i = 0; i < w->n && status == EMX_OK; i++) {
        unsigned char entry[ENTRY_BYTES];

        encode_entry(&w->sections[i], entry);
        status = section_write(w, entry, sizeof(entry), err);
    }
    return status;
}

static enum emx_status write_trailer(struct section_writer *w, struct emx_error *err)
{
    unsigned char bytes[HEADER_BYTES + TRAILER_BYTES], *trailer = bytes + HEADER_BYTES;

    encode_header(bytes);
    put_u64(trailer, w->start);
    put_u64(trailer + 8, outfile_position(w->out) - w->start);
    put_u64(trailer + 16, XXH3_64bits_digest(w->hash));
    put_u64(trailer + 24, XXH3_64bits(bytes, HEADER_BYTES + 24));
    memcpy(trailer + 32, STATE_END_MAGIC, MAGIC_BYTES);
    return outfile_write(w->out, trailer, TRAILER_BYTES, err);
}

enum emx_status section_writer_commit(struct section_writer *w, struct emx_error *err)
{
    enum emx_status status = write_directory(w, err);

    if (status == EMX_OK)
        status = write_trailer(w, err);
    return status == EMX_OK ? outfile_commit(w->out, err) : status;
}
