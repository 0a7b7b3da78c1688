#include "io/source.h"

#include <stdlib.h>
#include <string.h>

enum emx_status source_open(const struct file_space *space, const char *path, struct source *s, struct emx_error *err)
{
    *s = (struct source){0};
    s->xxh3 = XXH3_createState();
    s->buf = malloc(SOURCE_READ);
    s->cap = SOURCE_READ;
    if (!s->xxh3 || !s->buf) {
        source_finish(s);
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    }
    XXH3_64bits_reset(s->xxh3);
    return file_open(space, path, &s->file, err);
}

void source_finish(struct source *s)
{
    XXH3_freeState(s->xxh3);
    free(s->buf);
    file_close(&s->file);
    *s = (struct source){0};
}

/* The one place where bytes come from the file. */
static enum emx_status read_hashed(struct source *s, void *buf, size_t cap, size_t *ret_n, struct emx_error *err)
{
    enum emx_status status;

    *ret_n = 0;
    if (s->at_end || cap == 0)
        return EMX_OK;
    status = file_read(s->file, buf, cap, ret_n, err);
    if (status != EMX_OK)
        return status;
    s->at_end = *ret_n < cap;
    s->n_read += *ret_n;
    XXH3_64bits_update(s->xxh3, buf, *ret_n);
    return EMX_OK;
}

/* Make room for n bytes from `begin` on. */
static enum emx_status reserve(struct source *s, size_t n, struct emx_error *err)
{
    if (n <= s->cap - s->begin)
        return EMX_OK;
    if (s->begin > 0) {
        memmove(s->buf, s->buf + s->begin, source_left(s));
        s->end -= s->begin;
        s->begin = 0;
    }
    if (n > s->cap) {
        size_t cap = n + n / 2;
        unsigned char *buf = realloc(s->buf, cap);

        if (!buf)
            return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", file_path(s->file));
        s->buf = buf;
        s->cap = cap;
    }
    return EMX_OK;
}

enum emx_status source_need(struct source *s, size_t n, struct emx_error *err)
{
    size_t room, got;
    enum emx_status status;

    if (n <= source_left(s) || s->at_end)
        return EMX_OK;
    if (s->begin == s->end)
        s->begin = s->end = 0;
    status = reserve(s, n, err);
    if (status != EMX_OK)
        return status;
    room = s->cap - s->end;
    if (room > SOURCE_READ && room > n - source_left(s))
        room = n - source_left(s) > SOURCE_READ ? n - source_left(s) : SOURCE_READ;
    status = read_hashed(s, s->buf + s->end, room, &got, err);
    s->end += got;
    return status;
}

enum emx_status source_read(struct source *s, void *buf, size_t cap, size_t *ret_n, struct emx_error *err)
{
    size_t n = source_left(s) < cap ? source_left(s) : cap;
    enum emx_status status;
    size_t got;

    if (n)
        memcpy(buf, source_bytes(s), n);
    source_take(s, n);
    status = read_hashed(s, (char *)buf + n, cap - n, &got, err);
    *ret_n = n + got;
    return status;
}

enum emx_status source_drop(struct source *s, uint64_t n, uint64_t *ret_n, struct emx_error *err)
{
    uint64_t done = 0;

    while (done < n) {
        enum emx_status status = source_need(s, 1, err);
        size_t step = source_left(s);

        if (status != EMX_OK)
            return status;
        if (step == 0)
            break;
        if (step > n - done)
            step = (size_t)(n - done);
        source_take(s, step);
        done += step;
    }
    *ret_n = done;
    return EMX_OK;
}
