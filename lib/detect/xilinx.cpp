// SPDX-License-Identifier: MIT
// Cards with FPGAs of Xilinx by the ids and files of XRT's drivers (src/runtime_src/core/pcie/
// driver/linux/xocl/devices.h, subdev/feature_rom.c, src/runtime_src/doc/toc/sysfs.rst). A card has
// a function for users and one that manages it; golden images have the latter alone.
#include "detect/families.h"

#include "base/units.h"

namespace hwa::detect {

using core::Device;
using core::Kind;
using core::Source;

static constexpr Chip chips[] = {
    {0x10ee, 0x5000, 0x5001, Kind::Fpga, "Xilinx Alveo U200", ""},
    {0x10ee, 0x5004, 0x5005, Kind::Fpga, "Xilinx Alveo U250", ""},
    {0x10ee, 0x500c, 0x500d, Kind::Fpga, "Xilinx Alveo U280", ""},
    {0x10ee, 0x5020, 0x5021, Kind::Fpga, "Xilinx Alveo U50", ""},
    {0x10ee, 0x5034, 0x5035, Kind::Fpga, "Xilinx Alveo U2", ""},
    {0x10ee, 0x503c, 0x503d, Kind::Fpga, "Xilinx Alveo U30", ""},
    {0x10ee, 0x5044, 0x5045, Kind::Fpga, "Xilinx VCK5000", ""},
    {0x10ee, 0x5048, 0x5049, Kind::Fpga, "Xilinx VCK5000", ""},
    {0x10ee, 0x504e, 0x504f, Kind::Fpga, "Xilinx Alveo U26z", ""},
    {0x10ee, 0x5050, 0x5051, Kind::Fpga, "Xilinx Alveo U25", ""},
    {0x10ee, 0x505c, 0x505d, Kind::Fpga, "Xilinx Alveo U55C", ""},
    {0x10ee, 0x506c, 0x506d, Kind::Fpga, "Xilinx Alveo U50C", ""},
    {0x10ee, 0x5074, 0x5075, Kind::Fpga, "Xilinx Alveo X3522", ""},
    {0x10ee, 0x5094, 0x5095, Kind::Fpga, "AMD Alveo V70", ""},
    {0x10ee, 0x50b0, 0x50b1, Kind::Fpga, "AMD Alveo V70", ""},
    {0x10ee, 0x50b4, 0x50b5, Kind::Fpga, "AMD Alveo V80", ""},
    {0x10ee, 0x6098, 0x6099, Kind::Fpga, "Xilinx VCK190", ""},
    {0x10ee, 0x6987, 0x6988, Kind::Fpga, "Xilinx SmartSSD", ""},
    {0x10ee, 0xd000, 0xd000, Kind::Fpga, "Xilinx Alveo U200 (golden image)", ""},
    {0x10ee, 0xd004, 0xd004, Kind::Fpga, "Xilinx Alveo U250 (golden image)", ""},
    {0x10ee, 0xd00c, 0xd00c, Kind::Fpga, "Xilinx Alveo U280 (golden image)", ""},
    {0x10ee, 0xd020, 0xd020, Kind::Fpga, "Xilinx Alveo U50 (golden image)", ""},
    {0x1d0f, 0x1042, 0x1042, Kind::Fpga, "AWS F1", ""},
    {0x1d0f, 0x9048, 0x9048, Kind::Fpga, "AWS F2", ""},
    {0x1d0f, 0x9248, 0x9248, Kind::Fpga, "AWS F2", ""},
    {0x1d0f, 0xf010, 0xf011, Kind::Fpga, "AWS F1", ""},
};

/// What else XRT drives, by its drivers alone.
static bool is_driven(const os::PciFunction &function) {
    return function.vendor == 0x10ee && (function.driver == "xocl" || function.driver == "xclmgmt");
}

/// Work goes through the render node of xocl, never through that of the manager.
static std::string node(const PciSubject &subject) {
    return subject.function.driver == "xclmgmt" ? "" : render_node(subject);
}

/// Name of the folder of the sub-device that reads the card's description, such as "rom.u.1025/";
/// "" if there is none.
static std::string rom_folder(const PciSubject &subject) {
    if (const auto names = subject.host.list(os::pci_folder + subject.function.address, 1024))
        for (const std::string &name : *names)
            if (name.starts_with("rom.u.") || name.starts_with("rom.m."))
                return name + '/';
    return "";
}

/// Memory chips of the card; those in the package of the FPGA are not counted there.
static void put_banks(const PciSubject &subject, const std::string &rom, Device &device) {
    constexpr uint64_t most_banks = 64;
    constexpr uint64_t most_gibibytes = 1024;
    const auto banks = subject.number((rom + "ddr_bank_count_max").c_str());
    const auto gibibytes = subject.number((rom + "ddr_bank_size").c_str());
    if (!banks || !gibibytes || *banks == 0 || *banks > most_banks || *gibibytes == 0 ||
        *gibibytes > most_gibibytes)
        return;
    core::Memory memory;
    memory.kind = core::MemoryKind::Ddr;
    memory.role = core::MemoryRole::Dedicated;
    memory.size_bytes = {*banks * *gibibytes * base::GiB, Source::Kernel};
    device.memories.push_back(std::move(memory));
}

static void describe(const PciSubject &subject, Device &device) {
    const std::string &driver = subject.function.driver;
    if (driver != "xocl" && driver != "xclmgmt")
        return;
    if (driver == "xclmgmt") {
        device.access_message = "its driver xclmgmt manages the card; work goes through the "
                                "function that xocl drives";
    }
    if (subject.asleep())
        return;
    // "0x1" once manager and user have found each other.
    const std::string ready = subject.text("ready");
    if (ready == "0x1" || ready == "0x0" || ready == "1" || ready == "0")
        device.put_attr(core::attr_int("xrt.ready", ready.back() - '0', Source::Kernel));
    const std::string rom = rom_folder(subject);
    if (rom.empty())
        return;
    put_version(device, "xrt.shell", subject.text((rom + "VBNV").c_str()));
    if (driver == "xocl")
        put_banks(subject, rom, device);
}

constexpr Family xilinx_family = {"xocl", chips, is_driven, node, describe};

/// What manages a card is a part of what users open.
base::Done find_xilinx(const Machine &, core::System &system) {
    for (Device &device : system.devices) {
        if (device.backends[0] != "xilinx" || !device.id.ends_with(".0"))
            continue;
        const std::string user = device.id.substr(0, device.id.size() - 1) + '1';
        if (const Device *other = system.find_device(user);
            other != nullptr && other->backends[0] == "xilinx")
            device.parent = user;
    }
    return {};
}

} // namespace hwa::detect
