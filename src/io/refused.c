#include "io/refused.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

static const struct {
    size_t offset, len;
    const char *magic, *kind;
} kinds[] = {
    {0, 9, "MMIDIDX\0\0", "the index of a Megatron shard: give the .bin, or the prefix without an ending"},
    {0, 8, "TNTIDX\0\0", "a legacy fairseq index, which is not supported"},
    {0, 7, "HUFFIDX", "a Huffman-coded fairseq index, which is not supported"},
    {0, 7, "LITPKDS", "a lit-gpt packed dataset, which is not supported yet"},
    {0, 4, "PAR1", "a Parquet file, which is not supported yet"},
    {0, 4, "PARE", "an encrypted Parquet file, which is not supported"},
    {0, 8, "ARROW1\0\0", "an Arrow file, which is not supported yet"},
    {257, 5, "ustar", "a tar archive, which is not supported yet"},
    {0, 4, "PK\3\4", "a zip archive (.npz?), which is not supported"},
    {0, 3, "\x80\x04\x95", "a Python pickle, which is never read"},
    {0, 4, "\xBA\x16\x4F\x2F", "a fastText model, not a shard of tokens"},
    {0, 8,
     "\x89"
     "EMX\r\n\x1a\n",
     "a state file of entromix, not a shard"},
};

static bool is_arrow_stream(const unsigned char *head, size_t len)
{
    uint32_t metadata;

    if (len < 8 || memcmp(head, "\xFF\xFF\xFF\xFF", 4) != 0)
        return false;
    memcpy(&metadata, head + 4, 4);
    metadata = le32toh(metadata);
    return metadata > 0 && metadata % 8 == 0 && metadata < 1 << 24;
}

static bool is_safetensors(const unsigned char *head, size_t len)
{
    uint64_t n;

    if (len < 10)
        return false;
    memcpy(&n, head, 8);
    n = le64toh(n);
    return n >= 2 && n <= 100000000 && head[8] == '{' && (head[9] == '"' || head[9] == '}');
}

static uint32_t u32_at(const unsigned char *p)
{
    uint32_t x;

    memcpy(&x, p, 4);
    return le32toh(x);
}

/* N items, then N + 1 rising offsets, the first of them right behind, the last at the end. */
static bool is_litdata(const unsigned char *head, size_t len, uint64_t size)
{
    enum { FEW = 4 /* offsets in a row that are taken for chance, where the size is not known */ };
    uint64_t n = len >= 12 ? u32_at(head) : 0, offset = 8 + 4 * n, i;

    if (n == 0 || u32_at(head + 4) != offset)
        return false;
    for (i = 1; i <= n && 8 + 4 * i <= len; i++) {
        if (u32_at(head + 4 + 4 * i) < offset)
            return false;
        offset = u32_at(head + 4 + 4 * i);
    }
    if (i > n && size != UINT64_MAX)
        return offset == size;
    return i > FEW && offset <= size;
}

/* u64 bytes of tokens, u32 bytes of one, the tokens, a pickle.  Nothing but the name is sure. */
static bool is_pbin(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && strcmp(dot, ".pbin") == 0;
}

const char *refused_kind(const char *path, const void *head, size_t len, uint64_t size)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (len >= kinds[i].offset + kinds[i].len &&
            memcmp((const char *)head + kinds[i].offset, kinds[i].magic, kinds[i].len) == 0)
            return kinds[i].kind;
    }
    if (is_arrow_stream(head, len))
        return "an Arrow stream, which is not supported yet";
    if (is_safetensors(head, len))
        return "a safetensors file, not a shard of tokens";
    if (is_litdata(head, len, size))
        return "a litdata chunk, which is not supported yet";
    return is_pbin(path) ? "a packed file of Modalities, which is not supported yet" : NULL;
}
