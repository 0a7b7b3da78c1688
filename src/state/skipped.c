/*
 * skipped.c - what scans left out, to bytes and back
 */
#include "state/skipped.h"

#include "state/fields.h"

#include <stdlib.h>

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* 0 for what is not there twice. */
static int compare_places(const struct emx_skipped *a, const struct emx_skipped *b)
{
    int order = strcmp(a->domain, b->domain);

    if (order == 0)
        order = strcmp(a->path, b->path);
    if (order == 0)
        order = compare_numbers(a->what, b->what);
    if (order == 0)
        order = compare_numbers(a->byte_begin, b->byte_begin);
    return order ? order : compare_numbers(a->byte_end, b->byte_end);
}

/* The rest decides which one stays, whatever the order in which they were given. */
static int compare(const void *p, const void *q)
{
    const struct emx_skipped *a = p, *b = q;
    int order = compare_places(a, b);

    if (order == 0)
        order = compare_numbers(a->token_begin, b->token_begin);
    if (order == 0)
        order = compare_numbers(a->token_end, b->token_end);
    return order ? order : strcmp(a->reason, b->reason);
}

size_t skipped_sort(struct emx_skipped *s, size_t n)
{
    size_t n_kept = 0;

    qsort(s, n, sizeof(*s), compare);
    for (size_t i = 0; i < n; i++) {
        if (n_kept == 0 || compare_places(&s[n_kept - 1], &s[i]) != 0)
            s[n_kept++] = s[i];
    }
    return n_kept;
}

static bool is_range(const struct emx_skipped *s)
{
    if (s->what == EMX_SKIPPED_SHARD)
        return s->byte_begin == 0 && s->byte_end == 0 && s->token_begin == 0 && s->token_end == 0;
    return s->what == EMX_SKIPPED_FRAME && s->byte_begin < s->byte_end && s->token_begin <= s->token_end;
}

const char *skipped_check(const struct emx_skipped *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_string(s[i].domain) || !is_string(s[i].path) || !is_string(s[i].reason))
            return "a string of what was skipped is empty or too long";
        if (!is_range(&s[i]))
            return "what was skipped has no range that it could have";
        if (i && compare_places(&s[i - 1], &s[i]) >= 0)
            return "what was skipped does not come in order";
    }
    return NULL;
}

void skipped_encode(const struct emx_skipped *s, size_t n, FILE *to)
{
    for (size_t i = 0; i < n; i++) {
        write_u32(to, (uint32_t)s[i].what);
        write_u32(to, 0);
        write_u64(to, s[i].byte_begin);
        write_u64(to, s[i].byte_end);
        write_u64(to, s[i].token_begin);
        write_u64(to, s[i].token_end);
        write_string(to, s[i].domain);
        write_string(to, s[i].path);
        write_string(to, s[i].reason);
    }
}

static bool decode(const char **p, const char *end, struct emx_skipped *s)
{
    const char *fixed = *p;

    if (end - fixed < SKIPPED_FIXED_BYTES || get_u32(fixed) > EMX_SKIPPED_FRAME || get_u32(fixed + 4) != 0)
        return false;
    s->what = (enum emx_skipped_what)get_u32(fixed);
    s->byte_begin = get_u64(fixed + 8);
    s->byte_end = get_u64(fixed + 16);
    s->token_begin = get_u64(fixed + 24);
    s->token_end = get_u64(fixed + 32);
    *p += SKIPPED_FIXED_BYTES;
    return (s->domain = read_string(p, end)) && (s->path = read_string(p, end)) && (s->reason = read_string(p, end));
}

const char *skipped_decode(const char *bytes, size_t len, struct emx_skipped **ret, size_t *ret_n, bool *ret_memory)
{
    const char *p = bytes, *end = bytes + len, *wrong = NULL;
    struct emx_skipped *s = malloc((len / SKIPPED_FIXED_BYTES + 1) * sizeof(*s));
    size_t n = 0;

    *ret_memory = !s;
    if (!s)
        return "out of memory";
    while (p < end && !wrong) {
        if (!decode(&p, end, &s[n++]))
            wrong = "records that are cut off or of an unknown kind";
    }
    if (!wrong)
        wrong = skipped_check(s, n);
    if (wrong) {
        free(s);
        return wrong;
    }
    *ret = s;
    *ret_n = n;
    return NULL;
}
