// SPDX-License-Identifier: MIT
// The model behind hwa_model_t, and structs of planning from C and back.
#pragma once

#include <hwa/hwa.h>

#include "base/status.h"
#include "core/model.h"
#include "plan/memory/footprint.h"
#include "plan/workload.h"

#include <memory>

/// Kept alive by its handle and by every plan made of it.
struct hwa_model_t {
    std::shared_ptr<const hwa::core::Model> model;
};

namespace hwa::capi {

base::Result<plan::Workload> workload_in(const hwa_workload_t *given);
hwa_footprint_t footprint_out(const plan::Footprint &footprint);

} // namespace hwa::capi
