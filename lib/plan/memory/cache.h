// SPDX-License-Identifier: MIT
// What is kept of each token: number formats of keys and values, and rows of layers.
#pragma once

#include "core/dtype.h"
#include "core/model.h"

#include <cstdint>
#include <string_view>

namespace hwa::plan {

/// A format that keys and values are kept in. Blocks of `elements` take `bytes`.
struct CacheFormat {
    std::string_view name;
    uint32_t elements;
    uint32_t bytes;

    bool packed() const { return elements > 1; }
    /// Bytes of so many elements, in whole blocks.
    uint64_t size(uint64_t count) const { return (count + elements - 1) / elements * bytes; }
};

/// The format of that name, or NULL.
const CacheFormat *find_cache_format(std::string_view name);

/// Elements of one token's keys, and of its values, in a layer; both 0 where it keeps none.
struct CacheRow {
    uint64_t keys = 0;
    uint64_t values = 0;
};

/// Widths of latent attention once it is unpacked, over all heads.
struct LatentWidths {
    uint64_t queries = 0; ///< and as wide as the keys
    uint64_t values = 0;
};

LatentWidths latent_widths(const core::Model &model);

/// How latent attention is kept.
enum class LatentCache : uint32_t {
    Heads,   ///< keys and values of every head
    Row,     ///< one compressed row
    RowTwice ///< and its values a second time, transposed
};

CacheRow cache_row(const core::Layer &layer, LatentCache kept, const LatentWidths &widths);

} // namespace hwa::plan
