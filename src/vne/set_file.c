/* set_file.c - a set of domains as a file; docs/vne-format.md describes it */
#include "util/outfile.h"
#include "vne/density.h"
#include "vne/set.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { VERSION = 1, MOST_TEXT = 1 << 16, LEAST_BYTES = 60 };
#define MOST_DOMAINS (UINT64_C(1) << 20)

static const char magic[8] = "EMX-VNE\n";

/* --- writing ------------------------------------------------------------------------------------------------- */

struct writer {
    struct outfile *out;
    XXH3_state_t *hash;
    enum emx_status status; /* of the first failure: after it nothing is written */
    struct emx_error *err;
};

static void put(struct writer *w, const void *data, size_t n)
{
    if (w->status)
        return;
    XXH3_64bits_update(w->hash, data, n);
    w->status = outfile_write(w->out, data, n, w->err);
}

static void put_u32(struct writer *w, uint32_t x)
{
    x = htole32(x);
    put(w, &x, sizeof(x));
}

static void put_u64(struct writer *w, uint64_t x)
{
    x = htole64(x);
    put(w, &x, sizeof(x));
}

static void put_text(struct writer *w, const char *s)
{
    size_t n = strlen(s) < MOST_TEXT ? strlen(s) : MOST_TEXT;

    put_u32(w, (uint32_t)n);
    put(w, s, n);
}

static void put_real(struct writer *w, double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof(bits));
    put_u64(w, bits);
}

static void put_domain(struct writer *w, const struct emx_vne_domain *d, size_t dimension)
{
    size_t n = density_stored_bytes(dimension);
    unsigned char *stored = malloc(n);

    if (!stored) {
        w->status = emx_fail(w->err, EMX_ERR_MEMORY, "out of memory for the matrix of domain '%s'", d->name);
        return;
    }
    density_store(d->density, stored);
    put_text(w, d->name);
    put_u64(w, d->n_documents);
    put_u64(w, d->n_left_out);
    put_u64(w, d->n_tokens);
    put_u64(w, d->n_tokens_without_vector);
    for (size_t i = 0; i < dimension; i++)
        put_real(w, d->eigenvalues[i]);
    put(w, stored, n);
    free(stored);
}

static void put_set(struct writer *w, const struct emx_vne_set *set)
{
    put(w, magic, sizeof(magic));
    put_u32(w, VERSION);
    put_u32(w, (uint32_t)set->dimension);
    put_u64(w, set->n_domains);
    put_u64(w, set->n_requested);
    put_u64(w, set->seed);
    put_u64(w, set->weighting);
    put_text(w, set->source);
    for (size_t i = 0; i < set->n_domains; i++)
        put_domain(w, &set->domains[i], set->dimension);
    put_u64(w, XXH3_64bits_digest(w->hash));
}

enum emx_status emx_vne_set_write(const struct emx_vne_set *set, const char *path, struct emx_error *err)
{
    struct writer w = {.hash = XXH3_createState(), .err = err};

    if (!w.hash || XXH3_64bits_reset(w.hash) != XXH_OK) {
        XXH3_freeState(w.hash);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    }
    w.status = outfile_create(path, &w.out, err);
    if (!w.status)
        put_set(&w, set);
    if (!w.status)
        w.status = outfile_commit(w.out, err);
    outfile_destroy(&w.out);
    XXH3_freeState(w.hash);
    return w.status;
}

/* --- reading ------------------------------------------------------------------------------------------------- */

/* Bytes that are left; who takes more than there are gets zeros, and `failed` is set. */
struct bytes {
    const unsigned char *p;
    size_t left;
    bool failed;
};

static const unsigned char *take(struct bytes *b, size_t n)
{
    const unsigned char *p = b->p;

    if (n > b->left) {
        b->failed = true;
        return NULL;
    }
    b->p += n;
    b->left -= n;
    return p;
}

static uint32_t take_u32(struct bytes *b)
{
    const unsigned char *p = take(b, 4);
    uint32_t x = 0;

    if (p)
        memcpy(&x, p, sizeof(x));
    return le32toh(x);
}

static uint64_t take_u64(struct bytes *b)
{
    const unsigned char *p = take(b, 8);
    uint64_t x = 0;

    if (p)
        memcpy(&x, p, sizeof(x));
    return le64toh(x);
}

static char *take_text(struct bytes *b)
{
    uint32_t n = take_u32(b);
    const unsigned char *p = n <= MOST_TEXT ? take(b, n) : NULL;

    if (!p || memchr(p, 0, n)) {
        b->failed = true;
        return NULL;
    }
    return strndup((const char *)p, n);
}

