/* From the words that users type to lists of shards, in folders made for it. */
#include "test.h"

#include <emx/shards.h>

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/emx-shards-XXXXXX";

static void make_folder(const char *name)
{
    CHECK(mkdir(name, 0777) == 0 || errno == EEXIST);
}

/* With its folders. */
static void make_file(const char *name, const char *content)
{
    char path[256];
    FILE *f;

    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(path, sizeof(path), "%.*s", (int)(slash - name), name);
        make_folder(path);
    }
    f = fopen(name, "w");
    CHECK(f && fputs(content, f) >= 0);
    if (f)
        fclose(f);
}

/* Begin in an empty folder. */
static void begin(void)
{
    CHECK(system("find . -mindepth 1 -delete") == 0);
}

static void check_list(const struct emx_shard_list *list, const char *first, va_list names)
{
    size_t n = 0;

    for (const char *name = first; name; name = va_arg(names, const char *), n++) {
        if (n < list->n)
            CHECK_STR(list->paths[n], name);
    }
    if (list->n != n) {
        for (size_t i = 0; i < list->n; i++)
            printf("found: %s\n", list->paths[i]);
    }
    CHECK(list->n == n);
}

/* The names end with NULL. */
static void finds(const char *word, const char *first, ...)
{
    struct emx_shard_list list = {0};
    struct emx_error err = {0};
    va_list names;

    va_start(names, first);
    if (emx_shards_find(word, &list, &err))
        printf("%s\n", err.message);
    check_list(&list, first, names);
    va_end(names);
    emx_shard_list_finish(&list);
    CHECK(!list.paths && !list.n);
}

static void refuses(const char *word, enum emx_status status, const char *words)
{
    struct emx_shard_list list = {0};
    struct emx_error err = {0};
    enum emx_status got = emx_shards_find(word, &list, &err);

    if (got != status || !strstr(err.message, words)) {
        printf("%s: %s: %s\n", word, emx_status_str(got), err.message);
        FAIL("is refused as it should be");
    }
    CHECK(!strchr(err.message, '\n'));
    emx_shard_list_finish(&list);
}

/* --- words ------------------------------------------------------------------------------------------------ */

static void files_and_standard_input_are_themselves(void)
{
    begin();
    make_file("x.bin", "");
    make_file("odd [name]*.txt", "");
    finds("x.bin", "x.bin", NULL);
    finds("./x.bin", "./x.bin", NULL);
    finds("odd [name]*.txt", "odd [name]*.txt", NULL);
    finds("-", "-", NULL);
    refuses("y.bin", EMX_ERR_IO, "y.bin: cannot be opened: No such file");
    refuses("", EMX_ERR_IO, "cannot be opened");
}

static void a_prefix_is_a_megatron_shard(void)
{
    begin();
    make_file("d/a_text_document.bin", "");
    make_file("d/a_text_document.idx", "");
    make_file("d/b.bin.zst", "");
    make_file("d/b.idx.gz", "");
    make_file("d/c.idx", "");
    make_file("d/e.bin", "");
    finds("d/a_text_document", "d/a_text_document.bin", NULL);
    finds("d/b", "d/b.bin.zst", NULL);
    refuses("d/c", EMX_ERR_IO, "d/c.bin: cannot be opened, though d/c.idx is there");
    refuses("d/e", EMX_ERR_IO, "d/e: cannot be opened");
}

static void a_list_grows(void)
{
    struct emx_shard_list list = {0};
    char name[16];

    begin();
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "%02d.bin", i);
        make_file(name, "");
        CHECK(emx_shards_find(name, &list, NULL) == EMX_OK);
    }
    CHECK(list.n == 100);
    CHECK_STR(list.paths[99], "99.bin");
    CHECK(emx_shards_find("*.bin", &list, NULL) == EMX_OK);
    CHECK(list.n == 200);
    CHECK_STR(list.paths[0], "00.bin");
    CHECK_STR(list.paths[100], "00.bin");
    emx_shard_list_finish(&list);
}

/* --- folders ---------------------------------------------------------------------------------------------- */

