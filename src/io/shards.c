/* shards.c - what users name, as a list of files: folders, globs, Megatron prefixes, MDS folders */
#include <emx/shards.h>

#include "io/format.h"
#include "io/mds_index.h"
#include "util/path.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_DEPTH = 64 };

/* --- names ------------------------------------------------------------------------------------------- */

static const char *const shard_endings[] = {".bin", ".npy", ".ds", ".mds", ".json", ".jsonl", ".ndjson", NULL};
static const char *const side_endings[] = {".idx", ".index", ".metadata", ".loss", ".csv", "index.json", NULL};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool is_hidden_or_side(const char *path)
{
    const char *name = base_name(path);
    size_t len = path_length_without_codec(name);

    return name[0] == '.' || strcmp(name, "index.json") == 0 || path_cut_any(name, len, side_endings) > 0;
}

/* llm.c and build-nanogpt keep shard 0 for validation. */
static bool is_validation(const char *name)
{
    size_t len = path_length_without_codec(name);

    return strstr(name, "_val_") && (path_cut_any(name, len, (const char *const[]){".bin", ".npy", NULL}) > 0);
}

static bool looks_like_shard(const char *path)
{
    const char *name = base_name(path);

    return !is_hidden_or_side(path) && !is_validation(name) &&
           path_cut_any(name, path_length_without_codec(name), shard_endings) > 0;
}

/* --- the list ---------------------------------------------------------------------------------------- */

enum emx_status emx_shard_list_add(struct emx_shard_list *list, const char *path, struct emx_error *err)
{
    char **larger, *copy;

    if ((list->n & (list->n - 1)) == 0) { /* room is made whenever n is a power of two */
        larger = realloc(list->paths, (list->n ? 2 * list->n : 1) * sizeof(*larger));
        if (!larger)
            return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
        list->paths = larger;
    }
    copy = strdup(path);
    if (!copy)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    list->paths[list->n++] = copy;
    return EMX_OK;
}

void emx_shard_list_finish(struct emx_shard_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (struct emx_shard_list){0};
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum emx_status join(const char *folder, const char *name, char **ret, struct emx_error *err)
{
    size_t len = strlen(folder);

    while (len > 1 && folder[len - 1] == '/')
        len--;
    if (asprintf(ret, "%.*s%s%s", (int)len, folder, len && folder[len - 1] == '/' ? "" : "/", name) < 0)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", folder);
    return EMX_OK;
}

/* --- MDS folders --------------------------------------------------------------------------------------- */

/* The compressed file of an entry if it is there, else the raw one. */
static enum emx_status append_mds_shard(struct emx_shard_list *list, const char *folder, const char *index_path,
                                        const struct mds_entry *entry, struct emx_error *err)
{
    const char *names[] = {entry->zip.basename, entry->raw.basename};
    char *path = NULL;
    enum emx_status status = EMX_OK;

    for (int i = 0; i < 2 && !status; i++) {
        if (!names[i])
            continue;
        free(path);
        path = NULL;
        status = join(folder, names[i], &path, err);
        if (!status && file_exists(NULL, path))
            break;
    }
    if (!status && !path)
        status = emx_fail(err, EMX_ERR_FORMAT, "%s: a shard has no basename", index_path);
    if (!status)
        status = emx_shard_list_add(list, path, err);
    free(path);
    return status;
}

/* *ret_is_mds: the folder's index.json is one of MDS, and its shards were appended. */
static enum emx_status append_mds_folder(struct emx_shard_list *list, const char *folder, bool *ret_is_mds,
                                         struct emx_error *err)
{
    struct mds_index *index = NULL;
    char *path;
    enum emx_status status = join(folder, "index.json", &path, err);

    *ret_is_mds = false;
    if (status)
        return status;
    if (file_exists(NULL, path))
        status = mds_index_load(NULL, path, &index, err);
    *ret_is_mds = index;
    for (size_t i = 0; index && i < mds_index_n(index) && !status; i++) {
        struct mds_entry entry = mds_index_entry(index, i);

        status = append_mds_shard(list, folder, path, &entry, err);
    }
    mds_index_destroy(&index);
    free(path);
    return status;
}

/* --- folders ------------------------------------------------------------------------------------------- */

/* A folder that is being listed, and those that it lies in: a link to one of them would never end. */
struct level {
    const struct level *above;
    dev_t device;
    ino_t inode;
    int depth;
};

static enum emx_status append_folder(struct emx_shard_list *list, const char *folder, const struct level *above,
                                     struct emx_error *err);

static enum emx_status append_entry(struct emx_shard_list *list, const char *path, const struct level *above,
                                    struct emx_error *err)
{
    struct stat st;

    if (base_name(path)[0] == '.')
        return EMX_OK;
    if (stat(path, &st) != 0)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be read", path);
    if (S_ISDIR(st.st_mode))
        return append_folder(list, path, above, err);
    return looks_like_shard(path) ? emx_shard_list_add(list, path, err) : EMX_OK;
}

static enum emx_status list_folder(const char *folder, struct emx_shard_list *ret, struct emx_error *err)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    enum emx_status status = EMX_OK;

    if (!dir)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: the folder cannot be read", folder);
    while (!status && (errno = 0, entry = readdir(dir)))
        status = emx_shard_list_add(ret, entry->d_name, err);
    if (!status && errno)
        status = emx_fail_errno(err, EMX_ERR_IO, errno, "%s: the folder cannot be read", folder);
    closedir(dir);
    if (ret->n)
        qsort(ret->paths, ret->n, sizeof(*ret->paths), by_bytes);
    return status;
}

