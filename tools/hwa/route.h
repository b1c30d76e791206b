// SPDX-License-Identifier: MIT
// Route: a device and a runtime that drives it.
#pragma once

#include "library.h"

#include <string>
#include <vector>

namespace hwa::tool {

struct Route {
    const hwa_device_t *device = nullptr;
    std::string runtime;
};

/// All that can be run on, best first; of one device or one runtime where these are named. Where
/// there is none, the error has been said, and `*exit` is set.
std::vector<Route> find_routes(const hwa_system_t *system, const Arguments &arguments, int *exit);

} // namespace hwa::tool
