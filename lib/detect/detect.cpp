// SPDX-License-Identifier: MIT
// The pipeline, step by step: each step takes the system a little further.
#include "detect/detect.h"

#include "base/text.h"
#include "core/system.h"
#include "detect/cpu.h"
#include "detect/cxl.h"
#include "detect/driver_tier.h"
#include "detect/links.h"
#include "detect/memory.h"
#include "detect/network.h"
#include "detect/nvidia.h"
#include "detect/pci_names.h"
#include "detect/probe.h"
#include "detect/routes.h"
#include "detect/storage.h"
#include "detect/surroundings.h"
#include "os/host.h"

#include <cerrno>

namespace hwa::detect {

using base::Done;
using base::Result;
using base::Status;
using core::Outcome;
using core::System;

static Result<std::unique_ptr<os::Host>> choose_host(const Options &options) {
    if (!options.sysroot.empty())
        return os::tree_host(options.sysroot);
    return os::live_host();
}

static void describe(const os::Host &host, System &system) {
    const os::KernelName kernel = host.kernel();
    if (!kernel.system.empty()) {
        std::string name = kernel.system + ' ' + kernel.release + ' ' + kernel.machine;
        for (char &c : name)
            if (&c < name.data() + kernel.system.size() && c >= 'A' && c <= 'Z')
                c = static_cast<char>(c - 'A' + 'a');
        system.platform = base::sanitise(name);
    }
    if (host.live())
        system.flags |= core::SystemLive;
}

static core::Backend row_of(const Probe &probe) {
    core::Backend row;
    row.name = probe.name;
    row.flags = probe.flags;
    return row;
}

/// That something could not be looked at is not the same as its not being there.
static Outcome outcome_of(const base::Error &why) {
    if (why.status == Status::NotFound)
        return Outcome::Absent;
    if (why.status == Status::Denied)
        return Outcome::Denied;
    const bool want = why.code == EMFILE || why.code == ENFILE || why.code == ENOMEM;
    return want ? Outcome::Starved : Outcome::Failed;
}

/// Runs one probe of the kernel tier and says what came of it.
static void run(const Probe &probe, const Machine &machine, System &system) {
    const size_t before = system.devices.size();
    const uint64_t start = os::clock_ns();
    Done done;
    if (probe.family != nullptr)
        done = find_family(machine, probe.name, *probe.family, system);
    if (done && probe.find != nullptr)
        done = probe.find(machine, system);
    core::Backend row = row_of(probe);
    row.device_count = static_cast<uint32_t>(system.devices.size() - before);
    row.outcome = row.device_count > 0 ? Outcome::Found : Outcome::Absent;
    if (!done && row.device_count == 0)
        row.outcome = outcome_of(done.error());
    if (!done)
        row.message = done.error().message;
    row.elapsed_ns = os::clock_ns() - start;
    system.backends.push_back(std::move(row));
}

static void run_kernel_tier(const os::Host &host, const Options &options, System &system) {
    const Machine machine(host);
    for (const Probe &probe : probes())
        if (probe.driver == nullptr && !skip_reason(probe, options))
            run(probe, machine, system);
    find_cxl(machine, system);
    // A parent that is not listed is no device one could look up.
    for (core::Device &device : system.devices)
        if (system.find_device(device.parent) == nullptr)
            device.parent.clear();
    name_by_system(host, system);
}

static void add_skipped(const Options &options, System &system) {
    for (const Probe &probe : probes()) {
        const auto reason = skip_reason(probe, options);
        if (!reason)
            continue;
        core::Backend row = row_of(probe);
        row.outcome = Outcome::Skipped;
        row.message = *reason;
        system.backends.push_back(std::move(row));
    }
}

/// Rows in the order of the table, whichever way they came.
static void order_rows(System &system) {
    std::vector<core::Backend> ordered;
    for (const Probe &probe : probes())
        for (core::Backend &row : system.backends)
            if (row.name == probe.name)
                ordered.push_back(std::move(row));
    system.backends = std::move(ordered);
}

static Done cancelled(const Options &options) {
    if (options.cancelled != nullptr && options.cancelled(options.cancelled_user) == 1)
        return base::error(Status::Cancelled, "the caller stopped the detection");
    return {};
}

static Result<System> look(const os::Host &host, const Options &options) {
    System system;
    describe(host, system);
    find_memory(host, system);
    find_surroundings(host, system);
    run_kernel_tier(host, options, system);
    HWA_CHECK(cancelled(options));
    if (host.live() && !options.no_drivers)
        HWA_CHECK(ask_drivers(host, options, system));
    HWA_CHECK(cancelled(options));
    finish_nvidia(system);
    if (!options.no_links) {
        find_links(host, system);
        find_storage(host, system);
        find_network(host, system);
    } else {
        system.links.clear(); // of what families found by the way
    }
    add_skipped(options, system);
    order_rows(system);
    find_routes(host, system);
    core::order(system);
    return system;
}

Result<System> detect(const Options &options) {
    HWA_TRY(const std::unique_ptr<os::Host> host, choose_host(options));
    if (options.capture_dir.empty())
        return look(*host, options);
    HWA_TRY(const std::unique_ptr<os::CaptureHost> capture,
            os::capture_host(*host, options.capture_dir));
    HWA_TRY(System system, look(*capture, options));
    HWA_CHECK(capture->write());
    return system;
}

} // namespace hwa::detect
