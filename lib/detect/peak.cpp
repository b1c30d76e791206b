// SPDX-License-Identifier: MIT
// The two formulas. A multiply-add counts as two operations.
#include "detect/peak.h"

#include "base/units.h"

namespace hwa::detect {

using core::Compute;
using core::Source;

static Compute *find_row(core::Device &device, core::Dtype dtype) {
    for (Compute &row : device.compute)
        if (row.dtype == dtype)
            return &row;
    return nullptr;
}

void put_peaks(std::span<const data::MacRate> rates, core::Device &device) {
    const double macs_to_ops =
        2.0 * device.compute_units.value * static_cast<double>(device.clock_hz.value);
    if (macs_to_ops == 0)
        return;
    for (const data::MacRate &rate : rates) {
        const double dense = rate.macs * macs_to_ops;
        const double sparse = rate.sparse_macs * macs_to_ops;
        Compute *known = find_row(device, rate.dtype);
        if (known == nullptr) {
            device.put_compute({rate.dtype, core::Support::Native, dense, sparse, Source::Derived});
        } else if (known->ops_per_second == 0) {
            known->ops_per_second = dense;
            known->sparse_ops_per_second = sparse;
            known->source = Source::Derived;
        }
    }
}

void put_bandwidth(core::Memory &memory, uint32_t bus_bits, uint64_t clock_hz, uint32_t transfers) {
    if (bus_bits != 0 && memory.bus_bits == 0)
        memory.bus_bits = bus_bits;
    const auto per_line = base::checked_mul(clock_hz, transfers);
    const auto bits = base::checked_mul(per_line.value_or(0), bus_bits);
    if (bits && *bits != 0)
        memory.bytes_per_second.offer(*bits / 8, Source::Derived);
}

} // namespace hwa::detect
