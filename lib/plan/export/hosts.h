// SPDX-License-Identifier: MIT
// Hosts: the devices of a plan by the machine they are in, and the variables that show a program
// these and no others.
#pragma once

#include "core/system.h"
#include "plan/export/command.h"
#include "plan/plan.h"

#include <string>
#include <vector>

namespace hwa::plan {

/// Makers whose way to choose devices is known.
enum class Maker { None, Nvidia, Amd, Intel };

Maker maker_of(const core::Device &device);

/// A machine with the devices that the plan uses there, in the order of the plan, each once.
struct Host {
    std::string name; ///< "" for the only one
    std::vector<const core::Device *> devices;
};

std::vector<Host> hosts_of(const Plan &plan);

/// Sets the variable by which the runtime of these devices' maker shows them in their order. Where
/// what detection saw does not tell its value, the command asks for it; not where all that there
/// are are used, and are alike.
void show_only(const core::System &system, const std::vector<const core::Device *> &devices,
               Command &command);

/// The same through Vulkan, for devices of several makers.
void show_only_in_vulkan(const core::System &system,
                         const std::vector<const core::Device *> &devices, Command &command);

} // namespace hwa::plan
