/*
 * codec.c - which codec a file is of
 *
 * Content decides.  Headerless token files may begin with any bytes, so each probe asks for more than its magic; what
 * is recognised and then does not decode is an error, not a raw file.  The name speaks only where the content does
 * not: a file called .zst that holds no zstd frame is damaged, and is not counted as tokens.
 */
#include "io/codec.h"

#include <string.h>

static const struct codec *const codecs[] = {&codec_zstd, &codec_gzip, NULL};

static bool is_bzip2(const unsigned char *p, size_t n)
{
    return n >= 10 && memcmp(p, "BZh", 3) == 0 && p[3] >= '1' && p[3] <= '9' &&
           (memcmp(p + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0 || memcmp(p + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
}

static bool is_xz(const unsigned char *p, size_t n)
{
    return n >= 8 &&
           memcmp(p,
                  "\xFD"
                  "7zXZ\0\0",
                  7) == 0 &&
           p[7] < 0x10;
}

/* The frame descriptor ends with one byte of its own hash. */
static bool is_lz4(const unsigned char *p, size_t n)
{
    size_t len;

    if (n < 7 || memcmp(p, "\x04\x22\x4D\x18", 4) != 0 || (p[4] & 0xC2) != 0x40 || (p[5] & 0x8F) != 0)
        return false;
    len = 2 + (p[4] & 8 ? 8 : 0) + (p[4] & 1 ? 4 : 0);
    return n > 4 + len && p[4 + len] == (XXH32(p + 4, len, 0) >> 8 & 0xFF);
}

static const struct {
    const char *name, *extension;
    bool (*probe)(const unsigned char *p, size_t n); /* NULL: nothing in the content tells */
} unsupported[] = {
    {"bzip2", ".bz2", is_bzip2}, {"xz", ".xz", is_xz},        {"lz4", ".lz4", is_lz4},
    {"brotli", ".br", NULL},     {"snappy", ".snappy", NULL},
};

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

static enum emx_status refuse_unsupported(struct source *src, struct emx_error *err)
{
    const char *path = file_path(src->file);
    enum emx_status status = source_need(src, 32, err);

    for (size_t i = 0; status == EMX_OK && i < sizeof(unsupported) / sizeof(*unsupported); i++) {
        if ((unsupported[i].probe && unsupported[i].probe(source_bytes(src), source_left(src))) ||
            ends_with(path, unsupported[i].extension))
            return emx_fail(err, EMX_ERR_FORMAT, "%s: is %s-compressed, which is not supported; recompress with zstd",
                            path, unsupported[i].name);
    }
    return status;
}

static enum emx_status check_name(const struct source *src, struct emx_error *err)
{
    for (size_t i = 0; codecs[i]; i++) {
        for (size_t k = 0; codecs[i]->extensions[k]; k++) {
            if (ends_with(file_path(src->file), codecs[i]->extensions[k]))
                return emx_fail(err, EMX_ERR_CORRUPT, "%s: is named %s but does not begin as %s does",
                                file_path(src->file), codecs[i]->extensions[k], codecs[i]->name);
        }
    }
    return EMX_OK;
}

enum emx_status codec_recognise(struct source *src, const struct codec **ret, struct emx_error *err)
{
    enum emx_status status = source_need(src, 1, err);

    *ret = &codec_none;
    if (status != EMX_OK || source_left(src) == 0)
        return status;
    for (size_t i = 0; codecs[i]; i++) {
        bool is = false;

        status = codecs[i]->probe(src, &is, err);
        if (is)
            *ret = codecs[i];
        if (is || status != EMX_OK)
            return status;
    }
    status = refuse_unsupported(src, err);
    return status == EMX_OK ? check_name(src, err) : status;
}
