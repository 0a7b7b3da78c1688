/*
 * state_open.c - open a state file: frame, directory, and all sections but the tables
 *
 * Everything is checked before it is believed: the trailer against the file's size, the directory against the
 * trailer, sections against the directory (they fill the file without a gap), and each section's bytes against its
 * checksum before they are decoded.
 */
#include "state/covariance.h"
#include "state/skipped.h"
#include "state/state_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

const char *state_name(const struct emx_state *s)
{
    return file_path(s->file);
}

static enum emx_status out_of_memory(const struct emx_state *s, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", state_name(s));
}

static enum emx_status check_header(const struct emx_state *s, const unsigned char *header, struct emx_error *err)
{
    uint32_t version = get_u32(header + MAGIC_BYTES);

    if (memcmp(header, STATE_MAGIC, MAGIC_BYTES) != 0)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: is not an entromix state file (no magic at byte 0)", state_name(s));
    if (version != EMX_STATE_VERSION)
        return emx_fail(err, EMX_ERR_VERSION,
                        "%s: is a state file of version %" PRIu32 ", this program reads version %d", state_name(s),
                        version, EMX_STATE_VERSION);
    if (get_u32(header + MAGIC_BYTES + 4) != 0)
        return emx_fail(err, EMX_ERR_VERSION, "%s: flags at byte %d need a newer version of this program",
                        state_name(s), MAGIC_BYTES + 4);
    return EMX_OK;
}

/* The first bytes, as far as there are: a file that is too short may still be known by them. */
static enum emx_status read_header(struct emx_state *s, unsigned char *header, struct emx_error *err)
{
    uint64_t size = file_size(s->file);
    enum emx_status status;

    if (size < HEADER_BYTES)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: is not an entromix state file (%" PRIu64 " bytes)", state_name(s),
                        size);
    status = file_read_at(s->file, 0, header, HEADER_BYTES, err);
    if (status == EMX_OK)
        status = check_header(s, header, err);
    if (status == EMX_OK && size < HEADER_BYTES + TRAILER_BYTES)
        status = emx_fail(err, EMX_ERR_CORRUPT, "%s: is cut off at byte %" PRIu64, state_name(s), size);
    return status;
}

/* On success *ret is the directory as a section. */
static enum emx_status read_trailer(struct emx_state *s, struct section *ret, struct emx_error *err)
{
    unsigned char bytes[HEADER_BYTES + TRAILER_BYTES], *trailer = bytes + HEADER_BYTES;
    uint64_t at = file_size(s->file) - TRAILER_BYTES;
    enum emx_status status = read_header(s, bytes, err);

    if (status != EMX_OK)
        return status;
    status = file_read_at(s->file, at, trailer, TRAILER_BYTES, err);
    if (status != EMX_OK)
        return status;
    if (memcmp(trailer + 32, STATE_END_MAGIC, MAGIC_BYTES) != 0)
        return emx_fail(err, EMX_ERR_CORRUPT,
                        "%s: has no end mark at byte %" PRIu64 ": it is cut off, or something was appended",
                        state_name(s), at + 32);
    *ret = (struct section){.offset = get_u64(trailer), .len = get_u64(trailer + 8), .xxh3 = get_u64(trailer + 16)};
    if (XXH3_64bits(bytes, HEADER_BYTES + 24) != get_u64(trailer + 24))
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: checksum of the trailer at byte %" PRIu64 " does not match",
                        state_name(s), at);
    if (ret->offset < HEADER_BYTES || ret->offset > at || ret->len != at - ret->offset || ret->len % ENTRY_BYTES)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: trailer at byte %" PRIu64 " points outside the file", state_name(s),
                        at);
    return EMX_OK;
}

/* Four letters, or dots where they are none. */
static const char *type_name(uint32_t type, char name[5])
{
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)(type >> 8 * i);

        name[i] = (char)(c >= ' ' && c <= '~' ? c : '.');
    }
    name[4] = '\0';
    return name;
}

/* A whole section, checked; *ret has one NUL byte after its end and is the caller's. */
static enum emx_status load_section(struct emx_state *s, const struct section *section, const char *what, char **ret,
                                    struct emx_error *err)
{
    char *data = section->len < SIZE_MAX ? malloc((size_t)section->len + 1) : NULL;
    enum emx_status status;

    if (!data)
        return out_of_memory(s, err);
    status = file_read_at(s->file, section->offset, data, (size_t)section->len, err);
    if (status == EMX_OK && XXH3_64bits(data, (size_t)section->len) != section->xxh3)
        status = emx_fail(err, EMX_ERR_CORRUPT, "%s: checksum of the %s at byte %" PRIu64 " does not match",
                          state_name(s), what, section->offset);
    if (status != EMX_OK) {
        free(data);
        return status;
    }
    data[section->len] = '\0';
    *ret = data;
    return EMX_OK;
}

