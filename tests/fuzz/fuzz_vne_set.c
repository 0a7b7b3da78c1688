/*
 * fuzz_vne_set.c - arbitrary bytes as a file of von Neumann entropies, with the right beginning and checksum around
 * them: what is accepted has entropies between 0 and log(dimension), and can be written
 */
#include "input.h"
#include "vne/set.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

enum { MOST = 1 << 16, HEAD = 16 };

static void check(const struct emx_vne_set *set)
{
    require(set->dimension >= 1 && set->dimension <= EMX_MAX_DIMENSION, "dimensions are within limits");
    for (size_t i = 0; i < set->n_domains; i++) {
        const struct emx_vne_domain *d = &set->domains[i];

        require(d->name && (i == 0 || strcmp(set->domains[i - 1].name, d->name) < 0), "names ascend");
        require(emx_vne_set_find(set, d->name) == d, "a domain is found by its name");
        require(emx_density_n_documents(d->density) == d->n_documents, "the matrix is of these documents");
        require(isfinite(d->vne.entropy) && d->vne.entropy >= 0, "entropies are numbers");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char bytes[HEAD + MOST + 8];
    struct input in = {data, size};
    uint32_t dimension = 1 + next_byte(&in) % 8;
    size_t n = in.left < MOST ? in.left : MOST;
    uint64_t hash;
    struct memory_file file = {"v", bytes, HEAD + n + 8};
    struct file_space space = {.files = &file, .n = 1, .memory_only = true};
    struct emx_vne_set *set = NULL;

    memcpy(bytes, "EMX-VNE\n\1\0\0", 12);
    memcpy(bytes + 12, &dimension, sizeof(dimension));
    memcpy(bytes + HEAD, in.data, n);
    hash = XXH3_64bits(bytes, HEAD + n);
    memcpy(bytes + HEAD + n, &hash, sizeof(hash));
    if (set_read(&space, "v", &set, NULL) == EMX_OK)
        check(set);
    emx_vne_set_destroy(&set);
    return 0;
}
