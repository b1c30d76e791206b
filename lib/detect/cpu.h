// SPDX-License-Identifier: MIT
// The processor as a device.
#pragma once

#include "core/system.h"
#include "os/host.h"

namespace hwa::detect {

/// Adds one device for each processor socket; there is always one.
base::Done find_cpu(const os::Host &host, core::System &system);

} // namespace hwa::detect