static enum emx_status decode_directory(struct emx_state *s, const char *bytes, const struct section *directory,
                                        struct emx_error *err)
{
    uint64_t at = HEADER_BYTES;

    for (size_t i = 0; i < s->n_sections; i++) {
        const char *entry = bytes + i * ENTRY_BYTES;
        struct section *to = &s->sections[i];

        *to = (struct section){.type = get_u32(entry),
                               .flags = get_u32(entry + 4),
                               .domain = get_u32(entry + 8),
                               .offset = get_u64(entry + 16),
                               .len = get_u64(entry + 24),
                               .xxh3 = get_u64(entry + 32)};
        if (get_u32(entry + 12) != 0 || to->offset != at || to->len > directory->offset - at)
            return emx_fail(err, EMX_ERR_CORRUPT, "%s: directory entry at byte %" PRIu64 " points outside the file",
                            state_name(s), directory->offset + i * ENTRY_BYTES);
        at += to->len;
    }
    if (at != directory->offset)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: bytes from %" PRIu64 " on belong to no section", state_name(s), at);
    return EMX_OK;
}

static enum emx_status read_directory(struct emx_state *s, struct emx_error *err)
{
    struct section directory;
    char *bytes = NULL;
    enum emx_status status = read_trailer(s, &directory, err);

    if (status == EMX_OK)
        status = load_section(s, &directory, "directory", &bytes, err);
    if (status != EMX_OK)
        return status;
    s->n_sections = (size_t)(directory.len / ENTRY_BYTES);
    s->sections = calloc(s->n_sections + 1, sizeof(*s->sections));
    status = s->sections ? decode_directory(s, bytes, &directory, err) : out_of_memory(s, err);
    free(bytes);
    return status;
}

static const enum section_type SECTION_ORDER[] = {SECTION_SHARDS, SECTION_TAILS, SECTION_PAIRS, SECTION_SPECTRA,
                                                  SECTION_DOMAIN};
#define SECTIONS_A_DOMAIN (sizeof(SECTION_ORDER) / sizeof(*SECTION_ORDER))

static bool is_known(uint32_t type)
{
    for (size_t i = 0; i < SECTIONS_A_DOMAIN; i++)
        if (type == (uint32_t)SECTION_ORDER[i])
            return true;
    return false;
}

static enum emx_status not_in_place(const struct emx_state *s, const struct section *section, struct emx_error *err)
{
    char name[5];

    return emx_fail(err, EMX_ERR_CORRUPT, "%s: section %s at byte %" PRIu64 " is not in its place", state_name(s),
                    type_name(section->type, name), section->offset);
}

/* A covariance follows the last section of its domain. */
static bool is_covariance_in_place(const struct section *covariance, size_t i, size_t n_domains)
{
    return covariance->flags == SECTION_OPTIONAL && i > 0 && covariance[-1].type == (uint32_t)SECTION_DOMAIN &&
           covariance->domain == n_domains - 1;
}

/* Collect the sections of each domain in sorted[n_domains][SECTIONS_A_DOMAIN]; *ret counts all of them. */
static enum emx_status sort_sections(const struct emx_state *s, const struct section **sorted, size_t *ret,
                                     struct emx_error *err)
{
    size_t n = 0;
    char name[5];

    for (size_t i = 0; i < s->n_sections; i++) {
        const struct section *section = &s->sections[i];

        if (section->type == (uint32_t)SECTION_COVARIANCE) {
            if (!is_covariance_in_place(section, i, n / SECTIONS_A_DOMAIN))
                return not_in_place(s, section, err);
            continue;
        }
        if (!is_known(section->type) && section->flags == SECTION_OPTIONAL) /* SKIP, too: load_skipped() */
            continue;
        if (!is_known(section->type) || section->flags != 0)
            return emx_fail(err, EMX_ERR_VERSION,
                            "%s: section %s at byte %" PRIu64 " needs a newer version of this program", state_name(s),
                            type_name(section->type, name), section->offset);
        if (section->type != (uint32_t)SECTION_ORDER[n % SECTIONS_A_DOMAIN] || section->domain != n / SECTIONS_A_DOMAIN)
            return not_in_place(s, section, err);
        sorted[n++] = section;
    }
    if (n % SECTIONS_A_DOMAIN || n / SECTIONS_A_DOMAIN > MAX_DOMAINS)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: %zu sections are not those of whole domains", state_name(s), n);
    *ret = n;
    return EMX_OK;
}

