// SPDX-License-Identifier: MIT
// Whether this process may open a PCI device, and what to do if not.
#pragma once

#include "core/device.h"
#include "os/host.h"
#include "os/pci.h"

namespace hwa::detect {

/// Sets access, its message, and HWA_DEVICE_USABLE.
void find_access(const os::Host &host, const os::PciFunction &function, core::Device &device);

} // namespace hwa::detect
