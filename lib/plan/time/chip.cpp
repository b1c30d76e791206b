// SPDX-License-Identifier: MIT
// The class of a device, and what its documents say of units and caches.
#include "plan/time/chip.h"

#include <algorithm>
#include <string>

namespace hwa::plan {

using core::Dtype;
using core::MemoryKind;

namespace {

/// Of a class: operations per second of one unit in 16 bits, which tells the number of units where
/// the device does not, and bytes of the last cache. From NVIDIA's architecture white papers (A100,
/// H100, Ada, Blackwell), Intel's of the B60, AMD's of CDNA 3 and RDNA 3, Google's of TPUs.
struct ClassRow {
    double ops_per_unit;
    double cache_bytes;
};

constexpr ClassRow rows[chip_class_count] = {
    {7.5e12, 50e6},   // Hopper
    {15.2e12, 126e6}, // Blackwell
    {2.55e12, 96e6},  // Ada
    {2.68e12, 128e6}, // BlackwellGddr
    {4.9e12, 18e6},   // Xe2
    {2.9e12, 40e6},   // AmpereHbm
    {0.87e12, 6e6},   // AmpereGddr
    {1.0e12, 6e6},    // Older
    {4.3e12, 256e6},  // AmdHbm
    {1.28e12, 96e6},  // AmdGddr
    {100e12, 128e6},  // Tpu
    {5e12, 32e6},     // Other
};

double native(const core::Device &device, Dtype dtype) {
    const core::Compute *compute = device.find_compute(dtype);
    return compute != nullptr && compute->support == core::Support::Native ? compute->ops_per_second
                                                                           : 0;
}

double half_rate(const core::Device &device) {
    return std::max({native(device, Dtype::Bf16), native(device, Dtype::F16)});
}

ChipClass nvidia_class(const core::Device &device, bool stacked) {
    if (native(device, Dtype::F4E2M1) > 0)
        return stacked ? ChipClass::Blackwell : ChipClass::BlackwellGddr;
    if (native(device, Dtype::F8E4M3) > 0)
        return stacked ? ChipClass::Hopper : ChipClass::Ada;
    if (native(device, Dtype::Bf16) > 0)
        return stacked ? ChipClass::AmpereHbm : ChipClass::AmpereGddr;
    return ChipClass::Older;
}

bool says(const std::string &vendor, const char *word) {
    return vendor.find(word) != std::string::npos;
}

} // namespace

ChipClass chip_class(const core::Device &device) {
    std::string vendor = device.vendor.value;
    std::transform(vendor.begin(), vendor.end(), vendor.begin(), [](unsigned char letter) {
        return static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter);
    });
    const bool stacked = !device.memories.empty() && device.memories[0].kind == MemoryKind::Hbm;
    if (device.kind == core::Kind::Tpu || says(vendor, "google"))
        return ChipClass::Tpu;
    if (device.kind != core::Kind::Gpu)
        return ChipClass::Other;
    if (says(vendor, "nvidia"))
        return nvidia_class(device, stacked);
    if (says(vendor, "amd") || says(vendor, "advanced micro"))
        return stacked ? ChipClass::AmdHbm : ChipClass::AmdGddr;
    return says(vendor, "intel") ? ChipClass::Xe2 : ChipClass::Other;
}

Chip chip_of(const core::Device &device) {
    Chip chip;
    chip.kind = chip_class(device);
    const double half = half_rate(device) > 0 ? half_rate(device) : native(device, Dtype::F32);
    const double eight = std::max(native(device, Dtype::F8E4M3), native(device, Dtype::F8E5M2));
    const double four = native(device, Dtype::F4E2M1);
    chip.ops_per_second[static_cast<size_t>(Math::Bf16)] = half;
    chip.ops_per_second[static_cast<size_t>(Math::Fp8)] = eight > 0 ? eight : half;
    chip.ops_per_second[static_cast<size_t>(Math::Fp8Block)] = eight > 0 ? eight : half;
    chip.ops_per_second[static_cast<size_t>(Math::Fp4)] = std::max({four, eight, half});
    chip.ops_per_second[static_cast<size_t>(Math::Mxfp4)] = half;
    chip.bytes_per_second = static_cast<double>(device.bytes_per_second());
    const ClassRow &row = rows[static_cast<size_t>(chip.kind)];
    chip.units = std::max(1.0, half / row.ops_per_unit);
    chip.cache_bytes = row.cache_bytes;
    return chip;
}

} // namespace hwa::plan
