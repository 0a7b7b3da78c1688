#include "embed/vocabulary.h"

#include <emx/state.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)256 << 20)

void vocabulary_finish(struct vocabulary *v)
{
    for (uint32_t i = 0; i < v->n; i++)
        free(v->texts[i]);
    free(v->texts);
    *v = (struct vocabulary){0};
}

/* --- byte-level BPE --------------------------------------------------------------------------------------- */

/*
 * GPT-2 writes bytes as letters that can be seen: those of printable Latin-1 as themselves, the others, in order, as
 * U+0100 and on.
 */
static bool is_itself(unsigned byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/* The byte that a letter stands for, or -1. */
static int byte_of(unsigned letter)
{
    unsigned n = 0x100;

    if (letter < 0x100)
        return is_itself(letter) ? (int)letter : -1;
    for (unsigned byte = 0; byte < 0x100; byte++) {
        if (!is_itself(byte) && n++ == letter)
            return (int)byte;
    }
    return -1;
}

/* The bytes of a text whose letters all stand for some, in place; others stay as they are. */
static void decode_bytes(char *text)
{
    size_t len = strlen(text), n = 0;
    char *bytes = malloc(len + 1);

    for (size_t i = 0; bytes && i < len; n++) {
        unsigned first = (unsigned char)text[i], second = (unsigned char)text[i + 1];
        bool is_double = first >= 0xC2 && first <= 0xC7 && (second & 0xC0) == 0x80;
        int byte = byte_of(is_double ? (first & 0x1F) << 6 | (second & 0x3F) : first);

        if ((first >= 0x80 && !is_double) || byte <= 0) { /* a NUL is no part of words */
            free(bytes);
            return;
        }
        bytes[n] = (char)byte;
        i += is_double ? 2 : 1;
    }
    if (bytes) {
        memcpy(text, bytes, n);
        text[n] = 0;
    }
    free(bytes);
}

/* U+0120 stands for a blank: there is no byte-level vocabulary without it, and few others with it. */
static bool is_byte_level(const struct vocabulary *v)
{
    for (uint32_t i = 0; i < v->n; i++) {
        if (v->texts[i] && strncmp(v->texts[i], "\xC4\xA0", 2) == 0)
            return true;
    }
    return false;
}

static void drop_mark(char *text)
{
    static const char *const marks[] = {" ", "\xE2\x96\x81", "##"};
    size_t length = strlen(text);

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        size_t n = strlen(marks[i]);

        if (length > n && memcmp(text, marks[i], n) == 0) {
            memmove(text, text + n, length - n + 1);
            return;
        }
    }
}

static void normalise(struct vocabulary *v)
{
    bool byte_level = is_byte_level(v);

    for (uint32_t i = 0; i < v->n; i++) {
        if (!v->texts[i])
            continue;
        if (byte_level)
            decode_bytes(v->texts[i]);
        drop_mark(v->texts[i]);
    }
}

/* --- reading ------------------------------------------------------------------------------------------------ */

/* The longest texts that are kept; longer ones are words of no list. */
enum { MOST_TEXT = 1024 };

static enum emx_status make_room(struct vocabulary *v, uint64_t n, const char *path, struct emx_error *err)
{
    if (n > EMX_MAX_VOCABULARY)
        return emx_fail(err, EMX_ERR_RANGE, "%s: there are more than %u tokens", path, EMX_MAX_VOCABULARY);
    v->texts = calloc(n ? n : 1, sizeof(*v->texts));
    if (!v->texts)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    v->n = (uint32_t)n;
    return EMX_OK;
}

static enum emx_status set(struct vocabulary *v, uint64_t token, const char *text, size_t len, const char *path,
                           struct emx_error *err)
{
    if (v->texts[token])
        return emx_fail(err, EMX_ERR_FORMAT, "%s: token %llu has two texts", path, (unsigned long long)token);
    if (len == 0 || len > MOST_TEXT)
        return EMX_OK;
    v->texts[token] = strndup(text, len);
    return v->texts[token] ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
}

