#!/usr/bin/python3
"""mixture_consumers.py DUMP - read what mixture_dump wrote as the trainers would, by their own rules

Each format has a reader: a parser of the real syntax (json, yaml, csv, shlex, ast), the checks that the consumer
itself makes, and a list of (name or path, weight as a Decimal) that is then held against what went in.
"""
import argparse
import ast
import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import traceback
import types
from decimal import Decimal
from fractions import Fraction

import yaml


class Refused(Exception):
    """The consumer would not take the file."""


def demand(condition, why):
    if not condition:
        raise Refused(why)


def number(word):
    """A weight as every parser reads it: digits on both sides of a point, no exponent."""
    demand(re.fullmatch(r"[0-9]+\.[0-9]+", word), f"{word!r} is not a plain decimal")
    return Decimal(word)


# --- syntax ------------------------------------------------------------------------------------------------


class Loader(yaml.SafeLoader):
    """PyYAML as the trainers use it (YAML 1.1), but floats stay as printed and equal keys are refused."""


def mapping_without_equal_keys(loader, node):
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    demand(len(set(keys)) == len(keys), "two equal keys")
    demand(all(isinstance(key, str) for key in keys), f"a key is no string: {keys}")
    return {key: loader.construct_object(value, deep=True) for key, (_, value) in zip(keys, node.value)}


Loader.add_constructor("tag:yaml.org,2002:map", mapping_without_equal_keys)
Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: number(node.value))


def read_yaml(text):
    return yaml.load(text, Loader)


def pairs_without_equal_keys(pairs):
    demand(len({key for key, _ in pairs}) == len(pairs), "two equal keys")
    return dict(pairs)


def read_json(text):
    def no_constant(word):
        raise Refused(f"{word} is not JSON")

    return json.loads(text, parse_float=number, parse_constant=no_constant,
                      object_pairs_hook=pairs_without_equal_keys)


def run_python(text, **modules):
    """Run a snippet with stand-ins for the modules that it imports; its globals."""
    compile(text, "snippet", "exec")
    saved = {name: sys.modules.get(name) for name in modules}
    sys.modules.update({name: types.SimpleNamespace(**content) for name, content in modules.items()})
    names = {}
    try:
        exec(text, names)
    finally:
        for name, module in saved.items():
            sys.modules.pop(name)
            if module:
                sys.modules[name] = module
    return names


def printed_floats(text):
    """The float literals of a Python file, as they are printed, in order."""
    nodes = [node for node in ast.walk(ast.parse(text))
             if isinstance(node, ast.Constant) and isinstance(node.value, float)]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    return [number(ast.get_source_segment(text, node)) for node in nodes]


# --- consumers ---------------------------------------------------------------------------------------------


def get_blend_from_list(blend):
    """Megatron-LM's rule: an even list is weights and prefixes if all its even words are numbers."""
    demand(len(blend) % 2 == 0, "an odd number of words is read as bare prefixes")
    weights = []
    for word in blend[::2]:
        try:
            float(word)
            weights.append(number(word))
        except ValueError:
            raise Refused(f"{word!r} is no number: all words are read as bare prefixes") from None
    return [prefix.strip() for prefix in blend[1::2]], weights


def megatron_blend(words):
    prefixes, weights = get_blend_from_list(words)
    demand(all(float(weight) > 0 for weight in weights), "assert all(map(lambda _: _ > 0, weights))")
    demand(0 < len(prefixes) < 32767, "too many datasets")
    for prefix in prefixes:
        demand(prefix, "an empty prefix")
        try:
            float(prefix)
        except ValueError:
            continue
        raise Refused(f"prefix {prefix!r} is a number")
    return list(zip(prefixes, weights))


def read_megatron(text):
    return megatron_blend(text.split())


def read_megatron_per_split(text):
    splits = read_json(text)
    demand(set(splits) == {"train", "valid", "test"}, "all three splits are needed")
    demand(splits["valid"] is None and splits["test"] is None, "validation data is not what was measured")
    demand(all(isinstance(word, str) for word in splits["train"]), "words are strings")
    return megatron_blend(splits["train"])


def read_nemo(text):
    words = read_yaml(text)["model"]["data"]["data_prefix"]
    demand(all(isinstance(weight, Decimal) for weight in words[::2]), "a weight is no float")
    demand(all(isinstance(prefix, str) for prefix in words[1::2]), "a prefix is no string")
    return megatron_blend([word if isinstance(word, str) else f"{word:f}" for word in words])


