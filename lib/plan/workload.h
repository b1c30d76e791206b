// SPDX-License-Identifier: MIT
// Workload: what a model is asked to do, with its defaults filled in.
#pragma once

#include "base/status.h"
#include "core/dtype.h"

#include <cstdint>
#include <string>

namespace hwa::plan {

/// The values of hwa_mode_t.
enum class Mode : int32_t {
    Infer = 0,
    Train = 1,
    TuneLora = 2,
    TuneQlora = 3,
    TunePrefix = 4,
    TuneDpo = 5,
    TuneRlhf = 6,
    TuneDistill = 7,
};

/// 0 and Unknown ask for the default.
struct Workload {
    Mode mode = Mode::Infer;
    uint64_t batch = 0;
    uint64_t prompt_tokens = 0;
    uint64_t output_tokens = 0;
    uint64_t context_tokens = 0; ///< of each sequence
    core::Dtype weight_dtype = core::Dtype::Unknown;
    core::Dtype cache_dtype = core::Dtype::Unknown;
    std::string recipe;
};

/// The workload with every default in its place; refuses what this version cannot plan.
base::Result<Workload> settle(Workload workload);

} // namespace hwa::plan
