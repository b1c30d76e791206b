// SPDX-License-Identifier: MIT
// Routes: a table of which runtime drives whose devices; the rows of backends tell the rest.
#include "detect/routes.h"

#include "base/text.h"
#include "data/visibility.h"
#include "detect/probe.h"

#include <algorithm>
#include <span>

namespace hwa::detect {

using base::Status;
using core::Backend;
using core::Device;
using core::Outcome;
using core::Runtime;
using core::System;

static constexpr uint32_t amd = 0x1002;
static constexpr uint32_t nvidia = 0x10de;
static constexpr uint32_t intel = 0x8086;
/// Graphics that a device tree describes have no PCI id, and drivers in Mesa.
static constexpr uint32_t on_chip = 0;

static constexpr uint32_t with_cuda[] = {nvidia};
static constexpr uint32_t with_khronos[] = {amd, nvidia, intel, on_chip};

/// A runtime and the makers for whose GPUs it has drivers; best first. The processor's own comes
/// with the processor.
static constexpr struct Route {
    std::string_view runtime; ///< its probe is of the same name
    std::span<const uint32_t> vendors;
} routes[] = {
    {"cuda", with_cuda},
    {"opencl", with_khronos},
    {"vulkan", with_khronos},
    {"cpu", {}},
};

static size_t rank(const Runtime &runtime) {
    size_t place = 0;
    while (place < std::size(routes) && routes[place].runtime != runtime.name)
        ++place;
    return place;
}

/// Works before does not; within either the better one, and a driver's own order after that.
static void put_in_order(std::vector<Runtime> &rows) {
    std::stable_sort(rows.begin(), rows.end(), [](const Runtime &a, const Runtime &b) {
        const bool a_works = a.status == Status::Ok;
        const bool b_works = b.status == Status::Ok;
        return a_works != b_works ? a_works : rank(a) < rank(b);
    });
}

static bool could_drive(const Route &route, const Device &device) {
    if (device.kind != core::Kind::Gpu || (device.flags & core::DeviceSoftware) != 0)
        return false;
    return std::find(route.vendors.begin(), route.vendors.end(), device.pci_vendor.value) !=
           route.vendors.end();
}

template <class List> static bool holds(const List &list, std::string_view item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

static bool has_runtime(const Device &device, std::string_view name) {
    return std::any_of(device.runtimes.begin(), device.runtimes.end(),
                       [&](const Runtime &row) { return row.name == name; });
}

/// "its drivers do not show this device, but sw-vulkan-0 'llvmpipe'".
static std::string not_shown(const Backend &backend, const System &system) {
    std::string others;
    for (const Device &other : system.devices)
        if (holds(other.backends, backend.name))
            others += (others.empty() ? "" : ", ") + other.id + " '" + other.name.value + "'";
    return "its drivers do not show this device, but " + (others.empty() ? "none" : others);
}

/// Whether the driver had its turn and did not end it well; then the stage says where.
static bool went_wrong(Outcome outcome) {
    static constexpr Outcome all[] = {Outcome::Timeout, Outcome::Crashed, Outcome::Exited,
                                      Outcome::Garbage, Outcome::Failed};
    return std::find(std::begin(all), std::end(all), outcome) != std::end(all);
}

/// What came of asking, in words. Where the drivers were asked, a variable may be behind it.
static std::string story(const Backend &backend, const System &system,
                         const std::string &environment) {
    std::string text = backend.message;
    if (backend.outcome == Outcome::Found)
        text = not_shown(backend, system);
    else if (went_wrong(backend.outcome) && !backend.stage.empty())
        text = base::format("%s in %s%s%s", core::outcome_name(backend.outcome),
                            backend.stage.c_str(), text.empty() ? "" : ": ", text.c_str());
    if (text.empty())
        text = core::outcome_name(backend.outcome);
    if (!environment.empty() && backend.outcome != Outcome::Skipped)
        text += "; what hides it may be the environment, where " + environment;
    return text;
}

/// The row for a runtime that did not show the device.
static Runtime closed(const Probe &probe, const Backend &backend, const Device &device,
                      const System &system, const std::string &environment) {
    Runtime row;
    row.name = backend.name;
    row.status = Status::Unavailable;
    if (!probe.built) {
        row.status = Status::Unsupported;
        row.message = backend.message;
    } else if (device.access != Status::Ok) {
        row.status = device.access;
        row.message = device.access_message;
    } else {
        row.message = story(backend, system, environment);
    }
    return row;
}

/// "opencl.environment": a driver's own numbering holds as long as this is so.
static void note_environment(const std::string &whose, const std::string &set, Device &device) {
    if (!set.empty())
        device.put_attr(core::attr_text(whose + ".environment", set, core::Source::Measured));
}

static void find_routes_of(const os::Host &host, const System &system, Device &device) {
    const auto lookup = [&](const char *name) { return host.environment(name); };
    for (const Route &route : routes) {
        const Probe *probe = find_probe(route.runtime);
        if (probe == nullptr || !could_drive(route, device) || has_runtime(device, route.runtime) ||
            holds(device.backends, route.runtime))
            continue;
        for (const Backend &backend : system.backends)
            if (backend.name == route.runtime)
                device.runtimes.push_back(closed(*probe, backend, device, system,
                                                 data::visibility_text(route.runtime, lookup)));
    }
    put_in_order(device.runtimes);
    for (const Runtime &runtime : device.runtimes)
        note_environment(runtime.name, data::visibility_text(runtime.name, lookup), device);
    // What a family's own drivers obey is told, too, but hides nothing here.
    for (const std::string &backend : device.backends)
        note_environment(backend, data::visibility_text(backend, lookup), device);
}

void find_routes(const os::Host &host, System &system) {
    if (!host.live()) // nothing is run there
        return;
    for (Device &device : system.devices)
        find_routes_of(host, system, device);
}

} // namespace hwa::detect
