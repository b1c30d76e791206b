// SPDX-License-Identifier: MIT
// Manifests of installable drivers: is there anything a Vulkan or OpenCL loader would load.
#pragma once

#include "core/system.h"
#include "os/host.h"

#include <string>

namespace hwa::detect {

/// True if a loader would find at least one manifest where it searches, of a driver that could show
/// a device.
bool vulkan_manifests(const os::Host &host, const core::System &system);
bool opencl_manifests(const os::Host &host, const core::System &system);

/// Keeps the Vulkan loader from loading drivers whose devices cannot be there.
std::string vulkan_setting(const os::Host &host);
std::string no_setting(const os::Host &host);

} // namespace hwa::detect
