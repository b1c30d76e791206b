// SPDX-License-Identifier: MIT
// AMD Pensando's DPUs by the public PCI ID list (pci-ids.ucw.cz). Cards for the network alone have
// the same ids and are told by their boards.
#include "detect/families.h"

namespace hwa::detect {

using core::Device;
using core::Source;

static constexpr uint32_t ethernet = 0x1002, ethernet_vf = 0x1003;
static constexpr uint32_t pollara = 0x5201; // a network card

static bool is_dpu(const os::PciFunction &function) {
    return function.vendor == 0x1dd8 &&
           (function.device == ethernet || function.device == ethernet_vf) &&
           function.subsystem_device != pollara;
}

static void describe(const PciSubject &subject, Device &device) {
    device.kind = core::Kind::Dpu;
    device.name = {subject.function.device == ethernet ? "AMD Pensando DSC" : "AMD Pensando DSC VF",
                   Source::Table};
}

constexpr Family pensando_family = {"ionic", {}, is_dpu, nullptr, describe};

} // namespace hwa::detect
