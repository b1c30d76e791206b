// SPDX-License-Identifier: MIT
// Peak rates of a processor. Nothing is assumed of a design that the table does not have.
#include "detect/cpu_rates.h"

#include <algorithm>

namespace hwa::detect {

using core::Compute;
using core::Dtype;
using core::Source;
using core::Support;

// Work of one tile unit in a clock (Intel Optimization Reference Manual, chapter on AMX): 16 x 16
// results of 4 bytes take 16 clocks and 64 bytes of depth.
static constexpr uint32_t tile_i8 = 2048;
static constexpr uint32_t tile_bf16 = 1024;

static bool has_dot_product(const IsaSet &isa) {
    for (const Isa each : {Isa::Avx512Vnni, Isa::AvxVnni, Isa::AvxVnniInt8, Isa::AmxInt8,
                           Isa::NeonDotprod, Isa::NeonI8mm, Isa::SveI8mm})
        if (isa.has(each))
            return true;
    return false;
}

static bool has_bf16(const IsaSet &isa) {
    return isa.has(Isa::Avx512Bf16) || isa.has(Isa::AmxBf16) || isa.has(Isa::NeonBf16) ||
           isa.has(Isa::SveBf16);
}

static bool has_f16(const IsaSet &isa) {
    return isa.has(Isa::Avx512Fp16) || isa.has(Isa::AmxFp16) || isa.has(Isa::NeonFp16);
}

/// Work per core and clock. Designs are listed with their widest unit; where the system hides it,
/// half of it is left.
static uint32_t work(const data::CoreDesign &design, const IsaSet &isa, Dtype dtype) {
    constexpr uint32_t wide_f32 = 64;
    const bool arm = isa.has(Isa::Neon);
    const bool narrowed = !arm && design.f32 >= wide_f32 && !isa.has(Isa::Avx512F);
    const uint32_t f32 = arm || isa.has(Isa::Fma) || isa.has(Isa::Avx) ? design.f32 : 0;
    switch (dtype) {
    case Dtype::F32:
        return narrowed ? f32 / 2 : f32;
    case Dtype::F64:
        return work(design, isa, Dtype::F32) / 2;
    case Dtype::Bf16:
        return isa.has(Isa::AmxBf16) ? tile_bf16 : has_bf16(isa) ? design.bf16 : 0;
    case Dtype::F16:
        return isa.has(Isa::AmxFp16) ? tile_bf16 : has_f16(isa) ? design.f16 : 0;
    case Dtype::I8:
    case Dtype::U8:
        if (isa.has(Isa::AmxInt8))
            return tile_i8;
        return !has_dot_product(isa) ? 0 : narrowed ? design.i8 / 2 : design.i8;
    default:
        return 0;
    }
}

static double rate(const std::vector<CoreGroup> &groups, const IsaSet &isa, Dtype dtype) {
    double sum = 0;
    for (const CoreGroup &group : groups) {
        const double one = static_cast<double>(work(group.design, isa, dtype)) * group.cores *
                           static_cast<double>(group.clock_hz);
        if (one == 0)
            return 0; // a sum without one of its parts would be wrong
        sum += one;
    }
    return sum;
}

void put_rates(const IsaSet &isa, const std::vector<CoreGroup> &groups, core::Device &device) {
    const auto put = [&](Dtype dtype, bool native) {
        Compute row;
        row.dtype = dtype;
        row.support = native ? Support::Native : Support::Storage;
        row.ops_per_second = rate(groups, isa, dtype);
        row.source = row.ops_per_second > 0 ? Source::Derived : Source::Kernel;
        device.put_compute(row);
    };
    for (const Dtype dtype : {Dtype::F64, Dtype::F32, Dtype::I16, Dtype::I32, Dtype::I64})
        put(dtype, true);
    put(Dtype::F16, has_f16(isa));
    put(Dtype::Bf16, has_bf16(isa));
    put(Dtype::I8, has_dot_product(isa));
    put(Dtype::U8, has_dot_product(isa));
    for (const Dtype dtype : {Dtype::F8E4M3, Dtype::F8E5M2, Dtype::I4})
        put(dtype, false);
}

} // namespace hwa::detect
