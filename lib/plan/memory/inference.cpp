// SPDX-License-Identifier: MIT
// Bytes that inference needs on each device, by the rules of the engine.
#include "plan/memory/inference.h"

#include "plan/memory/llamacpp.h"

namespace hwa::plan {

base::Result<Footprint> inference_bytes(const Case &one, const Slice &slice) {
    if (one.run.tensor.value_or(1) != 1)
        return base::error(base::Status::Unsupported,
                           "pins: tensor_parallel: memory of split tensors is not known yet");
    HWA_TRY(const Sized sized, size_up(*one.model, one.format, one.workload));
    Footprint made = footprint_of(sized, slice.first_layer, slice.layer_count, slice.device->kind);
    if (one.run.engine != Engine::LlamaCpp)
        return made;
    HWA_TRY(const Footprint own, llamacpp_bytes(one, slice));
    made.cache = own.cache;
    made.activations = own.activations;
    made.offload = own.offload;
    return made;
}

} // namespace hwa::plan
