// SPDX-License-Identifier: MIT
// Systems made by hand for the planner.
#pragma once

#include "core/system.h"

#include <cstdint>
#include <string>

namespace hwa::test {

inline constexpr uint64_t gib = uint64_t{1} << 30;

/// A device with a memory, and with rates where they are not 0.
inline core::Device device(std::string id, core::Kind kind, uint64_t bytes, uint64_t bandwidth = 0,
                           double ops = 0) {
    core::Device made;
    made.id = std::move(id);
    made.kind = kind;
    made.flags = core::DeviceUsable;
    core::Memory memory;
    memory.size_bytes = {bytes, core::Source::Driver};
    memory.bytes_per_second = {bandwidth, core::Source::Table};
    made.memories.push_back(memory);
    if (ops > 0)
        made.put_compute({core::Dtype::F16, core::Support::Native, ops, 0, core::Source::Table});
    return made;
}

/// A card of 24 GiB and 1 TB/s.
inline core::Device card(std::string id) {
    return device(std::move(id), core::Kind::Gpu, 24 * gib, 1008000000000, 165e12);
}

inline core::Device processor(uint64_t bytes) {
    return device("cpu-0", core::Kind::Cpu, bytes, 80000000000, 2e12);
}

inline core::System cards(size_t count) {
    core::System made;
    for (size_t i = 0; i < count; ++i)
        made.devices.push_back(card("gpu-" + std::to_string(i)));
    return made;
}

} // namespace hwa::test
