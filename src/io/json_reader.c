/*
 * json_reader.c - yajl, kept within bounds
 *
 * yajl takes memory for a string that lies across two feeds, as much as it needs, and does not look whether it got it.
 * So its memory comes from here: beyond the limit, or where there is none, the allocation does not return but jumps out
 * of yajl_parse().  All blocks are in a list, since yajl cannot be trusted to free its parts after that.
 */
#include "io/json_reader.h"

#include <assert.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 64 << 20 };

struct link {
    struct link *previous, *next;
};

struct block {
    struct link link;
    max_align_t content[];
};

enum trouble { NO_TROUBLE, NO_MEMORY, TOO_LONG };

struct json_reader {
    const char *path;
    const yajl_callbacks *events;
    void *user;
    yajl_handle yajl;
    struct link blocks; /* head of a ring */
    jmp_buf trouble;
    const void *text; /* [len] at hand */
    size_t len;
    uint64_t n_lines; /* ends of lines before it */
};

/* --- memory ------------------------------------------------------------------------------------------ */

static void link_block(struct json_reader *r, struct block *b)
{
    b->link = (struct link){&r->blocks, r->blocks.next};
    b->link.next->previous = &b->link;
    r->blocks.next = &b->link;
}

static void unlink_block(struct block *b)
{
    b->link.previous->next = b->link.next;
    b->link.next->previous = b->link.previous;
}

static struct block *block_of(void *content)
{
    return (struct block *)((char *)content - offsetof(struct block, content));
}

static void *resize(void *user, void *content, size_t n)
{
    struct json_reader *r = user;
    struct block *old = content ? block_of(content) : NULL, *b;

    if (n > MOST_BYTES)
        longjmp(r->trouble, TOO_LONG);
    if (old)
        unlink_block(old);
    b = realloc(old, sizeof(*b) + n);
    if (b || old)
        link_block(r, b ? b : old);
    if (!b)
        longjmp(r->trouble, NO_MEMORY);
    return b->content;
}

static void *take(void *user, size_t n)
{
    return resize(user, NULL, n);
}

static void give_back(void *user, void *content)
{
    (void)user;
    if (content) {
        unlink_block(block_of(content));
        free(block_of(content));
    }
}

static enum emx_status fail(const struct json_reader *r, int trouble, struct emx_error *err)
{
    if (trouble == NO_MEMORY)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", r->path);
    return emx_fail(err, EMX_ERR_RANGE, "%s: line %llu: a string or number is longer than %d MiB", r->path,
                    (unsigned long long)json_reader_line(r), MOST_BYTES >> 20);
}

/* Do what may jump. */
static enum emx_status guard(struct json_reader *r,
                             enum emx_status (*work)(struct json_reader *r, struct emx_error *err),
                             struct emx_error *err)
{
    int trouble = setjmp(r->trouble);

    return trouble == NO_TROUBLE ? work(r, err) : fail(r, trouble, err);
}

/* --- reading ----------------------------------------------------------------------------------------- */

static enum emx_status open_yajl(struct json_reader *r, struct emx_error *err)
{
    yajl_alloc_funcs memory = {take, resize, give_back, r};

    (void)err;
    r->yajl = yajl_alloc(r->events, &memory, r->user);
    yajl_config(r->yajl, yajl_allow_multiple_values, 1);
    yajl_config(r->yajl, yajl_dont_validate_strings, 1);
    return EMX_OK;
}

enum emx_status json_reader_create(const char *path, const yajl_callbacks *events, void *user, struct json_reader **ret,
                                   struct emx_error *err)
{
    struct json_reader *r = calloc(1, sizeof(*r));
    enum emx_status status;

    if (!r)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    r->path = path;
    r->events = events;
    r->user = user;
    r->blocks.previous = r->blocks.next = &r->blocks;
    status = guard(r, open_yajl, err);
    if (status)
        json_reader_destroy(&r);
    else
        *ret = r;
    return status;
}

void json_reader_destroy(struct json_reader **r)
{
    if (!*r)
        return;
    while ((*r)->blocks.next != &(*r)->blocks) {
        struct block *b = (struct block *)(*r)->blocks.next;

        unlink_block(b);
        free(b);
    }
    free(*r);
    *r = NULL;
}

static void count_lines(struct json_reader *r, size_t len)
{
    const char *text = r->text, *end = text + len;

    while ((text = memchr(text, '\n', (size_t)(end - text)))) {
        r->n_lines++;
        text++;
    }
}

/* What yajl says is wrong, without its line end, in a sentence. */
static enum emx_status refuse(struct json_reader *r, struct emx_error *err)
{
    char *cause = (char *)yajl_get_error(r->yajl, 0, NULL, 0);

    cause[strcspn(cause, "\n")] = 0;
    return emx_fail(err, EMX_ERR_FORMAT, "%s: line %llu is not JSON: %s", r->path,
                    (unsigned long long)json_reader_line(r), cause);
}

static enum emx_status feed(struct json_reader *r, struct emx_error *err)
{
    yajl_status status = yajl_parse(r->yajl, r->text, r->len);

    if (status == yajl_status_ok) {
        count_lines(r, r->len);
        return EMX_OK;
    }
    count_lines(r, yajl_get_bytes_consumed(r->yajl));
    return status == yajl_status_client_canceled ? EMX_ERR_STOPPED : refuse(r, err);
}

enum emx_status json_reader_feed(struct json_reader *r, const void *text, size_t len, struct emx_error *err)
{
    r->text = text;
    r->len = len;
    return guard(r, feed, err);
}

static enum emx_status end(struct json_reader *r, struct emx_error *err)
{
    switch (yajl_complete_parse(r->yajl)) {
    case yajl_status_ok:
        return EMX_OK;
    case yajl_status_client_canceled:
        return EMX_ERR_STOPPED;
    default:
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: ends in line %llu without the end of a JSON value", r->path,
                        (unsigned long long)json_reader_line(r));
    }
}

enum emx_status json_reader_end(struct json_reader *r, struct emx_error *err)
{
    return guard(r, end, err);
}

uint64_t json_reader_line(const struct json_reader *r)
{
    return r->n_lines + 1;
}
