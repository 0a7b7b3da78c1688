/* JSON shards: what lines may look like, what is refused and in which line, and how batches are cut. */
#include "shard_makers.h"
#include "shard_reader.h"

static const struct format_options nothing_said;

static struct shard_contents read_text(const char *text, size_t len, const struct format_options *options)
{
    struct shard_contents c;
    struct emx_error err = {0};

    space_clear();
    space_add("x.jsonl", text, len);
    if (read_shard("x.jsonl", options, &c, &err)) {
        printf("%.200s: %s\n", text, err.message);
        FAIL("is read");
    } else {
        CHECK_STR(c.format, "jsonl");
    }
    return c;
}

/* tokens first, first + 1, ...; documents end at these. */
static void check(const char *text, const char *column, uint32_t first, size_t n, const uint64_t *ends, size_t n_ends)
{
    struct shard_contents c = read_text(text, strlen(text), &(struct format_options){.column = column});
    size_t wrong = (c.n != n) + (c.n_ends != n_ends);

    for (size_t i = 0; i < c.n && i < n; i++)
        wrong += c.tokens[i] != first + i;
    for (size_t i = 0; i < c.n_ends && i < n_ends; i++)
        wrong += c.ends[i] != ends[i];
    if (wrong) {
        printf("%s: %zu tokens, %zu ends\n", text, c.n, c.n_ends);
        FAIL("gives these tokens");
    }
    CHECK(!c.warning && !c.cross_shards && !c.eod_first);
    contents_finish(&c);
}

#define ENDS(...) ((uint64_t[]){__VA_ARGS__}), sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

static void refuse_as(const char *text, const struct format_options *options, enum emx_status status, const char *words)
{
    struct shard_contents c;
    struct emx_error err = {0};
    enum emx_status got;

    space_clear();
    space_add("x.jsonl", text, strlen(text));
    got = read_shard("x.jsonl", options, &c, &err);
    if (got != status || !strstr(err.message, words) || strncmp(err.message, "x.jsonl: ", 9) != 0) {
        printf("%s: %s: %s\n", text, emx_status_str(got), err.message);
        FAIL("is refused as it should be");
    }
    contents_finish(&c);
}

static void refuse(const char *text, const char *words)
{
    refuse_as(text, &nothing_said, EMX_ERR_FORMAT, words);
}

/* --- what is read --------------------------------------------------------------------------------------- */

static void a_line_is_a_document(void)
{
    check("[1,2,3]\n[4]\n[5, 6]\n", NULL, 1, 6, ENDS(3, 4, 6));
    check("{\"tokens\":[1,2,3]}\n{\"tokens\":[4]}", NULL, 1, 4, ENDS(3, 4));
    check("{\"input_ids\":[1]}\n{\"ids\":[2]}\n{\"token_ids\":[3]}\n", NULL, 1, 3, ENDS(1, 2, 3));
    check(" [ 1 ,\t2 ]\r\n\r\n[ 3 ]\r\n", NULL, 1, 3, ENDS(2, 3));
    check("\xEF\xBB\xBF[1]\n[2]", NULL, 1, 2, ENDS(1, 2));
    check("\xEF\xBB\xBF{\"tokens\": [1]}", NULL, 1, 1, ENDS(1));
    check("[4294967294]", NULL, 4294967294, 1, ENDS(1));
    check("[0,1]", NULL, 0, 2, ENDS(2));
}

static void a_file_may_be_one_array(void)
{
    check("[\n  1,\n  2,\n  3\n]\n", NULL, 1, 3, ENDS(3));
    check("{\n \"tokens\": [\n 1,\n 2\n ]\n}\n", NULL, 1, 2, ENDS(2));
}

static void arrays_may_be_in_parts(void)
{
    check("[[1,2],[3]]\n[[4]]", NULL, 1, 4, ENDS(3, 4));
    check("{\"tokens\":[[1],[],[2,3]]}\n", NULL, 1, 3, ENDS(3));
    check("[1,[2,3],4]", NULL, 1, 4, ENDS(4));
}

static void empty_documents_are_left_out(void)
{
    check("[]\n[1]\n[]\n[[]]\n{\"tokens\":[]}\n[2,3]\n[]", NULL, 1, 3, ENDS(1, 3));
    check("[]", NULL, 0, 0, NULL, 0);
    check("{\"tokens\":[[]]}", NULL, 0, 0, NULL, 0);
}

