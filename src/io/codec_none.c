/*
 * codec_none.c - stored bytes are the content
 */
#include "io/codec.h"

#include <string.h>

static const char *const extensions[] = {NULL};

static enum emx_status probe(struct source *src, bool *ret, struct emx_error *err)
{
    (void)src, (void)err;
    *ret = true;
    return EMX_OK;
}

static enum emx_status open_plain(struct source *src, int window_log_max, void **ret, struct emx_error *err)
{
    (void)src, (void)window_log_max, (void)err;
    *ret = NULL;
    return EMX_OK;
}

static enum emx_status read_plain(void *state, struct source *src, bool pause, void *buf, size_t cap, size_t *ret_n,
                                  struct emx_error *err)
{
    (void)state, (void)pause;
    return source_read(src, buf, cap, ret_n, err);
}

static enum emx_status look(void *state, struct source *src, void *buf, size_t cap, size_t *ret_n, bool *ret_looked,
                            struct emx_error *err)
{
    enum emx_status status = source_need(src, cap, err);

    (void)state;
    if (status != EMX_OK)
        return status;
    *ret_n = source_left(src) < cap ? source_left(src) : cap;
    memcpy(buf, source_bytes(src), *ret_n);
    *ret_looked = true;
    return EMX_OK;
}

static uint64_t size(const void *state, const struct source *src)
{
    (void)state;
    return file_size(src->file);
}

static void close_plain(void *state)
{
    (void)state;
}

const struct codec codec_none = {
    .name = "none",
    .extensions = extensions,
    .probe = probe,
    .open = open_plain,
    .read = read_plain,
    .look = look,
    .size = size,
    .close = close_plain,
};
