// SPDX-License-Identifier: MIT
// Drafts: tokens that a model's own layers for further tokens propose, and one pass of all layers
// checks. Such a pass makes as many tokens as are accepted in a row, and one more.
#pragma once

#include "base/status.h"
#include "plan/case.h"

namespace hwa::plan {

/// Those that each step proposes for a sequence, and the chance of one that all before it had.
struct Drafts {
    uint32_t count = 0;
    double acceptance = 1;

    /// A step makes them of each sequence: 1 + a + a^2 + ...
    double tokens() const;
};

inline constexpr uint32_t drafts_limit = 64;

/// DeepSeek's report of V3 (arXiv 2412.19437, 5.4.3) has 0.85 to 0.90 for the second token.
inline constexpr double usual_acceptance = 0.85;

Drafts drafts_of(const Run &run);

/// Unsupported where the engine is not known to draft, or the model has no layers to draft with.
base::Done check_drafts(const Case &one);

} // namespace hwa::plan
