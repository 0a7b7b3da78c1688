/*
 * fmt_jsonl.c - JSON values one a line (or a whole file of one): each is a document
 *
 *     {"tokens": [1, 2, 3], "text": "..."}     the array under --column, or under one of the known keys
 *     [1, 2, 3]                                a bare array
 *     [[1, 2], [3]]                            either may be in parts, one level deep
 *
 * Only whole numbers from 0 are tokens: anything else in their place is an error, never skipped, since a shard that
 * lost tokens would have pairs that never stood side by side.
 */
#include "io/format.h"
#include "io/json_reader.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_BYTES = 64 << 10,
    MOST_DEPTH = 1000,
};

static const char *const known_keys[] = {"tokens", "input_ids", "ids", "token_ids", NULL};

struct jsonl {
    struct json_reader *json;
    const char *column; /* NULL: known_keys */
    struct token_batch *batch;
    const char *problem; /* why an event stopped the reading */
    bool over;

    /* of the document at hand */
    unsigned depth;        /* of arrays and objects that are open */
    unsigned tokens_depth; /* of the array of tokens that is open, or 0 */
    bool is_object;
    bool key_is_column; /* the key that was read last, of the document's object, names tokens */
    bool has_array;     /* of tokens, maybe an empty one */
    bool has_tokens;    /* that no end follows yet */
    bool has_ended;     /* since this was last cleared */
    char chunk[CHUNK_BYTES];
};

/* --- events -------------------------------------------------------------------------------------------- */

static int stop(struct jsonl *j, const char *problem)
{
    j->problem = problem;
    return 0;
}

static int end_document(struct jsonl *j)
{
    if (j->is_object && !j->has_array && j->column)
        return stop(j, "the column that --column names is not there");
    if (j->is_object && !j->has_array)
        return stop(j, "no array of tokens under a key tokens, input_ids, ids or token_ids; --column names another");
    if (j->has_tokens)
        j->batch->ends[j->batch->n_ends++] = (uint32_t)j->batch->n;
    j->has_tokens = j->has_array = j->is_object = false;
    j->has_ended = true;
    return 1;
}

static int open_container(struct jsonl *j)
{
    j->depth++;
    return j->depth <= MOST_DEPTH ? 1 : stop(j, "arrays and objects lie too deep in one another");
}

static int open_tokens(struct jsonl *j)
{
    if (j->has_array)
        return stop(j, "more than one array of tokens; --column names the one to read");
    j->has_array = true;
    j->tokens_depth = j->depth + 1;
    return open_container(j);
}

static bool is_column_value(const struct jsonl *j)
{
    return j->depth == 1 && j->is_object && j->key_is_column;
}

static int start_array(void *user)
{
    struct jsonl *j = user;

    if (j->depth == 0 || is_column_value(j))
        return open_tokens(j);
    if (j->tokens_depth && j->depth > j->tokens_depth)
        return stop(j, "tokens lie more than one level deep in arrays");
    return open_container(j);
}

static int end_array(void *user)
{
    struct jsonl *j = user;

    if (j->depth-- == j->tokens_depth)
        j->tokens_depth = 0;
    return j->depth == 0 ? end_document(j) : 1;
}

/* A string, object, true, false or null: where it may not be. */
static int not_a_number(struct jsonl *j, const char *instead_of_token)
{
    if (j->tokens_depth)
        return stop(j, instead_of_token);
    if (j->depth == 0)
        return stop(j, "neither an array nor an object");
    if (j->column && is_column_value(j))
        return stop(j, "what --column names is no array");
    return 1;
}

static int start_map(void *user)
{
    struct jsonl *j = user;

    if (j->depth == 0)
        j->is_object = true;
    else if (!not_a_number(j, "an object in the place of a token; objects belong on lines of their own"))
        return 0;
    return open_container(j);
}

static int map_key(void *user, const unsigned char *key, size_t len)
{
    struct jsonl *j = user;
    const char *const one[] = {j->column, NULL}, *const *names = j->column ? one : known_keys;

    if (j->depth != 1)
        return 1;
    j->key_is_column = false;
    for (size_t i = 0; names[i]; i++)
        j->key_is_column |= strlen(names[i]) == len && memcmp(names[i], key, len) == 0;
    return 1;
}

static int end_map(void *user)
{
    struct jsonl *j = user;

    return --j->depth == 0 ? end_document(j) : 1;
}

static int string(void *user, const unsigned char *text, size_t len)
{
    (void)text;
    (void)len;
    return not_a_number(user, "a string in the place of a token");
}

static int boolean(void *user, int value)
{
    (void)value;
    return not_a_number(user, "true or false in the place of a token");
}

static int null(void *user)
{
    return not_a_number(user, "null in the place of a token");
}

static int add_token(struct jsonl *j, const char *text, size_t len)
{
    uint64_t token = 0;

    if (text[0] == '-')
        return stop(j, "a negative number is no token");
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return stop(j, "a number with a fraction or exponent is no token");
        token = token * 10 + (uint64_t)(text[i] - '0');
        if (token >= UINT32_MAX)
            return stop(j, "a number above 2^32 - 2 is no token");
    }
    j->batch->tokens[j->batch->n++] = (uint32_t)token;
    j->has_tokens = true;
    return 1;
}

