// SPDX-License-Identifier: MIT
// Manifests of installable drivers: is there anything a Vulkan or OpenCL loader would load.
#pragma once

#include "core/system.h"
#include "os/host.h"

namespace hwa::detect {

/// True if a loader would find at least one manifest where it searches.
bool vulkan_manifests(const os::Host &host, const core::System &system);
bool opencl_manifests(const os::Host &host, const core::System &system);

} // namespace hwa::detect
