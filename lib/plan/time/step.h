// SPDX-License-Identifier: MIT
// Seconds of a case: of a prompt, of a token, of a training step.
#pragma once

#include "base/status.h"
#include "plan/case.h"
#include "plan/time/pace.h"
#include "plan/time/roofline.h"

#include <span>

namespace hwa::plan {

/// 0 is not known.
struct StepTime {
    double prompt = 0;      ///< until the first token
    double waiting = 0;     ///< of `prompt`: until others leave room
    double token = 0;       ///< between two tokens of one sequence
    double step = 0;        ///< of one training step
    double step_tokens = 0; ///< that it trains on
    double utilization = 0; ///< of the peak rate, 0 to 1
    double error_factor = 0;
    double prompt_error_factor = 0; ///< of `prompt`, where it is not `error_factor`
    Bound bound = Bound::Unknown;
    bool unknown_link = false; ///< between two stages, and not counted
};

base::Result<StepTime> inference_time(const Case &one);
base::Result<StepTime> training_time(const Case &one);

/// With constants of one's own, as fitting needs; the engine is one that a pin names.
base::Result<StepTime> inference_time(const Case &one, std::span<const PaceFactor> table);

/// Where no engine is named. The time of each slice is one term of a sum, as the search needs.
base::Result<StepTime> turns_time(const Case &one);

/// Seconds of one slice alone, for one token of each sequence, where no engine is named; 0 is not
/// known.
double slice_seconds(const Case &one, const Slice &slice);

/// Seconds on the way from a stage to the next; 0 where its speed is not known.
struct HopTime {
    double step = 0;
    double prompt = 0;
};
HopTime hop_time(const Case &one, const Way &way);

} // namespace hwa::plan
