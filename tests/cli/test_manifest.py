#!/usr/bin/python3
"""Manifests: equal to the same words on the command line, and strict."""
from harness import *

RAW = ["--dtype", "u16", "--eod", EOD]


def corpus(box):
    for i, name in enumerate(["web/a", "web/b", "code/a", "books/a"]):
        box.write(f"{name}.bin", u16(flatten(zipf_documents(i, 3000))))


def settings(box, state):
    domains = box.json("info", "--format", "json", state)["states"][0]["domains"]
    return {d["name"]: d["settings"] for d in domains}


@test
def manifest_is_the_same_as_words(box):
    corpus(box)
    box.write("corpus.yaml", f"""
        # what all have in common
        defaults: {{dtype: u16, eod: {EOD}, vocabulary: 50257}}
        domains:
          web: {{shards: [web/*.bin]}}
          code: code/
          books:
            - books/a.bin
        """)
    box.good("scan", "-q", "-o", "x.emx", "--manifest", "corpus.yaml")
    box.good("scan", "-q", "-o", "y.emx", *RAW, "--vocabulary=50257", "web=web/", "code=code/a.bin", "books=books/")
    assert box.bytes("x.emx") == box.bytes("y.emx")


@test
def paths_begin_at_the_manifest(box):
    corpus(box)
    box.write("web/m.yaml", f"domains: {{web: [b.bin, ./a.bin], code: ../code, books: {box.folder}/books/a.bin}}")
    box.good("scan", "-q", "-o", "x.emx", *RAW, "-m", "web/m.yaml")
    box.good("scan", "-q", "-o", "y.emx", *RAW, "web=web/b.bin", "web=web/./a.bin", "code=web/../code",
             f"books={box.folder}/books/a.bin")
    assert box.bytes("x.emx") == box.bytes("y.emx")


@test
def manifest_comes_from_standard_input(box):
    corpus(box)
    box.good("scan", "-q", "-o", "x.emx", *RAW, "-m", "-", stdin=b"domains: {web: web/}")
    box.good("scan", "-q", "-o", "y.emx", *RAW, "web=web/")
    assert box.bytes("x.emx") == box.bytes("y.emx")


@test
def a_domain_overrides_defaults_and_these_the_command_line(box):
    corpus(box)
    box.write("m.yaml", """
        defaults: {eod: 2, sample: 100}
        domains:
          web: {shards: web/, eod: none, vocabulary: none, pairs: "window:32", sample: all}
          code: {dtype: u16, eod: 3, pairs: stream, shards: code/}
          books: books/
        """)
    box.good("scan", "-q", "-o", "x.emx", "-m", "m.yaml", "--dtype=u16", "--eod=1", "--vocabulary=60000")
    base = {"pairs": "within-document", "window": None, "eod_first": False, "vocabulary": 60000, "sample_tokens": 100}
    assert settings(box, "x.emx") == {
        "web": {**base, "pairs": "window", "window": 32, "eod": None, "vocabulary": None, "sample_tokens": None},
        "code": {**base, "pairs": "stream", "eod": 3},
        "books": {**base, "eod": 2},
    }


@test
def words_may_follow_a_manifest(box):
    corpus(box)
    box.write("m.yaml", "domains: {web: web/}")
    box.good("scan", "-q", "-o", "x.emx", *RAW, "-m", "m.yaml", "code=code/")
    box.good("scan", "-q", "-o", "y.emx", *RAW, "web=web/", "code=code/")
    assert box.bytes("x.emx") == box.bytes("y.emx")
    box.usage_error("scan", "-o", "z.emx", *RAW, "-m", "m.yaml", "web=code/", says="manifest has a domain of that name")


def check_errors(box, cases):
    corpus(box)
    for text, place, *says in cases:
        box.write("m.yaml", text)
        box.error("scan", "-o", "x.emx", "-m", "m.yaml", says=[f"m.yaml{place}: ", *says])


@test
def keys_are_known(box):
    check_errors(box, [
        ("domians: {web: web/}", ":1:1", "unknown key 'domians'", "did you mean domains?"),
        ("x: 1", ":1:1", "unknown key 'x'; known are defaults and domains"),
        ("domains:\n  web: {shard: web/}", ":2:9", "unknown key 'shard'", "did you mean shards?", "dtype, column"),
        ("defaults: {eod_first: true}", ":1:12", "did you mean eod-first?"),
        ("defaults: {shards: web/}", ":1:12", "unknown key 'shards'"),
        ("defaults: {<<: {eod: 1}}", ":1:12", "unknown key '<<'"),
        ("domains: {a/b: web/}", ":1:11", "'a/b' cannot name a domain"),
        ("domains: {a=b: web/}", ":1:11", "'a=b' cannot name a domain"),
        ("domains: {'': web/}", ":1:11", "cannot name a domain"),
    ])


