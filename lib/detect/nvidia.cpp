// SPDX-License-Identifier: MIT
// NVIDIA graphics and accelerators by what the kernel's side of NVIDIA's driver tells in
// /proc/driver/nvidia (kernel-open/nvidia/nv-procfs.c of its open modules; README, "Using the
// /proc File System Interface to Obtain Driver Information").
#include "detect/nvidia.h"

#include "base/text.h"
#include "base/units.h"
#include "data/nvidia_vgpus.h"
#include "detect/families.h"
#include "detect/memory.h"
#include "detect/nvidia_chips.h"

#include <algorithm>

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Source;

static constexpr const char *proc_gpus = "/proc/driver/nvidia/gpus/";
static constexpr size_t proc_limit = 16 * base::KiB;

std::string proc_value(std::string_view text, std::string_view key) {
    for (const std::string_view line : base::split(text, '\n')) {
        const size_t colon = line.find(':');
        if (colon != line.npos && base::trim(line.substr(0, colon)) == key)
            return base::legible(line.substr(colon + 1), 96);
    }
    return "";
}

std::string nvidia_uuid(std::string_view text) {
    std::string digits;
    for (const char *word : {"GPU-", "MIG-"})
        if (text.starts_with(word))
            text.remove_prefix(4);
    for (const char c : text) {
        if (c == '-')
            continue;
        const char low = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        // A device that has not been started yet has question marks in place of digits.
        if (!((low >= '0' && low <= '9') || (low >= 'a' && low <= 'f')))
            return "";
        digits += low;
    }
    const bool some = digits.find_first_not_of('0') != digits.npos;
    return digits.size() == 32 && some ? digits : "";
}

static bool is_nvidia_gpu(const os::PciFunction &function) {
    const uint32_t base_class = function.class_code >> 16;
    return function.vendor == nvidia_pci_vendor && (base_class == 0x03 || base_class == 0x12);
}

static std::string proc_text(const PciSubject &subject, const char *file) {
    const auto text =
        subject.host.read_file(proc_gpus + subject.function.address + '/' + file, proc_limit);
    return text ? *text : "";
}

static std::optional<uint64_t> minor_of(std::string_view information) {
    constexpr uint64_t minors = 1024;
    const auto minor = base::parse_u64(proc_value(information, "Device Minor"));
    return minor && *minor < minors ? minor : std::nullopt;
}

/// NVIDIA's own driver is opened by a node for all cards and one for each; others have render
/// nodes. A sleeping card is not asked which is its own.
static std::string node(const PciSubject &subject) {
    static constexpr const char *control = "/dev/nvidiactl";
    if (subject.function.driver != "nvidia")
        return subject.function.driver == "vfio-pci" ? "" : render_node(subject);
    if (subject.asleep() || subject.host.access(control) != Status::Ok)
        return control;
    const auto minor = minor_of(proc_text(subject, "information"));
    return minor ? base::format("/dev/nvidia%u", static_cast<unsigned>(*minor)) : control;
}

/// Memory that the processors address as well is a memory node of the kernel's (Grace Hopper,
/// POWER9), whose size is the device's.
static void find_memory_node(const PciSubject &subject, Device &device) {
    const std::string text = proc_text(subject, "numa_status");
    const auto number = base::parse_u64(proc_value(text, "Node"));
    if (!number || *number >= 1024 || proc_value(text, "Status") != "online")
        return;
    const auto node = static_cast<unsigned>(*number);
    device.put_attr(core::attr_int("nvidia.memory_node", node, Source::Kernel));
    const auto meminfo = subject.host.read_file(
        base::format("/sys/devices/system/node/node%u/meminfo", node), proc_limit);
    const uint64_t size = meminfo ? meminfo_bytes(*meminfo, "MemTotal") : 0;
    if (size == 0)
        return;
    core::Memory memory;
    memory.kind = core::MemoryKind::Hbm;
    memory.role = core::MemoryRole::Dedicated;
    memory.size_bytes = {size, Source::Kernel};
    memory.usable_bytes = size;
    device.memories.push_back(std::move(memory));
}

