/*
 * fuzz_state.c - arbitrary state files: no crash, and nothing that verifies is wrong
 *
 * Checksums would stop nearly every input at once, so the file is put together here, with right checksums: up to
 * two domains whose rows come from the input, then edits of their sections that the input asks for.  Without edits
 * the state must verify and give the rows back.  An odd first byte takes the rest as the file instead.
 */
#include "state/block_encode.h"
#include "state/domain_codec.h"
#include "state/layout.h"

#include <stdlib.h>
#include <xxhash.h>

#define MAX_FUZZ_DOMAINS 2
#define MAX_ROWS 255
#define SECTIONS_A_DOMAIN 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t left;
};

struct memory {
    char *data;
    size_t len;
};

struct rows {
    struct emx_pair_count rows[MAX_ROWS];
    size_t n;
};

struct fuzz_domain {
    struct rows pairs, tails;
    struct memory sections[SECTIONS_A_DOMAIN]; /* in the order of the file; the covariance may be missing */
};

static const uint32_t types[SECTIONS_A_DOMAIN] = {SECTION_SHARDS,  SECTION_TAILS,  SECTION_PAIRS,
                                                  SECTION_SPECTRA, SECTION_DOMAIN, SECTION_COVARIANCE};

/* Made once: they are large, and most of the time would go to their pages. */
static struct state_encoder *encoder;
static struct state_block block;

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

static unsigned next_byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->data++;
}

/* Of any size, mostly small, at least 1. */
static uint64_t next_number(struct input *in, unsigned max_bits)
{
    unsigned bits = next_byte(in);
    uint64_t n = next_byte(in) + 1;

    if (bits >= 128)
        n = (n << 56 | next_byte(in)) >> (64 - max_bits) | 1;
    return bits >= 192 ? n >> (bits - 192) % max_bits | 1 : n;
}

static void next_pairs(struct input *in, struct rows *to)
{
    size_t n = next_byte(in);
    uint64_t first = 0, second = 0;

    for (to->n = 0; to->n < n && in->left; to->n++) {
        unsigned step = next_byte(in) % 4;

        second = step ? second + next_number(in, 24) : next_byte(in);
        first += step ? 0 : 1 + next_byte(in);
        if (first >= EMX_MAX_VOCABULARY || second >= EMX_MAX_VOCABULARY)
            break;
        to->rows[to->n] = (struct emx_pair_count){(uint32_t)first, (uint32_t)second, next_number(in, 53)};
    }
}

static void next_tails(struct input *in, struct rows *to)
{
    size_t n = next_byte(in) % 16;
    uint64_t token = next_byte(in);

    for (to->n = 0; to->n < n && token < EMX_MAX_VOCABULARY; to->n++) {
        to->rows[to->n] = (struct emx_pair_count){(uint32_t)token, EMX_NO_TOKEN, next_number(in, 53)};
        token += next_number(in, 24);
    }
}

static FILE *open_memory(struct memory *m)
{
    FILE *f = open_memstream(&m->data, &m->len);

    require(f != NULL, "memory");
    return f;
}

static void close_memory(FILE *f)
{
    require(fclose(f) == 0, "memory");
}

/* A table of one block or none, from rows as they are stored. */
static void encode_table(const struct rows *rows, struct memory *to)
{
    FILE *f = open_memory(to);

    require(encoder || state_encoder_create(&encoder, NULL) == EMX_OK, "memory");
    if (rows->n) {
        require(encode_block_uncounted(encoder, rows->rows, rows->n, &block, NULL) == EMX_OK, "rows can be encoded");
        fwrite(block.stored, block.n_stored, 1, f);
    }
    close_memory(f);
}

static void encode_tables(struct fuzz_domain *d)
{
    struct rows turned = {.n = d->tails.n};

    for (size_t i = 0; i < turned.n; i++)
        turned.rows[i] = (struct emx_pair_count){0, d->tails.rows[i].first, d->tails.rows[i].count};
    encode_table(&turned, &d->sections[1]);
    encode_table(&d->pairs, &d->sections[2]);
}

