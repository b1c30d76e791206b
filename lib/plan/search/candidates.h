// SPDX-License-Identifier: MIT
// Candidates: the devices a plan may use, those that it cannot tell apart taken together.
#pragma once

#include "core/system.h"
#include "plan/links.h"
#include "plan/plan.h"

#include <vector>

namespace hwa::plan {

/// Devices with the same facts, as far as planning goes.
struct DeviceClass {
    core::Kind kind = core::Kind::Unknown;
    uint64_t room = 0; ///< bytes of each that may be filled
    Rates rates;
    std::vector<uint64_t> rooms; ///< of each device, where they differ; `room` is the largest then
    bool host_memory = false;    ///< it is the host's, so two such devices of a host share one pool
    /// Those of one domain stand together, larger domains first.
    std::vector<const core::Device *> devices;
    /// Where each domain begins, and the end of the last. Devices of a domain are of one host, with
    /// a fabric or PCIe between them: tensors can be split over them.
    std::vector<uint32_t> domains;

    /// How many groups of so many devices its domains hold.
    uint64_t groups(uint32_t devices_each) const;
    /// The first device of each group, the roomiest group first.
    std::vector<uint32_t> group_starts(uint32_t devices_each) const;
    /// Of the fullest device of a group.
    uint64_t group_room(uint32_t start, uint32_t devices_each) const {
        return rooms.empty() ? room : rooms[start + devices_each - 1];
    }
    /// Devices of different hosts have different pools.
    uint32_t pools() const;
};

struct Candidates {
    std::vector<DeviceClass> classes; ///< accelerators before processors, roomier ones first
    /// Classes that differ in nothing but their room taken together, as far as there are such: what
    /// tensors can be split over. Roomier devices come first in each domain.
    std::vector<DeviceClass> merged;
    std::vector<const core::Device *> blind; ///< left out because their memory is not known

    const std::vector<DeviceClass> &kin() const { return merged.empty() ? classes : merged; }
};

/// Independent of the order of devices in the system and in the options.
Candidates find_candidates(const core::System &system, const Links &links, const Options &options,
                           double headroom);

} // namespace hwa::plan