/// Part of a card that the host of this virtual machine has lent to it: its name is the type's,
/// not the card's.
static void name_vgpu(const PciSubject &subject, Device &device) {
    if (subject.function.subsystem_vendor != nvidia_pci_vendor)
        return;
    std::string type =
        data::nvidia_vgpu(subject.function.device, subject.function.subsystem_device);
    if (type.empty())
        return;
    device.name = {type, Source::Table};
    device.put_attr(core::attr_text("nvidia.vgpu", std::move(type), Source::Table));
}

/// The files of a device wake it when they are read.
static void describe(const PciSubject &subject, Device &device) {
    name_vgpu(subject, device);
    if (subject.function.driver == "vfio-pci") {
        device.access = Status::Unavailable;
        device.access_message = "bound to vfio-pci, which keeps it for a virtual machine";
    }
    if (subject.function.driver != "nvidia" || subject.asleep())
        return;
    const std::string text = proc_text(subject, "information");
    const std::string model = proc_value(text, "Model");
    if (!model.empty() && model != "Unknown")
        device.name.offer(model, Source::Kernel);
    const std::string uuid = proc_value(text, "GPU UUID");
    device.uuid = nvidia_uuid(uuid);
    if (!device.uuid.empty())
        device.put_attr(core::attr_text("nvidia.uuid", uuid, Source::Kernel));
    if (const auto minor = minor_of(text))
        device.put_attr(
            core::attr_int("nvidia.minor", static_cast<int64_t>(*minor), Source::Kernel));
    if (const std::string firmware = proc_value(text, "GPU Firmware");
        !firmware.empty() && firmware != "N/A")
        device.put_attr(core::attr_text("nvidia.firmware", firmware, Source::Kernel));
    if (proc_value(text, "GPU Excluded") == "Yes") {
        device.flags &= ~static_cast<uint32_t>(core::DeviceUsable);
        device.access = Status::Unavailable;
        device.access_message = "the driver was told to leave it out (option NVreg_ExcludedGpus)";
    }
    find_memory_node(subject, device);
}

/// The first word that begins with a digit and has a point: "535.54.03".
static std::string version_in(std::string_view line) {
    for (const std::string_view word : base::split(line, ' ')) {
        const bool digits = word.find_first_not_of("0123456789.") == word.npos;
        if (digits && word.find('.') != word.npos && word.front() != '.' && word.size() < 32)
            return std::string(word);
    }
    return "";
}

static std::string module_version(const os::Host &host) {
    if (const auto text = host.read_file("/proc/driver/nvidia/version", proc_limit))
        return version_in(proc_value(*text, "NVRM version"));
    const auto text = host.read_file("/sys/module/nvidia/version", proc_limit);
    return text ? version_in(base::trim(*text)) : "";
}

/// Version of the library that programs would load, by the name of the file that its name links
/// to: "libnvidia-ml.so.535.54.03".
static std::string library_version(const os::Host &host) {
    static constexpr std::string_view name = "libnvidia-ml.so.";
    for (const char *folder : {"/usr/lib/x86_64-linux-gnu/", "/usr/lib/aarch64-linux-gnu/",
                               "/usr/lib64/", "/usr/lib/"}) {
        const auto target = host.read_link(folder + std::string(name) + '1');
        const size_t at = target ? target->rfind(name) : std::string::npos;
        if (at != std::string::npos)
            return version_in(target->substr(at + name.size()));
    }
    return "";
}

static void put_versions(const std::string &module, const std::string &library, Device &device) {
    if (!module.empty())
        device.put_attr(core::attr_text("nvidia.driver_version", module, Source::Kernel));
    if (!library.empty())
        device.put_attr(core::attr_text("nvidia.library_version", library, Source::Kernel));
    if (module.empty() || library.empty() || module == library)
        return;
    device.flags &= ~static_cast<uint32_t>(core::DeviceUsable);
    device.access = Status::Unavailable;
    device.access_message = "the driver in the kernel is version " + module +
                            " and its library is " + library +
                            "; start the machine anew, or load the module anew";
}

