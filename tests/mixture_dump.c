/*
 * mixture_dump FOLDER - write every case in every mixture format, for mixture_consumers.py
 *
 *     FOLDER/CASE/case.txt       what went in: names in hex, proportions as %a
 *     FOLDER/CASE/FORMAT.txt     what came out, or
 *     FOLDER/CASE/FORMAT.error   status and sentence
 *     FOLDER/CASE/FORMAT.note    the note, if there was one
 *
 * Prints the decimal point of the locale that it ran in.
 */
#include "mixture_cases.h"

#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <sys/stat.h>

static const char *folder;

static FILE *create(const char *name, const char *file, const char *suffix)
{
    char path[400];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    mkdir(path, 0777);
    snprintf(path, sizeof(path), "%s/%s/%s%s", folder, name, file, suffix);
    f = fopen(path, "wb");
    if (!f)
        abort();
    return f;
}

static void put_hex(FILE *f, const char *s)
{
    fputc('x', f);
    for (; *s; s++)
        fprintf(f, "%02x", (unsigned char)*s);
    fputc(' ', f);
}

static void describe(const struct mixture_case *c, FILE *f)
{
    setlocale(LC_NUMERIC, "C");
    if (c->mixture.path_template) {
        fputs("template ", f);
        put_hex(f, c->mixture.path_template);
        fputc('\n', f);
    }
    for (size_t i = 0; i < c->mixture.n_domains; i++) {
        const struct emx_mixture_domain *d = &c->domains[i];

        fputs("domain ", f);
        put_hex(f, d->name);
        fprintf(f, "%a %a %a %a %d %" PRIu64 " %" PRIu64 "\n", d->proportion, d->proportion_error, d->entropy,
                d->entropy_error, d->counted != NULL, c->counted[i].n_tokens, c->counted[i].n_documents);
        for (size_t k = 0; k < c->counted[i].n_shards; k++) {
            fputs("shard ", f);
            put_hex(f, c->counted[i].shards[k].path);
            fprintf(f, "%s %s %" PRIu64 " %016" PRIx64 "\n", c->counted[i].shards[k].format,
                    c->counted[i].shards[k].codec, c->counted[i].shards[k].n_tokens, c->counted[i].shards[k].xxh3);
        }
    }
    setlocale(LC_NUMERIC, "");
}

static void dump_format(const struct mixture_case *c, const char *name, const char *format)
{
    char *text = NULL, *note = NULL;
    struct emx_error err;
    enum emx_status status = emx_mixture_format_string(&c->mixture, format, &text, &note, &err);
    FILE *f = create(name, format, status == EMX_OK ? ".txt" : ".error");

    if (status == EMX_OK)
        fputs(text, f);
    else
        fprintf(f, "%s: %s", emx_status_str(status), err.message);
    fclose(f);
    if (note) {
        f = create(name, format, ".note");
        fputs(note, f);
        fclose(f);
    }
    free(text);
    free(note);
}

static void dump(const struct mixture_case *c, const char *name)
{
    size_t n;
    const struct emx_mixture_format *formats = emx_mixture_formats(&n);
    FILE *f = create(name, "case", ".txt");

    describe(c, f);
    fclose(f);
    for (size_t i = 0; i < n; i++)
        dump_format(c, name, formats[i].name);
}

static struct mixture_case c;

static void plain(void)
{
    case_init(&c);
    case_domain(&c, "web", 0.7, 1000000, 2000);
    case_domain(&c, "code", 0.2, 500000, 125);
    case_domain(&c, "books", 0, 300000, 3);
    case_rest(&c);
    dump(&c, "plain");
    c.mixture.path_template = "data/{domain}/tok {domain}";
    dump(&c, "template-space");
    c.mixture.path_template = "data/{domain}_text_document";
    dump(&c, "template");
    for (size_t i = 0; i < c.mixture.n_domains; i++)
        c.domains[i].counted = NULL;
    dump(&c, "uncounted");
    c.mixture.proxy = NULL;
    c.mixture.source = NULL;
    for (size_t i = 0; i < c.mixture.n_domains; i++)
        c.domains[i].entropy = NAN;
    dump(&c, "unknown");
}

static void named(const char *name, const char *const *names)
{
    case_init(&c);
    for (size_t i = 0; names[i]; i++)
        case_domain(&c, names[i], 0.001 * (double)(i + 1), 1000 * (i + 1), 10);
    case_rest(&c);
    dump(&c, name);
}

