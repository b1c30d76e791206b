// SPDX-License-Identifier: MIT
// Programs of the CPU from each kind of code it takes.
#pragma once

#include "launch/cpu_step.h"

namespace hwa::launch {

/// What a queue lets its programs be made with.
struct CodeSite {
    bool compiler = false;        ///< may run the system's compiler
    std::shared_ptr<Cache> cache; ///< may be NULL
    uint64_t timeout_ns = 0;      ///< for the compiler
    std::string device;           ///< what code made for this processor depends on
};

/// What code made for a processor depends on.
std::string code_identity(const core::Device *device);

base::Result<std::shared_ptr<CpuProgram>> build_cpu(const CodeSite &site,
                                                    const CodeRequest &request, std::string &log);

} // namespace hwa::launch
