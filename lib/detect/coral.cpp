// SPDX-License-Identifier: MIT
// Google's Edge TPU on PCI and on USB, where its ids change once it has its firmware. Documents:
// google/gasket-driver src/{apex_driver,gasket_core}.c, google-coral/libedgetpu
// driver/usb/usb_driver*.
#include "detect/families.h"

#include "detect/usb.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x1ac1, 0x089a, 0x089a, Kind::Asic, "Coral Edge TPU", "edgetpu"},
};

static std::string node(const PciSubject &subject) {
    return class_node(subject, "apex");
}

static void describe(const PciSubject &subject, core::Device &device) {
    const core::Attr *at = device.find_attr("device.node");
    if (subject.function.driver != "apex" || at == nullptr)
        return;
    const std::string file = "apex" + at->s.substr(at->s.rfind('/')) + "/driver_version";
    put_version(device, "coral.driver_version", subject.text(file.c_str()));
}

constexpr Family coral_family = {"apex", chips, nullptr, node, describe};

static constexpr UsbProduct products[] = {
    {0x18d1, 0x9302, Kind::Asic, "Coral Edge TPU", "edgetpu", ""},
    {0x1a6e, 0x089a, Kind::Asic, "Coral Edge TPU", "edgetpu",
     "it gets its firmware, and other USB ids, when libedgetpu first opens it"},
};

base::Done find_coral_usb(const Machine &machine, core::System &system) {
    find_usb(machine, "coral", "coral", products, system);
    return {};
}

} // namespace hwa::detect
