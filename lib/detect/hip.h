// SPDX-License-Identifier: MIT
// The HIP witness.
#pragma once

#include "detect/probe.h"

namespace hwa::detect {

/// True if the kernel tier saw a card that amdgpu drives, this process may open /dev/kfd, and no
/// such card sleeps: the runtime opens all of them, which would wake it.
bool hip_wanted(const os::Host &host, const core::System &system);

/// Initialises HIP's runtime and asks it for devices; for the helper process.
base::Done ask_hip(const std::string &library_path, Findings &findings);

} // namespace hwa::detect