/* A spectrum the plain way; the library's builder is large. */
struct counts {
    uint64_t all[2 * MAX_ROWS], count[2 * MAX_ROWS], types[2 * MAX_ROWS];
    size_t n;
};

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static struct emx_spectrum view_counts(struct counts *c)
{
    struct emx_spectrum s;
    size_t len = 0;

    qsort(c->all, c->n, sizeof(*c->all), ascending);
    for (size_t i = 0; i < c->n; i++) {
        if (len == 0 || c->count[len - 1] != c->all[i]) {
            c->count[len] = c->all[i];
            c->types[len++] = 0;
        }
        c->types[len - 1]++;
    }
    require(emx_spectrum_view(c->count, c->types, len, &s) == EMX_OK, "totals below 2^63");
    return s;
}

/* Count rows and tails into the three spectra. */
static void count_rows(const struct fuzz_domain *d, struct counts *tokens, struct counts *pairs, struct counts *firsts)
{
    size_t tail = 0;

    for (size_t i = 0, next; i < d->pairs.n; i = next) {
        uint32_t first = d->pairs.rows[i].first;
        uint64_t sum = 0;

        for (next = i; next < d->pairs.n && d->pairs.rows[next].first == first; next++) {
            pairs->all[pairs->n++] = d->pairs.rows[next].count;
            sum += d->pairs.rows[next].count;
        }
        firsts->all[firsts->n++] = sum;
        while (tail < d->tails.n && d->tails.rows[tail].first < first)
            tokens->all[tokens->n++] = d->tails.rows[tail++].count;
        if (tail < d->tails.n && d->tails.rows[tail].first == first)
            sum += d->tails.rows[tail++].count;
        tokens->all[tokens->n++] = sum;
    }
    while (tail < d->tails.n)
        tokens->all[tokens->n++] = d->tails.rows[tail++].count;
}

static uint32_t largest_token(const struct fuzz_domain *d)
{
    uint32_t max = d->tails.n ? d->tails.rows[d->tails.n - 1].first : 0;

    for (size_t i = 0; i < d->pairs.n; i++) {
        max = d->pairs.rows[i].first > max ? d->pairs.rows[i].first : max;
        max = d->pairs.rows[i].second > max ? d->pairs.rows[i].second : max;
    }
    return max;
}

static void encode_small(struct fuzz_domain *to, const struct emx_domain *d)
{
    FILE *f = open_memory(&to->sections[0]);

    shards_encode(d->shards, d->n_shards, f);
    close_memory(f);
    f = open_memory(&to->sections[3]);
    spectra_encode(d, f);
    close_memory(f);
    f = open_memory(&to->sections[4]);
    domain_encode(d, f);
    close_memory(f);
}

/* Documents that all point one way, in a section put together by hand, or any numbers; is it right? */
static bool encode_covariance(struct input *in, const struct emx_domain *d, struct memory *to)
{
    uint32_t dimension = 1 + next_byte(in) % 6, width = 1 + next_byte(in) % 16;
    bool whole = next_byte(in) % 4 != 0;
    uint64_t n_tokens = next_byte(in);
    unsigned char head[80 + 4] = {0}, sum[16] = {0};
    FILE *f = open_memory(to);

    put_u32(head + 8, sizeof(head));
    put_u32(head + 12, dimension);
    put_u32(head + 16, whole ? 7 : width);
    put_u64(head + 48, d->n_documents);
    put_u64(head + 64, n_tokens);
    memcpy(head + 80, "w\0s", 4);
    put_u64(head, XXH3_64bits(head + 8, sizeof(head) - 8));
    fwrite(head, sizeof(head), 1, f);
    for (uint32_t i = 0; i < dimension * (dimension + 1) / 2; i++) {
        memset(sum, 0, sizeof(sum));
        if (whole)
            put_u64(sum, i == 0 ? d->n_documents << 48 : 0);
        else
            sum[next_byte(in) % 16] = (unsigned char)next_byte(in);
        fwrite(sum, whole ? 7 : width, 1, f);
    }
    close_memory(f);
    return whole && d->n_documents && n_tokens <= d->n_tokens;
}

/* Is what was built right? */
static bool build_domain(struct input *in, const char *name, struct fuzz_domain *to)
{
    struct emx_shard_record shard = {.path = "shard", .format = "raw", .codec = "none", .dtype = "u16"};
    struct emx_domain d = {.name = name, .settings.eod = next_byte(in), .shards = &shard};
    static struct counts tokens, pairs, firsts;

    tokens.n = pairs.n = firsts.n = 0;
    next_pairs(in, &to->pairs);
    next_tails(in, &to->tails);
    encode_tables(to);
    count_rows(to, &tokens, &pairs, &firsts);
    d.tokens = view_counts(&tokens);
    d.pairs = view_counts(&pairs);
    d.firsts = view_counts(&firsts);
    d.max_token = largest_token(to);
    d.n_tokens = shard.n_tokens = d.tokens.n_total;
    d.n_pairs = shard.n_pairs = d.pairs.n_total;
    d.n_tails = d.n_tokens - d.n_pairs;
    d.n_pair_types = d.pairs.n_types;
    d.n_shards = next_byte(in) % 2;
    d.n_documents = shard.n_documents = next_byte(in) % 32;
    encode_small(to, &d);
    return next_byte(in) % 2 == 0 || encode_covariance(in, &d, &to->sections[5]);
}

