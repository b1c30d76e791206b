// SPDX-License-Identifier: MIT
// Collectives: seconds of what devices send each other, by the kind of their link and their number.
#pragma once

#include "core/system.h"
#include "plan/time/chip.h"

#include <cstdint>
#include <span>

namespace hwa::plan {

/// What joins the devices of a machine.
enum class Wire : uint8_t {
    NvLink3, ///< and older ones, and fabrics of other makers
    NvLink4,
    NvLink5,
    Pcie4, ///< without access from device to device; also what is slower
    Pcie5,
    XePcie, ///< oneCCL over PCIe
};
inline constexpr size_t wire_count = 6;

enum class Collective : uint8_t { AllReduce, AllGather, ReduceScatter, AllToAll, SendReceive };

/// Devices in islands joined by a wire, and the islands by a network.
struct Fabric {
    Wire wire = Wire::Pcie4;
    double bytes_per_second = 0;         ///< of one device over the wire, one way
    uint32_t island = 1;                 ///< devices of one island
    double network_bytes_per_second = 0; ///< of one device, one way; 0: not known
};

/// The fabric of these devices, from the links of the system and, where it has none, from the class
/// of the chips: a link that is not stated is taken to be the one they are sold with.
Fabric fabric_of(const core::System &system, std::span<const core::Device *const> devices);

/// Seconds over `ranks` devices that lie `stride` apart in the order of islands: with a stride of
/// 8 and islands of 8, each rank is in an island of its own. `bytes` are those of the whole tensor:
/// what each rank has after a gather or before a scatter, and holds in an exchange of all with all.
double collective_seconds(const Fabric &fabric, Collective what, double ranks, double bytes,
                          double stride = 1);

/// What 80 % of such predictions stay within, up and down.
double collective_error(const Fabric &fabric, Collective what);

} // namespace hwa::plan
