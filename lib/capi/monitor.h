// SPDX-License-Identifier: MIT
// Live readings behind the public functions that need them.
#pragma once

#include "capi/objects.h"
#include "monitor/monitor.h"

#include <span>

namespace hwa::capi {

/// How long the end of a helper that was killed may take; the kernel frees its memory meanwhile.
inline constexpr uint32_t reap_grace_ms = 100;

/// True if the device is one of this machine, looked at and not read from a file.
bool is_live(const hwa_device_t &device);

/// Begins to read devices of a live system.
monitor::Monitor start_readings(const SystemState &state,
                                std::span<const core::Device *const> devices);

} // namespace hwa::capi