static int number(void *user, const char *text, size_t len)
{
    struct jsonl *j = user;

    return j->tokens_depth ? add_token(j, text, len) : not_a_number(j, "");
}

static const yajl_callbacks events = {
    .yajl_null = null,
    .yajl_boolean = boolean,
    .yajl_number = number,
    .yajl_string = string,
    .yajl_start_map = start_map,
    .yajl_map_key = map_key,
    .yajl_end_map = end_map,
    .yajl_start_array = start_array,
    .yajl_end_array = end_array,
};

/* --- the format ---------------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool has_byte_order_mark(const char *text, size_t len)
{
    return len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
}

/* JSON text has no control characters; bare tokens hardly go without for 4 KiB. */
static bool is_text(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' && !is_space(text[i]))
            return false;
    }
    return true;
}

/* The first character that is no space; `at` moves behind it.  NUL at the end. */
static char next_character(const char *text, size_t len, size_t *at)
{
    while (*at < len && is_space(text[*at]))
        ++*at;
    return *at < len ? text[(*at)++] : 0;
}

static bool jsonl_probe(const struct file_space *space, const char *path, const void *head, size_t len)
{
    size_t at = has_byte_order_mark(head, len) ? 3 : 0;
    char first = next_character(head, len, &at), second = next_character(head, len, &at);

    (void)space;
    (void)path;
    if (!(first == '{' && (second == '"' || second == '}')) &&
        !(first == '[' && second && strchr("0123456789[]-{\"", second)))
        return false;
    return is_text(head, len);
}

static void jsonl_close(struct shard_open *s)
{
    struct jsonl *j = s->state;

    if (j)
        json_reader_destroy(&j->json);
    free(j);
    s->state = NULL;
}

static enum emx_status skip_byte_order_mark(struct stream *stream, struct emx_error *err)
{
    const void *head;
    size_t len;
    enum emx_status status = stream_peek(stream, &head, 3, &len, err);

    return !status && has_byte_order_mark(head, len) ? stream_skip(stream, 3, err) : status;
}

static enum emx_status jsonl_open(struct shard_open *s, struct emx_error *err)
{
    struct jsonl *j = calloc(1, sizeof(*j));
    enum emx_status status;

    if (!j)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->path);
    s->state = j;
    s->ends_in_batch = true;
    s->dtype_name = "text";
    j->column = s->options->column;
    status = json_reader_create(s->path, &events, j, &j->json, err);
    if (!status)
        status = skip_byte_order_mark(s->stream, err);
    if (status)
        jsonl_close(s);
    return status;
}

/* A token and what ends it are 2 bytes, but the first may be there already and the last has its end in the next. */
static size_t bytes_for(size_t n_tokens)
{
    size_t n = n_tokens > 1 ? 2 * (n_tokens - 1) : 0;

    return n < CHUNK_BYTES ? n : CHUNK_BYTES;
}

/* yajl lets a text end within a string between values; an empty document behind it brings that to light. */
static enum emx_status end_text(struct jsonl *j, const char *path, struct emx_error *err)
{
    enum emx_status status = json_reader_end(j->json, err);
    char empty[] = "[]";

    j->has_ended = false;
    if (!status)
        status = json_reader_feed(j->json, empty, 2, err);
    if (!status && !j->has_ended)
        status = emx_fail(err, EMX_ERR_CORRUPT, "%s: ends in line %llu within a string", path,
                          (unsigned long long)json_reader_line(j->json));
    return status;
}

static enum emx_status read_chunk(struct shard_open *s, struct jsonl *j, size_t cap, struct emx_error *err)
{
    size_t n;
    enum emx_status status = stream_read_some(s->stream, j->chunk, cap, &n, err);

    if (status)
        return status;
    j->over = n == 0;
    status = n ? json_reader_feed(j->json, j->chunk, n, err) : end_text(j, s->path, err);
    if (j->problem)
        status = emx_fail(err, EMX_ERR_FORMAT, "%s: line %llu: %s", s->path,
                          (unsigned long long)json_reader_line(j->json), j->problem);
    return status;
}

static enum emx_status jsonl_read(struct shard_open *s, struct token_batch *batch, struct emx_error *err)
{
    struct jsonl *j = s->state;
    enum emx_status status = EMX_OK;

    batch->n = batch->n_ends = 0;
    j->batch = batch;
    while (!status && !j->over && batch->n < batch->cap / 2)
        status = read_chunk(s, j, bytes_for(batch->cap - batch->n), err);
    return status;
}

const struct format_ops format_jsonl = {
    .name = "jsonl",
    .summary = "JSON with arrays of tokens, one document a line",
    .probe = jsonl_probe,
    .open = jsonl_open,
    .read = jsonl_read,
    .close = jsonl_close,
};
