// SPDX-License-Identifier: MIT
// Memory of llama.cpp: what each device of a run holds, and what stays on the host.
#pragma once

#include "base/status.h"
#include "plan/case.h"

namespace hwa::plan {

/// All but the weights and the runtime's own memory: cache, buffers, and on the first device's part
/// what the host keeps for it.
base::Result<Footprint> llamacpp_bytes(const Case &one, const Slice &slice);

} // namespace hwa::plan