/* Change, cut or lengthen a section; a block gets a right checksum again, most of the time. */
static void edit_section(struct input *in, struct memory *section)
{
    unsigned how = next_byte(in), at = next_byte(in) | (how & 16 ? next_byte(in) << 8 : 0), value = next_byte(in);

    section->data = realloc(section->data, section->len + 1);
    require(section->data != NULL, "memory");
    if (how % 4 == 1 && section->len) {
        section->len -= at % section->len;
    } else if (how % 4 == 2) {
        section->data[section->len++] = (char)value;
    } else if (section->len) {
        section->data[at % section->len] ^= (char)value;
    }
    if (section->len >= BLOCK_HEADER_BYTES && how < 224)
        put_u64(section->data, XXH3_64bits(section->data + 8, section->len - 8));
}

/* The head of a covariance has a checksum of its own. */
static void reseal_covariance(struct memory *section)
{
    size_t n = section->len >= 84 ? get_u32(section->data + 8) : 0;

    if (n >= 8 && n <= section->len)
        put_u64(section->data, XXH3_64bits(section->data + 8, n - 8));
}

/* SHRD and the others are no blocks: their first bytes are to stay. */
static bool edit_domains(struct input *in, struct fuzz_domain *domains, size_t n)
{
    bool edited = false;

    for (; n && in->left >= 4; edited = true) {
        unsigned which = next_byte(in);
        struct memory *section = &domains[which / 8 % n].sections[which % SECTIONS_A_DOMAIN];
        uint64_t start = 0;
        bool is_table = which % SECTIONS_A_DOMAIN == 1 || which % SECTIONS_A_DOMAIN == 2;

        if (!is_table && section->len >= 8)
            memcpy(&start, section->data, 8);
        edit_section(in, section);
        if (!is_table && section->len >= BLOCK_HEADER_BYTES && which % 16)
            memcpy(section->data, &start, 8);
        if (which % SECTIONS_A_DOMAIN == SECTIONS_A_DOMAIN - 1 && which % 16)
            reseal_covariance(section);
    }
    return edited;
}

static void write_entry(FILE *f, uint32_t type, uint32_t domain, uint64_t offset, const struct memory *section)
{
    unsigned char entry[ENTRY_BYTES] = {0};

    put_u32(entry, type);
    put_u32(entry + 4, type == SECTION_COVARIANCE ? SECTION_OPTIONAL : 0);
    put_u32(entry + 8, domain);
    put_u64(entry + 16, offset);
    put_u64(entry + 24, section->len);
    put_u64(entry + 32, XXH3_64bits(section->data, section->len));
    fwrite(entry, sizeof(entry), 1, f);
}

static void assemble(const struct fuzz_domain *domains, size_t n, struct memory *to)
{
    unsigned char head[HEADER_BYTES + TRAILER_BYTES] = STATE_MAGIC "\x01", *trailer = head + HEADER_BYTES;
    struct memory directory;
    FILE *f = open_memory(to), *entries = open_memory(&directory);
    uint64_t at = HEADER_BYTES;

    fwrite(head, HEADER_BYTES, 1, f);
    for (size_t i = 0; i < n * SECTIONS_A_DOMAIN; i++) {
        const struct memory *section = &domains[i / SECTIONS_A_DOMAIN].sections[i % SECTIONS_A_DOMAIN];

        if (!section->data)
            continue;
        write_entry(entries, types[i % SECTIONS_A_DOMAIN], (uint32_t)(i / SECTIONS_A_DOMAIN), at, section);
        fwrite(section->data, section->len, 1, f);
        at += section->len;
    }
    close_memory(entries);
    fwrite(directory.data, directory.len, 1, f);
    put_u64(trailer, at);
    put_u64(trailer + 8, directory.len);
    put_u64(trailer + 16, XXH3_64bits(directory.data, directory.len));
    put_u64(trailer + 24, XXH3_64bits(head, HEADER_BYTES + 24));
    memcpy(trailer + 32, STATE_END_MAGIC, MAGIC_BYTES);
    fwrite(trailer, TRAILER_BYTES, 1, f);
    close_memory(f);
    free(directory.data);
}

