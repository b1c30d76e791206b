// SPDX-License-Identifier: MIT
// The system behind the handles hwa_system_t and hwa_device_t, shared by all that is made from it.
#pragma once

#include <hwa/hwa.h>

#include "base/log.h"
#include "base/once.h"
#include "core/system.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::capi {
struct SystemState;
}

struct hwa_device_t {
    const hwa::core::Device *facts = nullptr;
    const hwa_device_t *parent = nullptr;
    const hwa::capi::SystemState *system = nullptr;
    std::string backends; ///< those that vouch for it, comma-separated
};

namespace hwa::capi {

/// An immutable system. Kept alive by its handle and by every plan and queue made over it.
struct SystemState : std::enable_shared_from_this<SystemState> {
    core::System system;
    base::Log log;
    std::string library_path;                ///< the only folder that drivers were looked for in
    std::vector<hwa_device_t> devices;       ///< in the order of system.devices
    std::vector<const hwa_device_t *> by_id; ///< the same, in the order of their ids
    mutable base::Once json_once;
    mutable std::string json;

    const hwa_device_t *find(std::string_view id) const;
    /// The handle of a device, or NULL if it is of another system.
    bool owns(const hwa_device_t *device) const {
        return device != nullptr && device->system == this;
    }
};

/// Makes the shared state of a system, handles and all.
std::shared_ptr<const SystemState> make_state(core::System system, base::Log log,
                                              std::string library_path);

} // namespace hwa::capi

struct hwa_system_t {
    std::shared_ptr<const hwa::capi::SystemState> state;
};
