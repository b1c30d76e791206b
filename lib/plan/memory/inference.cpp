// SPDX-License-Identifier: MIT
// Bytes that inference needs on each device, by the rules of the engine.
#include "plan/memory/inference.h"

namespace hwa::plan {

base::Result<Footprint> inference_bytes(const Case &one, const Slice &slice) {
    if (one.run.tensor.value_or(1) != 1)
        return base::error(base::Status::Unsupported,
                           "pins: tensor_parallel: memory of split tensors is not known yet");
    HWA_TRY(const Sized sized, size_up(*one.model, one.format, one.workload));
    return footprint_of(sized, slice.first_layer, slice.layer_count, slice.device->kind);
}

} // namespace hwa::plan
