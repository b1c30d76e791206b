// SPDX-License-Identifier: MIT
// Hosts of a plan, and how their devices are chosen. The variables are those of the CUDA C++
// Programming Guide ("CUDA Environment Variables"), ROCm's "GPU isolation techniques", the Level
// Zero specification, and llama.cpp's Vulkan backend.
#include "plan/export/hosts.h"

#include "base/text.h"

#include <algorithm>
#include <optional>

namespace hwa::plan {

using core::Attr;
using core::AttrType;
using core::Device;
using Devices = std::vector<const Device *>;

Maker maker_of(const Device &device) {
    if (device.kind == core::Kind::Cpu)
        return Maker::None;
    const std::string &vendor = device.vendor.value;
    switch (device.pci_vendor.value) {
    case 0x10de:
        return Maker::Nvidia;
    case 0x1002:
        return Maker::Amd;
    case 0x8086:
        return Maker::Intel;
    default:
        return vendor == "nvidia"  ? Maker::Nvidia
               : vendor == "amd"   ? Maker::Amd
               : vendor == "intel" ? Maker::Intel
                                   : Maker::None;
    }
}

static std::string host_of(const Device &device) {
    const Attr *name = device.find_attr("host.name");
    return name != nullptr ? name->s : std::string();
}

std::vector<Host> hosts_of(const Plan &plan) {
    std::vector<Host> hosts;
    for (const Stage &stage : plan.stages) {
        const std::string name = host_of(*stage.device);
        auto found = std::find_if(hosts.begin(), hosts.end(),
                                  [&](const Host &host) { return host.name == name; });
        if (found == hosts.end())
            found = hosts.insert(hosts.end(), {name, {}});
        if (std::find(found->devices.begin(), found->devices.end(), stage.device) ==
            found->devices.end())
            found->devices.push_back(stage.device);
    }
    return hosts;
}

base::Done check_several(const Plan &plan, const std::vector<Host> &hosts, const char *program) {
    if (hosts.size() < 2)
        return {};
    for (const Host &host : hosts)
        if (host.name.empty())
            return base::error(base::Status::Unsupported, "%s: the host of %s has no name", program,
                               host.devices[0]->id.c_str());
    size_t changes = 0;
    for (size_t i = 1; i < plan.stages.size(); ++i)
        changes += host_of(*plan.stages[i].device) != host_of(*plan.stages[i - 1].device) ? 1 : 0;
    if (changes + 1 != hosts.size())
        return base::error(base::Status::Unsupported,
                           "%s: the plan goes from host to host and back, and its ranks are host "
                           "by host",
                           program);
    return {};
}

base::Done check_equal(const std::vector<Host> &hosts, const char *program) {
    for (const Host &host : hosts)
        if (host.devices.size() != hosts[0].devices.size())
            return base::error(base::Status::Unsupported,
                               "%s: it starts as many processes on each host, and the plan "
                               "has %zu devices on %s and %zu on %s",
                               program, hosts[0].devices.size(), hosts[0].name.c_str(),
                               host.devices.size(), host.name.c_str());
    return {};
}

std::string heading(const std::vector<Host> &hosts, const Host &host) {
    return hosts.size() > 1 ? "# on " + base::sanitise(host.name, 64) + "\n" : std::string();
}

namespace {

std::string text_of(const Device &device, std::string_view key) {
    const Attr *attr = device.find_attr(key);
    if (attr == nullptr)
        return {};
    return attr->type == AttrType::Int ? std::to_string(attr->i) : attr->s;
}

/// The attribute of every device, joined by commas; nothing where one has none.
std::optional<std::string> list(const Devices &devices, std::string_view key) {
    std::string text;
    for (const Device *device : devices) {
        const std::string value = text_of(*device, key);
        if (value.empty())
            return std::nullopt;
        text += (text.empty() ? "" : ",") + value;
    }
    return text;
}

/// True where a variable filtered what the runtime showed: its numbers count from there then.
bool filtered(const Devices &devices, std::string_view key) {
    return std::any_of(devices.begin(), devices.end(),
                       [&](const Device *device) { return device->find_attr(key) != nullptr; });
}

std::string names_of(const Devices &devices) {
    std::string text;
    for (const Device *device : devices)
        text += (text.empty() ? "" : " ") + device->id;
    return text;
}

/// "0000:01:00.0" of an id such as "node-1/pci-0000:01:00.0"; "" of what is no whole PCI device.
std::string_view address_of(const Device &device) {
    if ((device.flags & core::DevicePartition) != 0)
        return {};
    const std::string_view id = device.id;
    const size_t at = id.rfind("pci-");
    const bool whole = at == 0 || (at != std::string_view::npos && id[at - 1] == '/');
    return whole ? id.substr(at + 4) : std::string_view();
}

/// NVIDIA's GPUs that its runtime shows, as whole ones.
bool shown_by_nvidia(const Device &device) {
    return maker_of(device) == Maker::Nvidia && device.kind == core::Kind::Gpu &&
           (device.flags & core::DeviceUsable) != 0 && !address_of(device).empty();
}

/// Their places in the order of the bus among all of these in their host.
std::optional<std::string> places_on_bus(const core::System &system, const Devices &devices) {
    std::string text;
    for (const Device *device : devices) {
        if (!shown_by_nvidia(*device))
            return std::nullopt;
        const auto place =
            std::count_if(system.devices.begin(), system.devices.end(), [&](const Device &other) {
                return shown_by_nvidia(other) && host_of(other) == host_of(*device) &&
                       address_of(other) < address_of(*device);
            });
        text += (text.empty() ? "" : ",") + std::to_string(place);
    }
    return text;
}

/// True of all that their maker has in the host, where one is as good as another.
bool all_alike(const core::System &system, const Devices &devices) {
    const auto differs = [&](const Device *device) {
        return device->name.value.empty() || device->name.value != devices[0]->name.value;
    };
    if (std::any_of(devices.begin(), devices.end(), differs))
        return false;
    const auto there =
        std::count_if(system.devices.begin(), system.devices.end(), [&](const Device &other) {
            return maker_of(other) == maker_of(*devices[0]) &&
                   host_of(other) == host_of(*devices[0]);
        });
    return static_cast<size_t>(there) == devices.size();
}

void set_or_ask(const core::System &system, Command &command, std::string_view variable,
                const std::optional<std::string> &value, const Devices &devices) {
    if (!value && all_alike(system, devices))
        return;
    command.set(variable, value ? shell_word(*value)
                                : shell_wanted(variable, "the numbers of " + names_of(devices)));
}

/// Names hold whatever the order; numbers need it to be said.
void show_nvidia(const core::System &system, const Devices &devices, Command &command) {
    std::optional<std::string> value = list(devices, "nvidia.uuid");
    if (!value) {
        value = places_on_bus(system, devices);
        if (value)
            command.set("CUDA_DEVICE_ORDER", "PCI_BUS_ID");
    }
    if (!value && !filtered(devices, "cuda.environment"))
        value = list(devices, "cuda.ordinal");
    set_or_ask(system, command, "CUDA_VISIBLE_DEVICES", value, devices);
}

} // namespace

void show_only(const core::System &system, const Devices &devices, Command &command) {
    std::optional<std::string> value;
    switch (devices.empty() ? Maker::None : maker_of(*devices[0])) {
    case Maker::Nvidia:
        return show_nvidia(system, devices, command);
    case Maker::Amd:
        if (!filtered(devices, "hip.environment"))
            value = list(devices, "hip.ordinal");
        return set_or_ask(system, command, "HIP_VISIBLE_DEVICES", value, devices);
    case Maker::Intel:
        if (!filtered(devices, "level_zero.environment"))
            value = list(devices, "level_zero.ordinal");
        return set_or_ask(system, command, "ZE_AFFINITY_MASK", value, devices);
    case Maker::None:
        break;
    }
}

std::optional<std::string> numbers_of(const core::System &system, const Devices &devices,
                                      Command &command) {
    struct Runtime {
        Maker maker;
        const char *ordinal, *environment;
    };
    constexpr Runtime runtimes[] = {{Maker::Nvidia, "cuda.ordinal", "cuda.environment"},
                                    {Maker::Amd, "hip.ordinal", "hip.environment"},
                                    {Maker::Intel, "level_zero.ordinal", "level_zero.environment"}};
    if (auto places = places_on_bus(system, devices)) {
        command.set("CUDA_DEVICE_ORDER", "PCI_BUS_ID");
        return places;
    }
    for (const Runtime &runtime : runtimes)
        if (maker_of(*devices[0]) == runtime.maker && !filtered(devices, runtime.environment))
            if (auto ordinals = list(devices, runtime.ordinal))
                return ordinals;
    return all_alike(system, devices) ? std::optional<std::string>("") : std::nullopt;
}

void show_only_in_vulkan(const core::System &system, const Devices &devices, Command &command) {
    std::optional<std::string> value;
    if (!filtered(devices, "vulkan.environment"))
        value = list(devices, "vulkan.index");
    set_or_ask(system, command, "GGML_VK_VISIBLE_DEVICES", value, devices);
}

} // namespace hwa::plan
