/*
 * replay.c - run a fuzz target without libFuzzer
 *
 *     replay_x FILE...    these inputs, one after the other
 *     replay_x [FOLDER]   a few thousand random ones, the same each time, after those of the folder
 */
#include "../test.h"

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RANDOM_INPUTS 3000
#define INPUT_MAX ((size_t)1 << 20)

static unsigned char input[INPUT_MAX];

static void replay_random(void)
{
    uint64_t seed = test_seed();
    int n = test_rounds(RANDOM_INPUTS);

    for (int i = 0; i < n; i++) {
        const size_t limit = (size_t)1 << test_random(&seed) % 12, len = (size_t)test_random(&seed) % limit;

        for (size_t k = 0; k < len; k++)
            input[k] = (unsigned char)(test_random(&seed) >> (56 + test_random(&seed) % 8));
        LLVMFuzzerTestOneInput(input, len);
    }
    printf("%d random inputs\n", n);
}

static bool replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");

    if (!f) {
        perror(path);
        return false;
    }
    LLVMFuzzerTestOneInput(input, fread(input, 1, INPUT_MAX, f));
    fclose(f);
    return true;
}

static const char *folder; /* of the corpus */

static void replay_corpus(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[4096];
    int n = 0;

    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        CHECK(replay_file(path));
        n++;
    }
    if (dir)
        closedir(dir);
    printf("%d inputs of %s\n", n, folder);
    CHECK(n > 0);
}

int main(int argc, char **argv)
{
    struct stat st;

    if (argc == 2 && stat(argv[1], &st) == 0 && S_ISDIR(st.st_mode))
        folder = argv[1];
    for (int i = 1; i < argc && !folder; i++) {
        if (!replay_file(argv[i]))
            return 1;
        printf("%s\n", argv[i]);
    }
    if (argc > 1 && !folder)
        return 0;
    if (folder)
        RUN(replay_corpus);
    RUN(replay_random);
    return test_summary();
}
