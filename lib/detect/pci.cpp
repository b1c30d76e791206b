// SPDX-License-Identifier: MIT
// Displays and accelerators that have no file of their own. Classes are those of the PCI Code and
// ID Assignment Specification.
#include "detect/pci.h"

#include <algorithm>

namespace hwa::detect {

static constexpr uint32_t class_display = 0x03;
static constexpr uint32_t class_accelerator = 0x12;
static constexpr uint32_t subclass_coprocessor = 0x0b40;

bool is_compute_class(const os::PciFunction &function) {
    const uint32_t base_class = function.class_code >> 16;
    return base_class == class_display || base_class == class_accelerator ||
           function.class_code >> 8 == subclass_coprocessor;
}

const Family pci_family = {"", {}, is_compute_class};

base::Done find_pci(const Machine &machine, core::System &system) {
    if (!machine.pci && machine.pci.error().status == base::Status::NotFound)
        return base::error(base::Status::NotFound, "the kernel shows no PCI bus at %s",
                           os::pci_folder);
    if (!machine.pci)
        return machine.pci.error();
    HWA_CHECK(find_family(machine, "pci", pci_family, system));
    if (!machine.pci->fault)
        return machine.pci->fault.error();
    const auto on_bus = [](const core::Device &device) { return device.id.starts_with("pci-"); };
    if (std::any_of(system.devices.begin(), system.devices.end(), on_bus))
        return {};
    return base::error(base::Status::NotFound,
                       "none of the %zu functions on the PCI bus is a display or an accelerator",
                       machine.pci->functions.size());
}

} // namespace hwa::detect
