// SPDX-License-Identifier: MIT
// The XRT witness.
#pragma once

#include "detect/probe.h"

namespace hwa::detect {

/// True if the kernel tier saw a card that xocl drives or a neural engine that amdxdna drives, and
/// none of them sleeps: XRT opens them, which would wake it.
bool xrt_wanted(const os::Host &host, const core::System &system);

/// Asks XRT for devices; for the helper process.
base::Done ask_xrt(const std::string &library_path, Findings &findings);

/// The same where the functions of the PCI bus are those of `host`.
base::Done ask_xrt_of(const os::Host &host, const std::string &library_path, Findings &findings);

} // namespace hwa::detect
