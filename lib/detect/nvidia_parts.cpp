// SPDX-License-Identifier: MIT
// Parts of NVIDIA's devices: each compute instance of a GPU instance that the driver lists under
// its capabilities (NVIDIA Multi-Instance GPU User Guide, "Device Nodes and Capabilities").
#include "detect/nvidia.h"

#include "base/text.h"
#include "base/units.h"
#include "detect/pci_access.h"

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Source;

/// More than any device can be divided into.
static constexpr size_t part_limit = 64;

namespace {

/// One part by the numbers that the driver gave it.
struct Part {
    uint32_t gpu_instance;
    uint32_t compute_instance;
};

} // namespace

/// The number behind the word of a folder's name: "gi2" is 2.
static std::optional<uint32_t> numbered(std::string_view name, std::string_view word) {
    if (!name.starts_with(word))
        return std::nullopt;
    const auto number = base::parse_u64(name.substr(word.size()));
    return number && *number < 1024 ? std::optional(static_cast<uint32_t>(*number)) : std::nullopt;
}

/// The node that lets a process use an instance, by the minor number in its file.
static std::string instance_node(const os::Host &host, const std::string &folder) {
    const auto text = host.read_file(folder + "/access", 4 * base::KiB);
    const auto minor = base::parse_u64(text ? proc_value(*text, "DeviceFileMinor") : "");
    return minor ? "/dev/nvidia-caps/nvidia-cap" + std::to_string(*minor) : "";
}

/// A process needs the node of the whole, of the GPU instance and of the compute instance.
static void find_access(const os::Host &host, const std::string &gpu, const std::string &compute,
                        const Device &whole, Device &part) {
    part.access = whole.access;
    part.access_message = whole.access_message;
    for (const std::string &folder : {gpu, compute}) {
        if (part.access != Status::Ok)
            break;
        const std::string node = instance_node(host, folder);
        std::erase_if(part.attrs, [](const auto &attr) { return attr.key == "device.node"; });
        if (!node.empty()) {
            try_node(host, node, part);
            continue;
        }
        part.access = Status::Unavailable;
        part.access_message = folder + "/access does not tell which node opens it";
    }
    if (part.access != Status::Ok)
        part.flags &= ~static_cast<uint32_t>(core::DeviceUsable);
}

static Device part_of(const Device &whole, Part numbers) {
    Device part;
    part.id = base::format("%s-gi%u-ci%u", whole.id.c_str(), numbers.gpu_instance,
                           numbers.compute_instance);
    part.parent = whole.id;
    part.kind = core::Kind::Gpu;
    part.flags = core::DevicePartition;
    part.name = {whole.name.value + " MIG", Source::Derived};
    part.vendor = whole.vendor;
    part.architecture = whole.architecture;
    part.driver = whole.driver;
    part.numa_node = whole.numa_node;
    part.pci_vendor = whole.pci_vendor;
    part.pci_device = whole.pci_device;
    part.backends = {"nvidia"};
    part.put_attr(core::attr_int("nvidia.gpu_instance", numbers.gpu_instance, Source::Kernel));
    part.put_attr(
        core::attr_int("nvidia.compute_instance", numbers.compute_instance, Source::Kernel));
    return part;
}

static std::vector<Device> parts_of(const os::Host &host, const Device &whole) {
    std::vector<Device> parts;
    const core::Attr *minor = whole.find_attr("nvidia.minor");
    if (minor == nullptr)
        return parts;
    const std::string root =
        "/proc/driver/nvidia/capabilities/gpu" + std::to_string(minor->i) + "/mig";
    const auto gpus = host.list(root, part_limit);
    if (!gpus)
        return parts;
    for (const std::string &gpu : *gpus) {
        const auto first = numbered(gpu, "gi");
        if (!first)
            continue;
        const auto computes = host.list(root + '/' + gpu, part_limit);
        if (!computes)
            continue;
        for (const std::string &compute : *computes) {
            const auto second = numbered(compute, "ci");
            if (!second)
                continue;
            Device part = part_of(whole, {*first, *second});
            find_access(host, root + '/' + gpu, root + '/' + gpu + '/' + compute, whole, part);
            parts.push_back(std::move(part));
        }
    }
    return parts;
}

void find_mig(const os::Host &host, core::System &system) {
    std::vector<Device> parts;
    for (const Device &device : system.devices)
        for (Device &part : parts_of(host, device))
            parts.push_back(std::move(part));
    for (Device &part : parts)
        system.devices.push_back(std::move(part));
}

} // namespace hwa::detect
