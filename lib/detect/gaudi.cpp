// SPDX-License-Identifier: MIT
// Intel Gaudi and its forerunners by Habana. Documents: Linux
// Documentation/ABI/testing/sysfs-driver-habanalabs, include/uapi/drm/habanalabs_accel.h; ids of
// drivers/accel/habanalabs/common/habanalabs_drv.c and of HabanaAI/drivers.accel.habanalabs.kernel.
#include "detect/families.h"

#include "base/text.h"
#include "detect/pci_access.h"
#include "os/uapi/habana.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Kind;
using core::Memory;
using core::Source;

static constexpr Chip chips[] = {
    {0x1da3, 0x0001, 0x0001, Kind::Asic, "Habana Goya", "goya"},
    {0x1da3, 0x0030, 0x0030, Kind::Asic, "Habana Greco", "greco"},
    {0x1da3, 0x1000, 0x1001, Kind::Asic, "Intel Gaudi", "gaudi"},
    {0x1da3, 0x1010, 0x1011, Kind::Asic, "Intel Gaudi", "gaudi"},
    {0x1da3, 0x1020, 0x1022, Kind::Asic, "Intel Gaudi 2", "gaudi2"},
    {0x1da3, 0x1060, 0x1063, Kind::Asic, "Intel Gaudi 3", "gaudi3"},
};

namespace {

/// Where the driver of this kernel keeps the files and nodes of a device.
struct Layout {
    std::string files;   ///< folder below the function's, "" for that itself
    std::string node;    ///< for work; only one process may open it at a time
    std::string control; ///< for questions
};

} // namespace

static std::string entry(const PciSubject &subject, const char *folder, std::string_view prefix) {
    if (const auto names = subject.host.list(subject.path(folder), 64))
        for (const std::string &name : *names)
            if (name.starts_with(prefix) && name.find("control") == std::string::npos)
                return name;
    return "";
}

/// Since Linux 6.3 it is an accel device; drivers before, and Intel's own for long, had a class of
/// their own.
static Layout layout_of(const PciSubject &subject) {
    if (const std::string name = entry(subject, "accel", "accel"); !name.empty())
        return {"", "/dev/accel/" + name, "/dev/accel/accel_controlD" + name.substr(5)};
    if (const std::string name = entry(subject, "habanalabs", "hl"); !name.empty())
        return {"habanalabs/" + name + '/', "/dev/" + name, "/dev/hl_controlD" + name.substr(2)};
    return {};
}

static std::string gaudi_node(const PciSubject &subject) {
    return layout_of(subject).node;
}

static void put_text(Device &device, const char *key, std::string value) {
    if (!value.empty())
        device.put_attr(core::attr_text(key, std::move(value), Source::Kernel));
}

/// The content of a file that is a few plain words; "" if it is anything else.
static std::string words_of(const PciSubject &subject, const std::string &file) {
    std::string text = subject.text(file.c_str());
    const bool plain = text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                  (c >= '0' && c <= '9') || c == ' ';
                       });
    return plain ? text : "";
}

static void read_files(const PciSubject &subject, const std::string &folder, Device &device) {
    const auto number = [&](const char *file, uint64_t sane) {
        const auto value = subject.number((folder + file).c_str());
        return value && *value < sane ? *value : 0;
    };
    put_text(device, "gaudi.type", words_of(subject, folder + "device_type"));
    put_text(device, "gaudi.module", words_of(subject, folder + "module_id"));
    if (const uint64_t mhz = number("clk_max_freq_mhz", 20000); mhz != 0)
        device.clock_hz = {mhz * 1000000, Source::Kernel};
    if (const uint64_t mw = number("max_power", 10000000); mw != 0)
        device.power_limit_mw = {static_cast<uint32_t>(mw), Source::Kernel};
    const std::string status = words_of(subject, folder + "status");
    put_text(device, "gaudi.status", status);
    if (status.empty() || status == "operational")
        return;
    device.flags &= ~static_cast<uint32_t>(core::DeviceUsable);
    device.access = Status::Unavailable;
    device.access_message = "its driver says that it is not operational but " + status;
}

static void put_memory(core::MemoryRole role, core::MemoryKind kind, const char *name,
                       uint64_t size, Device &device) {
    constexpr uint64_t sane = uint64_t{1} << 44;
    if (size == 0 || size >= sane)
        return;
    Memory memory;
    memory.role = role;
    memory.kind = kind;
    memory.name = name;
    memory.size_bytes = {size, Source::Kernel};
    memory.usable_bytes = size;
    device.memories.push_back(std::move(memory));
}

/// What only the driver knows; its control node may be open any number of times.
static void ask_driver(const PciSubject &subject, const std::string &control, Device &device) {
    if (subject.host.access(control) != Status::Ok)
        return;
    const auto answer = subject.host.query(control, "habana.chip");
    os::uapi::HabanaChip chip;
    if (!answer || answer->size() != sizeof chip)
        return;
    std::memcpy(&chip, answer->data(), sizeof chip);
    if (chip.dram_enabled != 0)
        put_memory(core::MemoryRole::Dedicated, core::MemoryKind::Unknown, "", chip.dram_size,
                   device);
    put_memory(core::MemoryRole::Cache, core::MemoryKind::Sram, "SRAM", chip.sram_size, device);
    const int tpcs = chip.tpcs_wide != 0 ? std::popcount(chip.tpcs_wide) : std::popcount(chip.tpcs);
    if (tpcs != 0)
        device.compute_units = {static_cast<uint32_t>(tpcs), Source::Kernel};
}

static void describe(const PciSubject &subject, Device &device) {
    if (subject.function.driver != "habanalabs")
        return;
    const Layout layout = layout_of(subject);
    if (layout.node.empty())
        return;
    read_files(subject, layout.files, device);
    if (!subject.asleep())
        ask_driver(subject, layout.control, device);
}

base::Done find_gaudi_version(const Machine &machine, core::System &system) {
    const auto ours = [](const Device &device) { return device.driver.value == "habanalabs"; };
    if (std::none_of(system.devices.begin(), system.devices.end(), ours))
        return {};
    // Only Intel's own driver has a version; that of Linux has the kernel's.
    const auto text = machine.host.read_file("/sys/module/habanalabs/version");
    const std::string version = text ? base::legible(*text, 64) : "";
    if (!version.empty())
        for (Device &device : system.devices)
            if (ours(device))
                put_text(device, "driver.version", version);
    return {};
}

constexpr Family gaudi_family = {"habanalabs", chips, nullptr, gaudi_node, describe};

} // namespace hwa::detect
