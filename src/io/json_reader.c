/*
 * json_reader.c - yajl, kept within bounds
 *
 * Of a string that lies across two feeds yajl keeps all, and begins anew with it at each feed: 64 MiB of text took 16
 * s. So long strings are cut short on their way.
 *
 * yajl does not look whether it got the memory that it asked for.  So its memory comes from here: beyond the limit, or
 * where there is none, the allocation does not return but jumps out of yajl_parse().  All blocks are in a list, since
 * yajl cannot be trusted to free its parts after that.
 */
#include "io/json_reader.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_BYTES = 1 << 20,  /* of one block of yajl's */
    TOLD_BYTES = 64 << 10, /* of a string */
};

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
    const char *text; /* [len] at hand */
    size_t len;
    uint64_t n_lines; /* ends of lines before it */

    /* where shorten() is */
    bool in_string, is_dropping;
    unsigned escape; /* 5 behind a backslash; 4 to 1: so many hexadecimal digits to come */
    size_t string_len;
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
    return emx_fail(err, EMX_ERR_RANGE, "%s: line %llu: a number is longer than %d bytes", r->path,
                    (unsigned long long)json_reader_line(r), MOST_BYTES / 2);
}

/* Do what may jump. */
static enum emx_status guard(struct json_reader *r,
                             enum emx_status (*work)(struct json_reader *r, struct emx_error *err),
                             struct emx_error *err)
{
    int trouble = setjmp(r->trouble);

    return trouble == NO_TROUBLE ? work(r, err) : fail(r, trouble, err);
}

/* --- long strings -------------------------------------------------------------------------------------- */

/* In an escape: is c what may come now? */
static bool continue_escape(struct json_reader *r, char c)
{
    if (r->escape == 5) {
        r->escape = c == 'u' ? 4 : 0;
        return strchr("\"\\/bfnrtu", c) && c;
    }
    r->escape--;
    return isxdigit((unsigned char)c);
}

/* The next character of a string: what yajl is to see of it, or NUL for nothing. */
static char string_character(struct json_reader *r, char c)
{
    const char illegal = 1;

    r->string_len++;
    if (r->escape) {
        bool good = continue_escape(r, c);

        return !r->is_dropping ? c : good ? 0 : illegal; /* an error among what is dropped is one, too */
    }
    if (c == '"') {
        r->in_string = false;
        return c;
    }
    r->is_dropping = r->string_len > TOLD_BYTES;
    if (c == '\\')
        r->escape = 5;
    return !r->is_dropping ? c : (unsigned char)c >= ' ' ? 0 : illegal;
}

static void begin_string(struct json_reader *r)
{
    r->in_string = true;
    r->is_dropping = false;
    r->escape = 0;
    r->string_len = 0;
}

/* Cut long strings, across feeds; the length that is left.  Outside of strings it costs a memchr(). */
static size_t shorten(struct json_reader *r, char *text, size_t len)
{
    char *from = text, *to = text, *end = text + len;

    while (from < end) {
        char *quote, *next;

        if (r->in_string) {
            *to = string_character(r, *from++);
            to += *to != 0;
            continue;
        }
        quote = memchr(from, '"', (size_t)(end - from));
        next = quote ? quote + 1 : end;
        memmove(to, from, (size_t)(next - from));
        to += next - from;
        from = next;
        if (quote)
            begin_string(r);
    }
    return (size_t)(to - text);
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
    yajl_status status = yajl_parse(r->yajl, (const unsigned char *)r->text, r->len);

    if (status == yajl_status_ok) {
        count_lines(r, r->len);
        return EMX_OK;
    }
    count_lines(r, yajl_get_bytes_consumed(r->yajl));
    return status == yajl_status_client_canceled ? EMX_ERR_STOPPED : refuse(r, err);
}

enum emx_status json_reader_feed(struct json_reader *r, char *text, size_t len, struct emx_error *err)
{
    r->text = text;
    r->len = shorten(r, text, len);
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
