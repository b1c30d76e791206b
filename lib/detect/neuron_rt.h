// SPDX-License-Identifier: MIT
// AWS's Neuron runtime as a witness.
#pragma once

#include "detect/probe.h"

namespace hwa::detect {

/// True of a device that the kernel tier found and AWS's driver runs.
bool is_run_by_neuron(const core::Device &device);

/// True if there is one.
bool neuron_rt_wanted(const os::Host &host, const core::System &system);

/// Asks the runtime, which is not initialised, for its version and for cores; for the helper
/// process. It shows one device, which stands for all.
base::Done ask_neuron_rt(const std::string &library_path, Findings &findings);

} // namespace hwa::detect
