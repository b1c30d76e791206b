// SPDX-License-Identifier: MIT
// Bytes that training and tuning need on each device, by the rules of the engine.
#pragma once

#include "base/status.h"
#include "plan/case.h"

namespace hwa::plan {

/// Tokens of a sequence where none are told: what the model takes, up to 4096.
uint64_t usual_sequence(const core::Model &model);

base::Result<Footprint> training_bytes(const Case &one, const Slice &slice);

/// Measured bytes are held to lie within those of training_bytes() / f and * f.
double training_error(const Case &one);

/// Of a whole model on one accelerator, by no engine's rules.
base::Result<Footprint> training_footprint(const core::Model &model, const Format &format,
                                           const Workload &workload);

} // namespace hwa::plan
