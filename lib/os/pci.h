// SPDX-License-Identifier: MIT
// The PCI bus of a Host, one small file for each function.
#pragma once

#include "base/status.h"
#include "os/host.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hwa::os {

/// Folder of all functions, each a link by its address.
inline constexpr const char *pci_folder = "/sys/bus/pci/devices/";

/// One function of a device on the bus.
struct PciFunction {
    std::string address;     ///< "0000:c1:00.0"; domains can have more than four digits
    uint32_t class_code = 0; ///< 24 bits: class, subclass, interface
    uint32_t vendor = 0;
    uint32_t device = 0;
    uint32_t subsystem_vendor = 0;
    uint32_t subsystem_device = 0;
    std::string driver; ///< "" if none is bound
};

/// What a look at the bus gave.
struct PciBus {
    std::vector<PciFunction> functions; ///< in order of address
    base::Done fault;                   ///< what was wrong with the first one left out
};

/// Every function. Never reads the configuration space, which is slow and can wake a sleeping
/// device. One that goes away while it is looked at is left out without a fault. Range if there are
/// more than a machine can have.
base::Result<PciBus> pci_bus(const Host &host);

} // namespace hwa::os
