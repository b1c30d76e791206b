// SPDX-License-Identifier: MIT
// Instruction sets that matter to neural networks.
#pragma once

#include "os/host.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace hwa::detect {

/// Every set that is told apart, in the order of the table in isa.cpp.
enum class Isa : uint32_t {
    Sse42,
    Avx,
    F16c,
    Fma,
    Avx2,
    Avx512F,
    Avx512Dq,
    Avx512Bw,
    Avx512Vl,
    Avx512Vnni,
    Avx512Bf16,
    Avx512Fp16,
    AvxVnni,
    AvxVnniInt8,
    Avx10,
    AmxTile,
    AmxInt8,
    AmxBf16,
    AmxFp16,
    Neon,
    NeonFp16,
    NeonDotprod,
    NeonI8mm,
    NeonBf16,
    Sve,
    SveI8mm,
    SveBf16,
    Sve2,
    Sme,
    Sme2,
    Count
};

/// The sets that may be used: those the processor has and the operating system saves the state of.
class IsaSet {
  public:
    bool has(Isa isa) const { return (bits_ >> static_cast<uint32_t>(isa) & 1) != 0; }
    void add(Isa isa) { bits_ |= uint64_t{1} << static_cast<uint32_t>(isa); }
    bool empty() const { return bits_ == 0; }

  private:
    uint64_t bits_ = 0;
};

/// Name of a set, such as "avx512_bf16".
const char *isa_name(Isa isa);

/// From the answers of CPUID leaf 1 and leaf 7 (subleaves 0 and 1) and from XCR0.
IsaSet isa_from_cpuid(const os::CpuidAnswer &leaf1, const os::CpuidAnswer &leaf7,
                      const os::CpuidAnswer &leaf7_1, uint64_t xcr0);

/// From AT_HWCAP and AT_HWCAP2 of 64-bit Arm.
IsaSet isa_from_hwcap(uint64_t hwcap, uint64_t hwcap2);

/// From the line "flags" (x86) or "Features" (Arm) of /proc/cpuinfo, which the kernel has cleared
/// of what it does not save.
IsaSet isa_from_words(std::string_view words);

} // namespace hwa::detect
