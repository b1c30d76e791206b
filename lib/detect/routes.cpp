// SPDX-License-Identifier: MIT
// Routes: what is said of a device's runtimes once all backends have been heard.
#include "detect/routes.h"

#include "data/visibility.h"

namespace hwa::detect {

/// "opencl.environment": a driver's own numbering holds as long as this is so.
static void note_environment(const os::Host &host, core::Device &device) {
    const auto lookup = [&](const char *name) { return host.environment(name); };
    for (const core::Runtime &runtime : device.runtimes) {
        std::string set = data::visibility_text(runtime.name, lookup);
        if (!set.empty())
            device.put_attr(core::attr_text(runtime.name + ".environment", std::move(set),
                                            core::Source::Measured));
    }
}

void find_routes(const os::Host &host, core::System &system) {
    for (core::Device &device : system.devices)
        note_environment(host, device);
}

} // namespace hwa::detect
