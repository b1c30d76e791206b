// SPDX-License-Identifier: MIT
// Whether this process may open a device, and what to do if not.
#pragma once

#include "core/device.h"
#include "detect/family.h"

#include <string>

namespace hwa::detect {

/// Sets access, its message, and HWA_DEVICE_USABLE of a PCI device.
void find_access(const PciSubject &subject, const Family &family, core::Device &device);

/// The same by the path of a device node, which need not exist. It becomes the attribute
/// "device.node".
void try_node(const os::Host &host, const std::string &node, core::Device &device);

} // namespace hwa::detect
