// SPDX-License-Identifier: MIT
// Export: a plan as what another program takes.
#pragma once

#include "core/model.h"
#include "core/system.h"
#include "plan/plan.h"

#include <string>
#include <string_view>
#include <vector>

namespace hwa::plan {

/// A plan with what it was made of.
struct Planned {
    const core::System *system = nullptr;
    const core::Model *model = nullptr;
    const Plan *plan = nullptr;
};

/// The plan in one of the formats; NotFound names those there are, Unsupported says what of the
/// plan the program cannot do.
base::Result<std::string> export_plan(const Planned &planned, std::string_view format);

/// Their names.
std::vector<std::string_view> export_formats();

} // namespace hwa::plan
