// peer.hh - what C++ peers share: keys, hash, and the loop over pairs
#ifndef BENCH_PEER_HH
#define BENCH_PEER_HH

#include "engine.h"

#include <cstddef>
#include <cstdint>

namespace peer
{

constexpr std::size_t first_size = 1 << 18; // slots, as in the tables of this project

// The finisher of splitmix64: a strong hash at a few cycles, so that no peer suffers from its library's default.
struct hash {
    std::size_t operator()(std::uint64_t key) const
    {
        key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9U;
        key = (key ^ (key >> 27)) * 0x94D049BB133111EBU;
        return key ^ (key >> 31);
    }
};

template <typename Token, typename Add> void each_pair_of(const Token *x, std::size_t n, Add add)
{
    for (std::size_t i = 0; i + 1 < n; i++)
        add(static_cast<std::uint64_t>(x[i]) << 32 | x[i + 1]);
}

template <typename Add> void each_pair(const void *x, std::size_t n, std::size_t width, Add add)
{
    if (width == 2)
        each_pair_of(static_cast<const std::uint16_t *>(x), n, add);
    else
        each_pair_of(static_cast<const std::uint32_t *>(x), n, add);
}

// A range of (key, count).
template <typename Range> void read(const Range &range, rows_fn *visit, void *context)
{
    for (const auto &entry : range) {
        emx_pair_count row = {static_cast<std::uint32_t>(entry.first >> 32), static_cast<std::uint32_t>(entry.first),
                              entry.second};

        visit(&row, 1, context);
    }
}

} // namespace peer

#endif
