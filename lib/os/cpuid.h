// SPDX-License-Identifier: MIT
// The x86 instructions that detection uses, so that no other file has assembly in it.
#pragma once

#include "os/host.h"

#include <cstdint>
#include <optional>

namespace hwa::os {

/// Nothing where the processor this is built for is no x86.
std::optional<CpuidAnswer> cpuid(uint32_t leaf, uint32_t subleaf);

/// XCR0. To be asked for only where CPUID leaf 1 says OSXSAVE; 0 where there is none.
uint64_t read_xcr0();

/// The time-stamp counter; 0 where there is none.
uint64_t read_counter();

} // namespace hwa::os
