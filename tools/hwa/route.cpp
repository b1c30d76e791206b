// SPDX-License-Identifier: MIT
#include "route.h"

#include "text.h"

namespace hwa::tool {

namespace {

/// Why a device that was named cannot be run on, or not with the runtime that was named.
int refuse(const hwa_device_t *device, const std::string &runtime) {
    const hwa_device_info_t info = info_of(device);
    std::vector<std::string> names;
    for (uint32_t i = 0; i < info.runtime_count; ++i) {
        const hwa_runtime_info_t one = runtime_at(device, i);
        if (one.status == HWA_OK)
            names.push_back(or_empty(one.name));
        else if (runtime.empty() || runtime == or_empty(one.name))
            return fail(ExitNothing,
                        or_empty(info.id) + ", runtime " + or_empty(one.name) + ": " +
                            (one.message ? one.message : hwa_status_name(one.status)),
                        "'hwa doctor' says what to install");
    }
    const std::string have = names.empty() ? "nothing" : join(names);
    return fail(ExitNothing,
                or_empty(info.id) + " cannot be run with " +
                    (runtime.empty() ? "any runtime" : "'" + runtime + "'") + "; it can with " +
                    have,
                "'hwa info " + or_empty(info.id) + "' lists its runtimes");
}

/// The same of the first device that the runtime could drive, where there is one.
int refuse_all(const hwa_system_t *system, const std::string &runtime) {
    for (const hwa_device_t *device : devices_of(system))
        for (uint32_t i = 0; i < info_of(device).runtime_count; ++i)
            if (runtime.empty() || runtime == or_empty(runtime_at(device, i).name))
                return refuse(device, runtime);
    return fail(ExitNothing,
                runtime.empty() ? "no device here can be run on"
                                : "no device here runs with '" + runtime + "'",
                "'hwa doctor' says what to install");
}

void add_routes(std::vector<Route> &routes, const hwa_device_t *device,
                const std::string &runtime) {
    for (uint32_t i = 0; i < info_of(device).runtime_count; ++i) {
        const hwa_runtime_info_t one = runtime_at(device, i);
        if (one.status == HWA_OK && (runtime.empty() || runtime == or_empty(one.name)))
            routes.push_back({device, or_empty(one.name)});
    }
}

} // namespace

std::vector<Route> find_routes(const hwa_system_t *system, const Arguments &arguments, int *exit) {
    std::vector<Route> routes;
    if (!arguments.device.empty()) {
        const hwa_device_t *device = hwa_system_find_device(system, arguments.device.c_str());
        if (device == nullptr) {
            *exit = no_such_device(system, arguments.device);
            return routes;
        }
        add_routes(routes, device, arguments.runtime);
        if (routes.empty())
            *exit = refuse(device, arguments.runtime);
        return routes;
    }
    for (const hwa_device_t *device : devices_of(system))
        add_routes(routes, device, arguments.runtime);
    if (routes.empty())
        *exit = refuse_all(system, arguments.runtime);
    return routes;
}

} // namespace hwa::tool
