// SPDX-License-Identifier: MIT
// A step over a pipeline of unequal devices: each stage on its own devices, the slowest decides.
#include "plan/time/training_mixed.h"

#include "plan/likeness.h"

#include <algorithm>

namespace hwa::plan {

using core::Device;

namespace {

bool is_first_rank(const Slice &slice) {
    return slice.replica == 0 && slice.tensor_rank == 0 && slice.context_rank == 0;
}

Fabric fabric_of_class(const Case &one, const Device &device) {
    std::vector<const Device *> devices;
    for (const Slice &slice : one.slices)
        if (slice.device == &device || alike(*slice.device, device))
            devices.push_back(slice.device);
    return fabric_of(*one.system, devices);
}

double way_rate(const Fabric &fabric) {
    return fabric.island > 1 ? fabric.bytes_per_second : fabric.network_bytes_per_second;
}

} // namespace

bool is_mixed(const Case &one) {
    return std::any_of(one.slices.begin(), one.slices.end(), [&](const Slice &slice) {
        const Device *first = one.slices[0].device;
        return is_first_rank(slice) && slice.device != first && !alike(*slice.device, *first);
    });
}

Fabric slowest_way(const core::System &system, std::span<const Device *const> stages) {
    Fabric slowest;
    for (size_t i = 1; i < stages.size(); ++i) {
        if (alike(*stages[i - 1], *stages[i]))
            continue;
        const Device *ends[] = {stages[i - 1], stages[i]};
        const Fabric way = fabric_of(system, ends);
        if (slowest.bytes_per_second <= 0 || way_rate(way) < way_rate(slowest))
            slowest = way;
    }
    return slowest;
}

base::Result<StepTime> mixed_time(const Case &one) {
    std::vector<const Slice *> stages;
    std::vector<const Device *> devices;
    for (const Slice &slice : one.slices)
        if (is_first_rank(slice)) {
            stages.push_back(&slice);
            devices.push_back(slice.device);
        }
    const Fabric between = slowest_way(*one.system, devices);
    Case part = one;
    part.between = &between;
    part.products = nullptr; // it is of one class
    StepTime made;
    double peaks = 0;
    Fabric fabric;
    const Device *before = nullptr;
    for (const Slice *stage : stages) {
        if (before == nullptr || !alike(*before, *stage->device))
            fabric = fabric_of_class(one, *stage->device);
        before = stage->device;
        part.fabric = &fabric;
        part.slices = {*stage};
        HWA_TRY(const StepTime time, training_time(part));
        if (time.step <= 0 || time.utilization <= 0)
            return StepTime{};
        // Of the operations, what its devices would do of them at their peak.
        peaks += 1 / (time.utilization * time.step);
        const double error = std::max(made.error_factor, time.error_factor);
        if (time.step > made.step)
            made = time;
        made.error_factor = error;
    }
    made.utilization = static_cast<double>(stages.size()) / (made.step * peaks);
    return made;
}

} // namespace hwa::plan
