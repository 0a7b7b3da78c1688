#!/bin/sh
#
# headers.sh INCLUDE COMPILER... - each public header compiles alone, as C11 and as C++
#
# Twice in one unit, too: the guard holds.  C++ needs the compiler's C++ half (package g++).

include=$1
shift
passed=0
failed=0

check()
{
    header=$1
    shift
    if printf '#include <emx/%s>\n#include <emx/%s>\n' "$header" "$header" |
        "$@" -I"$include" -Wall -Wextra -Wpedantic -Werror -fsyntax-only -; then
        passed=$((passed + 1))
    else
        echo "FAILED $header: $*"
        failed=$((failed + 1))
    fi
}

for path in "$include"/emx/*.h; do
    header=$(basename "$path")
    check "$header" "$@" -x c -std=c11
    check "$header" "$@" -x c++ -std=c++17
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
