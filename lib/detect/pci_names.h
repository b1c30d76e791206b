// SPDX-License-Identifier: MIT
// Names of PCI devices by the list that the system has.
#pragma once

#include "core/system.h"
#include "os/host.h"

namespace hwa::detect {

/// Names the devices that no table of ours names by pci.ids, if the system has that file.
void name_by_system(const os::Host &host, core::System &system);

} // namespace hwa::detect
