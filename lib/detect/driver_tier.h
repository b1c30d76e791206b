// SPDX-License-Identifier: MIT
// The driver tier: what asks vendor libraries, in helper processes.
#pragma once

#include "base/status.h"
#include "core/system.h"
#include "detect/detect.h"
#include "os/host.h"

namespace hwa::detect {

/// Asks every probe with a driver behind it that `options` allow and that has something to look
/// for, merges what they answer into `system`, and adds one row for each. Called on a live host
/// only, and only when drivers are allowed. Fails only with Cancelled.
base::Done ask_drivers(const os::Host &host, const Options &options, core::System &system);

} // namespace hwa::detect
