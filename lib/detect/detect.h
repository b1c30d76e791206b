// SPDX-License-Identifier: MIT
// The detection pipeline: kernel tier, driver tier in helpers, merge, enrich, order.
#pragma once

#include "base/log.h"
#include "base/status.h"
#include "core/system.h"

#include <cstdint>
#include <string>

namespace hwa::detect {

/// hwa_detect_options_t in C++.
struct Options {
    bool no_drivers = false;
    bool in_process = false;
    bool no_links = false;
    uint32_t timeout_ms = 5000; ///< per backend
    std::string backends;       ///< "a,b": only these; "-a": all but; "": all
    std::string sysroot;
    std::string library_path;
    std::string capture_dir;
    base::Log log;
    int32_t (*cancelled)(void *user) = nullptr;
    void *cancelled_user = nullptr;
};

/// Looks at the machine, or at the tree in `sysroot`.
base::Result<core::System> detect(const Options &options);

} // namespace hwa::detect
