// SPDX-License-Identifier: MIT
// The Vulkan witness.
#pragma once

#include "detect/probe.h"

namespace hwa::detect {

/// Loads the Vulkan loader and asks it for devices; for the helper process.
base::Done ask_vulkan(const std::string &library_path, Findings &findings);

} // namespace hwa::detect
