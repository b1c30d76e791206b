// SPDX-License-Identifier: MIT
// Match: which of the devices that a runtime shows is the one that detection saw.
#pragma once

#include "base/status.h"
#include "core/device.h"

#include <span>
#include <string>

namespace hwa::launch {

/// A device as the runtime shows it to this process; what it does not tell is empty or 0.
struct Shown {
    std::string index;         ///< the runtime's own, in detection's form: "0", "1:0"
    std::string name;          ///< as the runtime spells it
    std::string uuid;          ///< 32 hex digits
    std::string pci;           ///< "0000:c1:00.0"
    uint32_t render_minor = 0; ///< of its DRM render node
    uint32_t pci_vendor = 0;
    uint32_t pci_device = 0;
};

/// The place of the device in `shown`: by uuid, else PCI address, else render node, else by name
/// and index among those left. Unavailable if it is not there, for instance hidden by a variable
/// of the environment; Ambiguous, naming them, if several are left.
base::Result<size_t> match_device(const core::Device &device, const core::Runtime &runtime,
                                  std::span<const Shown> shown);

} // namespace hwa::launch
