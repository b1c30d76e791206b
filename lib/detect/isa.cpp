// SPDX-License-Identifier: MIT
// The table of instruction sets: where CPUID (Intel SDM volume 2, CPUID), the hardware capabilities
// of arm64 (Linux arch/arm64/include/uapi/asm/hwcap.h) and /proc/cpuinfo tell of each.
#include "detect/isa.h"

#include "base/text.h"

namespace hwa::detect {

namespace {

enum class Where : uint8_t {
    Leaf1Ecx,
    Leaf7Ebx,
    Leaf7Ecx,
    Leaf7Edx,
    Leaf71Eax,
    Leaf71Edx,
    Hwcap,
    Hwcap2
};

struct IsaRow {
    Isa isa;
    const char *name;
    const char *word; ///< in /proc/cpuinfo
    Where where;
    uint8_t bit;
    uint64_t state; ///< bits of XCR0 that must all be set
};

} // namespace

// XCR0: bits 1 and 2 are the 128 and 256-bit registers, 5 to 7 the 512-bit ones and their masks, 17
// and 18 the tiles.
static constexpr uint64_t state_avx = 0x6;
static constexpr uint64_t state_avx512 = 0xe6;
static constexpr uint64_t state_amx = 0x60000;

static constexpr IsaRow rows[] = {
    {Isa::Sse42, "sse4_2", "sse4_2", Where::Leaf1Ecx, 20, 0},
    {Isa::Avx, "avx", "avx", Where::Leaf1Ecx, 28, state_avx},
    {Isa::F16c, "f16c", "f16c", Where::Leaf1Ecx, 29, state_avx},
    {Isa::Fma, "fma", "fma", Where::Leaf1Ecx, 12, state_avx},
    {Isa::Avx2, "avx2", "avx2", Where::Leaf7Ebx, 5, state_avx},
    {Isa::Avx512F, "avx512f", "avx512f", Where::Leaf7Ebx, 16, state_avx512},
    {Isa::Avx512Dq, "avx512dq", "avx512dq", Where::Leaf7Ebx, 17, state_avx512},
    {Isa::Avx512Bw, "avx512bw", "avx512bw", Where::Leaf7Ebx, 30, state_avx512},
    {Isa::Avx512Vl, "avx512vl", "avx512vl", Where::Leaf7Ebx, 31, state_avx512},
    {Isa::Avx512Vnni, "avx512_vnni", "avx512_vnni", Where::Leaf7Ecx, 11, state_avx512},
    {Isa::Avx512Bf16, "avx512_bf16", "avx512_bf16", Where::Leaf71Eax, 5, state_avx512},
    {Isa::Avx512Fp16, "avx512_fp16", "avx512_fp16", Where::Leaf7Edx, 23, state_avx512},
    {Isa::AvxVnni, "avx_vnni", "avx_vnni", Where::Leaf71Eax, 4, state_avx},
    {Isa::AvxVnniInt8, "avx_vnni_int8", "avx_vnni_int8", Where::Leaf71Edx, 4, state_avx},
    {Isa::Avx10, "avx10", "avx10", Where::Leaf71Edx, 19, state_avx512},
    {Isa::AmxTile, "amx_tile", "amx_tile", Where::Leaf7Edx, 24, state_amx},
    {Isa::AmxInt8, "amx_int8", "amx_int8", Where::Leaf7Edx, 25, state_amx},
    {Isa::AmxBf16, "amx_bf16", "amx_bf16", Where::Leaf7Edx, 22, state_amx},
    {Isa::AmxFp16, "amx_fp16", "amx_fp16", Where::Leaf71Eax, 21, state_amx},
    {Isa::Neon, "neon", "asimd", Where::Hwcap, 1, 0},
    {Isa::NeonFp16, "neon_fp16", "asimdhp", Where::Hwcap, 10, 0},
    {Isa::NeonDotprod, "neon_dotprod", "asimddp", Where::Hwcap, 20, 0},
    {Isa::NeonI8mm, "neon_i8mm", "i8mm", Where::Hwcap2, 13, 0},
    {Isa::NeonBf16, "neon_bf16", "bf16", Where::Hwcap2, 14, 0},
    {Isa::Sve, "sve", "sve", Where::Hwcap, 22, 0},
    {Isa::SveI8mm, "sve_i8mm", "svei8mm", Where::Hwcap2, 9, 0},
    {Isa::SveBf16, "sve_bf16", "svebf16", Where::Hwcap2, 12, 0},
    {Isa::Sve2, "sve2", "sve2", Where::Hwcap2, 1, 0},
    {Isa::Sme, "sme", "sme", Where::Hwcap2, 23, 0},
    {Isa::Sme2, "sme2", "sme2", Where::Hwcap2, 37, 0},
};

static_assert(std::size(rows) == static_cast<size_t>(Isa::Count));

const char *isa_name(Isa isa) {
    const auto index = static_cast<size_t>(isa);
    return index < std::size(rows) ? rows[index].name : "";
}

IsaSet isa_from_cpuid(const os::CpuidAnswer &leaf1, const os::CpuidAnswer &leaf7,
                      const os::CpuidAnswer &leaf7_1, uint64_t xcr0) {
    const uint32_t words[] = {leaf1.ecx, leaf7.ebx, leaf7.ecx, leaf7.edx, leaf7_1.eax, leaf7_1.edx};
    IsaSet set;
    for (const IsaRow &row : rows)
        if (row.where < Where::Hwcap && (xcr0 & row.state) == row.state &&
            (words[static_cast<size_t>(row.where)] >> row.bit & 1) != 0)
            set.add(row.isa);
    return set;
}

IsaSet isa_from_hwcap(uint64_t hwcap, uint64_t hwcap2) {
    IsaSet set;
    for (const IsaRow &row : rows)
        if ((row.where == Where::Hwcap && (hwcap >> row.bit & 1) != 0) ||
            (row.where == Where::Hwcap2 && (hwcap2 >> row.bit & 1) != 0))
            set.add(row.isa);
    return set;
}

IsaSet isa_from_words(std::string_view words) {
    IsaSet set;
    for (const std::string_view word : base::split(words, ' '))
        for (const IsaRow &row : rows)
            if (word == row.word)
                set.add(row.isa);
    return set;
}

} // namespace hwa::detect
