// SPDX-License-Identifier: MIT
// HostTier: the memory of hosts, behind that of their devices, for what training moves away.
#pragma once

#include "core/system.h"
#include "plan/links.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>

namespace hwa::plan {

/// Of one device, where all devices of its host are at it at once; 0 is not known.
struct HostTier {
    double copy_rate = 0;   ///< bytes per second to the device or from it
    double update_rate = 0; ///< bytes per second that its share of an optimizer passes over
};

/// The processors of hosts, the roomiest of each.
class Processors {
  public:
    void add(const core::Device &processor);
    /// NULL: none.
    const core::Device *of(const core::Device &device) const;
    bool empty() const { return processors_.empty(); }
    /// The slowest of these devices, which are of several hosts perhaps.
    HostTier tier(const Links &links, std::span<const core::Device *const> devices) const;

  private:
    std::unordered_map<std::string_view, const core::Device *> processors_;
};

/// Those of a system.
Processors processors_of(const core::System &system);

} // namespace hwa::plan
