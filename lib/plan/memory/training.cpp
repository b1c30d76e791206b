// SPDX-License-Identifier: MIT
// Bytes that training and tuning need on each device, by the rules of the engine.
#include "plan/memory/training.h"

namespace hwa::plan {

base::Result<Footprint> training_bytes(const Case &one, const Slice &) {
    return base::error(base::Status::Unsupported,
                       "workload: mode is %d, and only inference can be "
                       "planned yet",
                       static_cast<int>(one.workload.mode));
}

} // namespace hwa::plan
