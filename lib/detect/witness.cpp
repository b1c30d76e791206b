// SPDX-License-Identifier: MIT
// Identities of devices as drivers tell them.
#include "detect/witness.h"

#include "base/text.h"
#include "data/pci_vendors.h"

#include <algorithm>
#include <cstring>

namespace hwa::detect {

std::string pci_id(uint32_t domain, uint32_t bus, uint32_t device, uint32_t function) {
    return base::format("pci-%04x:%02x:%02x.%x", domain, bus, device, function);
}

std::string uuid_text(std::span<const uint8_t, 16> bytes) {
    if (std::all_of(bytes.begin(), bytes.end(), [&](uint8_t b) { return b == bytes[0]; }))
        return {};
    std::string text;
    for (const uint8_t byte : bytes)
        text += base::format("%02x", byte);
    return text;
}

std::string field_text(std::span<const char> field) {
    return base::sanitise({field.data(), ::strnlen(field.data(), field.size())});
}

void name_vendor(core::Device &device, uint32_t vendor) {
    // From vk.xml, enumeration VkVendorId: makers of drivers that are no makers of chips.
    static constexpr struct {
        uint32_t id;
        const char *name;
    } registry[] = {{0x10001, "vivante"}, {0x10002, "verisilicon"}, {0x10004, "codeplay"},
                    {0x10005, "mesa"},    {0x10006, "pocl"},        {0x10007, "mobileye"}};
    for (const auto &row : registry)
        if (row.id == vendor)
            device.vendor.offer(row.name, core::Source::Driver);
    if (const data::PciVendor *row = data::find_pci_vendor(vendor); row != nullptr)
        device.vendor.offer(row->name, core::Source::Driver);
}

bool would_wake(const core::Device &device) {
    const core::Attr *power = device.find_attr("power.runtime_status");
    return power != nullptr && power->s == "suspended" && device.driver.value != "vfio-pci" &&
           device.driver.value != "nouveau";
}

void mark_software(core::Device &device, const char *backend, uint32_t index) {
    device.id = base::format("sw-%s-%u", backend, index);
    device.kind = core::Kind::Cpu;
    device.flags |= core::DeviceSoftware;
    device.uuid.clear();
    device.memories.clear(); // it is the host's
}

void name_unlisted(core::Device &device, const char *backend, uint32_t index) {
    device.id = device.uuid.empty() ? base::format("%s-%u", backend, index) : "uuid-" + device.uuid;
}

} // namespace hwa::detect
