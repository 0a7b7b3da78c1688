# packages.sh - sourced by quickstart, check and bench/run: Debian packages they need, and how missing ones get there

build_packages='gcc libc6-dev meson ninja-build pkgconf libzstd-dev libxxhash-dev libhwloc-dev zlib1g-dev
    libyajl-dev libjansson-dev libyaml-dev libcsv-dev libopenblas-pthread-dev liblapacke-dev'
check_packages='g++ clang libclang-rt-14-dev python3 python3-numpy python3-scipy python3-yaml zstd gzip git
    libopenmpi-dev openmpi-bin libopenblas0-serial'
bench_packages='g++ libtbb-dev libcuckoo-dev valgrind zstd python3 python3-numpy python3-scipy
    fasttext' # and nodejs, npm where there is no node

missing_packages()
{
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2> /dev/null | grep -qx installed || echo "$package"
    done
}

# Install what is not installed yet; quiet unless it fails.
install_packages()
{
    local missing root='' log
    command -v dpkg-query > /dev/null ||
        { echo "$0: this is no Debian system; install by hand: $*" >&2; return 1; }
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo > /dev/null ||
            { echo "$0: not root and no sudo; as root: apt-get install" $missing >&2; return 1; }
        root=sudo
    fi
    echo "Installing" $missing
    log=$(mktemp)
    if $root apt-get update > "$log" 2>&1 < /dev/null &&
        $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing \
            >> "$log" 2>&1 < /dev/null; then
        rm -f "$log"
    else
        tail -n 20 "$log" >&2
        echo "$0: apt-get cannot install these packages; its output is in $log" >&2
        return 1
    fi
}
