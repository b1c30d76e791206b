// SPDX-License-Identifier: MIT
// The rows of drivers that are not asked.
#include "detect/driver_tier.h"

#include "detect/probe.h"

namespace hwa::detect {

void ask_drivers(const os::Host &, const Options &options, core::System &system) {
    for (const Probe &probe : probes()) {
        if (!probe.driver || skip_reason(probe, options).has_value())
            continue;
        core::Backend row;
        row.name = probe.name;
        row.flags = probe.flags;
        row.outcome = core::Outcome::Skipped;
        row.message = "no helper process to ask the driver with";
        system.backends.push_back(std::move(row));
    }
}

} // namespace hwa::detect