static enum emx_status decode_domain(struct emx_state *s, struct stored_domain *d, const char *spectra,
                                     const struct section *const *sections, struct emx_error *err)
{
    bool memory;
    const char *wrong;

    d->n_shard_bytes = (size_t)sections[0]->len;
    d->n_domain_bytes = (size_t)sections[4]->len;
    wrong = stored_domain_decode(d, (const unsigned char *)spectra, (size_t)sections[3]->len, &memory);
    if (wrong && memory)
        return out_of_memory(s, err);
    if (wrong)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: domain at byte %" PRIu64 " has %s", state_name(s),
                        sections[0]->offset, wrong);
    return EMX_OK;
}

/* The head of a covariance: its sums are read when they are asked for. */
static enum emx_status load_covariance(struct emx_state *s, size_t domain, const struct section *section,
                                       struct emx_error *err)
{
    struct stored_domain *d = &s->domains[domain];
    unsigned char begin[COVARIANCE_BEGIN];
    const char *wrong = "a covariance that is cut off";
    size_t n = 0;
    enum emx_status status = EMX_OK;

    s->tables[domain].covariance = *section;
    if (section->len >= COVARIANCE_BEGIN)
        status = file_read_at(s->file, section->offset, begin, COVARIANCE_BEGIN, err);
    if (status == EMX_OK && section->len >= COVARIANCE_BEGIN)
        n = covariance_head_bytes(begin, section->len);
    if (status == EMX_OK && n) {
        d->covariance_bytes = malloc(n);
        status = d->covariance_bytes ? file_read_at(s->file, section->offset, d->covariance_bytes, n, err)
                                     : out_of_memory(s, err);
    }
    if (status != EMX_OK)
        return status;
    if (n)
        wrong = covariance_decode(d->covariance_bytes, n, section->len, &d->covariance);
    if (!wrong)
        wrong = covariance_check(&d->covariance, &d->domain);
    if (wrong)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: section COVR at byte %" PRIu64 ": domain %.200s has %s",
                        state_name(s), section->offset, d->domain.name, wrong);
    d->domain.covariance = &d->covariance;
    return EMX_OK;
}

static bool has_covariance(const struct emx_state *s, const struct section *last)
{
    return last + 1 < s->sections + s->n_sections && last[1].type == (uint32_t)SECTION_COVARIANCE;
}

/* Sections of one domain, in SECTION_ORDER. */
static enum emx_status load_domain(struct emx_state *s, const struct section *const *sections, struct emx_error *err)
{
    struct stored_domain *d = &s->domains[s->n_domains];
    char *spectra = NULL;
    enum emx_status status;

    s->tables[s->n_domains++] = (struct domain_tables){.tails = *sections[1], .pairs = *sections[2]};
    status = load_section(s, sections[0], "shard records", &d->shard_bytes, err);
    if (status == EMX_OK)
        status = load_section(s, sections[4], "domain's totals", &d->domain_bytes, err);
    if (status == EMX_OK)
        status = load_section(s, sections[3], "spectra", &spectra, err);
    if (status == EMX_OK)
        status = decode_domain(s, d, spectra, sections, err);
    free(spectra);
    if (status == EMX_OK && has_covariance(s, sections[4]))
        status = load_covariance(s, s->n_domains - 1, sections[4] + 1, err);
    if (status == EMX_OK && s->n_domains > 1 && strcmp(d[-1].domain.name, d->domain.name) >= 0)
        status = emx_fail(err, EMX_ERR_CORRUPT, "%s: domain at byte %" PRIu64 " does not come in order of name",
                          state_name(s), sections[0]->offset);
    return status;
}

static enum emx_status load_domains(struct emx_state *s, struct emx_error *err)
{
    const struct section **sorted = malloc((s->n_sections + 1) * sizeof(const struct section *));
    enum emx_status status;
    size_t n = 0;

    if (!sorted)
        return out_of_memory(s, err);
    status = sort_sections(s, sorted, &n, err);
    if (status == EMX_OK) {
        s->domains = calloc(n / SECTIONS_A_DOMAIN + 1, sizeof(*s->domains));
        s->tables = calloc(n / SECTIONS_A_DOMAIN + 1, sizeof(*s->tables));
        if (!s->domains || !s->tables)
            status = out_of_memory(s, err);
    }
    for (size_t i = 0; status == EMX_OK && i < n; i += SECTIONS_A_DOMAIN)
        status = load_domain(s, sorted + i, err);
    free(sorted);
    return status;
}

static enum emx_status decode_skipped(struct emx_state *s, const struct section *section, struct emx_error *err)
{
    bool memory;
    const char *wrong = skipped_decode(s->skipped_bytes, (size_t)section->len, &s->skipped, &s->n_skipped, &memory);

