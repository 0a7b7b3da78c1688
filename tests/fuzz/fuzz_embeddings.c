/*
 * fuzz_embeddings.c - arbitrary bytes as a file of embeddings, and as the vocabulary beside it
 *
 * The first byte says where the vocabulary ends and the embeddings begin.  What is accepted keeps to the header: finite
 * vectors for token ids below emx_embeddings_n_tokens().
 */
#include "embed/embed.h"
#include "input.h"

#include <math.h>

static void check_vectors(const struct emx_embeddings *e)
{
    static float x[EMX_MAX_DIMENSION];
    size_t dimension = emx_embeddings_dimension(e);
    uint32_t n = 0;

    require(dimension >= 1 && dimension <= EMX_MAX_DIMENSION, "dimensions are within limits");
    for (uint32_t i = 0; i < emx_embeddings_n_tokens(e); i++) {
        if (!emx_embeddings_vector(e, i, x))
            continue;
        n++;
        for (size_t k = 0; k < dimension; k++)
            require(isfinite(x[k]), "vectors are finite");
    }
    require(n == emx_embeddings_n_vectors(e), "vectors are counted");
    require(n > 0, "some token has a vector");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    size_t n_vocabulary = next_byte(&in);
    struct memory_file files[2];
    struct file_space space = {.files = files, .n = 2, .memory_only = true};
    struct emx_embeddings_options options = {.vocabulary = "v"};
    struct emx_embeddings *e = NULL;

    n_vocabulary = n_vocabulary < in.left ? n_vocabulary : in.left;
    files[0] = (struct memory_file){"v", in.data, n_vocabulary};
    files[1] = (struct memory_file){"e", in.data + n_vocabulary, in.left - n_vocabulary};
    if (embed_open(&space, "e", &options, &e, NULL) == EMX_OK)
        check_vectors(e);
    emx_embeddings_close(&e);
    return 0;
}
