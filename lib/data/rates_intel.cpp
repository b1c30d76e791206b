// SPDX-License-Identifier: MIT
// Multiply-adds per clock: of a vector engine of Intel's graphics by Intel's papers on Gen9, Gen11,
// Xe-LP, Xe-HPG, Xe-HPC and Xe2, as peak / (2 x engines x clock); of a tile of its NPUs by
// physicalEUSimdWidth of intel/linux-npu-driver, which counts a multiply-add as two.
#include "data/rates.h"

namespace hwa::data {

using core::Dtype;

static constexpr MacRate gen9[] = {{Dtype::F64, 2, 0}, {Dtype::F32, 8, 0}, {Dtype::F16, 16, 0}};
// No f64 from here on but in servers.
static constexpr MacRate gen11[] = {{Dtype::F32, 8, 0}, {Dtype::F16, 16, 0}};
// Eight-bit products of four at a time (dp4a).
static constexpr MacRate xe_lp[] = {{Dtype::F32, 8, 0}, {Dtype::F16, 16, 0}, {Dtype::I8, 32, 0}};
// With matrix engines (XMX).
static constexpr MacRate xe_hpg[] = {
    {Dtype::F32, 8, 0}, {Dtype::F16, 64, 0}, {Dtype::Bf16, 64, 0}, {Dtype::I8, 128, 0}};
static constexpr MacRate xe_hpc[] = {
    {Dtype::F64, 16, 0},  {Dtype::F32, 16, 0},   {Dtype::Tf32, 128, 0},
    {Dtype::F16, 256, 0}, {Dtype::Bf16, 256, 0}, {Dtype::I8, 512, 0},
};
static constexpr MacRate xe2[] = {
    {Dtype::F32, 16, 0},   {Dtype::Tf32, 64, 0}, {Dtype::F16, 128, 0},
    {Dtype::Bf16, 128, 0}, {Dtype::I8, 256, 0},
};

// Neural processing units, of each tile.
static constexpr MacRate npu4[] = {{Dtype::F16, 1024, 0}, {Dtype::I8, 2048, 0}};
static constexpr MacRate npu5[] = {{Dtype::F16, 2048, 0}, {Dtype::I8, 4096, 0}};

namespace {

struct Generation {
    std::string_view architecture;
    std::span<const MacRate> rates;
};

} // namespace

static constexpr Generation generations[] = {
    {"gen9", gen9},      {"gen11", gen11},   {"xe-lp", xe_lp},   {"xe-lpg", xe_lp},
    {"xe-lpg+", xe_hpg}, {"xe-hpg", xe_hpg}, {"xe-hpc", xe_hpc}, {"xe2-hpg", xe2},
    {"xe2-lpg", xe2},    {"xe3-lpg", xe2},   {"npu37xx", npu4},  {"npu40xx", npu4},
    {"npu50xx", npu5},
};

std::span<const MacRate> intel_rates(std::string_view architecture) {
    for (const Generation &row : generations)
        if (row.architecture == architecture)
            return row.rates;
    return {};
}

} // namespace hwa::data