@test
def keys_come_once(box):
    check_errors(box, [
        ("domains:\n  web: web/\n  code: code/\n  web: web/\n", ":4:3", "two domains have the name 'web'"),
        ("defaults: {eod: 1, eod: 2}", ":1:20", "'eod' comes a second time"),
        ("domains: {web: {eod: 1, shards: web/, eod: 1}}", ":1:39", "'eod' comes a second time"),
        ("domains: {web: {shards: web/a.bin, shards: web/b.bin}}", ":1:36", "'shards' comes a second time"),
        ("defaults: {}\ndefaults: {}", ":2:1", "'defaults' comes a second time"),
        ("domains: {web: web/}\ndomains: {code: code/}", ":2:1", "'domains' comes a second time"),
        ("domains: {web: web/}\ndefaults: {eod: 1}", ":2:1", "defaults come before domains"),
    ])


@test
def values_are_of_their_kind(box):
    check_errors(box, [
        ("[a, b]", ":1:1", "keys defaults and domains"),
        ("text", ":1:1", "keys defaults and domains"),
        ("", "", "is empty"),
        ("# nothing\n", "", "is empty"),
        ("defaults: {eod: 1}", "", "no key 'domains'"),
        ("domains: {}", ":1:11", "names no domain"),
        ("domains: [web]", ":1:10", "domains: {web: web/}"),
        ("defaults: 7", ":1:11", "defaults: {dtype: u16}"),
        ("defaults: {eod: '7'}", ":1:17", "eod: '7' is in quotes"),
        ("defaults: {eod-first: 'true'}", ":1:23", "in quotes"),
        ("defaults: {eod-first: yes}", ":1:23", "neither true nor false"),
        ("defaults: {eod: 7.0}", ":1:17", "eod: '7.0' is not a whole number"),
        ("defaults: {eod: 0x7}", ":1:17", "not a whole number"),
        ("defaults: {eod: -7}", ":1:17", "not a whole number"),
        ("defaults: {eod: [7]}", ":1:17", "one value"),
        ("defaults: {eod: {a: 7}}", ":1:17", "one value"),
        ("defaults: {eod: }", ":1:17", "eod: "),
        ("defaults: {vocabulary: 16777217}", ":1:24", "above the most"),
        ("defaults: {dtype: u17}", ":1:19", "dtype: 'u17' is not known", "did you mean u16?"),
        ("defaults: {format: magic}", ":1:20", "format: 'magic' is not known"),
        ("defaults: {pairs: window}", ":1:19", "pairs: 'window' is not known"),
        ("domains: {web: }", ":1:16", "'web' has no shards"),
        ("domains: {web: ~}", ":1:16", "'web' has no shards"),
        ("domains: {web: []}", ":1:17", "'web' has no shards"),
        ("domains: {web: {}}", ":1:16", "'web' has no key 'shards'"),
        ("domains: {web: {eod: 1}}", ":1:16", "'web' has no key 'shards'"),
        ("domains: {web: [[web/]]}", ":1:17", "words, not lists"),
        ("domains: {web: {shards: {a: b}}}", ":1:25", "a word or a list of words"),
        ("domains: {[a, b]: web/}", ":1:11", "a key is a name"),
    ])


@test
def only_plain_yaml_is_taken(box):
    check_errors(box, [
        ("domains: {web: &a web/, code: *a}", ":1:16", "an anchor"),
        ("domains: {web: *a}", ":1:16", "an alias"),
        ("domains: {web: !!str web/}", ":1:16", "a tag"),
        ("domains: {web: web/}\n---\ndomains: {}", ":2:1", "second document"),
        ("domains: {web: web/", ":2:1", "not YAML"),
        ("domains:\n\tweb: web/", ":2:1", "not YAML"),
        ('domains: {"a\\0b": web/}', ":1:11", "NUL"),
        (b"domains: {a\xff: web/}", "", "not YAML", "at byte"),
    ])


@test
def shards_that_are_not_there_have_a_place(box):
    check_errors(box, [
        ("domains:\n  web: nowhere.bin", ":2:8", "nowhere.bin"),
        ("domains:\n  web:\n    shards:\n      - web/\n      - 'no*.bin'", ":5:9", "no*.bin"),
    ])


@test
def toml_is_recognised(box):
    for text in ['[domains.web]\nshards = "web/"\n', 'eod = 5\n', 'a = "x']:
        box.write("m.toml", text)
        box.error("scan", "-o", "x.emx", "-m", "m.toml", says="(a manifest is YAML, not TOML)")


@test
def unreadable_manifests_are_named(box):
    box.error("scan", "-o", "x.emx", "-m", "none.yaml", says="cannot open none.yaml: No such file")
    box.error("scan", "-o", "x.emx", "-m", ".", says="cannot read .: Is a directory")
    box.error("scan", "-o", "x.emx", "-m", "-", says="standard input: the manifest is empty")


main()
