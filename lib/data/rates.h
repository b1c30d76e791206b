// SPDX-License-Identifier: MIT
// What one compute unit of a graphics chip does per clock, by generation. With the number of units
// and the clock it gives the peak rate of a device, so no table of products is needed.
#pragma once

#include "core/dtype.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace hwa::data {

/// Dense multiply-adds per clock and compute unit in one format, by the widest unit that takes it,
/// and the same where half of one operand is zero by the pattern the unit knows; 0: no such unit.
struct MacRate {
    core::Dtype dtype;
    uint32_t macs;
    uint32_t sparse_macs;
};

/// How fast the matrix units of a product of NVIDIA are beside those of its generation.
enum class Tensor : uint8_t {
    Unknown,
    None,
    Half, ///< of floating-point formats with sums in f32, which is how networks are computed
    Full,
};

/// What is known of the matrix units of a product, by 10 * major + minor of its compute capability
/// and its name as drivers tell it.
Tensor nvidia_tensor(uint32_t capability, std::string_view name);

/// Lanes of f32 of one multiprocessor, which NVIDIA calls cores; 0 if the generation is not known.
uint32_t nvidia_lanes(uint32_t capability);

/// The rates of that generation; none if it is not known.
std::span<const MacRate> nvidia_rates(uint32_t capability, Tensor tensor);

/// The rates of one core of Apple's graphics, by the architecture that a device is said to have;
/// none if it is not known.
std::span<const MacRate> apple_rates(std::string_view architecture);

/// The rates of one vector engine of Intel's graphics or one tile of its NPUs, by the architecture
/// that a device is said to have; none if it is not known.
std::span<const MacRate> intel_rates(std::string_view architecture);

} // namespace hwa::data
