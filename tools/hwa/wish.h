// SPDX-License-Identifier: MIT
// What is asked of a plan, from the command line to the library.
#pragma once

#include "arguments.h"
#include "library.h"
#include "pin.h"

#include <vector>

namespace hwa::tool {

/// `options` points into the rest.
struct Wish {
    Wish() = default;
    Wish(const Wish &) = delete;
    Wish &operator=(const Wish &) = delete;

    hwa_workload_t workload = HWA_INIT(hwa_workload_t);
    hwa_plan_options_t options = HWA_INIT(hwa_plan_options_t);
    std::vector<const hwa_device_t *> devices;
    std::vector<Pin> made; ///< what `pins` points into
    std::vector<hwa_attr_t> pins;
};

/// Fills the wish; otherwise says what is wrong and returns the exit status.
int read_wish(const Arguments &arguments, const hwa_system_t *system, Wish &wish);

/// Says why there is no plan, and what to change.
int refuse_plan(const hwa_error_t &error);

} // namespace hwa::tool
