#!/bin/sh
#
# install.sh BUILD SOURCE COMPILER... - what a user of the installed library does, as README shows it:
# install into a folder, ask pkg-config, compile examples/entropies.c, run it on a state that the
# installed program made, and compare what the two print

set -u
build=$1
source=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# check NAME COMMAND...
check()
{
    name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "FAILED $name: $*"
        failed=$((failed + 1))
    fi
}

DESTDIR=$work/root
export DESTDIR
check install meson install -C "$build" --no-rebuild --quiet
unset DESTDIR
pc=$(find "$work/root" -name entromix.pc)
lib=$(find "$work/root" -name libentromix.so -exec dirname {} \;)
program=$(find "$work/root" -name entromix -type f)

PKG_CONFIG_SYSROOT_DIR=$work/root
PKG_CONFIG_PATH=$(dirname "$pc")
LD_LIBRARY_PATH=$lib
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH LD_LIBRARY_PATH

check version test "$(pkg-config --modversion entromix)" = "$("$program" --version | awk '{ print $2; exit }')"
check compile "$@" -std=c11 -Wall -Wextra -Werror "$source/examples/entropies.c" -o "$work/entropies" \
    $(pkg-config --cflags --libs entromix)
check scan "$program" scan -q --manifest "$source/sample/corpus.yaml" -o "$work/sample.emx"
check example sh -c '"$1" "$2" > "$3"' - "$work/entropies" "$work/sample.emx" "$work/example.txt"
check domains test "$(wc -l < "$work/example.txt")" -eq 7

# The same entropies and proportions by way of the program's CSV, where domains are in the same order.
"$program" entropy "$work/sample.emx" --format csv > "$work/entropy.csv"
"$program" weights "$work/sample.emx" --proxy conditional --to csv > "$work/weights.csv"
cat > "$work/compare.py" <<'PYTHON'
import csv, sys
example = [line.split() for line in open(sys.argv[1])]
entropy = {row["domain"]: row for row in csv.DictReader(open(sys.argv[2]))}
weights = {row["domain"]: row for row in csv.DictReader(open(sys.argv[3]))}
assert [e[0] for e in example] == list(entropy) == list(weights), (example, entropy, weights)
for name, nats, _, proportion in example:
    assert abs(float(nats) - float(entropy[name]["conditional"])) <= 5.1e-7, (name, nats, entropy[name])
    assert abs(float(proportion) - float(weights[name]["proportion"])) <= 5.1e-7, (name, proportion, weights[name])
PYTHON
check agrees python3 "$work/compare.py" "$work/example.txt" "$work/entropy.csv" "$work/weights.csv"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
