// SPDX-License-Identifier: MIT
// Rows: bytes that engines on PyTorch and their like keep of each token, and of each sequence.
#pragma once

#include "plan/case.h"
#include "plan/memory/engines.h"

namespace hwa::plan {

/// Of one token in a layer's keys and values, as one rank keeps them.
double row_bytes(const Case &one, const core::Layer &layer);
/// Of the key beside it by which a small attention picks rows; 0: there is none.
double index_bytes(const core::Layer &layer);
/// Of one sequence in a recurrent layer, as one rank keeps it.
double state_bytes(const Case &one, const core::Layer &layer);

/// Whether layers with a window keep no more than that.
bool keeps_windows(const Case &one, const EngineProfile &profile);

/// Of one sequence of so many tokens in all layers of a slice.
double sequence_bytes(const Case &one, const Slice &slice, const EngineProfile &profile,
                      double tokens);

} // namespace hwa::plan
