// peer_tbb.cc - oneTBB's concurrent_hash_map
#include "peer.hh"

#include <tbb/concurrent_hash_map.h>

namespace
{

struct compare {
    std::size_t hash(std::uint64_t key) const
    {
        return peer::hash()(key);
    }
    bool equal(std::uint64_t a, std::uint64_t b) const
    {
        return a == b;
    }
};
using map = tbb::concurrent_hash_map<std::uint64_t, std::uint64_t, compare>;

void *open(std::uint32_t, unsigned)
{
    return new map(peer::first_size);
}

void count(void *state, unsigned, const void *x, std::size_t n, std::size_t width)
{
    auto *m = static_cast<map *>(state);

    peer::each_pair(x, n, width, [m](std::uint64_t key) {
        map::accessor entry;

        m->insert(entry, key);
        entry->second++;
    });
}

void read(void *state, rows_fn *visit, void *context)
{
    peer::read(*static_cast<map *>(state), visit, context);
}

// Its allocator does not tell.
std::uint64_t bytes(void *)
{
    return 0;
}

void close(void *state)
{
    delete static_cast<map *>(state);
}

} // namespace

const struct engine engine_tbb = {"tbb", 0, open, count, nullptr, nullptr, read, bytes, close};
