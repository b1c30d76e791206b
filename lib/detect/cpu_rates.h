// SPDX-License-Identifier: MIT
// Peak rates of a processor: cores x work per clock x clock.
#pragma once

#include "core/device.h"
#include "detect/cpu_facts.h"

#include <cstdint>
#include <vector>

namespace hwa::detect {

/// Cores of one design and how fast they may run.
struct CoreGroup {
    data::CoreDesign design{};
    uint32_t cores = 0;
    uint64_t clock_hz = 0; ///< 0: not known
};

/// Puts one row for each format: how the processor takes it and, where all of `groups` is known, at
/// what rate.
void put_rates(const IsaSet &isa, const std::vector<CoreGroup> &groups, core::Device &device);

} // namespace hwa::detect