def read_gpt_neox(text):
    config = read_yaml(text)
    for split in ("train", "valid", "test"):
        paths, weights = config[f"{split}-data-paths"], config[f"{split}-data-weights"]
        demand(len(paths) == len(weights), "lists of equal length")
        demand(all(isinstance(weight, Decimal) for weight in weights), "a weight is no float")
        demand(all(weight > 0 for weight in weights), "a weight of 0")
        demand(all(isinstance(path, str) for path in paths), "a path is no string")
    return list(zip(config["train-data-paths"], config["train-data-weights"]))


def read_llm_foundry(text):
    streams = read_yaml(text)["train_loader"]["dataset"]["streams"]
    local = [stream["local"] for stream in streams.values()]
    demand(len(set(local)) == len(local), "two streams share a cache")
    for stream in streams.values():
        demand(set(stream) <= {"remote", "local", "split", "proportion"}, "one of proportion, repeat, choose")
        demand(isinstance(stream["proportion"], Decimal), "a proportion is no float")
    return [(name, stream["proportion"], stream.get("remote", stream["local"])) for name, stream in streams.items()]


def read_olmo_core(text):
    known = {"source_name", "target_ratio", "paths", "max_repetition_ratio", "max_source_fraction"}
    sources = read_yaml(text)["sources"]
    names = [source["source_name"] for source in sources]
    demand(len(set(names)) == len(names), "two equal names")
    demand(abs(sum(float(source["target_ratio"]) for source in sources) - 1) <= 1e-8 + 1e-5, "np.allclose(sum, 1)")
    for source in sources:
        demand(isinstance(source["target_ratio"], Decimal) and 0 < source["target_ratio"] <= 1, "target_ratio")
        demand(source.get("max_repetition_ratio", Decimal(1)) >= 1, "max_repetition_ratio")
        demand(source["paths"] and all(isinstance(path, str) for path in source["paths"]), "paths")
        demand(set(source) <= known, "unknown key of a source")
    return [(source["source_name"], source["target_ratio"], *source["paths"]) for source in sources]


def read_nanotron(text):
    (stage,) = read_yaml(text)["data_stages"]
    demand(isinstance(stage["name"], str) and stage["start_training_step"] == 1, "a stage has a name and a start")
    dataset = stage["data"]["dataset"]
    folders, weights = dataset["dataset_folder"], dataset["dataset_weights"]
    demand(len(folders) == len(weights), "lists of equal length")
    demand(all(isinstance(weight, Decimal) for weight in weights), "a weight is no float")
    demand(all(isinstance(folder, str) for folder in folders), "a folder is no string")
    return list(zip(folders, weights))


def read_levanter(text):
    data = read_yaml(text)["data"]
    weights, configs = data["train_weights"], data["configs"]
    demand(set(weights) <= set(configs), "keys are a subset of configs")
    demand(all(isinstance(weight, Decimal) for weight in weights.values()), "a weight is no float")
    demand(sum(int(float(weight) * 2048) for weight in weights.values()) <= 2048, "a block is overfull")
    return [(name, weight, *configs[name]["train_urls"]) for name, weight in weights.items()]


def read_doremi(text):
    config = read_json(text)
    train = config["train_domain_weights"]
    demand(config["eval_domain_weights"].keys() == train.keys(), "both keys")
    demand(list(train) == sorted(train), "domains are taken in sorted order")
    demand(all(isinstance(weight, Decimal) and weight > 0 for weight in train.values()), "a weight is no float")
    return list(train.items())


def read_regmix(text):
    config = read_yaml(text)
    train, valid = config["train"], config["valid"]
    for weights, prefix in ((train, "train_"), (valid, "valid_")):
        demand(all(key.startswith(prefix) for key in weights), "keys are prefixes of files")
        demand(all(isinstance(weight, Decimal) for weight in weights.values()), "a weight is no float")
    demand([key[6:] for key in valid] == [key[6:] for key in train], "train and valid name the same domains")
    return [(key[6:], weight) for key, weight in train.items()]


