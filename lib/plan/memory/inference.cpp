// SPDX-License-Identifier: MIT
// Bytes that inference needs on each device, by the rules of the engine.
#include "plan/memory/inference.h"

#include "plan/memory/llamacpp.h"
#include "plan/memory/shards.h"
#include "plan/memory/torch_engines.h"

#include <algorithm>

namespace hwa::plan {

base::Result<Footprint> inference_bytes(const Case &one, const Slice &slice) {
    const Engine engine = one.run.engine.value_or(Engine::Any);
    const EngineProfile *profile = find_profile(engine, one.run.engine_version);
    if (profile == nullptr && one.run.tensor.value_or(1) != 1)
        return base::error(base::Status::Unsupported,
                           "pins: tensor_parallel: how %s splits tensors is not known",
                           engine_name(engine));
    Sized own_sized;
    if (one.sized == nullptr) {
        HWA_TRY(own_sized, size_up(*one.model, one.format, one.workload));
    }
    const Sized &sized = one.sized != nullptr ? *one.sized : own_sized;
    Footprint made = footprint_of(sized, slice.first_layer, slice.layer_count, slice.device->kind);
    if (engine != Engine::Any && !one.model->tensors.empty()) {
        const Shard shard = weight_shard(one, slice);
        made.weights = shard.device;
        made.offload = shard.host;
        const uint64_t left = std::min(made.weights, one.run.host_bytes.value_or(0));
        made.weights -= left;
        made.offload += left;
    }
    if (engine == Engine::LlamaCpp) {
        HWA_TRY(const Footprint own, llamacpp_bytes(one, slice));
        made.cache = own.cache;
        made.activations = own.activations;
        made.offload += own.offload;
    } else if (profile != nullptr) {
        HWA_CHECK(torch_bytes(one, slice, *profile, made));
    }
    return made;
}

} // namespace hwa::plan
