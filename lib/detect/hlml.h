// SPDX-License-Identifier: MIT
// The HLML witness.
#pragma once

#include "detect/probe.h"

namespace hwa::detect {

/// True if the kernel tier saw a Gaudi or one of its forerunners that its driver runs.
bool hlml_wanted(const os::Host &host, const core::System &system);

/// Initialises HLML and asks it for devices; for the helper process.
base::Done ask_hlml(const std::string &library_path, Findings &findings);

} // namespace hwa::detect