static void other_keys_are_ignored(void)
{
    check("{\"id\": \"a\", \"n\": 7, \"f\": -1.5e3, \"t\": true, \"u\": null, \"labels\": [-100, 1.5, \"x\", [[[1]]], "
          "{}],"
          " \"deep\": {\"tokens\": [9, {\"tokens\": [9]}]}, \"tokens\": [1, 2], \"attention_mask\": [1, 1]}",
          NULL, 1, 2, ENDS(2));
    check("{\"tokens\": 512, \"input_ids\": [1, 2]}", NULL, 1, 2, ENDS(2)); /* a number of tokens */
    check("{\"tokens\": null, \"ids\": \"doc\", \"input_ids\": [1, 2]}", NULL, 1, 2, ENDS(2));
    check("{\"text\": \"\\\"}]\\\\ \\u00e9 \xFF raw\", \"tokens\": [1]}", NULL, 1, 1, ENDS(1));
    check("{\"tokens2\": [\"x\"], \"token\": [\"x\"], \"tokens\": [1], \"\": [\"x\"]}", NULL, 1, 1, ENDS(1));
}

static void a_column_is_named(void)
{
    check("{\"tokens\": [9], \"mine\": [1, 2]}", "mine", 1, 2, ENDS(2));
    check("{\"tokens\": [1], \"input_ids\": [9]}", "tokens", 1, 1, ENDS(1));
    check("[1, 2]", "mine", 1, 2, ENDS(2));
}

/* --- what is refused ------------------------------------------------------------------------------------- */

static void what_is_no_token_is_refused_with_its_line(void)
{
    refuse("[1]\n[2,\n-3]", "line 3: a negative number");
    refuse("[1]\n\n[1.0]\n", "line 3: a number with a fraction");
    refuse("[1]\r\n[1e3]", "line 2: a number with a fraction");
    refuse("[-0]", "line 1: a negative number");
    refuse("[4294967295]", "line 1: a number above 2^32 - 2");
    refuse("[99999999999999999999999999999999999999999]", "line 1: a number above");
    refuse("[1, null]", "line 1: null");
    refuse("[1, true]", "line 1: true or false");
    refuse("[\"1\"]", "line 1: a string");
    refuse("{\"tokens\": [\"1\"]}", "line 1: a string");
    refuse("[[[1]]]", "line 1: tokens lie more than one level deep");
    refuse("{\"tokens\": [[[1]]]}", "line 1: tokens lie more than one level deep");
    refuse("[{\"tokens\": [1]}]", "line 1: an object in the place of a token");
}

static void what_has_no_tokens_is_refused(void)
{
    refuse("{\"text\": \"not tokenized\"}\n",
           "line 1: no array of tokens under a key tokens, input_ids, ids or token_ids");
    refuse("[1]\n{}", "line 2: no array of tokens");
    refuse("{\"tokens\": 3}", "line 1: no array of tokens");
    refuse("[1]\n\"text\"\n", "line 2: neither an array nor an object");
    refuse("[1]\n5 ", "line 2: neither an array nor an object");
    refuse("[1]\n5", "line 2: neither an array nor an object");
    refuse("[1] null", "line 1: neither an array nor an object");
    refuse("{\"tokens\": [1], \"input_ids\": [1]}", "line 1: more than one array of tokens; --column");
    refuse("{\"tokens\": [1], \"tokens\": [2]}", "line 1: more than one array of tokens; --column");
    refuse_as("{\"tokens\": [1]}", &(struct format_options){.column = "mine"}, EMX_ERR_FORMAT,
              "--column names is not there");
    refuse_as("{\"mine\": 1}", &(struct format_options){.column = "mine"}, EMX_ERR_FORMAT,
              "--column names is no array");
    refuse_as("{\"mine\": {}}", &(struct format_options){.column = "mine"}, EMX_ERR_FORMAT,
              "--column names is no array");
    refuse_as("{\"mine\": null}", &(struct format_options){.column = "mine"}, EMX_ERR_FORMAT, "names is no array");
}

static void what_is_no_json_is_refused_with_its_line(void)
{
    const struct format_options jsonl = {.format = "jsonl"};

    refuse("[1]\n[1,]\n", "line 2 is not JSON");
    refuse("[1]\n[2]]\n", "line 2 is not JSON");
    refuse("[1],\n[2]\n", "line 1 is not JSON");
    refuse("[1 2]", "line 1 is not JSON");
    refuse("[01]", "line 1 is not JSON");
    refuse("{\"tokens\" [1]}", "line 1 is not JSON");
    refuse("[1] // remark", "line 1 is not JSON");
    refuse_as("tokens", &jsonl, EMX_ERR_FORMAT, "line 1 is not JSON");
    refuse_as("[1]\n[2, 3", &nothing_said, EMX_ERR_CORRUPT, "ends in line 2");
    refuse_as("[1]\n{\"tokens\": [2]", &nothing_said, EMX_ERR_CORRUPT, "ends in line 2");
    refuse_as("[1]\n\"ab", &nothing_said, EMX_ERR_CORRUPT, "ends in line 2");
    refuse_as(" \n ", &jsonl, EMX_ERR_CORRUPT, "ends in line 2");
}

