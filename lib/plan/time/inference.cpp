// SPDX-License-Identifier: MIT
// Seconds of prompts and tokens.
#include "plan/time/step.h"

#include <algorithm>

namespace hwa::plan {

base::Result<StepTime> inference_time(const Case &one) {
    HWA_TRY(const Sized sized, size_up(*one.model, one.format, one.workload));
    StepTime made;
    double memory = 0, compute = 0;
    for (const Slice &slice : one.slices) {
        const Rates rates = rates_of(*slice.device);
        const StageTime time =
            time_of(*one.model, sized, one.workload, slice.first_layer, slice.layer_count, rates);
        if (rates.bytes_per_second <= 0 || rates.ops_per_second <= 0)
            return StepTime{};
        memory += time.memory;
        compute += time.compute;
        made.token += time.step();
        made.prompt += time.prompt;
        made.error_factor = std::max(made.error_factor, rates.error_factor);
    }
    made.bound = compute > memory ? Bound::Compute : Bound::Memory;
    return made;
}

} // namespace hwa::plan
