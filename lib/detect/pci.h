// SPDX-License-Identifier: MIT
// Devices on the PCI bus.
#pragma once

#include "core/system.h"
#include "os/host.h"

namespace hwa::detect {

/// Adds a device for every display and accelerator function on the bus, known or not. Fails when
/// the bus could not be looked at; that there is none is no failure.
base::Done find_pci(const os::Host &host, core::System &system);

} // namespace hwa::detect
