// SPDX-License-Identifier: MIT
// Sentences of a plan: its assumptions, and why there is none.
#pragma once

#include "core/model.h"
#include "core/system.h"
#include "plan/plan.h"

#include <span>
#include <string>
#include <vector>

namespace hwa::plan {

/// Assumptions and choices a reader should know of.
void add_notes(const core::Model &model, double headroom, Plan &plan);

void add_training_notes(const core::Model &model, double headroom, Plan &plan);

/// Name of a model, or what stands for it.
std::string model_text(const core::Model &model);

std::string no_device_text(const std::vector<const core::Device *> &blind);
std::string too_slow_text(double fastest, double wanted);
/// "2 x RTX 4090, RTX 3060": each name once, in order of appearance.
std::string list_devices(std::span<const core::Device *const> devices);

} // namespace hwa::plan