static void folders_are_searched_in_order_of_bytes(void)
{
    begin();
    make_file("d/sub/1.bin", "");
    make_file("d/sub.bin", ""); /* '.' comes before '/' */
    make_file("d/part-10.npy", "");
    make_file("d/part-2.npy", ""); /* numbers are not read */
    make_file("d/Z.ds", "");
    make_file("d/a.jsonl.zst", "");
    make_file("d/b.json.gz", "");
    make_file("d/c.ndjson.zstd", "");
    make_file("d/e/f/g/h.mds", "");
    finds("d", "d/Z.ds", "d/a.jsonl.zst", "d/b.json.gz", "d/c.ndjson.zstd", "d/e/f/g/h.mds", "d/part-10.npy",
          "d/part-2.npy", "d/sub.bin", "d/sub/1.bin", NULL);
    finds("d///", "d/Z.ds", "d/a.jsonl.zst", "d/b.json.gz", "d/c.ndjson.zstd", "d/e/f/g/h.mds", "d/part-10.npy",
          "d/part-2.npy", "d/sub.bin", "d/sub/1.bin", NULL);
    finds("d/sub", "d/sub/1.bin", NULL);
    finds("d/*/*.bin", "d/sub/1.bin", NULL); /* files are no folders to look into */
}

static void what_is_no_shard_is_left_out(void)
{
    begin();
    make_file("d/x.bin", "");
    make_file("d/x.idx", "");
    make_file("d/y.ds", "");
    make_file("d/y.ds.index", "");
    make_file("d/y.ds.index.zst", "");
    make_file("d/y.ds.metadata", "");
    make_file("d/y.ds.loss", "");
    make_file("d/z.npy", "");
    make_file("d/z.csv.gz", "");
    make_file("d/README.md", "");
    make_file("d/meta.pkl", "");
    make_file("d/.hidden.bin", "");
    make_file("d/.git/x.bin", "");
    make_file("d/index.json", "{}");
    make_file("d/fineweb_val_000000.bin", "");
    make_file("d/edufineweb_val_000000.npy", "");
    make_file("d/fineweb_train_000001.bin", "");
    finds("d", "d/fineweb_train_000001.bin", "d/x.bin", "d/y.ds", "d/z.npy", NULL);
    finds("d/fineweb_val_000000.bin", "d/fineweb_val_000000.bin", NULL);
    finds("d/*val*", "d/edufineweb_val_000000.npy", "d/fineweb_val_000000.bin", NULL);
    finds("d/[xy].*", "d/x.bin", "d/y.ds", NULL);
    finds("?", "d/fineweb_train_000001.bin", "d/x.bin", "d/y.ds", "d/z.npy", NULL);
}

static void nothing_found_is_an_error(void)
{
    begin();
    make_folder("empty");
    make_file("other/README.md", "");
    make_file("other/x.idx", "");
    refuses("empty", EMX_ERR_EMPTY, "empty: the folder holds no shard");
    refuses("other", EMX_ERR_EMPTY, "other: the folder holds no shard");
    refuses("other/*.bin", EMX_ERR_EMPTY, "other/*.bin: nothing matches");
    refuses("other/*.idx", EMX_ERR_EMPTY, "other/*.idx: no shard matches");
    refuses("none/*.bin", EMX_ERR_IO, "none/*.bin: a folder of the pattern cannot be read: No such file");
}

static void a_shard_is_not_taken_twice(void)
{
    begin();
    make_file("d/x.bin", "");
    make_file("d/x.bin-2.bin", ""); /* lies between them in order of bytes */
    make_file("d/x.bin.zst", "");
    refuses("d", EMX_ERR_ARG, "d/x.bin.zst: are these one shard");
    refuses("d/*", EMX_ERR_ARG, "d/x.bin");
    finds("d/*.zst", "d/x.bin.zst", NULL);
    finds("d/x.bin", "d/x.bin", NULL);
}

static void links_are_followed_but_not_for_ever(void)
{
    begin();
    make_file("d/a/x.bin", "");
    make_file("e/y.bin", "");
    CHECK(symlink("../../e", "d/a/e") == 0 && symlink("x.bin", "d/a/z.bin") == 0);
    finds("d", "d/a/e/y.bin", "d/a/x.bin", "d/a/z.bin", NULL);
    CHECK(symlink("..", "d/a/up") == 0);
    refuses("d", EMX_ERR_RANGE, "d/a/up: is a folder that it lies in itself");
    CHECK(unlink("d/a/up") == 0 && symlink("nowhere", "d/a/lost.bin") == 0);
    refuses("d", EMX_ERR_IO, "d/a/lost.bin: cannot be read: No such file");
}

