#include "io/content_hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xxhash.h>

enum kind { HASH_XXH32, HASH_XXH64, HASH_XXH3_64, HASH_XXH128, N_HASHES };
static const char *const names[N_HASHES] = {"xxh32", "xxh64", "xxh3_64", "xxh128"};

struct content_hash {
    enum kind kind;
    /* the one of its kind */
    XXH32_state_t *xxh32;
    XXH64_state_t *xxh64;
    XXH3_state_t *xxh3;
};

static enum kind kind_of(const char *name)
{
    enum kind kind = HASH_XXH32;

    while (kind < N_HASHES && strcmp(names[kind], name) != 0)
        kind++;
    return kind;
}

bool content_hash_is_known(const char *name)
{
    return kind_of(name) != N_HASHES;
}

/* The state is made and reset. */
static bool begin(struct content_hash *h)
{
    switch (h->kind) {
    case HASH_XXH32:
        h->xxh32 = XXH32_createState();
        return h->xxh32 && XXH32_reset(h->xxh32, 0) == XXH_OK;
    case HASH_XXH64:
        h->xxh64 = XXH64_createState();
        return h->xxh64 && XXH64_reset(h->xxh64, 0) == XXH_OK;
    default:
        h->xxh3 = XXH3_createState();
        return h->xxh3 && XXH3_64bits_reset(h->xxh3) == XXH_OK;
    }
}

struct content_hash *content_hash_create(const char *name)
{
    struct content_hash *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->kind = kind_of(name);
    if (!begin(h))
        content_hash_destroy(&h);
    return h;
}

void content_hash_destroy(struct content_hash **h)
{
    if (!*h)
        return;
    XXH32_freeState((*h)->xxh32);
    XXH64_freeState((*h)->xxh64);
    XXH3_freeState((*h)->xxh3);
    free(*h);
    *h = NULL;
}

void content_hash_add(struct content_hash *h, const void *bytes, size_t n)
{
    switch (h->kind) {
    case HASH_XXH32:
        XXH32_update(h->xxh32, bytes, n);
        break;
    case HASH_XXH64:
        XXH64_update(h->xxh64, bytes, n);
        break;
    default: /* XXH3 of 64 and of 128 bits differ at the end only */
        XXH3_64bits_update(h->xxh3, bytes, n);
    }
}

bool content_hash_is(const struct content_hash *h, const char *hex)
{
    char digits[33];

    switch (h->kind) {
    case HASH_XXH32:
        snprintf(digits, sizeof(digits), "%08x", XXH32_digest(h->xxh32));
        break;
    case HASH_XXH64:
        snprintf(digits, sizeof(digits), "%016llx", (unsigned long long)XXH64_digest(h->xxh64));
        break;
    case HASH_XXH3_64:
        snprintf(digits, sizeof(digits), "%016llx", (unsigned long long)XXH3_64bits_digest(h->xxh3));
        break;
    default: {
        XXH128_hash_t x = XXH3_128bits_digest(h->xxh3);

        snprintf(digits, sizeof(digits), "%016llx%016llx", (unsigned long long)x.high64, (unsigned long long)x.low64);
    }
    }
    return strcasecmp(digits, hex) == 0;
}
