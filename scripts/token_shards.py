"""token_shards - a corpus of u16 shards for the scripts beside this file, read by NumPy"""
import pathlib
import subprocess

import numpy as np
import yaml


def domains_of(corpus):
    """{domain: its shards' paths} of a manifest, or of a folder with a folder of shards a domain."""
    corpus = pathlib.Path(corpus).resolve()
    if corpus.is_dir():
        words = {path.name: [path] for path in corpus.iterdir() if path.is_dir()}
    else:
        domains = yaml.safe_load(corpus.read_text())["domains"].items()
        words = {name: [corpus.parent / word for word in domain["shards"]] for name, domain in domains}
    shards = {name: [shard for word in some for shard in shards_of(word)] for name, some in sorted(words.items())}
    return {name: some for name, some in shards.items() if some}


def shards_of(word):
    """Of a folder or a pattern: headerless or Megatron's, plain or with zstd."""
    found = word.glob("*") if word.is_dir() else word.parent.glob(word.name)
    return sorted(path for path in found if ".bin" in path.suffixes)


def tokens_of(shard):
    command = ["zstd", "-dcq", shard] if shard.suffix == ".zst" else ["cat", shard]
    return np.frombuffer(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout, "<u2")


def documents_of(shard, eod):
    """Each with the EOD that ends it; what follows the last EOD is a document, too."""
    tokens = tokens_of(shard)
    parts = np.split(tokens, np.flatnonzero(tokens == eod) + 1)
    return [part for part in parts if len(part)]
