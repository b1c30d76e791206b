// SPDX-License-Identifier: MIT
// What a person can do about a backend or a device that does not answer.
#pragma once

#include <hwa/hwa.h>

#include <string>

namespace hwa::tool {

/// What to do about the outcome of a backend; empty where nothing needs doing.
std::string remedy(const hwa_backend_info_t &backend);

/// A device, or a runtime of one, that cannot be opened.
struct Shut {
    hwa_kind_t kind;
    std::string device;
    std::string runtime; ///< "": the device itself
    bool has_driver;     ///< of the runtime, which knows the device
    hwa_status_t status;
    std::string message;
};

/// What to do about it; empty for HWA_OK.
std::string remedy(const Shut &shut);

} // namespace hwa::tool