def read_open_lm(text):
    def refuse(message):
        raise Refused(message)

    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.error = refuse
    parser.add_argument("--dataset-manifest", nargs="+", default=None)
    parser.add_argument("--train-data-mix-weights", type=number, nargs="+", default=None)
    arguments = parser.parse_args(shlex.split(text))
    demand(len(arguments.dataset_manifest) == len(arguments.train_data_mix_weights), "lists of equal length")
    return list(zip(arguments.dataset_manifest, arguments.train_data_mix_weights))


def read_litdata(text):
    def combined_streaming_dataset(datasets, weights=None, seed=42, iterate_over_all=True):
        demand(not (iterate_over_all and weights), "weights with iterate_over_all raise ValueError")
        demand(len(datasets) == len(weights), "as many weights as datasets")
        demand(all(isinstance(weight, float) for weight in weights), "a weight is no float")
        return list(zip(datasets, weights))

    def streaming_dataset(input_dir, item_loader=None, shuffle=False):
        demand(isinstance(input_dir, str), "input_dir is no string")
        return input_dir

    names = run_python(text, litdata={"CombinedStreamingDataset": combined_streaming_dataset,
                                      "StreamingDataset": streaming_dataset,
                                      "TokensLoader": lambda block_size: None})
    mixed, printed = names["mixture"](block_size=2049), printed_floats(text)
    demand([weight for _, weight in mixed] == list(map(float, printed)), "weights are not those printed")
    return [(path, weight) for (path, _), weight in zip(mixed, printed)]


def read_hf_datasets(text):
    def interleave_datasets(datasets, probabilities=None, seed=None, stopping_strategy="first_exhausted"):
        demand(len(datasets) == len(probabilities), "as many probabilities as datasets")
        demand(abs(sum(probabilities) - 1) <= 1.5e-8, "probabilities do not sum to 1")
        demand(all(p > 0 for p in probabilities), "all_exhausted never ends with a probability of 0")
        demand(stopping_strategy == "all_exhausted", "stops at the first end")
        return list(zip(datasets, probabilities))

    def load_dataset(path, data_files=None, split=None, streaming=False):
        demand(isinstance(path, str) and split == "train", "without a split load_dataset() gives a dictionary")
        demand((path == "json") == bool(data_files), "JSON needs files")
        return (data_files or [path])

    names = run_python(text, datasets={"interleave_datasets": interleave_datasets, "load_dataset": load_dataset})
    mixed, printed = names["mixture"](), printed_floats(text)
    demand([weight for _, weight in mixed] == list(map(float, printed)), "probabilities are not those printed")
    return [(paths[0], weight, *paths[1:]) for (paths, _), weight in zip(mixed, printed)]


def read_lingua(text):
    sources = read_yaml(text)["data"]["sources"]
    demand(all(isinstance(weight, Decimal) for weight in sources.values()), "a weight is no float")
    return list(sources.items())


def read_csv(text):
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    demand(all(None not in row and None not in row.values() for row in rows), "a row of another length")
    return [(row["domain"], number(row["proportion"])) for row in rows]


def read_own_json(text):
    mixture = read_json(text)
    demand(mixture["format"] == "entromix-mixture" and mixture["version"] == 1, "not ours")
    return [(domain["name"], domain["proportion"]) for domain in mixture["domains"]]


class Format:
    """How a consumer is read, and how data is named to it."""

    def __init__(self, read, zeros=True, documents=False, named=False, paths=True, shards=None, part=None,
                 file=lambda path: path, suffix="", unfit=lambda path: False):
        self.read = read
        self.zeros = zeros  # domains of proportion 0 are written
        self.documents = documents  # weights are probabilities of documents
        self.named = named  # entries begin with the domain's name
        self.paths = paths  # entries (go on to) tell where the data is
        self.shards = shards  # format of shards that it reads itself
        self.part = part  # what of a shard's path names a part of a domain; None: domains are not split
        self.file = file  # how it is told of a shard, when domains are not split
        self.suffix = suffix  # after the name of a domain whose paths it cannot use
        self.unfit = unfit  # paths that it would misread


def is_number(word):
    try:
        float(word)
    except ValueError:
        return False
    return True


def is_no_word(path):
    return path.split() != [path] or path.startswith("-") or is_number(path)


def is_no_prefix(path):
    return path.strip() != path or is_number(path)


def folder(path):
    return os.path.dirname(path) or "."


def prefix(path):
    return re.sub(r"\.bin(\.zst|\.gz)?$", "", path)


