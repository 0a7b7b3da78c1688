#!/usr/bin/python3
"""What scan counts and merge adds up, against plain counting; equal bytes whatever way the work is done."""
import csv
import itertools

from harness import *

RAW = ["--dtype", "u16", "--eod", EOD]


def corpus(box, n_tokens=20000):
    """Three domains of a few shards, of several codecs; {domain: [documents of each shard]}."""
    domains = {}
    for seed, (name, n_shards) in enumerate([("web", 3), ("code", 2), ("books", 1)]):
        domains[name] = [zipf_documents(100 * seed + i, n_tokens // (1 + i)) for i in range(n_shards)]
        for i, documents in enumerate(domains[name]):
            content = u16(flatten(documents))
            half = len(content) // 2
            frames = [zstd(content), zstd(content[:half]) + zstd(content[half:]), gzip(content), content]
            suffix = [".bin.zst", ".bin.zst", ".bin.gz", ".bin"][(seed + i) % 4]
            box.write(f"{name}/{i}{suffix}", frames[(seed + i) % 4])
    return domains


def shard_words(box, domain):
    return [f"{domain}={path.relative_to(box.folder)}" for path in sorted((box / domain).iterdir())]


def scan(box, output, *words):
    return box.good("scan", "-q", "-o", output, *RAW, *words)


def entropies(box, state, *options):
    return {row["name"]: row for row in box.json("entropy", "--format", "json", *options, state)["domains"]}


def near(a, b, tolerance=1e-12):
    return abs(a - b) <= tolerance * max(1, abs(b))


def check_entropies(rows, domains, tolerance=1e-12):
    assert set(rows) == set(domains)
    for name, shards in domains.items():
        expected = expected_entropies(shards)
        expected["perplexity"] = math.exp(expected["shannon"])
        expected["conditional_perplexity"] = math.exp(expected["conditional"])
        expected["mutual_information"] = expected["shannon"] - expected["conditional"]
        for key, value in expected.items():
            assert near(rows[name][key], value, tolerance), (name, key, rows[name][key], value)
        assert 0 <= rows[name]["chain_residual"] < 1e-14


@test
def entropies_are_those_of_plain_counting(box):
    domains = corpus(box)
    scan(box, "x.emx", "web=web/", "code=code/", "books=books/*")
    check_entropies(entropies(box, "x.emx"), domains)


@test
def threads_do_not_show(box):
    corpus(box)
    for n in [1, 2, 8]:
        scan(box, f"{n}.emx", "--threads", n, "web=web/", "code=code/", "books=books/")
    scan(box, "loose.emx", "--no-bind", "web=web/", "code=code/", "books=books/")
    assert box.bytes("1.emx") == box.bytes("2.emx") == box.bytes("8.emx") == box.bytes("loose.emx")


@test
def order_of_shards_and_domains_does_not_show(box):
    corpus(box, 3000)
    words = shard_words(box, "web") + shard_words(box, "code")
    scan(box, "x.emx", *words)
    for i, order in enumerate(itertools.islice(itertools.permutations(words), 0, 120, 17)):
        scan(box, "y.emx", *order)
        assert box.bytes("x.emx") == box.bytes("y.emx"), order


@test
def words_of_a_domain_add_up(box):
    corpus(box, 3000)
    scan(box, "x.emx", "web=web/")
    scan(box, "y.emx", "web=web/0*", "web=web/1*", "web=web/2*")
    rows = [entropies(box, name)["web"] for name in ["x.emx", "y.emx"]]
    assert rows[0] == rows[1]


@test
def merge_of_one_domain_scans_is_one_scan(box):
    corpus(box)
    for name in ["web", "code", "books"]:
        scan(box, f"{name}.emx", f"{name}={name}/")
    scan(box, "all.emx", "web=web/", "code=code/", "books=books/")
    box.good("merge", "-o", "merged.emx", "web.emx", "code.emx", "books.emx")
    assert box.bytes("merged.emx") == box.bytes("all.emx")
    box.good("merge", "-o", "merged.emx", "books.emx", "web.emx", "code.emx")
    assert box.bytes("merged.emx") == box.bytes("all.emx")


@test
def merge_of_one_shard_scans_is_one_scan(box):
    corpus(box)
    scan(box, "all.emx", *shard_words(box, "web"))
    parts = []
    for i, word in enumerate(shard_words(box, "web")):
        scan(box, f"{i}.emx", word)
        parts.append(f"{i}.emx")
    assert box.good("merge", "-o", "-", *reversed(parts)) == box.bytes("all.emx")
    assert box.good("merge", "-o", "-", "all.emx") == box.bytes("all.emx")


@test
def pipes_work_at_both_ends(box):
    documents = zipf_documents(7, 30000)
    shard = zstd(u16(flatten(documents)))
    state = box.good("scan", "-q", "-o", "-", *RAW, "web=-", stdin=shard)
    rows = json.loads(box.good("entropy", "--format=json", "-", stdin=state))["domains"]
    check_entropies({"web": rows[0]}, {"web": [documents]})
    assert box.good("merge", "-o", "-", "-", stdin=state) == state
    info = json.loads(box.good("info", "--format=json", "-", stdin=state))
    assert info["states"][0]["domains"][0]["shards"][0]["path"] == "-"


@test
def modes_of_pairs_count_what_they_say(box):
    documents = zipf_documents(3, 5000)
    tokens = flatten(documents)
    box.write("a.bin", u16(tokens))
    for mode, pieces in [
        ("stream", [tokens]),
        ("window:10", [tokens[i : i + 10] for i in range(0, len(tokens), 10)]),
        ("within-document", documents),
    ]:
        box.good("scan", "-q", "-o", "x.emx", *RAW, "--pairs", mode, "web=a.bin")
        check_entropies(entropies(box, "x.emx"), {"web": [pieces]})


@test
def a_token_may_open_documents(box):
    ended = zipf_documents(5, 3000)
    opened = [[EOD] + document[:-1] for document in ended]
    box.write("a.bin", u16(flatten(opened)))
    box.good("scan", "-q", "-o", "x.emx", *RAW, "--eod-first", "web=a.bin")
    check_entropies(entropies(box, "x.emx"), {"web": [opened]})


@test
def a_sample_takes_the_same_from_each_shard(box):
    corpus(box)
    scan(box, "x.emx", "--sample", "5K", "web=web/", "code=code/")
    assert {name: row["tokens"] for name, row in entropies(box, "x.emx").items()} == {"web": 3 * 1667, "code": 5000}
    scan(box, "y.emx", "--sample", "1B", "web=web/")
    scan(box, "z.emx", "--sample", "all", "web=web/")
    rows = [entropies(box, name)["web"] for name in ["y.emx", "z.emx"]]
    assert rows[0] == rows[1]


@test
def a_type_may_be_wide_and_big_endian(box):
    documents = zipf_documents(11, 4000)
    tokens = flatten(documents)
    box.write("a.bin", struct.pack(f">{len(tokens)}I", *tokens))
    box.write("b.bin", struct.pack(f"<{len(tokens)}q", *tokens))
    for dtype, name in [("u32be", "a.bin"), ("i64", "b.bin")]:
        box.good("scan", "-q", "-o", "x.emx", "--dtype", dtype, "--eod", EOD, f"web={name}")
        check_entropies(entropies(box, "x.emx"), {"web": [documents]})


@test
def json_lines_say_where_documents_end(box):
    documents = zipf_documents(11, 4000)
    box.write("a.jsonl", "".join(json.dumps({"tokens": d}) + "\n" for d in documents))
    box.write("b.jsonl", "".join(json.dumps({"ids2": d, "text": "x"}) + "\n" for d in documents))
    box.good("scan", "-q", "-o", "a.emx", "web=a.jsonl")
    box.good("scan", "-q", "-o", "b.emx", "--format", "jsonl", "--column", "ids2", "web=b.jsonl")
    for name in ["a.emx", "b.emx"]:
        check_entropies(entropies(box, name), {"web": [documents]})


@test
def megatron_prefix_is_a_word(box):
    documents = zipf_documents(13, 4000)
    box.write("data/web_text_document.bin", u16(flatten(documents)))
    lengths = [len(d) for d in documents]
    offsets = [2 * sum(lengths[:i]) for i in range(len(lengths))]
    n = len(documents)
    box.write(
        "data/web_text_document.idx",
        b"MMIDIDX\0\0" + struct.pack("<QBQQ", 1, 8, n, n + 1) + struct.pack(f"<{n}i", *lengths)
        + struct.pack(f"<{n}q", *offsets) + struct.pack(f"<{n + 1}q", *range(n + 1)),
    )
    box.good("scan", "-q", "-o", "x.emx", "web=data/web_text_document")
    check_entropies(entropies(box, "x.emx"), {"web": [documents]})
    info = box.json("info", "--format", "json", "x.emx")["states"][0]["domains"][0]
    assert info["documents"] == n and info["shards"][0]["format"] == "megatron"


@test
def bits_are_nats_over_log_2(box):
    corpus(box, 2000)
    scan(box, "x.emx", "web=web/", "code=code/")
    nats, bits = entropies(box, "x.emx"), entropies(box, "x.emx", "--unit", "bits")
    for name, row in nats.items():
        for key in ["shannon", "joint", "conditional", "first", "mutual_information"]:
            assert near(bits[name][key], row[key] / math.log(2), 1e-15)
        for key in ["perplexity", "conditional_perplexity", "token_coverage", "tokens"]:
            assert bits[name][key] == row[key]


@test
def csv_and_table_say_what_json_says(box):
    corpus(box, 2000)
    scan(box, "x.emx", "web=web/", "code=code/")
    rows = entropies(box, "x.emx")
    table = box.text("entropy", "x.emx")
    for line in csv.DictReader(box.text("entropy", "--format", "csv", "x.emx").splitlines()):
        row = rows[line.pop("domain")]
        assert line.pop("unit") == "nats" and set(line) == set(row) - {"name"}
        for key, value in line.items():
            assert float(value) == row[key], key
        for key in ["shannon", "joint", "conditional", "mutual_information", "token_coverage"]:
            assert f"{row[key]:.6f}" in table
        assert f"{row['perplexity']:.2f}" in table
        assert f"{row['tokens']:,}" in table and f"{row['pair_types']:,}" in table
    assert "Entropies in nats." in table
    assert all(len(line) < 80 for line in table.splitlines())


@test
def help_of_entropy_names_every_key(box):
    corpus(box, 2000)
    scan(box, "x.emx", "web=web/")
    text = box.text("entropy", "--help")
    for key in entropies(box, "x.emx")["web"]:
        key = "shannon_error, ..." if key.endswith("_error") else key
        assert key in text, key


@test
def a_single_kind_of_token_has_no_entropy(box):
    box.write("a.bin", u16([7] * 1000))
    scan(box, "x.emx", "web=a.bin")
    row = entropies(box, "x.emx")["web"]
    assert row["shannon"] == row["joint"] == row["conditional"] == 0 and row["perplexity"] == 1


@test
def info_tells_what_was_scanned(box):
    domains = corpus(box, 3000)
    box.good("scan", "-q", "-o", "x.emx", *RAW, "--vocabulary", 50257, "web=web/", "code=code/")
    state = box.json("info", "--format", "json", "x.emx")["states"][0]
    assert state["state"] == "x.emx" and [d["name"] for d in state["domains"]] == ["code", "web"]
    for domain in state["domains"]:
        shards = domains[domain["name"]]
        assert domain["settings"] == {"pairs": "within-document", "window": None, "eod": EOD, "eod_first": False,
                                      "vocabulary": 50257, "sample_tokens": None}
        assert domain["max_token"] == EOD and domain["documents"] == sum(map(len, shards))
        for key, value in expected_entropies(shards).items():
            if key in domain:
                assert domain[key] == value, key
        for i, shard in enumerate(domain["shards"]):
            path = box / shard["path"]
            codec = {".zst": "zstd", ".gz": "gzip", ".bin": "none"}[path.suffix]
            assert shard["codec"] == codec and shard["format"] == "raw" and shard["dtype"] == "u16"
            assert shard["bytes"] == path.stat().st_size and shard["tokens"] == len(flatten(shards[i]))
            assert shard["documents"] == len(shards[i]) and re.fullmatch("[0-9a-f]{16}", shard["xxh3"])
            assert shard["index_xxh3"] is None


@test
def info_csv_says_what_json_says(box):
    corpus(box, 3000)
    scan(box, "x.emx", "--pairs", "window:64", "web=web/", "code=code/")
    state = box.json("info", "--format", "json", "x.emx")["states"][0]
    lines = list(csv.DictReader(box.text("info", "--format", "csv", "x.emx").splitlines()))
    assert len(lines) == 2
    for line, domain in zip(lines, state["domains"]):
        values = {**domain, **domain["settings"], "pairs": domain["pairs"], "pairs_mode": "window",
                  "state": "x.emx", "domain": domain["name"], "shards": len(domain["shards"])}
        for key, text in line.items():
            value = values[key]
            assert text == ("" if value is None else str(value).lower() if value is False else str(value)), key
    lines = list(csv.DictReader(box.text("info", "--shards", "--format", "csv", "x.emx").splitlines()))
    shards = [shard for domain in state["domains"] for shard in domain["shards"]]
    assert len(lines) == len(shards) == 5
    for line, shard in zip(lines, shards):
        for key, value in shard.items():
            assert line[key] == ("" if value is None else str(value)), key


@test
def info_table_shows_shards_when_asked(box):
    corpus(box, 3000)
    scan(box, "x.emx", "web=web/")
    plain, verbose = box.text("info", "x.emx"), box.text("info", "-v", "x.emx")
    assert verbose == box.text("info", "--shards", "x.emx")
    assert verbose.startswith(plain) and "web/0.bin.zst" in verbose and "web/0.bin.zst" not in plain
    assert "Settings: pairs within-document, eod 50256, no vocabulary" in plain
    xxh3 = box.json("info", "--format", "json", "x.emx")["states"][0]["domains"][0]["shards"][0]["xxh3"]
    assert xxh3 in verbose
    both = box.text("info", "x.emx", "x.emx")
    assert both == plain + "\n" + plain


@test
def odd_names_cannot_steer_a_terminal(box):
    name = b"a\x1b[31m\xff.bin"
    with open(os.path.join(os.fsencode(box.folder), name), "wb") as shard:
        shard.write(u16([1, 2, 3]))
    box.good("scan", "-q", "-o", "x.emx", *RAW, b"web=" + name)
    assert "a\\x1b[31m\\xff.bin" in box.text("info", "-v", "x.emx")
    shard = box.json("info", "--format", "json", "x.emx")["states"][0]["domains"][0]["shards"][0]
    assert shard["path"] == "a\\x1b[31m\\xff.bin"
    line = box.error("scan", "-o", "y.emx", *RAW, "web=b\x1b[31m", says="b\\x1b[31m")
    assert "\x1b" not in line


@test
def verify_passes_what_is_whole(box):
    corpus(box, 3000)
    scan(box, "x.emx", "web=web/", "code=code/")
    result = box.run("info", "--verify", "x.emx", "x.emx")
    assert result.code == 0 and "verified 2 state files" in result.err
    assert box.run("info", "--verify", "-q", "x.emx").err == ""


@test
def quiet_is_quiet_and_verbose_tells_more(box):
    corpus(box, 3000)
    words = ["scan", "-o", "x.emx", *RAW, "web=web/", "code=code/"]
    plain, quiet, verbose = box.run(*words).err, box.run(*words, "-q").err, box.run(*words, "-v").err
    assert quiet == ""
    n_tokens = sum(row["tokens"] for row in entropies(box, "x.emx").values())
    summary = rf"^entromix: {n_tokens:,} tokens in 5 shards of 2 domains, [0-9.]+ s, \S+ tokens/s$"
    assert re.search(summary, plain, re.M), plain
    assert re.search(summary, verbose, re.M), verbose
    assert "web: read 3 shards" in verbose and "code: read 2 shards" in verbose
    assert re.search(r"times: wall=[0-9.]+s decode=[0-9.]+s count=[0-9.]+s wait=[0-9.]+s seal=[0-9.]+s write=[0-9.]+s", verbose)


@test
def the_machine_does_not_show(box):
    """hwloc lets an environment variable stand for the machine: then nothing is bound, but all else is done."""
    corpus(box, 3000)
    words = [*RAW, "web=web/", "code=code/"]
    box.good("scan", "-q", "-o", "x.emx", *words)
    for machine, n, bound, n_nodes, n_domains in [
        ("numa:1 core:2 pu:1", 2, "each bound to a processor", 1, 1),
        ("numa:2 core:4 pu:1", 3, "each bound to a NUMA node", 2, 2),
        ("pack:2 numa:2 l3:2 core:2 pu:2", 32, "each bound to a processor", 4, 8),
        ("numa:8 core:1 pu:1", 8, "each bound to a processor", 8, 8),
    ]:
        for memory in ["16M", "1G"]:
            result = box.run("scan", "-v", "-o", "y.emx", f"--threads={n}", f"--memory={memory}", *words,
                             env={**os.environ, "HWLOC_SYNTHETIC": machine})
            assert result.code == 0, result.err
            assert box.bytes("y.emx") == box.bytes("x.emx"), machine
            plans = [line for line in result.err.splitlines() if line.startswith("entromix: plan: ")]
            assert plans[0].startswith(f"entromix: plan: {n} threads, {bound}; "), plans
            assert f" {n_nodes} NUMA node" in plans[0] and f"; {n_domains} memory domain" in plans[0], plans
            assert len(plans) == 1 + (n_nodes if n_nodes > 1 else 0), plans
    assert "each bound" not in box.run("scan", "-v", "--no-bind", "-o", "y.emx", *words).err


@test
def warnings_do_not_flood(box):
    for i in range(25):
        box.write(f"{i}.bin", u16([1, 2, 3]))
    words = ["scan", "-o", "x.emx", "--dtype=u16", *(f"d{i}={i}.bin" for i in range(25))]
    for options, n in [([], 11), (["-v"], 25), (["-q"], 0)]:
        lines = [line for line in box.run(*words, *options).err.splitlines() if "entromix: warning: " in line]
        assert len(lines) == n, lines
    assert "and 15 more like these" in box.run(*words).err


@test
def parts_merge_to_the_whole(box):
    words = []
    for i in range(7):
        box.write(f"{i}.bin", u16(flatten(zipf_documents(i, 100 + 300 * i))))
        words.append(f"{'web' if i % 2 else 'code'}={i}.bin")
    box.good("scan", "-o", "whole.emx", "--dtype", "u16", *words)
    for i in range(9):
        box.good("scan", "-o", f"{i}.emx", "--dtype", "u16", "--part", f"{i}/9", *words[i % 7:], *words[:i % 7])
    box.good("merge", "-o", "merged.emx", *[f"{i}.emx" for i in range(9)])
    assert box.bytes("merged.emx") == box.bytes("whole.emx")
    for wrong in "9/9", "1", "1/", "/3", "a/3", "1/0", "-1/3":
        box.usage_error("scan", "-o", "x.emx", f"--part={wrong}", *words, says="--part")
    box.error("scan", "-o", "x.emx", "--dtype", "u16", "--sample", "100", "--part", "0/2", *words, says="is sampled")


main()