static enum emx_status enter_folder(const char *folder, const struct level *above, struct level *ret,
                                    struct emx_error *err)
{
    struct stat st;

    if (stat(folder, &st) != 0)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: the folder cannot be read", folder);
    *ret = (struct level){above, st.st_dev, st.st_ino, above ? above->depth + 1 : 0};
    if (ret->depth > MOST_DEPTH)
        return emx_fail(err, EMX_ERR_RANGE, "%s: folders are nested deeper than %d", folder, MOST_DEPTH);
    for (; above; above = above->above) {
        if (above->device == st.st_dev && above->inode == st.st_ino)
            return emx_fail(err, EMX_ERR_RANGE, "%s: is a folder that it lies in itself, by a link", folder);
    }
    return EMX_OK;
}

static enum emx_status append_folder(struct emx_shard_list *list, const char *folder, const struct level *above,
                                     struct emx_error *err)
{
    struct emx_shard_list names = {0};
    struct level level;
    bool is_mds = false;
    enum emx_status status = enter_folder(folder, above, &level, err);

    if (!status)
        status = list_folder(folder, &names, err);
    if (!status)
        status = append_mds_folder(list, folder, &is_mds, err);
    for (size_t i = 0; i < names.n && !status && !is_mds; i++) {
        char *path;

        status = join(folder, names.paths[i], &path, err);
        if (status)
            break;
        status = append_entry(list, path, &level, err);
        free(path);
    }
    emx_shard_list_finish(&names);
    return status;
}

/* --- words --------------------------------------------------------------------------------------------- */

static enum emx_status append_glob(struct emx_shard_list *list, const char *pattern, struct emx_error *err)
{
    glob_t found;
    size_t before = list->n;
    enum emx_status status = EMX_OK;

    switch (glob(pattern, GLOB_ERR | GLOB_NOSORT, NULL, &found)) {
    case 0:
        break;
    case GLOB_NOMATCH:
        return emx_fail(err, EMX_ERR_EMPTY, "%s: nothing matches", pattern);
    case GLOB_NOSPACE:
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", pattern);
    default:
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: a folder of the pattern cannot be read", pattern);
    }
    qsort(found.gl_pathv, found.gl_pathc, sizeof(*found.gl_pathv), by_bytes);
    for (size_t i = 0; i < found.gl_pathc && !status; i++) {
        struct stat st;

        if (stat(found.gl_pathv[i], &st) == 0 && S_ISDIR(st.st_mode))
            status = append_folder(list, found.gl_pathv[i], NULL, err);
        else if (!is_hidden_or_side(found.gl_pathv[i]))
            status = emx_shard_list_add(list, found.gl_pathv[i], err);
    }
    globfree(&found);
    if (!status && list->n == before)
        status = emx_fail(err, EMX_ERR_EMPTY, "%s: no shard matches", pattern);
    return status;
}

