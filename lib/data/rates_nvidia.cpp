// SPDX-License-Identifier: MIT
// Multiply-adds per clock and multiprocessor: CUDA C++ Programming Guide, "Throughput of Native
// Arithmetic Instructions", for ordinary units; for matrix units NVIDIA's architecture white papers
// (V100, A100, H100, GA102, AD102, RTX Blackwell), as peak / (2 x multiprocessors x boost clock).
#include "data/rates.h"

namespace hwa::data {

using core::Dtype;

static constexpr MacRate kepler[] = {{Dtype::F32, 192, 0}};
static constexpr MacRate maxwell[] = {{Dtype::F64, 4, 0}, {Dtype::F32, 128, 0}};
static constexpr MacRate tegra_x1[] = {
    {Dtype::F64, 4, 0}, {Dtype::F32, 128, 0}, {Dtype::F16, 256, 0}};
static constexpr MacRate p100[] = {{Dtype::F64, 32, 0}, {Dtype::F32, 64, 0}, {Dtype::F16, 128, 0}};
// Eight-bit products of four at a time (dp4a) came with this one.
static constexpr MacRate pascal[] = {
    {Dtype::F64, 4, 0}, {Dtype::F32, 128, 0}, {Dtype::F16, 2, 0}, {Dtype::I8, 512, 0}};
static constexpr MacRate volta[] = {
    {Dtype::F64, 32, 0}, {Dtype::F32, 64, 0}, {Dtype::F16, 512, 0}, {Dtype::I8, 256, 0}};
static constexpr MacRate turing_plain[] = {
    {Dtype::F64, 2, 0}, {Dtype::F32, 64, 0}, {Dtype::F16, 128, 0}, {Dtype::I8, 256, 0}};
static constexpr MacRate turing_half[] = {{Dtype::F64, 2, 0},
                                          {Dtype::F32, 64, 0},
                                          {Dtype::F16, 256, 0},
                                          {Dtype::I8, 1024, 0},
                                          {Dtype::I4, 2048, 0}};
static constexpr MacRate turing[] = {{Dtype::F64, 2, 0},
                                     {Dtype::F32, 64, 0},
                                     {Dtype::F16, 512, 0},
                                     {Dtype::I8, 1024, 0},
                                     {Dtype::I4, 2048, 0}};
static constexpr MacRate a100[] = {
    {Dtype::F64, 64, 0},      {Dtype::F32, 64, 0},       {Dtype::Tf32, 512, 1024},
    {Dtype::F16, 1024, 2048}, {Dtype::Bf16, 1024, 2048}, {Dtype::I8, 2048, 4096},
    {Dtype::I4, 4096, 8192},
};
static constexpr MacRate ampere_half[] = {
    {Dtype::F64, 2, 0},      {Dtype::F32, 128, 0},    {Dtype::Tf32, 128, 256},
    {Dtype::F16, 256, 512},  {Dtype::Bf16, 256, 512}, {Dtype::I8, 1024, 2048},
    {Dtype::I4, 2048, 4096},
};
static constexpr MacRate ampere[] = {
    {Dtype::F64, 2, 0},      {Dtype::F32, 128, 0},     {Dtype::Tf32, 256, 512},
    {Dtype::F16, 512, 1024}, {Dtype::Bf16, 512, 1024}, {Dtype::I8, 1024, 2048},
    {Dtype::I4, 2048, 4096},
};
static constexpr MacRate orin[] = {
    {Dtype::F64, 2, 0},       {Dtype::F32, 128, 0},      {Dtype::Tf32, 512, 1024},
    {Dtype::F16, 1024, 2048}, {Dtype::Bf16, 1024, 2048}, {Dtype::I8, 2048, 4096},
    {Dtype::I4, 4096, 8192},
};
static constexpr MacRate ada_half[] = {
    {Dtype::F64, 2, 0},         {Dtype::F32, 128, 0},    {Dtype::Tf32, 128, 256},
    {Dtype::F16, 256, 512},     {Dtype::Bf16, 256, 512}, {Dtype::F8E4M3, 512, 1024},
    {Dtype::F8E5M2, 512, 1024}, {Dtype::I8, 1024, 2048}, {Dtype::I4, 2048, 4096},
};
static constexpr MacRate ada[] = {
    {Dtype::F64, 2, 0},          {Dtype::F32, 128, 0},     {Dtype::Tf32, 256, 512},
    {Dtype::F16, 512, 1024},     {Dtype::Bf16, 512, 1024}, {Dtype::F8E4M3, 1024, 2048},
    {Dtype::F8E5M2, 1024, 2048}, {Dtype::I8, 1024, 2048},  {Dtype::I4, 2048, 4096},
};
static constexpr MacRate hopper[] = {
    {Dtype::F64, 128, 0},        {Dtype::F32, 128, 0},      {Dtype::Tf32, 1024, 2048},
    {Dtype::F16, 2048, 4096},    {Dtype::Bf16, 2048, 4096}, {Dtype::F8E4M3, 4096, 8192},
    {Dtype::F8E5M2, 4096, 8192}, {Dtype::I8, 4096, 8192},
};
static constexpr MacRate b200[] = {
    {Dtype::F64, 64, 0},          {Dtype::F32, 128, 0},          {Dtype::Tf32, 2048, 4096},
    {Dtype::F16, 4096, 8192},     {Dtype::Bf16, 4096, 8192},     {Dtype::F8E4M3, 8192, 16384},
    {Dtype::F8E5M2, 8192, 16384}, {Dtype::F4E2M1, 16384, 32768}, {Dtype::I8, 8192, 16384},
};
// Gives up f64 and integers for f4; of the integer rates published the lower one is taken.
static constexpr MacRate b300[] = {
    {Dtype::F32, 128, 0},          {Dtype::Tf32, 2048, 4096},    {Dtype::F16, 4096, 8192},
    {Dtype::Bf16, 4096, 8192},     {Dtype::F8E4M3, 8192, 16384}, {Dtype::F8E5M2, 8192, 16384},
    {Dtype::F4E2M1, 24576, 32768}, {Dtype::I8, 256, 512},
};
static constexpr MacRate thor[] = {
    {Dtype::F32, 128, 0},         {Dtype::F16, 4096, 8192},     {Dtype::Bf16, 4096, 8192},
    {Dtype::F8E4M3, 8192, 16384}, {Dtype::F8E5M2, 8192, 16384}, {Dtype::F4E2M1, 16384, 32768},
};
static constexpr MacRate blackwell_half[] = {
    {Dtype::F64, 2, 0},         {Dtype::F32, 128, 0},        {Dtype::Tf32, 128, 256},
    {Dtype::F16, 256, 512},     {Dtype::Bf16, 256, 512},     {Dtype::F8E4M3, 512, 1024},
    {Dtype::F8E5M2, 512, 1024}, {Dtype::F4E2M1, 2048, 4096}, {Dtype::I8, 1024, 2048},
};
static constexpr MacRate blackwell[] = {
    {Dtype::F64, 2, 0},          {Dtype::F32, 128, 0},        {Dtype::Tf32, 256, 512},
    {Dtype::F16, 512, 1024},     {Dtype::Bf16, 512, 1024},    {Dtype::F8E4M3, 1024, 2048},
    {Dtype::F8E5M2, 1024, 2048}, {Dtype::F4E2M1, 2048, 4096}, {Dtype::I8, 1024, 2048},
};
// What all products of these generations share, whatever their matrix units.
static constexpr MacRate volta_base[] = {{Dtype::F32, 64, 0}};
static constexpr MacRate base_128[] = {{Dtype::F32, 128, 0}};

namespace {

struct Generation {
    uint32_t capability;
    Tensor tensor;
    std::span<const MacRate> rates;
};

} // namespace

static constexpr Generation generations[] = {
    {30, Tensor::None, kepler},
    {35, Tensor::None, kepler},
    {37, Tensor::None, kepler},
    {50, Tensor::None, maxwell},
    {52, Tensor::None, maxwell},
    {53, Tensor::None, tegra_x1},
    {60, Tensor::None, p100},
    {61, Tensor::None, pascal},
    {62, Tensor::None, tegra_x1},
    {70, Tensor::Full, volta},
    {70, Tensor::Unknown, volta_base},
    {72, Tensor::Full, turing},
    {75, Tensor::None, turing_plain},
    {75, Tensor::Half, turing_half},
    {75, Tensor::Full, turing},
    {75, Tensor::Unknown, volta_base},
    {80, Tensor::Full, a100},
    {80, Tensor::Unknown, volta_base},
    {86, Tensor::Half, ampere_half},
    {86, Tensor::Full, ampere},
    {86, Tensor::Unknown, base_128},
    {87, Tensor::Full, orin},
    {89, Tensor::Half, ada_half},
    {89, Tensor::Full, ada},
    {89, Tensor::Unknown, base_128},
    {90, Tensor::Full, hopper},
    {90, Tensor::Unknown, base_128},
    {100, Tensor::Full, b200},
    {100, Tensor::Unknown, base_128},
    {101, Tensor::Full, thor},
    {103, Tensor::Full, b300},
    {103, Tensor::Unknown, base_128},
    {110, Tensor::Full, thor},
    {120, Tensor::Half, blackwell_half},
    {120, Tensor::Full, blackwell},
    {120, Tensor::Unknown, base_128},
    {121, Tensor::Half, blackwell_half},
};

/// One word of a name, such as "L40" in "NVIDIA L40" and not in "NVIDIA L40S".
static bool has_word(std::string_view name, std::string_view word) {
    for (size_t at = name.find(word); at != name.npos; at = name.find(word, at + 1)) {
        const size_t end = at + word.size();
        const bool begins = at == 0 || name[at - 1] == ' ';
        if (begins && (end == name.size() || name[end] == ' ' || name[end] == '-'))
            return true;
    }
    return false;
}

static bool has_any(std::string_view name, std::span<const char *const> words) {
    for (const char *word : words)
        if (has_word(name, word))
            return true;
    return false;
}

Tensor nvidia_tensor(uint32_t capability, std::string_view name) {
    // Products whose matrix units are held back further than the rest of their generation's.
    static constexpr const char *held[] = {"CMP", "H20", "D", "5090D", "L2"};
    static constexpr const char *halved[] = {"GeForce", "L40", "L20", "GB10"};
    static constexpr const char *turing_with[] = {"T4", "T10", "T40", "RTX"};
    if (capability < 70)
        return Tensor::None;
    if (name.empty() || has_any(name, held))
        return Tensor::Unknown;
    if (capability == 75 && !has_any(name, turing_with))
        return has_word(name, "GTX") ? Tensor::None : Tensor::Unknown;
    // No product of these two is sold with whole rates under any name.
    if (capability == 121 || has_any(name, halved))
        return Tensor::Half;
    return Tensor::Full;
}

uint32_t nvidia_lanes(uint32_t capability) {
    for (const Generation &row : generations)
        for (const MacRate &rate : row.rates)
            if (row.capability == capability && rate.dtype == Dtype::F32)
                return rate.macs;
    return 0;
}

std::span<const MacRate> nvidia_rates(uint32_t capability, Tensor tensor) {
    for (const Generation &row : generations)
        if (row.capability == capability && row.tensor == tensor)
            return row.rates;
    return {};
}

} // namespace hwa::data
