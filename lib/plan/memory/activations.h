// SPDX-License-Identifier: MIT
// Activations: what training keeps from the forward pass until the backward pass has used it.
#pragma once

#include "plan/case.h"

namespace hwa::plan {

/// Bytes on one device, of all micro-batches under way.
struct Activations {
    double kept = 0;    ///< of the layers
    double layer = 0;   ///< of one layer while it is computed again
    double logits = 0;  ///< with their loss and its gradient
    double between = 0; ///< in front of the logits and behind
    double host = 0;    ///< of those kept, moved away
    /// The most of them at once: the loss is over before a layer is computed again.
    double peak() const { return kept + between + (logits > layer ? logits : layer); }
};

Activations activations_of(const Case &one, const Slice &slice);

} // namespace hwa::plan
