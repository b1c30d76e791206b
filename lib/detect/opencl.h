// SPDX-License-Identifier: MIT
// The OpenCL witness.
#pragma once

#include "detect/probe.h"

namespace hwa::detect {

/// Loads the OpenCL loader and asks it for devices; for the helper process.
base::Done ask_opencl(const std::string &library_path, Findings &findings);

} // namespace hwa::detect
