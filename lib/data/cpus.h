// SPDX-License-Identifier: MIT
// What is known of processor cores without asking them: design, and work done per clock.
#pragma once

#include <cstdint>
#include <string_view>

namespace hwa::data {

/// One core design. Work counts operations per core and clock, a multiply-add being two, as the
/// widest units do them; 0 is not known. It holds only if the processor lets the unit be used.
struct CoreDesign {
    const char *architecture;
    uint16_t f32;  ///< vector units
    uint16_t bf16; ///< by AVX512_BF16 or NEON/SVE BF16
    uint16_t f16;  ///< by AVX512_FP16 or NEON FP16
    uint16_t i8;   ///< by VNNI, dot product or I8MM
};

/// The design of an x86 core by vendor ("amd", "intel", "hygon"), family and model as CPUID leaf 1
/// displays them, or NULL.
const CoreDesign *find_x86_core(std::string_view vendor, uint32_t family, uint32_t model,
                                uint32_t stepping);

/// The small cores of a hybrid processor whose large ones have that design, or NULL.
const CoreDesign *find_small_core(std::string_view architecture);

/// An Arm core by its main identification register: the name its maker gave it.
struct ArmCore {
    uint8_t implementer;
    uint16_t part;
    const char *vendor;
    const char *name;
    CoreDesign design;
};

/// The row of MIDR_EL1, or NULL.
const ArmCore *find_arm_core(uint32_t implementer, uint32_t part);

/// Vendor behind the implementer code of MIDR_EL1, or "".
const char *arm_vendor(uint32_t implementer);

} // namespace hwa::data
