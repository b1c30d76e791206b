// SPDX-License-Identifier: MIT
// Case: one way to run a model, every choice made. What memory and time are computed of.
#pragma once

#include "core/model.h"
#include "core/system.h"
#include "plan/links.h"
#include "plan/memory/footprint.h"
#include "plan/run.h"
#include "plan/workload.h"

#include <cstdint>
#include <vector>

namespace hwa::plan {

struct Fabric;
struct HostTier;
class ProductMemo;

/// The part of a model that one device holds.
struct Slice {
    const core::Device *device = nullptr;
    uint32_t first_layer = 0;
    uint32_t layer_count = 0;
    uint32_t stage = 0; ///< of the pipeline
    uint32_t tensor_rank = 0;
    uint32_t expert_rank = 0;
    uint32_t context_rank = 0;
    uint32_t replica = 0;
    bool embedding = false; ///< it holds that too
    bool output = false;
    int32_t like = -1; ///< index of a slice before it that holds the same on an equal device
};

struct Case {
    const core::System *system = nullptr;
    const core::Model *model = nullptr;
    Format format;
    Workload workload;
    Run run;                         ///< the degrees of parallelism and the engine have values
    std::vector<Slice> slices;       ///< by stage
    const Links *links = nullptr;    ///< of the system
    const Sized *sized = nullptr;    ///< the model in this format for this workload
    const Fabric *fabric = nullptr;  ///< of its devices, where some of them have no slice
    ProductMemo *products = nullptr; ///< of the class of its devices, for a search
    const Fabric *between = nullptr; ///< of stages that are of several classes
    const HostTier *tier = nullptr;  ///< behind its devices, where some of them have no slice
};

} // namespace hwa::plan
