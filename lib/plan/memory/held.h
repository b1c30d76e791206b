// SPDX-License-Identifier: MIT
// Held: bytes of the parts of a model in a format.
#pragma once

#include <cstdint>
#include <vector>

namespace hwa::plan {

/// Bytes of one part.
struct Held {
    uint64_t bytes = 0;
    uint64_t expert_bytes = 0; ///< of these, in routed experts
};

/// Bytes of every part.
struct HeldWeights {
    Held embedding;
    Held output; ///< empty when the embedding serves as output too
    Held other;  ///< norms, positions and towers; drafts are apart
    Held drafts;
    std::vector<Held> layers;

    uint64_t total() const;
};

} // namespace hwa::plan