static bool take_eigenvalues(struct bytes *b, size_t n, double *ret)
{
    double before = 2;

    for (size_t i = 0; i < n; i++) {
        uint64_t bits = take_u64(b);

        memcpy(&ret[i], &bits, sizeof(bits));
        if (!(ret[i] >= 0 && ret[i] <= before)) /* nor NaN */
            return false;
        before = ret[i];
    }
    return !b->failed;
}

static enum emx_status take_domain(struct bytes *b, struct emx_vne_set *set, size_t i, const char *path,
                                   struct emx_error *err)
{
    struct emx_vne_domain *d = &set->domains[i];
    const unsigned char *stored;
    bool good;

    d->name = take_text(b);
    d->n_documents = take_u64(b);
    d->n_left_out = take_u64(b);
    d->n_tokens = take_u64(b);
    d->n_tokens_without_vector = take_u64(b);
    good = d->name && (i == 0 || strcmp(set->domains[i - 1].name, d->name) < 0) &&
           take_eigenvalues(b, set->dimension, d->eigenvalues);
    stored = good ? take(b, density_stored_bytes(set->dimension)) : NULL;
    if (!stored || !density_load(d->density, stored, d->n_documents, d->n_left_out) ||
        (d->n_documents > 0) != (d->eigenvalues[0] > 0))
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: domain number %zu is damaged", path, i);
    if (d->n_documents)
        emx_vne_of(d->eigenvalues, set->dimension, &d->vne);
    return EMX_OK;
}

static enum emx_status check_frame(struct bytes *b, const char *path, struct emx_error *err)
{
    const unsigned char *begin = b->p;
    size_t len = b->left;
    struct bytes head = *b, tail;
    uint32_t version;

    if (len < sizeof(magic) || memcmp(begin, magic, sizeof(magic)) != 0)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: is no file of von Neumann entropies", path);
    (void)take(&head, sizeof(magic));
    version = take_u32(&head);
    if (!head.failed && version != VERSION)
        return emx_fail(err, EMX_ERR_VERSION, "%s: is of version %u, this program reads version %d", path, version,
                        VERSION);
    if (len < LEAST_BYTES)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: is cut off at byte %zu", path, len);
    tail = (struct bytes){begin + len - 8, 8, false};
    if (XXH3_64bits(begin, len - 8) != take_u64(&tail))
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: its checksum does not match, so it is cut off or damaged", path);
    *b = head;
    b->left -= 8;
    return EMX_OK;
}

static enum emx_status take_set(struct bytes *b, const char *path, struct emx_vne_set **ret, struct emx_error *err)
{
    size_t dimension = take_u32(b);
    uint64_t n = take_u64(b);
    struct emx_vne_set *set;
    enum emx_status status = EMX_OK;

    if (dimension < 1 || dimension > EMX_MAX_DIMENSION || n > MOST_DOMAINS ||
        n > b->left / density_stored_bytes(dimension))
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: cannot hold %llu domains of %zu dimensions", path,
                        (unsigned long long)n, dimension);
    set = set_create(dimension, (size_t)n);
    if (!set)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    *ret = set;
    set->n_requested = take_u64(b);
    set->seed = take_u64(b);
    set->weighting = take_u64(b) == EMX_VNE_WEIGHTING_SIF ? EMX_VNE_WEIGHTING_SIF : EMX_VNE_WEIGHTING_NONE;
    set->source = take_text(b);
    if (!set->source)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: its beginning is damaged", path);
    for (size_t i = 0; i < n && !status; i++)
        status = take_domain(b, set, i, path, err);
    if (!status && b->left)
        status = emx_fail(err, EMX_ERR_CORRUPT, "%s: %zu bytes follow the last domain", path, b->left);
    return status;
}

enum emx_status set_read(const struct file_space *space, const char *path, struct emx_vne_set **ret,
                         struct emx_error *err)
{
    struct bytes b = {0};
    struct emx_vne_set *set = NULL;
    struct file *file = NULL;
    enum emx_status status = file_open(space, path, &file, err);

    if (!status)
        status = file_map(file, &b.p, err);
    if (!status) {
        b.left = file_size(file);
        status = check_frame(&b, path, err);
    }
    if (!status)
        status = take_set(&b, path, &set, err);
    file_close(&file);
    if (status)
        emx_vne_set_destroy(&set);
    else
        *ret = set;
    return status;
}

enum emx_status emx_vne_set_read(const char *path, struct emx_vne_set **ret, struct emx_error *err)
{
    return set_read(NULL, path, ret, err);
}
