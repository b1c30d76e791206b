// SPDX-License-Identifier: MIT
// Seconds of a case: of a prompt, of a token, of a training step.
#pragma once

#include "base/status.h"
#include "plan/case.h"
#include "plan/time/roofline.h"

namespace hwa::plan {

/// 0 is not known.
struct StepTime {
    double prompt = 0;      ///< until the first token
    double token = 0;       ///< between two tokens of one sequence
    double step = 0;        ///< of one training step
    double utilization = 0; ///< of the peak rate, 0 to 1
    double error_factor = 0;
    Bound bound = Bound::Unknown;
};

base::Result<StepTime> inference_time(const Case &one);
base::Result<StepTime> training_time(const Case &one);

} // namespace hwa::plan
