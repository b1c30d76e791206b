// SPDX-License-Identifier: MIT
// What is left on the PCI bus when every family has looked.
#pragma once

#include "detect/family.h"

namespace hwa::detect {

/// Displays and accelerators of any maker, by class.
extern const Family pci_family;

/// Adds a device for every display and accelerator function that no family claimed, known or not,
/// and tells what was wrong with the bus.
base::Done find_pci(const Machine &machine, core::System &system);

} // namespace hwa::detect
