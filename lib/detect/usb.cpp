// SPDX-License-Identifier: MIT
// Devices on USB have no driver of the kernel's: libraries open their nodes below /dev/bus/usb
// (Linux Documentation/driver-api/usb/usb.rst).
#include "detect/usb.h"

#include "base/text.h"
#include "detect/pci_access.h"
#include "detect/sheet.h"

namespace hwa::detect {

using core::Device;
using core::Source;

static Device usb_device(const Machine &machine, const os::UsbDevice &at, const UsbProduct &product,
                         const char *backend, const char *vendor) {
    Device device;
    device.backends = {backend};
    device.id = "usb-" + at.place;
    device.kind = product.kind;
    device.name = {product.name, Source::Table};
    device.vendor = {vendor, Source::Table};
    device.architecture = {product.architecture, Source::Table};
    device.put_attr(core::attr_text("usb.id", base::format("%04x:%04x", at.vendor, at.product),
                                    Source::Kernel));
    if (*product.state != '\0')
        device.put_attr(core::attr_text("usb.state", product.state, Source::Table));
    if (at.node.empty()) {
        device.access = base::Status::Unavailable;
        device.access_message = "the kernel names no device node of it";
    } else {
        try_node(machine.host, "/dev/" + at.node, device);
    }
    put_sheet(device);
    return device;
}

void find_usb(const Machine &machine, const char *backend, const char *vendor,
              std::span<const UsbProduct> products, core::System &system) {
    for (const os::UsbDevice &at : machine.usb)
        for (const UsbProduct &product : products)
            if (at.vendor == product.vendor && at.product == product.product)
                system.devices.push_back(usb_device(machine, at, product, backend, vendor));
}

} // namespace hwa::detect
