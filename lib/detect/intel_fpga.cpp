// SPDX-License-Identifier: MIT
// Intel's FPGA cards with a device feature list. Documents: Linux Documentation/fpga/dfl.rst,
// Documentation/ABI/testing/sysfs-platform-dfl-{fme,port}; ids of drivers/fpga/dfl-pci.c.
#include "detect/families.h"

#include "base/text.h"
#include "detect/pci_access.h"

namespace hwa::detect {

using core::Device;
using core::Kind;
using core::Source;

static constexpr Chip chips[] = {
    {0x8086, 0x09c4, 0x09c5, Kind::Fpga, "Intel PAC with Arria 10 GX", "arria10"},
    {0x8086, 0x0b2b, 0x0b2c, Kind::Fpga, "Intel PAC D5005", "stratix10"},
    {0x8086, 0x0b30, 0x0b31, Kind::Fpga, "Intel PAC N3000", "arria10"},
    {0x8086, 0xbcbd, 0xbcbd, Kind::Fpga, "", ""},
    {0x8086, 0xbcbf, 0xbcc1, Kind::Fpga, "", ""},
    {0x8086, 0xbcce, 0xbccf, Kind::Fpga, "", ""},
};

/// First entry of a folder that begins so; "" if there is none.
static std::string entry(const PciSubject &subject, const std::string &folder,
                         std::string_view prefix) {
    if (const auto names = subject.host.list(subject.path(folder.c_str()), 64))
        for (const std::string &name : *names)
            if (name.starts_with(prefix))
                return folder + '/' + name;
    return "";
}

/// The node that the driver made for a part of the card, by its uevent; "" if it made none.
static std::string node_of(const PciSubject &subject, const std::string &folder) {
    const auto text = subject.host.read_file(subject.path((folder + "/uevent").c_str()));
    if (text)
        for (const std::string_view line : base::split(*text, '\n'))
            if (constexpr std::string_view key = "DEVNAME="; line.starts_with(key))
                return "/dev/" + base::sanitise(base::trim(line.substr(key.size())));
    return "";
}

static void put_number(const PciSubject &subject, const std::string &folder, const char *file,
                       const char *key, Device &device) {
    constexpr uint64_t sane = uint64_t{1} << 32;
    const auto value = subject.number((folder + '/' + file).c_str());
    if (value && *value < sane)
        device.put_attr(core::attr_int(key, static_cast<int64_t>(*value), Source::Kernel));
}

/// Written as hexadecimal numbers of up to 64 bits with a mark.
static void put_code(const PciSubject &subject, const std::string &folder, const char *file,
                     const char *key, Device &device) {
    const std::string text = subject.text((folder + '/' + file).c_str());
    if (text.starts_with("0x") && base::parse_u64(std::string_view(text).substr(2), 16))
        device.put_attr(core::attr_text(key, text, Source::Kernel));
}

static void describe(const PciSubject &subject, Device &device) {
    if (subject.function.driver != "dfl-pci" && subject.function.driver != "intel-fpga-pci")
        return;
    const std::string region = entry(subject, "fpga_region", "region");
    if (region.empty())
        return;
    const std::string manager = entry(subject, region, "dfl-fme.");
    if (!manager.empty()) {
        put_code(subject, manager, "bitstream_id", "fpga.bitstream_id", device);
        put_code(subject, manager, "bitstream_metadata", "fpga.bitstream_metadata", device);
        put_number(subject, manager, "ports_num", "fpga.ports", device);
    } else if (device.parent.empty() && !subject.function.address.ends_with(".0")) {
        // A card shows further functions beside the one that manages it.
        device.flags |= core::DevicePartition;
        device.parent = device.id.substr(0, device.id.rfind('.')) + ".0";
    }
    const std::string port = entry(subject, region, "dfl-port.");
    std::string node = port.empty() ? "" : node_of(subject, port);
    if (node.empty() && !manager.empty())
        node = node_of(subject, manager);
    if (node.empty())
        return;
    try_node(subject.host, node, device);
    if (device.access == base::Status::Ok)
        device.access_message.clear();
}

constexpr Family intel_fpga_family = {"dfl-pci", chips, nullptr, nullptr, describe};

} // namespace hwa::detect
