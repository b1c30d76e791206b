// SPDX-License-Identifier: MIT
// HostRooms: whether the memory of hosts holds what devices move there.
#pragma once

#include "plan/host_tier.h"
#include "plan/search/candidates.h"

#include <span>
#include <unordered_map>

namespace hwa::plan {

class HostRooms {
  public:
    explicit HostRooms(const Candidates &found);

    const Processors &processors() const { return processors_; }
    /// Whether there is room were all devices of a class to move so much.
    bool holds(const DeviceClass &where, uint64_t bytes_each);
    struct Moved {
        const core::Device *device = nullptr;
        uint64_t bytes = 0;
    };
    /// What the host that lacks most lacks; 0: there is room.
    uint64_t lack(std::span<const Moved> moved) const;

  private:
    uint64_t room_of(const core::Device &device) const;

    Processors processors_;
    std::unordered_map<const core::Device *, uint64_t> rooms_;     ///< of processors
    std::unordered_map<const DeviceClass *, uint64_t> least_each_; ///< that fits for each device
};

} // namespace hwa::plan
