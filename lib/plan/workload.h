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

/// The values of hwa_optimizer_t.
enum class Optimizer : int32_t {
    AdamW = 0,
    AdamW8bit = 1,
    Adafactor = 2,
    Sgd = 3,
    SgdMomentum = 4
};

/// The values of hwa_recompute_t.
enum class Recompute : int32_t { Choose = 0, None = 1, Selective = 2, Full = 3 };

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
    // Training and tuning.
    uint64_t rank = 0; ///< of adapters
    uint64_t sequence_tokens = 0;
    uint64_t micro_batch = 0; ///< sequences that one replica takes at once
    Optimizer optimizer = Optimizer::AdamW;
    uint32_t zero_stage = 0; ///< plus 1
    Recompute recompute = Recompute::Choose;

    bool trains() const { return mode != Mode::Infer; }
};

/// "infer", "tune_lora".
const char *mode_name(Mode mode);

/// The workload with every default in its place; refuses what this version cannot plan.
base::Result<Workload> settle(Workload workload);

} // namespace hwa::plan