static void nesting_has_a_limit(void)
{
    struct bytes b = {0};

    for (int good = 1; good >= 0; good--) {
        struct shard_contents c;
        struct emx_error err = {0};
        int depth = good ? 998 : 2000;

        b.len = 0;
        put_text(&b, "{\"x\": ");
        for (int i = 0; i < depth; i++)
            put_text(&b, "[");
        for (int i = 0; i < depth; i++)
            put_text(&b, "]");
        put_text(&b, ", \"tokens\": [1]}");
        space_clear();
        space_add("x.jsonl", b.data, b.len);
        CHECK((read_shard("x.jsonl", &nothing_said, &c, &err) == EMX_OK) == good);
        CHECK(good || strstr(err.message, "line 1: arrays and objects lie too deep"));
        contents_finish(&c);
    }
    bytes_free(&b);
}

/* Numbers of the head of a file of tokens that happens to begin as JSON does. */
static void bare_tokens_are_not_taken_for_json(void)
{
    static const char *const texts[] = {"{\"tokens\": [1]}", "[1]", " \n[[1]]", "{}", "[]", "[{}]"};
    static const char *const others[] = {"", "x", "[x]", "{1}", "\"tokens\"", "1", "[\x01]", "{\"\x02"};
    unsigned char tokens[] = {'[', '1', 0, ','};

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        CHECK(format_by_name("jsonl")->probe(NULL, "x", texts[i], strlen(texts[i])));
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        CHECK(!format_by_name("jsonl")->probe(NULL, "x", others[i], strlen(others[i])));
    CHECK(!format_by_name("jsonl")->probe(NULL, "x", tokens, sizeof(tokens)));
}

/* --- batches and length ------------------------------------------------------------------------------------ */

/* Calls read() with batches of `cap` tokens. */
static void read_in_batches(const struct bytes *text, size_t cap, struct shard_contents *ret)
{
    struct format_options options = {0};
    struct shard_open s = {.space = &space, .path = "x.jsonl", .options = &options};
    const struct format_ops *f = NULL;
    struct token_batch batch = {.tokens = must(malloc(cap * 4)), .ends = must(malloc(cap * 4)), .cap = cap};

    *ret = (struct shard_contents){.tokens = must(malloc(MOST_TOKENS * 4)), .ends = must(malloc(MOST_TOKENS * 8))};
    space_clear();
    space_add("x.jsonl", text->data, text->len);
    CHECK(stream_open(&space, "x.jsonl", 27, &s.stream, NULL) == EMX_OK && format_open(&s, &f, NULL) == EMX_OK);
    while (f->read(&s, &batch, NULL) == EMX_OK && (batch.n || batch.n_ends)) {
        CHECK(batch.n <= cap && batch.n_ends <= cap);
        for (size_t i = 0; i < batch.n_ends; i++) {
            CHECK(batch.ends[i] <= batch.n && (i == 0 || batch.ends[i] > batch.ends[i - 1]));
            ret->ends[ret->n_ends++] = ret->n + batch.ends[i];
        }
        memcpy(ret->tokens + ret->n, batch.tokens, batch.n * 4);
        ret->n += batch.n;
    }
    f->close(&s);
    stream_close(&s.stream);
    free(batch.tokens);
    free(batch.ends);
}

static void batches_do_not_show(void)
{
    uint64_t seed = test_seed();
    struct bytes text = {0};
    struct shard_contents whole;

    while (text.len < 400000) {
        size_t n = test_random(&seed) % 4 ? test_random(&seed) % 5 : test_random(&seed) % 20000;

        put_text(&text, "[");
        for (size_t i = 0; i < n; i++) {
            put_text(&text, i ? "," : "");
            put_number(&text, test_random(&seed) % 10);
        }
        put_text(&text, "]\n");
    }
    read_in_batches(&text, MOST_TOKENS, &whole);
    CHECK(whole.n > 100000 && whole.n_ends > 50);
    for (size_t cap = 4096; cap < 6000; cap += 1 + cap / 10) {
        struct shard_contents parts;

        read_in_batches(&text, cap, &parts);
        CHECK(parts.n == whole.n && memcmp(parts.tokens, whole.tokens, whole.n * 4) == 0);
        CHECK(parts.n_ends == whole.n_ends && memcmp(parts.ends, whole.ends, whole.n_ends * 8) == 0);
        contents_finish(&parts);
    }
    contents_finish(&whole);
    bytes_free(&text);
}

