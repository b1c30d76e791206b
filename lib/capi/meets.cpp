// SPDX-License-Identifier: MIT
// hwa_device_meets(): whether a device is good enough for a job.
#include "capi/entry.h"
#include "capi/monitor.h"

#include "os/host.h"
#include "os/process.h"

#include <algorithm>
#include <cmath>

using namespace hwa;
using namespace hwa::capi;

/// How long a driver may take to say what is free.
static constexpr uint64_t patience_ns = 5000000000;

/// Bytes that a new job could have; 0: not known.
static uint64_t room_on(const hwa_device_t &device) {
    if (!is_live(device))
        return device.facts->memory_bytes();
    const core::Device *const one[] = {device.facts};
    uint64_t free = monitor::unknown_count;
    {
        monitor::Monitor monitor = start_readings(*device.system, one);
        monitor.read(os::clock_ns() + patience_ns);
        free = monitor.reading(0).memory_free_bytes;
    }
    os::reap_children(reap_grace_ms);
    return free == monitor::unknown_count ? 0 : free;
}

static bool computes(const core::Device &facts, const hwa_requirement_t &wanted) {
    const int32_t dtype = number(wanted.dtype);
    if (dtype == HWA_DTYPE_UNKNOWN)
        return wanted.ops_per_second == 0;
    const core::Compute *row = facts.find_compute(static_cast<core::Dtype>(dtype));
    return row != nullptr && row->support == core::Support::Native &&
           row->ops_per_second >= wanted.ops_per_second;
}

static bool runs(const core::Device &facts, const char *runtime) {
    return std::any_of(facts.runtimes.begin(), facts.runtimes.end(), [&](const auto &row) {
        return row.status == base::Status::Ok && row.name == runtime;
    });
}

static bool meets(const hwa_device_t &device, const hwa_requirement_t &wanted) {
    const core::Device &facts = *device.facts;
    const auto kind = static_cast<uint32_t>(facts.kind);
    if (wanted.usable > 1 || std::isnan(wanted.ops_per_second) || wanted.ops_per_second < 0)
        return false;
    if (wanted.kind_mask != 0 &&
        (facts.kind == core::Kind::Unknown || kind >= 32 || (wanted.kind_mask >> kind & 1) == 0))
        return false;
    if (wanted.vendor != nullptr && facts.vendor.value != wanted.vendor)
        return false;
    if (wanted.usable == 1 && (facts.flags & core::DeviceUsable) == 0)
        return false;
    if (facts.bytes_per_second() < wanted.bytes_per_second || !computes(facts, wanted))
        return false;
    if (wanted.runtime != nullptr && !runs(facts, wanted.runtime))
        return false;
    // Last, because it can take long.
    return wanted.memory_bytes == 0 || room_on(device) >= wanted.memory_bytes;
}

int32_t hwa_device_meets(const hwa_device_t *device, const hwa_requirement_t *requirement) {
    int32_t answer = 0;
    const hwa_status_t status = guarded(nullptr, [&]() -> base::Done {
        if (device == nullptr || requirement == nullptr)
            return null_argument("device");
        HWA_TRY(const hwa_requirement_t wanted, take_in(requirement, "requirement"));
        answer = meets(*device, wanted) ? 1 : 0;
        return {};
    });
    return status == HWA_OK ? answer : 0;
}
