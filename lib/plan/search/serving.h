// SPDX-License-Identifier: MIT
// Serving: equal devices that share tensors and sequences, as engines for servers do.
#pragma once

#include "plan/case.h"
#include "plan/plan.h"
#include "plan/search/candidates.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace hwa::plan {

/// Degrees of a deployment.
struct Deployment {
    uint32_t tensor = 1;
    uint32_t pipeline = 1;
    uint32_t data = 1;
};

/// All that the devices of a class allow besides single pipelines: tensor ranks divide the heads
/// and lie in one domain, replicas divide the batch. Of each tensor and data degree the shortest
/// pipeline comes first.
std::vector<Deployment> deployments_of(const core::Model &model, const DeviceClass &where,
                                       const Options &options, const Workload &workload);

/// Whether the engine for it, vLLM, is one to choose: it runs weights of whole numbers and floats,
/// not the packed blocks of GGUF, on graphics processors of NVIDIA and AMD with memory of their
/// own.
bool is_served(const Format &format, const DeviceClass &where);

/// Slices of a deployment over the first devices of the class.
void deploy(const Deployment &deployment, const DeviceClass &where, Case &one);

} // namespace hwa::plan