static void names(void)
{
    named("marks", (const char *const[]){"it's",     "say\"so\"", "a:b",  "#hash",   "{curly}",     "[square]", "&and",
                                         "*star",    "%pc",       "@at",  "!bang",   "back\\slash", "pipe|",    "gt>",
                                         "tick`",    "$(HOME)",   "a,b",  "?",       ";",           "tilde~",   "=",
                                         "{domain}", "\\n",       "%s%n", "(paren)", NULL});
    named("unicode", (const char *const[]){"ünïcødé", "日本語", "😀", "e\xCC\x81", NULL});
    named("spaces", (const char *const[]){"two words", " leading", "trailing ", "tab\there", "line\nfeed", "a: b",
                                          "x #y", "cr\rlf\n", "double  space", NULL});
    named("controls", (const char *const[]){"bell\a", "esc\x1b[1m", "del\x7f", "nel\xC2\x85", "ls\xE2\x80\xA8",
                                            "ps\xE2\x80\xA9", "bom\xEF\xBB\xBF", "fffe\xEF\xBF\xBE", "nbsp\xC2\xA0",
                                            "ideographic\xE3\x80\x80", NULL});
    named("words", (const char *const[]){"null", "true", "no", "~", "Off", "<<", "=", "---", "...", "inf", "1e5", "1.0",
                                         "0x10", "12:30:45", "2024-01-01", "1_000", "+1", NULL});
    named("bytes", (const char *const[]){"caf\xE9", "cut\xE2\x82", NULL});
    named("dash", (const char *const[]){"-rf", "--help", "web", NULL});
    named("slashes", (const char *const[]){"web/en", "web/de", "../up", "/abs", NULL});
}

static void weights(void)
{
    case_init(&c);
    case_domain(&c, "big", 0, 1000000, 1000);
    case_domain(&c, "nano", 1e-9, 1000, 1);
    case_domain(&c, "third", 1.0 / 3, 1000, 1);
    case_domain(&c, "pico", 1.23456789012e-12, 1000, 1000);
    c.domains[0].proportion = 1 - 1e-9 - 1.0 / 3 - 1.23456789012e-12;
    dump(&c, "tiny");
    c.domains[1].proportion = 0;
    c.counted[1].n_documents = 0;
    c.domains[3].proportion = 0;
    c.domains[0].proportion = 1 - 1.0 / 3;
    dump(&c, "zeros");
    c.counted[2].n_documents = 0;
    dump(&c, "no-documents");
    case_init(&c);
    case_domain(&c, "only", 1, 1000, 10);
    dump(&c, "one");
}

static void many(void)
{
    uint64_t state = 1;
    double entropy[CASE_DOMAINS], proportion[CASE_DOMAINS];

    case_init(&c);
    for (size_t i = 0; i < CASE_DOMAINS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        entropy[i] = (double)(state >> 40) / (1 << 22);
    }
    if (emx_weights_from_entropies(entropy, CASE_DOMAINS, &c.mixture.options, proportion, NULL) != EMX_OK)
        abort();
    for (size_t i = 0; i < CASE_DOMAINS; i++) {
        snprintf(c.space[i], sizeof(c.space[i]), "domain-%03zu", i);
        case_domain(&c, c.space[i], proportion[i], 1000 + i * 997, 1 + i);
    }
    dump(&c, "many");
}

/* Two shards in one folder, one in another; the third domain is of another format. */
static void scanned(const char *format, const char *suffix, const char *codec)
{
    static char path[5][100];
    const char *stem[] = {"data/web/part-0", "data/web/part-1", "more/web/part-0", "data/code/part-0",
                          "data/law/part-0"};
    char name[60];

    for (int i = 0; i < 5; i++)
        snprintf(path[i], sizeof(path[i]), "%s%s", stem[i], i == 4 ? ".bin" : suffix);
    case_init(&c);
    case_domain(&c, "web", 0.75, 600, 6);
    case_shard(&c, path[0], format, codec, 100);
    case_shard(&c, path[1], format, codec, 200);
    case_shard(&c, path[2], format, codec, 300);
    case_domain(&c, "code", 0.25, 500, 5);
    case_shard(&c, path[3], format, codec, 500);
    snprintf(name, sizeof(name), "scanned-%s-%s", format, codec);
    dump(&c, name);
    c.domains[0].proportion = 0.625;
    case_domain(&c, "law", 0.125, 400, 4);
    case_shard(&c, path[4], "raw", "none", 400);
    snprintf(name, sizeof(name), "scanned-%s-%s-partly", format, codec);
    dump(&c, name);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    folder = argv[1];
    setlocale(LC_ALL, "");
    puts(localeconv()->decimal_point);
    plain();
    names();
    weights();
    many();
    scanned("megatron", ".bin", "none");
    scanned("megatron", ".bin.zst", "zstd");
    scanned("mds", ".mds.zstd", "zstd");
    scanned("datatrove", ".ds", "none");
    scanned("jsonl", ".jsonl.gz", "gzip");
    scanned("dolma", ".npy", "none");
    scanned("dolma", ".npy.zst", "zstd");
    return 0;
}
