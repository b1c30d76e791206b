// SPDX-License-Identifier: MIT
// Machine: what the kernel tier looks at, each bus read once for all probes.
#pragma once

#include "base/status.h"
#include "os/host.h"
#include "os/pci.h"
#include "os/platform.h"
#include "os/usb.h"

#include <vector>

namespace hwa::detect {

struct Machine {
    const os::Host &host;
    base::Result<os::PciBus> pci;
    std::vector<os::UsbDevice> usb;           ///< none where there is no such bus
    std::vector<os::PlatformDevice> platform; ///< of the device tree; none where there is no tree

    explicit Machine(const os::Host &machine)
        : host(machine), pci(os::pci_bus(machine)), usb(os::usb_bus(machine)),
          platform(os::platform_bus(machine)) {}
};

} // namespace hwa::detect
