// SPDX-License-Identifier: MIT
// What a person can do about a backend or a device that does not answer.
#pragma once

#include <hwa/hwa.h>

#include <string>

namespace hwa::tool {

/// What to do about the outcome of a backend; empty where nothing needs doing.
std::string remedy(const hwa_backend_info_t &backend);

/// What to do about a device that cannot be opened, or about a runtime of it; empty for HWA_OK.
std::string remedy(hwa_kind_t kind, const std::string &runtime, hwa_status_t access);

} // namespace hwa::tool
