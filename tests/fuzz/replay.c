/*
 * replay.c - run a fuzz target without libFuzzer
 *
 *     replay_x FILE...   these inputs, one after the other
 *     replay_x           a few thousand random ones, the same each time
 */
#include "../test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RANDOM_INPUTS 3000
#define INPUT_MAX ((size_t)1 << 20)

static unsigned char input[INPUT_MAX];

static void replay_random(void)
{
    uint64_t seed = test_seed();

    for (int i = 0; i < RANDOM_INPUTS; i++) {
        const size_t limit = (size_t)1 << test_random(&seed) % 12, len = (size_t)test_random(&seed) % limit;

        for (size_t k = 0; k < len; k++)
            input[k] = (unsigned char)(test_random(&seed) >> (56 + test_random(&seed) % 8));
        LLVMFuzzerTestOneInput(input, len);
    }
    printf("%d random inputs\n", RANDOM_INPUTS);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");

        if (!f) {
            perror(argv[i]);
            return 1;
        }
        LLVMFuzzerTestOneInput(input, fread(input, 1, INPUT_MAX, f));
        fclose(f);
        printf("%s\n", argv[i]);
    }
    if (argc > 1)
        return 0;
    RUN(replay_random);
    return test_summary();
}
