// SPDX-License-Identifier: MIT
// Whether two devices are the same, as far as planning goes.
#include "plan/likeness.h"

#include <algorithm>

namespace hwa::plan {

using core::Device;

namespace {

bool same_size(const core::Memory &a, const core::Memory &b) {
    return a.size_bytes.value == b.size_bytes.value && a.usable_bytes == b.usable_bytes;
}

bool same_memory(const core::Memory &a, const core::Memory &b) {
    return a.kind == b.kind && a.role == b.role &&
           a.bytes_per_second.value == b.bytes_per_second.value;
}

bool same_compute(const core::Compute &a, const core::Compute &b) {
    return a.dtype == b.dtype && a.support == b.support && a.ops_per_second == b.ops_per_second &&
           a.sparse_ops_per_second == b.sparse_ops_per_second;
}

bool same_attr(const Device &a, const Device &b, std::string_view key) {
    const core::Attr *one = a.find_attr(key), *other = b.find_attr(key);
    if (one == nullptr || other == nullptr)
        return one == other;
    return one->type == other->type && one->i == other->i && one->s == other->s;
}

} // namespace

bool as_fast(const Device &a, const Device &b) {
    constexpr uint32_t flags = core::DeviceIntegrated | core::DevicePartition;
    return a.kind == b.kind && (a.flags & flags) == (b.flags & flags) &&
           a.compute_units.value == b.compute_units.value && a.clock_hz.value == b.clock_hz.value &&
           std::equal(a.memories.begin(), a.memories.end(), b.memories.begin(), b.memories.end(),
                      same_memory) &&
           std::equal(a.compute.begin(), a.compute.end(), b.compute.begin(), b.compute.end(),
                      same_compute) &&
           a.name.value == b.name.value && a.vendor.value == b.vendor.value &&
           a.architecture.value == b.architecture.value &&
           same_attr(a, b, "cuda.compute_capability") &&
           same_attr(a, b, "host.network_bytes_per_second");
}

bool alike(const Device &a, const Device &b) {
    return std::equal(a.memories.begin(), a.memories.end(), b.memories.begin(), b.memories.end(),
                      same_size) &&
           as_fast(a, b);
}

} // namespace hwa::plan
