// SPDX-License-Identifier: MIT
// CXL memory from sysfs (Linux Documentation/ABI/testing/sysfs-bus-cxl). It is memory, no
// accelerator.
#include "detect/cxl.h"

#include "base/text.h"

#include <algorithm>

namespace hwa::detect {

using core::Device;
using core::Source;

static constexpr size_t memory_limit = 256;
static constexpr uint64_t sane_bytes = uint64_t{1} << 50;
static constexpr const char *folder = "/sys/bus/cxl/devices/";

static bool is_cxl_memory(const os::PciFunction &function) {
    return function.class_code >> 8 == 0x0502;
}

static std::string text_of(const os::Host &host, const std::string &path) {
    const auto text = host.read_file(path, 256);
    return text ? base::legible(*text, 128) : std::string();
}

/// Sizes are written as 0x and digits; 0 where they are not.
static uint64_t size_of(const os::Host &host, const std::string &path) {
    const std::string text = text_of(host, path);
    const auto bytes = text.starts_with("0x")
                           ? base::parse_u64(std::string_view(text).substr(2), 16)
                           : std::nullopt;
    return bytes && *bytes < sane_bytes ? *bytes : 0;
}

/// "mem" and a number; there are ports, decoders and regions beside it.
static bool is_memory(std::string_view name) {
    return name.starts_with("mem") && base::parse_u64(name.substr(3));
}

/// Of a link to "../../../devices/pci0000:34/0000:35:00.0/mem0" the function; "" if it has none.
static std::string address_of(const os::Host &host, const std::string &name) {
    const auto target = host.read_link(folder + name);
    if (!target)
        return "";
    const auto parts = base::split(*target, '/');
    const std::string_view above = parts.size() < 2 ? "" : parts[parts.size() - 2];
    return above.find(':') != above.rfind(':') ? base::sanitise(above, 24) : "";
}

/// The processors next to it, or all if there is one device of them.
static Device *processors_of(core::System &system, std::optional<uint64_t> node) {
    Device *only = nullptr;
    size_t count = 0;
    for (Device &device : system.devices) {
        if (device.kind != core::Kind::Cpu)
            continue;
        if (node && device.numa_node.value == static_cast<int64_t>(*node))
            return &device;
        only = &device;
        ++count;
    }
    return count == 1 ? only : nullptr;
}

static void put_memory(const std::string &name, uint64_t size, Device *processors) {
    if (size == 0 || processors == nullptr)
        return;
    core::Memory memory;
    memory.role = core::MemoryRole::Dedicated;
    memory.size_bytes = {size, Source::Kernel};
    memory.name = "CXL " + name;
    processors->memories.push_back(std::move(memory));
}

static void put_expander(const os::Host &host, const std::string &name, size_t index,
                         core::System &system) {
    const std::string key = base::format("cxl.%zu.", index);
    const std::string files = folder + name + '/';
    const auto put_text = [&](const char *what, const std::string &value) {
        if (!value.empty())
            system.put_attr(core::attr_text(key + what, value, Source::Kernel));
    };
    const auto put_bytes = [&](const char *what, uint64_t value) {
        if (value > 0)
            system.put_attr(
                core::attr_int(key + what, static_cast<int64_t>(value), Source::Kernel));
    };
    const uint64_t size = size_of(host, files + "ram/size");
    put_text("name", name);
    put_text("pci", address_of(host, name));
    // fw_revision of Linux drivers/cxl/cxlmem.h has 16 characters.
    if (const std::string firmware = text_of(host, files + "firmware_version");
        firmware.size() <= 16)
        put_text("firmware", firmware);
    put_bytes("ram_bytes", size);
    put_bytes("pmem_bytes", size_of(host, files + "pmem/size"));
    // The node whose processors are next to it; not one that its memory makes up.
    const auto node = base::parse_u64(text_of(host, files + "numa_node"));
    if (node && *node < 1024)
        system.put_attr(
            core::attr_int(key + "numa_node", static_cast<int64_t>(*node), Source::Kernel));
    put_memory(name, size, processors_of(system, node));
}

void find_cxl(const Machine &machine, core::System &system) {
    if (!machine.pci ||
        std::none_of(machine.pci->functions.begin(), machine.pci->functions.end(), is_cxl_memory))
        return;
    const auto names = machine.host.list("/sys/bus/cxl/devices", 4096);
    if (!names)
        return;
    size_t index = 0;
    for (const std::string &name : *names)
        if (is_memory(name) && index < memory_limit)
            put_expander(machine.host, name, index++, system);
}

} // namespace hwa::detect
