// SPDX-License-Identifier: MIT
// AWS Inferentia and Trainium by the ids and files of their driver (aws-neuron-driver neuron_pci.c,
// neuron_cdev.c, neuron_sysfs_metrics.c). The driver numbers devices by itself and tells nowhere in
// sysfs which function a number belongs to; so of several, functions get what holds for all
// numbers.
#include "detect/families.h"

#include "base/text.h"
#include "detect/pci_access.h"

#include <algorithm>
#include <set>

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Kind;
using core::Source;

static constexpr Chip chips[] = {
    {0x1d0f, 0x7064, 0x7067, Kind::Asic, "AWS Inferentia", "neuroncore-v1"},
    {0x1d0f, 0x7164, 0x7164, Kind::Asic, "AWS Trainium", "neuroncore-v2"},
    {0x1d0f, 0x7264, 0x7264, Kind::Asic, "AWS Inferentia2", "neuroncore-v2"},
    {0x1d0f, 0x7364, 0x7364, Kind::Asic, "AWS Trainium2", "neuroncore-v3"},
    {0x1d0f, 0x7564, 0x7565, Kind::Asic, "AWS Trainium3", "neuroncore-v4"},
};

static constexpr const char *folder = "/sys/devices/virtual/neuron_device";
static constexpr uint32_t device_limit = 64; // MAX_NEURON_DEVICE_COUNT of the driver

namespace {

/// One device as the driver numbers it.
struct Numbered {
    uint32_t number = 0;
    std::string node;
    uint32_t cores = 0;
    std::string instance;
    std::vector<uint32_t> neighbours;
};

} // namespace

/// Nodes are given out by find_neuron(), which sees all of them.
static std::string no_node(const PciSubject &) {
    return "";
}

static std::string text_of(const os::Host &host, const std::string &path) {
    const auto content = host.read_file(path, 256);
    return content ? base::legible(*content, 64) : std::string();
}

/// Of "12, 3, 4, 1"; none if one of them is no number of a device.
static std::vector<uint32_t> read_neighbours(std::string_view text) {
    std::vector<uint32_t> numbers;
    for (const std::string_view part : base::split(text, ',')) {
        const auto number = base::parse_u64(base::trim(part));
        if (!number || *number >= device_limit)
            return {};
        numbers.push_back(static_cast<uint32_t>(*number));
    }
    return numbers;
}

static std::vector<Numbered> read_numbered(const os::Host &host) {
    std::vector<Numbered> devices;
    const auto names = host.list(folder, 2 * device_limit);
    if (!names)
        return devices;
    for (const std::string &name : *names) {
        constexpr std::string_view prefix = "neuron";
        const auto number = name.starts_with(prefix)
                                ? base::parse_u64(std::string_view(name).substr(prefix.size()))
                                : std::nullopt;
        if (!number || *number >= device_limit)
            continue;
        const std::string files = std::string(folder) + '/' + name + '/';
        Numbered device;
        device.number = static_cast<uint32_t>(*number);
        device.node = "/dev/" + name;
        // Readable for root alone.
        const auto cores = base::parse_u64(text_of(host, files + "core_count"));
        device.cores = cores && *cores <= device_limit ? static_cast<uint32_t>(*cores) : 0;
        device.neighbours = read_neighbours(text_of(host, files + "connected_devices"));
        device.instance = text_of(host, files + "info/architecture/instance_type");
        devices.push_back(std::move(device));
    }
    return devices;
}

/// True if there is a way from the first of them to each other one.
static bool are_connected(const std::vector<Numbered> &devices) {
    std::set<uint32_t> reached = {devices[0].number};
    for (size_t round = 0; round < devices.size(); ++round)
        for (const Numbered &device : devices)
            if (reached.count(device.number) != 0)
                reached.insert(device.neighbours.begin(), device.neighbours.end());
    return std::all_of(devices.begin(), devices.end(),
                       [&](const Numbered &device) { return reached.count(device.number) != 0; });
}

static void put_links(const std::vector<Device *> &functions, core::System &system) {
    for (size_t a = 0; a < functions.size(); ++a)
        for (size_t b = a + 1; b < functions.size(); ++b) {
            core::Link link;
            link.kind = core::LinkKind::Fabric;
            link.a = functions[a]->id;
            link.b = functions[b]->id;
            link.name = "NeuronLink";
            link.source = Source::Kernel;
            system.links.push_back(std::move(link));
        }
}

/// Access by the nodes of all, where that is the same for each.
static void put_access(const os::Host &host, const std::vector<Numbered> &numbered,
                       Device &device) {
    if (numbered.size() == 1) {
        device.access_message.clear();
        try_node(host, numbered[0].node, device);
        return;
    }
    const auto opens = [&](const Numbered &each) { return host.access(each.node) == Status::Ok; };
    const auto count = static_cast<size_t>(std::count_if(numbered.begin(), numbered.end(), opens));
    if (count == numbered.size()) {
        device.access = Status::Ok;
        device.access_message.clear();
        device.flags |= core::DeviceUsable;
    } else if (count == 0) {
        Device any;
        try_node(host, numbered[0].node, any);
        device.access = any.access;
        device.access_message = any.access_message;
    } else {
        device.access_message =
            base::format("%zu of the %zu nodes /dev/neuronN can be opened, and the driver does "
                         "not tell whose they are",
                         count, numbered.size());
    }
}

static void put_facts(const std::vector<Numbered> &numbered, Device &device) {
    const Numbered &first = numbered[0];
    const auto all = [&](auto same) { return std::all_of(numbered.begin(), numbered.end(), same); };
    if (first.cores != 0 && all([&](const Numbered &each) { return each.cores == first.cores; }))
        device.compute_units = {first.cores, Source::Kernel};
    if (!first.instance.empty() &&
        all([&](const Numbered &each) { return each.instance == first.instance; }))
        put_version(device, "neuron.instance", first.instance);
    if (numbered.size() == 1)
        device.put_attr(core::attr_int("neuron.index", first.number, Source::Kernel));
}

constexpr Family neuron_family = {"neuron", chips, nullptr, no_node};

base::Done find_neuron(const Machine &machine, core::System &system) {
    std::vector<Device *> functions;
    for (Device &device : system.devices)
        if (device.backends[0] == "neuron" && device.driver.value.starts_with("neuron"))
            functions.push_back(&device);
    if (functions.empty())
        return {};
    const std::vector<Numbered> numbered = read_numbered(machine.host);
    // Where a function has no number yet, or a number no function, nothing holds for all.
    if (numbered.size() != functions.size())
        return {};
    for (Device *device : functions) {
        put_access(machine.host, numbered, *device);
        put_facts(numbered, *device);
    }
    if (are_connected(numbered))
        put_links(functions, system);
    return {};
}

} // namespace hwa::detect
