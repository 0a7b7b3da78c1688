/*
 * fuzz_arguments.c - any lines as the words of a command that scans: what is accepted can be scanned
 *
 * Options of shards and operands DOMAIN=WORD, one a line.
 */
#include "words.h"

enum { MOST_WORDS = 64, MOST_BYTES = 4096 };

static const struct opt_group groups[] = {{"Shards", shard_rows, 0}, {NULL, NULL, 0}};
static const struct shard_args defaults = SHARD_ARGS_DEFAULTS;
static const struct command command = {
    .name = "scan", .groups = groups, .defaults = &defaults, .args_size = sizeof(defaults)};

static size_t split(char *text, char **words)
{
    size_t n = 0;

    for (char *word = text; word && n < MOST_WORDS; n++) {
        words[n] = word;
        word = strchr(word, '\n');
        if (word)
            *word++ = '\0';
    }
    return n;
}

static void check_refusal(const struct emx_error *err, enum emx_status status)
{
    hold(err->status == status && err->message[0]);
}

/* An operand is of the form that scan asks for, and stays in the corpus as it was written. */
static void add_operand(struct corpus *corpus, const char *operand, const struct shard_args *args)
{
    struct emx_error err = {.message = ""};
    enum emx_status status = corpus_add_operand(corpus, operand, args, &err);
    const char *word = strchr(operand, '=');
    const struct corpus_domain *d;

    if (status) {
        check_refusal(&err, status);
        return;
    }
    hold(word && word > operand && word[1]);
    d = corpus_find(corpus, operand, (size_t)(word - operand));
    hold(d && d->shards.n > 0 && strcmp(d->shards.paths[d->shards.n - 1], word + 1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[MOST_BYTES + 1], *words[MOST_WORDS];
    size_t len = size < MOST_BYTES ? size : MOST_BYTES, n = 0;
    struct shard_args args = defaults;
    struct corpus corpus = {0};
    struct emx_error err = {.message = ""};
    enum emx_status status;

    if (len)
        memcpy(text, data, len);
    text[len] = '\0';
    status = opt_parse(&command, words, split(text, words), &args, &n, &err);
    if (status)
        check_refusal(&err, status);
    for (size_t i = 0; !status && i < n; i++)
        add_operand(&corpus, words[i], &args);
    for (size_t i = 0; i < corpus.n; i++) {
        const struct emx_scan_domain *domains = corpus_view(&corpus);

        hold(domains && domains[i].name[0] && !strpbrk(domains[i].name, "=/"));
        check_domain_args(&domains[i]);
    }
    corpus_finish(&corpus);
    return 0;
}
