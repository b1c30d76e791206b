// SPDX-License-Identifier: MIT
// The HSA witness, which is asked where HIP is.
#pragma once

#include "detect/probe.h"

namespace hwa::detect {

/// Initialises AMD's HSA runtime and asks it for agents; for the helper process.
base::Done ask_hsa(const std::string &library_path, Findings &findings);

} // namespace hwa::detect
