// SPDX-License-Identifier: MIT
// One device for each engine of the chip: which one it is by the most specific name in its node of
// the device tree (Devicetree Specification 2.3.1), and what it is bound to by its file uevent.
#include "detect/soc.h"

#include "base/text.h"
#include "detect/family.h"
#include "detect/pci_access.h"
#include "detect/sheet.h"

#include <algorithm>

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Kind;
using core::Source;

/// A chip has one or two engines of a family, a handful where each core has a node.
static constexpr size_t engine_limit = 64;

std::string SocSubject::path(const char *file) const {
    return os::platform_folder + device.name + '/' + file;
}

std::string SocSubject::text(const char *file) const {
    const auto content = host.read_file(path(file));
    return content ? base::legible(*content) : std::string();
}

std::string SocSubject::answer(const core::Device &found, const char *question) const {
    const core::Attr *node = found.find_attr("device.node");
    if (node == nullptr || found.access != Status::Ok ||
        text("power/runtime_status") == "suspended")
        return "";
    auto told = host.query(node->s, question);
    return told ? std::move(*told) : std::string();
}

/// The highest clock that the kernel allows (Linux Documentation/ABI/testing/sysfs-class-devfreq).
static void find_clock(const SocSubject &subject, Device &device) {
    constexpr uint64_t sane_hz = 10000000000;
    const auto names = subject.host.list(subject.path("devfreq"), 2);
    if (!names || names->empty())
        return;
    const std::string file = "devfreq/" + names->front() + "/max_freq";
    const auto hz = base::parse_u64(subject.text(file.c_str()));
    if (hz && *hz != 0 && *hz < sane_hz)
        device.clock_hz = {*hz, Source::Kernel};
}

std::string virtual_node(const os::Host &host, const char *device, bool display) {
    return drm_node(host, std::string(os::platform_folder) + device + '/', display);
}

static void find_access(const SocSubject &subject, const SocFamily &family, Device &device) {
    const std::string &driver = subject.device.driver;
    device.access = Status::Unavailable;
    if (driver.empty()) {
        device.access_message =
            std::string("no kernel driver is bound to it; it needs ") + family.drivers;
        return;
    }
    const bool display = subject.engine.kind == Kind::Gpu;
    const std::string node = family.node != nullptr
                                 ? family.node(subject)
                                 : drm_node(subject.host, subject.path(""), display);
    if (node.empty())
        device.access_message = "its driver " + driver + " made no device node for it";
    else
        try_node(subject.host, node, device);
}

/// What an engine sees is what the host has.
static void share_memory(const core::System &system, Device &device) {
    core::Memory memory;
    memory.role = core::MemoryRole::Unified;
    if (system.memory_bytes != 0)
        memory.size_bytes = {system.memory_bytes, Source::Kernel};
    if (const core::Attr *usable = core::find_attr(system.attrs, "memory.usable_bytes"))
        memory.usable_bytes = static_cast<uint64_t>(usable->i);
    device.memories.push_back(std::move(memory));
}

static Device soc_device(const SocSubject &subject, const char *backend, const SocFamily &family,
                         const core::System &system) {
    const Engine &engine = subject.engine;
    Device device;
    device.backends = {backend};
    device.id = "platform-" + subject.device.name;
    device.kind = engine.kind;
    device.flags = core::DeviceIntegrated;
    device.name = {engine.name, Source::Table};
    device.vendor = {family.vendor, Source::Table};
    if (*engine.architecture != '\0')
        device.architecture = {engine.architecture, Source::Table};
    if (!subject.device.driver.empty())
        device.driver = {subject.device.driver, Source::Kernel};
    if (engine.units != 0)
        device.compute_units = {engine.units, Source::Table};
    device.put_attr(
        core::attr_text("platform.compatible", subject.device.compatible[0], Source::Kernel));
    share_memory(system, device);
    find_access(subject, family, device);
    find_clock(subject, device);
    if (family.describe != nullptr)
        family.describe(subject, device);
    put_sheet(device);
    return device;
}

static const Engine *find_engine(const SocFamily &family, const os::PlatformDevice &device) {
    for (const std::string &compatible : device.compatible)
        for (const Engine &engine : family.engines)
            if (compatible == engine.compatible)
                return &engine;
    return nullptr;
}

namespace {

struct Match {
    const os::PlatformDevice *device;
    const Engine *engine;
};

} // namespace

static std::vector<Match> find_all(const Machine &machine, const SocFamily &family,
                                   const core::System &system) {
    std::vector<Match> found;
    for (const os::PlatformDevice &device : machine.platform) {
        const Engine *engine = find_engine(family, device);
        if (engine != nullptr && found.size() < engine_limit &&
            system.find_device("platform-" + device.name) == nullptr)
            found.push_back({&device, engine});
    }
    return found;
}

void find_soc(const Machine &machine, const char *backend, const SocFamily &family,
              core::System &system) {
    std::vector<Match> found = find_all(machine, family, system);
    const auto bound = [](const Match &match) { return !match.device->driver.empty(); };
    const auto count = static_cast<uint32_t>(found.size());
    if (family.nodes != Nodes::Each && count > 1) {
        // What works speaks for all.
        const auto first = std::find_if(found.begin(), found.end(), bound);
        found = {first != found.end() ? *first : found.front()};
    }
    for (const Match &match : found) {
        system.devices.push_back(
            soc_device({machine.host, *match.device, *match.engine}, backend, family, system));
        if (family.nodes == Nodes::Cores)
            system.devices.back().compute_units = {count, Source::Kernel};
    }
}

} // namespace hwa::detect
