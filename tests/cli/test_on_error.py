#!/usr/bin/python3
"""Broken shards that are skipped: exit code, warnings, the list of the state file."""
from harness import *

RAW = ["--dtype", "u16", "--eod", EOD]


def corpus(box):
    """Three shards, of which one does not match its checksum."""
    for i in range(3):
        box.write(f"{i}.bin.zst", zstd(u16(flatten(zipf_documents(i, 20000))), "--check"))
    broken = bytearray(box.bytes("1.bin.zst"))
    broken[-2] ^= 1
    box.write("1.bin.zst", broken)


def skips(box, *words, code=3):
    result = box.run("scan", "-o", "s.emx", *RAW, "--on-error", "skip-shard", *words)
    assert result.code == code, result
    return result.err


@test
def a_broken_shard_is_skipped_and_listed(box):
    corpus(box)
    box.error("scan", "-o", "x.emx", *RAW, "web=0.bin.zst", "web=1.bin.zst", says="1.bin.zst")
    told = skips(box, "web=0.bin.zst", "web=1.bin.zst", "code=2.bin.zst", "code=gone.bin", "only=1.bin.zst")
    assert "does not match its checksum; the shard is skipped" in told
    assert "gone.bin: cannot be opened: No such file or directory; the shard is skipped" in told
    assert "3 broken shards were skipped" in told and "in 2 shards" in told
    table = box.good("info", "s.emx").decode()
    assert re.search(r"^code +shard +all +all +gone.bin: cannot be opened", table, re.MULTILINE), table
    listed = json.loads(box.good("info", "-f", "json", "s.emx"))["states"][0]["skipped"]
    assert [(s["domain"], s["path"], s["what"]) for s in listed] == [
        ("code", "gone.bin", "shard"), ("only", "1.bin.zst", "shard"), ("web", "1.bin.zst", "shard")]
    assert all(s["bytes"] is None and s["tokens"] is None and s["path"] in s["reason"] for s in listed)
    lines = box.good("info", "-f", "csv", "--skipped", "s.emx").decode().splitlines()
    assert lines[0] == "state,domain,path,what,byte_begin,byte_end,token_begin,token_end,reason" and len(lines) == 4
    assert lines[1].startswith("s.emx,code,gone.bin,shard,,,,,gone.bin: cannot be opened")
    box.good("info", "--verify", "s.emx")


@test
def what_is_mended_completes_the_state(box):
    corpus(box)
    skips(box, "web=0.bin.zst", "web=1.bin.zst")
    box.write("1.bin.zst", zstd(u16(flatten(zipf_documents(1, 20000))), "--check"))
    box.good("scan", "-o", "rest.emx", *RAW, "web=1.bin.zst")
    box.good("scan", "-o", "all.emx", *RAW, "web=0.bin.zst", "web=1.bin.zst")
    box.good("merge", "-o", "m.emx", "rest.emx", "s.emx")
    assert box.bytes("m.emx") == box.bytes("all.emx")


@test
def the_limit_holds(box):
    corpus(box)
    skips(box, "--max-bad", 2, "web=0.bin.zst", "web=1.bin.zst", "web=gone.bin")
    (box / "s.emx").unlink()
    told = skips(box, "--max-bad", 1, "web=0.bin.zst", "web=1.bin.zst", "web=gone.bin", code=1)
    assert "more than 1 broken" in told and not (box / "s.emx").exists()
    box.usage_error("scan", "-o", "s.emx", "--max-bad", 0, "web=0.bin.zst", says="--max-bad")


@test
def quiet_says_only_that_something_is_missing(box):
    corpus(box)
    told = skips(box, "-q", "web=0.bin.zst", "web=1.bin.zst", "web=gone.bin")
    assert told == "entromix: warning: 2 broken shards were skipped\n", told
    told = skips(box, "-q", "web=0.bin.zst", code=0)
    assert told == ""


@test
def a_broken_frame_leaves_the_rest(box):
    parts = [zstd(u16([i % 7 for i in range(100000)]), "--check", "--stream-size=200000") for _ in range(5)]
    sizes = [len(p) for p in parts]
    stored = bytearray(b"".join(parts))
    stored[sum(sizes[:3]) - 1] ^= 1
    box.write("f.bin.zst", stored)
    result = box.run("scan", "-o", "s.emx", *RAW, "--on-error", "skip-frame", "web=f.bin.zst")
    assert result.code == 3, result
    assert "does not match its checksum; the frame is skipped" in result.err, result.err
    assert "1 broken frame was skipped" in result.err and "400,000 tokens in 1 shard" in result.err, result.err
    listed = json.loads(box.good("info", "-f", "json", "s.emx"))["states"][0]["skipped"]
    assert [(s["what"], s["bytes"], s["tokens"]) for s in listed] == [
        ("frame", [sum(sizes[:2]), sum(sizes[:3])], [200000, 300000])], listed
    box.good("info", "--verify", "s.emx")


@test
def manifests_may_name_what_is_gone(box):
    corpus(box)
    box.write("m.yaml", b"domains:\n  web: [0.bin.zst, gone.bin]\n  code: 2.bin.zst\n")
    told = skips(box, "--manifest", "m.yaml")
    assert "gone.bin" in told
    box.error("scan", "-o", "x.emx", *RAW, "--manifest", "m.yaml", says="gone.bin")
    box.error("scan", "-o", "x.emx", *RAW, "--on-error", "skip-shard", "web=no*.bin", says="no*.bin")


@test
def missing_words_lie_among_others(box):
    corpus(box)
    for i in range(20):
        box.write(f"few{i}.bin", u16([i, i + 1, EOD]))
    words = [f"web={name}{i}.bin" for i in range(20) for name in ("gone", "few", "lost")]
    assert "40 broken shards were skipped" in skips(box, *words)
    assert [d["name"] for d in box.json("entropy", "-f", "json", "s.emx")["domains"]] == ["web"]


@test
def mixtures_of_what_is_left_are_told_by_the_exit_code(box):
    corpus(box)
    result = box.run("mix", *RAW, "--on-error", "skip-shard", "web=0.bin.zst", "code=2.bin.zst", "code=1.bin.zst")
    assert result.code == 3 and set(json.loads(result.out)["domains"][i]["name"] for i in (0, 1)) == {"code", "web"}


main()
