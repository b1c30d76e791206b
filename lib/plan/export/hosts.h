// SPDX-License-Identifier: MIT
// Hosts: the devices of a plan by the machine they are in, and the variables that show a program
// these and no others.
#pragma once

#include "core/system.h"
#include "plan/export/command.h"
#include "plan/plan.h"

#include <optional>
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

/// Unsupported, in the name of the program, where commands for several hosts would not find each
/// other, or data would pass a host twice.
base::Done check_several(const Plan &plan, const std::vector<Host> &hosts, const char *program);

/// Unsupported where hosts have unequal numbers of devices.
base::Done check_equal(const std::vector<Host> &hosts, const char *program);

/// "# on node-1", a line in front of what is typed there; nothing where there is but one host.
std::string heading(const std::vector<Host> &hosts, const Host &host);

/// Sets the variable by which the runtime of these devices' maker shows them in their order. Where
/// what detection saw does not tell its value, the command asks for it; not where all that there
/// are are used, and are alike.
void show_only(const core::System &system, const std::vector<const core::Device *> &devices,
               Command &command);

/// Numbers by which their maker's runtime knows these devices of one host, such as "0,2"; what they
/// need of the environment goes into the command. "" is all that there are; nothing is not known.
std::optional<std::string> numbers_of(const core::System &system,
                                      const std::vector<const core::Device *> &devices,
                                      Command &command);

/// As show_only() through Vulkan, for devices of several makers.
void show_only_in_vulkan(const core::System &system,
                         const std::vector<const core::Device *> &devices, Command &command);

} // namespace hwa::plan
