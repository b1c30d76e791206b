// SPDX-License-Identifier: MIT
// What Level Zero's system management tells of a device: limits, memory modules, fabric ports.
#pragma once

#include "api/level_zero.h"
#include "core/device.h"

#include <string>
#include <vector>

namespace hwa::detect {

/// One device of the management interface, by the id that its PCI address gives.
struct SysmanDevice {
    std::string id;
    zes_device_handle_t handle;
};

/// All of them; none where the loader is too old or the drivers refuse.
std::vector<SysmanDevice> list_sysman(const api::LevelZero &ze);

/// Puts in what is told of the device with its id.
void put_sysman(const api::LevelZero &ze, const std::vector<SysmanDevice> &all,
                core::Device &device);

} // namespace hwa::detect
