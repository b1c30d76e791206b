// SPDX-License-Identifier: MIT
// The Level Zero witness.
#pragma once

#include "detect/probe.h"

namespace hwa::detect {

/// True if the kernel tier saw graphics or a neural processing unit of Intel that its driver runs,
/// and none of them sleeps: the loader opens all of them, which would wake it.
bool level_zero_wanted(const os::Host &host, const core::System &system);

/// Has tiles told as parts of their device, unless the user has chosen otherwise.
std::string level_zero_setting(const os::Host &host);

/// Initialises the drivers behind the loader and asks them for devices; for the helper process.
base::Done ask_level_zero(const std::string &library_path, Findings &findings);

} // namespace hwa::detect
