// SPDX-License-Identifier: MIT
// Plan: a model laid over devices, and the search for the best one.
#pragma once

#include "base/status.h"
#include "core/model.h"
#include "core/system.h"
#include "plan/memory/footprint.h"
#include "plan/run.h"
#include "plan/time/roofline.h"
#include "plan/workload.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hwa::plan {

/// The values of hwa_objective_t.
enum class Objective : int32_t { Throughput = 0, Latency = 1, Cost = 2, Quality = 3 };

/// Share of each memory that is left free where nobody says another.
inline constexpr double default_headroom = 0.1;

struct Options {
    Objective objective = Objective::Throughput;
    Workload workload;
    /// Those allowed; empty: all that make sense by default.
    std::vector<const core::Device *> devices;
    uint32_t max_devices = 0; ///< 0: no limit
    double headroom = 0;      ///< share of memory left free; 0: the default
    double usd_per_hour = 0;
    double min_tokens_per_second = 0;
    double min_weight_bits = 0;
    Run run;              ///< what is pinned
    bool explains = true; ///< a refusal tells what would have to change
    int32_t (*cancelled)(void *user) = nullptr;
    void *cancelled_user = nullptr;
};

/// The part of the model that one device holds.
struct Stage {
    const core::Device *device = nullptr;
    uint64_t first_layer = 0;
    uint64_t layer_count = 0;
    Footprint footprint;
    double seconds_per_token = 0; ///< 0: not known
    uint32_t replica = 0;
    uint32_t tensor_rank = 0;
    uint32_t expert_rank = 0;
    uint32_t context_rank = 0;
};

/// What a search went through, and what that proves. A layout is a format with a number of devices
/// of each class; all splits of the layers over it count as one.
struct Certificate {
    uint64_t space = 0;   ///< layouts that there are
    uint64_t visited = 0; ///< those whose best split was found, or shown not to fit
    uint64_t bounded = 0; ///< those that could not win
    double best = 0;      ///< seconds that the objective counts; 0: not known
    double least = 0;     ///< than which no layout can take fewer
    std::string binding;  ///< what keeps the plan from being better: "memory", "link"
};

/// What was chosen and what it should bring; 0 is not known.
struct Plan {
    Format format;
    double weight_bits = 0; ///< on average
    Workload workload;      ///< with its defaults
    Run run;
    std::vector<Stage> stages;
    Footprint footprint; ///< over all stages
    Bound bound = Bound::Unknown;
    bool unknown_link = false; ///< between two stages, and not counted
    uint64_t cache_tokens = 0; ///< that the engine's pool has room for
    double tokens_per_second = 0;
    double token_seconds = 0;
    double first_token_seconds = 0;
    double step_seconds = 0; ///< of training
    double flops_utilization = 0;
    double usd_per_hour = 0;
    double usd_per_million_tokens = 0;
    double error_factor = 0;
    double first_token_error_factor = 0; ///< where it is not `error_factor`
    double memory_error_factor = 0;
    std::vector<std::string> notes;
    Certificate certificate; ///< all 0 where nothing was searched
};

/// The best plan, or NoFit with what lacked and by how much. The devices of the plan are those of
/// `system`, which must outlive it.
base::Result<Plan> make_plan(const core::System &system, const core::Model &model,
                             const Options &options);

/// "memory", "unknown".
const char *bound_name(Bound bound);

/// The schema number written into every plan document.
inline constexpr uint64_t plan_schema = 1;

/// The whole plan as a document by docs/schema/plan.json, ending in a line end.
std::string plan_to_json(const core::Model &model, const Plan &plan);

} // namespace hwa::plan