/* A line of more than 100 MB, in memory that does not grow with it: counted, not kept. */
static void lines_may_be_long(void)
{
    enum { N_REPEATS = 1000, N_PART = 20000 };
    struct format_options options = {0};
    struct shard_open s = {.space = &space, .path = "x.jsonl.zst", .options = &options};
    struct bytes part = {0}, text = {0}, packed = {0};
    const struct format_ops *f = NULL;
    static uint32_t tokens[1 << 16], ends[1 << 16];
    struct token_batch batch = {.tokens = tokens, .ends = ends, .cap = 1 << 16};
    uint64_t n = 0, n_ends = 0;

    put_text(&text, "{\"tokens\": [7");
    for (int i = 0; i < N_PART; i++)
        put_text(&part, ",12345");
    put_zstd(&packed, text.data, text.len, (struct frame_options){.level = 1});
    text.len = 0;
    put_zstd(&text, part.data, part.len, (struct frame_options){.level = 1});
    for (int i = 0; i < N_REPEATS; i++)
        put(&packed, text.data, text.len);
    put_zstd(&packed, "]}\n[1]", 6, (struct frame_options){.level = 1});
    space_clear();
    space_add("x.jsonl.zst", packed.data, packed.len);
    CHECK(stream_open(&space, "x.jsonl.zst", 27, &s.stream, NULL) == EMX_OK && format_open(&s, &f, NULL) == EMX_OK);
    while (f->read(&s, &batch, NULL) == EMX_OK && (batch.n || batch.n_ends)) {
        n += batch.n;
        n_ends += batch.n_ends;
    }
    CHECK(n == 2 + (uint64_t)N_REPEATS * N_PART && n_ends == 2);
    f->close(&s);
    stream_close(&s.stream);
    bytes_free(&part);
    bytes_free(&text);
    bytes_free(&packed);
}

/* "xxx..." of `n` characters, of which the last are `tail`, as a column beside the tokens of line 2. */
static void put_long_string(struct bytes *b, size_t n, const char *unit, const char *tail)
{
    size_t unit_len = strlen(unit);

    b->len = 0;
    put_text(b, "[1]\n{\"text\": \"");
    for (size_t i = 0; i + unit_len <= n; i += unit_len)
        put(b, unit, unit_len);
    put_text(b, tail);
    put_text(b, "\", \"tokens\": [2]}\n[3]");
}

static void strings_may_be_long(void)
{
    static const char *const units[] = {"a", "\\\"", "\\\\", "\\u00e9", "\xE2\x82\xAC", "[1]", "\\n"};
    struct bytes text = {0};

    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        for (size_t n = (64 << 10) - 9; n < (64 << 10) + 9; n++) {
            put_long_string(&text, n, units[i], "");
            put(&text, "", 1); /* NUL behind it */
            check((char *)text.data, NULL, 1, 3, ENDS(1, 2, 3));
        }
        put_long_string(&text, (size_t)3 << 20, units[i], "");
        put(&text, "", 1);
        check((char *)text.data, NULL, 1, 3, ENDS(1, 2, 3));
    }
    put_long_string(&text, (size_t)300 << 20, "0123456789abcdef", "");
    put(&text, "", 1);
    check((char *)text.data, NULL, 1, 3, ENDS(1, 2, 3));
    bytes_free(&text);
}

static void errors_in_long_strings_are_found(void)
{
    static const char *const tails[] = {"\\x", "\\u12", "\\u123g", "\\u\"", "\x01", "\n", "\\\n"};
    struct bytes text = {0};

    for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
        for (size_t n = 10; n <= 200000; n += 199990) {
            put_long_string(&text, n, "a", tails[i]);
            put(&text, "", 1);
            refuse_as((char *)text.data, &(struct format_options){.format = "jsonl"}, EMX_ERR_FORMAT, "is not JSON");
        }
    }
    put_long_string(&text, 100000, "a", "");
    text.data[text.len - 22] = 0; /* cut within it */
    refuse_as((char *)text.data, &nothing_said, EMX_ERR_CORRUPT, "line 2");
    bytes_free(&text);
}

static void numbers_have_a_limit(void)
{
    struct bytes text = {0};

    put_text(&text, "[1]\n{\"n\": ");
    for (int i = 0; i < 3 << 20; i++)
        put_text(&text, "1");
    put(&text, "}", 2);
    refuse_as((char *)text.data, &nothing_said, EMX_ERR_RANGE, "line 2: a number is longer than");
    bytes_free(&text);
}

int main(void)
{
    RUN(a_line_is_a_document);
    RUN(a_file_may_be_one_array);
    RUN(arrays_may_be_in_parts);
    RUN(empty_documents_are_left_out);
    RUN(other_keys_are_ignored);
    RUN(a_column_is_named);
    RUN(what_is_no_token_is_refused_with_its_line);
    RUN(what_has_no_tokens_is_refused);
    RUN(what_is_no_json_is_refused_with_its_line);
    RUN(nesting_has_a_limit);
    RUN(bare_tokens_are_not_taken_for_json);
    RUN(batches_do_not_show);
    RUN(lines_may_be_long);
    RUN(strings_may_be_long);
    RUN(errors_in_long_strings_are_found);
    RUN(numbers_have_a_limit);
    return test_summary();
}
