// SPDX-License-Identifier: MIT
// CPUID, XGETBV and RDTSC, by the Intel SDM volume 2.
#include "os/cpuid.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace hwa::os {

#if defined(__x86_64__) || defined(__i386__)

std::optional<CpuidAnswer> cpuid(uint32_t leaf, uint32_t subleaf) {
    CpuidAnswer answer;
    __cpuid_count(leaf, subleaf, answer.eax, answer.ebx, answer.ecx, answer.edx);
    return answer;
}

uint64_t read_xcr0() {
    uint32_t low = 0;
    uint32_t high = 0;
    // The intrinsic would need the whole file compiled for XSAVE.
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return uint64_t{high} << 32 | low;
}

uint64_t read_counter() {
    return __rdtsc();
}

#else

std::optional<CpuidAnswer> cpuid(uint32_t, uint32_t) {
    return std::nullopt;
}

uint64_t read_xcr0() {
    return 0;
}

uint64_t read_counter() {
    return 0;
}

#endif

} // namespace hwa::os