/* PREFIX.bin, .bin.zst, ... where PREFIX.idx (.idx.zst, ...) stands beside it. */
static enum emx_status append_prefix(struct emx_shard_list *list, const char *prefix, bool *ret_is_prefix,
                                     struct emx_error *err)
{
    char index[PATH_MAX], bin[PATH_MAX];

    *ret_is_prefix = path_existing_sibling(NULL, prefix, "", ".idx", index);
    if (!*ret_is_prefix)
        return EMX_OK;
    if (!path_existing_sibling(NULL, prefix, "", ".bin", bin))
        return emx_fail_errno(err, EMX_ERR_IO, ENOENT, "%s.bin: cannot be opened, though %s is there", prefix, index);
    return emx_shard_list_add(list, bin, err);
}

static bool is_pattern(const char *word)
{
    return strpbrk(word, "*?[") != NULL;
}

static enum emx_status find(const char *word, struct emx_shard_list *list, struct emx_error *err)
{
    size_t before = list->n;
    struct stat st;
    bool is_prefix = false;
    int errnum;
    enum emx_status status;

    if (strcmp(word, "-") == 0)
        return emx_shard_list_add(list, word, err);
    if (stat(word, &st) == 0 && S_ISDIR(st.st_mode)) {
        status = append_folder(list, word, NULL, err);
        if (!status && list->n == before)
            status = emx_fail(err, EMX_ERR_EMPTY,
                              "%s: the folder holds no shard (.bin, .npy, .ds, .mds, .json, .jsonl, .ndjson)", word);
        return status;
    }
    if (stat(word, &st) == 0)
        return emx_shard_list_add(list, word, err);
    errnum = errno;
    status = append_prefix(list, word, &is_prefix, err);
    if (status || is_prefix)
        return status;
    if (is_pattern(word))
        return append_glob(list, word, err);
    return emx_fail_errno(err, EMX_ERR_IO, errnum, "%s: cannot be opened", word);
}

static int by_name_without_codec(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    size_t n = path_length_without_codec(x), k = path_length_without_codec(y);
    int order = memcmp(x, y, n < k ? n : k);

    return order ? order : (n > k) - (n < k);
}

/* zstd leaves the file that it compressed where it was: counted twice, it would weigh twice. */
static enum emx_status refuse_twins(char **paths, size_t n, struct emx_error *err)
{
    qsort(paths, n, sizeof(*paths), by_name_without_codec);
    for (size_t i = 1; i < n; i++) {
        if (by_name_without_codec(&paths[i - 1], &paths[i]) == 0)
            return emx_fail(err, EMX_ERR_ARG, "%s and %s: are these one shard, plain and compressed? Name one of them",
                            paths[i - 1], paths[i]);
    }
    return EMX_OK;
}

enum emx_status emx_shards_find(const char *word, struct emx_shard_list *list, struct emx_error *err)
{
    size_t before = list->n;
    enum emx_status status = find(word, list, err);

    if (list->n == before)
        return status;
    if (!status)
        status = refuse_twins(list->paths + before, list->n - before, err);
    qsort(list->paths + before, list->n - before, sizeof(*list->paths), by_bytes);
    return status;
}

/* --- formats ------------------------------------------------------------------------------------------- */

enum { MOST_FORMATS = 32 };
static struct emx_shard_format format_list[MOST_FORMATS];
static size_t n_formats;

static void list_formats(void)
{
    for (; formats[n_formats] && n_formats < MOST_FORMATS; n_formats++)
        format_list[n_formats] = (struct emx_shard_format){formats[n_formats]->name, formats[n_formats]->summary};
}

const struct emx_shard_format *emx_shard_formats(size_t *ret_n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, list_formats);
    *ret_n = n_formats;
    return format_list;
}
