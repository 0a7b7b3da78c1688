// peer_cuckoo.cc - libcuckoo's cuckoohash_map
#include "peer.hh"

#include <libcuckoo/cuckoohash_map.hh>

namespace
{

using map = libcuckoo::cuckoohash_map<std::uint64_t, std::uint64_t, peer::hash>;

void *open(std::uint32_t, unsigned)
{
    return new map(peer::first_size);
}

void count(void *state, unsigned, const void *x, std::size_t n, std::size_t width)
{
    auto *m = static_cast<map *>(state);

    peer::each_pair(x, n, width, [m](std::uint64_t key) {
        m->upsert(
            key, [](std::uint64_t &c) { c++; }, 1U);
    });
}

void read(void *state, rows_fn *visit, void *context)
{
    peer::read(static_cast<map *>(state)->lock_table(), visit, context);
}

void close(void *state)
{
    delete static_cast<map *>(state);
}

} // namespace

const struct engine engine_cuckoo = {"cuckoo", 0, open, count, nullptr, nullptr, read, nullptr, close};
