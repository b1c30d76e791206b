// SPDX-License-Identifier: MIT
// SPIR-V as far as a launch needs it: what a compute kernel takes, read before a driver sees it.
#pragma once

#include "base/status.h"
#include "base/units.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::launch {

enum class SpirvBinding { Unused, Storage, Uniform };

/// One extent of a group, or the specialization constant that sets it.
struct SpirvExtent {
    uint32_t value = 1;
    std::optional<uint32_t> constant;
};

/// A piece of the block of push constants.
struct SpirvMember {
    uint64_t offset = 0;
    uint64_t size_bytes = 0;
};

/// An array shared by a group whose length is a specialization constant: a scratch argument.
struct SpirvScratch {
    uint32_t constant = 0;
    uint32_t length = 0; ///< unless it is set
    uint64_t element_bytes = 0;

    /// What the array of so many elements brings `bytes` to; the most there is, if that is more.
    uint64_t add_to(uint64_t bytes, uint64_t elements) const {
        const auto own = base::checked_mul(element_bytes, elements);
        return own ? base::checked_add(bytes, *own).value_or(UINT64_MAX) : UINT64_MAX;
    }
};

/// A kernel of a module.
struct SpirvKernel {
    uint32_t version = 0; ///< 0x00010500 is 1.5
    std::vector<uint32_t> capabilities;
    bool group_by_id = false; ///< by LocalSizeId, which needs more than Vulkan 1.2
    std::array<SpirvExtent, 3> group{};
    std::vector<SpirvBinding> bindings; ///< of set 0, by number
    std::vector<SpirvMember> values;    ///< by offset
    uint64_t value_bytes = 0;
    std::vector<SpirvScratch> scratch;
    uint64_t shared_bytes = 0; ///< of all other shared variables whose size is known
};

/// Reads the structure of a module, and what its compute kernel `entry` declares. Build, naming the
/// word, if it is malformed; NotFound, naming those there are, if it has no such kernel;
/// Unsupported for what no launch can give it.
base::Result<SpirvKernel> read_spirv(std::span<const uint32_t> words, std::string_view entry);

} // namespace hwa::launch