/* {"text": id, ...} */
static enum emx_status from_object(json_t *map, const char *path, struct vocabulary *v, struct emx_error *err)
{
    uint64_t n = 0;
    const char *text;
    json_t *id;
    enum emx_status status;

    json_object_foreach(map, text, id)
    {
        if (!json_is_integer(id) || json_integer_value(id) < 0)
            return emx_fail(err, EMX_ERR_FORMAT, "%s: the text '%.64s' has no token id", path, text);
        if ((uint64_t)json_integer_value(id) >= n)
            n = (uint64_t)json_integer_value(id) + 1;
    }
    status = make_room(v, n, path, err);
    json_object_foreach(map, text, id)
    {
        if (!status)
            status = set(v, (uint64_t)json_integer_value(id), text, strlen(text), path, err);
    }
    return status;
}

/* [["text", score], ...], as tokenizer.json of unigram models. */
static enum emx_status from_array(json_t *list, const char *path, struct vocabulary *v, struct emx_error *err)
{
    enum emx_status status = make_room(v, json_array_size(list), path, err);

    for (size_t i = 0; i < v->n && !status; i++) {
        const char *text = json_string_value(json_array_get(json_array_get(list, i), 0));

        if (!text)
            return emx_fail(err, EMX_ERR_FORMAT, "%s: token %zu has no text", path, i);
        status = set(v, i, text, strlen(text), path, err);
    }
    return status;
}

static enum emx_status from_json(const char *bytes, size_t len, const char *path, struct vocabulary *v,
                                 struct emx_error *err)
{
    json_error_t error;
    json_t *root = json_loadb(bytes, len, JSON_ALLOW_NUL, &error);
    json_t *inner = json_object_get(json_object_get(root, "model"), "vocab"), *map = inner ? inner : root;
    enum emx_status status;

    if (json_is_object(map))
        status = from_object(map, path, v, err);
    else if (json_is_array(map))
        status = from_array(map, path, v, err);
    else if (!root)
        status = emx_fail(err, EMX_ERR_FORMAT, "%s: is no JSON: line %d: %.200s", path, error.line, error.text);
    else
        status = emx_fail(err, EMX_ERR_FORMAT, "%s: has no texts of tokens", path);
    json_decref(root);
    return status;
}

static size_t count_lines(const char *bytes, size_t len)
{
    size_t n = len && bytes[len - 1] != '\n';

    for (size_t i = 0; i < len; i++)
        n += bytes[i] == '\n';
    return n;
}

static enum emx_status from_lines(const char *bytes, size_t len, const char *path, struct vocabulary *v,
                                  struct emx_error *err)
{
    const char *end = bytes + len;
    enum emx_status status = make_room(v, count_lines(bytes, len), path, err);

    for (uint32_t i = 0; i < v->n && !status; i++) {
        const char *stop = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t n = (size_t)((stop ? stop : end) - bytes);

        status = set(v, i, bytes, n && bytes[n - 1] == '\r' ? n - 1 : n, path, err);
        bytes += n + 1;
    }
    return status;
}

enum emx_status vocabulary_load(const struct file_space *space, const char *path, struct vocabulary *ret,
                                struct emx_error *err)
{
    char *bytes;
    size_t len, blank;
    uint64_t xxh3;
    enum emx_status status = file_load(space, path, MOST_BYTES, &bytes, &len, &xxh3, err);

    *ret = (struct vocabulary){0};
    if (status)
        return status;
    blank = strspn(bytes, " \t\r\n");
    /* A list of tokens may begin with a brace as its first token: then it goes on with the next line. */
    if (bytes[blank] == '{' && bytes[blank + 1] && bytes[blank + 1 + strspn(bytes + blank + 1, " \t\r\n")] == '"')
        status = from_json(bytes, len, path, ret, err);
    else
        status = from_lines(bytes, len, path, ret, err);
    free(bytes);
    if (!status && ret->n == 0)
        status = emx_fail(err, EMX_ERR_EMPTY, "%s: holds no token", path);
    if (status)
        vocabulary_finish(ret);
    else
        normalise(ret);
    return status;
}
