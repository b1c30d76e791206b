// SPDX-License-Identifier: MIT
// Candidates: the devices a plan may use, and the sets of them worth trying.
#pragma once

#include "core/system.h"
#include "plan/plan.h"
#include "plan/search/partition.h"

#include <vector>

namespace hwa::plan {

/// A device with what the search asks of it.
struct Candidate {
    const core::Device *device = nullptr;
    Room room;
    Rates rates;
    bool host_memory = false; ///< its memory is the host's, so two such devices share one pool
};

/// Devices to use together, in the order that data passes; indices of candidates.
using DeviceSet = std::vector<uint32_t>;

/// The fastest link of known speed between two candidates.
struct Wire {
    uint32_t a = 0, b = 0; ///< indices of candidates, a < b
    uint64_t bytes_per_second = 0;
    uint32_t latency_ns = 0;
};

struct Candidates {
    std::vector<Candidate> all;         ///< accelerators before processors, roomier ones first
    std::vector<DeviceSet> accelerated; ///< without processors
    std::vector<DeviceSet> with_processor;
    std::vector<const core::Device *> blind; ///< left out because their memory is not known
    std::vector<Wire> wires;                 ///< by their ends, each pair once

    /// Null where no link of known speed joins the two.
    const Wire *find_wire(uint32_t one, uint32_t other) const;
};

/// Independent of the order of devices in the system and in the options.
Candidates find_candidates(const core::System &system, const Options &options, double headroom);

} // namespace hwa::plan