static void require_rows(struct emx_state *s, size_t domain, const struct rows *rows, bool tails)
{
    struct emx_pair_cursor *c = NULL;
    struct emx_pair_count row;
    bool more = true;

    require((tails ? emx_tail_cursor_create(s, domain, &c, NULL) : emx_pair_cursor_create(s, domain, &c, NULL)) ==
                EMX_OK,
            "memory");
    for (size_t i = 0; i < rows->n; i++) {
        require(emx_pair_cursor_next(c, &row, &more, NULL) == EMX_OK && more, "as many rows as were written");
        require(row.first == rows->rows[i].first && row.second == rows->rows[i].second &&
                    row.count == rows->rows[i].count,
                "the rows that were written");
    }
    require(emx_pair_cursor_next(c, &row, &more, NULL) == EMX_OK && !more, "no more rows than were written");
    emx_pair_cursor_destroy(&c);
}

/* Read all rows; those of the pairs are compared with the totals only if the state verifies, so *ret_same tells. */
static bool read_table(struct emx_state *s, size_t domain, bool tails, bool *ret_same)
{
    const struct emx_domain *d = emx_state_domain(s, domain);
    struct emx_pair_cursor *c = NULL;
    struct emx_pair_count row;
    uint64_t sum = 0;
    bool more = true, ok = true;

    require((tails ? emx_tail_cursor_create(s, domain, &c, NULL) : emx_pair_cursor_create(s, domain, &c, NULL)) ==
                EMX_OK,
            "memory");
    while (ok && more) {
        row.count = 0;
        ok = emx_pair_cursor_next(c, &row, &more, NULL) == EMX_OK;
        sum += ok ? row.count : 0;
    }
    *ret_same &= sum == (tails ? d->n_tails : d->n_pairs);
    emx_pair_cursor_destroy(&c);
    return ok;
}

static bool read_tables(struct emx_state *s, bool *ret_same)
{
    bool ok = true;

    *ret_same = true;
    for (size_t i = 0; ok && i < emx_state_n_domains(s); i++)
        ok = read_table(s, i, true, ret_same) && read_table(s, i, false, ret_same);
    return ok;
}

/* Open and read, perhaps verify; `domains` is what the state must hold, or NULL if that is not known. */
static void examine(const void *data, size_t len, bool verify, const struct fuzz_domain *domains, size_t n)
{
    struct emx_state *s = NULL;
    struct emx_error err = {0};
    bool ok = emx_state_open_memory(data, len, "x", &s, &err) == EMX_OK, same = false;

    ok = ok && read_tables(s, &same);
    if (ok && verify) {
        ok = emx_state_verify(s, &err) == EMX_OK;
        require(!ok || same, "totals of a state that verifies");
    }
    require(ok || !domains, "a state that was written right is right");
    for (size_t i = 0; domains && i < n; i++) {
        require_rows(s, i, &domains[i].pairs, false);
        require_rows(s, i, &domains[i].tails, true);
    }
    emx_state_close(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[MAX_FUZZ_DOMAINS] = {"a", "b"};
    struct input in = {data, size};
    unsigned mode = next_byte(&in);
    size_t n = mode / 2 % (MAX_FUZZ_DOMAINS + 1);
    struct fuzz_domain *domains;
    struct memory file;
    bool right = true, edited, verify = mode / 16 % 4 == 0; /* slow: its builders of spectra are large */

    if (mode & 1) {
        examine(in.data, in.left, verify, NULL, 0);
        return 0;
    }
    domains = calloc(MAX_FUZZ_DOMAINS, sizeof(*domains));
    require(domains != NULL, "memory");
    for (size_t i = 0; i < n; i++)
        right &= build_domain(&in, names[i], &domains[i]);
    edited = edit_domains(&in, domains, n);
    assemble(domains, n, &file);
    examine(file.data, file.len, verify, edited || !right ? NULL : domains, n);
    free(file.data);
    for (size_t i = 0; i < n * SECTIONS_A_DOMAIN; i++)
        free(domains[i / SECTIONS_A_DOMAIN].sections[i % SECTIONS_A_DOMAIN].data);
    free(domains);
    return 0;
}