/* As somebody else, if we may read everything. */
static void folders_that_cannot_be_read_are_named(void)
{
    bool is_root = geteuid() == 0;

    begin();
    make_file("d/a/x.bin", "");
    make_file("d/b/x.bin", "");
    CHECK(chmod(".", 0755) == 0 && chmod("d/b", 0) == 0);
    CHECK(!is_root || seteuid(65534) == 0);
    refuses("d", EMX_ERR_IO, "d/b: the folder cannot be read: Permission denied");
    refuses("d/b", EMX_ERR_IO, "d/b: the folder cannot be read: Permission denied");
    refuses("d/*/*.bin", EMX_ERR_IO, "Permission denied");
    CHECK(!is_root || seteuid(0) == 0);
    CHECK(chmod("d/b", 0755) == 0);
    finds("d", "d/a/x.bin", "d/b/x.bin", NULL);
}

/* --- MDS ---------------------------------------------------------------------------------------------------- */

#define SHARD(raw, zip) "{\"raw_data\":{\"basename\":\"" raw "\"},\"zip_data\":" zip "}"

static void an_mds_folder_is_what_its_index_lists(void)
{
    begin();
    make_file("m/index.json",
              "{\"version\":2,\"shards\":[" SHARD("s.00000.mds", "{\"basename\":\"s.00000.mds.zstd\"}") "," SHARD(
                  "s.00001.mds", "{\"basename\":\"s.00001.mds.zstd\"}") "," SHARD("b/s.00000.mds", "null") "]}");
    make_file("m/s.00000.mds.zstd", "");
    make_file("m/s.00000.mds", ""); /* kept beside it */
    make_file("m/s.00001.mds", ""); /* the only one */
    make_file("m/b/s.00000.mds", "");
    make_file("m/s.00009.mds", ""); /* of a run before */
    finds("m", "m/b/s.00000.mds", "m/s.00000.mds.zstd", "m/s.00001.mds", NULL);
    make_file("above/train/index.json", "{\"shards\":[" SHARD("s.00000.mds", "null") "]}");
    make_file("above/val/index.json", "{\"shards\":[]}");
    finds("above", "above/train/s.00000.mds", NULL); /* opening it will say that it is not there */
    refuses("above/val", EMX_ERR_EMPTY, "holds no shard");
    make_file("above/val/index.json", "{\"shards\":[{}]}");
    refuses("above", EMX_ERR_FORMAT, "above/val/index.json: a shard has no basename");
}

static void another_index_json_is_no_mds(void)
{
    begin();
    make_file("l/index.json", "{\"chunks\":[]}");
    make_file("l/chunk-0-0.bin", "");
    finds("l", "l/chunk-0-0.bin", NULL);
    make_file("l/index.json", "not JSON");
    finds("l", "l/chunk-0-0.bin", NULL);
}

static void formats_are_listed(void)
{
    size_t n;
    const struct emx_shard_format *list = emx_shard_formats(&n);
    bool found = false;

    CHECK(n >= 8);
    for (size_t i = 0; i < n; i++) {
        CHECK(strlen(list[i].summary) > 10);
        found |= strcmp(list[i].name, "megatron") == 0;
    }
    CHECK(found && emx_shard_formats(&n) == list);
}

int main(void)
{
    if (!mkdtemp(folder) || chdir(folder)) {
        perror(folder);
        return 1;
    }
    RUN(files_and_standard_input_are_themselves);
    RUN(a_prefix_is_a_megatron_shard);
    RUN(a_list_grows);
    RUN(folders_are_searched_in_order_of_bytes);
    RUN(what_is_no_shard_is_left_out);
    RUN(nothing_found_is_an_error);
    RUN(a_shard_is_not_taken_twice);
    RUN(links_are_followed_but_not_for_ever);
    RUN(folders_that_cannot_be_read_are_named);
    RUN(an_mds_folder_is_what_its_index_lists);
    RUN(another_index_json_is_no_mds);
    RUN(formats_are_listed);
    begin();
    CHECK(chdir("/") == 0 && rmdir(folder) == 0);
    return test_summary();
}
