// SPDX-License-Identifier: MIT
// The public functions that read devices over time.
#include "capi/monitor.h"

#include "capi/entry.h"
#include "os/fork.h"
#include "os/host.h"
#include "os/process.h"

#include <algorithm>
#include <vector>

using namespace hwa;
using namespace hwa::capi;

struct hwa_monitor_t {
    std::shared_ptr<const SystemState> system;
    uint64_t process = os::process_stamp();
    monitor::Monitor monitor;
};

namespace hwa::capi {

bool is_live(const hwa_device_t &device) {
    return (device.system->system.flags & core::SystemLive) != 0;
}

monitor::Monitor start_readings(const SystemState &state,
                                std::span<const core::Device *const> devices) {
    return monitor::Monitor::open("", state.library_path, state.system, devices);
}

} // namespace hwa::capi

/// More than any machine has.
static constexpr uint32_t most_devices = 65536;

static base::Result<std::vector<const core::Device *>>
take_devices(const hwa_device_t *const *devices, uint32_t count) {
    if (devices == nullptr || count == 0)
        return null_argument("devices");
    if (count > most_devices)
        return base::error(base::Status::Invalid, "device_count: %u is more than %u", count,
                           most_devices);
    std::vector<const core::Device *> taken;
    for (uint32_t i = 0; i < count; ++i) {
        if (devices[i] == nullptr || devices[i]->system != devices[0]->system)
            return base::error(base::Status::Invalid, "devices[%u] is %s", i,
                               devices[i] == nullptr ? "NULL" : "of another system than the first");
        if (!is_live(*devices[i]))
            return base::error(
                base::Status::Unavailable,
                "%s is not a device of this machine: its system was read from a file",
                devices[i]->facts->id.c_str());
        taken.push_back(devices[i]->facts);
    }
    return taken;
}

hwa_status_t hwa_monitor_open(const hwa_device_t *const *devices, uint32_t device_count,
                              uint32_t flags, hwa_monitor_t **out_monitor, hwa_error_t *error) {
    return hand_out(out_monitor, error, [&]() -> base::Result<std::unique_ptr<hwa_monitor_t>> {
        if (flags != 0)
            return base::error(base::Status::Unsupported,
                               "flags: this version does not know the bits 0x%x", flags);
        HWA_TRY(const auto taken, take_devices(devices, device_count));
        auto made = std::make_unique<hwa_monitor_t>();
        made->system = devices[0]->system->shared_from_this();
        made->monitor = start_readings(*made->system, taken);
        return made;
    });
}

hwa_status_t hwa_monitor_read(hwa_monitor_t *monitor, uint64_t timeout_ns, hwa_error_t *error) {
    return guarded(error, [&]() -> base::Done {
        if (monitor == nullptr)
            return null_argument("monitor");
        if (monitor->process != os::process_stamp())
            return base::error(base::Status::Forked, "the monitor was opened before this process "
                                                     "was forked; open one here");
        const uint64_t now_ns = os::clock_ns();
        monitor->monitor.read(timeout_ns < UINT64_MAX - now_ns ? now_ns + timeout_ns : UINT64_MAX);
        return {};
    });
}

hwa_status_t hwa_monitor_sample(const hwa_monitor_t *monitor, uint32_t index,
                                hwa_sample_t *sample) {
    if (monitor == nullptr || sample == nullptr)
        return HWA_ERROR_INVALID;
    if (index >= monitor->monitor.size())
        return HWA_ERROR_RANGE;
    const monitor::Reading &reading = monitor->monitor.reading(index);
    hwa_sample_t full = HWA_INIT(hwa_sample_t);
    full.utilization = reading.utilization;
    full.temperature_c = reading.temperature_c;
    full.power_w = reading.power_w;
    full.memory_used_bytes = reading.memory_used_bytes;
    full.memory_total_bytes = reading.memory_total_bytes;
    full.clock_hz = reading.clock_hz;
    full.time_ns = reading.time_ns;
    full.memory_free_bytes = reading.memory_free_bytes;
    full.status = static_cast<hwa_status_t>(reading.status);
    full.flags = reading.asleep ? HWA_SAMPLE_ASLEEP : 0;
    full.message = or_null(reading.message);
    return fill_out(sample, full);
}

void hwa_monitor_free(hwa_monitor_t *monitor) {
    if (monitor != nullptr && monitor->process != os::process_stamp())
        monitor->monitor.disown();
    delete monitor;
    os::reap_children(reap_grace_ms);
}
