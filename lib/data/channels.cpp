// SPDX-License-Identifier: MIT
// Memory channels of server processors. Sources: AMD EPYC 7001, 7002, 7003, 9004 and 9005 series
// data sheets; Intel ARK, Xeon Platinum 8300, 8400 and 8500. Parts whose number of channels or
// memory rate differs within a design and name are left out.
#include "data/channels.h"

namespace hwa::data {

namespace {

struct Row {
    const char *vendor;
    uint16_t family;
    uint16_t model;
    const char *name_start;
    Channels channels;
};

} // namespace

static constexpr Row rows[] = {
    {"amd", 0x17, 0x01, "AMD EPYC", {8, 2666, "DDR4"}},
    {"amd", 0x17, 0x31, "AMD EPYC", {8, 3200, "DDR4"}},
    {"amd", 0x19, 0x01, "AMD EPYC", {8, 3200, "DDR4"}},
    {"amd", 0x19, 0x11, "AMD EPYC", {12, 4800, "DDR5"}},
    {"amd", 0x1a, 0x02, "AMD EPYC", {12, 6000, "DDR5"}},
    {"amd", 0x1a, 0x11, "AMD EPYC", {12, 6000, "DDR5"}},
    {"intel", 6, 0x6a, "Intel(R) Xeon(R) Platinum", {8, 3200, "DDR4"}},
    {"intel", 6, 0x8f, "Intel(R) Xeon(R) Platinum", {8, 4800, "DDR5"}},
    {"intel", 6, 0xcf, "Intel(R) Xeon(R) Platinum", {8, 5600, "DDR5"}},
};

const Channels *find_channels(std::string_view vendor, uint32_t family, uint32_t model,
                              std::string_view name) {
    for (const Row &row : rows)
        if (vendor == row.vendor && family == row.family && model == row.model &&
            name.starts_with(row.name_start))
            return &row.channels;
    return nullptr;
}

} // namespace hwa::data
