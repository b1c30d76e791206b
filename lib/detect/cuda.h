// SPDX-License-Identifier: MIT
// The CUDA witness.
#pragma once

#include "detect/probe.h"

namespace hwa::detect {

/// True if the kernel tier saw a device of NVIDIA, or the nodes that its drivers make, and none
/// that the driver has in hand sleeps: initialising it reads facts of all (CUDA C++ Programming
/// Guide, "Initialization"), which wakes them.
bool cuda_wanted(const os::Host &host, const core::System &system);

/// Initialises the CUDA driver and asks it for devices; for the helper process.
base::Done ask_cuda(const std::string &library_path, Findings &findings);

} // namespace hwa::detect