def decompressed(path):
    return re.sub(r"(\.zst|\.gz)$", "", path)


MEGATRON = {"zeros": False, "shards": "megatron", "part": prefix}
FORMATS = {
    "json": Format(read_own_json, named=True, paths=False),
    "csv": Format(read_csv, named=True, paths=False),
    "megatron": Format(read_megatron, unfit=is_no_word, **MEGATRON),
    "megatron-per-split": Format(read_megatron_per_split, unfit=is_no_word, **MEGATRON),
    "nemo": Format(read_nemo, unfit=is_no_prefix, **MEGATRON),
    "gpt-neox": Format(read_gpt_neox, unfit=is_no_prefix, **MEGATRON),
    "llm-foundry": Format(read_llm_foundry, named=True, shards="mds", part=folder),
    "olmo-core": Format(read_olmo_core, zeros=False, named=True, shards="dolma", file=decompressed,
                        suffix="/*.npy"),
    "nanotron": Format(read_nanotron, zeros=False, shards="datatrove", part=folder),
    "levanter": Format(read_levanter, named=True, shards="jsonl"),
    "doremi": Format(read_doremi, zeros=False, named=True, paths=False),
    "regmix": Format(read_regmix),
    "open-lm": Format(read_open_lm, suffix="/manifest.jsonl", unfit=lambda path: path.startswith("-")),
    "litdata": Format(read_litdata),
    "hf-datasets": Format(read_hf_datasets, zeros=False, documents=True, shards="jsonl"),
    "lingua": Format(read_lingua, documents=True),
}


# --- what went in ------------------------------------------------------------------------------------------


def known(x):
    return float.fromhex(x) if x != "nan" else None


class Domain:
    def __init__(self, name, proportion, proportion_error, entropy, entropy_error, counted, n_tokens, n_documents):
        self.name = bytes.fromhex(name[1:])
        self.proportion = Fraction(float.fromhex(proportion))
        self.real = {"proportion_error": known(proportion_error), "entropy": known(entropy),
                     "entropy_error": known(entropy_error)}
        self.counted = counted == "1"
        self.n_tokens, self.n_documents = int(n_tokens), int(n_documents)
        self.shards = []  # (path, format, codec, tokens, checksum)


class Case:
    def __init__(self, path):
        self.path, self.name = path, os.path.basename(path)
        self.template, self.domains = None, []
        with open(os.path.join(path, "case.txt"), encoding="ascii") as lines:
            for kind, *words in map(str.split, lines):
                if kind == "template":
                    self.template = bytes.fromhex(words[0][1:]).decode()
                elif kind == "domain":
                    self.domains.append(Domain(*words))
                else:
                    shard = (bytes.fromhex(words[0][1:]).decode(), words[1], words[2], int(words[3]), words[4])
                    self.domains[-1].shards.append(shard)

    def result(self, name):
        """Text, sentence of the refusal, note; None for what there is not."""
        return self.content(name + ".txt"), self.content(name + ".error", "replace"), self.content(name + ".note")

    def content(self, file, errors="strict"):
        path = os.path.join(self.path, file)
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8", errors=errors, newline="") as f:
            return f.read()


def shares(case, documents):
    """Exact shares of tokens, or probabilities of documents, of the domains."""
    if not documents:
        return [domain.proportion for domain in case.domains]
    per_token = []
    for domain in case.domains:
        demand(domain.proportion == 0 or domain.counted and domain.n_documents, "no documents")
        per_token.append(domain.proportion * domain.n_documents / domain.n_tokens if domain.proportion else 0)
    return [share / sum(per_token) for share in per_token]


def places(case, fmt, domain):
    """[(paths, part)]: where the data of a domain is, and how much of it."""
    name = domain.name.decode()
    if case.template:
        return [([case.template.replace("{domain}", name)], 1)]
    if not domain.shards or any(shard[1] != fmt.shards for shard in domain.shards):
        return [([name + fmt.suffix], 1)]
    if not fmt.part:
        return [([fmt.file(shard[0]) for shard in domain.shards], 1)]
    tokens = {}
    for path, _, _, n_tokens, _ in domain.shards:
        unit = fmt.part(path)
        tokens[unit] = tokens.get(unit, 0) + n_tokens
    return [([unit], Fraction(n, sum(tokens.values()))) for unit, n in sorted(tokens.items())]


