#include "vectors.h"

#include "say.h"

#include <string.h>

static bool format_choice(size_t i, struct opt_choice *ret)
{
    size_t n;
    const struct emx_embedding_format *formats = emx_embedding_formats(&n);

    if (i >= n)
        return false;
    *ret = (struct opt_choice){formats[i].name, formats[i].summary};
    return true;
}

#define TO(member) offsetof(struct vector_args, member)

const struct opt vector_rows[] = {
    {"embeddings", 'e', "FILE", "vectors of tokens: .npy, .safetensors, fastText, GloVe or word2vec", TO(embeddings),
     opt_text, 0, 0, NULL},
    {"embedding-format", 0, "FORMAT", "see below (default: recognised by content)", TO(format), opt_choose, 0, 0,
     format_choice},
    {"tensor", 0, "NAME", "which matrix of a safetensors file (default: one of the usual names, or the only one)",
     TO(tensor), opt_text, 0, 0, NULL},
    {"embedding-vocabulary", 0, "FILE",
     "which token is which text, for vectors of words: vocab.json, tokenizer.json, or a text a line", TO(vocabulary),
     opt_text, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

enum emx_status vectors_open(const struct vector_args *a, uint32_t n_tokens, struct emx_embeddings **ret,
                             struct emx_error *err)
{
    struct emx_embeddings_options o = {a->format, a->tensor, a->vocabulary, n_tokens};

    return emx_embeddings_open(a->embeddings, &o, ret, err);
}

int vectors_check(const struct vector_args *a)
{
    const char *without = a->format ? "--embedding-format" : a->tensor ? "--tensor" : "--embedding-vocabulary";

    if (a->embeddings || (!a->format && !a->tensor && !a->vocabulary))
        return EXIT_OK;
    return say_usage("%s tells of the file of --embeddings, which is not given", without);
}

enum emx_status vectors_parse_documents(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    if (strcmp(text, "all") == 0) {
        *(uint64_t *)to = 0;
        return EMX_OK;
    }
    return opt_tokens(o, text, to, err);
}