void share_host_memory(const core::System &system, Device &device) {
    device.flags |= core::DeviceIntegrated;
    if (system.memory_bytes == 0)
        return;
    core::Memory memory;
    memory.role = core::MemoryRole::Unified;
    memory.size_bytes = {system.memory_bytes, Source::Kernel};
    memory.usable_bytes = usable_memory(system);
    device.memories.push_back(std::move(memory));
}

/// Chips on the PCI bus that have no memory but the host's.
static bool shares_memory(const Device &device) {
    static constexpr uint32_t thor = 0x2b00;
    static constexpr uint32_t gb10 = 0x2e12;
    return device.pci_vendor.value == nvidia_pci_vendor &&
           (device.pci_device.value == thor || device.pci_device.value == gb10);
}

/// What the kernel counts as the host's memory holds the nodes that are a device's, which nobody
/// means by it.
static void take_from_host(const Device &device, core::System &system) {
    const uint64_t size = device.memory_bytes();
    const uint64_t before = system.memory_bytes;
    if (device.find_attr("nvidia.memory_node") == nullptr || size == 0 || size >= before)
        return;
    system.memory_bytes = before - size;
    std::erase_if(system.attrs, [](const auto &attr) { return attr.key == "memory.usable_bytes"; });
    const uint64_t usable = usable_memory(system);
    system.put_attr(
        core::attr_int("memory.usable_bytes", static_cast<int64_t>(usable), Source::Kernel));
    for (Device &socket : system.devices)
        if (socket.kind == core::Kind::Cpu && socket.memory_bytes() == before) {
            socket.memories[0].size_bytes.value = system.memory_bytes;
            socket.memories[0].usable_bytes = std::min(usable, socket.memories[0].usable_bytes);
        }
}

/// The switches between devices are bridges to the bus.
static void count_switches(const Machine &machine, core::System &system) {
    if (!machine.pci)
        return;
    const auto &functions = machine.pci->functions;
    const auto count =
        std::count_if(functions.begin(), functions.end(), [](const os::PciFunction &f) {
            return f.vendor == nvidia_pci_vendor && f.driver == "nvidia-nvswitch";
        });
    if (count > 0)
        system.put_attr(core::attr_int("nvidia.nvswitches", count, Source::Kernel));
}

/// Without its driver, a board of NVIDIA's own in a virtual machine may be a part of a card, of a
/// type that no list has; then the sheet of the card does not tell what it has.
static void doubt_sheet(const core::System &system, Device &device) {
    const core::Attr *board = device.find_attr("pci.subsystem");
    if ((system.flags & core::SystemVirtual) != 0 && board != nullptr &&
        board->s.starts_with("10de:") && device.pci_vendor.value == nvidia_pci_vendor)
        std::erase_if(device.memories, [](const core::Memory &memory) {
            return memory.size_bytes.source == Source::Table;
        });
}

base::Done find_nvidia(const Machine &machine, core::System &system) {
    std::optional<std::string> module;
    std::string library;
    for (Device &device : system.devices) {
        if (shares_memory(device))
            share_host_memory(system, device);
        take_from_host(device, system);
        if (device.driver.value != "nvidia") {
            doubt_sheet(system, device);
            continue;
        }
        if (!module) {
            module = module_version(machine.host);
            library = library_version(machine.host);
        }
        put_versions(*module, library, device);
    }
    if (module) {
        count_switches(machine, system);
        find_mig(machine.host, system);
    }
    find_tegra(machine, system);
    find_dla(machine, system);
    return {};
}

constexpr Family nvidia_family = {"nvidia", nvidia_chips, is_nvidia_gpu, node, describe};

} // namespace hwa::detect