def expected(case, fmt):
    """[(name, paths, share)], or Refused."""
    entries = []
    for domain, share in zip(case.domains, shares(case, fmt.documents)):
        try:
            domain.name.decode()
        except UnicodeDecodeError:
            raise Refused("not UTF-8") from None
        if share == 0 and not fmt.zeros:
            continue
        parts = places(case, fmt, domain)
        for i, (paths, part) in enumerate(parts):
            name = domain.name.decode() + (f"-{i + 1}" if len(parts) > 1 else "")
            entries.append((name, paths, share * part))
            demand(not any(map(fmt.unfit, paths)), "a path that the consumer would misread")
    return entries


# --- checks ------------------------------------------------------------------------------------------------


def check_weights(weights, expected_shares):
    demand(sum(weights) == 1, f"the sum is {sum(weights)}")
    for weight, share in zip(weights, expected_shares):
        demand(abs(Fraction(weight) - share) <= share / 10**10, f"{weight} for {float(share)}")


def check_format(case, name, fmt):
    text, error, _ = case.result(name)
    try:
        entries = expected(case, fmt)
    except Refused as reason:
        demand(error is not None, f"written, although {reason}")
        demand(error.startswith("bad argument: ") and "\n" not in error, f"refused with {error!r}")
        return
    demand(error is None, f"not written: {error}")
    got = fmt.read(text)
    if name == "doremi":
        entries.sort()
    demand(len(got) == len(entries), f"{len(got)} entries, expected {len(entries)}")
    for (first, _, *paths), (label, expected_paths, _) in zip(got, entries):
        paths = paths if fmt.named else [first, *paths]
        demand(not fmt.named or first == label, f"name {first!r}, expected {label!r}")
        demand(not fmt.paths or paths == expected_paths, f"paths {paths}, expected {expected_paths}")
    check_weights([weight for _, weight, *_ in got], [share for _, _, share in entries])


def check_document_probabilities(case):
    """In our own formats they stand beside the shares of tokens, or are left out."""
    in_json, in_csv = case.result("json")[0], case.result("csv")[0]
    if in_json is None:
        return
    from_json = [domain["document_probability"] for domain in read_json(in_json)["domains"]]
    from_csv = [row["document_probability"] for row in csv.DictReader(io.StringIO(in_csv, newline=""))]
    try:
        probabilities = shares(case, True)
    except Refused:
        demand(from_json == [None] * len(from_json) and from_csv == [""] * len(from_csv), "made up")
        return
    check_weights(from_json, probabilities)
    check_weights(list(map(number, from_csv)), probabilities)


def check_repetition(case):
    """OLMo-core's build: a run over as many tokens as were counted finds enough of each source."""
    text = case.result("olmo-core")[0]
    if text is None or not all(domain.counted for domain in case.domains):
        return
    domains = [domain for domain in case.domains if domain.proportion]
    total = sum(domain.n_tokens for domain in domains)
    for source, domain in zip(read_yaml(text)["sources"], domains):
        needed = source["target_ratio"] * total
        available = domain.n_tokens * source.get("max_source_fraction", 1) * source.get("max_repetition_ratio", 1)
        demand(needed <= available, f"{domain.name}: {needed} of {available} tokens")


def check_provenance(case):
    """The JSON tells what was counted."""
    text = case.result("json")[0]
    if text is None:
        return
    mixture = read_json(text)
    rows = csv.DictReader(io.StringIO(case.result("csv")[0], newline=""))
    for row, domain in zip(rows, case.domains):
        for key, value in domain.real.items():
            demand((float(row[key]) if row[key] else None) == value, f"{key} {row[key]}")
    for got, domain in zip(mixture["domains"], case.domains):
        for key, value in domain.real.items():
            demand((got[key] if got[key] is None else float(got[key])) == value, f"{key} {got[key]}")
        counted = got["counted"]
        demand((counted is not None) == domain.counted, "counts out of nothing")
        if domain.counted:
            demand((counted["tokens"], counted["documents"]) == (domain.n_tokens, domain.n_documents), "counts")
            shards = [(s["path"], s["format"], s["codec"], s["tokens"], s["xxh3"]) for s in counted["shards"]]
            demand(shards == domain.shards, f"shards {shards}")


