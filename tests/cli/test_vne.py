#!/usr/bin/python3
"""vne, and weights that come from it: against eigenvalues by NumPy of documents read here."""
import csv
import io
import json
import math

import numpy as np

from harness import *

N_TYPES = 500


def scanned(box, seed=1, n_tokens=20000):
    """Two domains; their documents without EOD."""
    domains = {}
    for i, name in enumerate(["near", "wide"]):
        documents = zipf_documents(seed + i, n_tokens // (1 + i), N_TYPES, mean=30 + 100 * i)
        half = len(documents) // 2
        box.write(f"{name}/0.bin.zst", zstd(u16(flatten(documents[:half]))))
        box.write(f"{name}/1.bin", u16(flatten(documents[half:])))
        domains[name] = [document[:-1] for document in documents]
    box.good("scan", "-q", "-o", "c.emx", "--dtype", "u16", "--eod", EOD, "near=near/", "wide=wide/")
    return domains


def vectors(box, dimension=24, dtype="<f4", rows=EOD + 1):
    """A matrix with a direction that all share, as real ones have."""
    matrix = np.random.default_rng(7).standard_normal((rows, dimension))
    matrix[:, 0] += 2
    matrix = matrix.astype(dtype)
    np.save(box / "e.npy", matrix)
    return matrix.astype("f8")


def units(matrix):
    """The power of two of which the numbers of each column are multiples, once rounded to 15 bits and a sign."""
    return 2.0 ** np.ceil(np.log2(np.abs(matrix).max(axis=0) / 32767.5))


def rounded(matrix):
    matrix = matrix.astype("f4").astype("f8")
    return np.rint(matrix / units(matrix)) * units(matrix)


def rounding_bound(documents, matrix):
    """How far rounding can move the entropy (docs/vne.md)."""
    longest = np.linalg.norm(units(matrix))
    sums = [(len(document), np.linalg.norm(matrix[document].sum(axis=0))) for document in documents if document]
    t = np.mean([n * longest / length for n, length in sums])
    return t * math.log(matrix.shape[1] - 1) - t * math.log(t) - (1 - t) * math.log(1 - t)


def entropy_of_kernel(documents, matrix):
    """By the N x N kernel, as the paper defines it; its rank is that of the vectors at most, the rest is noise."""
    v = np.array([matrix[document].sum(axis=0) for document in documents if document])
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(v @ v.T / len(v))[-v.shape[1]:]
    values = values[values > 1e-15]
    return float(-(values * np.log(values)).sum())


@test
def entropies_are_those_of_the_kernel(box):
    domains = scanned(box)
    for dtype in "<f2", "<f4", "<f8":
        matrix = vectors(box, dtype=dtype)
        shown = box.json("vne", "-n", "all", "-e", "e.npy", "-f", "json", "c.emx")
        assert shown["dimension"] == 24 and shown["source"] == "e.npy"
        for domain in shown["domains"]:
            documents = domains[domain["name"]]
            assert domain["documents"] == sum(map(bool, documents))
            assert domain["documents_left_out"] == sum(not document for document in documents)
            assert domain["tokens"] == sum(map(len, documents))
            assert abs(domain["von_neumann"] - entropy_of_kernel(documents, rounded(matrix))) < 3e-8
            moved = abs(domain["von_neumann"] - entropy_of_kernel(documents, matrix))
            assert moved < 1e-5 and moved < rounding_bound(documents, matrix) < 0.1
            assert math.isclose(domain["vendi"], math.exp(domain["von_neumann"]), rel_tol=1e-12)
            assert math.isclose(sum(domain["eigenvalues"]), 1, rel_tol=1e-12)


@test
def precise_entropies_are_those_of_the_vectors_as_given(box):
    """To 1e-10, of more documents than dimensions and of fewer."""
    domains = scanned(box)
    tokens = np.array(flatten(flatten(domains.values())), int)
    counts = np.bincount(tokens, minlength=EOD + 1).astype("f8")
    counts[EOD] = sum(map(len, domains.values()))
    weights = {"none": np.ones(EOD + 1), "sif": 1e-3 / (1e-3 + counts / counts.sum())}
    worst = 0
    for dtype, dimension, weighting in ("<f2", 24, "none"), ("<f4", 150, "none"), ("<f4", 24, "sif"), ("<f2", 150, "sif"):
        matrix = vectors(box, dimension, dtype) * weights[weighting][:, None]
        shown = box.json("vne", "--precise", "-n", "all", "-e", "e.npy", "--weighting", weighting, "-f", "json", "c.emx")
        assert shown["precise"]
        for domain in shown["domains"]:
            found = entropy_of_kernel(domains[domain["name"]], matrix)
            worst = max(worst, abs(domain["von_neumann"] - found))
    print(f"precise entropies are off by at most {worst:.1e} nats")
    assert worst < 1e-10


@test
def precise_sums_are_the_same_in_any_way(box):
    scanned(box)
    vectors(box)
    words = ["scan", "-q", "--dtype", "u16", "--eod", EOD, "-e", "e.npy", "--vne-precise"]
    whole = [*words, "near=near/", "wide=wide/"]
    for n in 50, "all":
        box.good("vne", "--precise", "-n", n, "-e", "e.npy", "-o", "two.emx", "c.emx")
        for options in ("-j", 1), ("-j", 8), ("-j", 2, "--checkpoint", "k", "--on-error", "skip-shard"):
            box.good(*whole, "-o", "one.emx", "--vne-documents", n, *options)
            assert box.bytes("one.emx") == box.bytes("two.emx")
    for part in "0/2", "1/2":
        box.good(*whole, "-o", f"{part[0]}.emx", "--part", part)
    box.good("merge", "-o", "m.emx", "0.emx", "1.emx")
    assert box.bytes("m.emx") == box.bytes("one.emx")
    assert box.json("info", "-f", "json", "m.emx")["states"][0]["domains"][0]["covariance"]["precise"]
    assert "weighting none, precise: " in box.text("info", "m.emx")
    assert "weighting none, precise." in box.text("vne", "--show", "m.emx")
    box.good(*[word for word in whole if word != "--vne-precise"], "-o", "1.emx", "--part", "1/2")
    merged = box.run("merge", "-o", "m.emx", "0.emx", "1.emx")
    assert merged.code == 0 and "another precision" in merged.err
    box.usage_error("vne", "--precise", "--show", "one.emx", says="--precise")
    box.usage_error("scan", "-o", "o.emx", "--vne-precise", "near=near/", says="--embeddings")


@test
def the_first_component_can_be_removed(box):
    """By NumPy: from the unit vectors of documents, as the definition says."""
    domains = scanned(box)
    matrix = vectors(box)
    shown = box.json("vne", "-n", "all", "-e", "e.npy", "--remove-first-component", "-f", "json", "c.emx")
    assert shown["first_component_removed"]
    matrix = rounded(matrix)
    for domain in shown["domains"]:
        v = np.array([matrix[document].sum(axis=0) for document in domains[domain["name"]] if document])
        v /= np.linalg.norm(v, axis=1, keepdims=True)
        u = np.linalg.svd(v, full_matrices=False)[2][0]
        values = np.linalg.svd(v - np.outer(v @ u, u), compute_uv=False) ** 2
        p = values[values > 1e-12] / values.sum()
        assert abs(domain["von_neumann"] + (p * np.log(p)).sum()) < 1e-7
        assert abs(domain["top_share"] - p[0]) < 1e-7 and len(domain["eigenvalues"]) == 24


@test
def tokens_count_by_inverse_document_frequency(box):
    domains = scanned(box)
    matrix = vectors(box)
    shown = box.json("vne", "-n", "all", "-e", "e.npy", "--weighting", "idf", "-f", "json", "c.emx")
    documents = [document for some in domains.values() for document in some]
    frequencies = np.zeros(len(matrix))
    for document in documents:
        frequencies[np.unique(document).astype(int)] += 1
    weights = np.log(len(documents) / np.maximum(frequencies, 1)) * (frequencies > 0)
    for domain in shown["domains"]:
        found = entropy_of_kernel(domains[domain["name"]], rounded(matrix * weights[:, None]))
        assert abs(domain["von_neumann"] - found) < 3e-8
    assert shown["weighting"] == "idf"


@test
def formats_say_the_same(box):
    scanned(box)
    vectors(box)
    shown = box.json("vne", "-n", 50, "-e", "e.npy", "-f", "json", "-o", "v.emx", "c.emx")
    rows = list(csv.DictReader(io.StringIO(box.text("vne", "-f", "csv", "--show", "v.emx"))))
    table = box.text("vne", "--show", "v.emx")
    again = box.json("vne", "-f", "json", "--show", "v.emx")
    assert again == shown
    for domain, row in zip(shown["domains"], rows, strict=True):
        assert domain["documents"] <= 50
        assert row["domain"] == domain["name"] and float(row["von_neumann"]) == domain["von_neumann"]
        assert f"{domain['von_neumann']:.4f}" in table
    bits = box.json("vne", "-f", "json", "-u", "bits", "--show", "v.emx")
    assert math.isclose(bits["domains"][0]["von_neumann"] * math.log(2), shown["domains"][0]["von_neumann"])


@test
def threads_and_merging_of_states_do_not_show(box):
    scanned(box)
    for weighting in "none", "idf", "sif":
        for threads in 1, 2, 8:
            box.good("vne", "-j", threads, "-n", 80, "--weighting", weighting, "-o", f"{threads}.emx", "c.emx")
            assert box.bytes(f"{threads}.emx") == box.bytes("1.emx")
    box.good("scan", "-q", "-o", "a.emx", "--dtype", "u16", "--eod", EOD, "near=near/0.bin.zst", "wide=wide/1.bin")
    box.good("scan", "-q", "-o", "b.emx", "--dtype", "u16", "--eod", EOD, "near=near/1.bin", "wide=wide/0.bin.zst")
    box.good("merge", "-o", "m.emx", "a.emx", "b.emx")
    box.good("vne", "-n", 80, "--weighting", "sif", "-o", "m.emx", "m.emx")
    assert box.bytes("m.emx") == box.bytes("1.emx")


@test
def merging_adds_the_sums_up(box):
    scanned(box)
    vectors(box)
    parts = [("a.emx", "near/0.bin.zst", "wide/1.bin"), ("b.emx", "near/1.bin", "wide/0.bin.zst")]
    box.good("vne", "-n", "all", "-e", "e.npy", "-o", "c.emx", "c.emx")
    for name, near, wide in parts:
        box.good("scan", "-q", "-o", name, "--dtype", "u16", "--eod", EOD, f"near={near}", f"wide={wide}")
        box.good("vne", "-n", "all", "-e", "e.npy", "-o", name, name)
    box.good("merge", "-o", "m.emx", "a.emx", "b.emx")
    assert box.bytes("m.emx") == box.bytes("c.emx")
    box.good("vne", "-n", "all", "-o", "b.emx", "b.emx")  # vectors by other counts
    merged = box.run("merge", "-o", "m.emx", "a.emx", "b.emx")
    assert merged.code == 0 and merged.err.count("warning: domain ") == 2 and "other vectors" in merged.err
    assert box.run("merge", "-q", "-o", "m.emx", "a.emx", "b.emx").err == ""
    box.error("vne", "--show", "m.emx", says="m.emx: has no sums over documents")
    box.good("scan", "-q", "-o", "o.emx", "--dtype", "u16", "other=near/")
    box.good("merge", "-o", "m.emx", "c.emx", "o.emx")
    assert [d["von_neumann"] is None for d in box.json("entropy", "-f", "json", "m.emx")["domains"]] == [False, True, False]
    assert box.text("entropy", "-f", "csv", "m.emx").splitlines()[2].endswith(",")
    assert " -\n" in box.text("entropy", "m.emx")
    box.error("weights", "--proxy", "von-neumann", "m.emx", says="m.emx: domain 'other' has no von Neumann entropy")
    box.good("vne", "-n", 10, "-o", "o.emx", "o.emx")
    box.good("merge", "-o", "m.emx", "c.emx", "o.emx")
    box.error("weights", "--proxy", "von-neumann", "m.emx", says="'near' and 'other' were measured with other vectors")
    shown = box.run("entropy", "m.emx")
    assert b"VNE" not in shown.out and "do not compare" in shown.err


@test
def one_pass_gives_what_two_give(box):
    words = ["scan", "-q", "--dtype", "u16", "--eod", EOD]
    scanned(box)
    vectors(box)
    for n in "all", 50:
        box.good("vne", "-n", n, "-e", "e.npy", "-o", "two.emx", "c.emx")
        for threads in 1, 2, 8:
            box.good("scan", "-q", "-j", threads, "-o", "one.emx", "--dtype", "u16", "--eod", EOD, "-e", "e.npy",
                     "--vne-documents", n, "near=near/", "wide=wide/")
            assert box.bytes("one.emx") == box.bytes("two.emx")
        box.good("vne", "-n", n, "--weighting", "sif", "-e", "e.npy", "-o", "sif.emx", "c.emx")
        box.good(*words, "-o", "one.emx", "-e", "e.npy", "--vne-documents", n, "--vne-weights", "c.emx", "near=near/", "wide=wide/")
        assert box.bytes("one.emx") == box.bytes("sif.emx") != box.bytes("two.emx")
        box.good(*words, "-o", "one.emx", "-e", "e.npy", "--vne-documents", n, "--checkpoint", "k", "--on-error",
                 "skip-shard", "near=near/", "wide=wide/")
        assert box.bytes("one.emx") == box.bytes("two.emx")
    info = box.json("info", "-f", "json", "one.emx")["states"][0]["domains"][0]["covariance"]
    assert info["dimension"] == 24 and info["source"] == "e.npy" and info["documents_requested"] == 50
    assert "24 dimensions, vectors from e.npy, weighting none: " in box.text("info", "one.emx")
    whole = [*words, "-e", "e.npy"]
    box.good(*whole, "-o", "one.emx", "near=near/", "wide=wide/")
    for part in "0/2", "1/2":
        box.good(*whole, "-o", f"{part[0]}.emx", "--part", part, "near=near/", "wide=wide/")
    box.good("merge", "-o", "m.emx", "0.emx", "1.emx")
    assert box.bytes("m.emx") == box.bytes("one.emx")
    box.error(*whole, "-o", "p.emx", "--part", "0/2", "--vne-documents", 5, "near=near/", "wide=wide/",
              says="samples of parts do not merge")
    piped = (box / "near/1.bin").read_bytes()
    box.good("scan", "-q", "-o", "pipe.emx", "--dtype", "u16", "--eod", EOD, "-e", "e.npy", "near=-", stdin=piped)
    assert box.json("vne", "--show", "-f", "json", "pipe.emx")["domains"][0]["documents"] > 100


@test
def scan_refuses_vectors_that_do_not_fit(box):
    words = ["scan", "-q", "-o", "o.emx", "--dtype", "u16", "--eod", EOD]
    scanned(box)
    matrix = vectors(box, rows=400)
    box.error(*words, "-e", "e.npy", "near=near/", says=["has no vector: e.npy has 400", ": token "])
    box.error(*words, "-e", "e.npy", "--vocabulary", EOD + 1, "near=near/",
              says="e.npy: has vectors for 400 tokens, but the vocabulary of domain 'near' is 50257")
    content = (box / "e.npy").read_bytes()
    box.write("e.npy", content[:-9])
    box.error(*words, "-e", "e.npy", "near=near/", says="e.npy: ")
    box.write("e.npy", b"\x93NUMPX" + content[6:])
    box.error(*words, "-e", "e.npy", "near=near/", says="e.npy: is no embedding file")
    for value, says in (np.nan, "e.npy: number 3 of vector 7 is not finite"), (0, "e.npy: all vectors are zero"):
        bad = matrix.astype("<f4") if value else np.zeros((400, 24), "<f4")
        bad[7, 3] = value
        np.save(box / "e.npy", bad)
        box.error(*words, "-e", "e.npy", "near=near/", says=says)
    box.error(*words, "-e", "no.npy", "near=near/", says="no.npy: cannot be opened")
    box.write("e.vec", "2 3\na 1 2 3\nb 1 2 4\n")
    box.error(*words, "-e", "e.vec", "near=near/", says="e.vec: ")
    box.usage_error(*words, "--vne-documents", 5, "near=near/", says="--embeddings")
    box.usage_error(*words, "--vne-weights", "e.npy", "near=near/", says="--embeddings")
    np.save(box / "whole.npy", np.ones((60000, 2), "<f2"))
    box.error(*words, "-e", "whole.npy", "--vne-weights", "whole.npy", "near=near/", says="whole.npy: is not an entromix state file")
    box.usage_error(*words, "--tensor", "x", "near=near/", says="--tensor tells of the file of --embeddings")
    box.error(*words, "-e", "a.npy", "--on-error", "skip-shard", "near=near/", says="a.npy: cannot be opened")
    np.save(box / "e.npy", np.ones((60000, 1000), "<f2"))
    box.error(*words, "-e", "e.npy", "--memory", "100M", "near=near/", says="raise --memory")


@test
def words_are_found_through_a_vocabulary(box):
    domains = scanned(box)
    matrix = vectors(box)
    lines = [f"w{i} " + " ".join(repr(float(x)) for x in row) for i, row in enumerate(matrix[:N_TYPES]) if i != 3]
    box.write("e.vec", f"{len(lines)} 24\n" + "".join(line + " \n" for line in lines))
    box.write("vocab.json", json.dumps({f"w{i}": i for i in range(N_TYPES)}))
    shown = box.json("vne", "-n", "all", "-e", "e.vec", "--embedding-vocabulary", "vocab.json", "-f", "json", "c.emx")
    matrix[3] = 0
    for domain in shown["domains"]:
        documents = domains[domain["name"]]
        kept = [[token for token in document if token != 3] for document in documents]
        assert domain["tokens_without_vector"] == sum(document.count(3) for document in documents)
        assert abs(domain["von_neumann"] - entropy_of_kernel(kept, rounded(matrix[:N_TYPES]))) < 3e-8


@test
def weights_come_from_the_state(box):
    scanned(box)
    assert "VNE" not in box.text("entropy", "c.emx")
    shown = box.json("vne", "-n", "all", "-f", "json", "-o", "c.emx", "c.emx")
    mixture = box.json("weights", "--proxy", "von-neumann", "c.emx")
    h = [domain["von_neumann"] for domain in shown["domains"]]
    entropies = box.json("entropy", "-f", "json", "c.emx")
    assert [domain["von_neumann"] for domain in entropies["domains"]] == h
    assert "VNE" in box.text("entropy", "c.emx")
    total = sum(map(math.exp, h))
    assert mixture["proxy"] == "von-neumann"
    for domain, x in zip(mixture["domains"], h, strict=True):
        assert math.isclose(domain["proportion"], math.exp(x) / total, rel_tol=1e-12), domain


@test
def errors_are_bounds_by_the_spectrum(box):
    scanned(box)
    vectors(box)
    for options in [], ["--remove-first-component"]:
        shown = box.json("vne", "-n", "all", "-e", "e.npy", "-f", "json", *options, "-o", "v.emx", "c.emx")
        rows = list(csv.DictReader(io.StringIO(box.text("vne", "-f", "csv", *options, "--show", "v.emx"))))
        entropies = box.json("entropy", "-f", "json", *options, "v.emx")
        mixture = box.json("weights", "--proxy", "von-neumann", *options, "v.emx")
        run = box.json("plan", "-q", "-f", "json", *options, "v.emx")["runs"][3]
        table = box.text("entropy", "--estimator", "plugin", *options, "v.emx")
        assert entropies["first_component_removed"] == mixture["first_component_removed"] == bool(options)
        assert run["kind"] == "von-neumann"
        for i, domain in enumerate(shown["domains"]):
            values = np.array(domain["eigenvalues"][len(options):])
            shares = values[values > 0] / values.sum()
            variance = (shares * (-np.log(shares) - domain["von_neumann"]) ** 2).sum() / values.sum()
            error = math.sqrt(variance / domain["documents"])
            assert math.isclose(domain["von_neumann_error"], error, rel_tol=1e-9)
            for other in float(rows[i]["von_neumann_error"]), entropies["domains"][i]["von_neumann_error"], \
                    mixture["domains"][i]["entropy_error"], run["entropy_error"][domain["name"]]:
                assert other == domain["von_neumann_error"]
            assert mixture["domains"][i]["entropy"] == domain["von_neumann"] == run["entropy"][domain["name"]]
            assert re.search(rf"^{domain['name']} .* {domain['von_neumann']:.6f}  {error:.6f}$", table, re.M), table
    box.usage_error("weights", "--remove-first-component", "v.emx", says="not of conditional ones")
    box.usage_error("weights", "--proxy=von-neumann", "--at-tokens=5", "v.emx", says="of counts")


@test
def what_cannot_be_is_one_sentence(box):
    scanned(box)
    vectors(box, rows=400)
    box.error("vne", "-e", "e.npy", "c.emx", says=f"e.npy: has vectors for 400 tokens, but there are tokens up to {EOD}")
    box.error("vne", "-e", "no.npy", "c.emx", says="no.npy: cannot be opened")
    box.error("vne", "-e", "c.emx", "c.emx", says="c.emx: is no embedding file")
    box.error("vne", "e.npy", says="e.npy: ")
    box.usage_error("vne", says="one state file")
    box.usage_error("vne", "-o", "-", "c.emx", says="needs a name")
    box.usage_error("vne", "--show", "-o", "d.emx", "c.emx", says="nothing to write")
    box.error("vne", "--show", "c.emx", says="c.emx: has no sums over documents")
    box.error("weights", "--proxy", "von-neumann", "c.emx", says="c.emx: domain 'near' has no von Neumann entropy")
    box.write("near/1.bin", u16([1, 2, 3]))
    box.error("vne", "c.emx", says=["near/1.bin: is not what was counted", "changed since the scan"])


@test
def one_document_has_no_entropy(box):
    box.write("a.bin", u16([1, 2, 3, 1, 2, EOD]))
    box.good("scan", "-q", "-o", "c.emx", "--dtype", "u16", "--eod", EOD, "a=a.bin")
    shown = box.json("vne", "-f", "json", "c.emx")
    assert shown["domains"][0]["documents"] == 1 and abs(shown["domains"][0]["von_neumann"]) < 1e-12


main()
