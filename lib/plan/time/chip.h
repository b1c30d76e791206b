// SPDX-License-Identifier: MIT
// Chip: what a device brings to kernels, and the class whose measured constants it takes.
#pragma once

#include "core/device.h"

#include <cstdint>

namespace hwa::plan {

/// How matrices are multiplied: the formats of operands, and how they come to be scaled.
enum class Math : uint8_t {
    Bf16,     ///< or F16
    Fp8,      ///< one scale for each row of activations
    Fp8Block, ///< one scale for each 128 of a row, and each 128 x 128 of weights
    Fp4,      ///< NVFP4, activations too
    Mxfp4,    ///< weights only; products are of 16 bits
};
inline constexpr size_t math_count = 5;

/// Devices whose kernels behave alike: of one generation, with one kind of memory. Those that
/// were measured come first; the others take the constants of the one nearest to them.
enum class ChipClass : uint8_t {
    Hopper,
    Blackwell, ///< with HBM
    Ada,       ///< with GDDR, as all of its generation
    BlackwellGddr,
    Xe2, ///< and other graphics of Intel
    AmpereHbm,
    AmpereGddr,
    Older, ///< NVIDIA before Ampere
    AmdHbm,
    AmdGddr,
    Tpu,
    Other,
};
inline constexpr size_t chip_class_count = 12;

struct Chip {
    ChipClass kind = ChipClass::Other;
    double ops_per_second[math_count] = {}; ///< dense peaks; 0: not known
    double bytes_per_second = 0;            ///< of the main memory
    double units = 0;                       ///< multiprocessors, or what counts as such
    double cache_bytes = 0;                 ///< of the last level
};

/// By vendor, formats and kind of memory, never by name: a device that nobody has seen has a class.
ChipClass chip_class(const core::Device &device);

Chip chip_of(const core::Device &device);

} // namespace hwa::plan
