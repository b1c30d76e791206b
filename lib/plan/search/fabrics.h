// SPDX-License-Identifier: MIT
// Fabrics: what lies between the devices that layouts take, and behind them.
#pragma once

#include "plan/host_tier.h"
#include "plan/search/candidates.h"
#include "plan/search/layouts.h"
#include "plan/time/collectives.h"

#include <map>
#include <memory>
#include <vector>

namespace hwa::plan {

/// Of one class. What is farther than some thousand devices away does not change them.
class Fabrics {
  public:
    Fabrics(const core::System &system, const Links &links, const Processors &processors,
            const DeviceClass &where);

    const Fabric *of(const Layout &layout);
    const HostTier *tier(const Layout &layout);

  private:
    struct Around {
        std::unique_ptr<Fabric> fabric;
        std::unique_ptr<HostTier> tier;
    };
    Around &around(const Layout &layout);
    std::vector<const core::Device *> devices(const Layout &layout) const;

    const Links &links_;
    const Processors &processors_;
    const DeviceClass &where_;
    core::System near_; ///< the first device's links alone
    std::map<std::pair<uint32_t, uint64_t>, Around> made_;
};

} // namespace hwa::plan