def check_notes(case):
    """What a user must know is told, and nothing where there is nothing to tell."""
    note = {name: case.result(name)[2] or "" for name in FORMATS}
    if case.name == "plain":
        demand("name" in note["megatron"], "prefixes are names of domains")
        demand(note["json"] == note["csv"] == note["doremi"] == note["lingua"] == "", "nothing to tell")
        demand(note["gpt-neox"] and note["megatron-per-split"] and note["regmix"], "validation data")
    if case.name == "tiny":
        demand("1/2048" in note["levanter"], "Levanter drops small weights")
    if case.name == "zeros":
        demand("pico" in note["megatron"] or "2 domains" in note["megatron"], "domains left out")
    if case.name == "template":
        demand(note["megatron"] == "", "nothing to tell")
    if case.name == "scanned-megatron-none":
        demand(note["megatron"] == "", "nothing to tell")
    if case.name == "scanned-megatron-zstd":
        demand("compress" in note["megatron"], "Megatron reads no zstd")


def dump(program, folder, environment):
    """Let the program write all cases; the decimal point of its locale."""
    output = subprocess.run([program, folder], env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE)
    return output.stdout.decode().strip()


def all_files(folder):
    content = {}
    for root, _, files in os.walk(folder):
        for file in files:
            with open(os.path.join(root, file), "rb") as f:
                content[os.path.relpath(f.name, folder)] = f.read()
    return content


def make_comma_locale(folder):
    """A locale named `comma` that differs in numbers only, from sources of our own: Debian may have none."""
    source, charmap = os.path.join(folder, "comma.src"), os.path.join(folder, "ascii")
    with open(source, "w", encoding="ascii") as f:
        f.write('comment_char %\nescape_char /\nLC_NUMERIC\ndecimal_point ","\nthousands_sep "."\ngrouping 3;3\n'
                'END LC_NUMERIC\n')
    with open(charmap, "w", encoding="ascii") as f:
        f.write("<code_set_name> ANSI_X3.4-1968\n<comment_char> %\n<escape_char> /\nCHARMAP\n")
        f.writelines(f"<U{c:04X}> /x{c:02x}\n" for c in range(128))
        f.write("END CHARMAP\n")
    subprocess.run(["localedef", "-c", "-i", source, "-f", charmap, os.path.join(folder, "comma")], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check_locale(program, folder, work):
    """The same bytes where numbers have a decimal comma."""
    make_comma_locale(work)
    other = os.path.join(work, "other")
    os.mkdir(other)
    point = dump(program, other, {"LOCPATH": work, "LC_ALL": "", "LANG": "C", "LC_NUMERIC": "comma"})
    demand(point == ",", f"the locale was not used: its decimal point is {point!r}")
    first, second = all_files(folder), all_files(other)
    demand(first.keys() == second.keys(), "other files")
    for name, content in first.items():
        demand(second[name] == content, f"{name} differs")


class Tally:
    passed = failed = 0

    def run(self, what, check, *arguments):
        try:
            check(*arguments)
            self.passed += 1
        except Refused as reason:
            print(f"FAILED {what}: {reason}")
            self.failed += 1
        except Exception:
            print(f"FAILED {what}:")
            traceback.print_exc(file=sys.stdout)
            self.failed += 1


def main():
    program, tally = sys.argv[1], Tally()
    with tempfile.TemporaryDirectory() as work:
        folder = os.path.join(work, "mixtures")
        os.mkdir(folder)
        dump(program, folder, {"LC_ALL": "C"})
        for case in (Case(entry.path) for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)):
            written = {os.path.splitext(file)[0] for file in os.listdir(case.path)} - {"case"}
            tally.run(f"{case.name}: table", demand, written == set(FORMATS), f"formats {written ^ set(FORMATS)}")
            for name, fmt in FORMATS.items():
                tally.run(f"{case.name}: {name}", check_format, case, name, fmt)
            tally.run(f"{case.name}: document probabilities", check_document_probabilities, case)
            tally.run(f"{case.name}: repetition", check_repetition, case)
            tally.run(f"{case.name}: provenance", check_provenance, case)
            tally.run(f"{case.name}: notes", check_notes, case)
        tally.run("locale", check_locale, program, folder, work)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return tally.failed != 0 or tally.passed == 0


if __name__ == "__main__":
    sys.exit(main())
