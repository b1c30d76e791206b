// SPDX-License-Identifier: MIT
// Look-up and order of a system, and the names of outcomes.
#include "core/system.h"

#include <algorithm>
#include <tuple>

namespace hwa::core {

const Device *System::find_device(std::string_view id) const {
    for (const Device &device : devices)
        if (device.id == id)
            return &device;
    return nullptr;
}

Device *System::find_device(std::string_view id) {
    return const_cast<Device *>(std::as_const(*this).find_device(id));
}

static constexpr const char *outcome_names[] = {
    "unknown", "found",   "absent", "skipped", "missing", "denied",
    "timeout", "crashed", "exited", "garbage", "starved", "failed",
};

const char *outcome_name(Outcome outcome) {
    const auto index = static_cast<size_t>(outcome);
    return index < std::size(outcome_names) ? outcome_names[index] : "unknown";
}

Outcome outcome_from_name(std::string_view name) {
    for (size_t i = 0; i < std::size(outcome_names); ++i)
        if (name == outcome_names[i])
            return static_cast<Outcome>(i);
    return Outcome::Unknown;
}

/// Accelerators of a known kind, unknown ones, processors, then what the processor emulates.
static int rank(const Device &device) {
    if ((device.flags & DeviceSoftware) != 0)
        return 3;
    if (device.kind == Kind::Cpu)
        return 2;
    return device.kind == Kind::Unknown ? 1 : 0;
}

static double best_rate(const Device &device) {
    double best = 0;
    for (const Compute &row : device.compute)
        best = std::max(best, row.ops_per_second);
    return best;
}

void order(System &system) {
    const auto better = [](const Device &a, const Device &b) {
        return std::tuple(rank(a), a.kind, -best_rate(a), ~a.memory_bytes(),
                          std::string_view(a.id)) < std::tuple(rank(b), b.kind, -best_rate(b),
                                                               ~b.memory_bytes(),
                                                               std::string_view(b.id));
    };
    std::sort(system.devices.begin(), system.devices.end(), better);
    const auto faster = [](const Link &a, const Link &b) {
        return std::tie(b.bytes_per_second, a.a, a.b) < std::tie(a.bytes_per_second, b.a, b.b);
    };
    std::sort(system.links.begin(), system.links.end(), faster);
}

} // namespace hwa::core
