// SPDX-License-Identifier: MIT
// Peak rates by formula: compute units x work per clock x clock, and bus width x transfers.
#pragma once

#include "core/device.h"
#include "data/rates.h"

#include <cstdint>
#include <span>

namespace hwa::detect {

/// Puts in the peak of each format, where units and clock of the device are known; a rate that is
/// known already stays. A partition's are those of its own units.
void put_peaks(std::span<const data::MacRate> rates, core::Device &device);

/// Puts in the bandwidth of a bus that many bits wide, whose clock moves `transfers` of them on
/// each line per period; nothing where one of them is not known.
void put_bandwidth(core::Memory &memory, uint32_t bus_bits, uint64_t clock_hz, uint32_t transfers);

} // namespace hwa::detect
