// SPDX-License-Identifier: MIT
// What the memory channels of a processor carry, from its data sheet.
#pragma once

#include <cstdint>
#include <string_view>

namespace hwa::data {

/// The channels of one socket, each 8 bytes wide, at the highest rate its memory is specified for.
struct Channels {
    uint8_t count;
    uint16_t megatransfers; ///< a second
    const char *name;       ///< "DDR4" or "DDR5"

    uint64_t bytes_per_second() const { return uint64_t{count} * megatransfers * 8 * 1000000; }
};

/// The channels of an x86 processor by vendor, family and model as find_x86_core() takes them, and
/// by its name, which alone tells a server from a desktop part of one design; or NULL.
const Channels *find_channels(std::string_view vendor, uint32_t family, uint32_t model,
                              std::string_view name);

} // namespace hwa::data