    if (wrong && memory)
        return out_of_memory(s, err);
    return wrong
               ? emx_fail(err, EMX_ERR_CORRUPT, "%s: the list of what was skipped, at byte %" PRIu64 ", has wrong: %s",
                          state_name(s), section->offset, wrong)
               : EMX_OK;
}

static enum emx_status load_skipped(struct emx_state *s, struct emx_error *err)
{
    for (size_t i = 0; i < s->n_sections; i++) {
        enum emx_status status;

        if (s->sections[i].type != (uint32_t)SECTION_SKIPPED)
            continue;
        if (s->skipped_bytes)
            return emx_fail(err, EMX_ERR_CORRUPT, "%s: a second list of what was skipped, at byte %" PRIu64,
                            state_name(s), s->sections[i].offset);
        status = load_section(s, &s->sections[i], "list of what was skipped", &s->skipped_bytes, err);
        if (status == EMX_OK)
            status = decode_skipped(s, &s->sections[i], err);
        if (status != EMX_OK)
            return status;
    }
    return EMX_OK;
}

/* All of a pipe, in one allocation that doubles; what does not begin as a state file is refused at once. */
static enum emx_status read_pipe(struct emx_state *s, size_t *ret_len, struct emx_error *err)
{
    size_t cap = 0, len = 0, got;

    do {
        enum emx_status status = cap ? check_header(s, s->owned, err) : EMX_OK;
        char *grown;

        if (status != EMX_OK)
            return status;
        cap = cap ? 2 * cap : (size_t)1 << 20;
        grown = cap ? realloc(s->owned, cap) : NULL;
        if (!grown)
            return out_of_memory(s, err);
        s->owned = grown;
        status = file_read(s->file, grown + len, cap - len, &got, err);
        if (status != EMX_OK)
            return status;
        len += got;
    } while (len == cap);
    *ret_len = len;
    return EMX_OK;
}

static enum emx_status open_bytes(struct emx_state *s, const void *data, size_t len, const char *name,
                                  struct emx_error *err)
{
    struct memory_file memory = {.path = name, .data = data, .len = len};
    struct file_space space = {.files = &memory, .n = 1, .memory_only = true};

    return file_open(&space, name, &s->file, err);
}

/* What cannot be read by position is read into memory first. */
static enum emx_status keep_pipe(struct emx_state *s, struct emx_error *err)
{
    struct file *pipe = s->file;
    size_t len = 0;
    enum emx_status status = read_pipe(s, &len, err);

    if (status != EMX_OK)
        return status;
    s->file = NULL;
    status = open_bytes(s, s->owned, len, file_path(pipe), err);
    file_close(&pipe);
    return status;
}

static enum emx_status open_file(struct emx_state *s, const char *path, struct emx_error *err)
{
    enum emx_status status = file_open(NULL, path, &s->file, err);

    return status == EMX_OK && file_size(s->file) == UINT64_MAX ? keep_pipe(s, err) : status;
}

static enum emx_status open_state(const char *path, const void *data, size_t len, struct emx_state **ret,
                                  struct emx_error *err)
{
    struct emx_state *s = calloc(1, sizeof(*s));
    enum emx_status status;

    if (!s)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    status = data ? open_bytes(s, data, len, path, err) : open_file(s, path, err);
    if (status == EMX_OK)
        status = read_directory(s, err);
    if (status == EMX_OK)
        status = load_domains(s, err);
    if (status == EMX_OK)
        status = load_skipped(s, err);
    if (status == EMX_OK)
        *ret = s;
    else
        emx_state_close(&s);
    return status;
}

enum emx_status emx_state_open(const char *path, struct emx_state **ret, struct emx_error *err)
{
    return open_state(path, NULL, 0, ret, err);
}

enum emx_status emx_state_open_memory(const void *data, size_t len, const char *name, struct emx_state **ret,
                                      struct emx_error *err)
{
    return open_state(name, data ? data : "", data ? len : 0, ret, err);
}

void emx_state_close(struct emx_state **ptr)
{
    struct emx_state *s = *ptr;

    if (!s)
        return;
    for (size_t i = 0; i < s->n_domains; i++)
        stored_domain_finish(&s->domains[i]);
    file_close(&s->file);
    free(s->domains);
    free(s->tables);
    free(s->skipped);
    free(s->skipped_bytes);
    free(s->sections);
    free(s->owned);
    free(s);
    *ptr = NULL;
}

size_t emx_state_n_domains(const struct emx_state *s)
{
    return s->n_domains;
}

const struct emx_domain *emx_state_domain(const struct emx_state *s, size_t i)
{
    return &s->domains[i].domain;
}

size_t emx_state_n_skipped(const struct emx_state *s)
{
    return s->n_skipped;
}

const struct emx_skipped *emx_state_skipped(const struct emx_state *s, size_t i)
{
    return &s->skipped[i];
}
