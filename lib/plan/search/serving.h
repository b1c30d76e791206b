// SPDX-License-Identifier: MIT
// Serving: equal devices that share tensors, experts and sequences, as engines for servers do.
#pragma once

#include "plan/case.h"
#include "plan/plan.h"
#include "plan/search/candidates.h"
#include "plan/search/search.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace hwa::plan {

/// Degrees of a deployment: of a stage first, then how many of these.
struct Deployment {
    uint32_t tensor = 1; ///< ranks, those of all groups
    uint32_t groups = 1; ///< of these, each with sequences of its own
    uint32_t context = 1;
    uint32_t expert = 1;
    uint32_t data = 1;
    uint32_t least_stages = 1; ///< of each replica
    uint32_t most_stages = 1;

    uint32_t ranks() const { return tensor * context; }
    uint64_t layouts() const { return uint64_t{most_stages} - least_stages + 1; }
};

/// All that the devices of a class allow besides single pipelines. Ranks of a stage lie in one
/// domain; attention ranks divide the heads, replicas and groups the batch. Experts are split like
/// everything else, or spread over all ranks of a stage, which they then are a multiple of; only
/// then are there groups. Ranks of context are a power of two and keep 2048 tokens or more.
std::vector<Deployment> deployments_of(const core::Model &model, const DeviceClass &where,
                                       const Options &options, const Workload &workload);

/// Whether the engine for it, vLLM, is one to choose: it runs weights of whole numbers and floats,
/// not the packed blocks of GGUF, on graphics processors of NVIDIA and AMD with memory of their
/// own.
bool is_served(const Format &format, const DeviceClass &where);

/// A deployment that fits, with its stages, and what it is worth.
struct Served {
    const DeviceClass *where = nullptr;
    Deployment how;
    Worth worth;
};

/// The best deployment over a class that is better than `best`, if there is one. `accepts` is asked
/// of tokens per second; `visited` counts those whose memory was looked at. No deployment is left
/// out but those that are slower in one stage without limits of memory than the best is, and those
/// with more stages than fit.
void serve(Case &one, const DeviceClass &where, const Options &options,
           const std::function<bool(double)> &accepts, uint64_t &visited,
           std::optional<Served> &best);

/// Slices of a deployment of so many stages over the first devices of the class.
void deploy(const Deployment &deployment, const DeviceClass &where, Case &one);

} // namespace hwa::plan
